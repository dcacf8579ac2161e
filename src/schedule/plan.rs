//! The plan of a schedule's run: what it starts from, and whether it could run at all. Nothing is sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::entry::select;
use super::{Entry, report_targets, request};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::{Fleet, Schedule};
use crate::model::Command;
use crate::plan::Asked;
use crate::report::ReportTarget;
use crate::run::{End, Loaded, Preparation, Prepared, RunRequest, prepare_as};

/// A time of day further ahead than this is one that has passed.
const FURTHEST: SignedDuration = SignedDuration::from_hours(12);

/// How long an entry that never runs again waits for another run.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// So long before its entry runs again a run has given up waiting for another one.
const BEFORE_NEXT: Duration = Duration::from_secs(1);

/// A scheduled run that may start.
pub struct Planned {
    /// What it is to be.
    pub request: RunRequest,
    /// What will be sent to whom.
    pub prepared: Box<Prepared>,
    /// Where it is reported.
    pub reports: Vec<ReportTarget>,
}

impl Planned {
    /// The run starts `now`, and was planned for then, unless a person starts it by hand. A time of day more than twelve
    /// hours ahead has passed: a late run makes one pass.
    pub fn start(&mut self, entry: &Entry, planned: Option<Timestamp>, now: Timestamp) {
        let end = entry.until(planned.unwrap_or(now), now);
        let is_over = planned.is_none() && end.is_some_and(|end| now.duration_until(end) > FURTHEST);
        let end = if is_over { Some(now) } else { end };
        self.prepared.pacing.until = end;
        self.prepared.until = end.filter(|end| *end > now).map(|at| End { at, zone: entry.calendar.zone.clone() });
        // Two schedules of one minute both run; but no run waits until its entry runs again: that one would find it under way.
        let next = entry.calendar.after(now).next().map(|next| now.duration_until(next.at).unsigned_abs());
        self.request.wait_lock = Some(next.map_or(LONGEST_WAIT, |next| next.saturating_sub(BEFORE_NEXT)));
    }
}

/// Plans the run of an entry; what is wrong goes to the diagnostics of `loaded`, and then there is none.
pub fn plan(entry: &Entry, inventory: &Path, types: &[PathBuf], loaded: &mut Loaded) -> Option<Planned> {
    let schedule = &entry.schedule;
    let mut found = Diagnostics::default();
    let reports = report_targets(schedule, inventory, &mut found);
    let request = request(schedule, inventory, types);
    // What planning says belongs to this schedule; where it has no place of its own, its command is pointed at.
    let before = std::mem::take(&mut loaded.diagnostics);
    let preparation = prepare_as(&request, Asked::Schedule(&schedule.places), loaded);
    let said = std::mem::replace(&mut loaded.diagnostics, before);
    // What the selector alone gives cause to say has been said where the entry was looked for.
    let mut known = Diagnostics::default();
    if let Some(fleet) = &loaded.fleet {
        select(schedule, fleet, &loaded.sources, &mut known);
    }
    for one in said.iter() {
        let mut one = one.clone();
        one.message = format!("schedule `{}`: {}", schedule.name, one.message);
        if known.iter().any(|known| known.message == one.message) {
            continue;
        }
        if one.labels.is_empty() {
            one = one.at(schedule.places.command.clone(), "");
        }
        found.push(one);
    }
    let is_right = !found.has_errors();
    loaded.diagnostics.extend(found);
    match preparation {
        Preparation::Ready(prepared) if is_right => Some(Planned { request, prepared, reports }),
        _ => None,
    }
}

