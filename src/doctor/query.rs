//! The harmless question: which action of a type only asks, and what its variants look like on the wire. Pure.

use std::sync::Arc;

use super::seen::Terminator;
use crate::device_type::{CommandSource, DeviceType, ParamKind, ParamSpec, Request, RequestError};
use crate::model::{ParamValue, Params, Payload};

/// The harmless question to one device.
#[derive(Debug)]
pub struct Query {
    /// The action it comes from.
    pub action: Arc<str>,
    /// As a run would ask it.
    pub request: Request,
    /// The same question as devices with other parameters are asked, where those choose how the type speaks: none of
    /// them is a guess about the device, each is a word or number of the type's own.
    pub dialects: Vec<Dialect>,
    source: CommandSource,
    params: Params,
}

/// A parameter that changes how a device is asked.
#[derive(Debug)]
pub struct Dialect {
    /// Its name.
    pub param: Arc<str>,
    /// The other value.
    pub value: ParamValue,
    /// The device's value.
    pub own: Option<ParamValue>,
    /// The question of a device with the other value.
    pub query: Query,
}

/// More values of a number than this choose no dialect.
const FEW: u64 = 4;

/// Why there is no question to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoQuery {
    /// The type knows none.
    #[error("device type `{0}` names nothing that only asks, so nothing is sent to the device")]
    Unknown(Arc<str>),
    /// It cannot be written for this device.
    #[error("the question `{action}` cannot be asked: {error}")]
    Unwritable {
        /// The action.
        action: Arc<str>,
        /// Why.
        error: RequestError,
    },
}

/// The question for a device with these parameters: the type's `probe`, else the first action without arguments that
/// only asks and tells no secret.
///
/// # Errors
/// When the type has none, or lacks a parameter for it.
pub fn harmless(device_type: &Arc<DeviceType>, params: &Params) -> Result<Query, NoQuery> {
    let mut query = question(device_type, params)?;
    query.dialects = device_type
        .params
        .iter()
        .filter(|spec| Some(&spec.name) != device_type.unit_param.as_ref())
        .flat_map(|spec| values(spec).into_iter().map(move |value| (spec, value)))
        .filter_map(|(spec, value)| {
            let own = params.get(&spec.name).or(spec.default.as_ref()).cloned();
            let others = params.overridden_by([(spec.name.clone(), value.clone())]);
            let other = question(device_type, &others).ok().filter(|_| own.as_ref() != Some(&value))?;
            let is_framed_alike = match (query.request.framing(), other.request.framing()) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                _ => true,
            };
            let differs = other.request.payload() != query.request.payload() || !is_framed_alike;
            differs.then(|| Dialect { param: spec.name.clone(), value, own, query: other })
        })
        .collect();
    Ok(query)
}

/// The values of a parameter that has few.
fn values(spec: &ParamSpec) -> Vec<ParamValue> {
    match &spec.kind {
        ParamKind::Choice { values } => values.iter().map(|(word, _)| ParamValue::Choice(word.clone())).collect(),
        ParamKind::Bool => vec![ParamValue::Bool(false), ParamValue::Bool(true)],
        ParamKind::Int { min, max, step: 1 } if max.abs_diff(*min) < FEW => {
            (*min..=*max).map(ParamValue::Int).collect()
        }
        _ => Vec::new(),
    }
}

fn question(device_type: &Arc<DeviceType>, params: &Params) -> Result<Query, NoQuery> {
    let mut failed = None;
    let device_type = &device_type.effective(params);
    let probe = device_type.probe.as_deref().and_then(|name| device_type.action(name));
    let others = device_type.actions().filter(|action| action.args.iter().all(|arg| arg.default.is_some()));
    for action in probe.into_iter().chain(others) {
        let source = CommandSource::Action(action.name.clone());
        let made = device_type.body(&source, params).and_then(|body| device_type.request(&source, body, false));
        match made {
            Ok(request) if request.is_query() && !request.is_broadcast() && !request.payload().has_secret() => {
                let (action, params) = (action.name.clone(), params.clone());
                return Ok(Query { action, request, dialects: Vec::new(), source, params });
            }
            Ok(_) => {}
            Err(error) => {
                failed.get_or_insert(NoQuery::Unwritable { action: action.name.clone(), error });
            }
        }
    }
    Err(failed.unwrap_or_else(|| NoQuery::Unknown(device_type.name.clone())))
}

impl Dialect {
    /// The parameter with the other value, as an inventory says it.
    pub fn setting(&self) -> String {
        format!("{} = {}", self.param, toml_value(&self.value).unwrap_or_default())
    }

    /// The same with the device's own value.
    pub fn own_setting(&self) -> String {
        match self.own.as_ref().and_then(toml_value) {
            Some(own) => format!("{} = {own}", self.param),
            None => format!("no {}", self.param),
        }
    }
}

/// A value as an inventory writes it; a secret is not written.
pub(super) fn toml_value(value: &ParamValue) -> Option<String> {
    match value {
        ParamValue::Int(_) | ParamValue::Bool(_) => Some(value.to_string()),
        ParamValue::Text(_) | ParamValue::Bytes(_) | ParamValue::Choice(_) => Some(quoted(&value.to_string())),
        ParamValue::Secret(_) => None,
    }
}

/// A TOML basic string: JSON's escapes are TOML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

