//! A finished run in the words of the table, for whoever tells somebody of it: causes, hints, counts, names.
//!
//! Owns no wording: it opens what `group.rs`, `fault.rs` and the formats say to `notify`, so that a mail and the table
//! say the same of the same night.

use std::borrow::Cow;
use std::io;

use serde::Serialize;

use super::format::{folded, html_text, names_fact, span, summary_line, words};
use super::group::{Group, groups};
use super::json_layout::{make_line, write_document};
use super::{Collected, Reporter, Style, record};
use crate::model::{Delivery, Device, Status};

/// A reporter that reports nothing and has every outcome kept, for whoever tells of the run when it is over.
pub struct KeepOutcomes;

impl Reporter for KeepOutcomes {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, _: &Collected) -> io::Result<()> {
        Ok(())
    }
}

/// Devices that failed for one cause.
pub struct Cause<'a> {
    /// What became of them.
    pub status: Status,
    /// Whether the command may have reached them all the same.
    pub may_have_acted: bool,
    /// What happened, one line; not escaped.
    pub text: String,
    /// What to try.
    pub hint: Option<Cow<'static, str>>,
    /// Sites and gateways that fail as a whole: what is said of each (not escaped), and its devices.
    pub faults: Vec<(String, Vec<&'a Device>)>,
    /// The other devices.
    pub devices: Vec<&'a Device>,
}

impl<'a> From<Group<'a>> for Cause<'a> {
    fn from(group: Group<'a>) -> Self {
        let lines: Vec<String> = group.faults.iter().map(|fault| group.fault_line(fault)).collect();
        let devices = group.faults.into_iter().map(|fault| fault.devices);
        Self {
            status: group.status,
            may_have_acted: group.delivery == Delivery::Unknown,
            text: group.cause,
            hint: group.hint,
            faults: lines.into_iter().zip(devices).collect(),
            devices: group.devices,
        }
    }
}

/// All failures of a run by cause, the largest first, those that were never started last.
pub fn causes(run: &Collected) -> Vec<Cause<'_>> {
    groups(run).into_iter().map(Cause::from).collect()
}

/// What stands before all causes, where it is the one thing to know: most host names fail.
pub fn foremost_fact(run: &Collected) -> Option<String> {
    let fact = names_fact(run)?;
    Some(format!("{fact}: check this machine's network and DNS before the devices."))
}

/// The one line that says how a run went.
pub fn summary_text(run: &Collected) -> String {
    summary_line(run, Style::Plain)
}

/// A status in words; `verify`: devices were asked for their state.
pub fn status_words(status: Status, verify: bool) -> &'static str {
    words(status, verify)
}

/// How long a run took, as people say it.
pub fn duration_text(run: &Collected) -> String {
    span(run.elapsed())
}

/// Names folded into ranges, escaped for a terminal; a long list that does not fold is cut and the rest counted.
pub fn folded_names(devices: &[&Device]) -> String {
    folded(devices)
}

/// Text for an HTML element or a quoted attribute: neither steers anything nor is it markup.
pub fn markup(foreign: &str) -> String {
    html_text(foreign)
}

/// The JSON report `fleetctl.report/1` of a run whose outcomes were kept.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn report_json(run: &Collected) -> io::Result<String> {
    let mut bytes = Vec::new();
    write_document(&mut bytes, &record::report(run))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Another document as one line of JSON without its end, as safe to look at as a report.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json_line(document: &impl Serialize) -> io::Result<String> {
    let mut line = Vec::new();
    make_line(&mut line, document)?;
    line.pop();
    String::from_utf8(line).map_err(io::Error::other)
}
