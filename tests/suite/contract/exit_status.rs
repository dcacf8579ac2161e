//! The exit status: 0 success, 1 not, 2 usage, 3 stopped early, 4 a report not delivered; `--ok-if` moves the line.
//!
//! 2 is tested in `bad_*.rs`, the signals and 3 in `faults/signals.rs`, 4 in `stories/outputs.rs`; here 0, 1, and which
//! one wins.

use crate::support::{FakeFleet, Gate, Running, Step, Workspace, send};

fn three_of_four() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.12.0.4", 1, vec![vec![send("a 01 NG02x")]]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-4]\"\ntype = \"lg-rs232\"\naddress = \"127.12.0.[1-4]:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

#[test]
fn success_is_what_ok_if_asks_for_compared_exactly() {
    let cases: [(&[&str], i32); 7] = [
        (&["-s", "tv-[1-3]"], 0),
        (&[], 1),
        (&["--ok-if", "75%"], 0),
        (&["--ok-if", "75.1%"], 1),
        (&["--ok-if", "76%"], 1),
        (&["--ok-if", "0%"], 0),
        (&["--ok-if", "100%"], 1),
    ];
    for (arguments, status) in cases {
        let (_fleet, workspace) = three_of_four();
        let finished = workspace.fleetctl(&[&["run", "--do", "power-on", "--format", "json"], arguments].concat());
        assert_eq!(finished.expect_status(status).report().ended(), "completed");
    }
}

#[test]
fn devices_that_failed_come_before_a_report_that_was_not_delivered() {
    let (fleet, workspace) = three_of_four();
    let gate = Gate::closed();
    fleet.on_command("127.12.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    std::fs::create_dir(workspace.path("out")).unwrap();
    let program = workspace.start(&["run", "--do", "power-on", "--report", "json=out/r.json"]);
    fleet.wait_until("all commands", |fleet| fleet.commands() == 4);
    std::fs::remove_dir_all(workspace.path("out")).unwrap();
    gate.open();
    let finished = program.finish();
    finished.expect_status(1);
    assert!(finished.stderr.contains("r.json"), "{finished}");
}

#[test]
fn a_run_works_in_the_empty_environment_of_cron() {
    let (fleet, workspace) = three_of_four();
    let arguments = ["run", "--do", "power-on", "-s", "tv-1"];
    let program = Running::start_with(workspace.folder(), &arguments, |command| {
        command.env_clear();
    });
    program.finish().expect_status(0);
    assert_eq!(fleet.commands(), 1);
}

#[test]
fn the_inventory_comes_from_the_environment_when_no_flag_names_one() {
    let (fleet, workspace) = three_of_four();
    std::fs::rename(workspace.path("fleet.toml"), workspace.path("night.toml")).unwrap();
    let arguments = ["run", "--do", "power-on", "-s", "tv-1"];
    let program = Running::start_with(workspace.folder(), &arguments, |command| {
        command.env("FLEETCTL_INVENTORY", "night.toml");
    });
    program.finish().expect_status(0);
    assert_eq!(fleet.commands(), 1);
    workspace.fleetctl(&arguments).expect_status(2);
}
