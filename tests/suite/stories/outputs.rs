//! The same run for people, for scripts, for spreadsheets: ndjson, csv, several reports at once, quiet and piped.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{FakeFleet, Gate, Report, Running, Step, Workspace, send};

/// Three displays: healthy, silent at first, refusing with a formula in its answer's place.
fn three() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    fleet.on_command("127.8.0.2", 1, vec![vec![], vec![Step::Reply]]);
    fleet.on_command("127.8.0.3", 1, vec![vec![send("=1+1,\"x\"\x1b[31m")]]);
    let workspace = Workspace::with_inventory(&format!(
        "[fleet]\nname = \"three\"\n[run]\nretries = 1\nretry_backoff = {{ initial = \"10ms\" }}\n\
         [[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.8.0.[1-3]:{}\"\n",
        fleet.port()
    ));
    (fleet, workspace)
}

const RUN: [&str; 5] = ["run", "--cmd", "ka 01 01", "--reply-timeout", "500ms"];

#[test]
fn ndjson_is_one_event_a_line_and_the_last_is_the_summary() {
    let (_fleet, workspace) = three();
    let finished = workspace.fleetctl(&[&RUN[..], &["--format", "ndjson", "--report", "json=r.json"]].concat());
    finished.expect_status(1);
    let events: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"run_started"), Some(&"run_finished")), "{finished}");
    let count = |kind: &str| kinds.iter().filter(|other| **other == kind).count();
    assert_eq!((count("device_finished"), count("attempt_failed"), count("pass_started")), (3, 2, 0), "{finished}");
    for event in &events {
        assert_eq!(event["run_id"], events[0]["run_id"]);
        assert!(event["at"].as_str().unwrap().ends_with('Z'), "{event}");
    }
    let report = Report::new(serde_json::from_str(&workspace.read("r.json")).unwrap());
    for event in events.iter().filter(|event| event["event"] == "device_finished") {
        let name = event["device"]["name"].as_str().unwrap();
        assert_eq!(&event["device"], report.device(name), "as in the report");
    }
    let last = events.last().unwrap();
    assert_eq!(last["summary"], report.document()["summary"]);
    assert_eq!(last["ended"], "completed");
}

#[test]
fn events_come_as_they_happen() {
    let (fleet, workspace) = three();
    let gate = Gate::closed();
    fleet.on_command("127.8.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    let arguments = ["run", "--cmd", "ka 01 01", "--retries", "0", "--reply-timeout", "60s", "--format", "ndjson"];
    let program = workspace.start(&[&arguments[..], &["-s", "tv-1"]].concat());
    program.wait_for_stdout("\"run_started\"");
    fleet.wait_until("the command", |fleet| fleet.commands() == 1);
    gate.open();
    program.finish().expect_status(0);
}

#[test]
fn csv_has_its_columns_and_no_formula() {
    let (_fleet, workspace) = three();
    let finished = workspace.fleetctl(&[&RUN[..], &["--format", "csv"]].concat());
    finished.expect_status(1);
    let mut reader = csv::Reader::from_reader(finished.stdout.as_bytes());
    let columns = "name,address,type,site,status,delivery,attempts,elapsed_ms,value,reply,error_kind,error_message";
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), columns);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |row: &csv::StringRecord, name: &str| {
        row.get(columns.split(',').position(|column| column == name).unwrap()).unwrap().to_owned()
    };
    let names: Vec<String> = rows.iter().map(|row| column(row, "name")).collect();
    assert_eq!(names, ["tv-1", "tv-2", "tv-3"]);
    assert_eq!((column(&rows[0], "status"), column(&rows[0], "value")), ("ok".to_owned(), "01".to_owned()));
    assert_eq!((column(&rows[1], "attempts"), column(&rows[1], "error_kind")), ("2".to_owned(), String::new()));
    assert_eq!(column(&rows[2], "error_kind"), "reply_timeout");
    let reply = column(&rows[2], "reply");
    assert!(reply.contains("1+1") && !reply.starts_with('='), "a spreadsheet must not calculate {reply}");
    assert!(!finished.stdout.contains('\x1b'));
}

