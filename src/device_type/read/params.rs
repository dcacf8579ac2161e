//! `[params.X]` of a type, and `args.Y` of an action: one language.

use std::sync::Arc;

use toml::de::DeValue;

use super::languages::{bytes, known, mistake, word};
use crate::device_type::format::Format;
use crate::device_type::param::{ParamKind, ParamSpec};
use crate::diagnostic::{Diagnostics, Span, TomlTable, TomlValue};

/// The longest text or password, in bytes, where a declaration names no `max_len`.
const MAX_LEN: i64 = 255;

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
    Choice,
    Secret,
}

const KINDS: [(&str, Kind); 6] = [
    ("int", Kind::Int),
    ("bool", Kind::Bool),
    ("text", Kind::Text),
    ("bytes", Kind::Bytes),
    ("choice", Kind::Choice),
    ("secret", Kind::Secret),
];

pub(super) fn read_params(
    table: &mut TomlTable<'_, '_>,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<ParamSpec> {
    let Some(params) = table.table("params", "[params]", diagnostics) else { return Vec::new() };
    read_specs(params, &[], "parameter", is_text, diagnostics)
}

/// Reads a table of declarations; a `wire` may take its width from one of them or of `others`.
pub(super) fn read_specs(
    mut table: TomlTable<'_, '_>,
    others: &[ParamSpec],
    what: &str,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<ParamSpec> {
    let entries = in_order(&mut table);
    let mut specs: Vec<ParamSpec> = Vec::new();
    let mut broken: Vec<&str> = Vec::new();
    let mut widths: Vec<(Arc<str>, Span)> = Vec::new();
    for (name, span, value) in entries {
        super::check_name(name, &span, diagnostics);
        let table = value.table(format!("{what} `{name}`"), diagnostics);
        match table.and_then(|table| read_spec(name, table, is_text, &mut widths, diagnostics)) {
            Some(spec) => specs.push(spec),
            // Its mistake is reported; the name stays known and takes any value, so that no use of it is one more.
            None => {
                broken.push(name);
                let kind = ParamKind::Text { max_len: usize::MAX };
                specs.push(ParamSpec { name: name.into(), kind, default: None, wire: None });
            }
        }
    }
    let numbers: Vec<&str> = specs
        .iter()
        .chain(others)
        .filter(|spec| matches!(spec.kind, ParamKind::Int { .. }))
        .map(|spec| &*spec.name)
        .chain(broken)
        .collect();
    for (width, span) in widths {
        known(&width, &span, &numbers, "integer parameter", diagnostics);
    }
    specs
}

/// The entries of a table whose keys are names, in the order of the file.
pub(super) fn in_order<'t, 'i>(table: &mut TomlTable<'t, 'i>) -> Vec<(&'t str, Span, TomlValue<'t, 'i>)> {
    let mut entries = table.entries();
    entries.sort_by_key(|(_, span, _)| span.range.start);
    entries
}

fn read_spec(
    name: &str,
    mut table: TomlTable<'_, '_>,
    is_text: bool,
    widths: &mut Vec<(Arc<str>, Span)>,
    diagnostics: &mut Diagnostics,
) -> Option<ParamSpec> {
    let kind = match table.get("kind") {
        Some(value) => word(value, &KINDS, diagnostics),
        None => {
            table.missing("kind", diagnostics);
            None
        }
    };
    // Without a kind the other keys cannot be judged.
    let kind = read_kind(kind?, &mut table, is_text, diagnostics);
    let wire = table.get("wire").and_then(|value| {
        let format = match Format::parse(value.text(diagnostics)?) {
            Ok(format) => format,
            Err(message) => {
                mistake(diagnostics, message, value.span(), "", None);
                return None;
            }
        };
        if !matches!(kind, Some(ParamKind::Int { .. } | ParamKind::Bool) | None) {
            mistake(diagnostics, "`wire` is for numbers".to_owned(), value.span(), "this one goes out as it is", None);
        }
        if let Some(width) = format.width_field() {
            widths.push((width.clone(), value.span()));
        }
        Some(format)
    });
    let default = table.get("default");
    table.finish(diagnostics);
    let mut spec = ParamSpec { name: name.into(), kind: kind?, default: None, wire };
    if let Some(value) = default {
        if matches!(spec.kind, ParamKind::Secret { .. }) {
            let help = "a password belongs into the inventory: `{ env = \"…\" }` or `{ file = \"…\" }`".to_owned();
            mistake(diagnostics, "a secret has no default".to_owned(), value.span(), "", Some(help));
        } else {
            spec.default = read_value(&spec, value, diagnostics);
        }
    }
    Some(spec)
}

/// The value of a parameter as it stands in a type file.
pub(super) fn read_value(
    spec: &ParamSpec,
    value: TomlValue<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Option<crate::model::ParamValue> {
    let text = match value.value() {
        DeValue::Integer(_) => value.int(diagnostics)?.to_string(),
        DeValue::Boolean(_) => value.bool(diagnostics)?.to_string(),
        _ => value.text(diagnostics)?.to_owned(),
    };
    match spec.read(&text) {
        Ok(read) => Some(read),
        Err(message) => {
            mistake(diagnostics, format!("`{}` {message}", value.key()), value.span(), "", None);
            None
        }
    }
}

fn read_kind(
    kind: Kind,
    table: &mut TomlTable<'_, '_>,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ParamKind> {
    let length = |value: Option<i64>| usize::try_from(value.unwrap_or(MAX_LEN)).unwrap_or_default();
    Some(match kind {
        Kind::Bool => ParamKind::Bool,
        Kind::Text => ParamKind::Text { max_len: length(table.int_in("max_len", 1..=65_535, diagnostics)) },
        Kind::Secret => ParamKind::Secret { max_len: length(table.int_in("max_len", 1..=65_535, diagnostics)) },
        Kind::Bytes => {
            if table.get("len").is_none() {
                table.missing("len", diagnostics);
            }
            ParamKind::Bytes { len: usize::try_from(table.int_in("len", 1..=65_535, diagnostics)?).ok()? }
        }
        Kind::Int => {
            let min = table.int("min", diagnostics).map_or(0, |(min, _)| min);
            let max = match table.int("max", diagnostics) {
                Some((max, span)) => {
                    if max < min {
                        let message = format!("`max` is {max}, less than `min`, which is {min}");
                        mistake(diagnostics, message, span, "", None);
                    }
                    Some(max)
                }
                None => {
                    table.missing("max", diagnostics);
                    None
                }
            };
            let step = table.int_in("step", 1..=i64::MAX, diagnostics).unwrap_or(1);
            ParamKind::Int { min, max: max?, step }
        }
        Kind::Choice => {
            let Some(value) = table.get("values") else {
                table.missing("values", diagnostics);
                return None;
            };
            let mut words = value.table("`values`", diagnostics)?;
            let mut values = Vec::new();
            for (word, _, wire) in in_order(&mut words) {
                if bytes(wire, is_text, diagnostics).is_some()
                    && let Some(text) = wire.text(diagnostics)
                {
                    values.push((word.into(), text.into()));
                }
            }
            ParamKind::Choice { values }
        }
    })
}
