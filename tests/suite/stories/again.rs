//! `rerun`: what failed or never started, and never a second pulse unless a person insists.

use crate::support::{FakeFleet, Step, Workspace, device_names, send};

/// 1 obeys, 2 is silent, 3 refuses, 4 has no one behind its gateway until it is given a display.
fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.42.0.2", 1, vec![vec![], vec![Step::Reply]]);
    fleet.on_command("127.42.0.3", 1, vec![vec![send("c 01 NG00x")], vec![Step::Reply]]);
    fleet.on_accept("127.42.0.4", vec![vec![send("Port already in use\r\n"), Step::Close], vec![]]);
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-4]\"\ntype = \"lg-rs232\"\naddress = \"127.42.0.[1-4]:{port}\"\n"
    ));
    (fleet, workspace)
}

fn seen(fleet: &FakeFleet) -> Vec<usize> {
    (1..=4).map(|n| fleet.commands_seen_by(&format!("127.42.0.{n}"), 1).len()).collect()
}

/// The type says nothing of this command, so it must not be sent twice.
const PULSE: [&str; 8] = ["run", "--cmd", "mc {set_id} 08", "--retries", "0", "--reply-timeout", "300ms", "-q"];

#[test]
fn what_may_have_acted_is_refused_and_named_and_the_rest_is_told_again() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&PULSE).expect_status(1);
    assert_eq!(seen(&fleet), [1, 1, 1, 0]);
    let again = workspace.fleetctl(&["rerun", "--format", "json"]);
    assert_eq!(again.report().names(), ["tv-3", "tv-4"], "{again}");
    assert!(again.expect_status(1).stderr.contains("tv-2"), "who was refused is named, and is no success: {again}");
    assert_eq!(seen(&fleet), [1, 1, 2, 1]);
    // The first run is taken up again: what the second made good is left alone.
    let runs = workspace.fleetctl(&["history", "list", "--format", "json"]).json();
    let first = runs["runs"][1]["run_id"].as_str().unwrap().to_owned();
    // `last` is the second by now: what is printed names the first.
    let advice = format!("`fleetctl rerun {first} --force` sends it again");
    assert!(again.stderr.contains(&advice), "{again}");
    let refused = workspace.fleetctl(&["rerun", &first]);
    assert!(refused.expect_status(2).stderr.contains(&advice), "{refused}");
    let history = ["--history", ".state/fleetctl/history.db"];
    let refused = workspace.fleetctl(&[&["rerun", &first], &history[..]].concat());
    let advice = format!("`fleetctl rerun {first} --force --history .state/fleetctl/history.db`");
    assert!(refused.expect_status(2).stderr.contains(&advice), "{refused}");
    assert_eq!(seen(&fleet), [1, 1, 2, 1]);
    let forced = workspace.fleetctl(&["rerun", &first, "--force", "--format", "json"]).expect_status(0).report();
    assert_eq!(forced.names(), ["tv-2"]);
    assert_eq!(seen(&fleet), [1, 2, 2, 1]);
    let done = workspace.fleetctl(&["rerun", &first]);
    assert!(done.expect_status(0).stderr.contains("nothing"), "{done}");
    assert_eq!(seen(&fleet), [1, 2, 2, 1]);
}

#[test]
fn a_parameter_that_a_raw_command_was_given_is_recorded_and_given_again() {
    let (fleet, workspace) = fleet();
    fleet.daisy_chain("127.42.0.1", [1, 5]);
    fleet.on_command("127.42.0.1", 5, vec![vec![send("c 05 NG00x")], vec![Step::Reply]]);
    let key = ["run", "--cmd", "mc {set_id} 08", "--arg", "set_id=5", "-s", "tv-1", "--format", "json"];
    let run = workspace.fleetctl(&key).expect_status(1).report();
    let command = &run.document()["command"];
    assert_eq!((&command["cmd"], &command["args"]), (&"mc {set_id} 08".into(), &serde_json::json!({ "set_id": "5" })));
    let again = workspace.fleetctl(&["rerun", "--format", "json"]).expect_status(0).report();
    assert_eq!(again.document()["command"], *command);
    assert_eq!(fleet.commands_seen_by("127.42.0.1", 5), ["mc 05 08", "mc 05 08"]);
    let shown = workspace.fleetctl(&["report", "last", "--format", "html"]).stdout.clone();
    assert!(shown.contains("mc {set_id} 08 with set_id=5"), "{shown}");
}

