//! What runs at night: listed, previewed over both changes of the clock, run now, handed to systemd and to Windows.

use std::process::Command;

use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::Value;

use crate::support::{FakeFleet, Running, Workspace};

const TWO: &str = "\
[sites.hq]
timezone = \"Europe/Berlin\"

[[device]]
name = \"tv-[1-2]\"
type = \"lg-rs232\"
address = \"10.20.0.[1-2]\"
site = \"hq\"

[[schedule]]
name = \"morning\"
cron = \"30 5 * * *\"
do = \"power-on\"
verify = true

[[schedule]]
name = \"gap\"
cron = \"30 2 * * *\"
timezone = \"America/New_York\"
do = \"power-status\"
";

/// The runs of a document, as schedule, instant and note.
fn runs(document: &Value) -> Vec<(String, Zoned, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let run = |run: &Value| {
        let at = text(&run["at"]).unwrap();
        let at = format!("{at}[{}]", at.get(19..).unwrap()).parse().unwrap();
        (text(&run["schedule"]).unwrap(), at, text(&run["note"]))
    };
    document["runs"].as_array().unwrap().iter().map(run).collect()
}

#[test]
fn the_next_time_of_each_schedule_is_listed_in_its_own_zone() {
    let workspace = Workspace::with_inventory(TWO);
    let listed = workspace.fleetctl(&["schedule", "list", "--format", "json"]).expect_status(0).json();
    assert_eq!(listed["schema"], "fleetctl.schedule/1");
    let runs = runs(&listed);
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|(_, at, _)| at.timestamp() > Timestamp::now() - 1.minute()));
    let morning = runs.iter().find(|(name, ..)| name == "morning").unwrap();
    assert_eq!(morning.1.strftime("%H:%M").to_string(), "05:30");
    let table = workspace.fleetctl(&["schedule", "list"]);
    let lines: Vec<&str> = table.expect_status(0).stdout.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines[1].starts_with("morning") && lines[1].contains("Europe/Berlin"));
    assert!(lines[2].contains("America/New_York") && lines[2].contains("30 2 * * *"), "{table}");
}

#[test]
fn a_preview_of_400_days_shows_both_changes_of_the_clock() {
    let workspace = Workspace::with_inventory(TWO);
    let days = ["schedule", "preview", "gap", "--days", "400", "--format", "json"];
    let runs = runs(&workspace.fleetctl(&days).expect_status(0).json());
    assert!((399..=401).contains(&runs.len()), "{}", runs.len());
    let noted: Vec<&(String, Zoned, Option<String>)> = runs.iter().filter(|(.., note)| note.is_some()).collect();
    // 400 days hold each change at least once.
    let gap = noted.iter().find(|(.., note)| note.as_ref().unwrap().contains("02:30 does not come, runs at 03:00"));
    assert_eq!(gap.unwrap().1.strftime("%H:%M").to_string(), "03:00");
    assert!(gap.unwrap().2.as_ref().unwrap().ends_with("a systemd timer leaves it out"));
    let back = noted.iter().find(|(.., note)| note.as_ref().unwrap().contains("clocks go from 02:00 to 01:00"));
    assert_eq!(back.unwrap().1.strftime("%H:%M").to_string(), "02:30");
    assert!(noted.len() <= 4, "{noted:?}");
    // Night after night, once each.
    assert!(runs.windows(2).all(|pair| pair[0].1 < pair[1].1));
}

#[test]
fn a_change_of_the_clock_on_a_day_without_a_run_is_shown_with_the_next_one() {
    let workspace = Workspace::with_inventory(&TWO.replace("30 5 * * *", "30 5 * * mon-fri"));
    let days = ["schedule", "preview", "morning", "--days", "400", "--format", "json"];
    let runs = runs(&workspace.fleetctl(&days).expect_status(0).json());
    for words in ["clocks went from 02:00 to 03:00, on ", "clocks went from 03:00 to 02:00, on "] {
        let noted = runs.iter().find(|(.., note)| note.as_ref().is_some_and(|note| note.starts_with(words)));
        assert_eq!(noted.unwrap().1.weekday(), jiff::civil::Weekday::Monday, "{words}");
    }
}

