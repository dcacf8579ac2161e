//! A part of a page: devices of which the same is to be said, by cause, with where they are and since when they fail.

use std::collections::{BTreeMap, HashMap};

use super::page::cut;
use super::place::places;
use super::tell::Occasion;
use crate::model::escape::printable;
use crate::model::{Device, Status, UnixMillis};
use crate::report::{Cause, folded_names, status_words};

/// So many places of one cause are told apart.
const MOST_PLACES: usize = 10;
/// So many moments of one place are told apart.
const MOST_MOMENTS: usize = 4;

/// Devices of which the same is to be said: that they are new, say.
pub(super) struct Section {
    pub(super) title: String,
    /// How many devices, those of causes left out included.
    pub(super) count: usize,
    pub(super) entries: Vec<Entry>,
    /// So many causes did not fit.
    pub(super) left_out: usize,
}

/// One cause.
pub(super) struct Entry {
    pub(super) status: Status,
    /// What happened, where each line does not say so for its place.
    pub(super) cause: String,
    pub(super) lines: Vec<Line>,
    pub(super) hint: Option<String>,
}

/// Devices of one cause and one place.
pub(super) struct Line {
    /// What is said of their site or gateway, instead of the cause.
    pub(super) fault: Option<String>,
    pub(super) names: String,
    /// `2 unreachable, may have acted`; empty where the cause says it all.
    pub(super) remark: String,
    /// Where they are, and since when they fail, or had failed: `since 2026-11-19 05:30 CET`.
    pub(super) notes: Vec<String>,
}

/// A device, and since when it fails; `None`: since tonight.
pub(super) type Since<'a> = (&'a Device, Option<UnixMillis>);

