//! The same night for CI, Prometheus, Nagios and whoever wants to know who deviates; and all of it again from a file.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{FakeFleet, Gate, Running, Step, Workspace, send};

/// Four displays: healthy, healthy at the second attempt, refusing, and one whose gateway is closed.
fn four() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.14.0.2", 1, vec![vec![], vec![Step::Reply]]);
    fleet.on_command("127.14.0.3", 1, vec![vec![send("a 01 NG00x")]]);
    let (port, closed) = (fleet.port(), crate::support::closed_port("127.14.0.4"));
    let workspace = Workspace::with_inventory(&format!(
        "[fleet]\nname = \"four\"\n[run]\nretries = 1\nretry_backoff = {{ initial = \"10ms\" }}\n\
         [defaults]\ntype = \"lg-rs232\"\nsite = \"hall <b>\"\n\
         [sites.\"hall <b>\"]\n\
         [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.14.0.[1-3]:{port}\"\n\
         [[device]]\nname = \"wall-[1-2]\"\naddress = \"127.14.0.4:{}\"\nparams = {{ set_id = \"[1-2]\" }}\n",
        closed.1
    ));
    // The port stays closed as long as its socket is kept.
    std::mem::forget(closed);
    (fleet, workspace)
}

const RUN: [&str; 5] = ["run", "--do", "power-on", "--reply-timeout", "500ms"];

fn run(workspace: &Workspace, more: &[&str]) -> crate::support::Finished {
    workspace.fleetctl(&[&RUN[..], more].concat())
}

#[test]
fn junit_has_a_case_per_device_and_a_rerun_per_attempt_that_failed_before() {
    let (fleet, workspace) = four();
    let finished = run(&workspace, &["--format", "junit"]);
    let text = &finished.expect_status(1).stdout;
    assert_eq!(text.matches("<testcase ").count(), 5, "{finished}");
    assert!(text.contains("<testsuite name=\"hall &lt;b&gt;\" tests=\"5\" failures=\"3\" errors=\"0\""), "{finished}");
    assert_eq!(text.matches("<flakyFailure ").count(), 1, "{finished}");
    assert!(text.contains("type=\"reply_timeout\""), "{finished}");
    assert_eq!((text.matches("<failure ").count(), text.matches("<rerunFailure ").count()), (3, 2), "{finished}");
    assert_eq!(fleet.commands_seen_by("127.14.0.2", 1).len(), 2);
}

/// What promtool, of Debian's package `prometheus`, says of these metrics.
pub(super) fn promtool(metrics: &str) -> (bool, String) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("promtool does not start ({error}): `tests/run` installs it, or `apt-get install prometheus`")
        });
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let (_fleet, workspace) = four();
    let finished = run(&workspace, &["--format", "prometheus"]);
    let metrics = &finished.expect_status(1).stdout;
    assert_eq!(promtool(metrics), (true, String::new()), "{metrics}");
    for line in [
        "fleetctl_run_devices{run=\"power-on\",status=\"ok\"} 2",
        "fleetctl_run_devices{run=\"power-on\",status=\"mismatch\"} 0",
        "fleetctl_run_success{run=\"power-on\"} 0",
        "fleetctl_device_ok{run=\"power-on\",device=\"tv-1\",site=\"hall <b>\"} 1",
        "fleetctl_device_ok{run=\"power-on\",device=\"wall-2\",site=\"hall <b>\"} 0",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} in {metrics}");
    }
    let (good, _) = promtool("fleetctl_run_devices_total{run=\"a\"} 1\n# TYPE x gauge\n");
    assert!(!good, "promtool does look");
    let few = run(&workspace, &["--format", "prometheus", "--metrics-per-device", "never", "--ok-if", "30%"]);
    let few = &few.expect_status(0).stdout;
    assert_eq!(promtool(few), (true, String::new()), "{few}");
    assert!(!few.contains("fleetctl_device") && few.contains("fleetctl_run_success{run=\"power-on\"} 1"), "{few}");
}

#[test]
fn nagios_reads_one_line_and_a_status_of_its_own() {
    for (more, status, state) in [
        (&["-s", "tv-[1-2]"][..], 0, "OK"),
        (&[], 2, "CRITICAL"),
        (&["--crit", "60%"], 1, "WARNING"),
        (&["--warn", "60%", "--crit", "60%"], 0, "OK"),
        (&["--warn", "59.9999%", "--crit", "60%"], 1, "WARNING"),
        (&["--warn", "0%", "--crit", "59.9999%"], 2, "CRITICAL"),
    ] {
        let (_fleet, workspace) = four();
        let finished = run(&workspace, &[&["--format", "nagios", "-q"], more].concat());
        let text = &finished.expect_status(status).stdout;
        assert!(text.starts_with(&format!("FLEETCTL {state}: ")), "{finished}");
        assert_eq!((text.lines().count(), text.matches('|').count()), (1, 1), "{finished}");
    }
}

