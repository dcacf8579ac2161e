//! The report for people: failures first, grouped by cause, each with what to try; the summary line last.
//!
//! Written for an operator who looks at it at 05:30: what is wrong, where, what to do, and nothing of what went well but
//! its count. Causes come from `group.rs`, advice from `hint.rs`, values from `by_value.rs`. Everything that came from
//! outside is escaped here.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Color};

use super::super::fault::{Fault, Place};
use super::super::group::{Group, groups, most_names_fail, skipped_because};
use super::super::mask::Mask;
use super::super::{Collected, Reporter, Sink};
use super::grid::{coloured, grid, trimmed};
use super::summary::{summary_line, words};
use super::{Style, by_reply, by_value};
use crate::model::escape::printable;
use crate::model::{Delivery, Device, Outcome, SkipReason, Status, fold_names};

/// More names than this in one list are counted instead, where they do not fold well.
const MAX_NAMES: usize = 200;
/// A folded list shorter than this, in bytes, is shown whole.
const SHORT_LIST: usize = 1000;
/// More gateways than this in one group are not listed one by one.
const MAX_GATEWAYS: usize = 5;

/// What a table for people groups devices by: `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Failures by their cause.
    #[default]
    Cause,
    /// All devices by what they answered.
    Reply,
}

/// How the table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// List every device.
    pub all: bool,
    /// What devices are grouped by.
    pub by: By,
    /// Colour.
    pub style: Style,
    /// The terminal's width in columns; without it lines are never wrapped.
    pub width: Option<u16>,
}

/// Writes the report for people.
pub struct Table {
    sink: Sink,
    options: TableOptions,
}

impl Table {
    /// A table that goes to `sink`.
    pub fn new(sink: Sink, options: TableOptions) -> Self {
        Self { sink, options }
    }
}

impl Reporter for Table {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        write(&mut self.sink, run, self.options)?;
        self.sink.finish()
    }
}

fn write(out: &mut impl Write, run: &Collected, options: TableOptions) -> io::Result<()> {
    let style = options.style;
    if let Some(fact) = names_fact(run) {
        writeln!(out, "{}: check this machine's network and DNS before the devices.\n", style.failure(fact))?;
    }
    match options.by {
        By::Cause => write_causes(out, run, style)?,
        By::Reply => by_reply::write(out, run, style)?,
    }
    if options.all {
        writeln!(out, "{}\n", all_devices(run, options))?;
    } else if options.by == By::Cause {
        by_value::write(out, run, style)?;
    }
    write_flaky(out, run)?;
    writeln!(out, "{}", summary_line(run, style))
}

/// That most host names fail, if they do.
pub(in crate::report) fn names_fact(run: &Collected) -> Option<String> {
    let (failed, of) = most_names_fail(run)?;
    Some(match of {
        1 => "the only host name does not resolve".to_owned(),
        _ => format!("{failed} of {of} host names do not resolve"),
    })
}

fn write_causes(out: &mut impl Write, run: &Collected, style: Style) -> io::Result<()> {
    groups(run).iter().try_for_each(|group| write_group(out, group, style))
}