impl Section {
    /// Those of these devices that failed, as the causes group them; `None` without any.
    pub(super) fn by_cause(
        title: &str,
        causes: &[Cause<'_>],
        devices: &[Since<'_>],
        occasion: &Occasion<'_>,
        room: &mut usize,
    ) -> Option<Self> {
        let wanted: HashMap<&str, Option<UnixMillis>> =
            devices.iter().map(|(device, since)| (&*device.name, *since)).collect();
        let mut entries = Vec::new();
        for cause in causes {
            let entry = Entry::of(cause, &wanted, occasion);
            entries.extend((!entry.lines.is_empty()).then_some(entry));
        }
        Self::fitting(title, devices.len(), entries, room)
    }

    /// Devices that work again; `None` without any.
    pub(super) fn recovered(
        devices: &[(&Device, UnixMillis)],
        occasion: &Occasion<'_>,
        room: &mut usize,
    ) -> Option<Self> {
        let mut moments: BTreeMap<UnixMillis, Vec<&Device>> = BTreeMap::new();
        for (device, since) in devices {
            moments.entry(*since).or_default().push(device);
        }
        let line = |(since, devices): (UnixMillis, Vec<&Device>)| Line {
            fault: None,
            names: cut(&folded_names(&devices)),
            remark: String::new(),
            notes: places(&devices)
                .into_iter()
                .chain([format!("had failed since {}", occasion.moment(since))])
                .collect(),
        };
        let lines: Vec<Line> = moments.into_iter().rev().take(MOST_PLACES).map(line).collect();
        let entry = Entry { status: Status::Ok, cause: "working again".to_owned(), lines, hint: None };
        Self::fitting("Working again", devices.len(), vec![entry], room)
    }

    /// Devices that did what they were told, where each of them is worth a word: few, each known by a number behind its
    /// address, such as the relays of a board. `None` for all others.
    pub(super) fn obeyed(devices: &[&Device], verify: bool, room: &mut usize) -> Option<Self> {
        let notes = places(devices);
        if notes.is_empty() {
            return None;
        }
        let line = Line { fault: None, names: cut(&folded_names(devices)), remark: String::new(), notes };
        let words = status_words(Status::Ok, verify);
        let entry = Entry { status: Status::Ok, cause: words.to_owned(), lines: vec![line], hint: None };
        Self::fitting("Done", devices.len(), vec![entry], room)
    }

    /// Takes entries as long as there is room; the first one always, so that no section is a title alone.
    fn fitting(title: &str, count: usize, entries: Vec<Entry>, room: &mut usize) -> Option<Self> {
        if count == 0 {
            return None;
        }
        let mut section = Self { title: title.to_owned(), count, entries: Vec::new(), left_out: 0 };
        for entry in entries {
            let size = entry.size();
            if section.left_out == 0 && (size <= *room || section.entries.is_empty()) {
                *room = room.saturating_sub(size);
                section.entries.push(entry);
            } else {
                section.left_out += 1;
            }
        }
        Some(section)
    }
}

impl Entry {
    /// What a cause says of those of its devices that are wanted.
    fn of(cause: &Cause<'_>, wanted: &HashMap<&str, Option<UnixMillis>>, occasion: &Occasion<'_>) -> Self {
        let mut lines = Vec::new();
        let mut others: Vec<&Device> = Vec::new();
        for (fault, devices) in &cause.faults {
            if lines.len() < MOST_PLACES {
                lines.extend(Line::of(cause, Some(fault), devices, wanted, occasion));
            } else {
                others.extend(devices);
            }
        }
        others.extend(&cause.devices);
        lines.extend(Line::of(cause, None, &others, wanted, occasion));
        let hint = cause.hint.as_deref().map(|hint| cut(&printable(hint)));
        Self { status: cause.status, cause: cut(&printable(&cause.text)), lines, hint }
    }

    /// Roughly how many bytes it takes.
    fn size(&self) -> usize {
        let line = |line: &Line| {
            let notes: usize = line.notes.iter().map(|one| one.len() + 8).sum();
            line.fault.as_ref().map_or(0, String::len) + line.names.len() + line.remark.len() + notes + 16
        };
        self.cause.len() + self.hint.as_ref().map_or(0, String::len) + self.lines.iter().map(line).sum::<usize>()
    }
}

impl Line {
    fn of(
        cause: &Cause<'_>,
        fault: Option<&String>,
        devices: &[&Device],
        wanted: &HashMap<&str, Option<UnixMillis>>,
        occasion: &Occasion<'_>,
    ) -> Option<Self> {
        let mut chosen: Vec<&Device> = Vec::new();
        let mut moments: BTreeMap<UnixMillis, Vec<&Device>> = BTreeMap::new();
        for &device in devices {
            let Some(since) = wanted.get(&*device.name) else { continue };
            chosen.push(device);
            if let Some(since) = since {
                moments.entry(*since).or_default().push(device);
            }
        }
        if chosen.is_empty() {
            return None;
        }
        let acted = if cause.may_have_acted { ", may have acted" } else { "" };
        let remark = match cause.status {
            // The cause says already that they were not started.
            Status::Skipped if chosen.len() == 1 => String::new(),
            Status::Skipped => chosen.len().to_string(),
            status if chosen.len() == 1 => format!("{}{acted}", status_words(status, false)),
            status => format!("{} {}{acted}", chosen.len(), status_words(status, false)),
        };
        let mut notes = places(&chosen);
        notes.extend(since(moments, chosen.len(), occasion));
        Some(Self {
            fault: fault.map(|fault| cut(&printable(fault))),
            names: cut(&folded_names(&chosen)),
            remark,
            notes,
        })
    }
}

/// Since when devices fail: one moment for all, or each with its devices, the latest first.
fn since(moments: BTreeMap<UnixMillis, Vec<&Device>>, count: usize, occasion: &Occasion<'_>) -> Vec<String> {
    let is_one = moments.len() == 1 && moments.values().map(Vec::len).sum::<usize>() == count;
    let left = moments.len().saturating_sub(MOST_MOMENTS);
    let oldest = moments.first_key_value().map(|(oldest, _)| *oldest);
    let mut texts: Vec<String> = Vec::new();
    for (since, devices) in moments.into_iter().rev().take(MOST_MOMENTS) {
        let at = occasion.moment(since);
        texts.push(if is_one {
            format!("since {at}")
        } else {
            format!("since {at}: {}", cut(&folded_names(&devices)))
        });
    }
    if let (Some(oldest), true) = (oldest, left > 0) {
        texts.push(format!("and the others since {} at the earliest", occasion.moment(oldest)));
    }
    texts
}
