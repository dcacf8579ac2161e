//! The units as `systemd-analyze` reads them, and the instants that it finds beside ours.
//!
//! Needs `systemd-analyze`, of Debian's package `systemd` (`tests/run` installs it); without it these tests fail and say
//! so.

use std::process::Command;

use jiff::{Timestamp, ToSpan};

use super::*;
use crate::calendar::Passing;
use crate::schedule::testing::entry_in;

fn analyze(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(arguments).env("LC_ALL", "C").output().unwrap_or_else(|error| {
        panic!("systemd-analyze does not start ({error}): `tests/run` installs it, or `apt-get install systemd`")
    });
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn installing() -> Installing {
    Installing {
        // A program that there is: systemd looks.
        program: "/bin/true".into(),
        inventory: "/srv/50% of it/fleet.toml".into(),
        types: vec!["/srv/types".into()],
        writes_to: vec!["/var/lib/node exporter".into()],
        state_home: "/home/o p/.local/state".into(),
        user: "daemon".to_owned(),
    }
}

fn units(lines: &str) -> Vec<Unit> {
    systemd(&entry_in("Europe/Berlin", lines), &installing()).unwrap().units
}

fn text_of(unit: &Unit) -> &str {
    str::from_utf8(&unit.bytes).unwrap()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let folder = tempfile::tempdir().unwrap();
    for lines in [
        "cron = \"30 5 * * 1-5\"\nmissed = \"run-within 2h\"\njitter = \"30s\"",
        "cron = \"*/7 * 1,13 jan fri\"\nselect = \"\"\"\ntv\n or tv\"\"\"\nexcept = [\"2026-12-25\"]",
    ] {
        let units = units(lines);
        let paths: Vec<String> =
            units.iter().map(|unit| folder.path().join(&unit.name).to_str().unwrap().to_owned()).collect();
        for (unit, path) in units.iter().zip(&paths) {
            std::fs::write(path, &unit.bytes).unwrap();
        }
        let mut arguments = vec!["verify", "--man=no", "--recursive-errors=no"];
        arguments.extend(paths.iter().map(String::as_str));
        let (is_right, said) = analyze(&arguments);
        assert!(is_right, "{said}");
        for path in &paths {
            let own: Vec<&str> = said.lines().filter(|line| line.contains(path.as_str())).collect();
            assert!(own.is_empty(), "{own:?}");
        }
        // The check can fail.
        std::fs::write(&paths[1], text_of(&units[1]).replace("OnCalendar=", "OnCalendar=Fry ")).unwrap();
        assert!(analyze(&arguments).1.contains("Fry"));
    }
}

#[test]
fn the_service_starts_the_run_and_may_write_only_its_reports() {
    let units = units("cron = \"30 5 * * *\"");
    let service = text_of(&units[0]);
    assert_eq!((units[0].name.as_str(), units[1].name.as_str()), ("fleetctl-s.service", "fleetctl-s.timer"));
    assert!(
        service.contains(
            "ExecStart=/bin/true schedule run s --due --inventory \"/srv/50%% of it/fleet.toml\" --types /srv/types\n"
        ),
        "{service}"
    );
    assert!(service.contains("ReadWritePaths=\"/var/lib/node exporter\"\n"), "{service}");
    assert!(service.contains("WorkingDirectory=/srv/50%% of it\n") && service.contains("User=daemon\n"), "{service}");
    assert!(service.contains("Environment=\"XDG_STATE_HOME=/home/o p/.local/state\"\n"), "{service}");
    let timer = text_of(&units[1]);
    assert!(timer.contains("\nOnCalendar=*-*-* 05:30:00 Europe/Berlin\n"), "{timer}");
    assert!(timer.contains("Persistent=false\n") && timer.contains("RandomizedDelaySec=0ms\n"), "{timer}");
}

#[test]
fn a_name_becomes_part_of_a_file_name() {
    assert_eq!(escaped("night run/ä"), "night\\x20run\\x2f\\xc3\\xa4");
    assert_eq!(escaped("tv-on_1.a"), "tv-on_1.a");
    assert_eq!(quoted("a\"b\\c%d$e"), "\"a\\\"b\\\\c%%d$e\"");
    let long = entry_in("Europe/Berlin", "cron = \"0 5 * * *\"");
    let mut schedule = crate::inventory::Schedule::clone(&long.schedule);
    schedule.name = "ä".repeat(60).into();
    let long = Entry { schedule: schedule.into(), ..long };
    assert!(matches!(systemd(&long, &installing()), Err(InstallError::NameTooLong { .. })));
}

/// The next instants that systemd finds for an expression, in UTC.
fn instants(expression: &str, from: Timestamp, count: usize) -> Vec<Timestamp> {
    let from = from.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let (is_right, said) =
        analyze(&["calendar", &format!("--iterations={count}"), &format!("--base-time={from}"), expression]);
    assert!(is_right, "{expression}: {said}");
    let mut found = Vec::new();
    for line in said.lines() {
        let Some((label, rest)) = line.split_once(": ") else { continue };
        // Where the machine is not in UTC, a second line says it in UTC.
        let is_instant = rest.ends_with(" UTC") && !label.contains("form");
        if is_instant && let Some((_, at)) = rest.split_once(' ') {
            let at = at.trim_end_matches(" UTC");
            found.push(Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", format!("{at} +0000")).unwrap());
        }
    }
    found
}

/// Compares the instants of so many days.
fn compare(zone: &str, cron: &str, start: &str, days: i64) {
    let entry = entry_in(zone, &format!("cron = \"{cron}\""));
    let start: Timestamp = start.parse().unwrap();
    let end = start + (days * 24).hours();
    let ours: Vec<_> = entry.calendar.after(start).take_while(|run| run.at <= end).collect();
    let left_out = |passing| matches!(passing, Passing::AfterGap | Passing::Second);
    let expected: Vec<Timestamp> = ours.iter().filter(|run| !left_out(run.passing)).map(|run| run.at).collect();
    let lines = on_calendar(&entry.schedule.cron, zone);
    assert_eq!(lines.len(), 1);
    assert_eq!(instants(&lines[0], start, expected.len()), expected, "{zone} {cron}");
    for run in &ours {
        let differs = crate::schedule::note(&entry, run, None).is_some_and(|note| note.systemd_differs);
        assert_eq!(differs, left_out(run.passing), "{zone} {cron} {}", run.at);
    }
}

#[test]
fn systemd_finds_the_instants_that_we_find_but_for_those_that_are_noted() {
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"] {
        compare(zone, "15 2 * * *", "2026-03-01T00:00Z", 400);
    }
    for weekdays in ["sun-thu", "0-4", "sun-tue", "sun,mon-wed", "fri-sun", "sat,sun,tue"] {
        compare("Asia/Kolkata", &format!("0 5 * * {weekdays}"), "2026-03-01T00:00Z", 14);
    }
    // Some days around each change of a clock.
    for (zone, start) in [
        ("Europe/Berlin", "2026-03-27T00:00Z"),
        ("Europe/Berlin", "2026-10-23T00:00Z"),
        ("America/New_York", "2026-03-06T00:00Z"),
        ("America/New_York", "2026-10-30T00:00Z"),
        ("Australia/Lord_Howe", "2026-10-02T00:00Z"),
        ("Australia/Lord_Howe", "2026-04-03T00:00Z"),
    ] {
        for cron in ["30 5 * * 1-5", "45 */2 * * *", "40 1 1-31/3 * *", "0,20,50 1-3 * * *"] {
            compare(zone, cron, start, 5);
        }
    }
}