#[test]
fn a_preview_shows_so_many_times_of_all_schedules_in_their_order() {
    let workspace = Workspace::with_inventory(TWO);
    let five = runs(&workspace.fleetctl(&["schedule", "preview", "-n", "5", "--format", "json"]).json());
    assert_eq!(five.len(), 5);
    assert!(five.is_sorted_by_key(|(_, at, _)| at.timestamp()));
    assert!(five.iter().any(|(name, ..)| name == "gap") && five.iter().any(|(name, ..)| name == "morning"));
    let table = workspace.fleetctl(&["schedule", "preview"]);
    assert_eq!(table.expect_status(0).stdout.lines().count(), 11, "{table}");
    let unknown = workspace.fleetctl(&["schedule", "preview", "mourning"]);
    assert!(unknown.expect_status(2).stderr.contains("did you mean `morning`?"), "{unknown}");
    workspace.fleetctl(&["schedule", "preview", "-n", "0"]).expect_status(2);
    workspace.fleetctl(&["schedule", "preview", "-n", "3", "--days", "3"]).expect_status(2);
}

/// Two displays that answer, and a schedule over them with these lines.
fn with_schedule(lines: &str) -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let text = format!(
        "[run]\nconfirm_above = 1\n[defaults]\ntype = \"lg-rs232\"\n\
         [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.14.0.[1-3]:{}\"\n\
         [[schedule]]\nname = \"morning\"\ntimezone = \"UTC\"\nselect = \"tv-[1-2]\"\ndo = \"power-on\"\n{lines}\n",
        fleet.port()
    );
    let workspace = Workspace::new();
    workspace.write("sub/fleet.toml", &text);
    (fleet, workspace)
}

const INVENTORY: [&str; 2] = ["-i", "sub/fleet.toml"];

#[test]
fn one_run_now_does_what_the_schedule_says_and_asks_nobody() {
    let (fleet, workspace) =
        with_schedule("cron = \"0 0 1 1 *\"\nreports = [\"prometheus=fleet.prom\", \"json=night.json\"]");
    let run = workspace.fleetctl(&[&["schedule", "run", "morning"], &INVENTORY[..]].concat());
    assert!(run.expect_status(0).stdout.contains("2 of 2 acknowledged"), "{run}");
    for address in ["127.14.0.1", "127.14.0.2"] {
        assert_eq!(fleet.journal(address).bytes(), b"ka 01 01\r");
    }
    assert!(fleet.journal("127.14.0.3").connections.is_empty(), "it is not selected");
    // Reports stand beside the inventory, and metrics carry the schedule's name.
    let metrics = workspace.read("sub/fleet.prom");
    assert!(metrics.contains("fleetctl_run_success{run=\"morning\"} 1\n"), "{metrics}");
    assert!(metrics.contains("fleetctl_run_last_success_timestamp_seconds{run=\"morning\"} "), "{metrics}");
    let again = workspace.fleetctl(&["report", "last", "--format", "prometheus"]);
    assert_eq!(again.expect_status(0).stdout, metrics, "the history knows whose run it was, and what was before it");
    assert!(workspace.read("sub/night.json").contains("\"fleetctl.report/1\""));
    let unknown = workspace.fleetctl(&[&["schedule", "run", "evening"], &INVENTORY[..]].concat());
    assert!(unknown.expect_status(2).stderr.contains("there is no schedule `evening`"), "{unknown}");
}

#[test]
fn a_timer_starts_nothing_that_is_not_due() {
    let day = |days: i64| (Timestamp::now() + (days * 24).hours()).strftime("%Y-%m-%d").to_string();
    let except = format!("except = [\"{}\", \"{}\", \"{}\"]", day(-1), day(0), day(1));
    let (fleet, workspace) = with_schedule(&format!("cron = \"* * * * *\"\n{except}"));
    let due = [&["schedule", "run", "morning", "--due"], &INVENTORY[..]].concat();
    let run = workspace.fleetctl(&due);
    assert!(run.expect_status(0).stderr.contains("it is not due"), "{run}");
    assert_eq!(fleet.connections(), 0);
    // A person who asks is not a timer.
    workspace.fleetctl(&[&["schedule", "run", "morning"], &INVENTORY[..]].concat()).expect_status(0);
    assert_eq!(fleet.journal("127.14.0.1").bytes(), b"ka 01 01\r");

    let (fleet, workspace) = with_schedule("cron = \"* * * * *\"");
    workspace.fleetctl(&due).expect_status(0);
    assert_eq!(fleet.journal("127.14.0.1").bytes(), b"ka 01 01\r");
}

