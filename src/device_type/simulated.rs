//! What a simulated gateway of a type answers: bytes in, bytes out.
//!
//! It shares the type file's reading of the manual, so it proves the plumbing, not the language; that is what the
//! vectors are for. `simulate` puts it behind a socket and plays faults.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use regex::bytes::Regex;

use super::definition::{DeviceType, SendSpec};
use super::format::{Fields, field};
use super::request::named_groups;
use super::template::Template;
use crate::model::Params;

/// The longest request that a simulated device waits for the end of; what is longer is dropped.
const REQUEST_MAX: usize = 4096;

/// `[simulate]`: what a simulated device of a type does.
#[derive(Debug)]
pub struct Simulation {
    pub(super) per: Per,
    /// What is read of a state that was never stored.
    pub(super) unset: Box<[u8]>,
    pub(super) refused: Option<Template>,
    /// What a unit answers while it boots.
    pub(super) booting: Option<Template>,
    /// The first that matches answers.
    pub(super) answers: Vec<Answer>,
}

/// Who has a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    Unit,
    Gateway,
}

/// `[[simulate.answer]]`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) when: Regex,
    /// Which state is read and stored.
    pub(super) key: Option<Template>,
    pub(super) store: Option<Template>,
    /// Without one the device is silent.
    pub(super) reply: Option<Template>,
    /// What it asks for starts the unit, which then boots for so long.
    pub(super) boots: Option<Duration>,
}

/// Whom a request speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// One unit, by its place in the list that the gateway was made of.
    Unit(usize),
    /// All units, none of which answers.
    All,
    /// No unit that there is, or nothing that can be understood.
    Nobody,
}

/// A simulated gateway with its units and their state.
#[derive(Debug)]
pub struct Simulated {
    device_type: Arc<DeviceType>,
    /// How each unit is written on the wire.
    units: Vec<Vec<u8>>,
    /// By owner (a unit, or 0 for the gateway) and key.
    states: HashMap<(usize, Vec<u8>), Vec<u8>>,
}

impl SendSpec {
    /// Takes the next whole request from what was received and gives its body; `None` until its last bytes are there.
    /// A type whose requests have no last bytes sends one per segment.
    pub fn cut(&self, received: &mut BytesMut) -> Option<Bytes> {
        let suffix = &*self.suffix;
        let end = if suffix.is_empty() {
            (!received.is_empty()).then_some(received.len())?
        } else if let Some(end) = received.windows(suffix.len()).position(|window| window == suffix) {
            end
        } else {
            if received.len() > REQUEST_MAX {
                received.clear();
            }
            return None;
        };
        let request = received.split_to(end).freeze();
        received.advance(suffix.len());
        let skipped = if request.starts_with(&self.prefix) { self.prefix.len() } else { 0 };
        Some(request.slice(skipped..))
    }
}

impl Simulated {
    /// A gateway with one unit per element of `units`; `None` when the type cannot be simulated.
    pub fn new<'p>(device_type: &Arc<DeviceType>, units: impl IntoIterator<Item = &'p Params>) -> Option<Self> {
        device_type.simulation.as_ref()?;
        let units = units.into_iter().map(|params| device_type.unit_bytes(params).unwrap_or_default()).collect();
        Some(Self { device_type: device_type.clone(), units, states: HashMap::new() })
    }

    /// The type whose language it speaks.
    pub fn device_type(&self) -> &Arc<DeviceType> {
        &self.device_type
    }

    /// Whom the request with this body speaks to.
    pub fn addressed(&self, body: &[u8]) -> Addressed {
        let device_type = &*self.device_type;
        let Some(unit) = &device_type.unit_field else {
            return if self.units.is_empty() { Addressed::Nobody } else { Addressed::Unit(0) };
        };
        let Some(fields) = device_type.fields_of(body) else { return Addressed::Nobody };
        if device_type.traits_of(None, body).is_broadcast() {
            return Addressed::All;
        }
        let Some(named) = field(&fields, &unit.name) else { return Addressed::Nobody };
        let place = self.units.iter().position(|own| unit.agree(named, own));
        place.map_or(Addressed::Nobody, Addressed::Unit)
    }

    /// Does what the request with this body asks, and gives the reply; `None` is silence.
    pub fn answer(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        match self.addressed(body) {
            Addressed::Nobody => None,
            Addressed::Unit(unit) => self.act(unit, body),
            Addressed::All => {
                for unit in 0..self.units.len() {
                    self.act(unit, body);
                }
                None
            }
        }
    }

    /// What a unit answers that refuses the request with this body; `None` where the type says nothing or nobody is
    /// spoken to.
    pub fn refuse(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.instead(body, self.device_type.simulation.as_ref()?.refused.as_ref()?)
    }

    /// What a unit answers that boots when the request with this body comes; `None` likewise.
    pub fn booting(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.instead(body, self.device_type.simulation.as_ref()?.booting.as_ref()?)
    }

    /// How long a unit boots that does what the request with this body asks; `None`: that does not start it.
    pub fn boots(&self, body: &[u8]) -> Option<Duration> {
        let answers = &self.device_type.simulation.as_ref()?.answers;
        answers.iter().find(|answer| answer.when.is_match(body))?.boots
    }

    /// An answer that is given instead of doing what was asked.
    fn instead(&self, body: &[u8], reply: &Template) -> Option<Vec<u8>> {
        let Addressed::Unit(_) = self.addressed(body) else { return None };
        let fields = self.device_type.fields_of(body).unwrap_or_default();
        Some(reply.fill(|name| field(&fields, name)))
    }

    fn act(&mut self, unit: usize, body: &[u8]) -> Option<Vec<u8>> {
        let device_type = self.device_type.clone();
        let simulation = device_type.simulation.as_ref()?;
        let (answer, groups) =
            simulation.answers.iter().find_map(|answer| Some((answer, named_groups(&answer.when, body)?)))?;
        let request = device_type.fields_of(body).unwrap_or_default();
        let value = |name: &str| either(&groups, &request, name);
        let owner = if simulation.per == Per::Gateway { 0 } else { unit };
        let key = answer.key.as_ref().map(|key| (owner, key.fill(value)));
        if let (Some(key), Some(store)) = (&key, &answer.store) {
            self.states.insert(key.clone(), store.fill(value));
        }
        let state = key.and_then(|key| self.states.get(&key)).map_or(&*simulation.unset, Vec::as_slice);
        let reply = answer.reply.as_ref()?;
        Some(reply.fill(|name| if name == "state" { Some(state) } else { value(name) }))
    }
}

