//! `[actions.X]`, and the check that each action makes a command that the type itself understands.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::commands::read_traits;
use toml::de::DeValue;

use super::languages::{bytes, expression, known, mistake, template, word};
use super::params::{in_order, read_specs};
use crate::device_type::action::{Action, Decoding, Scale};
use crate::device_type::definition::DeviceType;
use crate::device_type::format::{Format, Width};

use crate::device_type::body::CommandSource;
use crate::device_type::judge::ReplySpec;
use crate::device_type::param::{ParamKind, ParamSpec};
use crate::device_type::template::{Holes, Piece, Template};
use crate::device_type::transfer::Transfer;
use crate::device_type::verify::Verify;
use crate::diagnostic::{Diagnostics, Span, TomlTable, TomlValue};
use crate::model::{ParamValue, Params, Secret};

/// How long a file may pause where a type says nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The actions of a type.
#[derive(Default)]
pub(super) struct Actions<'t> {
    /// Those without a mistake.
    pub(super) list: Vec<Action>,
    /// Where the `send` of each of those stands.
    pub(super) send_spans: Vec<Span>,
    /// The names of all.
    pub(super) names: Vec<&'t str>,
    /// The actions that ask for the effect of another, and where that is said.
    asks: Vec<(Arc<str>, Span)>,
}

impl Actions<'_> {
    /// What asks must be an action that only asks, and needs nothing that the other does not have.
    fn check_asks(&self, diagnostics: &mut Diagnostics) {
        for (ask, span) in &self.asks {
            if !known(ask, span, &self.names, "action", diagnostics) {
                continue;
            }
            let Some(action) = self.list.iter().find(|action| action.name == *ask) else { continue };
            if action.args.iter().any(|arg| arg.default.is_none()) {
                let message = format!("`{ask}` needs arguments: it cannot ask for the effect of another action");
                mistake(diagnostics, message, span.clone(), "", None);
            } else if action.transfer.is_some() {
                let message = format!("`{ask}` fetches a file: that is no question about a state");
                mistake(diagnostics, message, span.clone(), "", None);
            }
        }
    }
}

/// The times of a `verify` that says none.
const VERIFY_EVERY: Duration = Duration::from_secs(1);
const VERIFY_WITHIN: Duration = Duration::from_secs(5);

/// `verify`: how the effect of an action is asked for.
fn read_verify(
    mut table: TomlTable<'_, '_>,
    known: &[&str],
    asks: &mut Vec<(Arc<str>, Span)>,
    diagnostics: &mut Diagnostics,
) -> Option<Verify> {
    let ask = table.required_text("ask", diagnostics).map(|(name, span)| (Arc::<str>::from(name), span));
    let holes = Holes { known, what: "parameter or argument", formats: false, is_text: true };
    let expect = match table.get("expect") {
        Some(value) => template(value, holes, diagnostics),
        None => {
            table.missing("expect", diagnostics);
            None
        }
    };
    let after = table.duration("after", diagnostics).unwrap_or_default();
    let every = table.duration("every", diagnostics).unwrap_or(VERIFY_EVERY);
    let within = table.duration("within", diagnostics).unwrap_or(VERIFY_WITHIN);
    let span = table.span();
    table.finish(diagnostics);
    if every.is_zero() {
        mistake(
            diagnostics,
            "`every` must be more than 0: a device is not asked without a pause".to_owned(),
            span,
            "",
            None,
        );
        return None;
    }
    if within < after {
        mistake(
            diagnostics,
            "`within` ends before the first question, which comes `after` that".to_owned(),
            span,
            "",
            None,
        );
        return None;
    }
    asks.extend(ask.clone());
    Some(Verify { ask: ask?.0, expect: expect?, after, every, within })
}
pub(super) fn read_actions<'t>(
    table: &mut TomlTable<'t, '_>,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Actions<'t> {
    let mut read = Actions::default();
    let Some(mut all) = table.table("actions", "[actions]", diagnostics) else { return read };
    for (name, span, value) in in_order(&mut all) {
        super::check_name(name, &span, diagnostics);
        let Some(mut action) = value.table(format!("[actions.{name}]"), diagnostics) else { continue };
        read.names.push(name);
        let args = match action.table("args", "`args`", diagnostics) {
            Some(args) => read_specs(args, context.params, "argument", context.is_text, diagnostics),
            None => Vec::new(),
        };
        let known: Vec<&str> = args.iter().chain(context.params).map(|spec| &*spec.name).collect();
        let holes = Holes { known: &known, what: "parameter or argument", formats: true, is_text: context.is_text };
        let send = match action.get("send") {
            Some(value) => template(value, holes, diagnostics)
                .filter(|send| !computes_of_secret(send, &args, context, value, diagnostics))
                .and_then(|send| Some((send, value.text(diagnostics)?, value.span()))),
            None => {
                action.missing("send", diagnostics);
                None
            }
        };
        let value = action.get("value");
        let transfer = action.table("transfer", "`transfer`", diagnostics);
        let verify = action.table("verify", "`verify`", diagnostics);
        let traits = read_traits(&mut action, context, diagnostics);
        // What answers it may stand with a command pattern: any field that a reply defines may be meant.
        let fields: Vec<&str> = context.replies.iter().flat_map(ReplySpec::all_names).collect();
        let value = value.and_then(|value| read_decoding(value, &fields, &known, diagnostics));
        let transfer = transfer.and_then(|table| read_transfer(table, &fields, diagnostics));
        let verify = verify.and_then(|table| read_verify(table, &known, &mut read.asks, diagnostics));
        action.finish(diagnostics);
        if let Some((send, text, span)) = send {
            read.list.push(Action {
                name: name.into(),
                args,
                text: text.into(),
                send,
                value,
                transfer,
                verify,
                traits,
            });
            read.send_spans.push(span);
        }
    }
    if !diagnostics.is_proven() {
        read.check_asks(diagnostics);
    }
    read
}