fn write_group(out: &mut impl Write, group: &Group<'_>, style: Style) -> io::Result<()> {
    let cause = printable(&group.cause);
    let what = |count: usize| {
        let acted = if group.delivery == Delivery::Unknown { ", may have acted" } else { "" };
        style.quiet(match (count, group.status) {
            // The cause says already that it was not started.
            (1, Status::Skipped) if acted.is_empty() => String::new(),
            (1, Status::Skipped) => " (may have acted)".to_owned(),
            (_, Status::Skipped) => format!(" ({count}{acted})"),
            (1, status) => format!(" ({}{acted})", words(status, false)),
            (_, status) => format!(" ({count} {}{acted})", words(status, false)),
        })
    };
    let painted = |who: &str| {
        if group.status == Status::Skipped { style.notice(who) } else { style.failure(who) }
    };
    let (sites, gateways): (Vec<&Fault<'_>>, Vec<_>) =
        group.faults.iter().partition(|fault| matches!(fault.place, Place::Site(_)));
    let one_by_one = if gateways.len() > MAX_GATEWAYS { &[] } else { gateways.as_slice() };
    for fault in sites.iter().chain(one_by_one) {
        let (said, count) = (printable(&group.fault_line(fault)), fault.devices.len());
        writeln!(out, "{}: {}{}", painted(&said), folded(&fault.devices), what(count))?;
    }
    let line = |out: &mut dyn Write, who: &str, count| writeln!(out, "{}: {cause}{}", painted(who), what(count));
    if one_by_one.len() < gateways.len() {
        let devices: Vec<&Device> = gateways.iter().flat_map(|fault| &fault.devices).copied().collect();
        let who = format!("{} gateways with all their devices ({})", gateways.len(), folded(&devices));
        line(out, &who, devices.len())?;
    }
    if !group.devices.is_empty() {
        line(out, &folded(&group.devices), group.devices.len())?;
    }
    if !sites.is_empty() {
        writeln!(out, "    Where all fail alike, check the site's line, its VPN and its power before its devices.")?;
    }
    if let Some(hint) = &group.hint {
        writeln!(out, "    {hint}")?;
    }
    writeln!(out)
}

/// Names folded into ranges; a long list that does not fold is cut and the rest counted.
pub(in crate::report) fn folded(devices: &[&Device]) -> String {
    let fold = |devices: &[&Device]| printable(&fold_names(devices.iter().map(|device| &*device.name)));
    let all = fold(devices);
    match devices.split_at_checked(MAX_NAMES) {
        Some((shown, rest)) if all.len() > SHORT_LIST && !rest.is_empty() => {
            format!("{} and {} more", fold(shown), rest.len())
        }
        _ => all,
    }
}

fn write_flaky(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let flaky: Vec<&Device> =
        run.outcomes().filter(|(_, outcome)| outcome.is_flaky()).map(|(device, _)| device).collect();
    if flaky.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} needed more than one attempt: {}\n", flaky.len(), folded(&flaky))
}

fn all_devices(run: &Collected, options: TableOptions) -> String {
    let mut grid = grid(&["DEVICE", "ADDRESS", "STATUS", "TRIES", "MS", "VALUE", "ERROR"], options);
    for (device, outcome) in run.outcomes() {
        grid.add_row(device_row(run, device, outcome));
    }
    trimmed(&grid)
}

