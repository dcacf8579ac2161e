//! Without hardware: the example inventory against simulated displays, the bad night, and a simulated fleet kept up.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::{Report, Running, Workspace};

fn example() -> Workspace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fleet.example.toml");
    Workspace::with_inventory(&std::fs::read_to_string(path).unwrap())
}

const SIMULATED: [&str; 8] =
    ["run", "--do", "power-on", "--simulate", "--format", "json", "--retry-backoff-initial", "10ms"];

#[test]
fn the_example_inventory_is_powered_on() {
    let workspace = example();
    let listed = workspace.fleetctl(&["inventory", "list", "--format", "json"]).expect_status(0).json();
    let report = workspace.fleetctl(&SIMULATED).expect_status(0).report();
    assert_eq!(report.count("ok"), listed["devices"].as_array().unwrap().len());
    for (device, listed) in report.devices().iter().zip(listed["devices"].as_array().unwrap()) {
        assert_eq!((&device["name"], &device["address"]), (&listed["name"], &listed["address"]), "the inventory's own");
    }
}

fn two_hundred() -> Workspace {
    Workspace::with_inventory(
        "[[device]]\nname = \"tv-[001-200]\"\ntype = \"lg-rs232\"\naddress = \"10.1.[0-1].[1-100]\"\n",
    )
}

#[test]
fn gateways_that_speak_telnet_and_set_their_line_are_simulated_as_raw_ones() {
    let workspace = Workspace::with_inventory(
        "[defaults]\ntype = \"lg-rs232\"\n\
         [[device]]\nname = \"a\"\naddress = \"10.1.0.1\"\nlink = { telnet = \"always\" }\n\
         [[device]]\nname = \"b\"\naddress = \"10.1.0.2\"\nlink = { serial = { baud = 9600 } }\n",
    );
    let report = workspace.fleetctl(&SIMULATED).expect_status(0).report();
    assert_eq!(report.count("ok"), 2);
}

#[test]
fn faults_are_played_as_told() {
    let cases = [
        ("silent=100%", "no_reply", "reply_timeout"),
        ("refuse=100%", "unreachable", "connection_refused"),
        ("reject=100%", "rejected", "refused"),
    ];
    for (faults, status, kind) in cases {
        let arguments = ["--faults", faults, "--reply-timeout", "400ms", "--retries", "1"];
        let report = two_hundred().fleetctl(&[&SIMULATED[..], &arguments].concat()).expect_status(1).report();
        assert_eq!(report.count(status), 200, "{faults}");
        assert!(report.devices().iter().all(|device| device["error"]["kind"] == kind), "{faults}");
    }
}

#[test]
fn a_cut_conversation_is_never_ok() {
    let arguments = ["--faults", "cut=100%", "--reply-timeout", "400ms", "--retries", "0"];
    let report = two_hundred().fleetctl(&[&SIMULATED[..], &arguments].concat()).expect_status(1).report();
    assert_eq!(report.count("ok"), 0);
}

