//! A schedule with everything that the rest of the inventory decides: its devices, and whose clock it goes by.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Time};

use crate::calendar::Calendar;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use crate::inventory::select::{Selection, resolve};
use crate::inventory::{Fleet, Schedule, Until};
use crate::model::fold_names;

/// A schedule that can run.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As the inventory has it.
    pub schedule: Arc<Schedule>,
    /// When it runs.
    pub calendar: Calendar,
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.schedule.name
    }

    /// The name of its time zone.
    pub fn zone_name(&self) -> &str {
        self.calendar.zone.iana_name().unwrap_or("UTC")
    }

    /// When the passes of a run end that was planned for one instant and starts at another; `None` without `until`. An
    /// end that is not after the start leaves one pass.
    pub fn until(&self, planned: Timestamp, started: Timestamp) -> Option<Timestamp> {
        match self.schedule.until? {
            Until::For(span) => started.checked_add(span).ok(),
            Until::TimeOfDay(time) => next_time_of_day(&self.calendar.zone, planned, time),
        }
    }
}

/// The next instant at which the clock of a zone shows a time; a time that a clock change leaves out is taken as the
/// clock before the change would have shown it.
fn next_time_of_day(zone: &TimeZone, after: Timestamp, time: Time) -> Option<Timestamp> {
    let date = zone.to_datetime(after).date();
    [Some(date), date.tomorrow().ok()].into_iter().flatten().find_map(|date| {
        let at = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
        (at > after).then_some(at)
    })
}

/// All entries; mistakes of all of them go to `diagnostics`.
pub fn entries(fleet: &Fleet, sources: &Sources, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    fleet.schedules.iter().filter_map(|schedule| resolved(schedule, fleet, sources, diagnostics)).collect()
}

