//! `--dry-run`: the address and exact bytes per device, and not one connection.

use crate::support::{FakeFleet, Workspace};

fn fleet_of_two_gateways() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [defaults]
        type = "lg-rs232"
        [[device]]
        name = "tv"
        address = "127.6.0.1:{port}"
        [[device]]
        name = "wall-[1-3]"
        address = "127.6.0.2:{port}"
        params = {{ set_id = "[10-12]" }}
        "#
    ));
    (fleet, workspace)
}

#[test]
fn the_plan_is_shown_and_nothing_is_connected_to() {
    let (fleet, workspace) = fleet_of_two_gateways();
    let arguments = ["run", "--cmd", "kf {set_id} 1e", "--dry-run", "--format", "json"];
    let plan = workspace.fleetctl(&arguments).expect_status(0).json();
    assert_eq!(plan["schema"], "fleetctl.plan/1");
    let summary = &plan["summary"];
    assert_eq!((summary["devices"].as_u64(), summary["lanes"].as_u64()), (Some(4), Some(2)));
    assert_eq!(summary["longest_lane"], 3);
    assert!(summary["estimated_ms"].is_number());
    let wall = &plan["devices"][2];
    assert_eq!((wall["name"].as_str(), wall["type"].as_str()), (Some("wall-2"), Some("lg-rs232")));
    assert_eq!(wall["address"], format!("127.6.0.2:{}", fleet.port()));
    assert_eq!(wall["sent"], "kf 0b 1e\\r");
    assert_eq!(wall["sent_hex"], "6b 66 20 30 62 20 31 65 0d");
    assert_eq!(fleet.connections(), 0);
}

#[test]
fn people_see_the_same() {
    let (fleet, workspace) = fleet_of_two_gateways();
    let finished = workspace.fleetctl(&["run", "--do", "power-on", "--dry-run"]);
    let table = &finished.expect_status(0).stdout;
    for text in ["wall-3", "ka 0c 01\\r", "6b 61 20 30 63 20 30 31 0d", "127.6.0.1"] {
        assert!(table.contains(text), "{text} in {table}");
    }
    assert_eq!(fleet.connections(), 0);
}
