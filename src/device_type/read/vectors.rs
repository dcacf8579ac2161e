//! `[[vector]]`: proof that the file describes its device.

use std::collections::HashSet;
use std::sync::Arc;

use toml::de::DeValue;

use super::actions::Actions;
use super::languages::{bytes, known, mistake, template, word};
use super::params::read_value;

use crate::device_type::action::Scale;
use crate::device_type::body::CommandSource;
use crate::device_type::conclude::WaitEnd;
use crate::device_type::param::ParamSpec;
use crate::device_type::template::Holes;
use crate::device_type::vector::{Script, Vector, VectorStep};
use crate::diagnostic::{Diagnostics, Span, TomlTable, TomlValue};
use crate::model::{ErrorKind, ParamValue, Params, Status, Value};

const ENDS: [(&str, WaitEnd); 3] =
    [("silence", WaitEnd::Silence), ("close", WaitEnd::Closed), ("reset", WaitEnd::Reset)];

pub(super) fn read_vectors(
    table: &mut TomlTable<'_, '_>,
    params: &[ParamSpec],
    actions: &Actions<'_>,
    can_be_simulated: bool,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<Vector> {
    let own = Own { params, actions, can_be_simulated, is_text };
    let mut ids: HashSet<&str> = HashSet::new();
    let mut vectors = Vec::new();
    for value in table.array("vector", diagnostics) {
        let Some(mut vector) = value.table("[[vector]]", diagnostics) else { continue };
        let id = vector.required_text("id", diagnostics);
        if let Some((id, span)) = &id
            && !ids.insert(id)
        {
            mistake(diagnostics, format!("a second vector `{id}`"), span.clone(), "", None);
        }
        let read = read_vector(&mut vector, id, own, diagnostics);
        vector.finish(diagnostics);
        vectors.extend(read);
    }
    vectors
}

/// What the vectors of a type speak of.
#[derive(Clone, Copy)]
struct Own<'a> {
    params: &'a [ParamSpec],
    actions: &'a Actions<'a>,
    can_be_simulated: bool,
    is_text: bool,
}

