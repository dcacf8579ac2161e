//! What there is to say of a run, before it is written as text or HTML.
//!
//! New failures, what still fails and since when, what works again, what was never started; each by cause, as the table
//! has it, with its hint. Everything in a page is safe on a terminal; HTML escapes it once more. A page has a limit:
//! what does not fit is counted, and the report has it all.

use super::change::Change;
use super::section::{Section, Since};
use super::tell::Occasion;
use crate::diagnostic::{Diagnostics, Severity, Sources, render};
use crate::model::escape::printable;
use crate::model::{Command, Device, Ended, Status};
use crate::report::{Collected, causes, duration_text, foremost_fact, status_words, summary_text};

/// A page's texts are not longer than this in all, in bytes: mail servers and readers have limits.
const LONGEST: usize = 32 * 1024;
/// A single text is not longer than this, in characters.
const LONGEST_TEXT: usize = 1500;
/// A subject is not longer than this, in characters.
const LONGEST_SUBJECT: usize = 200;
/// More lines than this are not shown of why a run could not start.
const MOST_LINES: usize = 100;
/// So many mistakes of a broken inventory are shown.
const MOST_MISTAKES: usize = 5;

/// What there is to say.
pub(super) struct Page {
    /// The run's id, or another that is never given twice.
    pub(super) id: String,
    pub(super) subject: String,
    /// Fleet and schedule.
    pub(super) title: String,
    /// What was to be done, and when.
    pub(super) facts: Vec<String>,
    /// That the run was cut short, or the devices simulated.
    pub(super) badges: Vec<String>,
    pub(super) summary: String,
    pub(super) is_good: bool,
    /// What is to be known before everything else.
    pub(super) foremost: Option<String>,
    /// Lines that stand as they are.
    pub(super) quote: Vec<String>,
    pub(super) sections: Vec<Section>,
    pub(super) footer: String,
}

/// Devices that fail since tonight.
fn since_tonight<'a>(devices: &[&'a Device]) -> Vec<Since<'a>> {
    devices.iter().map(|device| (*device, None)).collect()
}

impl Page {
    /// A run that is over.
    pub(super) fn of_run(run: &Collected, is_good: bool, change: &Change<'_>, occasion: &Occasion<'_>) -> Self {
        let info = run.info();
        let failed = change.failed.len() + change.still.len();
        let summary = printable(&summary_text(run));
        let mut page = Self {
            id: info.id.0.to_string(),
            subject: subject(occasion, &news(run, change, failed)),
            title: title(occasion),
            facts: vec![
                cut(&printable(&command_line(&info.command, info.verify))),
                format!("{}, took {}", occasion.moment(info.started_at), duration_text(run)),
            ],
            badges: badges(run),
            summary,
            is_good,
            foremost: foremost_fact(run).map(|fact| printable(&fact)),
            quote: Vec::new(),
            sections: Vec::new(),
            footer: format!("run {}, fleetctl {}", printable(&info.id.0), env!("CARGO_PKG_VERSION")),
        };
        let since = change.unstarted_since.map(|since| occasion.moment(since));
        page.facts.extend(since.map(|since| format!("runs again: it could not start since {since}")));
        let mut room = LONGEST;
        let causes = causes(run);
        let failing = if change.is_compared { "New failures" } else { "Failures" };
        let still: Vec<_> = change.still.iter().map(|(device, since)| (*device, Some(*since))).collect();
        for (title, devices) in [
            (failing, since_tonight(&change.failed)),
            ("Still failing", still),
            ("Not started", since_tonight(&change.not_started)),
            ("Held", since_tonight(&change.held)),
        ] {
            page.sections.extend(Section::by_cause(title, &causes, &devices, occasion, &mut room));
        }
        page.sections.extend(Section::recovered(&change.recovered, occasion, &mut room));
        page.sections.extend(Section::obeyed(&change.obeyed, info.verify, &mut room));
        page
    }

    /// A run that could not start; `why` may have several lines.
    pub(super) fn of_no_start(why: &str, occasion: &Occasion<'_>) -> Self {
        let first = why.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("the reason is not known");
        Self {
            subject: subject(occasion, "could not start"),
            summary: cut(&format!("could not start: {}", printable(first.trim_start_matches("error: ")))),
            quote: quote(why),
            ..Self::notice(occasion, false)
        }
    }