#[test]
fn the_same_seed_plays_the_same_night() {
    let night = |seed: &str| {
        let faults = ["--faults", "silent=10%,refuse=10%,reject=10%", "--seed", seed, "--retries", "0"];
        let report: Report = two_hundred()
            .fleetctl(&[&SIMULATED[..], &faults, &["--reply-timeout", "1s"]].concat())
            .expect_status(1)
            .report();
        report.devices().iter().map(|device| device["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = night("7");
    assert_eq!(first, night("7"));
    assert_ne!(first, night("8"));
    for status in ["ok", "no_reply", "unreachable", "rejected"] {
        assert!(first.iter().any(|other| other == status), "200 devices without one {status}");
    }
}

/// The statuses of nine displays with the given addresses.
fn statuses(address: &str, arguments: &[&str]) -> Vec<String> {
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"wall-[1-9]\"\ntype = \"lg-rs232\"\naddress = \"{address}\"\nparams = {{ set_id = \"[1-9]\" }}\n"
    ));
    let run = [&SIMULATED[..], &["--seed", "5", "--retries", "0"], arguments].concat();
    let report = workspace.fleetctl(&run).expect_status(1).report();
    report.devices().iter().map(|device| device["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_display_has_its_own_fault_whoever_shares_its_gateway() {
    for (faults, timeout) in [("reject=40%", "5s"), ("silent=40%", "490ms"), ("cut=40%", "5s"), ("slow=40%", "490ms")] {
        let arguments = ["--faults", faults, "--reply-timeout", timeout];
        let apart = statuses("10.1.1.[1-9]", &arguments);
        assert_eq!(apart, statuses("10.1.1.1", &arguments), "{faults}");
        assert!(apart.iter().any(|status| status == "ok"), "{faults}: {apart:?}");
    }
}

#[test]
fn a_gateway_refuses_and_a_board_is_silent_whichever_of_its_devices_are_selected() {
    let of = |number: u8| {
        format!(
            "[[device]]\nname = \"wall-{number}-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.1.1.{number}\"\nparams = {{ set_id = \"[1-3]\" }}\n\
             [[device]]\nname = \"pump-{number}-[1-3]\"\ntype = \"devantech-eth008\"\naddress = \"10.1.2.{number}\"\nparams = {{ relay = \"[1-3]\" }}\n"
        )
    };
    let workspace = Workspace::with_inventory(&(1..=20).map(of).collect::<String>());
    let run = |select: &str| {
        let faults = ["--faults", "refuse=30%,reject=20%", "--seed", "5", "--retries", "0", "--select", select];
        let report = workspace.fleetctl(&[&SIMULATED[..], &faults].concat()).expect_status(1).report();
        let told = |device: &serde_json::Value| (device["name"].to_string(), device["status"].to_string());
        report.devices().iter().map(told).collect::<Vec<_>>()
    };
    let (all, some) = (run("*"), run("*-2,*-3"));
    assert!(some.iter().all(|device| all.contains(device)), "{all:?} {some:?}");
    for status in ["ok", "unreachable", "rejected"] {
        assert!(all.iter().any(|(_, other)| other.contains(status)), "nobody is {status}");
    }
}

#[test]
fn a_printer_that_is_silent_does_not_hang_up() {
    let workspace = Workspace::with_inventory("[[device]]\nname = \"p\"\ntype = \"esc-cr\"\naddress = \"10.1.0.1\"\n");
    let arguments = ["run", "--cmd", "cycle", "--simulate", "--faults", "silent=100%", "--format", "json"];
    let report =
        workspace.fleetctl(&[&arguments[..], &["--reply-timeout", "300ms"]].concat()).expect_status(1).report();
    assert_eq!(report.devices()[0]["error"]["kind"], "reply_timeout");
}

#[test]
fn a_board_that_rejects_says_no_to_commands_and_never_a_state_that_it_has_not() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"10.1.0.1\"\nparams = { relay = 1 }\n",
    );
    let run = |more: &[&str]| {
        let arguments = ["run", "--simulate", "--faults", "reject=100%", "--format", "json"];
        workspace.fleetctl(&[&arguments[..], more].concat()).report()
    };
    assert_eq!(run(&["--do", "power-status"]).devices()[0]["value"], "off");
    let report = run(&["--do", "power-on", "--if-needed"]);
    assert_eq!(report.devices()[0]["error"]["kind"], "refused", "its no was not taken for a relay that is on");
}

#[test]
fn wrong_faults_are_a_usage_error() {
    for faults in ["silnt=5%", "silent=500%", "silent"] {
        let finished = two_hundred().fleetctl(&[&SIMULATED[..], &["--faults", faults]].concat());
        finished.expect_status(2);
        assert!(finished.stderr.contains("silent"), "{finished}");
    }
    let finished = two_hundred().fleetctl(&["run", "--do", "power-on", "--dry-run", "--faults", "silent=5%"]);
    finished.expect_status(2);
}

#[test]
fn a_run_says_at_its_start_until_when_it_tries_again() {
    let run = |more: &[&str]| {
        let until = ["-s", "tv-001", "--until", "30m"];
        two_hundred().fleetctl(&[&SIMULATED[..], &until, more].concat()).expect_status(0).stderr.clone()
    };
    let before = jiff::Timestamp::now().as_second();
    let said = run(&[]);
    let after = jiff::Timestamp::now().as_second();
    let line = said.lines().find(|line| line.starts_with("until ")).unwrap_or_else(|| panic!("{said}"));
    let instant = line.split_once('(').unwrap().1.trim_end_matches(')');
    let instant = instant.parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((before + 1800..=after + 1800).contains(&instant), "{line}");
    assert!(!run(&["-q"]).contains("until"));
}

#[test]
fn a_simulated_fleet_is_never_written_over_the_real_one() {
    let inventory = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.1.0.1\"\n";
    let workspace = Workspace::with_inventory(inventory);
    let finished = workspace.fleetctl(&["simulate", "-i", "fleet.toml", "--write-inventory", "./fleet.toml"]);
    assert!(finished.expect_status(2).stderr.contains("that is the inventory"), "{finished}");
    assert_eq!(workspace.read("fleet.toml"), inventory);
}

#[test]
fn a_simulated_fleet_stays_up_and_keeps_its_state() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"tv-[1-5]\"\ntype = \"lg-rs232\"\naddress = \"10.1.0.[1-5]\"\n\
         [[device]]\nname = \"wall-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.1.1.1\"\nparams = { set_id = \"[1-3]\" }\n",
    );
    let simulation = workspace.start(&["simulate", "-i", "fleet.toml", "--write-inventory", "sim.toml"]);
    simulation
        .wait_for("the inventory", || workspace.fleetctl(&["inventory", "check", "-i", "sim.toml"]).status == Some(0));
    let listed = workspace.fleetctl(&["inventory", "list", "-i", "sim.toml", "--format", "json"]).json();
    for device in listed["devices"].as_array().unwrap() {
        assert!(device["address"].as_str().unwrap().starts_with("127."), "{device}");
    }
    let run = |action: &str| {
        let report = workspace.fleetctl(&["run", "-i", "sim.toml", "--do", action, "--format", "json"]);
        report.expect_status(0).report()
    };
    let values = |report: &Report| report.devices().iter().map(|device| device["value"].clone()).collect::<Vec<_>>();
    assert_eq!(values(&run("power-status")), ["off"; 8]);
    assert_eq!(run("power-on").count("ok"), 8);
    assert_eq!(values(&run("power-status")), ["on"; 8], "after the boot, which answers busy");
    simulation.signal(Signal::SIGINT);
    simulation.finish();
}