#[test]
fn several_reports_of_one_run_tell_the_same_and_leave_no_part_files() {
    let (_fleet, workspace) = three();
    std::fs::create_dir(workspace.path("out")).unwrap();
    let mut arguments = RUN.to_vec();
    arguments.extend(["--report", "json=out/r.json", "--report", "csv=out/r.csv", "--report", "ndjson=out/r.ndjson"]);
    arguments.extend(["--report", "table=out/r.txt", "--format", "json"]);
    let finished = workspace.fleetctl(&arguments);
    finished.expect_status(1);
    assert_eq!(finished.json(), serde_json::from_str::<Value>(&workspace.read("out/r.json")).unwrap());
    assert_eq!(workspace.read("out/r.csv").lines().count(), 4);
    assert!(workspace.read("out/r.ndjson").lines().last().unwrap().contains("run_finished"));
    assert!(workspace.read("out/r.txt").contains("tv-3"));
    let mut files: Vec<_> =
        std::fs::read_dir(workspace.path("out")).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["r.csv", "r.json", "r.ndjson", "r.txt"]);
}

#[test]
fn progress_without_a_terminal_is_plain_lines_on_stderr() {
    let (_fleet, workspace) = three();
    let finished = workspace.fleetctl(&[&RUN[..], &["--format", "json"]].concat());
    assert!(!finished.stderr.contains(['\x1b', '\r']), "no bar and no colours into a file: {finished}");
    let coloured = workspace.fleetctl(&[&RUN[..], &["--color", "always"]].concat());
    assert!(coloured.stdout.contains("\x1b["), "{coloured}");
    let never = Running::start_with(workspace.folder(), &RUN, |command| {
        command.env("NO_COLOR", "1");
    });
    assert!(!never.finish().stdout.contains('\x1b'));
}

#[test]
fn a_closed_standard_output_is_a_report_that_was_not_delivered() {
    let (fleet, workspace) = three();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let arguments = ["run", "--cmd", "ka 01 01", "-s", "tv-1", "--format", "json"];
    let program = Running::start_with(workspace.folder(), &arguments, |command| {
        command.stdout(Stdio::from(writer));
    });
    let finished = program.finish();
    finished.expect_status(4);
    assert!(!finished.stderr.is_empty());
    assert_eq!(fleet.commands(), 1, "the run itself was completed");
}

#[test]
fn a_report_whose_folder_vanishes_in_mid_run_is_status_four() {
    let (fleet, workspace) = three();
    let gate = Gate::closed();
    fleet.on_command("127.8.0.1", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
    std::fs::create_dir(workspace.path("out")).unwrap();
    let arguments = ["run", "--cmd", "ka 01 01", "-s", "tv-1", "--reply-timeout", "60s", "--format", "json"];
    let program = workspace.start(&[&arguments[..], &["--report", "csv=out/r.csv"]].concat());
    fleet.wait_until("the command", |fleet| fleet.commands() == 1);
    std::fs::remove_dir_all(workspace.path("out")).unwrap();
    gate.open();
    let finished = program.finish();
    finished.expect_status(4);
    assert!(finished.stderr.contains("r.csv"), "{finished}");
    assert_eq!(finished.report().count("ok"), 1, "the other report is whole");
}

#[test]
fn verbose_runs_tell_on_stderr_what_happens_to_the_run_and_to_each_device() {
    let (_fleet, workspace) = three();
    let told = |more: &[&str]| {
        let finished = workspace.fleetctl(&[&RUN[..], more].concat());
        assert!(finished.expect_status(1).stdout.starts_with("tv-3: "), "{finished}");
        finished.stderr
    };
    assert_eq!(told(&[]), "");
    let run = told(&["-v"]);
    assert!(run.contains("3 devices") && run.contains("2 of 3") && !run.contains("tv-"), "{run}");
    let devices = told(&["-vv"]);
    for text in ["tv-1: ok", r"sent ka 01 01\r", "reply a 01 OK01x", "tv-3: attempt 1 failed", "tv-3: no_reply"] {
        assert!(devices.contains(text), "{text} in {devices}");
    }
    assert!(!devices.contains('\x1b'), "{devices}");
}
