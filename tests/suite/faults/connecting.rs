//! No conversation at all: refused, no answer to the connection request, a name that nobody knows.

use super::pair::{BAD, Pair};
use crate::support::{Expected, FakeFleet, Workspace, closed_port, deaf_port};

const NONE: Expected = Expected { status: "unreachable", kind: None, delivery: "none", attempts: 1 };

#[test]
fn a_refused_connection_is_tried_again_even_for_a_key_press() {
    let (_kept, port) = closed_port(BAD);
    let pair = Pair::with_bad_address(&format!("{BAD}:{port}"));
    let expected = Expected { kind: Some("connection_refused"), attempts: 3, ..NONE };
    let device = pair.expect(&["--cmd", "mc 01 08", "--retries", "2"], expected);
    assert!(device["sent"].is_null());
    assert!(device["reply"].is_null());
}

#[test]
fn a_host_that_does_not_answer_ends_at_the_connect_timeout() {
    let (_kept, port) = deaf_port(BAD);
    let pair = Pair::with_bad_address(&format!("{BAD}:{port}"));
    let expected = Expected { kind: Some("connect_timeout"), attempts: 2, ..NONE };
    pair.expect(&["--cmd", "ka 01 01", "--retries", "1", "--connect-timeout", "500ms"], expected);
}

#[test]
fn a_name_that_does_not_resolve_ends_its_device_at_once() {
    let pair = Pair::with_bad_address("no-such-display.invalid:23");
    pair.expect(&["--cmd", "ka 01 01", "--retries", "3"], Expected { kind: Some("dns"), ..NONE });
}

#[test]
fn a_name_is_as_good_as_an_address() {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"localhost:{port}\"\n"
    ));
    let finished = workspace.fleetctl(&["run", "--cmd", "ka 01 01", "--format", "json"]);
    let report = finished.expect_status(0).report();
    assert_eq!(report.device("tv")["address"], format!("localhost:{port}"));
    assert_eq!(fleet.commands_seen_by("127.0.0.1", 1), ["ka 01 01"]);
}
