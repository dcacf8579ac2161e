//! `[[command]]`: what is true of a command; the same keys overrule it in an action.

use super::Context;
use super::languages::{Defined, expression, field_ref, known, mistake, pattern};
use crate::device_type::command::{CommandRule, CommandTraits};
use crate::device_type::param::{ParamKind, ParamSpec};
use crate::device_type::settings::read_timing;
use crate::diagnostic::{Diagnostics, TomlTable};

pub(super) fn read_commands(
    table: &mut TomlTable<'_, '_>,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<CommandRule> {
    let mut rules = Vec::new();
    for value in table.array("command", diagnostics) {
        let Some(mut command) = value.table("[[command]]", diagnostics) else { continue };
        let when = match command.get("when") {
            Some(value) => pattern(value, context.is_text, diagnostics),
            None => {
                command.missing("when", diagnostics);
                None
            }
        };
        let unit = command.get("unit").and_then(|value| {
            if context.unit_param.is_none() {
                let help = Some("say which parameter it is: `[unit]`, `param = \"…\"`".to_owned());
                mistake(diagnostics, "the type has no `[unit]`".to_owned(), value.span(), "", help);
            }
            expression(value, &["body"], "name", diagnostics)
        });
        let traits = read_traits(&mut command, context, diagnostics);
        command.finish(diagnostics);
        if let Some(when) = when {
            rules.push(CommandRule { when, unit, traits });
        }
    }
    rules
}

pub(super) fn read_traits(
    table: &mut TomlTable<'_, '_>,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> CommandTraits {
    let idempotent = table.bool("idempotent", diagnostics);
    let query = table.bool("query", diagnostics);
    let broadcast = table.bool("broadcast", diagnostics);
    let inrush = table.bool("inrush", diagnostics);
    let only_if = table.text("only_if", diagnostics).and_then(|(name, span)| {
        let is_switch = |param: &&ParamSpec| matches!(param.kind, ParamKind::Bool);
        let switches: Vec<&str> = context.params.iter().filter(is_switch).map(|param| &*param.name).collect();
        known(name, &span, &switches, "bool parameter", diagnostics).then(|| name.into())
    });
    let reply = table
        .text("reply", diagnostics)
        .and_then(|(name, span)| known(name, &span, context.reply_names, "reply", diagnostics).then_some(name));
    let echo_values = table.get("echo").map(|value| value.array(diagnostics));
    let echo = echo_values.map(|values| {
        let spec = context.replies.iter().find(|spec| &*spec.name == reply.unwrap_or("default"));
        let names: Option<Vec<&str>> = spec.map(|spec| spec.field_names().collect());
        let both = [
            Defined { by: "`send.fields`", names: context.request_fields },
            Defined { by: "the reply's `frame`", names: names.as_deref() },
        ];
        values.into_iter().filter_map(|value| field_ref(value, &both, diagnostics)).collect()
    });
    let timing = read_timing(table, diagnostics);
    CommandTraits { idempotent, query, broadcast, inrush, only_if, reply: reply.map(Into::into), echo, timing }
}
