//! `[replies.N]`: framing, correlation, rules.

use std::sync::{Arc, OnceLock};

use toml::de::DeValue;

use super::languages::{Defined, bytes, defines, field_ref, mistake, pattern, template, word};
use super::layout::read_layout;
use super::params::in_order;
use crate::codec::{EndFraming, Framing, Memo, PatternFraming, TemplateFraming};
use crate::device_type::judge::{ReplySpec, Rule, RuleVerdict};
use crate::device_type::pattern::Pattern;
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
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Replies<'t> {
    let mut read = Replies::default();
    let Some(mut replies) = table.table("replies", "[replies]", diagnostics) else { return read };
    for (name, span, value) in in_order(&mut replies) {
        super::check_name(name, &span, diagnostics);
        let Some(reply) = value.table(format!("[replies.{name}]"), diagnostics) else { continue };
        read.names.push(name);
        read.specs.extend(read_reply(name, reply, request_fields, is_text, diagnostics));
    }
    read
}

fn read_reply(
    name: &str,
    mut table: TomlTable<'_, '_>,
    request_fields: Option<&[&str]>,
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ReplySpec> {
    let max = table.int_in("max", 1..=65_536, diagnostics).unwrap_or(MAX);
    let noise_max = table.int_in("noise_max", 0..=1_048_576, diagnostics).unwrap_or(NOISE_MAX);
    let caps = (usize::try_from(max).ok()?, usize::try_from(noise_max).ok()?);
    let framing = match table.get("frame") {
        Some(value) => read_framing(value, caps, is_text, diagnostics),
        None => {
            table.missing("frame", diagnostics);
            None
        }
    };
    let match_values = table.array("match", diagnostics);
    let value = table.text("value", diagnostics);
    let rule_values = table.array("rules", diagnostics);
    table.finish(diagnostics);
    // Without a frame no field is defined: that would be reported again for each of them.
    let framing = match framing? {
        ReplyFrame::None => None,
        ReplyFrame::Found(framing) => Some(framing),
    };
    let names: Vec<&str> = framing.iter().flat_map(|framing| framing.field_names()).collect();
    let reply = Defined { by: "the reply's `frame`", names: Some(&names) };
    let both = [Defined { by: "`send.fields`", names: request_fields }, reply];
    let match_fields = match_values.into_iter().filter_map(|one| field_ref(one, &both, diagnostics)).collect();
    let count = rule_values.len();
    let rules: Vec<Rule> =
        rule_values.into_iter().filter_map(|one| read_rule(one, &names, is_text, diagnostics)).collect();
    let mut shown = names.clone();
    shown.extend(rules.iter().flat_map(|rule| rule.when.names()));
    // A rule with a mistake may be the one that defines the field.
    let of_rules = rules.len() == count;
    let by = if names.is_empty() { "the reply" } else { "the reply's `frame`" };
    let defined = Defined { by, names: of_rules.then_some(&*shown) };
    let value = value.and_then(|(name, span)| defines(name, &span, defined, diagnostics).then(|| Arc::from(name)));
    let (understood, first_rule) = (Memo::default(), OnceLock::new());
    Some(ReplySpec { name: name.into(), framing, match_fields, value, rules, understood, first_rule })
}

/// `frame`: whether and how a reply is found in the stream.
pub(super) enum ReplyFrame {
    /// No reply comes.
    None,
    /// So it is found.
    Found(Arc<Framing>),
}

/// Reads `frame`; `None` when it has a mistake.
pub(super) fn read_framing(
    value: TomlValue<'_, '_>,
    (max, noise_max): (usize, usize),
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ReplyFrame> {
    if let DeValue::String(text) = value.value() {
        if text == "none" {
            return Some(ReplyFrame::None);
        }
        let message = format!("`frame` cannot be `{text}`");
        mistake(diagnostics, message, value.span(), "a table, or \"none\" where no reply comes", None);
        return None;
    }
    let mut frame = value.table("`frame`", diagnostics)?;
    let ways = ["pattern", "until", "length", "template"].map(|way| (way, frame.get(way)));
    let or_eof = frame.bool("or_eof", diagnostics);
    let strip = frame.bool("strip", diagnostics);
    let given: Vec<_> = ways.into_iter().filter_map(|(way, value)| Some((way, value?))).collect();
    let span = frame.span();
    if given.is_empty() {
        frame.missing("pattern", diagnostics);
    }
    if given.len() > 1 {
        let names: Vec<String> = given.iter().map(|(way, _)| format!("`{way}`")).collect();
        mistake(diagnostics, format!("`frame` has {}", names.join(" and ")), span.clone(), "one of them", None);
    }
    if (or_eof.is_some() || strip.is_some()) && given.iter().all(|(way, _)| *way != "until") {
        mistake(diagnostics, "`or_eof` and `strip` belong to `until`".to_owned(), span, "", None);
    }
    frame.finish(diagnostics);
    let &[(way, value)] = given.as_slice() else { return None };
    let wrong = |message: String, diagnostics: &mut Diagnostics| {
        mistake(diagnostics, message, value.span(), "", None);
        None
    };
    match way {
        "pattern" if diagnostics.is_proven() => {
            let framing = PatternFraming::proven(value.text(diagnostics)?, max, noise_max);
            Some(ReplyFrame::Found(Arc::new(Framing::Pattern(framing))))
        }
        "pattern" => match PatternFraming::new(value.text(diagnostics)?, max, noise_max) {
            Ok(framing) => Some(ReplyFrame::Found(Arc::new(Framing::Pattern(framing)))),
            Err(error) => {
                let message = format!("this pattern frames no reply: {error}");
                mistake(diagnostics, message, value.span(), "", error.help().map(str::to_owned));
                None
            }
        },
        "until" => {
            let earlier = diagnostics.error_count();
            let ends: Vec<Box<[u8]>> = value
                .array(diagnostics)
                .into_iter()
                .filter_map(|end| Some(bytes(end, is_text, diagnostics)?.into()))
                .collect();
            if ends.iter().any(|end| end.is_empty()) || (ends.is_empty() && or_eof != Some(true)) {
                return wrong("nothing ends this reply".to_owned(), diagnostics);
            }
            (diagnostics.error_count() == earlier).then(|| {
                let framing = EndFraming::new(ends, or_eof.unwrap_or(false), strip.unwrap_or(false), max);
                ReplyFrame::Found(Arc::new(Framing::End(framing)))
            })
        }
        "length" => match usize::try_from(value.int(diagnostics)?) {
            Ok(len @ 1..=65_536) => Some(ReplyFrame::Found(Arc::new(Framing::Length(len)))),
            _ => wrong("`length` must be 1 to 65536".to_owned(), diagnostics),
        },
        _ => match TemplateFraming::new(read_layout(value, is_text, diagnostics)?, max, noise_max) {
            Ok(framing) => Some(ReplyFrame::Found(Arc::new(Framing::Template(framing)))),
            Err(error) => wrong(error.to_string(), diagnostics),
        },
    }
}

fn read_rule(
    value: TomlValue<'_, '_>,
    reply_fields: &[&str],
    is_text: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Rule> {
    let mut table = value.table("a rule", diagnostics)?;
    let when = match table.get("when") {
        Some(value) => pattern(value, is_text, diagnostics),
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
    fields.extend(when.iter().flat_map(Pattern::names));
    let holes = Holes { known: &fields, what: "field", formats: false, is_text: true };
    let message = table.get("message").and_then(|value| template(value, holes, diagnostics));
    table.finish(diagnostics);
    Some(Rule { when: when?, verdict: verdict?, message })
}