#[test]
fn what_a_schedule_would_refuse_at_night_is_said_by_day() {
    let text = format!(
        "{TWO}[[schedule]]\nname = \"a\"\ncron = \"0 5 * * *\"\ndo = \"power-onn\"\n\
         [[schedule]]\nname = \"b\"\ncron = \"0 5 * * *\"\ndo = \"power-on\"\nselect = \"site:hg\"\n\
         [[schedule]]\nname = \"c\"\ncron = \"0 5 * * *\"\ndo = \"power-off\"\n"
    );
    let workspace = Workspace::with_inventory(&text);
    let checked = workspace.fleetctl(&["inventory", "check"]);
    for said in [
        "schedule `a`: `lg-rs232` has no action `power-onn`: tv-[1-2]",
        "schedule `b`: unknown site `hg`",
        "warning: schedule `c` switches devices and does not look whether they did",
        "2 mistakes",
    ] {
        assert!(checked.expect_status(2).stderr.contains(said), "{said} is missing in {checked}");
    }
    // A mistake of one entry is no reason to leave the others out, nor to refuse a run by hand.
    workspace.fleetctl(&["schedule", "preview", "c"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-on", "--dry-run"]).expect_status(0);
    workspace.fleetctl(&["schedule", "run", "b"]).expect_status(2);
    let right = Workspace::with_inventory(TWO).fleetctl(&["inventory", "check"]);
    assert_eq!(right.expect_status(0).stderr, "");
}

#[test]
fn systemd_gets_a_service_and_a_timer_that_it_understands() {
    let (_fleet, workspace) =
        with_schedule("cron = \"30 2 * * *\"\nreports = [\"json=out/night.json\"]\nmissed = \"run-within 2h\"");
    std::fs::create_dir_all(workspace.path("sub/out")).unwrap();
    std::fs::create_dir(workspace.path("units")).unwrap();
    let text = workspace.read("sub/fleet.toml").replace("\"UTC\"", "\"Europe/Berlin\"");
    workspace.write("sub/fleet.toml", &text);
    let install = [&["schedule", "install", "morning", "--output", "units"], &INVENTORY[..]].concat();
    // The state folder of whoever runs this test is none of its business.
    let state = workspace.folder().canonicalize().unwrap().join("state");
    let fleetctl = |arguments: &[&str]| {
        Running::start_with(workspace.folder(), arguments, |command| _ = command.env("XDG_STATE_HOME", &state)).finish()
    };
    let told = fleetctl(&install);
    for said in
        ["wrote units/fleetctl-morning.timer", "02:30 does not come", "systemctl enable --now 'fleetctl-morning.timer'"]
    {
        assert!(told.expect_status(0).stdout.contains(said), "{said} is missing in {told}");
    }
    let service = workspace.read("units/fleetctl-morning.service");
    let root = workspace.folder().canonicalize().unwrap();
    let inventory = root.join("sub/fleet.toml");
    assert!(
        service.contains(&format!("schedule run morning --due --inventory {}\n", inventory.display())),
        "{service}"
    );
    assert!(service.contains(&format!("ReadWritePaths={}\n", root.join("sub/out").display())), "{service}");
    let timer = workspace.read("units/fleetctl-morning.timer");
    assert!(
        timer.contains("OnCalendar=*-*-* 02:30:00 Europe/Berlin\n") && timer.contains("Persistent=true\n"),
        "{timer}"
    );
    let units = ["units/fleetctl-morning.timer", "units/fleetctl-morning.service"];
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(units)
        .current_dir(workspace.folder())
        .output()
        .unwrap_or_else(|error| {
            panic!("systemd-analyze does not start ({error}): `tests/run` installs it, or `apt-get install systemd`")
        });
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("fleetctl-morning"), "{said}");

    let nowhere = [&["schedule", "install", "morning", "--output", "no/such"], &INVENTORY[..]].concat();
    assert!(fleetctl(&nowhere).expect_status(4).stderr.contains("no/such"));
    // Runs by timer and runs by hand remember in one place.
    assert!(service.contains(&format!("Environment=XDG_STATE_HOME={}\n", state.display())), "{service}");
    assert!(service.contains(&format!("ReadWritePaths={}\n", state.join("fleetctl").display())), "{service}");
    assert!(state.join("fleetctl").is_dir());
}

#[test]
fn windows_gets_a_task_and_is_told_of_the_clock() {
    let (_fleet, workspace) = with_schedule("cron = \"30 5 * * mon-fri\"");
    let told = workspace.fleetctl(&[&["schedule", "install", "morning", "--windows"], &INVENTORY[..]].concat());
    assert!(told.expect_status(0).stdout.contains("set its time zone to the one of UTC"), "{told}");
    let task = std::fs::read(workspace.path("fleetctl-morning.xml")).unwrap();
    let units: Vec<u16> = task.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    assert!(text.contains("T05:30:00</StartBoundary>") && text.contains("<Monday />"), "{text}");
    assert!(text.contains("schedule run morning --due"), "{text}");
}
