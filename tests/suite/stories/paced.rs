//! The operator whose breakers trip: rate, circuits, batches and a limit on failures, by what displays on real sockets saw.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{FakeFleet, Finished, Step, Workspace};

const ACTION: [&str; 5] = ["run", "--do", "power-on", "--format", "json"];

/// So many displays, each behind its own gateway.
fn displays(fleet: &FakeFleet, count: u32, keys: &str) -> Workspace {
    let port = fleet.port();
    let text = format!(
        "[circuits.hall]\nmax_inrush_a = 10.0\n\n[defaults]\ntype = \"lg-rs232\"\n{keys}\n\
         [[device]]\nname = \"tv-[01-{count:02}]\"\naddress = \"127.44.0.[1-{count}]:{port}\"\n"
    );
    Workspace::with_inventory(&text)
}

fn run(workspace: &Workspace, flags: &[&str]) -> Finished {
    workspace.fleetctl(&[&ACTION[..], flags].concat())
}

fn gateway(number: u32) -> String {
    format!("127.44.0.{number}")
}

/// When each display got its first command, in the order in which they did.
fn starts(fleet: &FakeFleet, count: u32) -> Vec<Instant> {
    let commands = |number| fleet.journal(&gateway(number)).commands;
    let mut starts: Vec<Instant> = (1..=count).flat_map(commands).map(|command| command.received).collect();
    starts.sort();
    starts
}

/// Whether no span of this length, a little less for what is lost between two clocks, has more than `most` starts.
fn at_most(starts: &[Instant], span: Duration, most: usize) -> bool {
    let span = span.saturating_sub(Duration::from_millis(60));
    starts.windows(most + 1).all(|some| some[most] - some[0] >= span)
}

#[test]
fn a_rate_spaces_what_displays_receive() {
    let fleet = FakeFleet::start();
    let workspace = displays(&fleet, 8, "");
    run(&workspace, &["--rate", "5/s"]).expect_status(0);
    let starts = starts(&fleet, 8);
    assert_eq!(starts.len(), 8);
    assert!(at_most(&starts, Duration::from_millis(200), 1), "{starts:?}");
}

#[test]
fn a_circuit_never_has_more_inrush_than_it_holds() {
    let fleet = FakeFleet::start();
    let workspace = displays(&fleet, 6, "circuit = \"hall\"\ninrush_a = 4.5\nsettle = \"500ms\"\n");
    run(&workspace, &[]).expect_status(0);
    let starts = starts(&fleet, 6);
    assert_eq!(starts.len(), 6);
    assert!(at_most(&starts, Duration::from_millis(500), 2), "{starts:?}");
    // What draws nothing is not held up: the same displays switched off.
    let off = FakeFleet::start();
    let workspace = displays(&off, 6, "circuit = \"hall\"\ninrush_a = 4.5\nsettle = \"10m\"\n");
    workspace.fleetctl(&["run", "--do", "power-off"]).expect_status(0);
    assert_eq!(off.commands(), 6);
}

#[test]
fn a_batch_is_over_before_the_next_begins() {
    let fleet = FakeFleet::start();
    let workspace = displays(&fleet, 5, "");
    // The second display takes its time: nobody of the second batch is told meanwhile.
    fleet.on_command(&gateway(2), 1, vec![vec![Step::Pause(Duration::from_millis(700)), Step::Reply]]);
    run(&workspace, &["--batch", "2", "--pause", "300ms"]).expect_status(0);
    let received = |number| fleet.journal(&gateway(number)).commands[0].received;
    let answered = |number| fleet.journal(&gateway(number)).commands[0].answered.unwrap();
    for (before, after) in [(2, 3), (2, 4), (3, 5), (4, 5)] {
        assert!(received(after) > answered(before), "{after} began before {before} was answered");
    }
}

#[test]
fn a_run_that_fails_too_often_stops_with_status_3_and_names_whom_it_left_alone() {
    let fleet = FakeFleet::start();
    let workspace = displays(&fleet, 10, "");
    for number in 1..=10 {
        fleet.on_command(&gateway(number), 1, vec![vec![Step::Send(b"a 01 NG01x".to_vec())]]);
    }
    let report = run(&workspace, &["--max-failures", "20%", "-c", "1"]).expect_status(3).report();
    assert_eq!(report.ended(), "max_failures");
    assert_eq!((report.count("rejected"), report.count("skipped")), (3, 7), "the third is one too many");
    assert_eq!(fleet.commands(), 3);
    let skipped = report.device("tv-10");
    assert_eq!((&skipped["reason"], &skipped["attempts"]), (&Value::from("max_failures"), &Value::from(0)));
    let table = workspace.fleetctl(&["run", "--do", "power-on", "--max-failures", "0", "-c", "1", "-q"]);
    assert!(table.expect_status(3).stdout.contains("too many"), "{}", table.stdout);
}

#[test]
fn limits_that_cannot_be_are_refused_before_anything_is_sent() {
    let fleet = FakeFleet::start();
    let workspace = displays(&fleet, 2, "circuit = \"hall\"\ninrush_a = 10.5\n");
    let over = run(&workspace, &[]);
    let words = ["fleet.toml:7:12", "`hall`", "10.5 A", "10 A"];
    assert!(words.iter().all(|word| over.expect_status(2).stderr.contains(word)), "{}", over.stderr);
    let workspace = displays(&fleet, 2, "");
    for flags in [
        ["--rate", "0"],
        ["--rate", "-1/s"],
        ["--batch", "0"],
        ["--batch", "120%"],
        ["--max-failures", "101%"],
        ["--max-failures", "-1"],
        ["--until", "0s"],
        ["--until", "25:00"],
        ["--pause", "1s"],
    ] {
        let refused = run(&workspace, &[&flags[0..1], &[&*format!("{}={}", flags[0], flags[1])][..]].concat()[1..]);
        assert!(refused.expect_status(2).stderr.contains(flags[0]), "{flags:?}: {}", refused.stderr);
    }
    assert_eq!(fleet.connections(), 0);
}
