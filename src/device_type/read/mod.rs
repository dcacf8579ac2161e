//! From the text of a type file to a [`DeviceType`], or to every mistake in it.
//!
//! One pass per concept, in the order in which concepts need each other: parameters, what surrounds a body, replies,
//! commands, actions, simulation, vectors. A key that a later block of the language brings is unknown until then, and
//! so a mistake. What only holds for the whole (an action without its command) is checked at the end, on samples.

mod actions;
mod commands;
mod languages;
mod layout;
mod link;
mod login;
mod merge;
mod params;
mod replies;
mod simulate;
mod vectors;

use std::sync::Arc;

use languages::{Defined, expression, field_ref, mistake, pattern};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::action::Action;
use super::catalog::built_in_text;
use super::command::CommandTraits;
use super::definition::{DeviceType, Origin, SendSpec};
use super::expression::Expression;
use super::format::FieldRef;
use super::judge::ReplySpec;
use super::late::{Actions, LateSimulation, Parts};
use super::param::ParamSpec;
use super::pattern::Pattern;
use super::settings::read_timing;
use super::simulated::Simulation;
use crate::diagnostic::{Diagnostics, SourceId, Sources, Span, TomlTable, TomlValue, nearest, parse_toml};

/// Reads a type file; `None` when it has a mistake. All mistakes go to `diagnostics`.
pub fn read_type(text: &str, source: SourceId, origin: Origin, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
    Reading { source }.text(text, origin, diagnostics)
}

/// Reads the file of a built-in type. Tests prove that all of its actions can be sent and answered, so that is not tried
/// again, and what most runs do not ask for is left for later (`late.rs`).
pub(super) fn read_proven(text: &'static str, source: SourceId, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
    let reading = Reading { source };
    let Some(parts) = Parts::of(text) else { return reading.text(text, Origin::BuiltIn, diagnostics) };
    let core = reading.text(&parts.core, Origin::BuiltIn, diagnostics)?;
    let has_conditions = core.has_conditions || parts.has_conditions;
    Some(DeviceType { actions: parts.actions, simulation: parts.simulation, has_conditions, ..core })
}

/// Reads an action of a built-in type from its part of the file.
pub(super) fn read_late_action(of: &DeviceType, text: &str) -> Option<Action> {
    read_late(of, text, |table, context, found| actions::read_actions(table, context, found).list.pop())
}

/// Reads what a simulated device of a built-in type does from that part of the file.
pub(super) fn read_late_simulation(of: &DeviceType, text: &str) -> Option<Simulation> {
    read_late(of, text, simulate::read_simulation)
}

/// Reads a part of a type whose other parts are known.
fn read_late<T>(
    of: &DeviceType,
    text: &str,
    read: impl FnOnce(&mut TomlTable<'_, '_>, &Context<'_>, &mut Diagnostics) -> Option<T>,
) -> Option<T> {
    let mut found = Diagnostics::of_proven();
    let source = Sources::default().add("", "");
    let tree = parse_toml(text, source, &mut found);
    let names: Vec<&str> = of.send.fields.iter().flat_map(Pattern::names).collect();
    let reply_names: Vec<&str> = of.replies.iter().map(|reply| &*reply.name).collect();
    let context = Context {
        params: &of.params,
        unit_param: of.unit_param.as_deref(),
        request_fields: Some(&names),
        replies: &of.replies,
        reply_names: &reply_names,
        is_text: of.is_text,
    };
    let read = read(&mut TomlTable::new(&tree, source, "a device type"), &context, &mut found);
    if found.has_errors() {
        tracing::error!(name = &*of.name, text, "a part of a built-in device type cannot be read: please report this");
    }
    read
}

/// How a file is read.
#[derive(Clone, Copy)]
struct Reading {
    source: SourceId,
}

/// The tree of a file, put over that of its base.
fn over_base<'i>(
    own: Spanned<DeTable<'i>>,
    source: SourceId,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<DeTable<'i>>> {
    let mut table = TomlTable::new(&own, source, "a device type");
    let Some((name, span)) = table.text("base", diagnostics) else { return Some(own) };
    let Some(text) = built_in_text(name) else {
        let help = nearest(name, super::catalog::built_in_names()).map(|near| format!("did you mean `{near}`?"));
        mistake(diagnostics, format!("there is no built-in device type `{name}`"), span, "", help);
        return None;
    };
    let (base, _) = DeTable::parse_recoverable(text);
    let base = over_base(base, source, diagnostics)?;
    let mut merged = merge::placed(base.get_ref(), &span.range);
    // What proves another type proves nothing about this one.
    merged.remove("vector");
    merge::merge(&mut merged, own.get_ref());
    merged.remove("base");
    Some(Spanned::new(own.span(), merged))
}

impl Reading {
    fn text(self, text: &str, origin: Origin, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
        let earlier = diagnostics.error_count();
        let tree = parse_toml(text, self.source, diagnostics);
        if diagnostics.error_count() > earlier {
            return None;
        }
        let tree = over_base(tree, self.source, diagnostics)?;
        let mut device_type = self.tree(&tree, origin, diagnostics)?;
        device_type.variants = self.variants(&tree, &device_type, diagnostics);
        (diagnostics.error_count() == earlier).then_some(device_type)
    }

