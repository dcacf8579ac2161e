//! A page as plain text: what a mail shows where nobody draws HTML.

use std::fmt::Write as _;

use super::page::Page;
use super::section::{Entry, Line, Section};

/// The page as text; every line ends with a newline.
pub(super) fn write(page: &Page) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a `String` cannot fail.
        _ = writeln!(text, "{line}");
    };
    line(&page.title);
    page.facts.iter().for_each(|fact| line(fact));
    page.badges.iter().for_each(|badge| line(&format!("[{badge}]")));
    line("");
    line(&page.summary);
    if let Some(foremost) = &page.foremost {
        line("");
        line(foremost);
    }
    if !page.quote.is_empty() {
        line("");
        page.quote.iter().for_each(|quoted| line(quoted));
    }
    for section in &page.sections {
        line("");
        write_section(section, &mut line);
    }
    line("");
    line(&page.footer);
    text
}

fn write_section(section: &Section, line: &mut impl FnMut(&str)) {
    line(&format!("{} ({})", section.title.to_uppercase(), section.count));
    for (number, entry) in section.entries.iter().enumerate() {
        if number > 0 {
            line("");
        }
        for place in &entry.lines {
            write_line(entry, place, line);
        }
        if let Some(hint) = &entry.hint {
            line(&format!("    {hint}"));
        }
    }
    if section.left_out > 0 {
        line(&format!("and {} more causes: the report has them all", section.left_out));
    }
}

fn write_line(entry: &Entry, place: &Line, line: &mut impl FnMut(&str)) {
    let remark = if place.remark.is_empty() { String::new() } else { format!(" ({})", place.remark) };
    line(&match &place.fault {
        Some(fault) => format!("{fault}: {}{remark}", place.names),
        None => format!("{}: {}{remark}", place.names, entry.cause),
    });
    place.notes.iter().for_each(|note| line(&format!("    {note}")));
}