fn either<'b>(groups: &Fields<'b>, request: &Fields<'b>, name: &str) -> Option<&'b [u8]> {
    field(groups, name).or_else(|| field(request, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_type::Catalog;
    use crate::model::ParamValue;

    fn chain(ids: &[i64]) -> Simulated {
        let lg = Catalog::built_in().get("lg-rs232").unwrap().clone();
        let units: Vec<Params> =
            ids.iter().map(|&id| [("set_id".into(), ParamValue::Int(id))].into_iter().collect()).collect();
        Simulated::new(&lg, &units).unwrap()
    }

    #[test]
    fn each_unit_has_its_own_state_and_a_broadcast_acts_on_all_unanswered() {
        let mut chain = chain(&[1, 10]);
        for (body, reply) in [
            ("ka 01 ff", Some("a 01 OK00x")),
            ("ka 01 01", Some("a 01 OK01x")),
            ("ka 01 FF", Some("a 01 OK01x")),
            ("ka 0a ff", Some("a 0a OK00x")),
            ("kf 0A 1e", Some("f 0A OK1ex")),
            ("kf 0a ff", Some("f 0a OK1ex")),
            ("ka 00 01", None),
            ("ka 0a ff", Some("a 0a OK01x")),
            ("ka 02 01", None),
            ("hello", None),
            ("", None),
        ] {
            let found = chain.answer(body.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), reply, "{body}");
        }
    }

    #[test]
    fn it_is_known_whom_a_request_speaks_to_and_how_it_is_refused() {
        let chain = chain(&[1, 10]);
        for (body, addressed, refused) in [
            ("ka 0a 01", Addressed::Unit(1), Some(&b"a 0a NG00x"[..])),
            ("ka 00 01", Addressed::All, None),
            ("ka 05 01", Addressed::Nobody, None),
        ] {
            assert_eq!(chain.addressed(body.as_bytes()), addressed, "{body}");
            assert_eq!(chain.refuse(body.as_bytes()).as_deref(), refused, "{body}");
        }
    }

    #[test]
    fn requests_are_cut_at_their_last_bytes_and_what_never_ends_is_dropped() {
        let send = SendSpec { prefix: b"<".as_slice().into(), suffix: b">\r".as_slice().into(), fields: None };
        let mut received = BytesMut::from(&b"<a>\r<b>"[..]);
        assert_eq!(send.cut(&mut received).as_deref(), Some(&b"a"[..]));
        assert_eq!(send.cut(&mut received), None);
        received.extend_from_slice(b"\r");
        assert_eq!(send.cut(&mut received).as_deref(), Some(&b"b"[..]));
        received.extend_from_slice(&[b'x'; REQUEST_MAX + 1]);
        assert_eq!(send.cut(&mut received), None);
        assert!(received.is_empty());
        let plain = SendSpec::default();
        assert_eq!(plain.cut(&mut BytesMut::from(&b"20 01"[..])).as_deref(), Some(&b"20 01"[..]));
        assert_eq!(plain.cut(&mut received), None);
    }
}
