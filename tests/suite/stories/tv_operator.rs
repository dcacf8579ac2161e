//! The TV operator: 300 displays, each behind its own converter, five of them dark. Power everything on, know why not.

use std::time::Duration;

use crate::support::{Expected, FakeFleet, Finished, Journal, Report, Step, Workspace, closed_port, send};

const SILENT: &str = "127.1.1.50";
const REFUSING: &str = "127.1.2.10";

struct Building {
    fleet: FakeFleet,
    workspace: Workspace,
    _closed: socket2::Socket,
}

/// 297 displays that listen, of which one is silent and one says no, and three whose gateway refuses.
fn building() -> Building {
    let fleet = FakeFleet::start();
    fleet.on_command(SILENT, 1, vec![vec![]]);
    fleet.on_command(REFUSING, 1, vec![vec![send("a 01 NG02x")]]);
    let (closed, closed_port) = closed_port("0.0.0.0");
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [fleet]
        name = "field-tvs"

        [run]
        reply_timeout = "2s"
        retries = 1
        retry_backoff = {{ initial = "10ms", max = "20ms", jitter = true }}

        [defaults]
        type = "lg-rs232"
        site = "hq"
        tags = ["lobby"]

        [sites.hq]
        timezone = "Europe/Berlin"

        [[device]]
        name = "tv-[001-297]"
        address = "127.1.[0-2].[1-99]:{port}"

        [[device]]
        name = "tv-[298-300]"
        address = "127.1.9.[1-3]:{closed_port}"
        "#
    ));
    Building { fleet, workspace, _closed: closed }
}

fn check_report(report: &Report, fleet: &FakeFleet) {
    let document = report.document();
    assert_eq!((document["fleet"].as_str(), report.ended()), (Some("field-tvs"), "completed"));
    assert_eq!(document["command"]["cmd"], "ka 01 01");
    assert!(document["command"]["action"].is_null());
    let expected: Vec<String> = (1..=300).map(|number| format!("tv-{number:03}")).collect();
    assert_eq!(report.names(), expected, "every device once, in inventory order");
    assert_eq!((report.count("ok"), report.count("total")), (295, 300));

    let ok = report.expect("tv-001", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
    assert_eq!(ok["address"], format!("127.1.0.1:{}", fleet.port()));
    assert_eq!((ok["type"].as_str(), ok["site"].as_str()), (Some("lg-rs232"), Some("hq")));
    assert_eq!(ok["tags"], serde_json::json!(["lobby"]));
    assert_eq!((ok["sent"].as_str(), ok["reply"].as_str()), (Some("ka 01 01\\r"), Some("a 01 OK01x")));
    assert_eq!(ok["value"], "01");

    let timeout = Some("reply_timeout");
    report.expect("tv-149", Expected { status: "no_reply", kind: timeout, delivery: "unknown", attempts: 2 });
    report.expect("tv-208", Expected { status: "rejected", kind: Some("refused"), delivery: "confirmed", attempts: 1 });
    for name in ["tv-298", "tv-299", "tv-300"] {
        let kind = Some("connection_refused");
        report.expect(name, Expected { status: "unreachable", kind, delivery: "none", attempts: 2 });
    }
}

#[test]
fn three_hundred_displays_are_powered_on_and_the_dark_ones_are_known() {
    let Building { fleet, workspace, _closed } = building();
    let arguments =
        ["run", "--inventory", "fleet.toml", "--cmd", "ka 01 01", "--reply-timeout", "2s", "--format", "json"];
    let finished = workspace.fleetctl(&arguments);
    check_report(&finished.expect_status(1).report(), &fleet);

    for third in 0..=2 {
        for fourth in 1..=99 {
            let gateway = format!("127.1.{third}.{fourth}");
            let journal = fleet.journal(&gateway);
            let times = if gateway == SILENT { 2 } else { 1 };
            assert_eq!(journal.bytes(), b"ka 01 01\r".repeat(times), "{gateway} saw exactly the command");
            assert!((1..=times).contains(&journal.connections.len()), "{gateway}");
            assert_eq!(journal.most_open, 1, "{gateway}");
        }
    }
}

#[test]
fn the_table_groups_the_dark_ones_by_cause_and_says_what_to_try() {
    let Building { fleet, workspace, _closed } = building();
    let arguments =
        ["run", "--cmd", "ka 01 01", "--reply-timeout", "1s", "--report", "json=report.json", "--color", "never"];
    let finished: Finished = workspace.fleetctl(&arguments);
    let table = finished.expect_status(1).stdout.clone();
    assert!(table.contains("tv-[298-300]"), "names folded into a range: {table}");
    for name in ["tv-149", "tv-208"] {
        assert!(table.contains(name), "{name} in {table}");
    }
    assert!(!table.contains("tv-001"), "successes are not listed without --all: {table}");
    let summary = table.trim_end().lines().last().unwrap();
    assert!(summary.contains("300") && summary.contains("295"), "the summary line is the last: {table}");

    let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
    check_report(&report, &fleet);
    let table_words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in ["tv-149", "tv-208", "tv-298"] {
        let hint = report.device(name)["error"]["hint"].as_str().unwrap();
        let start: String = hint.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
        assert!(table_words.contains(&start), "the hint of {name}, `{hint}`, in {table}");
    }
}

#[test]
fn all_devices_stand_in_the_table_when_asked_for() {
    let building = building();
    let arguments = ["run", "--cmd", "ka 01 01", "-s", "tv-[001-003]", "--all", "-q"];
    let finished = building.workspace.fleetctl(&arguments);
    let table = &finished.expect_status(0).stdout;
    assert!((1..=3).all(|number| table.contains(&format!("tv-00{number}"))), "{table}");
    assert!(table.contains("acknowledged"), "`ok` without --verify is worded so: {table}");
    assert_eq!(finished.stderr, "", "-q leaves only errors");
}

#[test]
fn no_more_lanes_than_asked_for_are_served_at_once() {
    let Building { fleet, workspace, _closed } = building();
    for number in 1..=20 {
        let steps = vec![Step::Pause(Duration::from_millis(100)), Step::Reply];
        fleet.on_command(&format!("127.1.0.{number}"), 1, vec![steps]);
    }
    let arguments = ["run", "--cmd", "ka 01 01", "-s", "tv-[001-020]", "-c", "3", "--format", "json"];
    workspace.fleetctl(&arguments).expect_status(0);
    let journals: Vec<_> = (1..=20).map(|number| fleet.journal(&format!("127.1.0.{number}"))).collect();
    for journal in &journals {
        let start = journal.commands[0].received;
        let busy = |other: &&Journal| {
            let command = &other.commands[0];
            command.received <= start && command.answered.unwrap() > start
        };
        assert!(journals.iter().filter(busy).count() <= 3, "a fourth display was served");
    }
}
