//! What a simulated gateway of a type answers: bytes in, bytes out.
//!
//! It shares the type file's reading of the manual, so it proves the plumbing, not the language; that is what the
//! vectors are for. `simulate` puts it behind a socket and plays faults.

mod database;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::definition::{DeviceType, SendSpec};
use super::expression::{Expression, Operand};
use super::format::{Field, field, named};
use super::judge::{ReplySpec, RuleVerdict};
use super::pattern::Pattern;
use super::template::Template;
use crate::codec::Cut;
use crate::model::Params;

pub(super) use database::LEAST as LEAST_DATABASE;

/// The longest request that a simulated device waits for the end of; what is longer is dropped.
const REQUEST_MAX: usize = 4096;

/// `[simulate]`: what a simulated device of a type does.
#[derive(Debug)]
pub struct Simulation {
    pub(super) per: Per,
    /// What is read of a state that was never stored.
    pub(super) unset: Box<[u8]>,
    /// Numbers that it remembers, with their first values.
    pub(super) variables: Vec<(Arc<str>, Expression)>,
    /// The file that it serves, by its size.
    pub(super) database: Option<usize>,
    pub(super) refused: Option<Template>,
    /// What a unit answers while it boots.
    pub(super) booting: Option<Template>,
    /// The first that matches answers.
    pub(super) answers: Vec<Answer>,
}

impl Simulation {
    /// Whether its units are one thing, which has one state and one fault: the relays of a board, as against the displays of
    /// a line.
    pub fn is_one(&self) -> bool {
        self.per == Per::Gateway
    }
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
    pub(super) when: Pattern,
    /// What must hold besides.
    pub(super) condition: Option<Expression>,
    /// What it makes of the numbers that are remembered.
    pub(super) set: Vec<(Arc<str>, Expression)>,
    /// Which state is read and stored.
    pub(super) key: Option<Template>,
    /// What is read of it before it was stored, where that is not what the type says.
    pub(super) unset: Option<Box<[u8]>>,
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
    params: Vec<Params>,
    /// How each unit is written on the wire.
    units: Vec<Vec<u8>>,
    /// By owner (a unit, or 0 for the gateway) and key.
    states: HashMap<(usize, Vec<u8>), Vec<u8>>,
    /// By owner and name.
    variables: HashMap<(usize, Arc<str>), i64>,
    database: Vec<u8>,
}

impl SendSpec {
    /// Takes the next whole request from what was received and gives its body; `None` until it is whole: by its length
    /// where it says one, else at its last bytes. A type whose requests have neither sends one per segment. A request
    /// whose checksum does not hold is dropped, as devices do.
    pub fn cut(&self, received: &mut BytesMut) -> Option<Bytes> {
        let layout = &self.layout;
        if layout.has_length() {
            loop {
                match layout.cut(received) {
                    Cut::Whole(len) => {
                        let frame = received.split_to(len).freeze();
                        return Some(frame.slice_ref(layout.body(&frame)));
                    }
                    Cut::Drop(len) => received.advance(len),
                    Cut::More => return None,
                }
            }
        }
        let suffix = layout.suffix().unwrap_or_default();
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
        let prefix = layout.prefix().unwrap_or_default();
        let skipped = if request.starts_with(prefix) { prefix.len() } else { 0 };
        Some(request.slice(skipped..))
    }
}

