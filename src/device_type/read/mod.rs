//! From the text of a type file to a [`DeviceType`], or to every mistake in it.
//!
//! One pass per concept, in the order in which concepts need each other: parameters, what surrounds a body, replies,
//! commands, actions, simulation, vectors. A key that a later block of the language brings is unknown until then, and
//! so a mistake. What only holds for the whole (an action without its command) is checked at the end, on samples.

mod actions;
mod commands;
mod languages;
mod link;
mod params;
mod replies;
mod simulate;
mod vectors;

use std::sync::Arc;

use languages::{Defined, field_ref, mistake, pattern, template};

use super::definition::{DeviceType, Origin, SendSpec};
use super::format::FieldRef;
use super::param::ParamSpec;
use super::request::named_group_names;
use super::settings::read_timing;
use super::template::{Holes, Piece};
use crate::diagnostic::{Diagnostics, SourceId, Span, TomlTable, parse_toml};

/// Reads a type file; `None` when it has a mistake. All mistakes go to `diagnostics`.
pub fn read_type(text: &str, source: SourceId, origin: Origin, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
    let earlier = diagnostics.error_count();
    let tree = parse_toml(text, source, diagnostics);
    if diagnostics.error_count() > earlier {
        return None;
    }
    let mut table = TomlTable::new(&tree, source, "a device type");
    let name = table.required_text("name", diagnostics);
    if let Some((name, span)) = &name {
        check_name(name, span, diagnostics);
    }
    let title = table.required_text("title", diagnostics).map(|(title, _)| title);
    let source_text = table.text("source", diagnostics).map(|(text, _)| Arc::from(text));
    let port = table.int_in("port", 1..=65535, diagnostics).and_then(|port| u16::try_from(port).ok());
    let params = params::read_params(&mut table, diagnostics);
    let link = link::read_link(&mut table, true, diagnostics);
    let timing = read_timing(&mut table, diagnostics);
    let before_send = diagnostics.error_count();
    let send = read_send(&mut table, diagnostics);
    let fields_hold = send.fields.is_some() || diagnostics.error_count() == before_send;
    let names: Vec<&str> = send.fields.iter().flat_map(named_group_names).collect();
    let request_fields = fields_hold.then_some(&*names);
    let (unit_param, unit_field) = read_unit(&mut table, &params, request_fields, diagnostics);
    let replies = replies::read_replies(&mut table, request_fields, diagnostics);
    let context = Context { params: &params, request_fields, replies: &replies };
    let commands = commands::read_commands(&mut table, &context, diagnostics);
    let actions = actions::read_actions(&mut table, &context, diagnostics);
    let can_be_simulated = table.get("simulate").is_some();
    let simulation = simulate::read_simulation(&mut table, request_fields, diagnostics);
    let vectors = vectors::read_vectors(&mut table, &params, &actions, can_be_simulated, diagnostics);
    table.finish(diagnostics);
    if diagnostics.error_count() > earlier {
        return None;
    }
    let replies = replies.specs;
    let device_type = DeviceType {
        name: name?.0.into(),
        title: title?.into(),
        source: source_text,
        port,
        params,
        unit_param,
        unit_field,
        link,
        timing,
        send,
        replies,
        commands,
        origin,
        actions: actions.list,
        simulation,
        vectors,
    };
    actions::check_samples(&device_type, &actions.send_spans, diagnostics);
    (diagnostics.error_count() == earlier).then_some(device_type)
}

/// What has been read already and is referred to by what follows.
struct Context<'a> {
    params: &'a [ParamSpec],
    /// The fields of a request; `None` when `send.fields` has a mistake.
    request_fields: Option<&'a [&'a str]>,
    replies: &'a replies::Replies<'a>,
}

/// Names of types, actions and replies stand on command lines: `lg-rs232`.
fn check_name(name: &str, span: &Span, diagnostics: &mut Diagnostics) {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if !fits {
        mistake(
            diagnostics,
            format!("`{name}` is no name"),
            span.clone(),
            "lower-case letters, digits and hyphens, a letter first",
            None,
        );
    }
}

fn read_send(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> SendSpec {
    let mut spec = SendSpec::default();
    let Some(mut send) = table.table("send", "[send]", diagnostics) else { return spec };
    if let Some(value) = send.get("frame") {
        let holes = Holes { known: &["body"], what: "block", formats: false };
        if let Some(frame) = template(value, holes, diagnostics) {
            match frame.pieces() {
                [Piece::Hole { .. }] => {}
                [Piece::Literal(prefix), Piece::Hole { .. }] => spec.prefix.clone_from(prefix),
                [Piece::Hole { .. }, Piece::Literal(suffix)] => spec.suffix.clone_from(suffix),
                [Piece::Literal(prefix), Piece::Hole { .. }, Piece::Literal(suffix)] => {
                    spec.prefix.clone_from(prefix);
                    spec.suffix.clone_from(suffix);
                }
                _ => mistake(
                    diagnostics,
                    "`frame` must hold `{body}` exactly once".to_owned(),
                    value.span(),
                    "such as `{body}\\r`",
                    None,
                ),
            }
        }
    }
    spec.fields = send.get("fields").and_then(|value| pattern(value, false, diagnostics));
    send.finish(diagnostics);
    spec
}

fn read_unit(
    table: &mut TomlTable<'_, '_>,
    params: &[ParamSpec],
    request_fields: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> (Option<Arc<str>>, Option<FieldRef>) {
    let Some(mut unit) = table.table("unit", "`unit`", diagnostics) else { return (None, None) };
    let param = unit.required_text("param", diagnostics).and_then(|(name, span)| {
        let known: Vec<&str> = params.iter().map(|param| &*param.name).collect();
        languages::known(name, &span, &known, "parameter", diagnostics).then(|| Arc::from(name))
    });
    let defined = [Defined { by: "`send.fields`", names: request_fields }];
    let field = unit.get("field").and_then(|value| field_ref(value, &defined, diagnostics));
    unit.finish(diagnostics);
    (param, field)
}

#[cfg(test)]
mod tests;
