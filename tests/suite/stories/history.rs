//! The operator at seven in the morning: which runs there were, what changed, who fails since when, and every report
//! again.

use serde_json::{Value, json};

use crate::support::{FakeFleet, Gate, Step, Workspace, device_names, send};

/// Displays 1 to 4 over three nights: 2 is silent from the second on, 3 refuses in the first.
fn nights() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.41.0.2", 1, vec![vec![Step::Reply], vec![]]);
    fleet.on_command("127.41.0.3", 1, vec![vec![send("a 01 NG00x")], vec![Step::Reply]]);
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-4]\"\ntype = \"lg-rs232\"\naddress = \"127.41.0.[1-4]:{port}\"\n"
    ));
    (fleet, workspace)
}

const RUN: [&str; 9] = ["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "300ms", "--format", "json"];

fn listed(workspace: &Workspace) -> Vec<Value> {
    let document = workspace.fleetctl(&["history", "list", "--format", "json"]).expect_status(0).json();
    assert_eq!(document["schema"], "fleetctl.runs/1");
    document["runs"].as_array().unwrap().clone()
}

/// What does not tell one run from another.
fn without_version(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("fleetctl_version");
    report
}

#[test]
fn every_run_is_listed_shown_and_reported_again() {
    let (_fleet, workspace) = nights();
    let reports: Vec<Value> = (0..3).map(|_| workspace.fleetctl(&RUN).expect_status(1).json()).collect();
    let runs = listed(&workspace);
    let ids: Vec<&Value> = runs.iter().map(|run| &run["run_id"]).collect();
    assert_eq!(ids, [&reports[2]["run_id"], &reports[1]["run_id"], &reports[0]["run_id"]], "the newest first");
    assert_eq!(runs[0]["summary"], reports[2]["summary"]);
    assert_eq!(runs[0]["command"], reports[2]["command"]);
    assert_eq!((&runs[0]["ended"], &runs[0]["schedule"]), (&json!("completed"), &Value::Null));
    for (which, report) in [("last", &reports[2]), (reports[0]["run_id"].as_str().unwrap(), &reports[0])] {
        let again = workspace.fleetctl(&["report", which, "--format", "json"]).expect_status(0).json();
        assert_eq!(without_version(again), without_version(report.clone()), "{which}");
    }
    let again = workspace.fleetctl(&["report", "--format", "nagios"]);
    assert!(again.expect_status(2).stdout.starts_with("FLEETCTL CRITICAL: "), "{again}");
    let shown = workspace.fleetctl(&["history", "show"]);
    assert!(shown.expect_status(0).stdout.contains("tv-2: no reply") && shown.stdout.contains("completed"), "{shown}");
    let list = workspace.fleetctl(&["history", "list", "-n", "2"]);
    assert_eq!(list.expect_status(0).stdout.lines().count(), 3, "{list}");
    assert!(list.stdout.contains("3 of 4") && list.stdout.contains("power-on"), "{list}");
}

#[test]
fn a_run_under_way_says_so_and_how_many_of_how_many_are_done() {
    let (fleet, workspace) = nights();
    let gate = Gate::closed();
    fleet.on_command("127.41.0.4", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    let running = workspace.start(&["run", "--do", "power-on", "--reply-timeout", "60s", "--device-deadline", "90s"]);
    let list = || workspace.fleetctl(&["history", "list"]).expect_status(0).stdout.clone();
    running.wait_for("three devices in the history", || list().contains("under way: 3 of 4 done"));
    // Display 3 has refused; the fourth has not answered yet.
    assert!(list().contains(" 2 of 4 "), "{}", list());
    let run = listed(&workspace).remove(0);
    assert_eq!((&run["ended"], &run["finished_at"], &run["summary"]["total"]), (&Value::Null, &Value::Null, &json!(3)));
    let shown = workspace.fleetctl(&["history", "show", run["run_id"].as_str().unwrap()]);
    assert!(shown.expect_status(0).stdout.contains(", under way: 3 of 4 devices are done\n"), "{shown}");
    gate.open();
    running.finish().expect_status(1);
    assert!(list().contains(" 3 of 4 ") && list().contains("completed"), "{}", list());
}

#[test]
fn two_runs_are_compared_and_the_worst_device_stands_first() {
    let (_fleet, workspace) = nights();
    for _ in 0..3 {
        workspace.fleetctl(&RUN);
    }
    let runs = listed(&workspace);
    let (newest, first) = (runs[0]["run_id"].as_str().unwrap(), runs[2]["run_id"].as_str().unwrap());
    let changes = workspace.fleetctl(&["history", "diff", first, newest, "--format", "json"]).expect_status(0).json();
    assert_eq!((&changes["before"], &changes["after"]), (&json!(first), &json!(newest)));
    let expected = json!([
        { "name": "tv-2", "change": "failed", "before": "ok", "after": "no_reply" },
        { "name": "tv-3", "change": "recovered", "before": "rejected", "after": "ok" },
    ]);
    assert_eq!(changes["devices"], expected);
    let said = workspace.fleetctl(&["history", "diff"]);
    assert_eq!(said.expect_status(0).stdout, "still failing (1): tv-2\n");
    let health = workspace.fleetctl(&["health", "--format", "json"]).expect_status(0).json();
    assert_eq!(health["schema"], "fleetctl.health/1");
    assert_eq!(device_names(&health)[..2], ["tv-2", "tv-3"]);
    let (worst, third) = (&health["devices"][0], &health["devices"][1]);
    assert_eq!((&worst["streak"], &worst["success_share"]), (&json!(-2), &json!(0.3333)));
    assert_eq!((&third["streak"], &third["success_share"]), (&json!(2), &json!(0.6667)));
    assert!(third["reply_ms_p50"].as_f64().unwrap() > 0.0 && third["last_ok_at"].is_string(), "{third}");
    let table = workspace.fleetctl(&["health"]);
    assert!(table.expect_status(0).stdout.contains("failed 2×"), "{table}");
}

#[test]
fn runs_are_exported_and_forgotten() {
    let (_fleet, workspace) = nights();
    let report = workspace.fleetctl(&RUN).json();
    let id = report["run_id"].as_str().unwrap();
    std::fs::create_dir(workspace.path("reports")).unwrap();
    workspace.fleetctl(&["history", "export", "reports"]).expect_status(0);
    let exported: Value = serde_json::from_str(&workspace.read(&format!("reports/{id}.json"))).unwrap();
    assert_eq!(exported["devices"], report["devices"]);
    workspace.fleetctl(&["history", "export", "no/such/folder"]).expect_status(2);
    workspace.fleetctl(&["history", "prune", "--keep", "1h"]).expect_status(0);
    assert_eq!(listed(&workspace).len(), 1);
    let pruned = workspace.fleetctl(&["history", "prune", "--keep", "0s"]);
    assert_eq!(pruned.expect_status(0).stdout, "1 run forgotten\n");
    assert!(listed(&workspace).is_empty());
    assert!(workspace.fleetctl(&["report"]).expect_status(2).stderr.contains("no run"));
}

#[test]
fn nothing_is_recorded_where_that_is_not_wanted() {
    let (_fleet, workspace) = nights();
    workspace.fleetctl(&[&RUN[..], &["--no-history"]].concat());
    workspace.fleetctl(&[&RUN[..], &["--dry-run"]].concat());
    workspace.fleetctl(&[&RUN[..], &["--simulate"]].concat());
    assert!(listed(&workspace).is_empty() && !workspace.path(".state/fleetctl/history.db").exists());
    workspace.fleetctl(&[&RUN[..], &["--simulate", "--history", "mine/runs.db"]].concat()).expect_status(0);
    let shown = workspace.fleetctl(&["history", "show", "--history", "mine/runs.db"]);
    assert!(shown.expect_status(0).stdout.contains("simulated"), "{shown}");
    let both = workspace.fleetctl(&[&RUN[..], &["--no-history", "--history", "x.db"]].concat());
    both.expect_status(2);
    assert!(listed(&workspace).is_empty());
}

#[test]
fn a_history_is_named_by_a_variable_too() {
    let (_fleet, workspace) = nights();
    let with = |arguments: &[&str]| {
        let set = |command: &mut std::process::Command| _ = command.env("FLEETCTL_HISTORY", "named.db");
        crate::support::Running::start_with(workspace.folder(), arguments, set).finish()
    };
    with(&RUN).expect_status(1);
    assert!(workspace.path("named.db").exists());
    with(&["history", "show"]).expect_status(0);
    with(&[&RUN[..], &["--no-history"]].concat());
    let runs = with(&["history", "list", "--format", "json"]).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn runs_over_several_inventories_are_recorded_side_by_side() {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::new();
    for net in 1..=4 {
        workspace.write(
            &format!("fleet{net}.toml"),
            &format!(
                "[[device]]\nname = \"tv-[01-40]\"\ntype = \"lg-rs232\"\naddress = \"127.41.{net}.[1-40]:{port}\"\n"
            ),
        );
    }
    let start = |net: usize| {
        let file = format!("fleet{net}.toml");
        workspace.start(&["run", "--cmd", "mc {set_id} 08", "-i", &file, "--format", "json"])
    };
    let running: Vec<_> = (1..=4).map(start).collect();
    for one in running {
        assert_eq!(one.finish().expect_status(0).report().count("ok"), 40);
    }
    for run in listed(&workspace) {
        assert_eq!((&run["summary"]["ok"], &run["ended"]), (&json!(40), &json!("completed")));
    }
    assert_eq!(listed(&workspace).len(), 4);
    let one = workspace.fleetctl(&["history", "list", "-i", "fleet3.toml", "--format", "json"]).json();
    assert_eq!(one["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn mistakes_are_said_and_cost_status_2() {
    let (_fleet, workspace) = nights();
    let none = workspace.fleetctl(&["history", "show"]);
    assert!(none.expect_status(2).stderr.contains("no history yet"), "{none}");
    workspace.fleetctl(&RUN);
    for (arguments, said) in [
        (&["history", "show", "01ZZZZZZZZ"][..], "no run `01ZZZZZZZZ`"),
        (&["history", "show", "yesterday!"], "no run's id"),
        (&["history", "diff"], "name two runs"),
        (&["history", "list", "--format", "csv"], "table"),
        (&["report", "night.json"], "cannot read"),
        (&["rerun", "01ZZZZZZZZ"], "no run"),
    ] {
        let finished = workspace.fleetctl(arguments);
        assert!(finished.expect_status(2).stderr.contains(said), "{finished}");
    }
}

#[test]
fn a_run_forgets_runs_that_its_inventory_need_not_keep_and_no_others() {
    let (_fleet, workspace) = nights();
    workspace.write("other.toml", &workspace.read("fleet.toml"));
    workspace.fleetctl(&RUN).expect_status(1);
    workspace.fleetctl(&[&RUN[..], &["-i", "other.toml"]].concat()).expect_status(1);
    let history = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    assert_eq!(history.execute("UPDATE run SET started_at = started_at - 172800000", ()).unwrap(), 2);
    workspace.write("fleet.toml", &format!("[history]\nkeep = \"1d\"\n{}", workspace.read("fleet.toml")));
    workspace.fleetctl(&[&RUN[..], &["--no-history"]].concat()).expect_status(1);
    assert_eq!(listed(&workspace).len(), 2);
    let kept = workspace.fleetctl(&RUN).expect_status(1).json();
    let runs = listed(&workspace);
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!(runs[0]["run_id"], kept["run_id"], "the other one is of another inventory");
}

#[test]
fn metrics_of_a_run_that_failed_say_when_the_last_success_was() {
    let (_fleet, workspace) = nights();
    let metrics = |arguments: &[&str], status: i32| {
        let run = ["run", "--do", "power-on", "--retries", "0", "--reply-timeout", "300ms", "--format", "prometheus"];
        let finished = workspace.fleetctl(&[&run, arguments].concat());
        let text = &finished.expect_status(status).stdout;
        let value = |name: &str| {
            let start = format!("{name}{{run=\"power-on\"}} ");
            text.lines().find_map(|line| line.strip_prefix(start.as_str())).map(str::to_owned)
        };
        (value("fleetctl_run_timestamp_seconds").unwrap(), value("fleetctl_run_last_success_timestamp_seconds"))
    };
    assert_eq!(metrics(&["-s", "tv-3"], 1).1, None, "there is none yet");
    let (good_at, success_at) = metrics(&["-s", "tv-[1-3]"], 0);
    assert_eq!(success_at.as_ref(), Some(&good_at));
    assert_eq!(metrics(&[], 1).1, Some(good_at.clone()));
    // The same of the report that is made again later, of whichever run.
    let again = |which: &str| {
        let text = workspace.fleetctl(&["report", which, "--format", "prometheus"]).expect_status(0).stdout.clone();
        let success = "fleetctl_run_last_success_timestamp_seconds{run=\"power-on\"} ";
        text.lines().find_map(|line| line.strip_prefix(success)).map(str::to_owned)
    };
    let ids: Vec<String> = listed(&workspace).iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().map(|id| again(id)).collect::<Vec<_>>(), [Some(good_at.clone()), Some(good_at), None]);
    assert_eq!(metrics(&["--no-history"], 1).1, None, "nothing is known without a history");
}

#[test]
fn an_inventory_that_is_nowhere_is_a_mistake_and_one_that_is_gone_is_still_known() {
    let (_fleet, workspace) = nights();
    let asking = [&["hold"][..], &["health"], &["history", "list"]];
    let nowhere = |arguments: &[&str]| {
        let finished = workspace.fleetctl(&[arguments, &["-i", "nosuch.toml"]].concat());
        assert!(finished.expect_status(2).stdout.is_empty(), "{finished}");
        finished.stderr.clone()
    };
    // Without a history, too.
    assert!(nowhere(asking[0]).contains("there is no inventory `nosuch.toml`"));
    assert!(nowhere(asking[2]).contains("there is no inventory `nosuch.toml`"));
    workspace.fleetctl(&RUN).expect_status(1);
    let hold = ["hold", "tv-4", "--until", "2999-12-24", "--why", "being repaired"];
    workspace.fleetctl(&hold).expect_status(0);
    for arguments in asking {
        assert!(nowhere(arguments).contains("there is no inventory `nosuch.toml`"), "{arguments:?}");
    }
    std::fs::remove_file(workspace.path("fleet.toml")).unwrap();
    for (arguments, said) in asking.into_iter().zip(["tv-4 (being repaired)", "tv-2", "power-on"]) {
        let finished = workspace.fleetctl(&[arguments, &["-i", "fleet.toml"]].concat());
        assert!(finished.expect_status(0).stdout.contains(said), "{finished}");
    }
}
