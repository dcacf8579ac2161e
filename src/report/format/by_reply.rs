//! Who deviates: devices grouped by what they answered, the majority first (`--by reply`).
//!
//! Replies are compared as `normal.rs` makes them, so that set IDs do not tell them apart. Devices that gave no reply
//! stand last, by why.

use std::collections::HashMap;
use std::io::{self, Write};

use super::super::Collected;
use super::super::group::skipped_because;
use super::super::mask::Mask;
use super::super::normal::normal_reply;
use super::Style;
use super::by_value::shown;
use super::summary::words;
use super::table::folded;
use crate::model::escape::printable;
use crate::model::{Device, Failure, Outcome, Status};

/// More different replies than this are counted instead.
const MAX_REPLIES: usize = 40;
/// A longer reply is cut, in characters.
const MAX_LENGTH: usize = 120;

#[derive(PartialEq, Eq, Hash, Clone)]
enum Key {
    /// What it said.
    Reply(String),
    /// Why it said nothing.
    Without(String),
}

/// Devices that said the same.
struct Answer<'a> {
    key: Key,
    devices: Vec<&'a Device>,
    /// What the reply means, where it means the same for all.
    value: Option<String>,
}

/// Writes the replies of all devices.
pub(super) fn write(out: &mut impl Write, run: &Collected, style: Style) -> io::Result<()> {
    let answers = answers(run);
    let width = answers.iter().map(|answer| answer.devices.len()).max().unwrap_or(0).to_string().len();
    for (place, answer) in answers.iter().take(MAX_REPLIES).enumerate() {
        let count = answer.devices.len();
        let what = match &answer.key {
            Key::Reply(text) if place == 0 => style.strong(said(text)),
            Key::Reply(text) => style.notice(said(text)),
            Key::Without(why) => style.failure(why),
        };
        let value = match (&answer.value, &answer.key) {
            (Some(value), Key::Reply(text)) if !text.contains(value.as_str()) => format!(" ({value})"),
            _ => String::new(),
        };
        writeln!(out, "{count:>width$}  {what}{value}: {}", folded(&answer.devices))?;
    }
    if answers.len() > MAX_REPLIES {
        writeln!(out, "and {} more replies: `--all` lists every device", answers.len() - MAX_REPLIES)?;
    }
    writeln!(out)
}

fn answers(run: &Collected) -> Vec<Answer<'_>> {
    let mut answers: Vec<Answer<'_>> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for (device, outcome) in run.outcomes() {
        let mask = Mask::new(device, outcome);
        let key = normal_reply(outcome, &mask).map_or_else(|| Key::Without(why(run, device, outcome)), Key::Reply);
        let value = outcome.value.as_ref().map(|value| shown(value, &mask));
        let place = *places.entry(key.clone()).or_insert_with(|| {
            answers.push(Answer { key, devices: Vec::new(), value: value.clone() });
            answers.len() - 1
        });
        if let Some(answer) = answers.get_mut(place) {
            answer.devices.push(device);
            if answer.value != value {
                answer.value = None;
            }
        }
    }
    answers.sort_by_key(|answer| (matches!(answer.key, Key::Without(_)), std::cmp::Reverse(answer.devices.len())));
    answers
}

/// Why there is no reply, without what is one device's own.
fn why(run: &Collected, device: &Device, outcome: &Outcome) -> String {
    match (&outcome.error, outcome.status) {
        (_, Status::Skipped) => printable(&skipped_because(run, device, outcome)),
        (Some(failure), _) => printable(&Failure::new(failure.kind).to_string()),
        (None, status) => words(status, outcome.verified == Some(true)).to_owned(),
    }
}

fn said(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH).and_then(|(end, _)| text.get(..end)) {
        _ if text.is_empty() => "(empty)".to_owned(),
        Some(start) => format!("{start}…"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::test_run::{self, action, device, outcome};
    use super::super::{By, Table, TableOptions};
    use crate::model::{Delivery, Device, Ended, ErrorKind, Failure, Outcome, Payload, Status, Value};

    fn answered(set_id: u32, reply: &str, value: &str) -> (Device, Outcome) {
        let said = Outcome {
            sent: Some(Arc::new(Payload::plain(format!("ka {set_id:02x} ff\r").as_bytes()))),
            reply: Some(reply.as_bytes().into()),
            value: Some(Value::Text(value.into())),
            ..outcome(Status::Ok, Delivery::Confirmed, 1, None)
        };
        (device(&format!("wall-{set_id}"), "10.20.9.7"), said)
    }

    #[test]
    fn the_majority_comes_first_and_those_without_a_reply_last() {
        let mut all: Vec<_> = (1..=9).map(|id| answered(id, &format!("a {id:02x} OK01x"), "on")).collect();
        all.push(answered(10, "a 0a OK00x", "off"));
        let refused = Some(Failure::new(ErrorKind::ConnectionRefused).detail("at 10.0.0.1"));
        for name in ["tv-1", "tv-2"] {
            all.push((device(name, name), outcome(Status::Unreachable, Delivery::None, 1, refused.clone())));
        }
        let options = TableOptions { by: By::Reply, ..TableOptions::default() };
        let events = test_run::run_of(action("power-status"), all, Ended::Completed);
        let text = test_run::render(|sink| Box::new(Table::new(sink, options)), events);
        insta::assert_snapshot!(text, @r"
        9  a ‹id› OK01x (on): wall-[1-9]
        1  a ‹id› OK00x (off): wall-10
        2  connection refused: tv-[1-2]

        10 of 12 acknowledged, 2 failed: 2 unreachable · 4.2 s
        ");
    }
}