impl Simulated {
    /// A gateway with one unit per element of `units`, all of the type as it is for the first of them; `None` when the
    /// type cannot be simulated.
    pub fn new<'p>(device_type: &Arc<DeviceType>, units: impl IntoIterator<Item = &'p Params>) -> Option<Self> {
        let params: Vec<Params> = units.into_iter().cloned().collect();
        let device_type = device_type.effective(params.first().unwrap_or(&Params::default()));
        let simulation = device_type.simulation()?;
        let units: Vec<_> = params.iter().map(|params| device_type.unit_bytes(params).unwrap_or_default()).collect();
        let mut variables = HashMap::new();
        for (owner, params) in params.iter().enumerate() {
            for (name, first) in &simulation.variables {
                let value = first.number(&|name| device_type.operand(name, None, params)).ok()?;
                variables.insert((owner, name.clone()), value);
            }
        }
        let database = simulation.database.map(database::bytes).unwrap_or_default();
        Some(Self { device_type: device_type.clone(), params, units, states: HashMap::new(), variables, database })
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
        let Some(unit_named) = field(&fields, &unit.name) else { return Addressed::Nobody };
        let place = self.units.iter().position(|own| unit.agree(unit_named, own));
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
        self.instead(body, self.device_type.simulation()?.refused.as_ref()?)
    }

    /// Whether a no to the request with this body can be told from its answer: a board's no to a question would be read as
    /// a state. Where the language has no word for no at all, it is whatever the file calls one.
    pub fn may_refuse(&self, body: &[u8]) -> bool {
        let device_type = &*self.device_type;
        let says_no = |reply: &ReplySpec| reply.rules.iter().any(|rule| rule.verdict == RuleVerdict::Refused);
        let answers = device_type.reply_of(&device_type.traits_of(None, body));
        let answers = answers.and_then(|place| device_type.replies.get(place));
        answers.is_some_and(says_no) || !device_type.replies.iter().any(says_no)
    }

    /// What a unit answers that boots when the request with this body comes; `None` likewise.
    pub fn booting(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.instead(body, self.device_type.simulation()?.booting.as_ref()?)
    }

    /// How long a unit boots that does what the request with this body asks; `None`: that does not start it.
    pub fn boots(&self, body: &[u8]) -> Option<Duration> {
        let answers = &self.device_type.simulation()?.answers;
        answers.iter().find(|answer| answer.when.is_match(body))?.boots
    }

    /// An answer that is given instead of doing what was asked.
    fn instead(&self, body: &[u8], reply: &Template) -> Option<Vec<u8>> {
        let Addressed::Unit(unit) = self.addressed(body) else { return None };
        let fields = self.device_type.fields_of(body).unwrap_or_default();
        let reply = reply.fill(&|name| self.value(unit, &fields, body, None, name)).ok()?;
        self.framed(&reply)
    }

    /// Who has the state of a unit.
    fn owner(&self, unit: usize) -> usize {
        let per_unit = self.device_type.simulation().is_some_and(|simulation| simulation.per == Per::Unit);
        if per_unit { unit } else { 0 }
    }

    /// What a name stands for while a unit handles a request.
    fn value<'s>(
        &'s self,
        unit: usize,
        fields: &[Field<'s>],
        body: &'s [u8],
        state: Option<&'s [u8]>,
        name: &str,
    ) -> Option<Operand<'s>> {
        if let Some(field) = named(fields, name) {
            return Some(field.operand());
        }
        let owner = self.owner(unit);
        if let Some(value) = self.variables.get(&(owner, Arc::from(name))) {
            return Some(Operand::Int(*value));
        }
        match name {
            "state" => state.map(|state| Operand::Bytes(Cow::Borrowed(state))),
            "body" => Some(Operand::Bytes(Cow::Borrowed(body))),
            "payload" => Some(Operand::Bytes(Cow::Borrowed(&self.database))),
            "payload_len" => i64::try_from(self.database.len()).ok().map(Operand::Int),
            _ => self.device_type.operand(name, None, self.params.get(owner)?),
        }
    }

    fn act(&mut self, unit: usize, body: &[u8]) -> Option<Vec<u8>> {
        let device_type = self.device_type.clone();
        let simulation = device_type.simulation()?;
        let owner = self.owner(unit);
        let request = device_type.fields_of(body).unwrap_or_default();
        let (answer, fields) = simulation.answers.iter().find_map(|answer| {
            let mut fields = answer.when.fields(body)?;
            fields.extend(request.iter().cloned());
            let value = |name: &str| self.value(unit, &fields, body, None, name);
            let holds = answer.condition.as_ref().is_none_or(|condition| condition.number(&value) == Ok(1));
            holds.then_some((answer, fields))
        })?;
        let value = |name: &str| self.value(unit, &fields, body, None, name);
        let key = answer.key.as_ref().and_then(|key| Some((owner, key.fill(&value).ok()?)));
        let unset = answer.unset.as_deref().unwrap_or(&simulation.unset);
        let before = key.as_ref().and_then(|key| self.states.get(key)).map_or(unset, Vec::as_slice);
        let with_state = |name: &str| self.value(unit, &fields, body, Some(before), name);
        let store = answer.store.as_ref().and_then(|store| store.fill(&with_state).ok());
        // All of `set` is computed from what was before.
        let set: Vec<(Arc<str>, i64)> =
            answer.set.iter().filter_map(|(name, to)| Some((name.clone(), to.number(&value).ok()?))).collect();
        if let (Some(key), Some(store)) = (&key, store) {
            self.states.insert(key.clone(), store);
        }
        for (name, number) in set {
            self.variables.insert((owner, name), number);
        }
        let state = key.and_then(|key| self.states.get(&key)).map_or(unset, Vec::as_slice);
        let reply = answer.reply.as_ref()?;
        let reply = reply.fill(&|name| self.value(unit, &fields, body, Some(state), name)).ok()?;
        self.framed(&reply)
    }

    /// A reply with what surrounds it on the wire: that of requests, where both say their length.
    fn framed(&self, reply: &[u8]) -> Option<Vec<u8>> {
        let layout = &self.device_type.send.layout;
        if !layout.has_length() {
            return Some(reply.to_vec());
        }
        let mut bytes = Vec::with_capacity(reply.len() + 4);
        layout.write(reply, |piece, _| bytes.extend_from_slice(piece)).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Layout, LayoutPiece};
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
    fn only_what_has_a_word_for_no_among_its_answers_is_refused() {
        let cases: [(&str, &[u8], bool); 8] = [
            ("devantech-eth008", &[0x20, 1, 0], true),
            ("devantech-eth008", &[0x24], false),
            ("devantech-eth008", &[0x7A], false),
            ("ncd-proxr", &[0xFE, 108, 1], true),
            ("ncd-proxr", &[0xFE, 116, 1], true),
            ("lg-rs232", b"ka 01 01", true),
            ("lg-rs232", b"ka 01 ff", true),
            ("esc-cr", b"cycle", true),
        ];
        for (name, body, may) in cases {
            let device = Simulated::new(Catalog::built_in().get(name).unwrap(), &[Params::default()]).unwrap();
            assert_eq!(device.may_refuse(body), may, "{name} {body:02x?}");
        }
    }

    #[test]
    fn requests_are_cut_at_their_last_bytes_and_what_never_ends_is_dropped() {
        let literal = |bytes: &[u8]| LayoutPiece::Literal(bytes.into());
        let layout = Layout::new(vec![literal(b"<"), LayoutPiece::Body(0, None), literal(b">\r")]).unwrap();
        let send = SendSpec { layout, ..SendSpec::default() };
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