/// Warns of schedules that switch devices and do not look whether they did.
pub fn warn_of_unverified(entries: &[Entry], loaded: &mut Loaded) {
    let Some(fleet) = &loaded.fleet else { return };
    for entry in entries {
        let schedule = &entry.schedule;
        let mut unheard = Diagnostics::default();
        let Some(selection) = select(schedule, fleet, &loaded.sources, &mut unheard) else { continue };
        if !schedule.verify && could_verify(schedule, fleet, &selection.positions) {
            loaded.diagnostics.push(
                Diagnostic::warning(format!(
                    "schedule `{}` switches devices and does not look whether they did: acknowledged is not yet on",
                    schedule.name
                ))
                .at(schedule.places.command.clone(), "")
                .help("add `verify = true`"),
            );
        }
    }
}

/// Whether one of the devices says how the effect of the action is asked for.
fn could_verify(schedule: &Schedule, fleet: &Fleet, positions: &[u32]) -> bool {
    let Command::Action { name, .. } = &schedule.command else { return false };
    positions.iter().any(|&place| {
        let (device, member) = (fleet.devices.get(place as usize), fleet.members.get(place as usize));
        device.zip(member).is_some_and(|(device, member)| {
            let own = member.device_type.effective(&device.params);
            own.action(name).is_some_and(|action| action.verify.is_some())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{loaded, messages};
    use super::super::{entries, warn_of_unverified};
    use super::*;

    const DEVICES: &str = "[sites.hq]\ntimezone = \"Europe/Berlin\"\n[defaults]\nsite = \"hq\"\n\
        [[device]]\nname = \"tv-[1-2]\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.[1-2]\"\n\
        [[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"10.0.0.9\"\nparams = { relay = 1 }\n";

    /// An inventory with one schedule of these lines.
    fn read(devices: &str, lines: &str) -> (Loaded, Vec<Entry>) {
        let mut loaded = loaded(&format!("{devices}[[schedule]]\nname = \"s\"\n{lines}\n"));
        let entries = entries(loaded.fleet.as_ref().unwrap(), &loaded.sources, &mut loaded.diagnostics);
        (loaded, entries)
    }

    fn checked(lines: &str) -> Vec<String> {
        let (mut loaded, entries) = read(DEVICES, &format!("cron = \"0 5 * * *\"\n{lines}"));
        let planned = plan(&entries[0], Path::new("fleet.toml"), &[], &mut loaded);
        assert_eq!(planned.is_some(), !loaded.diagnostics.has_errors());
        assert!(loaded.diagnostics.iter().all(|one| !one.labels.is_empty()), "{:?}", loaded.diagnostics);
        warn_of_unverified(&entries, &mut loaded);
        messages(&loaded.diagnostics)
    }

    #[test]
    fn what_a_run_would_refuse_is_a_mistake_of_the_schedule() {
        for (lines, message) in [
            (
                "do = \"power-onn\"\nselect = \"pump\"",
                "schedule `s`: `devantech-eth008` has no action `power-onn`: pump",
            ),
            (
                "do = \"volume\"\nselect = \"tv-*\"\nargs = { level = 101 }\nverify = true",
                "schedule `s`: `args.level`: must be an integer from 0 to 100, not `101`",
            ),
            (
                "cmd = \"ka {set_id} 01\"",
                "schedule `s`: `cmd` speaks one device type's language, but the selected devices are of 2: lg-rs232 (2), devantech-eth008 (1)",
            ),
            (
                "do = \"power-status\"\nreports = [\"jsn=x\"]",
                "schedule `s`: the report `jsn=x`: `jsn` is no format; did you mean `json`?",
            ),
            (
                "do = \"power-status\"\nreports = [\"json=x\", \"csv=x\"]",
                "schedule `s`: the report `csv=x`: two reports cannot be the same file",
            ),
            (
                "do = \"power-status\"\nreports = [\"json=src/../x\", \"csv=x\"]",
                "schedule `s`: the report `csv=x`: two reports cannot be the same file",
            ),
            (
                "do = \"power-status\"\nreports = [\"json=./fleet.toml\"]",
                "schedule `s`: the report `json=./fleet.toml`: that is the inventory",
            ),
        ] {
            assert_eq!(checked(lines), [message], "{lines}");
        }
    }

    #[test]
    fn a_mistake_is_said_in_the_words_of_the_file_and_at_its_place() {
        let hub = "[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"10.0.0.8:1\"\n";
        for (lines, said, underlined) in [
            ("cmd = \"ka {foo} 01\"\nselect = \"tv-*\"", "`foo`", "{foo}"),
            ("cmd = 'ka {set_id'\nselect = \"tv-*\"", "", "{set_id"),
            ("do = \"volume\"\nselect = \"tv-*\"", "`volume` needs `args = { level = … }`", "\"volume\""),
            (
                "do = \"volume\"\nargs = { level = \"loud\" }\nselect = \"tv-*\"",
                "`args.level`: must be an integer from 0 to 100",
                "\"loud\"",
            ),
            (
                "do = \"volume\"\nargs = { level = 4, levl = 3 }\nselect = \"tv-*\"",
                "`args.levl`: `volume` knows no such argument",
                "levl",
            ),
            ("do = \"fetch-database\"\nselect = \"hub\"", "a file is fetched", "\"fetch-database\""),
            (
                "do = \"fetch-database\"\nselect = \"hub\"\nsave = \"db/{nam}.db\"",
                "`save`: there is no `{nam}`",
                "{nam}",
            ),
            ("do = \"power-on\"\nselect = \"tv-*\"\nsave = \"x.db\"", "`save`: no file comes", "\"x.db\""),
            ("cmd = \"ka 01 01\"", "`cmd` speaks one device type's language", "\"ka 01 01\""),
        ] {
            let (mut loaded, entries) =
                read(&format!("{DEVICES}{hub}"), &format!("cron = \"0 5 * * *\"\ntimezone = \"UTC\"\n{lines}"));
            assert!(plan(&entries[0], Path::new("sub/fleet.toml"), &[], &mut loaded).is_none(), "{lines}");
            let found: Vec<&Diagnostic> = loaded.diagnostics.iter().collect();
            assert_eq!(found.len(), 1, "{found:?}");
            let place = &found[0].labels[0].span;
            let source = loaded.sources.get(place.source).unwrap();
            assert_eq!(
                (&*source.name, source.text.get(place.range.clone()).unwrap()),
                ("fleet.toml", underlined),
                "{lines}"
            );
            let whole = format!("{} {}", found[0].message, found[0].help.as_deref().unwrap_or_default());
            assert!(whole.contains(said) && !whole.contains("--"), "{whole}");
        }
    }

    #[test]
    fn a_switching_schedule_that_does_not_look_is_warned_of() {
        let warning =
            "warning: schedule `s` switches devices and does not look whether they did: acknowledged is not yet on";
        assert_eq!(checked("do = \"power-on\""), [warning]);
        assert_eq!(checked("do = \"power-on\"\nverify = true"), [""; 0]);
        assert_eq!(checked("do = \"power-status\""), [""; 0]);
        assert_eq!(checked("cmd = \"ka {set_id} 01\"\nselect = \"tv-*\""), [""; 0]);
    }

    #[test]
    fn a_warning_of_the_selector_is_said_once() {
        let found = checked("do = \"power-status\"\nselect = \"tv-[1-3]\"");
        assert_eq!(found, ["warning: schedule `s`: of the range `tv-[1-3]` these devices do not exist: tv-3"]);
    }

    #[test]
    fn who_waits_for_another_run_has_given_up_before_the_entry_runs_again() {
        let (mut loaded, entries) = read(DEVICES, "cron = \"* * * * *\"\ndo = \"power-status\"");
        let mut planned = plan(&entries[0], Path::new("fleet.toml"), &[], &mut loaded).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (now, wait) in [("2026-11-22T02:54:00Z", 59), ("2026-11-22T02:54:20Z", 39), ("2026-11-22T02:54:59.5Z", 0)] {
            planned.start(&entries[0], None, at(now));
            assert_eq!(planned.request.wait_lock, Some(Duration::from_secs(wait)), "{now}");
        }
    }
}
