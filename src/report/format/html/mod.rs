//! The report as a page that people would rather look at than read: one file, without script and without network.
//!
//! Summary, failures by cause, the devices by site, the run over time, and every device in a list that opens on demand.
//! Light and dark follow the reader's system; on a phone everything stands below each other. The page forbids itself to
//! load anything, so that nothing a device said can.

mod devices;
mod timeline;

use std::fmt::Write as _;
use std::io::{self, Write};

use super::super::group::{Group, groups};
use super::super::moment::MomentText;
use super::super::{Collected, Reporter, Sink};
use super::summary::{span, words};
use super::table::folded;
use super::{Style, summary::summary_line};
use crate::model::escape::printable;
use crate::model::{Delivery, Ended, Status};

/// How it looks.
const STYLE: &str = include_str!("style.css");

/// Writes the page.
pub struct Html {
    sink: Sink,
}

impl Html {
    /// A page that goes to `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

impl Reporter for Html {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        write(&mut self.sink, run)?;
        self.sink.finish()
    }
}

fn write(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let title = text(&format!("{}: {}", run.info().fleet, run.info().command.label()));
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
    )?;
    write_head(out, run)?;
    write_summary(out, run)?;
    write_causes(out, run)?;
    devices::write_sites(out, run)?;
    timeline::write(out, run)?;
    devices::write_list(out, run)?;
    writeln!(
        out,
        "<footer>fleetctl {} · run {}</footer>\n</main>\n</body>\n</html>",
        text(super::super::document::VERSION),
        text(&run.info().id.0)
    )
}

fn write_head(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let info = run.info();
    let simulated = if info.simulated { " <span class=\"badge\">simulated</span>" } else { "" };
    let ended = match run.ended() {
        Ended::Completed => String::new(),
        early => format!(" <span class=\"badge early\">ended early: {}</span>", early.as_str()),
    };
    let mut at = MomentText::default();
    writeln!(
        out,
        "<header>\n<h1>{}</h1>\n<p><code>{}</code>{simulated}{ended}</p>\n\
         <p class=\"quiet\"><time>{}</time> · took {}</p>\n</header>",
        text(&info.fleet),
        text(&info.command.to_string()),
        text(&people_time(at.of(info.started_at))),
        span(run.elapsed())
    )
}

/// `2026-11-21T05:30:00.000Z` as people write it.
fn people_time(at: &str) -> String {
    let (second, _) = at.split_once('.').unwrap_or((at, ""));
    format!("{} UTC", second.replace('T', " "))
}

fn write_summary(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let summary = run.summary();
    let good = summary.failures() == 0;
    let class = if good { "good" } else { "bad" };
    writeln!(
        out,
        "<section class=\"summary\">\n<p class=\"big {class}\"><b>{}</b> of {}</p>\n<p>{}</p>",
        summary.successes(),
        summary.total,
        text(&summary_line(run, Style::Plain))
    )?;
    let mut bar = String::new();
    let mut legend = String::new();
    for status in Status::ALL.into_iter().filter(|status| summary.count(*status) > 0) {
        let (class, count) = (status.as_str(), summary.count(status));
        // Writing to a `String` cannot fail.
        _ = write!(bar, "<i class=\"{class}\" style=\"flex:{count}\"></i>");
        _ = write!(legend, "<li><i class=\"{class}\"></i>{count} {}</li>", words(status, run.info().verify));
    }
    if summary.flaky > 0 {
        _ = write!(legend, "<li><i class=\"flaky\"></i>{} needed more than one attempt</li>", summary.flaky);
    }
    writeln!(out, "<div class=\"bar\">{bar}</div>\n<ul class=\"legend\">{legend}</ul>\n</section>")
}

fn write_causes(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let groups = groups(run);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Failures by cause</h2>\n<div class=\"causes\">")?;
    for group in &groups {
        write_cause(out, group)?;
    }
    writeln!(out, "</div>\n</section>")
}

fn write_cause(out: &mut impl Write, group: &Group<'_>) -> io::Result<()> {
    let count = group.all_devices().len();
    let what = match (group.status, group.delivery) {
        // That it was not started is not known either.
        (Status::Skipped, Delivery::Unknown) => "may have acted".to_owned(),
        (status, Delivery::Unknown) => format!("{}, may have acted", words(status, false)),
        (status, _) => words(status, false).to_owned(),
    };
    let class = group.status.as_str();
    writeln!(
        out,
        "<article class=\"{class}\">\n<h3>{}</h3>\n<p class=\"quiet\">{count} {what}</p>",
        text(&group.cause)
    )?;
    for fault in &group.faults {
        writeln!(
            out,
            "<p>{}: <span class=\"names\">{}</span></p>",
            text(&group.fault_line(fault)),
            text(&folded(&fault.devices))
        )?;
    }
    if !group.devices.is_empty() {
        writeln!(out, "<p class=\"names\">{}</p>", text(&folded(&group.devices)))?;
    }
    if let Some(hint) = &group.hint {
        writeln!(out, "<p class=\"hint\">{}</p>", text(hint))?;
    }
    writeln!(out, "</article>")
}

/// Text for an element or a quoted attribute: neither steers anything nor is it markup.
pub(in crate::report) fn text(foreign: &str) -> String {
    let mut safe = String::with_capacity(foreign.len());
    for c in printable(foreign).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, device, raw};
    use super::*;
    use crate::model::{Device, ErrorKind, Failure, Value};

    fn page(events: Vec<crate::model::RunEvent>) -> String {
        test_run::render(|sink| Box::new(Html::new(sink)), events)
    }

    #[test]
    fn the_page_has_every_part_and_every_device() {
        let text = page(test_run::events());
        for part in ["<b>2</b> of 9", "Failures by cause", "<h2>Devices", "<h2>Timeline", "gateway 10.20.9.7:23"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.matches("<tr id=\"d").count(), 9);
        assert_eq!(text.matches("href=\"#d").count(), 9);
        assert!(text.contains("ended early: interrupted"));
    }

    #[test]
    fn nothing_is_loaded_and_nothing_foreign_is_markup() {
        let hostile = "<script src=//evil.example></script>\"'&";
        let failure = Failure::new(ErrorKind::Refused).detail(hostile);
        let bad = Device { site: Some(hostile.into()), device_type: hostile.into(), ..device(hostile, "h") };
        let rejected = crate::model::Outcome {
            reply: Some(hostile.as_bytes().into()),
            value: Some(Value::Text(hostile.into())),
            ..test_run::outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure))
        };
        let text = page(test_run::run_of(raw(), vec![(bad, rejected)], Ended::Completed));
        assert!(!text.contains("<script") && !text.contains("\"'&"), "{text}");
        let own = page(test_run::events());
        for loads in ["src=", "@import", "url(", "http://", "https://", "<link", "<script"] {
            assert!(!own.contains(loads), "{loads}");
        }
    }

    #[test]
    fn of_a_very_large_fleet_only_what_failed_is_drawn() {
        let failed =
            test_run::outcome(Status::NoReply, Delivery::Unknown, 1, Some(Failure::new(ErrorKind::ReplyTimeout)));
        let all = (0..=devices::MAX_DRAWN).map(|n| {
            let outcome = if n == 7 { failed.clone() } else { test_run::ok(Value::Int(1)) };
            (device(&format!("tv-{n}"), "h"), outcome)
        });
        let text = page(test_run::run_of(raw(), all.collect(), Ended::Completed));
        assert_eq!((text.matches("href=\"#d").count(), text.matches("<tr id=\"d").count()), (1, 1));
        assert!(text.len() < 100_000, "{}", text.len());
    }
}
