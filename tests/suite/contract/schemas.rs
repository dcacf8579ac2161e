//! `fleetctl schema`: JSON Schemas that real output and real files pass, and wrong ones do not.

use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::refusal::built_in_type;
use crate::support::{FakeFleet, Workspace, send};

fn schema(name: &str) -> Validator {
    let schema = Workspace::new().fleetctl(&["schema", name]).expect_status(0).json();
    assert!(schema["$schema"].is_string(), "{schema:#}");
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("schema {name}: {error}"))
}

#[track_caller]
fn valid(validator: &Validator, document: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?} in {document:#}");
}

fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = document.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    changed
}

#[test]
fn real_reports_pass_the_schema_and_wrong_ones_do_not() {
    let fleet = FakeFleet::start();
    fleet.on_command("127.13.0.2", 1, vec![vec![]]);
    fleet.on_command("127.13.0.3", 1, vec![vec![send("a 01 NG02x")]]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-4]\"\ntype = \"lg-rs232\"\naddress = \"127.13.0.[1-4]:{}\"\ntags = [\"a\"]\n",
        fleet.port()
    ));
    let validator = schema("report");
    let quick = ["--reply-timeout", "300ms", "--retries", "1", "--format", "json"];
    for command in [
        &["--do", "power-on"][..],
        &["--do", "power-status"],
        &["--do", "volume", "--arg", "level=3"],
        &["--cmd", "ka 00 01"],
    ] {
        let document = workspace.fleetctl(&[&["run"], command, &quick].concat()).json();
        valid(&validator, &document);
        for (pointer, value) in [
            ("/schema", json!("fleetctl.report/9")),
            ("/ended", json!("exploded")),
            ("/summary/total", json!("four")),
            ("/devices/0/status", json!("fine")),
            ("/devices/0/delivery", json!(7)),
            ("/devices", json!({})),
        ] {
            assert!(!validator.is_valid(&with(&document, pointer, value.clone())), "{pointer} = {value} passes");
        }
    }
}

#[test]
fn a_stopped_run_passes_the_schema_too() {
    let fleet = FakeFleet::start();
    fleet.on_command("127.13.0.1", 1, vec![vec![]]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-4]\"\ntype = \"lg-rs232\"\naddress = \"127.13.0.[1-4]:{}\"\n",
        fleet.port()
    ));
    let arguments = [
        "run",
        "--do",
        "power-on",
        "-c",
        "1",
        "--deadline",
        "1s",
        "--grace",
        "100ms",
        "--reply-timeout",
        "60s",
        "--device-deadline",
        "60s",
        "--format",
        "json",
    ];
    let document = workspace.fleetctl(&arguments).expect_status(3).json();
    assert_eq!(document["devices"][3]["reason"], "deadline");
    valid(&schema("report"), &document);
}

#[test]
fn the_times_of_schedules_pass_their_schema_and_wrong_ones_do_not() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.1\"\n\
         [[schedule]]\nname = \"night\"\ncron = \"30 2 * * *\"\ntimezone = \"Europe/Berlin\"\ndo = \"power-on\"\n",
    );
    let validator = schema("schedule");
    for command in [&["list"][..], &["preview", "--days", "400"]] {
        let document = workspace.fleetctl(&[&["schedule"], command, &["--format", "json"]].concat()).json();
        valid(&validator, &document);
        for (pointer, value) in [("/schema", json!("x")), ("/runs/0/at", json!("05:30")), ("/runs/0/note", json!(1))] {
            assert!(!validator.is_valid(&with(&document, pointer, value.clone())), "{pointer} = {value} passes");
        }
    }
}

#[test]
fn the_example_inventory_and_the_built_in_type_pass_theirs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fleet.example.toml");
    let example: Value = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let inventory = schema("inventory");
    valid(&inventory, &example);
    assert!(!inventory.is_valid(&json!({ "run": { "concurrency": "many" } })));

    let lg: Value = toml::from_str(&built_in_type()).unwrap();
    let device_type = schema("device-type");
    valid(&device_type, &lg);
    assert!(!device_type.is_valid(&with(&lg, "/name", json!(7))));
}

#[test]
fn an_unknown_schema_is_refused_with_the_known_ones() {
    let finished = Workspace::new().fleetctl(&["schema", "raport"]);
    finished.expect_status(2);
    assert!(finished.stderr.contains("report"), "{finished}");
}

#[test]
fn what_the_history_says_passes_its_schemas() {
    let fleet = FakeFleet::start();
    fleet.on_command("127.13.1.2", 1, vec![vec![send("a 01 NG02x")], vec![crate::support::Step::Reply]]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.13.1.[1-3]:{}\"\n",
        fleet.port()
    ));
    let run = ["run", "--do", "power-on", "--retries", "0"];
    workspace.fleetctl(&run).expect_status(1);
    workspace.fleetctl(&["hold", "tv-3", "--until", "2999-12-24", "--why", "x"]).expect_status(0);
    workspace.fleetctl(&run).expect_status(0);
    for (name, command, wrong) in [
        ("runs", &["history", "list"][..], ("/runs/0/ended", json!("exploded"))),
        ("health", &["health"], ("/devices/0/streak", json!("long"))),
        ("changes", &["history", "diff"], ("/devices/0/change", json!("better"))),
        ("report", &["report"], ("/devices/2/reason", json!("lazy"))),
    ] {
        let document = workspace.fleetctl(&[command, &["--format", "json"]].concat()).expect_status(0).json();
        let validator = schema(name);
        valid(&validator, &document);
        assert!(!validator.is_valid(&with(&document, wrong.0, wrong.1.clone())), "{wrong:?} passes");
    }
}