#[test]
fn what_may_be_sent_twice_is_told_again_from_any_folder() {
    let (fleet, workspace) = fleet();
    workspace.fleetctl(&["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "300ms"]).expect_status(1);
    std::fs::create_dir(workspace.path("elsewhere")).unwrap();
    let set = |command: &mut std::process::Command| _ = command.current_dir(workspace.path("elsewhere"));
    let plan =
        crate::support::Running::start_with(workspace.folder(), &["rerun", "--dry-run", "--format", "json"], set);
    assert_eq!(device_names(&plan.finish().expect_status(0).json()), ["tv-2", "tv-3", "tv-4"]);
    assert_eq!(fleet.commands(), 3);
    let again = workspace.fleetctl(&["rerun", "last", "--format", "json"]).expect_status(0).report();
    assert_eq!(again.names(), ["tv-2", "tv-3", "tv-4"]);
    assert_eq!(seen(&fleet), [1, 2, 2, 1]);
}

#[test]
fn a_simulated_run_never_becomes_a_real_one() {
    let (fleet, workspace) = fleet();
    let history = ["--history", "sim.db"];
    let faults = ["run", "--do", "power-on", "--simulate", "--faults", "refuse=100%", "--retries", "0"];
    workspace.fleetctl(&[&faults[..], &history].concat()).expect_status(1);
    let real = workspace.fleetctl(&[&["rerun"], &history[..]].concat());
    assert!(real.expect_status(2).stderr.contains("--simulate"), "{real}");
    workspace.fleetctl(&[&["rerun", "--simulate"], &history[..]].concat()).expect_status(0);
    assert_eq!(fleet.commands(), 0);
}

#[test]
fn a_secret_argument_is_not_recorded_and_is_asked_for() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"127.0.0.1:1\"\nparams = { relay = 1 }\n",
    );
    let run = ["run", "--do", "relay-on", "--arg", "password=hunter2", "--retries", "0", "-q"];
    workspace.fleetctl(&run).expect_status(1);
    let bytes = std::fs::read(workspace.path(".state/fleetctl/history.db")).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    let asked = workspace.fleetctl(&["rerun"]);
    assert!(asked.expect_status(2).stderr.contains("--arg password="), "{asked}");
    workspace.fleetctl(&["rerun", "--arg", "password=hunter2"]).expect_status(1);
}

#[test]
fn a_rerun_is_compared_with_the_run_that_it_takes_up() {
    let (fleet, workspace) = fleet();
    let schedule = "[[schedule]]\nname = \"morning\"\ncron = \"0 5 * * *\"\ntimezone = \"UTC\"\ndo = \"power-on\"\n";
    let run = "[run]\nretries = 0\nreply_timeout = \"300ms\"\n";
    workspace.write("fleet.toml", &format!("{run}{}{schedule}", workspace.read("fleet.toml")));
    workspace.fleetctl(&["schedule", "run", "morning"]).expect_status(1);
    workspace.fleetctl(&["rerun"]).expect_status(0);
    assert_eq!(seen(&fleet), [1, 2, 2, 1]);
    let changes = workspace.fleetctl(&["history", "diff"]);
    assert_eq!(changes.expect_status(0).stdout, "recovered (3): tv-[2-4]\nonly in the earlier run (1): tv-1\n");
    // The schedule's next run is compared with the schedule's last.
    workspace.fleetctl(&["schedule", "run", "morning"]).expect_status(0);
    assert_eq!(workspace.fleetctl(&["history", "diff"]).expect_status(0).stdout, "recovered (3): tv-[2-4]\n");
}