impl Query {
    /// The device's parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The number of the unit that it asks, where its type has units with numbers.
    pub fn unit(&self) -> Option<i64> {
        let device_type = self.request.device_type();
        let spec = device_type.param(device_type.unit_param.as_deref()?)?;
        match self.params.get(&spec.name).or(spec.default.as_ref()) {
            Some(ParamValue::Int(unit)) => Some(*unit),
            _ => None,
        }
    }

    /// The range of unit numbers.
    pub fn units(&self) -> Option<(i64, i64)> {
        let device_type = self.request.device_type();
        match device_type.param(device_type.unit_param.as_deref()?)?.kind {
            ParamKind::Int { min, max, .. } => Some((min, max)),
            _ => None,
        }
    }

    /// The same question to another unit; `None` where the type has no such unit, or the question does not name it.
    pub fn of_unit(&self, unit: i64) -> Option<Request> {
        let (min, max) = self.units()?;
        let request = self.with_unit(unit).filter(|_| (min..=max).contains(&unit))?;
        (request.payload() != self.request.payload() && !request.is_broadcast()).then_some(request)
    }

    /// The question to all units at once, where the type has one: unit 0.
    pub fn of_everyone(&self) -> Option<Payload> {
        let request = self.with_unit(0)?;
        request.is_broadcast().then(|| request.payload().as_ref().clone())
    }

    fn with_unit(&self, unit: i64) -> Option<Request> {
        let device_type = self.request.device_type();
        let name = device_type.unit_param.clone()?;
        let params = self.params.overridden_by([(name, ParamValue::Int(unit))]);
        let body = device_type.body(&self.source, &params).ok()?;
        device_type.request(&self.source, body, false).ok()
    }

    /// The same question with another end; `None` where that is no variant, or the language is not one of text lines.
    pub(super) fn ending_in(&self, terminator: Terminator) -> Option<Payload> {
        let (text, own) = self.line()?;
        (own != terminator).then(|| Payload::plain(&[text, terminator.bytes()].concat()))
    }

    /// What ends a command in this type's language; `None` where commands are no lines of text.
    pub fn own_terminator(&self) -> Option<Terminator> {
        self.line().map(|(_, terminator)| terminator)
    }

    /// The question as a line of text and its end.
    fn line(&self) -> Option<(&[u8], Terminator)> {
        // To a binary language a line end is a command of its own.
        if !self.request.device_type().link.may_detect_telnet {
            return None;
        }
        let bytes = self.request.payload().bytes();
        let ends = [Terminator::CrLf, Terminator::Cr, Terminator::Lf, Terminator::Nothing];
        let (text, own) = ends.into_iter().find_map(|end| Some((bytes.strip_suffix(end.bytes())?, end)))?;
        (!text.is_empty() && text.iter().all(|byte| (0x20..=0x7e).contains(byte))).then_some((text, own))
    }

    /// The unit that a whole reply names.
    pub fn unit_named(&self, frame: &[u8]) -> Option<i64> {
        let field = self.request.device_type().unit_field.as_ref()?;
        let fields = self.request.framing()?.fields(frame);
        let (_, bytes) = fields.into_iter().find(|(name, _)| *name == &*field.name)?;
        field.format.read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_type::{Catalog, Origin, read_type};
    use crate::diagnostic::{Diagnostics, Sources};

    fn lg(set_id: i64) -> Query {
        let params: Params = [(Arc::from("set_id"), ParamValue::Int(set_id))].into_iter().collect();
        harmless(Catalog::built_in().get("lg-rs232").unwrap(), &params).unwrap()
    }

    #[test]
    fn the_question_only_asks_and_its_variants_are_those_of_the_manual() {
        let query = lg(10);
        assert_eq!(query.request.payload().bytes(), b"ka 0a ff\r");
        assert_eq!((query.unit(), query.units()), (Some(10), Some((1, 1000))));
        assert_eq!(query.of_unit(99).unwrap().payload().bytes(), b"ka 63 ff\r");
        assert!(query.of_unit(10).is_none() && query.of_unit(0).is_none() && query.of_unit(1001).is_none());
        assert_eq!(query.of_everyone().unwrap().bytes(), b"ka 00 ff\r");
        assert_eq!(query.own_terminator(), Some(Terminator::Cr));
        let ends = Terminator::ALL.map(|end| query.ending_in(end).map(|one| one.bytes().to_vec()));
        let expected = [None, Some(&b"ka 0a ff\r\n"[..]), Some(b"ka 0a ff\n"), Some(b"ka 0a ff")];
        assert_eq!(ends.each_ref().map(Option::as_deref), expected);
        assert_eq!(query.unit_named(b"a 63 OK00x"), Some(99));
        assert_eq!(query.unit_named(b"?"), None);
    }

    #[test]
    fn a_language_that_is_not_text_is_asked_with_no_line_end() {
        let text = include_str!("../../config/device-types/lg-rs232.toml");
        let mut found = Diagnostics::default();
        let source = Sources::default().add("lg.toml", text);
        let mut binary = read_type(text, source, Origin::BuiltIn, &mut found).unwrap();
        binary.link.may_detect_telnet = false;
        let query = harmless(&Arc::new(binary), &Params::default()).unwrap();
        assert!(Terminator::ALL.into_iter().all(|end| query.ending_in(end).is_none()));
        assert_eq!(query.own_terminator(), None);
    }
}
