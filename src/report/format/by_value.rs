//! What devices answered, grouped by the answer: `on: tv-[001-298]`.
//!
//! Shown only where the answers are news. A reply to a setting usually repeats what was set; three hundred displays that
//! echo `01` after `ka 01 01` tell nothing that the summary line does not.

use std::collections::HashMap;
use std::io::{self, Write};

use super::super::Collected;
use super::super::mask::Mask;
use super::Style;
use super::table::folded;
use crate::model::escape::printable;
use crate::model::{Device, Outcome, Value};

/// More different values than this are counted instead.
const MAX_VALUES: usize = 40;

/// Writes the values of all successes, the commonest first, when they are news.
pub(super) fn write(out: &mut impl Write, run: &Collected, style: Style) -> io::Result<()> {
    let mut values: Vec<(String, Vec<&Device>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut news = run.devices().len() == 1;
    // Most devices answer the same as the one before: then no text has to be made and looked up.
    let mut last: Option<(&Value, usize)> = None;
    for (device, outcome) in run.outcomes().filter(|(_, outcome)| outcome.status.is_success()) {
        let Some(value) = &outcome.value else { continue };
        news |= !repeats_what_was_sent(value, outcome);
        let mask = Mask::new(device, outcome);
        let place = match last {
            Some((known, place)) if mask.is_empty() && known == value => place,
            _ => *places.entry(shown(value, &mask)).or_insert_with_key(|text| {
                values.push((text.clone(), Vec::new()));
                values.len() - 1
            }),
        };
        last = mask.is_empty().then_some((value, place));
        if let Some((_, devices)) = values.get_mut(place) {
            devices.push(device);
        }
    }
    if values.is_empty() || !(news || values.len() > 1) {
        return Ok(());
    }
    values.sort_by_key(|(_, devices)| std::cmp::Reverse(devices.len()));
    for (value, devices) in values.iter().take(MAX_VALUES) {
        // Of one device the name comes first, as people ask: what does this one say?
        match devices.as_slice() {
            [device] => writeln!(out, "{}: {}", printable(&device.name), style.strong(value))?,
            devices => writeln!(
                out,
                "{}: {} {}",
                style.strong(value),
                folded(devices),
                style.quiet(format!("({})", devices.len()))
            )?,
        }
    }
    if values.len() > MAX_VALUES {
        writeln!(out, "and {} more values: `--all` lists every device", values.len() - MAX_VALUES)?;
    }
    writeln!(out)
}

fn repeats_what_was_sent(value: &Value, outcome: &Outcome) -> bool {
    match (value, &outcome.sent) {
        (Value::Text(text), Some(sent)) => sent.bytes().trim_ascii_end().ends_with(text.as_bytes()),
        _ => false,
    }
}

/// A value in one line, safe for a terminal.
pub(super) fn shown(value: &Value, mask: &Mask<'_>) -> String {
    match value {
        Value::Text(text) if text.is_empty() => "(empty)".to_owned(),
        Value::Text(text) => printable(&mask.text(text)),
        Value::Int(number) => number.to_string(),
        Value::Decimal { digits, places } => Value::decimal(*digits, *places),
        Value::List(numbers) if numbers.is_empty() => "none".to_owned(),
        Value::List(numbers) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
    }
}
