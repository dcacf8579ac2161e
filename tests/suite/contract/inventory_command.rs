//! `fleetctl inventory check|list|import`: nothing is sent, and what comes out can be used.

use serde_json::json;

use super::refusal::Bystander;
use crate::support::{Workspace, device_names};

#[test]
fn a_good_inventory_is_checked_without_a_connection() {
    let bystander = Bystander::new();
    bystander.workspace.fleetctl(&["inventory", "check"]).expect_status(0);
    bystander.workspace.fleetctl(&["inventory", "check", "-i", "fleet.toml"]).expect_status(0);
    assert_eq!(bystander.fleet.connections(), 0);
}

#[test]
fn list_prints_whom_a_selector_means() {
    let text = r#"
        [defaults]
        type = "lg-rs232"
        tags = ["tv"]
        [sites.hq]
        timezone = "Europe/Berlin"
        [[device]]
        name = "tv-[08-11]"
        address = "10.20.[0-1].[1-2]"
        site = "hq"
        tags = ["lobby"]
        [[device]]
        name = "wall-[1,3,5-6]"
        address = "Gateway.example:4001"
        params = { set_id = "[10-16/2]", id_digits = 3 }
        [[device]]
        name = "six"
        address = "[2001:DB8:0::1]:23"
    "#;
    let workspace = Workspace::with_inventory(text);
    let list = |arguments: &[&str]| {
        workspace.fleetctl(&[&["inventory", "list", "--format", "json"], arguments].concat()).expect_status(0).json()
    };
    let all = list(&[]);
    assert_eq!(all["schema"], "fleetctl.devices/1");
    let expected = ["tv-08", "tv-09", "tv-10", "tv-11", "wall-1", "wall-3", "wall-5", "wall-6", "six"];
    assert_eq!(device_names(&all), expected);
    let addresses: Vec<&str> =
        all["devices"].as_array().unwrap().iter().map(|device| device["address"].as_str().unwrap()).collect();
    assert_eq!(addresses[..4], ["10.20.0.1:23", "10.20.0.2:23", "10.20.1.1:23", "10.20.1.2:23"], "leftmost slowest");
    let tv = &all["devices"][0];
    assert_eq!((tv["type"].as_str(), tv["site"].as_str()), (Some("lg-rs232"), Some("hq")));
    assert_eq!(tv["tags"], json!(["tv", "lobby"]), "tags add up");
    let wall = &all["devices"][5];
    assert_eq!(wall["params"]["set_id"], 12);
    assert_eq!(wall["params"]["id_digits"], 3);
    assert!(wall["site"].is_null());
    assert_eq!(device_names(&list(&["-s", "site:hq and not tv-1?"])), ["tv-08", "tv-09"]);
    let table = workspace.fleetctl(&["inventory", "list", "-s", "six"]);
    assert!(table.expect_status(0).stdout.contains("six") && !table.stdout.contains("wall"), "{table}");
}

#[test]
fn a_spreadsheet_becomes_an_inventory() {
    for separator in [",", ";"] {
        let rows = [
            ["name", "address", "type", "site", "tags", "set_id"],
            ["tv-1", "10.0.0.1:4001", "lg-rs232", "", "lobby first-floor", "1"],
            ["tv 2", "10.0.0.1:4001", "lg-rs232", "", "", "12"],
        ];
        let csv: String = rows.iter().map(|row| row.join(separator) + "\n").collect();
        let workspace = Workspace::new();
        workspace.write("tvs.csv", &csv);
        let imported = workspace.fleetctl(&["inventory", "import", "tvs.csv"]).expect_status(0).stdout.clone();
        workspace.write("fleet.toml", &imported);
        workspace.fleetctl(&["inventory", "check"]).expect_status(0);
        let listed = workspace.fleetctl(&["inventory", "list", "--format", "json"]).expect_status(0).json();
        assert_eq!(device_names(&listed), ["tv-1", "tv 2"], "with `{separator}`: {imported}");
        assert_eq!(listed["devices"][0]["tags"], json!(["lobby", "first-floor"]));
        assert_eq!(listed["devices"][1]["params"]["set_id"], 12);
        assert_eq!(listed["devices"][1]["address"], "10.0.0.1:4001");
    }
}

#[test]
fn a_spreadsheet_that_makes_no_sense_is_refused() {
    let cases = [("", "name"), ("nome,address\na,b\n", "name"), ("name,address\ntv-1\n", "2")];
    for (csv, word) in cases {
        let workspace = Workspace::new();
        workspace.write("tvs.csv", csv);
        let finished = workspace.fleetctl(&["inventory", "import", "tvs.csv"]);
        finished.expect_status(2);
        assert!(finished.stdout.is_empty() && finished.stderr.contains(word), "{finished}");
    }
    Workspace::new().fleetctl(&["inventory", "import", "missing.csv"]).expect_status(2);
}
