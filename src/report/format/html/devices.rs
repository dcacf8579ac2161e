//! The devices of the page: a field of squares per site, and the list behind them.

use std::collections::HashMap;
use std::io::{self, Write};

use super::super::super::Collected;
use super::super::super::group::skipped_because;
use super::super::super::mask::Mask;
use super::super::super::record::tenths_of_ms;
use super::super::super::texts::Texts;
use super::super::by_value::shown;
use super::super::summary::words;
use super::text;
use crate::model::{Device, Outcome, Status};

/// Of more devices than this only those that are no success are drawn: a page must open.
pub(super) const MAX_DRAWN: usize = 5000;

type Placed<'a> = (usize, &'a Device, &'a Outcome);

/// The devices that are drawn, with their places in the run.
fn drawn(run: &Collected) -> impl Iterator<Item = Placed<'_>> {
    let all = run.devices().len() <= MAX_DRAWN;
    let placed = run.outcomes().enumerate().map(|(place, (device, outcome))| (place, device, outcome));
    placed.filter(move |(_, _, outcome)| all || !outcome.status.is_success())
}

/// The field of every site, in the order of their first device.
pub(super) fn write_sites(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let mut sites: Vec<(Option<&str>, Vec<Placed<'_>>)> = Vec::new();
    let mut places: HashMap<Option<&str>, usize> = HashMap::new();
    for placed in drawn(run) {
        let site = placed.1.site.as_deref();
        let place = *places.entry(site).or_insert_with(|| {
            sites.push((site, Vec::new()));
            sites.len() - 1
        });
        if let Some((_, devices)) = sites.get_mut(place) {
            devices.push(placed);
        }
    }
    writeln!(out, "<section>\n<h2>Devices by site</h2>")?;
    if run.devices().len() > MAX_DRAWN {
        writeln!(out, "<p class=\"quiet\">Of so many devices only those that are no success are drawn.</p>")?;
    }
    for (site, devices) in &sites {
        let good = devices.iter().filter(|(_, _, outcome)| outcome.status.is_success()).count();
        let name = site.map_or("without a site".to_owned(), text);
        writeln!(
            out,
            "<div class=\"site\">\n<h3>{name} <span class=\"quiet\">{good} of {}</span></h3>\n<div class=\"field\">",
            devices.len()
        )?;
        for (place, device, outcome) in devices {
            let again = if outcome.is_flaky() { ", after more than one attempt" } else { "" };
            writeln!(
                out,
                "<a class=\"{}{}\" href=\"#d{place}\" title=\"{}: {}{again}\">{}</a>",
                outcome.status.as_str(),
                if outcome.is_flaky() { " flaky" } else { "" },
                text(&device.name),
                words(outcome.status, outcome.verified == Some(true)),
                sign(outcome.status)
            )?;
        }
        writeln!(out, "</div>\n</div>")?;
    }
    writeln!(out, "</section>")
}

/// What tells a square apart for those who do not see colours.
fn sign(status: Status) -> &'static str {
    match status {
        Status::Ok => "",
        Status::Sent => "›",
        Status::Rejected => "!",
        Status::Unreachable => "×",
        Status::NoReply => "?",
        Status::BadReply => "~",
        Status::Mismatch => "≠",
        Status::Skipped => "–",
    }
}

/// Every drawn device with what it said.
pub(super) fn write_list(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let mut texts = Texts::default();
    writeln!(
        out,
        "<section>\n<details>\n<summary>Every device</summary>\n<div class=\"wide\">\n<table>\n<thead><tr><th>Device<th>\
         Address<th>Type<th>Result<th>Attempts<th>ms<th>Reply<th>Value<th>Error</tr></thead>\n<tbody>"
    )?;
    for (place, device, outcome) in drawn(run) {
        write_row(out, run, (place, device, outcome), &mut texts)?;
    }
    writeln!(out, "</tbody>\n</table>\n</div>\n</details>\n</section>")
}

fn write_row(
    out: &mut impl Write,
    run: &Collected,
    (place, device, outcome): Placed<'_>,
    texts: &mut Texts,
) -> io::Result<()> {
    let mask = Mask::new(device, outcome);
    let error = match (&outcome.error, outcome.reason) {
        (Some(failure), _) => text(&mask.text(&failure.to_string())),
        (None, Some(_)) => text(&skipped_because(run, device, outcome)),
        (None, None) => String::new(),
    };
    let reply = outcome.reply.as_ref().map(|reply| text(texts.reply.of(reply, &mask).0)).unwrap_or_default();
    let value = outcome.value.as_ref().map(|value| text(&shown(value, &mask))).unwrap_or_default();
    writeln!(
        out,
        "<tr id=\"d{place}\"><td>{}<td>{}<td>{}<td><i class=\"{}\"></i>{}<td>{}<td>{:.1}<td><code>{reply}</code><td>{value}\
         <td>{error}</tr>",
        text(&device.name),
        text(texts.address.of(&device.address)),
        text(&device.device_type),
        outcome.status.as_str(),
        words(outcome.status, outcome.verified == Some(true)),
        outcome.attempts,
        tenths_of_ms(outcome.elapsed)
    )
}
