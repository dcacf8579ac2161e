//! The one line that says how a run went: `297 of 300 acknowledged, 3 failed: 1 rejected, 2 no reply · 4.2 s`.
//!
//! `ok` is worded "acknowledged", which is all that a device's reply proves; with `--verify` it has shown the wanted
//! state, and is "verified".

use std::time::Duration;

use super::super::Collected;
use super::Style;
use crate::model::{Ended, Status, Summary};

/// The summary line of a run.
pub(in crate::report) fn summary_line(run: &Collected, style: Style) -> String {
    let summary = run.summary();
    let skipped = summary.count(Status::Skipped).saturating_sub(summary.held);
    let failed = summary.failures().saturating_sub(skipped);
    let verify = run.info().verify;
    let mut parts = successes(summary, verify);
    if failed > 0 {
        let kinds: Vec<String> = Status::ALL
            .into_iter()
            .filter(|status| !status.is_success() && *status != Status::Skipped && summary.count(*status) > 0)
            .map(|status| format!("{} {}", summary.count(status), words(status, verify)))
            .collect();
        parts.push(format!("{failed} failed: {}", kinds.join(", ")));
    }
    if skipped > 0 {
        parts.push(format!("{skipped} {}", words(Status::Skipped, verify)));
    }
    if summary.held > 0 {
        parts.push(format!("{} held", summary.held));
    }
    let early = match run.ended() {
        Ended::Completed => "",
        Ended::Interrupted => "interrupted: ",
        Ended::Deadline => "the deadline was over: ",
        Ended::MaxFailures => "too many failures: ",
    };
    let line = format!("{early}{}", parts.join(", "));
    let line = if failed + skipped > 0 { style.strong(line) } else { style.success(line) };
    format!("{line} · {}", span(run.elapsed()))
}

fn successes(summary: &Summary, verify: bool) -> Vec<String> {
    let (total, ok, sent) = (summary.total, summary.count(Status::Ok), summary.count(Status::Sent));
    if sent > 0 && ok == 0 {
        return vec![format!("{sent} of {total} sent, which no device acknowledges")];
    }
    let mut parts = vec![format!("{ok} of {total} {}", words(Status::Ok, verify))];
    if sent > 0 {
        parts.push(format!("{sent} sent without acknowledgement"));
    }
    parts
}

/// A status in words; `verify`: devices were asked for their state.
pub(in crate::report) fn words(status: Status, verify: bool) -> &'static str {
    match status {
        Status::Ok if verify => "verified",
        Status::Ok => "acknowledged",
        Status::Sent => "sent",
        Status::Rejected => "rejected",
        Status::Unreachable => "unreachable",
        Status::NoReply => "no reply",
        Status::BadReply => "bad reply",
        Status::Mismatch => "mismatch",
        Status::Skipped => "not started",
    }
}

/// A span as people say it.
pub(in crate::report) fn span(span: Duration) -> String {
    // No more exact than the report keeps it, so that a saved one says the same.
    let span = Duration::from_millis(super::super::record::whole_ms(span));
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_people_say_it() {
        for (ms, text) in
            [(40, "0.0 s"), (4_210, "4.2 s"), (59_900, "59.9 s"), (125_000, "2 min 5 s"), (7_260_000, "2 h 1 min")]
        {
            assert_eq!(span(Duration::from_millis(ms)), text);
        }
    }
}
