//! A page as HTML, for mail: the look of the HTML report in small.
//!
//! Mail programs know little: no script, nothing to load, colours on the elements themselves. Everything from outside is
//! escaped here.

use std::fmt::Write as _;

use super::page::Page;
use super::section::{Entry, Line, Section};
use crate::model::Status;
use crate::report::markup;

const QUIET: &str = "color:#5b6470;font-size:14px";
const CARD: &str = "background:#ffffff;border:1px solid #d9dee5;border-radius:10px;padding:16px;margin:16px 0";

/// The page as one HTML document.
pub(super) fn write(page: &Page) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n</head>\n\
         <body style=\"margin:0;background:#f6f7f9;color:#1b1f24;font:16px/1.5 system-ui,sans-serif\">\n\
         <div style=\"max-width:720px;margin:0 auto;padding:16px\">\n",
        markup(&page.subject)
    );
    // Writing to a `String` cannot fail.
    _ = write_head(&mut html, page);
    for section in &page.sections {
        _ = write_section(&mut html, section);
    }
    _ = writeln!(html, "<p style=\"{QUIET}\">{}</p>\n</div>\n</body>\n</html>", markup(&page.footer));
    html
}

fn write_head(html: &mut String, page: &Page) -> std::fmt::Result {
    writeln!(html, "<h1 style=\"margin:0;font-size:24px\">{}</h1>", markup(&page.title))?;
    for fact in &page.facts {
        writeln!(html, "<p style=\"margin:2px 0;{QUIET}\">{}</p>", markup(fact))?;
    }
    for badge in &page.badges {
        writeln!(
            html,
            "<p style=\"margin:2px 0;color:{};font-size:14px\"><b>{}</b></p>",
            colour(Status::NoReply),
            markup(badge)
        )?;
    }
    let edge = colour(if page.is_good { Status::Ok } else { Status::NoReply });
    writeln!(html, "<div style=\"{CARD};border-left:6px solid {edge}\"><b>{}</b>", markup(&page.summary))?;
    if let Some(foremost) = &page.foremost {
        writeln!(html, "<p style=\"margin:8px 0 0\">{}</p>", markup(foremost))?;
    }
    if !page.quote.is_empty() {
        let quote: Vec<String> = page.quote.iter().map(|line| markup(line)).collect();
        let look = "margin:8px 0 0;font:13px/1.4 ui-monospace,monospace;white-space:pre-wrap";
        writeln!(html, "<pre style=\"{look}\">{}</pre>", quote.join("\n"))?;
    }
    writeln!(html, "</div>")
}

fn write_section(html: &mut String, section: &Section) -> std::fmt::Result {
    let title = markup(&section.title);
    writeln!(
        html,
        "<div style=\"{CARD}\">\n<h2 style=\"margin:0 0 8px;font-size:18px\">{title} ({})</h2>",
        section.count
    )?;
    for entry in &section.entries {
        write_entry(html, entry)?;
    }
    if section.left_out > 0 {
        writeln!(html, "<p style=\"{QUIET}\">and {} more causes: the report has them all</p>", section.left_out)?;
    }
    writeln!(html, "</div>")
}

fn write_entry(html: &mut String, entry: &Entry) -> std::fmt::Result {
    let edge = colour(entry.status);
    writeln!(html, "<div style=\"border-left:6px solid {edge};padding:4px 12px;margin:8px 0\">")?;
    let says_all = entry.lines.iter().all(|line| line.fault.is_some());
    if !says_all {
        writeln!(html, "<b>{}</b>", markup(&entry.cause))?;
    }
    for line in &entry.lines {
        write_line(html, line)?;
    }
    if let Some(hint) = &entry.hint {
        writeln!(html, "<p style=\"margin:4px 0;font-size:14px\">{}</p>", markup(hint))?;
    }
    writeln!(html, "</div>")
}

fn write_line(html: &mut String, line: &Line) -> std::fmt::Result {
    let fault = line.fault.as_ref().map(|fault| format!("<b>{}</b>: ", markup(fault))).unwrap_or_default();
    let names = markup(&line.names);
    let look = "font:14px ui-monospace,monospace";
    write!(html, "<p style=\"margin:4px 0\">{fault}<span style=\"{look}\">{names}</span>")?;
    if !line.remark.is_empty() {
        write!(html, " <span style=\"{QUIET}\">({})</span>", markup(&line.remark))?;
    }
    for note in &line.notes {
        write!(html, "<br><span style=\"{QUIET}\">{}</span>", markup(note))?;
    }
    writeln!(html, "</p>")
}

/// The HTML report's colour of a status, in its light form: mail programs invert what they must.
fn colour(status: Status) -> &'static str {
    match status {
        Status::Ok => "#2f9e5f",
        Status::Sent => "#2a86c8",
        Status::Rejected => "#d9822b",
        Status::Unreachable => "#8f2d3c",
        Status::NoReply => "#d64550",
        Status::BadReply => "#8a4fbf",
        Status::Mismatch => "#c0398f",
        Status::Skipped => "#9aa3ad",
    }
}
