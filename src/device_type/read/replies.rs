//! `[replies.N]`: framing, correlation, rules.

use std::sync::Arc;

use super::languages::{Defined, defines, field_ref, mistake, pattern, template, word};
use super::params::in_order;
use crate::codec::{Framing, PatternFraming};
use crate::device_type::judge::{ReplySpec, Rule, RuleVerdict};
use crate::device_type::request::named_group_names;
use crate::device_type::template::Holes;
use crate::diagnostic::{Diagnostics, TomlTable, TomlValue};

/// The longest reply, in bytes, where a type says nothing.
const MAX: i64 = 256;
/// The most bytes of an exchange that may belong to no answer, where a type says nothing.
const NOISE_MAX: i64 = 4096;

/// The replies of a type.
#[derive(Default)]
pub(super) struct Replies<'t> {
    /// Those without a mistake.
    pub(super) specs: Vec<ReplySpec>,
    /// The names of all.
    pub(super) names: Vec<&'t str>,
}

pub(super) fn read_replies<'t>(
    table: &mut TomlTable<'t, '_>,
    request_fields: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> Replies<'t> {
    let mut read = Replies::default();
    let Some(mut replies) = table.table("replies", "[replies]", diagnostics) else { return read };
    for (name, span, value) in in_order(&mut replies) {
        super::check_name(name, &span, diagnostics);
        let Some(reply) = value.table(format!("[replies.{name}]"), diagnostics) else { continue };
        read.names.push(name);
        read.specs.extend(read_reply(name, reply, request_fields, diagnostics));
    }
    read
}

fn read_reply(
    name: &str,
    mut table: TomlTable<'_, '_>,
    request_fields: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> Option<ReplySpec> {
    let max = table.int_in("max", 1..=65_536, diagnostics).unwrap_or(MAX);
    let noise_max = table.int_in("noise_max", 0..=1_048_576, diagnostics).unwrap_or(NOISE_MAX);
    let caps = (usize::try_from(max).ok()?, usize::try_from(noise_max).ok()?);
    let framing = match table.get("frame") {
        Some(value) => read_framing(value, caps, diagnostics),
        None => {
            table.missing("frame", diagnostics);
            None
        }
    };
    let framing = framing.map(Arc::new);
    let names: Vec<&str> = framing.iter().flat_map(|framing| framing.field_names()).collect();
    let reply = Defined { by: "the reply's `frame`", names: Some(&names) };
    let both = [Defined { by: "`send.fields`", names: request_fields }, reply];
    let match_values = table.array("match", diagnostics);
    let value = table.text("value", diagnostics);
    let rule_values = table.array("rules", diagnostics);
    table.finish(diagnostics);
    // Without a frame no field is defined: that would be reported again for each of them.
    let framing = framing.clone()?;
    let match_fields = match_values.into_iter().filter_map(|one| field_ref(one, &both, diagnostics)).collect();
    let value = value.and_then(|(name, span)| defines(name, &span, reply, diagnostics).then(|| Arc::from(name)));
    let rules = rule_values.into_iter().filter_map(|one| read_rule(one, &names, diagnostics)).collect();
    Some(ReplySpec { name: name.into(), framing, match_fields, value, rules })
}

fn read_framing(
    value: TomlValue<'_, '_>,
    (max, noise_max): (usize, usize),
    diagnostics: &mut Diagnostics,
) -> Option<Framing> {
    let mut frame = value.table("`frame`", diagnostics)?;
    let framing = match frame.get("pattern") {
        Some(value) => value.text(diagnostics).and_then(|text| match PatternFraming::new(text, max, noise_max) {
            Ok(framing) => Some(Framing::Pattern(framing)),
            Err(error) => {
                mistake(diagnostics, format!("this pattern frames no reply: {error}"), value.span(), "", None);
                None
            }
        }),
        None => {
            frame.missing("pattern", diagnostics);
            None
        }
    };
    frame.finish(diagnostics);
    framing
}

fn read_rule(value: TomlValue<'_, '_>, reply_fields: &[&str], diagnostics: &mut Diagnostics) -> Option<Rule> {
    let mut table = value.table("a rule", diagnostics)?;
    let when = match table.get("when") {
        Some(value) => pattern(value, false, diagnostics),
        None => {
            table.missing("when", diagnostics);
            None
        }
    };
    let verdict = match table.get("verdict") {
        Some(value) => word(value, &RuleVerdict::WORDS, diagnostics),
        None => {
            table.missing("verdict", diagnostics);
            None
        }
    };
    let mut fields = reply_fields.to_vec();
    fields.extend(when.iter().flat_map(named_group_names));
    let holes = Holes { known: &fields, what: "field", formats: false };
    let message = table.get("message").and_then(|value| template(value, holes, diagnostics));
    table.finish(diagnostics);
    Some(Rule { when: when?, verdict: verdict?, message })
}
