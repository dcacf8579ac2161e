//! `kill -9` at any moment of a run: its record can be read, and `rerun` never makes a device act twice.

use std::time::Duration;

use nix::sys::signal::Signal;
use rusqlite::{Connection, OpenFlags};

use crate::support::{FakeFleet, Step, Workspace};

const DISPLAYS: usize = 40;

fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    for number in 1..=DISPLAYS {
        let slow = vec![Step::Pause(Duration::from_millis(60)), Step::Reply];
        fleet.on_command(&format!("127.46.0.{number}"), 1, vec![slow]);
    }
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[01-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.46.0.[1-{DISPLAYS}]:{port}\"\n"
    ));
    (fleet, workspace)
}

fn pulses(fleet: &FakeFleet) -> Vec<usize> {
    (1..=DISPLAYS).map(|n| fleet.commands_seen_by(&format!("127.46.0.{n}"), 1).len()).collect()
}

/// What the type says nothing of must not be sent twice.
const PULSE: [&str; 6] = ["run", "--cmd", "mc {set_id} 08", "--concurrency", "4", "-q"];

#[test]
fn wherever_a_run_is_killed_its_record_reads_and_no_rerun_pulses_twice() {
    // By how many commands were seen when the kill came, and a little later: each is another moment.
    for (number, after) in [0, 1, 3, 7, 12, 20, 33, 39].into_iter().enumerate() {
        let (fleet, workspace) = fleet();
        let program = workspace.start(&PULSE);
        fleet.wait_until("so many commands", |fleet| fleet.commands() >= after);
        std::thread::sleep(Duration::from_millis(7 * number as u64));
        program.signal(Signal::SIGKILL);
        program.finish();
        let killed = pulses(&fleet);
        assert!(killed.iter().all(|&count| count <= 1), "{killed:?}");
        let list = workspace.fleetctl(&["history", "list", "--format", "json"]).expect_status(0).json();
        let Some(run) = list["runs"].get(0) else {
            assert_eq!(killed.iter().sum::<usize>(), 0, "what has no record has sent nothing");
            continue;
        };
        assert_eq!(run["summary"]["total"], DISPLAYS);
        let report = workspace.fleetctl(&["report", "last", "--format", "json"]).expect_status(0).report();
        for (device, &count) in report.devices().iter().zip(&killed) {
            let delivery = device["delivery"].as_str().unwrap();
            assert!(count == 0 || delivery != "none", "it was sent, and the record denies it: {device:#}");
            if run["ended"] == "interrupted" && device["status"] == "no_reply" {
                assert_eq!((device["error"]["kind"].as_str(), delivery), (Some("interrupted"), "unknown"));
            }
        }
        let again = workspace.fleetctl(&["rerun", "--format", "json"]);
        assert!(matches!(again.status, Some(0..=2)), "{again}");
        let all = pulses(&fleet);
        assert!(all.iter().all(|&count| count <= 1), "killed after {after}: {all:?} {again}");
        // Whoever is not among them was refused, and is named.
        for (place, count) in (1..).zip(&all) {
            assert!(*count == 1 || again.stderr.contains("not sent again"), "tv-{place:02}: {again}");
        }
    }
}

#[test]
fn a_command_that_may_be_sent_twice_reads_as_unknown_and_is_sent_again() {
    let (fleet, workspace) = fleet();
    let program = workspace.start(&["run", "--do", "power-on", "--concurrency", "4", "-q"]);
    fleet.wait_until("some commands", |fleet| fleet.commands() >= 10);
    // Such a command does not wait for the record of its run, so that this test has to.
    let history = workspace.path(".state/fleetctl/history.db");
    let runs = || -> i64 {
        let open = Connection::open_with_flags(&history, OpenFlags::SQLITE_OPEN_READ_WRITE);
        open.and_then(|open| open.query_row("SELECT count(*) FROM run", (), |row| row.get(0))).unwrap_or(0)
    };
    program.wait_for("the record of the run", || runs() == 1);
    program.signal(Signal::SIGKILL);
    program.finish();
    let report = workspace.fleetctl(&["report", "--format", "json"]).expect_status(0).report();
    assert_eq!(report.ended(), "interrupted");
    let left: Vec<_> = report.devices().iter().filter(|device| device["status"] == "skipped").collect();
    assert!(!left.is_empty());
    for device in left {
        let told = ["reason", "delivery"].map(|key| device[key].as_str().unwrap());
        assert_eq!(told, ["interrupted", "unknown"], "{device:#}");
        assert!(device["sent"].is_null() && device["finished_at"].is_null() && device["attempts"] == 0, "{device:#}");
    }
    for format in ["table", "html", "junit"] {
        let text = workspace.fleetctl(&["report", "--format", format]).stdout.clone();
        assert!(text.contains("whether the command was written is not known"), "{text}");
        assert!(!text.contains("not started, the run was interrupted"), "{text}");
        assert!(format == "junit" || text.contains("may have acted"), "{text}");
    }
    workspace.fleetctl(&["rerun"]).expect_status(0);
    assert!(pulses(&fleet).iter().all(|&count| count >= 1));
}
