//! The inventories that come with the program: whole, without a mistake, and playable without hardware.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Finished, MAGIC, Workspace};

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for path in ["fleet.example.toml", "config/examples/every-type.toml"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        workspace.write(Path::new(path).file_name().unwrap().to_str().unwrap(), &text);
    }
    workspace
}

/// What a list of devices or types says under a key.
fn named(entries: &Value, key: &str) -> BTreeSet<String> {
    entries.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
}

fn types_in(workspace: &Workspace, inventory: &str) -> BTreeSet<String> {
    let listed = workspace.fleetctl(&["inventory", "list", "-i", inventory, "--format", "json"]);
    named(&listed.expect_status(0).json()["devices"], "type")
}

#[test]
fn they_have_all_types_and_all_that_know_power_on() {
    let workspace = workspace();
    let types = workspace.fleetctl(&["types", "list", "--format", "json"]).expect_status(0).json()["types"].clone();
    assert_eq!(types_in(&workspace, "every-type.toml"), named(&types, "name"));
    let knows = |entry: &&Value| entry["actions"].as_array().unwrap().iter().any(|action| action == "power-on");
    let switched = Value::Array(types.as_array().unwrap().iter().filter(knows).cloned().collect());
    assert_eq!(types_in(&workspace, "fleet.example.toml"), named(&switched, "name"));
}

#[test]
fn they_are_without_a_mistake_or_a_warning() {
    let workspace = workspace();
    for inventory in ["fleet.example.toml", "every-type.toml"] {
        let checked = workspace.fleetctl(&["inventory", "check", "-i", inventory]);
        assert!(checked.expect_status(0).stderr.is_empty(), "{checked}");
    }
}

#[test]
fn one_run_switches_displays_and_relays_on_each_in_its_language() {
    let workspace = workspace();
    let run = ["run", "-i", "fleet.example.toml", "--simulate", "--format", "json", "--do", "power-on"];
    let report = workspace.fleetctl(&run).expect_status(0).report();
    assert_eq!(report.count("ok"), report.devices().len());
    let sent = |name: &str| report.device(name)["sent_hex"].as_str().unwrap();
    // protocols.md §1, §4, §5: relay 1 on the normally closed contact is switched off for its load to have power.
    assert_eq!(sent("tv-001"), "6b 61 20 30 31 20 30 31 0d");
    assert_eq!(sent("spots-2"), "20 02 00");
    assert_eq!(sent("amp-4"), "20 04 00");
    assert_eq!(sent("sign"), "21 01 00");
    assert_eq!(sent("stand-10"), "20 0a 00");
    assert_eq!(sent("heater"), "31 03 01 00 00 00 00");
    assert_eq!(sent("lamp-01"), "aa 03 fe 6c 01 18");
    assert_eq!(sent("lamp-09"), "aa 03 fe 6c 02 19");
}

#[test]
fn every_type_is_played_without_hardware() {
    let workspace = workspace();
    let run = |arguments: &[&str]| -> Finished {
        let run = ["run", "-i", "every-type.toml", "--simulate", "--format", "json", "--select"];
        workspace.fleetctl(&[&run[..], arguments].concat())
    };
    let switched = run(&["not (type:esc-cr or type:smart-home-hub)", "--do", "power-on"]);
    let report = switched.expect_status(0).report();
    assert_eq!(report.count("ok"), report.devices().len());
    let told = run(&["type:esc-cr", "--cmd", "status"]);
    assert_eq!(told.expect_status(0).report().device("text")["sent_hex"], "1b 73 74 61 74 75 73 0d");
    let fetched = run(&["type:smart-home-hub", "--do", "fetch-database", "--save", "{name}.db"]);
    assert_eq!(fetched.expect_status(0).report().count("ok"), 2);
    assert!(std::fs::read(workspace.path("hub-1.db")).unwrap().starts_with(&MAGIC));
}
