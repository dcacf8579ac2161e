//! `fleetctl types list|show|check`, and a user's own type beside the inventory or in `--types DIR`.

use super::refusal::{Bystander, built_in_type};
use crate::support::Workspace;

#[test]
fn the_built_in_types_are_listed_and_shown() {
    let workspace = Workspace::new();
    let list = workspace.fleetctl(&["types", "list", "--format", "json"]).expect_status(0).json();
    assert_eq!(list["schema"], "fleetctl.types/1");
    let lg = list["types"].as_array().unwrap().iter().find(|listed| listed["name"] == "lg-rs232").unwrap();
    assert_eq!((lg["port"].as_u64(), lg["origin"].as_str()), (Some(23), Some("built-in")));
    assert!(lg["title"].as_str().unwrap().contains("LG"));
    let actions: Vec<&str> = lg["actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect();
    for action in ["power-on", "power-off", "power-status", "volume", "input"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(workspace.fleetctl(&["types", "list"]).expect_status(0).stdout.contains("lg-rs232"));

    let shown = workspace.fleetctl(&["types", "show", "lg-rs232"]).expect_status(0).stdout.clone();
    for word in ["power-on", "volume", "level", "set_id", "id_digits", "1000", "23"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    for (name, words) in [
        ("lg-rs232", &["request   `{body}\\r`"][..]),
        (
            "devantech-eth008",
            &[
                "1 to 8; must be given where it is used",
                "1s for a reply",
                "unsure",
                "sends `20 {relay} 00`, counts for circuits\n",
                "sends `{0x21 - inverted} {relay} 00`\n",
            ],
        ),
        ("ncd-proxr", &["request   `AA {len} {body} {sum8}`"]),
        (
            "esc-cr",
            &["`\\x1b{body}\\r`", "our side is closed after the command", "none: a command is given with `--cmd`"],
        ),
    ] {
        let shown = workspace.fleetctl(&["types", "show", name]).expect_status(0).stdout.clone();
        for word in words {
            assert!(shown.contains(word), "{word} in {shown}");
        }
    }
    let unknown = workspace.fleetctl(&["types", "show", "lg-rs323"]);
    assert!(unknown.expect_status(2).stderr.contains("lg-rs232"), "{unknown}");
}

#[test]
fn a_type_file_is_checked_and_its_vectors_are_run() {
    let workspace = Workspace::new();
    workspace.write("good.toml", &built_in_type());
    workspace.fleetctl(&["types", "check", "good.toml"]).expect_status(0);

    // Proof that the vectors run: one that is not true fails.
    let mut table: toml::Table = toml::from_str(&built_in_type()).unwrap();
    let lie = r#"
        id = "LIE"
        cmd = "ka 01 01"
        sends = "ka 01 01\r"
        replies = ["a 01 OK01x"]
        status = "rejected"
    "#;
    let vectors = table.entry("vector").or_insert(toml::Value::Array(Vec::new())).as_array_mut().unwrap();
    vectors.push(toml::from_str(lie).unwrap());
    workspace.write("lie.toml", &toml::to_string(&table).unwrap());
    let finished = workspace.fleetctl(&["types", "check", "lie.toml"]);
    finished.expect_status(1);
    assert!(finished.to_string().contains("LIE"), "{finished}");

    workspace.write("wrong.toml", &format!("tilte = \"x\"\n{}", built_in_type()));
    let finished = workspace.fleetctl(&["types", "check", "wrong.toml"]);
    finished.expect_status(2);
    assert!(finished.stderr.contains("wrong.toml:1:") && finished.stderr.contains("title"), "{finished}");
    workspace.fleetctl(&["types", "check", "missing.toml"]).expect_status(2);
}

#[test]
fn a_reply_pattern_whose_frames_depend_on_the_cut_is_refused_in_its_place() {
    let workspace = Workspace::new();
    let text = r#"name = "greedy"
title = "a pattern that takes all that is there"

[replies.default]
frame = { pattern = '(OK|NG)([0-9a-zA-Z]*)x' }
rules = [{ when = 'OK', verdict = "ok" }]
"#;
    workspace.write("greedy.toml", text);
    let finished = workspace.fleetctl(&["types", "check", "greedy.toml"]);
    finished.expect_status(2);
    for part in ["greedy.toml:5:21", "depend on where the stream is cut", "`NGx`", "`NGxx`", "= help: ", "`[^x]*x`"] {
        assert!(finished.stderr.contains(part), "{part}: {finished}");
    }
    workspace.write("lazy.toml", &text.replace("]*)x", "]*?)x"));
    workspace.fleetctl(&["types", "check", "lazy.toml"]).expect_status(0);
}

#[test]
fn a_type_of_ones_own_is_found_beside_the_inventory_and_in_its_folder() {
    let text = "[[device]]\nname = \"tv\"\ntype = \"lg-own\"\naddress = \"127.11.0.1:PORT\"\n";
    let beside = Bystander::with_inventory(text).with_second_type("lg-own", None);
    beside.workspace.fleetctl(&["run", "--do", "power-on"]).expect_status(0);
    assert_eq!(beside.fleet.commands_seen_by("127.11.0.1", 1), ["ka 01 01"]);
    let list = beside.workspace.fleetctl(&["types", "list", "--format", "json"]).expect_status(0).json();
    let own = list["types"].as_array().unwrap().iter().find(|listed| listed["name"] == "lg-own").unwrap();
    assert!(own["origin"].as_str().unwrap().ends_with("lg-own.toml"), "{own}");

    let elsewhere = Bystander::with_inventory(text);
    elsewhere.refuses(&["run", "--do", "power-on"], &["lg-own"]);
    elsewhere.workspace.write("types/own.toml", &built_in_type().replace("lg-rs232", "lg-own"));
    elsewhere.workspace.fleetctl(&["run", "--do", "power-on", "--types", "types"]).expect_status(0);
    assert_eq!(elsewhere.fleet.commands(), 1);
}

#[test]
fn a_mistake_in_a_type_beside_the_inventory_sends_nothing() {
    let bystander = Bystander::new();
    bystander.workspace.write("device-types/broken.toml", "name = \"broken\"\nprot = 23\n");
    bystander.refuses(&["run", "--do", "power-on"], &["broken.toml:2:", "port"]);
}
