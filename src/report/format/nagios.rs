//! The report for Nagios and Icinga: one line of text, performance data behind a bar, and the state for the exit status.
//!
//! The thresholds are shares of failed devices that must be exceeded, compared exactly. A run that was stopped early says
//! nothing about the fleet: its state is unknown.

use std::io::{self, Write};

use super::super::group::groups;
use super::super::record::run_seconds;
use super::super::{Collected, Reporter, Sink};
use super::Style;
use super::summary::summary_line;
use super::table::folded;
use crate::model::escape::printable;
use crate::model::{Ended, Share, Status, Summary};

/// More causes than this are not named: the line is for a list of services.
const MAX_CAUSES: usize = 3;
/// A cause is cut to so many characters; some agents pass on one kilobyte in all.
const CAUSE_CHARACTERS: usize = 160;

/// `--warn` and `--crit`: shares of failed devices that must be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// More failed than this: warning.
    pub warn: Share,
    /// More failed than this: critical.
    pub crit: Share,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { warn: Share::NONE, crit: Share::percent(10) }
    }
}

/// What Nagios calls the state of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NagiosState {
    /// Not more failed than `--warn`.
    Ok,
    /// More failed than `--warn`.
    Warning,
    /// More failed than `--crit`.
    Critical,
    /// The run did not come to its end, or to its beginning.
    Unknown,
}

impl NagiosState {
    /// The state of a run that is over.
    pub fn of(ended: Ended, summary: &Summary, thresholds: Thresholds) -> Self {
        let (failed, total) = (summary.failures(), summary.counted());
        if ended != Ended::Completed {
            Self::Unknown
        } else if thresholds.crit.is_exceeded(failed, total) {
            Self::Critical
        } else if thresholds.warn.is_exceeded(failed, total) {
            Self::Warning
        } else {
            Self::Ok
        }
    }