/// The entry of a name; `None` when there is none, or something is wrong with it.
pub fn entry(name: &str, fleet: &Fleet, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Entry> {
    let Some(schedule) = fleet.schedules.iter().find(|schedule| &*schedule.name == name) else {
        let known: Vec<&str> = fleet.schedules.iter().map(|schedule| &*schedule.name).collect();
        let mistake = Diagnostic::error(format!("there is no schedule `{name}`"));
        diagnostics.push(match nearest(name, known.iter().copied()) {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => mistake.help("the inventory has no `[[schedule]]`"),
            None => mistake.help(format!("known: {}", known.join(", "))),
        });
        return None;
    };
    resolved(schedule, fleet, sources, diagnostics)
}

fn resolved(schedule: &Schedule, fleet: &Fleet, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Entry> {
    let selection = select(schedule, fleet, sources, diagnostics)?;
    let zone = match &schedule.timezone {
        Some(zone) => zone.clone(),
        None => zone_of(&selection, schedule, fleet, diagnostics)?,
    };
    let calendar = Calendar { cron: schedule.cron.clone(), zone, except: schedule.except.clone() };
    Some(Entry { schedule: Arc::new(schedule.clone()), calendar })
}

/// The devices of a schedule.
pub(super) fn select(
    schedule: &Schedule,
    fleet: &Fleet,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Selection> {
    let name = &schedule.name;
    let Some(selecting) = &schedule.select else {
        let all = Selection::all(fleet);
        if all.positions.is_empty() {
            let mistake = Diagnostic::error(format!("schedule `{name}` selects nothing: there are no devices"));
            diagnostics.push(mistake.at(schedule.span.clone(), ""));
            return None;
        }
        return Some(all);
    };
    match resolve(&selecting.selector, fleet) {
        Ok(selection) => {
            for warning in &selection.warnings {
                let warning = Diagnostic::warning(format!("schedule `{name}`: {warning}"));
                diagnostics.push(warning.at(selecting.span.clone(), ""));
            }
            Some(selection)
        }
        Err(errors) => {
            for error in errors {
                let place = sources.inside(&selecting.span, &selecting.text, error.at);
                let mut mistake = Diagnostic::error(format!("schedule `{name}`: {}", error.message)).at(place, "");
                mistake.help = error.help;
                diagnostics.push(mistake);
            }
            None
        }
    }
}

/// The one time zone of the sites of all selected devices: no schedule goes by a clock that nobody named.
fn zone_of(
    selection: &Selection,
    schedule: &Schedule,
    fleet: &Fleet,
    diagnostics: &mut Diagnostics,
) -> Option<TimeZone> {
    let mut zones: BTreeMap<&str, &TimeZone> = BTreeMap::new();
    let mut nowhere: Vec<&str> = Vec::new();
    for &place in &selection.positions {
        let member = fleet.members.get(place as usize);
        match member.and_then(|member| fleet.site(member)).and_then(|site| site.timezone.as_ref()) {
            Some(zone) => _ = zones.insert(zone.iana_name().unwrap_or_default(), zone),
            None => nowhere.extend(fleet.devices.get(place as usize).map(|device| &*device.name)),
        }
    }
    let name = &schedule.name;
    let help = "write `timezone = \"Europe/Berlin\"` into the schedule, or into `[sites.*]` of all its devices";
    let mistake = if nowhere.is_empty() {
        match zones.len() {
            1 => return zones.into_values().next().cloned(),
            _ => {
                let named: Vec<&str> = zones.into_keys().collect();
                format!("schedule `{name}` has no time zone, and its sites have {}", named.join(" and "))
            }
        }
    } else {
        let named = fold_names(nowhere.iter().copied());
        format!("schedule `{name}` has no time zone, nor has a site of {named}")
    };
    diagnostics.push(Diagnostic::error(mistake).at(schedule.span.clone(), "").help(help));
    None
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::super::testing::{entry_of, mistakes};
    use super::*;

    const SITES: &str = "[sites.hq]\ntimezone = \"Europe/Berlin\"\n[sites.ny]\ntimezone = \"America/New_York\"\n[sites.x]\n\
        [[device]]\nname = \"a\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.1\"\nsite = \"hq\"\n\
        [[device]]\nname = \"b\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.2\"\nsite = \"ny\"\n\
        [[device]]\nname = \"c-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.0.1.[1-3]\"\nsite = \"x\"\n";

    fn wrong(lines: &str) -> Vec<String> {
        mistakes(&format!("{SITES}[[schedule]]\nname = \"s\"\ncron = \"0 5 * * *\"\ndo = \"power-on\"\n{lines}\n"))
    }

    #[test]
    fn a_schedule_without_a_zone_goes_by_the_one_clock_of_its_sites() {
        let entry = entry_of(&format!(
            "{SITES}[[schedule]]\nname = \"s\"\ncron = \"0 5 * * *\"\ndo = \"power-on\"\nselect = \"a\"\n"
        ));
        assert_eq!(entry.zone_name(), "Europe/Berlin");
        assert_eq!(
            wrong("select = \"a,b\""),
            ["schedule `s` has no time zone, and its sites have America/New_York and Europe/Berlin"]
        );
        assert_eq!(wrong(""), ["schedule `s` has no time zone, nor has a site of c-[1-3]"]);
        assert_eq!(wrong("timezone = \"Asia/Kolkata\""), [""; 0]);
    }

    #[test]
    fn a_selector_that_means_nothing_is_a_mistake_of_the_schedule() {
        let zone = "timezone = \"Asia/Kolkata\"";
        for (select, message) in [
            ("site:hg", "schedule `s`: unknown site `hg`"),
            ("d", "schedule `s`: no device is named `d`"),
            ("a and b", "schedule `s`: the selector matches no device"),
            ("@lobby", "schedule `s`: unknown group `lobby`"),
        ] {
            assert_eq!(wrong(&format!("{zone}\nselect = \"{select}\"")), [message]);
        }
    }

    #[test]
    fn until_is_the_next_such_time_after_the_planned_one_however_late_the_run() {
        let mut entry = entry_of(&format!(
            "{SITES}[[schedule]]\nname = \"s\"\ncron = \"30 5 * * *\"\ndo = \"power-on\"\nselect = \"a\"\nuntil = \"06:30\"\n"
        ));
        let planned: Timestamp = "2026-11-21T05:30:00+01:00".parse().unwrap();
        let late: Timestamp = "2026-11-21T07:00:00+01:00".parse().unwrap();
        let end: Timestamp = "2026-11-21T06:30:00+01:00".parse().unwrap();
        assert_eq!(entry.until(planned, planned), Some(end));
        assert_eq!(entry.until(planned, late), Some(end));
        let zone = &entry.calendar.zone;
        let midnight: Timestamp = "2026-11-22T00:30:00+01:00".parse().unwrap();
        assert_eq!(next_time_of_day(zone, late, time(0, 30, 0, 0)), Some(midnight));
        let mut schedule = Schedule::clone(&entry.schedule);
        schedule.until = Some(Until::For(std::time::Duration::from_mins(30)));
        entry.schedule = Arc::new(schedule);
        assert_eq!(entry.until(planned, late), Some("2026-11-21T07:30:00+01:00".parse().unwrap()));
    }
}
