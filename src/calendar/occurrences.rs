//! The instants of a cron expression in a time zone.
//!
//! Clock changes: a time that a change leaves out runs at the first minute after it, and several that fall on that
//! minute are one run; a time that comes twice runs once, the first time, unless the hour is `*` or a step, which runs in
//! both. A date of `except` has no runs; the date is that of the expression, in the zone.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Cron;

/// No expression rests longer: 29 February after a century that has none.
const LONGEST_REST_DAYS: u32 = 12 * 366;

/// A cron expression in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// When.
    pub cron: Cron,
    /// Whose clock.
    pub zone: TimeZone,
    /// Dates without runs.
    pub except: Vec<Date>,
}

/// How a planned time passes the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passing {
    /// It comes once.
    Plain,
    /// It comes twice, and runs the first time.
    FirstOnly,
    /// It comes twice and runs both times: this is the first.
    First,
    /// It comes twice and runs both times: this is the second.
    Second,
    /// It does not come: this is the first minute after the gap.
    AfterGap,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// The time that the expression names.
    pub planned: DateTime,
    /// What the clock makes of it.
    pub passing: Passing,
}

/// A change of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    /// When, by the clock before it.
    pub at: DateTime,
    /// The offset before.
    pub from: Offset,
    /// The offset after.
    pub to: Offset,
}

impl Calendar {
    /// The runs after an instant, in their order.
    pub fn after(&self, after: Timestamp) -> Occurrences<'_> {
        let today = self.zone.to_datetime(after).date();
        // What was planned for yesterday may have been moved past midnight.
        let is_mixed = self.steady_offset(today).is_none();
        let start = if is_mixed { today.yesterday().unwrap_or(today) } else { today };
        Occurrences { calendar: self, after, next_date: Some(start), waiting: BTreeMap::new(), rested_days: 0 }
    }

    /// The last run after `after` and until `until`, that instant included.
    pub fn latest(&self, after: Timestamp, until: Timestamp) -> Option<Occurrence> {
        let mut date = self.zone.to_datetime(until).date();
        let first = self.zone.to_datetime(after).date();
        let first = first.yesterday().unwrap_or(first);
        let mut found: Vec<Occurrence> = Vec::new();
        while date >= first {
            let is_last = !found.is_empty();
            self.on(date, |one| {
                if one.at > after && one.at <= until {
                    found.push(one);
                }
            });
            // One day further back: around midnight the clock may have mixed two days.
            if is_last {
                break;
            }
            date = date.yesterday().ok()?;
        }
        found.into_iter().max_by_key(|one| (one.at, std::cmp::Reverse(one.passing)))
    }

    /// The change of the clock on a date, if there is one.
    pub fn change_on(&self, date: Date) -> Option<ClockChange> {
        let midnight = |date: Date| self.zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().ok();
        let (start, end) = (midnight(date)?, midnight(date.tomorrow().ok()?)?);
        let mut from = self.zone.to_offset(start - SignedDuration::from_nanos(1));
        for change in self.zone.following(start - SignedDuration::from_nanos(1)) {
            if change.timestamp() >= end {
                break;
            }
            if change.offset() != from {
                return Some(ClockChange { at: from.to_datetime(change.timestamp()), from, to: change.offset() });
            }
            from = change.offset();
        }
        None
    }

    /// The runs of a date, in no order.
    fn on(&self, date: Date, mut take: impl FnMut(Occurrence)) {
        if !self.cron.fits(date) || self.except.contains(&date) {
            return;
        }
        let steady = self.steady_offset(date);
        for time in self.cron.times() {
            let planned = date.to_datetime(time);
            let mut at = |offset: Offset, passing| {
                if let Ok(at) = offset.to_timestamp(planned) {
                    take(Occurrence { at, planned, passing });
                }
            };
            let offset = match steady {
                Some(offset) => AmbiguousOffset::Unambiguous { offset },
                None => self.zone.to_ambiguous_timestamp(planned).offset(),
            };
            match offset {
                AmbiguousOffset::Unambiguous { offset } => at(offset, Passing::Plain),
                AmbiguousOffset::Fold { before, after } if self.cron.runs_in_both_hours() => {
                    at(before, Passing::First);
                    at(after, Passing::Second);
                }
                AmbiguousOffset::Fold { before, .. } => at(before, Passing::FirstOnly),
                AmbiguousOffset::Gap { after, .. } => {
                    if let Some(at) = self.end_of_gap(planned, after) {
                        take(Occurrence { at, planned, passing: Passing::AfterGap });
                    }
                }
            }
        }
    }

    /// The offset of a date far from any change: most dates are, and then the zone is asked once for a day of many times.
    fn steady_offset(&self, date: Date) -> Option<Offset> {
        const NEAR: SignedDuration = SignedDuration::from_hours(30);
        let noon = self.zone.to_ambiguous_timestamp(date.at(12, 0, 0, 0)).unambiguous().ok()?;
        let change = self.zone.following(noon - NEAR).next();
        let is_steady = change.is_none_or(|change| change.timestamp() > noon + NEAR);
        is_steady.then(|| self.zone.to_offset(noon))
    }

    /// The first whole minute after the gap that a time is in.
    fn end_of_gap(&self, planned: DateTime, after: Offset) -> Option<Timestamp> {
        // Read with the later offset the time lies before the change that left it out.
        let before = after.to_timestamp(planned).ok()?;
        let change = self.zone.following(before).next()?.timestamp();
        let seconds = change.as_second().rem_euclid(60);
        if seconds == 0 { Some(change) } else { change.checked_add((60 - seconds).seconds()).ok() }
    }
}

/// Runs in their order; without end but for the calendar's.
#[derive(Debug, Clone)]
pub struct Occurrences<'c> {
    calendar: &'c Calendar,
    after: Timestamp,
    /// The next date to look at.
    next_date: Option<Date>,
    /// What was found and not given yet.
    waiting: BTreeMap<Timestamp, Occurrence>,
    rested_days: u32,
}

impl Iterator for Occurrences<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        loop {
            if let Some((&at, _)) = self.waiting.first_key_value() {
                // The clock may mix the runs of two days around midnight: then the day after is looked at first.
                let today = self.calendar.zone.to_datetime(at).date();
                let is_mixed = self.calendar.steady_offset(today).is_none();
                let seen = if is_mixed { today.tomorrow().ok() } else { Some(today) };
                if self.next_date.is_none() || seen.is_none() || self.next_date > seen {
                    self.rested_days = 0;
                    return self.waiting.pop_first().map(|(_, one)| one);
                }
            }
            let date = self.next_date?;
            let (after, waiting) = (self.after, &mut self.waiting);
            self.calendar.on(date, |one| {
                if one.at > after {
                    let known = waiting.entry(one.at).or_insert(one);
                    // Of several that fall on one minute the one that is planned for it.
                    if one.passing < known.passing {
                        *known = one;
                    }
                }
            });
            self.rested_days += 1;
            self.next_date = date.tomorrow().ok().filter(|_| self.rested_days < LONGEST_REST_DAYS);
        }
    }
}

#[cfg(test)]
mod tests;
