//! `[simulate]`: what a simulated device answers.

use super::languages::{bytes, mistake, pattern, template, word};
use crate::device_type::request::named_group_names;
use crate::device_type::simulated::{Answer, Per, Simulation};
use crate::device_type::template::Holes;
use crate::diagnostic::{Diagnostics, TomlTable, TomlValue};

const PER: [(&str, Per); 2] = [("unit", Per::Unit), ("gateway", Per::Gateway)];

pub(super) fn read_simulation(
    table: &mut TomlTable<'_, '_>,
    request_fields: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> Option<Simulation> {
    let mut simulate = table.table("simulate", "[simulate]", diagnostics)?;
    // Without the fields of a request no template here can be judged.
    let request_fields = request_fields?;
    let per = simulate.get("per").and_then(|value| word(value, &PER, diagnostics)).unwrap_or(Per::Unit);
    let unset = simulate.get("unset").and_then(|value| bytes(value, diagnostics)).unwrap_or_default();
    let holes = Holes { known: request_fields, what: "field", formats: false };
    let refused = simulate.get("refused").and_then(|value| template(value, holes, diagnostics));
    let booting = simulate.get("booting").and_then(|value| template(value, holes, diagnostics));
    let answers = simulate
        .array("answer", diagnostics)
        .into_iter()
        .filter_map(|value| read_answer(value, request_fields, diagnostics))
        .collect();
    simulate.finish(diagnostics);
    Some(Simulation { per, unset: unset.into(), refused, booting, answers })
}

fn read_answer(value: TomlValue<'_, '_>, request_fields: &[&str], diagnostics: &mut Diagnostics) -> Option<Answer> {
    let mut table = value.table("[[simulate.answer]]", diagnostics)?;
    let when = match table.get("when") {
        Some(value) => pattern(value, false, diagnostics),
        None => {
            table.missing("when", diagnostics);
            None
        }
    };
    let mut fields = request_fields.to_vec();
    fields.extend(when.iter().flat_map(named_group_names));
    let holes = Holes { known: &fields, what: "field", formats: false };
    let key = table.get("key").and_then(|value| template(value, holes, diagnostics));
    let store = table.get("store").and_then(|value| {
        if key.is_none() {
            let message = "`store` needs a `key` to store under".to_owned();
            mistake(diagnostics, message, value.span(), "", None);
        }
        template(value, holes, diagnostics)
    });
    let mut with_state = fields.clone();
    if key.is_some() {
        with_state.push("state");
    }
    let holes = Holes { known: &with_state, ..holes };
    let reply = table.get("reply").and_then(|value| template(value, holes, diagnostics));
    let boots = table.duration("boots", diagnostics);
    table.finish(diagnostics);
    Some(Answer { when: when?, key, store, reply, boots })
}