    /// The types that take this one's place for some devices.
    fn variants(
        self,
        tree: &Spanned<DeTable<'_>>,
        own: &DeviceType,
        diagnostics: &mut Diagnostics,
    ) -> Vec<(Expression, Arc<DeviceType>)> {
        let params: Vec<&str> = own.params.iter().map(|param| &*param.name).collect();
        let mut variants = Vec::new();
        for value in TomlTable::new(tree, self.source, "a device type").array("variant", diagnostics) {
            let Some(mut table) = value.table("[[variant]]", diagnostics) else { continue };
            let when = match table.get("when") {
                Some(when) => expression(when, &params, "parameter", diagnostics),
                None => {
                    table.missing("when", diagnostics);
                    None
                }
            };
            let DeValue::Table(over) = value.value() else { continue };
            let mut merged = tree.get_ref().clone();
            merged.remove("variant");
            merged.remove("vector");
            let mut over = over.clone();
            over.remove("when");
            merge::merge(&mut merged, &over);
            let merged = Spanned::new(tree.span(), merged);
            let read = self.tree(&merged, own.origin.clone(), diagnostics);
            if let (Some(when), Some(read)) = (when, read) {
                variants.push((when, Arc::new(read)));
            }
        }
        variants
    }

    /// Reads a tree in which nothing is left to be merged; variants are read apart.
    fn tree(self, tree: &Spanned<DeTable<'_>>, origin: Origin, diagnostics: &mut Diagnostics) -> Option<DeviceType> {
        let earlier = diagnostics.error_count();
        let mut table = TomlTable::new(tree, self.source, "a device type");
        let name = table.required_text("name", diagnostics);
        if let Some((name, span)) = &name {
            check_name(name, span, diagnostics);
        }
        let title = table.required_text("title", diagnostics).map(|(title, _)| title);
        let source_text = table.text("source", diagnostics).map(|(text, _)| Arc::from(text));
        let unconfirmed = table.text("unconfirmed", diagnostics).map(|(text, _)| Arc::from(text));
        let is_text = table.bool("text", diagnostics).unwrap_or(true);
        _ = table.get("base");
        _ = table.array("variant", diagnostics);
        let port = table.int_in("port", 1..=65535, diagnostics).and_then(|port| u16::try_from(port).ok());
        let params = params::read_params(&mut table, is_text, diagnostics);
        let link = link::read_link(&mut table, is_text, diagnostics);
        let timing = read_timing(&mut table, diagnostics);
        let before_send = diagnostics.error_count();
        let send = read_send(&mut table, is_text, diagnostics);
        let fields_hold = send.fields.is_some() || diagnostics.error_count() == before_send;
        let names: Vec<&str> = send.fields.iter().flat_map(Pattern::names).collect();
        let request_fields = fields_hold.then_some(&*names);
        let (unit_param, unit_field) = read_unit(&mut table, &params, request_fields, diagnostics);
        let replies = replies::read_replies(&mut table, request_fields, is_text, diagnostics);
        let unit = unit_param.as_deref();
        let (specs, reply_names) = (&replies.specs, &replies.names);
        let context =
            Context { params: &params, unit_param: unit, request_fields, replies: specs, reply_names, is_text };
        let login = login::read_login(&mut table, &context, diagnostics);
        let commands = commands::read_commands(&mut table, &context, diagnostics);
        let actions = actions::read_actions(&mut table, &context, diagnostics);
        let probe = table.text("probe", diagnostics).and_then(|(name, span)| {
            let is_known =
                diagnostics.is_proven() || languages::known(name, &span, &actions.names, "action", diagnostics);
            is_known.then(|| Arc::from(name))
        });
        let can_be_simulated = table.get("simulate").is_some();
        let simulation = simulate::read_simulation(&mut table, &context, diagnostics);
        let vectors = vectors::read_vectors(&mut table, &params, &actions, can_be_simulated, is_text, diagnostics);
        table.finish(diagnostics);
        if diagnostics.error_count() > earlier {
            return None;
        }
        let replies = replies.specs;
        let conditional = |traits: &CommandTraits| traits.only_if.is_some();
        let device_type = DeviceType {
            name: name?.0.into(),
            title: title?.into(),
            source: source_text,
            unconfirmed,
            is_text,
            probe,
            port,
            params,
            unit_param,
            unit_field,
            link,
            timing,
            send,
            replies,
            has_conditions: commands.iter().any(|rule| conditional(&rule.traits))
                || actions.list.iter().any(|action| conditional(&action.traits)),
            commands,
            origin,
            login,
            variants: Vec::new(),
            actions: Actions::of(actions.list),
            simulation: LateSimulation::of(simulation),
            vectors,
        };
        if !diagnostics.is_proven() {
            actions::check_samples(&device_type, &actions.send_spans, diagnostics);
        }
        (diagnostics.error_count() == earlier).then_some(device_type)
    }
}

/// What has been read already and is referred to by what follows.
struct Context<'a> {
    params: &'a [ParamSpec],
    /// The parameter that tells the devices of one gateway apart.
    unit_param: Option<&'a str>,
    /// The fields of a request; `None` when `send.fields` has a mistake.
    request_fields: Option<&'a [&'a str]>,
    replies: &'a [ReplySpec],
    /// The names of all replies, of those with a mistake too.
    reply_names: &'a [&'a str],
    is_text: bool,
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

fn read_send(table: &mut TomlTable<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> SendSpec {
    let mut spec = SendSpec::default();
    let Some(mut send) = table.table("send", "[send]", diagnostics) else { return spec };
    let frame = send.get("frame");
    if let Some(DeValue::String(text)) = frame.as_ref().map(TomlValue::value) {
        spec.text = Arc::from(&**text);
    }
    let layout = frame.and_then(|value| layout::read_layout(value, is_text, diagnostics));
    spec.layout = layout.unwrap_or_default();
    spec.fields = send.get("fields").and_then(|value| pattern(value, is_text, diagnostics));
    spec.never = send.get("never").and_then(|value| pattern(value, is_text, diagnostics));
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
