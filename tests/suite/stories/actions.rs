//! Actions with arguments, and questions: the bytes that go out, the values that come back.

use serde_json::{Value, json};

use crate::support::{FakeFleet, Workspace};

const TV: &str = "127.3.0.1";

fn one_display() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"{TV}:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

#[test]
fn each_action_sends_the_bytes_of_the_manual() {
    let cases: [(&[&str], &str); 21] = [
        (&["--do", "power-on"], "ka 01 01"),
        (&["--do", "power-off"], "ka 01 00"),
        (&["--do", "power-status"], "ka 01 ff"),
        (&["--do", "volume", "--arg", "level=30"], "kf 01 1e"),
        (&["--do", "volume", "--arg", "level=0"], "kf 01 00"),
        (&["--do", "volume", "--arg", "level=100"], "kf 01 64"),
        (&["--do", "input", "--arg", "source=hdmi1"], "xb 01 90"),
        (&["--do", "input", "--arg", "source=rgb-pc"], "xb 01 60"),
        (&["--do", "input-old", "--arg", "source=hdmi-pc"], "kb 01 09"),
        (&["--do", "mute"], "ke 01 00"),
        (&["--do", "unmute"], "ke 01 01"),
        (&["--do", "screen-off"], "kd 01 01"),
        (&["--do", "lock"], "km 01 01"),
        (&["--do", "aspect", "--arg", "format=16:9"], "kc 01 02"),
        (&["--do", "backlight", "--arg", "level=100"], "mg 01 64"),
        (&["--do", "energy-saving", "--arg", "mode=maximum"], "jq 01 03"),
        (&["--do", "ism", "--arg", "method=white-wash"], "jp 01 04"),
        (&["--do", "picture-mode", "--arg", "code=1"], "dx 01 01"),
        (&["--do", "osd", "--arg", "state=off"], "kl 01 00"),
        (&["--do", "key", "--arg", "key=home"], "mc 01 7c"),
        (&["--do", "serial-number"], "fy 01 ff"),
    ];
    for (arguments, sent) in cases {
        let (fleet, workspace) = one_display();
        let report = workspace.fleetctl(&[&["run", "--format", "json"], arguments].concat()).expect_status(0).report();
        assert_eq!(fleet.journal(TV).bytes(), format!("{sent}\r").as_bytes(), "{arguments:?}");
        assert_eq!(report.device("tv")["sent"], format!("{sent}\\r"));
        assert_eq!(report.document()["command"]["action"], arguments[1]);
        assert!(report.document()["command"]["cmd"].is_null());
        let expected = arguments.get(3).map_or(json!({}), |pair| {
            let (key, value) = pair.split_once('=').unwrap();
            json!({ key: value })
        });
        let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let given = report.document()["command"]["args"].as_object().unwrap();
        let given: serde_json::Map<_, _> =
            given.iter().map(|(key, value)| (key.clone(), as_text(value).into())).collect();
        assert_eq!(Value::Object(given), expected);
    }
}

#[test]
fn a_question_gets_a_decoded_value_and_a_raw_command_the_text_as_it_came() {
    let (_fleet, workspace) = one_display();
    let run = |arguments: &[&str]| {
        let report = workspace.fleetctl(&[&["run", "--format", "json"], arguments].concat()).expect_status(0).report();
        report.device("tv")["value"].clone()
    };
    assert_eq!(run(&["--do", "power-status"]), "off");
    run(&["--do", "power-on"]);
    assert_eq!(run(&["--do", "power-status"]), "on");
    assert_eq!(run(&["--cmd", "ka {set_id} ff"]), "01");
    assert_eq!(run(&["--do", "volume", "--arg", "level=45"]), 45);
    assert_eq!(run(&["--cmd", "kf 01 FF"]), "2d");
    assert_eq!(run(&["--do", "volume-status"]), 45);
    assert_eq!(run(&["--do", "mute"]), "muted");
    assert_eq!(run(&["--do", "mute-status"]), "muted");
    assert_eq!(run(&["--do", "unmute"]), "unmuted");
    run(&["--do", "input", "--arg", "source=hdmi3"]);
    assert_eq!(run(&["--do", "input-status"]), "hdmi3");
    run(&["--cmd", "xb 01 A0"]);
    assert_eq!(run(&["--do", "input-status"]), "A0", "a code that no word stands for is shown as it came");
}

#[test]
fn a_simulated_display_knows_what_it_is_asked() {
    let (fleet, workspace) = one_display();
    for (action, value) in [
        ("serial-number", json!("1234567890123")),
        ("software-version", json!("031020")),
        ("panel-hours", json!(4660)),
        ("temperature", json!(40)),
        ("lamp-status", json!("ok")),
        ("fan-status", json!("ok")),
        ("signal-status", json!("present")),
        ("why-off", json!("normal")),
        ("lock-status", json!("unlocked")),
    ] {
        let report = workspace.fleetctl(&["run", "--simulate", "--format", "json", "--do", action]);
        assert_eq!(report.expect_status(0).report().device("tv")["value"], value, "{action}");
    }
    assert_eq!(fleet.connections(), 0);
}

#[test]
fn an_argument_overrules_the_parameter_of_the_inventory() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(TV, [1, 7]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"{TV}:{}\"\n",
        fleet.port()
    ));
    let arguments = ["run", "--do", "power-on", "--arg", "set_id=7", "--format", "json"];
    workspace.fleetctl(&arguments).expect_status(0);
    assert_eq!(fleet.journal(TV).texts(), ["ka 07 01"]);
}

#[test]
fn wrong_arguments_send_nothing() {
    let cases: [(&[&str], &str); 7] = [
        (&["--do", "volume"], "level"),
        (&["--do", "volume", "--arg", "level=101"], "100"),
        (&["--do", "volume", "--arg", "level=loud"], "level"),
        (&["--do", "volume", "--arg", "levle=3"], "level"),
        (&["--do", "input", "--arg", "source=hdmi9"], "hdmi1"),
        (&["--do", "picture-mode", "--arg", "code=255"], "254"),
        (&["--do", "power-onn"], "power-on"),
    ];
    for (arguments, word) in cases {
        let (fleet, workspace) = one_display();
        let finished = workspace.fleetctl(&[&["run", "--format", "json"], arguments].concat());
        finished.expect_status(2);
        assert!(finished.stderr.contains(word), "{word} in {finished}");
        assert_eq!((finished.stdout.as_str(), fleet.connections()), ("", 0), "{finished}");
    }
}

#[test]
fn escapes_in_a_raw_command_become_exactly_these_bytes() {
    let (fleet, workspace) = one_display();
    let arguments = ["run", "--cmd", r"\x6ba 01 \x30\x31", "--retries", "0", "--format", "json"];
    workspace.fleetctl(&arguments).expect_status(0);
    assert_eq!(fleet.journal(TV).bytes(), b"ka 01 01\r");
}