/// Boards whose passwords are kept in every way there is, and all that an inventory says of runs.
const EVERYTHING: &str = r#"
[run]
confirm_above = 2
probe_after = 7
[history]
keep = "400d"
[sites.hq]
timezone = "Europe/Berlin"
[defaults]
type = "devantech-eth008"
site = "hq"
[[device]]
name = "by-variable"
address = "10.1.0.1"
params = { relay = 1, password = { env = "BOARD_PASSWORD" } }
[[device]]
name = "by-file"
address = "10.1.0.2"
params = { relay = 1, password = { file = "secrets/board" } }
[[device]]
name = "plain"
address = "10.1.0.3"
params = { relay = 1, password = "pear-tree" }
[[device]]
name = "tv-1"
type = "lg-rs232"
address = "10.1.0.4"
link = { gap = "250ms", telnet = "always", serial = { baud = 9600 } }
[[device]]
name = "tv-2"
type = "lg-rs232"
address = "10.1.0.5"
[notify.ops]
kind = "heartbeat"
url = "https://hc.example/x"
[[schedule]]
name = "morning"
cron = "30 5 * * 1-5"
select = "tv-*"
do = "volume"
args = { level = 30 }
verify = true
until = "06:30"
missed = "run-within 2h"
jitter = "30s"
except = ["2026-12-25"]
notify = ["ops"]
reports = ["json=night.json"]
"#;

#[test]
fn the_inventory_of_a_simulated_fleet_works_as_the_simulated_run_does() {
    let workspace = Workspace::with_inventory(EVERYTHING);
    for folder in ["secrets", "elsewhere"] {
        std::fs::create_dir(workspace.path(folder)).unwrap();
    }
    workspace.write("secrets/board", "apple\n");
    let start = |arguments: &[&str]| {
        let set = |command: &mut std::process::Command| _ = command.env("BOARD_PASSWORD", "plum");
        Running::start_with(workspace.folder(), arguments, set)
    };
    let file = "elsewhere/sim.toml";
    let simulation = start(&["simulate", "-i", "fleet.toml", "--write-inventory", file]);
    simulation.wait_for("the inventory", || start(&["inventory", "check", "-i", file]).finish().status == Some(0));
    let text = workspace.read(file);
    assert!(["apple", "plum", "pear-tree", "notify", "json="].iter().all(|word| !text.contains(word)), "{text}");
    for line in [
        "probe_after = 7\n",
        "keep = \"34560000s\"\n",
        "link = { gap = \"250ms\", telnet = \"never\" }\n",
        "args = { \"level\" = \"30\" }\n",
        "until = \"06:30\"\n",
        "missed = \"run-within 2h\"\n",
        "except = [\"2026-12-25\"]\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in {text}");
    }
    let run = ["run", "-i", file, "--do", "power-on", "--format", "json"];
    let asked = start(&run).finish();
    assert!(asked.expect_status(2).stderr.contains("confirm_above"), "{asked}");
    let finished = start(&[&run[..], &["--yes"]].concat()).finish();
    assert_eq!(finished.expect_status(0).report().count("ok"), 5);
    let rehearsal = ["schedule", "run", "morning", "-i", file, "--format", "json"];
    let finished = start(&rehearsal).finish();
    assert_eq!(finished.expect_status(0).report().names(), ["tv-1", "tv-2"]);
    simulation.signal(Signal::SIGINT);
    simulation.finish();
}

#[test]
fn a_set_id_that_nobody_has_is_silent() {
    let workspace = two_hundred();
    let finished = workspace.fleetctl(&[
        "run",
        "--cmd",
        "ka 05 01",
        "-s",
        "tv-001",
        "--simulate",
        "--retries",
        "0",
        "--reply-timeout",
        "400ms",
        "--format",
        "json",
    ]);
    let report = finished.expect_status(1).report();
    assert_eq!(report.count("no_reply"), 1);
}
