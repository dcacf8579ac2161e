//! `[simulate]`: what a simulated device answers.

use std::sync::Arc;

use super::Context;
use super::languages::{bytes, expression, known, mistake, pattern, template, word};
use super::params::in_order;
use crate::device_type::expression::Expression;
use crate::device_type::pattern::Pattern;
use crate::device_type::simulated::{Answer, LEAST_DATABASE, Per, Simulation};
use crate::device_type::template::Holes;
use crate::diagnostic::{Diagnostics, TomlTable, TomlValue};

const PER: [(&str, Per); 2] = [("unit", Per::Unit), ("gateway", Per::Gateway)];

/// The largest file that a simulated device serves.
const DATABASE_MAX: i64 = 1 << 30;

pub(super) fn read_simulation(
    table: &mut TomlTable<'_, '_>,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Simulation> {
    let mut simulate = table.table("simulate", "[simulate]", diagnostics)?;
    // Without the fields of a request no template here can be judged.
    let request_fields = context.request_fields?;
    let per = simulate.get("per").and_then(|value| word(value, &PER, diagnostics)).unwrap_or(Per::Unit);
    let unset = simulate.get("unset").and_then(|value| bytes(value, context.is_text, diagnostics)).unwrap_or_default();
    let params: Vec<&str> = context.params.iter().map(|param| &*param.name).collect();
    let variables = read_variables(&mut simulate, &params, diagnostics);
    let database = read_payload(&mut simulate, diagnostics);
    // What a text type shows of a request is its fields; a binary one may compute.
    let mut names = request_fields.to_vec();
    names.extend(variables.iter().map(|(name, _)| &**name));
    if !context.is_text {
        names.extend(params.iter().copied().chain(["body"]));
    }
    if database.is_some() {
        names.extend(["payload", "payload_len"]);
    }
    let holes = Holes { known: &names, what: "field", formats: !context.is_text, is_text: context.is_text };
    let refused = simulate.get("refused").and_then(|value| template(value, holes, diagnostics));
    let booting = simulate.get("booting").and_then(|value| template(value, holes, diagnostics));
    let settable: Vec<&str> = variables.iter().map(|(name, _)| &**name).collect();
    let answers = simulate
        .array("answer", diagnostics)
        .into_iter()
        .filter_map(|value| read_answer(value, holes, &settable, diagnostics))
        .collect();
    simulate.finish(diagnostics);
    Some(Simulation { per, unset: unset.into(), variables, database, refused, booting, answers })
}

fn read_variables(
    simulate: &mut TomlTable<'_, '_>,
    params: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<(Arc<str>, Expression)> {
    let Some(mut state) = simulate.table("state", "`state`", diagnostics) else { return Vec::new() };
    let first = |(name, _, value): (&str, _, TomlValue<'_, '_>)| {
        Some((Arc::from(name), expression(value, params, "parameter", diagnostics)?))
    };
    in_order(&mut state).into_iter().filter_map(first).collect()
}

fn read_payload(simulate: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<usize> {
    let mut payload = simulate.table("payload", "`payload`", diagnostics)?;
    let least = i64::try_from(LEAST_DATABASE).unwrap_or(i64::MAX);
    let len = payload.int_in("sqlite", least..=DATABASE_MAX, diagnostics);
    if payload.get("sqlite").is_none() {
        payload.missing("sqlite", diagnostics);
    }
    payload.finish(diagnostics);
    usize::try_from(len?).ok()
}

fn read_answer(
    value: TomlValue<'_, '_>,
    holes: Holes<'_>,
    settable: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Answer> {
    let mut table = value.table("[[simulate.answer]]", diagnostics)?;
    let when = match table.get("when") {
        Some(value) => pattern(value, holes.is_text, diagnostics),
        None => {
            table.missing("when", diagnostics);
            None
        }
    };
    let mut fields = holes.known.to_vec();
    fields.extend(when.iter().flat_map(Pattern::names));
    let holes = Holes { known: &fields, ..holes };
    let condition = table.get("if").and_then(|value| expression(value, &fields, "field", diagnostics));
    let mut set = Vec::new();
    if let Some(mut values) = table.table("set", "`set`", diagnostics) {
        for (name, span, value) in in_order(&mut values) {
            if known(name, &span, settable, "`state`", diagnostics)
                && let Some(to) = expression(value, &fields, "field", diagnostics)
            {
                set.push((Arc::from(name), to));
            }
        }
    }
    let key = table.get("key").and_then(|value| template(value, holes, diagnostics));
    let unset = table.get("unset").and_then(|value| {
        if key.is_none() {
            mistake(diagnostics, "`unset` is about the state under a `key`".to_owned(), value.span(), "", None);
        }
        bytes(value, holes.is_text, diagnostics)
    });
    let mut with_state = fields.clone();
    if key.is_some() {
        with_state.push("state");
    }
    let holes = Holes { known: &with_state, ..holes };
    let store = table.get("store").and_then(|value| {
        if key.is_none() {
            let message = "`store` needs a `key` to store under".to_owned();
            mistake(diagnostics, message, value.span(), "", None);
        }
        template(value, holes, diagnostics)
    });
    let reply = table.get("reply").and_then(|value| template(value, holes, diagnostics));
    let boots = table.duration("boots", diagnostics);
    table.finish(diagnostics);
    Some(Answer { when: when?, condition, set, key, unset: unset.map(Into::into), store, reply, boots })
}
