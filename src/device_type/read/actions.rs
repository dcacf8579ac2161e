//! `[actions.X]`, and the check that each action makes a command that the type itself understands.

use std::sync::Arc;

use super::Context;
use super::commands::read_traits;
use super::languages::{mistake, template, word};
use super::params::{in_order, read_specs};
use crate::device_type::action::{Action, Decoding};
use crate::device_type::definition::DeviceType;
use crate::device_type::format::{Format, Width};

use crate::device_type::body::CommandSource;
use crate::device_type::param::{ParamKind, ParamSpec};
use crate::device_type::template::Holes;
use crate::diagnostic::{Diagnostics, Span, TomlTable, TomlValue};
use crate::model::{ParamValue, Params, Secret};

/// The actions of a type.
#[derive(Default)]
pub(super) struct Actions<'t> {
    /// Those without a mistake.
    pub(super) list: Vec<Action>,
    /// Where the `send` of each of those stands.
    pub(super) send_spans: Vec<Span>,
    /// The names of all.
    pub(super) names: Vec<&'t str>,
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
            Some(args) => read_specs(args, context.params, "argument", diagnostics),
            None => Vec::new(),
        };
        let known: Vec<&str> = args.iter().chain(context.params).map(|spec| &*spec.name).collect();
        let holes = Holes { known: &known, what: "parameter or argument", formats: true };
        let send = match action.get("send") {
            Some(value) => template(value, holes, diagnostics)
                .and_then(|send| Some((send, value.text(diagnostics)?, value.span()))),
            None => {
                action.missing("send", diagnostics);
                None
            }
        };
        let value = action.get("value").and_then(|value| read_decoding(value, diagnostics));
        let traits = read_traits(&mut action, context, diagnostics);
        action.finish(diagnostics);
        if let Some((send, text, span)) = send {
            read.list.push(Action { name: name.into(), args, text: text.into(), send, value, traits });
            read.send_spans.push(span);
        }
    }
    read
}

fn read_decoding(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Decoding> {
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
    let span = table.span();
    table.finish(diagnostics);
    if diagnostics.error_count() > earlier {
        return None;
    }
    match (map, number) {
        (Some(mut map), None) => {
            let mut words: Vec<(Arc<str>, Arc<str>)> = Vec::new();
            for (raw, _, word) in in_order(&mut map) {
                words.push((raw.into(), word.text(diagnostics)?.into()));
            }
            Some(Decoding::Map(words))
        }
        (None, Some(Radix::Dec)) => Some(Decoding::As(Format::Dec(Width::Free))),
        (None, Some(Radix::Hex)) => Some(Decoding::As(Format::Hex(Width::Free))),
        (Some(_), Some(_)) => {
            mistake(diagnostics, "`value` has `map` and `as`".to_owned(), span, "one of them", None);
            None
        }
        (None, None) => {
            let label = "`{ map = { \"01\" = \"on\" } }` or `{ as = \"hex\" }`";
            mistake(diagnostics, "`value` says nothing".to_owned(), span, label, None);
            None
        }
    }
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
            if device_type.send.fields.is_some() && device_type.fields_of(body.bytes()).is_none() {
                return Some(format!("`send.fields` cannot read `{}`", body.shown()));
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
