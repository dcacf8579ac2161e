//! The files for monitoring: alerts that do what they say, a dashboard, a unit; and none names a metric that does not exist.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::Workspace;

fn config(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(config(name)).unwrap()
}

/// Runs a checker on files of `config/monitoring`; both outputs if it is not content.
fn check(program: &str, package: &str, arguments: &[&str], folder: PathBuf) -> Result<(), String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program} does not start ({error}): `tests/run` installs it, or `apt-get install {package}`")
    });
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // systemd-analyze warns of settings that it does not know, and is content.
    let is_content = output.status.success() && (program != "systemd-analyze" || said.trim().is_empty());
    if is_content { Ok(()) } else { Err(said) }
}

fn promtool(arguments: &[&str]) -> Result<(), String> {
    check("promtool", "prometheus", arguments, config("monitoring"))
}

/// Every metric that the program writes of a run, as its HELP lines name them.
fn written() -> BTreeSet<String> {
    let device = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.20.0.1\"\n";
    let workspace = Workspace::with_inventory(device);
    let run = workspace.fleetctl(&["run", "--do", "power-on", "--simulate", "--format", "prometheus"]);
    let names = run.expect_status(0).stdout.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    names.map(str::to_owned).collect()
}

/// Every metric of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("fleetctl_")).map(str::to_owned).collect()
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_are_written() {
    let known = written();
    assert!(known.len() >= 6, "{known:?}");
    for file in ["fleetctl.rules.yml", "clock.rules.yml", "fleetctl.rules.test.yml", "grafana-dashboard.json"] {
        let named = named(&read(&format!("monitoring/{file}")));
        assert!(named.is_subset(&known), "{file}: {:?}", named.difference(&known).collect::<Vec<_>>());
        assert!(named.len() >= 4 || file == "clock.rules.yml", "{file} names {named:?}");
    }
}

#[test]
fn the_alerts_are_rules_and_do_what_they_say_night_by_night() {
    for arguments in [
        ["check", "rules", "fleetctl.rules.yml", "clock.rules.yml"],
        ["test", "rules", "fleetctl.rules.test.yml", "clock.rules.test.yml"],
    ] {
        promtool(&arguments).unwrap_or_else(|said| panic!("{said}"));
    }
    // Every alert is tried, by an instant at which it fires.
    let tests = read("monitoring/fleetctl.rules.test.yml");
    for alert in read("monitoring/fleetctl.rules.yml").lines().filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        let fires = format!("alertname: {alert}\n        exp_alerts:");
        assert!(tests.contains(&fires), "{alert} is not tested");
    }
}

#[test]
fn the_dashboard_is_json_and_every_query_of_it_is_one() {
    let dashboard: Value = serde_json::from_str(&read("monitoring/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert!(ids.len() == panels.len() && panels.len() >= 8, "{ids:?}");
    let mut rules = "groups: [{name: dashboard, rules: [".to_owned();
    let mut queries = 0;
    for panel in panels {
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap().replace("$__range", "1d");
            let quoted = serde_json::to_string(&query).unwrap();
            write!(rules, "{{record: \"q{queries}\", expr: {quoted}}}, ").unwrap();
            queries += 1;
        }
    }
    rules.push_str("]}]");
    let workspace = Workspace::new();
    workspace.write("rules.yml", &rules);
    promtool(&["check", "rules", workspace.path("rules.yml").to_str().unwrap()])
        .unwrap_or_else(|said| panic!("{said}"));
    assert!(queries >= panels.len());
}

#[test]
fn the_unit_of_the_daemon_is_one_and_locks_it_in() {
    let unit = read("systemd/fleetctl-daemon.service");
    // A unit names the program where it is installed; here it is where it was built.
    let (installed, built) = ("/usr/local/bin/fleetctl", env!("CARGO_BIN_EXE_fleetctl"));
    assert!(unit.contains(&format!("ExecStart={installed} daemon ")));
    let workspace = Workspace::new();
    workspace.write("fleetctl-daemon.service", &unit.replace(installed, built));
    let verify =
        |name: &str| check("systemd-analyze", "systemd", &["verify", &format!("./{name}")], workspace.folder().into());
    verify("fleetctl-daemon.service").unwrap_or_else(|said| panic!("{said}"));
    workspace.write("wrong.service", &unit.replace(installed, built).replace("KillMode=mixed", "KillMode=mixd"));
    assert!(verify("wrong.service").is_err_and(|said| said.contains("mixd")), "the check sees mistakes");
    for setting in ["NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "CapabilityBoundingSet=\n"] {
        assert!(unit.contains(setting), "{setting}");
    }
}