fn read_vector(
    table: &mut TomlTable<'_, '_>,
    id: Option<(&str, Span)>,
    own: Own<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vector> {
    let Own { params, can_be_simulated, is_text, .. } = own;
    let given = read_given(table.get("params"), params, diagnostics);
    let statuses = Status::ALL.map(|status| (status.as_str(), status));
    let kinds = ErrorKind::ALL.map(|kind| (kind.as_str(), kind));
    let status = match table.get("status") {
        Some(value) => word(value, &statuses, diagnostics),
        None => {
            table.missing("status", diagnostics);
            None
        }
    };
    let kind = table.get("kind").and_then(|value| word(value, &kinds, diagnostics));
    let id = id.map(|(id, _)| Arc::from(id));
    if let Some(value) = table.get("wire") {
        if !can_be_simulated {
            let message = "a `wire` vector needs `[simulate]`".to_owned();
            mistake(diagnostics, message, value.span(), "bytes for the simulated device", None);
        }
        let script = Script::Wire(bytes(value, is_text, diagnostics)?.into());
        return Some(Vector {
            id: id?,
            params: given.into_iter().collect(),
            script,
            status: status?,
            kind,
            value: None,
        });
    }
    let (source, args) = read_source(table, own, diagnostics);
    let steps = match table.get("steps") {
        Some(value) => read_steps(value, is_text, diagnostics),
        None => vec![read_step(table, false, is_text, diagnostics)],
    };
    let steps: Option<Vec<VectorStep>> = steps.into_iter().collect();
    let then = table.get("then").and_then(|value| word(value, &ENDS, diagnostics)).unwrap_or(WaitEnd::Silence);
    let value = table.get("value").and_then(|value| match value.value() {
        DeValue::Integer(_) => value.int(diagnostics).map(Value::Int),
        DeValue::Float(float) => match Scale::parse(float.as_str()) {
            Some(Scale { factor: digits, places }) => Some(Value::Decimal { digits, places }),
            None => value.text(diagnostics).map(|text| Value::Text(text.into())),
        },
        DeValue::Array(_) => {
            let numbers = value.array(diagnostics);
            let numbers: Option<Vec<i64>> = numbers.into_iter().map(|number| number.int(diagnostics)).collect();
            numbers.map(|numbers| Value::List(numbers.into()))
        }
        _ => value.text(diagnostics).map(|text| Value::Text(text.into())),
    });
    let script = Script::Exchange { source: source?, steps: steps?, then };
    let params: Params = given.into_iter().chain(args).collect();
    Some(Vector { id: id?, params, script, status: status?, kind, value })
}

/// The most bytes of one segment that is repeated.
const REPEATED_MAX: i64 = 16 << 20;

fn read_steps(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Vec<Option<VectorStep>> {
    let mut steps = Vec::new();
    for value in value.array(diagnostics) {
        let Some(mut table) = value.table("a step", diagnostics) else {
            steps.push(None);
            continue;
        };
        steps.push(read_step(&mut table, true, is_text, diagnostics));
        table.finish(diagnostics);
    }
    steps
}

/// `sends` and `replies`. In a session the device may speak first: nothing is sent then.
fn read_step(
    table: &mut TomlTable<'_, '_>,
    in_session: bool,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Option<VectorStep> {
    let sends = match table.get("sends") {
        Some(value) => bytes(value, is_text, diagnostics),
        None if in_session => Some(Vec::new()),
        None => {
            table.missing("sends", diagnostics);
            None
        }
    };
    let replies = table.array("replies", diagnostics);
    let replies = replies.into_iter().filter_map(|value| read_segment(value, is_text, diagnostics)).collect();
    Some(VectorStep { sends: sends?.into(), replies })
}

/// Bytes, or `{ repeat, times }`.
fn read_segment(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<Box<[u8]>> {
    if !matches!(value.value(), DeValue::Table(_)) {
        return Some(bytes(value, is_text, diagnostics)?.into());
    }
    let mut table = value.table("a repeated segment", diagnostics)?;
    let repeat = match table.get("repeat") {
        Some(value) => bytes(value, is_text, diagnostics),
        None => {
            table.missing("repeat", diagnostics);
            None
        }
    };
    let times = table.int_in("times", 1..=REPEATED_MAX, diagnostics);
    table.finish(diagnostics);
    Some(repeat?.repeat(usize::try_from(times?).ok()?).into())
}

type Given = Vec<(Arc<str>, ParamValue)>;

/// `cmd`, or `do` with `args`.
fn read_source(
    table: &mut TomlTable<'_, '_>,
    own: Own<'_>,
    diagnostics: &mut Diagnostics,
) -> (Option<CommandSource>, Given) {
    let Own { params, actions, is_text, .. } = own;
    let cmd = table.get("cmd");
    let action = table.get("do");
    let args = table.get("args");
    match (cmd, action) {
        (Some(value), None) => {
            let names: Vec<&str> = params.iter().map(|param| &*param.name).collect();
            let holes = Holes { known: &names, what: "parameter", formats: false, is_text };
            (template(value, holes, diagnostics).map(CommandSource::Raw), Vec::new())
        }
        (None, Some(value)) => {
            let Some(name) = value.text(diagnostics) else { return (None, Vec::new()) };
            known(name, &value.span(), &actions.names, "action", diagnostics);
            let Some(action) = actions.list.iter().find(|action| &*action.name == name) else {
                return (None, Vec::new());
            };
            (Some(CommandSource::Action(name.into())), read_given(args, &action.args, diagnostics))
        }
        _ => {
            let message = "a vector has either `cmd` or `do` (or `wire`)".to_owned();
            mistake(diagnostics, message, table.span(), "", None);
            (None, Vec::new())
        }
    }
}

fn read_given(value: Option<TomlValue<'_, '_>>, specs: &[ParamSpec], diagnostics: &mut Diagnostics) -> Given {
    let Some(mut table) = value.and_then(|value| value.table("values", diagnostics)) else { return Vec::new() };
    let names: Vec<&str> = specs.iter().map(|spec| &*spec.name).collect();
    let mut given = Vec::new();
    for (name, span, value) in table.entries() {
        if !known(name, &span, &names, "parameter", diagnostics) {
            continue;
        }
        if let Some(spec) = specs.iter().find(|spec| &*spec.name == name)
            && let Some(value) = read_value(spec, value, diagnostics)
        {
            given.push((spec.name.clone(), value));
        }
    }
    given
}