fn device_row(run: &Collected, device: &Device, outcome: &Outcome) -> Vec<Cell> {
    let mask = Mask::new(device, outcome);
    let status = words(outcome.status, outcome.verified == Some(true));
    let status = match outcome.status {
        Status::Ok | Status::Sent => coloured(status, Color::Green),
        Status::Skipped => coloured(status, Color::Yellow),
        _ => coloured(status, Color::Red),
    };
    let error = match (&outcome.error, outcome.reason) {
        (Some(failure), _) => printable(&mask.text(&failure.to_string())),
        (None, Some(SkipReason::Held)) => printable(&skipped_because(run, device, outcome)),
        (None, Some(reason)) => reason.as_str().to_owned(),
        (None, None) => String::new(),
    };
    vec![
        Cell::new(printable(&device.name)),
        Cell::new(&device.address),
        status,
        Cell::new(outcome.attempts).set_alignment(CellAlignment::Right),
        Cell::new(format!("{:.1}", super::super::record::tenths_of_ms(outcome.elapsed)))
            .set_alignment(CellAlignment::Right),
        Cell::new(outcome.value.as_ref().map(|value| by_value::shown(value, &mask)).unwrap_or_default()),
        Cell::new(error),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, action, device, ok, outcome, raw};
    use super::*;
    use crate::model::{Ended, ErrorKind, Failure, RunEvent, Value};

    fn render(events: Vec<RunEvent>, options: TableOptions) -> String {
        test_run::render(|sink| Box::new(Table::new(sink, options)), events)
    }

    fn plain(events: Vec<RunEvent>) -> String {
        render(events, TableOptions::default())
    }

    #[test]
    fn failures_stand_first_by_cause_and_the_summary_last() {
        insta::assert_snapshot!(plain(test_run::events()), @r"
        the only host name does not resolve: check this machine's network and DNS before the devices.

        gateway 10.20.9.7:23 refuses connections: wall-[1-2] (2 unreachable)
            The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode.

        tv-003: refused: not supported by this model (NG 02) (rejected)
            The device understood and said no: check that this model supports the command, and that its present state allows it.

        tv-006: no complete reply within 8s, 12 bytes came (no reply, may have acted)
            12 bytes came that make no reply: check baud rate, parity and device type.

        tv-007: the reply makes no sense (bad reply, may have acted)
            Something else answers on this port, or the device speaks another language: check device type, address, baud rate and parity.

        pump: the name does not resolve (unreachable)
            Check the spelling of the host name, and that this machine's DNS server knows it.

        tv-009: not started, the run was interrupted

        1 needed more than one attempt: tv-002

        interrupted: 2 of 9 acknowledged, 6 failed: 1 rejected, 3 unreachable, 1 no reply, 1 bad reply, 1 not started · 4.2 s
        ");
    }

    fn many(count: u32, outcome: impl Fn(u32) -> Outcome) -> Vec<(Device, Outcome)> {
        (1..=count).map(|n| (device(&format!("tv-{n:03}"), &format!("10.0.0.{n}")), outcome(n))).collect()
    }

    #[test]
    fn a_night_without_failures_is_one_line() {
        let events = test_run::run_of(raw(), many(200, |_| ok(Value::Text("01".into()))), Ended::Completed);
        assert_eq!(plain(events), "200 of 200 acknowledged · 4.2 s\n");
        let sent = |_| outcome(Status::Sent, Delivery::Unknown, 5, None);
        let events = test_run::run_of(raw(), many(3, sent), Ended::Completed);
        assert_eq!(plain(events), "3 of 3 sent, which no device acknowledges · 4.2 s\n");
    }

    #[test]
    fn answers_are_shown_by_value_when_they_are_news() {
        let value = |n| if n > 198 { "off" } else { "on" };
        let events =
            test_run::run_of(action("power-status"), many(200, |n| ok(Value::Text(value(n).into()))), Ended::Completed);
        assert_eq!(plain(events), "on: tv-[001-198] (198)\noff: tv-[199-200] (2)\n\n200 of 200 acknowledged · 4.2 s\n");
        let events = test_run::run_of(action("volume-status"), many(1, |_| ok(Value::Int(30))), Ended::Completed);
        assert_eq!(plain(events), "tv-001: 30\n\n1 of 1 acknowledged · 4.2 s\n");
    }

    #[test]
    fn all_lists_every_device_and_colour_comes_only_when_asked_for() {
        let options = TableOptions { all: true, ..TableOptions::default() };
        let text = render(test_run::events(), options);
        assert!(
            text.lines().any(|line| {
                line.split_whitespace().collect::<Vec<_>>()
                    == ["tv-001", "10.20.0.1:23", "acknowledged", "1", "131.4", "01"]
            }),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        let coloured = render(test_run::events(), TableOptions { style: Style::Coloured, ..options });
        assert!(coloured.contains("\u{1b}[1m\u{1b}[31m") || coloured.contains("\u{1b}[31m"), "{coloured}");
    }

    #[test]
    fn names_that_do_not_fold_are_cut_and_counted() {
        let fails = |n: u32| {
            let name = format!("{}-room-with-a-long-name", ["a", "b"].map(|s| s.repeat(n as usize)).join("x"));
            let error = Some(Failure::new(ErrorKind::ConnectTimeout));
            (device(&name, &format!("10.0.0.{}", n % 250)), outcome(Status::Unreachable, Delivery::None, 1, error))
        };
        let events = test_run::run_of(raw(), (1..=240).map(fails).collect(), Ended::Completed);
        let text = plain(events);
        assert!(
            text.starts_with("every selected device of site hq: no connection: ")
                && text.contains(" and 40 more (240 unreachable)")
        );
    }
}
