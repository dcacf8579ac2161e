//! `hold` and `release`: a device that is being repaired is kept out of runs, visibly, and spoils no figures.

use crate::support::{Expected, FakeFleet, Workspace};

fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[sites.hq]\ntimezone = \"Pacific/Kiritimati\"\n[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\n\
         address = \"127.43.0.[1-3]:{port}\"\nsite = \"hq\"\n"
    ));
    (fleet, workspace)
}

const RUN: [&str; 5] = ["run", "--do", "power-on", "--format", "json"];

#[test]
fn a_held_device_is_left_alone_seen_and_not_counted_until_it_is_released() {
    let (fleet, workspace) = fleet();
    let held = workspace.fleetctl(&["hold", "tv-2", "--until", "2999-12-24", "--why", "being repaired"]);
    assert_eq!(held.expect_status(0).stdout, "held until the end of 2999-12-24: tv-2 (being repaired)\n");
    assert_eq!(workspace.fleetctl(&["hold"]).stdout, held.stdout);
    let read = ["table", "html", "junit"].map(|format| (format, format!("r.{format}")));
    let reports = read.iter().flat_map(|(format, path)| ["--report".to_owned(), format!("{format}={path}")]);
    let reports: Vec<String> = reports.collect();
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let run = [&RUN[..], &["--report", "nagios=n.txt", "--verify"], &reports].concat();
    let finished = workspace.fleetctl(&run);
    for (format, path) in &read {
        let text = workspace.read(path);
        let said = "held until the end of 2999-12-24 or `release`: being repaired";
        assert!(text.contains(said), "{format}: {text}");
    }
    assert!(!finished.stdout.contains("being repaired"), "the report's fields are those of the contract: {finished}");
    assert!(finished.expect_status(0).stderr.contains("tv-2 (being repaired)"), "{finished}");
    let report = finished.report();
    let device = report.expect("tv-2", Expected { status: "skipped", kind: None, delivery: "none", attempts: 0 });
    assert_eq!((device["reason"].as_str(), device["verified"].as_bool()), (Some("held"), Some(false)));
    assert_eq!((report.count("ok"), report.count("skipped")), (2, 1));
    assert!(fleet.commands_seen_by("127.43.0.2", 1).is_empty());
    assert!(workspace.read("n.txt").starts_with("FLEETCTL OK: "), "{}", workspace.read("n.txt"));

    let plan = workspace.fleetctl(&[&RUN[..], &["--dry-run"]].concat()).expect_status(0).json();
    assert_eq!(crate::support::device_names(&plan), ["tv-1", "tv-3"]);
    workspace.fleetctl(&[&RUN[..], &["-s", "tv-2"]].concat()).expect_status(0);
    assert!(fleet.commands_seen_by("127.43.0.2", 1).is_empty());
    let again = workspace.fleetctl(&["rerun"]);
    assert!(again.expect_status(0).stderr.contains("nothing"), "it is still held: {again}");

    let released = workspace.fleetctl(&["release", "tv-[1-3]"]);
    assert_eq!(released.expect_status(0).stdout, "released: tv-2\n");
    assert_eq!(workspace.fleetctl(&["release", "tv-2"]).expect_status(0).stdout, "none of them was held\n");
    let again = workspace.fleetctl(&["rerun", "--format", "json"]).expect_status(0).report();
    assert_eq!(again.names(), ["tv-2"]);
    assert_eq!(fleet.commands_seen_by("127.43.0.2", 1).len(), 1);
}

#[test]
fn what_cannot_be_meant_holds_nobody() {
    let (fleet, workspace) = fleet();
    for arguments in [
        &["hold", "tv-2"][..],
        &["hold", "tv-2", "--until", "2999-12-24"],
        &["hold", "--until", "2999-12-24", "--why", "x"],
        &["hold", "tv-2", "--until", "tomorrow", "--why", "x"],
        &["hold", "tv-2", "--until", "2020-01-01", "--why", "x"],
        &["hold", "tv-2", "--until", "2999-12-24", "--why", " "],
        &["hold", "tv-9", "--until", "2999-12-24", "--why", "x"],
        &["release", "tv-9"],
    ] {
        workspace.fleetctl(arguments).expect_status(2);
    }
    assert_eq!(workspace.fleetctl(&["hold"]).stdout, "no device is held\n");
    workspace.fleetctl(&RUN).expect_status(0);
    assert_eq!(fleet.commands(), 3);
}

#[test]
fn a_day_ends_where_the_device_is() {
    let (_fleet, workspace) = fleet();
    // On Kiritimati, fourteen hours before Greenwich, the day is over when it is noon at UTC-12.
    let now = jiff::Timestamp::now();
    let there = |zone: &str| now.in_tz(zone).unwrap().date();
    let (first, last) = (there("Pacific/Kiritimati"), there("Etc/GMT+12"));
    assert!(first > last, "at every moment these two have different days");
    let held = |day: jiff::civil::Date| {
        let day = day.to_string();
        workspace.fleetctl(&["hold", "tv-1", "--until", &day, "--why", "x"]).status
    };
    assert_eq!((held(last), held(first)), (Some(2), Some(0)));
}
