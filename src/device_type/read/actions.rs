//! `[actions.X]`, and the check that each action makes a command that the type itself understands.

use std::sync::Arc;

use super::commands::read_traits;
use super::languages::{mistake, template, word};
use super::params::{in_order, read_specs};
use crate::device_type::action::{Action, Decoding};
use crate::device_type::definition::DeviceType;
use crate::device_type::format::{Format, Width};
use crate::device_type::judge::ReplySpec;
use crate::device_type::param::{ParamKind, ParamSpec};
use crate::device_type::request::CommandSource;
use crate::device_type::template::Holes;
use crate::diagnostic::{Diagnostics, Span, TomlTable, TomlValue};
use crate::model::{ParamValue, Params, Secret};

/// The actions, and where the `send` of each stands.
pub(super) fn read_actions(
    table: &mut TomlTable<'_, '_>,
    params: &[ParamSpec],
    request_fields: &[&str],
    replies: &[ReplySpec],
    diagnostics: &mut Diagnostics,
) -> (Vec<Action>, Vec<Span>) {
    let Some(mut all) = table.table("actions", "[actions]", diagnostics) else { return (Vec::new(), Vec::new()) };
    let mut actions = Vec::new();
    let mut spans = Vec::new();
    for (name, span, value) in in_order(&mut all) {
        super::check_name(name, &span, diagnostics);
        let Some(mut action) = value.table(format!("[actions.{name}]"), diagnostics) else { continue };
        let args = match action.table("args", "`args`", diagnostics) {
            Some(args) => read_specs(args, params, "argument", diagnostics),
            None => Vec::new(),
        };
        let known: Vec<&str> = args.iter().chain(params).map(|spec| &*spec.name).collect();
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
        let traits = read_traits(&mut action, request_fields, replies, diagnostics);
        action.finish(diagnostics);
        if let Some((send, text, span)) = send {
            actions.push(Action { name: name.into(), args, text: text.into(), send, value, traits });
            spans.push(span);
        }
    }
    (actions, spans)
}

fn read_decoding(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Decoding> {
    const NUMBERS: [(&str, Radix); 2] = [("dec", Radix::Dec), ("hex", Radix::Hex)];
    #[derive(Clone, Copy)]
    enum Radix {
        Dec,
        Hex,
    }
    let mut table = value.table("`value`", diagnostics)?;
    let map = table.table("map", "`map`", diagnostics);
    let number = table.get("as").and_then(|value| word(value, &NUMBERS, diagnostics));
    let span = table.span();
    table.finish(diagnostics);
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
        ParamKind::Int { min, max, step } => ParamValue::Int(if greatest { max - (max - min) % step } else { *min }),
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