    /// A letter that shows that letters arrive.
    pub(super) fn of_test(notification: &str, occasion: &Occasion<'_>) -> Self {
        let name = printable(notification);
        Self {
            subject: subject(occasion, &format!("test of `{name}`")),
            summary: format!("a test of the notification `{name}`: no device was told anything"),
            ..Self::notice(occasion, true)
        }
    }

    fn notice(occasion: &Occasion<'_>, is_good: bool) -> Self {
        Self {
            id: ulid::Ulid::generate().to_string(),
            subject: String::new(),
            title: title(occasion),
            facts: vec![occasion.moment(occasion.at)],
            badges: Vec::new(),
            summary: String::new(),
            is_good,
            foremost: None,
            quote: Vec::new(),
            sections: Vec::new(),
            footer: format!("fleetctl {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// The first errors of a broken inventory, as `fleetctl inventory check` draws them, without colour.
pub fn mistakes_text(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let errors = || diagnostics.iter().filter(|one| one.severity == Severity::Error);
    let mut drawn: Vec<String> =
        errors().take(MOST_MISTAKES).map(|one| format!("{}\n", render(one, sources, false))).collect();
    let left = errors().count().saturating_sub(MOST_MISTAKES);
    if left > 0 {
        drawn.push(format!("and {left} more: `fleetctl inventory check` shows them all"));
    }
    drawn.join("\n")
}

/// Text that is not longer than a page can bear.
pub(super) fn cut(text: &str) -> String {
    cut_to(text, LONGEST_TEXT)
}

fn cut_to(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Lines safe for a terminal, not too many.
fn quote(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.trim_end().lines().take(MOST_LINES).map(|line| cut(&printable(line))).collect();
    let left = text.trim_end().lines().count().saturating_sub(MOST_LINES);
    lines.extend((left > 0).then(|| format!("and {left} more lines")));
    lines
}

fn title(occasion: &Occasion<'_>) -> String {
    let fleet = printable(occasion.fleet);
    cut(&match occasion.schedule {
        Some(schedule) => format!("{fleet} · {}", printable(schedule)),
        None => fleet,
    })
}

fn subject(occasion: &Occasion<'_>, news: &str) -> String {
    let fleet = printable(occasion.fleet);
    let who = match occasion.schedule {
        Some(schedule) => format!("{fleet}, {}", printable(schedule)),
        None => fleet,
    };
    cut_to(&format!("[fleetctl] {who}: {news}"), LONGEST_SUBJECT)
}

/// What happened, in the fewest words.
fn news(run: &Collected, change: &Change<'_>, failed: usize) -> String {
    let (summary, verify) = (run.summary(), run.info().verify);
    let mut parts = Vec::new();
    parts.extend(change.unstarted_since.map(|_| "runs again".to_owned()));
    if failed > 0 {
        let still = match (change.is_compared, change.failed.len(), change.still.len()) {
            (true, 0, _) => " (as before)".to_owned(),
            (true, new, still) if still > 0 => format!(" ({new} new)"),
            (true, _, _) => " (new)".to_owned(),
            (false, _, _) => String::new(),
        };
        parts.push(format!("{failed} of {} failed{still}", summary.total));
    }
    match change.recovered.len() {
        0 => {}
        1 => parts.push("1 works again".to_owned()),
        count => parts.push(format!("{count} work again")),
    }
    if !change.not_started.is_empty() {
        parts.push(format!("{} not started", change.not_started.len()));
    }
    if failed == 0 {
        let status =
            if summary.count(Status::Ok) == 0 && summary.count(Status::Sent) > 0 { Status::Sent } else { Status::Ok };
        parts.push(format!("{} of {} {}", summary.successes(), summary.total, status_words(status, verify)));
    }
    let early = if run.ended() == Ended::Completed { "" } else { "cut short: " };
    format!("{early}{}", parts.join(", "))
}

fn command_line(command: &Command, verify: bool) -> String {
    let mut line = command.to_string();
    if verify {
        line.push_str(", verified");
    }
    line
}

fn badges(run: &Collected) -> Vec<String> {
    let early = (run.ended() != Ended::Completed).then(|| format!("cut short: {}", run.ended().as_str()));
    let simulated = run.info().simulated.then(|| "simulated".to_owned());
    early.into_iter().chain(simulated).collect()
}