/// A secret can only stand as it is: what is computed of it would no longer be marked as secret.
fn computes_of_secret(
    send: &Template,
    args: &[ParamSpec],
    context: &Context<'_>,
    value: TomlValue<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let is_secret = |name: &str| {
        let spec = args.iter().chain(context.params).find(|spec| &*spec.name == name);
        spec.is_some_and(|spec| matches!(spec.kind, ParamKind::Secret { .. }))
    };
    let found = send.pieces().iter().any(|piece| match piece {
        Piece::Hole { value, .. } if value.as_name().is_none() => value.names().into_iter().any(|name| is_secret(name)),
        Piece::Hole { .. } | Piece::Literal(_) => false,
    });
    if found {
        mistake(diagnostics, "nothing can be computed of a secret".to_owned(), value.span(), "", None);
    }
    found
}

fn read_decoding(
    value: TomlValue<'_, '_>,
    fields: &[&str],
    params: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Decoding> {
    const NUMBERS: [(&str, Radix); 2] = [("dec", Radix::Dec), ("hex", Radix::Hex)];
    #[derive(Clone, Copy)]
    enum Radix {
        Dec,
        Hex,
    }
    let earlier = diagnostics.error_count();
    let mut table = value.table("`value`", diagnostics)?;
    let map = table.table("map", "`map`", diagnostics);
    let number = table.get("as").and_then(|value| word(value, &NUMBERS, diagnostics));
    let names: Vec<&str> = fields.iter().chain(params).copied().collect();
    let expr = table.get("expr").and_then(|value| expression(value, &names, "field", diagnostics));
    let scale = table.get("scale").and_then(|value| read_scale(value, diagnostics));
    let bits = table
        .text("bits", diagnostics)
        .and_then(|(name, span)| known(name, &span, fields, "field", diagnostics).then(|| Arc::<str>::from(name)));
    let span = table.span();
    table.finish(diagnostics);
    if diagnostics.error_count() > earlier {
        return None;
    }
    let mut words: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let has_map = map.is_some();
    for (raw, _, word) in map.into_iter().flat_map(|mut map| in_order(&mut map)) {
        words.push((raw.into(), word.text(diagnostics)?.into()));
    }
    let wrong = |message: &str, label: &str, diagnostics: &mut Diagnostics| {
        mistake(diagnostics, message.to_owned(), span.clone(), label, None);
        None
    };
    match (expr, has_map, number, bits) {
        (Some(expression), _, None, None) => Some(Decoding::Computed { expression, scale, words }),
        (None, ..) if scale.is_some() => wrong("`scale` needs an `expr`", "", diagnostics),
        (None, true, None, None) => Some(Decoding::Map(words)),
        (None, false, Some(Radix::Dec), None) => Some(Decoding::As(Format::Dec(Width::Free))),
        (None, false, Some(Radix::Hex), None) => Some(Decoding::As(Format::Hex(Width::Free))),
        (None, false, None, Some(field)) => Some(Decoding::Bits(field)),
        (None, true, Some(_), None) => wrong("`value` has `map` and `as`", "one of them", diagnostics),
        (None, false, None, None) => {
            let label = "`{ map = { \"01\" = \"on\" } }` or `{ as = \"hex\" }`";
            wrong("`value` says nothing", label, diagnostics)
        }
        _ => wrong("`value` says two things", "`expr` (with `scale`, `map`), `map`, `as` or `bits`", diagnostics),
    }
}

fn read_scale(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Scale> {
    let scale = match value.value() {
        DeValue::Float(float) => Scale::parse(float.as_str()),
        _ => Some(Scale { factor: value.int(diagnostics)?, places: 0 }),
    };
    if scale.is_none() {
        let message = "`scale` must be a number such as 0.1".to_owned();
        mistake(diagnostics, message, value.span(), "at most nine places", None);
    }
    scale
}

/// `transfer`: the file that follows a reply.
fn read_transfer(mut table: TomlTable<'_, '_>, fields: &[&str], diagnostics: &mut Diagnostics) -> Option<Transfer> {
    let length = table
        .required_text("length", diagnostics)
        .and_then(|(name, span)| known(name, &span, fields, "field", diagnostics).then(|| Arc::from(name)));
    if table.get("max").is_none() {
        table.missing("max", diagnostics);
    }
    let max = table.int_in("max", 1..=i64::MAX, diagnostics).and_then(|max| u64::try_from(max).ok());
    // Always hex: what a file begins with is no text of the device's language.
    let magic = table.get("magic").and_then(|value| bytes(value, false, diagnostics)).unwrap_or_default();
    let idle_timeout = table.duration("idle_timeout", diagnostics).unwrap_or(IDLE_TIMEOUT);
    table.finish(diagnostics);
    Some(Transfer { max: max?, magic: magic.into(), idle_timeout, length: length? })
}

/// Fills each action's body with the least and the greatest values, and reports what then cannot be sent or answered.
pub(super) fn check_samples(device_type: &DeviceType, spans: &[Span], diagnostics: &mut Diagnostics) {
    for (action, span) in device_type.actions().zip(spans) {
        let found = [false, true].into_iter().find_map(|greatest| {
            let specs = action.args.iter().chain(&device_type.params);
            let params: Params = specs
                .filter(|spec| spec.default.is_none())
                .map(|spec| (spec.name.clone(), sample(spec, greatest)))
                .collect();
            let source = CommandSource::Action(action.name.clone());
            let body = match device_type.body(&source, &params) {
                Ok(body) => body,
                Err(error) => return Some(error.to_string()),
            };
            let traits = device_type.traits_of(Some(action), body.bytes());
            if !traits.is_broadcast() && device_type.reply_of(&traits).is_none() {
                return Some("no command pattern and no `replies.default` says what answers it".to_owned());
            }
            if let Some(verify) = &action.verify
                && let Some(asking) = device_type.action(&verify.ask)
                && let Ok(question) = device_type.body(&CommandSource::Action(verify.ask.clone()), &params)
                && !device_type.traits_of(Some(asking), question.bytes()).is_query()
            {
                return Some(format!("`{}` is no query, so it cannot ask for an effect", verify.ask));
            }
            if device_type.send.fields.is_some() && device_type.fields_of(body.bytes()).is_none() {
                return Some(format!("`send.fields` cannot read `{}`", device_type.shown(&body)));
            }
            None
        });
        if let Some(message) = found {
            mistake(diagnostics, format!("action `{}`: {message}", action.name), span.clone(), "", None);
        }
    }
}

fn sample(spec: &ParamSpec, greatest: bool) -> ParamValue {
    match &spec.kind {
        ParamKind::Int { min, max, step } => {
            let rest = i64::try_from(max.abs_diff(*min) % step.unsigned_abs()).unwrap_or_default();
            ParamValue::Int(if greatest { max - rest } else { *min })
        }
        ParamKind::Bool => ParamValue::Bool(greatest),
        ParamKind::Text { .. } => ParamValue::Text("x".into()),
        ParamKind::Bytes { len } => ParamValue::Bytes(vec![0; *len].into()),
        ParamKind::Choice { values } => {
            let one = if greatest { values.last() } else { values.first() };
            ParamValue::Choice(one.map_or_else(|| "".into(), |(word, _)| word.clone()))
        }
        ParamKind::Secret { .. } => ParamValue::Secret(Secret::new("x".to_owned())),
    }
}