    /// The exit status that Nagios reads.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The line of a check that has nothing else to say than this text.
    pub fn line(self, text: &str) -> String {
        format!("FLEETCTL {}: {}\n", self.as_str(), one_line(text))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Writes the one line.
pub struct Nagios {
    sink: Sink,
    thresholds: Thresholds,
}

impl Nagios {
    /// A line that goes to `sink`.
    pub fn new(sink: Sink, thresholds: Thresholds) -> Self {
        Self { sink, thresholds }
    }
}

impl Reporter for Nagios {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        self.sink.write_all(line(run, self.thresholds).as_bytes())?;
        self.sink.finish()
    }
}

fn line(run: &Collected, thresholds: Thresholds) -> String {
    let summary = run.summary();
    let mut text = vec![summary_line(run, Style::Plain)];
    let groups = groups(run);
    for group in groups.iter().take(MAX_CAUSES) {
        let cause = one_line(&format!("{}: {}", folded(&group.all_devices()), group.cause));
        let short: String = cause.chars().take(CAUSE_CHARACTERS).collect();
        text.push(if short.len() < cause.len() { format!("{short}…") } else { short });
    }
    if groups.len() > MAX_CAUSES {
        text.push(format!("and {} more causes", groups.len() - MAX_CAUSES));
    }
    let state = NagiosState::of(run.ended(), summary, thresholds);
    format!("FLEETCTL {}: {} | {}\n", state.as_str(), text.join("; "), performance(run, thresholds).join(" "))
}

/// `label=value[unit];warn;crit;min;max`: the share that is judged, then every count.
fn performance(run: &Collected, thresholds: Thresholds) -> Vec<String> {
    let summary = run.summary();
    let total = summary.total;
    let (warn, crit) = (without_sign(thresholds.warn), without_sign(thresholds.crit));
    // Ten-thousandths of a percent are what `--warn` and `--crit` can tell apart; the judgement itself is exact.
    let share = Share::of(summary.failures(), summary.counted());
    let mut data =
        vec![format!("failed_share={share};{warn};{crit};0;100"), format!("failed={};;;0;{total}", summary.failures())];
    data.extend(
        Status::ALL.into_iter().map(|status| format!("{}={};;;0;{total}", status.as_str(), summary.count(status))),
    );
    data.push(format!("flaky={};;;0;{total}", summary.flaky));
    data.push(format!("time={}s;;;0", run_seconds(run.elapsed())));
    data
}

fn without_sign(share: Share) -> String {
    share.to_string().trim_end_matches('%').to_owned()
}

/// Text in which nothing ends the line or begins the performance data.
fn one_line(text: &str) -> String {
    printable(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, device, ok, raw};
    use super::*;
    use crate::model::{Delivery, Device, ErrorKind, Failure, Outcome, Value};

    fn run(total: usize, failed: usize) -> Vec<(Device, Outcome)> {
        let outcome = |n| {
            let refused = Failure::new(ErrorKind::ConnectionRefused);
            let bad = test_run::outcome(Status::Unreachable, Delivery::None, 5, Some(refused));
            if n < failed { bad } else { ok(Value::Int(1)) }
        };
        (0..total).map(|n| (device(&format!("tv-{n:03}"), &format!("10.0.0.{}", n % 250)), outcome(n))).collect()
    }

    fn written(all: Vec<(Device, Outcome)>, ended: Ended) -> String {
        let events = test_run::run_of(raw(), all, ended);
        test_run::render(|sink| Box::new(Nagios::new(sink, Thresholds::default())), events)
    }

    #[test]
    fn the_line_has_the_state_the_causes_and_the_numbers() {
        insta::assert_snapshot!(written(run(300, 3), Ended::Completed), @"FLEETCTL WARNING: 297 of 300 acknowledged, 3 failed: 3 unreachable · 4.2 s; tv-[000-002]: connection refused | failed_share=1%;0;10;0;100 failed=3;;;0;300 ok=297;;;0;300 sent=0;;;0;300 rejected=0;;;0;300 unreachable=3;;;0;300 no_reply=0;;;0;300 bad_reply=0;;;0;300 mismatch=0;;;0;300 skipped=0;;;0;300 flaky=0;;;0;300 time=4.210s;;;0");
        assert!(written(run(2, 0), Ended::Completed).starts_with("FLEETCTL OK: 2 of 2 acknowledged · 4.2 s | "));
    }

    #[test]
    fn a_threshold_must_be_exceeded_and_is_compared_exactly() {
        for (total, failed, ended, warn, crit, state) in [
            (300, 0, Ended::Completed, "0%", "10%", NagiosState::Ok),
            (300, 1, Ended::Completed, "0%", "10%", NagiosState::Warning),
            (300, 30, Ended::Completed, "0%", "10%", NagiosState::Warning),
            (300, 31, Ended::Completed, "0%", "10%", NagiosState::Critical),
            (3, 1, Ended::Completed, "33.3334%", "100%", NagiosState::Ok),
            (3, 1, Ended::Completed, "33.3333%", "100%", NagiosState::Warning),
            (3, 3, Ended::Completed, "100%", "100%", NagiosState::Ok),
            (3, 1, Ended::Completed, "50%", "10%", NagiosState::Critical),
            (3, 0, Ended::Interrupted, "0%", "10%", NagiosState::Unknown),
            (3, 3, Ended::Deadline, "0%", "10%", NagiosState::Unknown),
        ] {
            let thresholds = Thresholds { warn: warn.parse().unwrap(), crit: crit.parse().unwrap() };
            let run = test_run::collect(test_run::run_of(raw(), run(total, failed), ended));
            assert_eq!(NagiosState::of(ended, run.summary(), thresholds), state, "{failed} of {total}: {warn} {crit}");
        }
    }

    #[test]
    fn nothing_from_outside_breaks_the_line() {
        let failure = Failure::new(ErrorKind::Refused).detail("a | b=1;2\nnext");
        let all =
            vec![(device("tv|1\n", "h"), test_run::outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure)))];
        let text = written(all, Ended::Completed);
        assert_eq!((text.lines().count(), text.matches('|').count()), (1, 1), "{text}");
    }

    #[test]
    fn a_bad_night_stays_short() {
        let all = (0..200).map(|n| {
            let failure = Failure::new(ErrorKind::Refused).detail(format!("{n}{}", "x".repeat(n)));
            let bad = test_run::outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure));
            (device(&format!("{}-room", "ab".repeat(n)), "h"), bad)
        });
        let text = written(all.collect(), Ended::Completed);
        assert!(text.len() < 1024 && text.contains("and 2 more causes"), "{text}");
    }
}
