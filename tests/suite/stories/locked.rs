//! One run at a time over an inventory on one machine.

use nix::sys::signal::Signal;

use crate::support::{FakeFleet, Gate, Step, Workspace, send};

const RUN: [&str; 7] = ["run", "--do", "power-on", "--reply-timeout", "60s", "--device-deadline", "90s"];

fn waiting() -> (std::sync::Arc<Gate>, FakeFleet, Workspace) {
    let gate = Gate::closed();
    let fleet = FakeFleet::start();
    fleet.on_command("127.45.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.45.0.1:{port}\"\n"
    ));
    (gate, fleet, workspace)
}

#[test]
fn a_second_run_sends_nothing_or_waits_for_the_first() {
    let (gate, fleet, workspace) = waiting();
    let first = workspace.start(&RUN);
    fleet.wait_until("the first command", |fleet| fleet.commands() == 1);
    let second = workspace.fleetctl(&[&RUN[..], &["--report", "json=r.json"]].concat());
    assert!(second.expect_status(2).stderr.contains("process"), "it says who: {second}");
    assert!(second.stdout.is_empty() && !workspace.path("r.json").exists(), "{second}");
    // By another name the inventory is still the same one.
    std::os::unix::fs::symlink("fleet.toml", workspace.path("link.toml")).unwrap();
    workspace.fleetctl(&[&RUN[..], &["-i", "link.toml"]].concat()).expect_status(2);
    workspace.fleetctl(&[&RUN[..], &["--wait-lock", "300ms"]].concat()).expect_status(2);
    workspace.fleetctl(&[&RUN[..], &["--dry-run"]].concat()).expect_status(0);
    workspace.fleetctl(&[&RUN[..], &["--simulate"]].concat()).expect_status(0);
    workspace.write("other.toml", &workspace.read("fleet.toml").replace("127.45.0.1", "127.45.0.2"));
    workspace.fleetctl(&[&RUN[..], &["-i", "other.toml"]].concat()).expect_status(0);
    let patient = workspace.start(&[&RUN[..], &["--wait-lock", "1m", "-v"]].concat());
    patient.wait_for_stderr("waited for");
    assert_eq!(fleet.commands_seen_by("127.45.0.1", 1).len(), 1);
    gate.open();
    first.finish().expect_status(0);
    patient.finish().expect_status(0);
    assert_eq!(fleet.commands_seen_by("127.45.0.1", 1).len(), 2);
}

#[test]
fn a_lock_that_a_dead_process_left_is_taken_over_and_that_is_said() {
    let (gate, fleet, workspace) = waiting();
    let first = workspace.start(&RUN);
    fleet.wait_until("the first command", |fleet| fleet.commands() == 1);
    first.signal(Signal::SIGKILL);
    assert_eq!(first.finish().status, None);
    gate.open();
    let second = workspace.fleetctl(&RUN);
    assert!(second.expect_status(0).stderr.contains("taken over"), "{second}");
    let third = workspace.fleetctl(&RUN);
    assert!(!third.expect_status(0).stderr.contains("taken over"), "{third}");
}

#[test]
fn what_a_run_takes_up_is_decided_when_no_other_can_take_it_up() {
    let gate = Gate::closed();
    let fleet = FakeFleet::start();
    let busy = vec![send("Port already in use\r\n"), Step::Close];
    fleet.on_accept("127.45.0.1", vec![busy, vec![]]);
    fleet.on_command("127.45.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.45.0.1:{port}\"\n"
    ));
    let pulse = ["run", "--cmd", "mc {set_id} 08", "--retries", "0", "--reply-timeout", "60s"];
    workspace.fleetctl(&[&pulse[..], &["--device-deadline", "90s"]].concat()).expect_status(1);
    let first = workspace.start(&["rerun"]);
    fleet.wait_until("the pulse", |fleet| fleet.commands() == 1);
    workspace.fleetctl(&["rerun"]).expect_status(2);
    let second = workspace.start(&["rerun", "--wait-lock", "1m", "-v"]);
    second.wait_for_stderr("waited for");
    gate.open();
    first.finish().expect_status(0);
    let second = second.finish();
    assert!(second.expect_status(0).stderr.contains("nothing"), "the first has made it good: {second}");
    assert_eq!(fleet.commands(), 1);
}

#[test]
fn a_run_that_waits_can_be_stopped() {
    let (gate, fleet, workspace) = waiting();
    let first = workspace.start(&RUN);
    fleet.wait_until("the first command", |fleet| fleet.commands() == 1);
    let patient = workspace.start(&[&RUN[..], &["--wait-lock", "1m", "-v"]].concat());
    patient.wait_for_stderr("waited for");
    patient.signal(Signal::SIGTERM);
    patient.finish().expect_status(143);
    gate.open();
    first.finish().expect_status(0);
    assert_eq!(fleet.commands(), 1);
}
