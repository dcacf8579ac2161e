//! `[login]`: what is said once per connection before the first command.

use std::sync::Arc;

use super::Context;
use super::languages::{expression, mistake, pattern, template, word};
use super::replies::{ReplyFrame, read_framing};
use crate::codec::Framing;
use crate::device_type::login::{LoginRule, LoginSpec, LoginThen, StepSpec};
use crate::device_type::pattern::Pattern;
use crate::device_type::template::{Holes, Template};
use crate::diagnostic::{Diagnostics, TomlTable, TomlValue};

/// The most bytes of a log-in's reply, and of noise around it.
const CAPS: (usize, usize) = (256, 4096);

pub(super) fn read_login(
    table: &mut TomlTable<'_, '_>,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<LoginSpec> {
    let mut login = table.table("login", "[login]", diagnostics)?;
    let known: Vec<&str> = context.params.iter().map(|param| &*param.name).collect();
    let holes = Holes { known: &known, what: "parameter", formats: true, is_text: context.is_text };
    let needed = login.get("if").and_then(|value| expression(value, &known, "parameter", diagnostics));
    if login.get("steps").is_none() {
        login.missing("steps", diagnostics);
    }
    let steps = login.array("steps", diagnostics);
    let steps = steps.into_iter().filter_map(|step| read_step(step, holes, diagnostics)).collect();
    login.finish(diagnostics);
    Some(LoginSpec { needed, steps })
}

fn read_step(value: TomlValue<'_, '_>, holes: Holes<'_>, diagnostics: &mut Diagnostics) -> Option<StepSpec> {
    let mut step = value.table("a step of [login]", diagnostics)?;
    let send = step.get("send").and_then(|value| template(value, holes, diagnostics));
    let framing = framing(&mut step, holes.is_text, diagnostics);
    let rules: Vec<LoginRule> = step
        .array("rules", diagnostics)
        .into_iter()
        .filter_map(|rule| read_rule(rule, holes.is_text, diagnostics))
        .collect();
    let logout = step.table("logout", "`logout`", diagnostics).and_then(|mut logout| {
        let send: Option<Template> = match logout.get("send") {
            Some(value) => template(value, holes, diagnostics),
            None => {
                logout.missing("send", diagnostics);
                None
            }
        };
        let framing = self::framing(&mut logout, holes.is_text, diagnostics);
        logout.finish(diagnostics);
        Some((send?, framing?))
    });
    step.finish(diagnostics);
    Some(StepSpec { send, framing: framing?, rules: rules.into(), logout })
}

fn framing(table: &mut TomlTable<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<Arc<Framing>> {
    let Some(value) = table.get("frame") else {
        table.missing("frame", diagnostics);
        return None;
    };
    match read_framing(value, CAPS, is_text, diagnostics)? {
        ReplyFrame::Found(framing) => Some(framing),
        ReplyFrame::None => {
            mistake(diagnostics, "a log-in waits for what is answered".to_owned(), value.span(), "", None);
            None
        }
    }
}

fn read_rule(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<LoginRule> {
    let mut table = value.table("a rule", diagnostics)?;
    let when = match table.get("when") {
        Some(value) => pattern(value, is_text, diagnostics),
        None => {
            table.missing("when", diagnostics);
            None
        }
    };
    let then = match table.get("then") {
        Some(value) => word(value, &LoginThen::WORDS, diagnostics),
        None => {
            table.missing("then", diagnostics);
            None
        }
    };
    let fields: Vec<&str> = when.iter().flat_map(Pattern::names).collect();
    let holes = Holes { known: &fields, what: "field", formats: false, is_text: true };
    let message = table.get("message").and_then(|value| template(value, holes, diagnostics));
    table.finish(diagnostics);
    Some(LoginRule { when: when?, then: then?, message })
}