#[test]
fn for_nagios_what_cannot_be_known_is_neither_a_warning_nor_critical() {
    let (fleet, workspace) = four();
    for arguments in [
        &["run", "--do", "power-onn", "--format", "nagios"][..],
        &["run", "--do", "power-on", "--format", "nagios", "--warn", "120%"],
        &["run", "--format=nagios"],
        &["report", "missing.json", "--format", "nagios"],
    ] {
        let finished = workspace.fleetctl(arguments);
        let text = &finished.expect_status(3).stdout;
        assert!(text.starts_with("FLEETCTL UNKNOWN: ") && text.lines().count() == 1, "{finished}");
        assert!(!finished.stderr.is_empty(), "{finished}");
    }
    assert_eq!(fleet.connections(), 0);
    fleet.on_command("127.14.0.1", 1, vec![vec![]]);
    let late = ["-s", "tv-1", "--deadline", "300ms", "--grace", "0s", "--format", "nagios"];
    let finished = workspace.fleetctl(&[&["run", "--do", "power-on"], &late[..]].concat());
    assert!(finished.expect_status(3).stdout.starts_with("FLEETCTL UNKNOWN: the deadline was over: "), "{finished}");
}

#[test]
fn a_flag_of_a_format_that_nobody_asked_for_is_a_mistake() {
    let (fleet, workspace) = four();
    for (flag, value, format) in [
        ("--warn", "1%", "nagios"),
        ("--crit", "1%", "nagios"),
        ("--metrics-per-device", "never", "prometheus"),
        ("--metrics-per-device", "some", "always"),
        ("--by", "reply", "table"),
        ("--by", "colour", "reply"),
        ("--warn", "101%", "share"),
    ] {
        let finished = run(&workspace, &["--format", "json", flag, value]);
        assert!(finished.expect_status(2).stderr.contains(format), "{finished}");
    }
    assert_eq!(fleet.connections(), 0);
}

#[test]
fn who_deviates_stands_below_the_majority() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain("127.14.1.1", 1..=9);
    fleet.on_command("127.14.1.1", 4, vec![vec![send("a 04 OK01x")]]);
    let (_closed, port) = crate::support::closed_port("127.14.1.2");
    let workspace = Workspace::with_inventory(&format!(
        "[defaults]\ntype = \"lg-rs232\"\n\
         [[device]]\nname = \"wall-[1-9]\"\naddress = \"127.14.1.1:{}\"\nparams = {{ set_id = \"[1-9]\" }}\n\
         [[device]]\nname = \"tv\"\naddress = \"127.14.1.2:{port}\"\n",
        fleet.port()
    ));
    let query = ["run", "--cmd", "ka {set_id} ff", "--retries", "0", "--by", "reply"];
    let finished = workspace.fleetctl(&query);
    let lines: Vec<&str> = finished.expect_status(1).stdout.lines().collect();
    let (most, rest) = lines.split_at(1);
    assert!(most[0].starts_with("8  a ‹id› OK") && most[0].ends_with(": wall-[1-3,5-9]"), "{finished}");
    assert_eq!(rest[..3], ["1  a ‹id› OK01x: wall-4", "1  connection refused: tv", ""], "{finished}");
    assert_eq!(fleet.commands(), 9);
}

#[test]
fn a_fault_of_a_gateway_is_one_line() {
    let (_fleet, workspace) = four();
    let finished = run(&workspace, &[]);
    let text = &finished.expect_status(1).stdout;
    assert!(text.contains(" refuses connections: wall-[1-2] (2 unreachable)"), "{finished}");
}

const FORMATS: [&str; 8] = ["table", "json", "ndjson", "junit", "prometheus", "nagios", "html", "csv"];

#[test]
fn a_saved_report_says_in_every_format_what_the_run_said() {
    let (fleet, workspace) = four();
    let targets: Vec<String> = FORMATS.iter().map(|format| format!("{format}=first.{format}")).collect();
    let more: Vec<&str> = targets.iter().flat_map(|target| ["--report", target]).collect();
    run(&workspace, &more).expect_status(1);
    let commands = fleet.commands();
    for format in FORMATS {
        let again = workspace.fleetctl(&["report", "first.json", "--format", format]);
        again.expect_status(if format == "nagios" { 2 } else { 0 });
        if format == "ndjson" {
            let kinds = again.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let kinds: Vec<String> = kinds.map(|line| line["event"].as_str().unwrap().to_owned()).collect();
            assert_eq!(kinds.iter().filter(|kind| *kind == "device_finished").count(), 5, "{again}");
            assert_eq!((&*kinds[0], &*kinds[6]), ("run_started", "run_finished"), "{again}");
        } else {
            assert_eq!(again.stdout, workspace.read(&format!("first.{format}")), "{format}");
        }
    }
    let mild = workspace.fleetctl(&["report", "first.json", "--format", "nagios", "--crit", "60%"]);
    mild.expect_status(1);
    let files = ["report", "first.json", "-q", "--report", "csv=again.csv", "--report", "json=again.json"];
    workspace.fleetctl(&files).expect_status(0);
    assert_eq!(workspace.read("again.json"), workspace.read("first.json"));
    assert_eq!(workspace.read("again.csv"), workspace.read("first.csv"));
    assert_eq!(fleet.commands(), commands, "nothing was sent again");
}

#[test]
fn a_report_that_is_made_again_takes_the_place_of_nothing_that_it_is_made_of() {
    let (_fleet, workspace) = four();
    run(&workspace, &["--report", "json=first.json", "--history", "night.db"]).expect_status(1);
    let files = || ["first.json", "night.db"].map(|name| std::fs::read(workspace.path(name)).unwrap());
    let before = files();
    for (what, target) in [("first.json", "csv=./first.json"), ("last", "csv=night.db"), ("first.json", "csv=night.db")]
    {
        let finished = workspace.fleetctl(&["report", what, "--history", "night.db", "--report", target]);
        assert!(finished.expect_status(2).stderr.contains("cannot write the report"), "{finished}");
        assert_eq!(finished.stdout, "");
    }
    assert_eq!(files(), before);
}

#[test]
fn what_is_no_report_is_refused_by_its_name() {
    let workspace = Workspace::with_inventory("");
    workspace.write("plan.json", "{\"schema\":\"fleetctl.plan/1\",\"devices\":[]}");
    for (file, word) in
        [("missing.json", "No such file"), ("fleet.toml", "fleet.toml"), ("plan.json", "fleetctl.plan/1")]
    {
        let finished = workspace.fleetctl(&["report", file]);
        assert!(finished.expect_status(2).stderr.contains(word), "{finished}");
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn a_full_disk_is_a_report_that_was_not_delivered() {
    let (_fleet, workspace) = four();
    for format in FORMATS {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let arguments = [&RUN[..], &["-s", "tv-1", "--format", format, "--report", "json=whole.json"]].concat();
        let finished = Running::start_with(workspace.folder(), &arguments, |command| {
            command.stdout(Stdio::from(full));
        })
        .finish();
        // Nagios has no word for it but that nothing is known.
        finished.expect_status(if format == "nagios" { 3 } else { 4 });
        assert!(finished.stderr.contains(&format!("{format} to stdout could not be written")), "{finished}");
        let whole: serde_json::Value = serde_json::from_str(&workspace.read("whole.json")).unwrap();
        assert_eq!(whole["summary"]["ok"], 1, "{format}");
    }
}

#[test]
fn one_report_that_fails_costs_no_other() {
    for lost in FORMATS {
        let (fleet, workspace) = four();
        let gate = Gate::closed();
        fleet.on_command("127.14.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
        std::fs::create_dir(workspace.path("out")).unwrap();
        let targets: Vec<String> = FORMATS
            .iter()
            .map(|format| format!("{format}={}r.{format}", if *format == lost { "out/" } else { "" }))
            .collect();
        let mut arguments = vec!["run", "--do", "power-on", "-s", "tv-1", "--reply-timeout", "60s", "--format", "json"];
        arguments.extend(targets.iter().flat_map(|target| ["--report", target]));
        let program = workspace.start(&arguments);
        fleet.wait_until("the command", |fleet| fleet.commands() == 1);
        std::fs::remove_dir_all(workspace.path("out")).unwrap();
        gate.open();
        let finished = program.finish();
        assert!(finished.expect_status(4).stderr.contains(&format!("out/r.{lost}")), "{finished}");
        assert_eq!(finished.report().count("ok"), 1);
        for format in FORMATS.iter().filter(|format| **format != lost) {
            assert!(!workspace.read(&format!("r.{format}")).is_empty(), "{format} without {lost}");
        }
    }
}
