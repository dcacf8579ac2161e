//! System calls that fail, the n-th one in turn, while a command that must not be sent twice goes to three displays, with
//! history and three reports: what is told afterwards is true and whole, or it is said what is missing.
//!
//! A sample by default; `tests/oracle/calls` lets every call fail once with each error. `CALLS=1` is all of them, `CALLS=8`
//! every eighth, and `CALLS_FROM` says with which to begin.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::support::{
    Attached, Failing, FakeFleet, Finished, Gate, Report, Step, Workspace, is_impossible, most_calls, number,
    run_failing, say,
};

/// What fails, and how. `write` is files and pipes here, `sendto` what goes to devices.
const CALLS: [(&str, &[&str]); 10] = [
    ("write", &["ENOSPC", "EIO"]),
    ("pwrite64", &["ENOSPC", "EIO"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO"]),
    ("rename", &["EACCES"]),
    ("renameat", &["EACCES", "EIO"]),
    ("renameat2", &["EINVAL"]),
    ("openat", &["EMFILE", "EACCES", "EIO"]),
    ("connect", &["EMFILE", "EACCES", "ECONNRESET"]),
    ("sendto", &["ECONNRESET", "ENOBUFS"]),
];

/// More calls of a kind than these a small run does not make.
const MOST: usize = 500;

const DISPLAYS: usize = 3;
const RUN: [&str; 21] = [
    "run",
    "--cmd",
    "mc {set_id} 08",
    "--history",
    "runs.db",
    "--format",
    "json",
    "--report",
    "json=report.json",
    "--report",
    "csv=report.csv",
    "--report",
    "junit=report.xml",
    "--retries",
    "1",
    "--retry-backoff-initial",
    "10ms",
    "--reply-timeout",
    "1s",
    "--device-deadline",
    "3s",
];

/// Every call that may fail over a run, or a part of them.
fn sample(folder: impl Fn() -> Workspace, arguments: &[&str], every: u64) -> Vec<Failing> {
    let mut all = Vec::new();
    for (call, errors) in CALLS {
        // Which thread does what is not the same each time: a few more than were counted.
        let most = match most_calls(folder().folder(), call, arguments) {
            0 => 0,
            count => (count + 2).min(MOST),
        };
        all.extend((1..=most).flat_map(|number| errors.iter().map(move |error| Failing { call, error, number })));
    }
    let every = number("CALLS", every).max(1);
    let from = number("CALLS_FROM", rand::random_range(0..every));
    let is_chosen = |place: &u64| *place >= from && (place - from).is_multiple_of(every);
    let chosen: Vec<Failing> = (0..).zip(&all).filter(|(place, _)| is_chosen(place)).map(|(_, one)| *one).collect();
    say(&format!("{} of {} failing calls: CALLS={every} CALLS_FROM={from}", chosen.len(), all.len()));
    chosen
}

/// Lets every one of these calls fail in a run of its own, and hands each run in which it did to its judge.
pub(super) fn let_fail<W>(
    arguments: &[&str],
    every: u64,
    counting: impl Fn() -> Workspace,
    set_up: impl Fn() -> (W, Workspace),
    judge: impl Fn(&W, &Workspace, &Finished, &str),
) {
    let (mut statuses, mut wrong) = (BTreeMap::new(), 0);
    for failing in sample(counting, arguments, every) {
        let (world, workspace) = set_up();
        let (finished, failed) = run_failing(workspace.folder(), failing, arguments);
        if failed.is_empty() || failed.iter().any(|line| is_impossible(line)) {
            continue;
        }
        *statuses.entry(finished.status).or_insert(0) += 1;
        let told = format!("{failing:?} {failed:?}");
        let verdict = catch_unwind(AssertUnwindSafe(|| judge(&world, &workspace, &finished, &told)));
        wrong += usize::from(verdict.is_err());
    }
    let judged: usize = statuses.values().sum();
    say(&format!("{judged} runs in which a call failed, by their exit status: {statuses:?}"));
    assert!(judged > 0, "no call failed");
    assert_eq!(wrong, 0, "each is told above");
}

/// What holds whatever failed: the program ended by itself and without a panic, and what is not 0 is explained.
pub(super) fn ended_well(finished: &Finished, told: &str) {
    assert!(!finished.stderr.contains("panicked"), "{told}: {finished}");
    // 127: not even its libraries could be opened.
    assert!(matches!(finished.status, Some(0 | 1 | 2 | 4 | 127)), "{told}: {finished}");
    let is_silent = finished.stderr.trim().is_empty() && finished.status != Some(1);
    let is_mute = told.contains("write(2");
    assert!(finished.status == Some(0) || !is_silent || is_mute, "{told}: it does not say why: {finished}");
}

/// The names of files in a folder that have no business there: temporary ones.
pub(super) fn left_over(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("tmp") || (name.starts_with('.') && name != ".state")).collect()
}

fn fleet() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = workspace(&fleet);
    (fleet, workspace)
}

fn workspace(fleet: &FakeFleet) -> Workspace {
    let port = fleet.port();
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.50.0.[1-{DISPLAYS}]:{port}\"\n"
    ))
}

fn pulses(fleet: &FakeFleet) -> Vec<usize> {
    (1..=DISPLAYS).map(|number| fleet.commands_seen_by(&format!("127.50.0.{number}"), 1).len()).collect()
}

#[test]
fn whatever_call_fails_what_is_told_is_true_and_whole_or_said_to_be_missing() {
    let counting = FakeFleet::start();
    let_fail(&RUN, 12, || workspace(&counting), fleet, judge);
}

/// What threads write to wake each other stands between those writes and the ones to files when all threads are traced: here
/// the thread that writes reports is traced alone.
#[test]
fn a_report_that_cannot_be_written_is_missing_and_said_to_be_and_nothing_else() {
    let (mut judged, mut wrong) = (0, 0);
    for (number, error) in (1..=8).flat_map(|number| [(number, "ENOSPC"), (number, "EIO")]) {
        let (fleet, workspace) = fleet();
        let gate = Gate::closed();
        fleet.on_command("127.50.0.3", 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
        let arguments = [&RUN[..RUN.len() - 4], &["--reply-timeout", "60s", "--device-deadline", "90s"]].concat();
        let program = workspace.start(&arguments);
        fleet.wait_until("all commands", |fleet| fleet.commands() == DISPLAYS);
        let failing = Failing { call: "write", error, number };
        let attached = Attached::to(&program, "reports", failing);
        gate.open();
        let finished = program.finish();
        let failed = attached.failed();
        if failed.is_empty() {
            assert_eq!(finished.status, Some(0), "{failing:?}: nothing failed: {finished}");
            continue;
        }
        judged += 1;
        let told = format!("{failing:?} {failed:?}");
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            assert_eq!(finished.status, Some(4), "{told}: {finished}");
            judge(&fleet, &workspace, &finished, &told);
        }));
        wrong += usize::from(verdict.is_err());
    }
    assert!(judged >= 8, "three files and standard output are written, each in one call at least: {judged}");
    assert_eq!(wrong, 0, "each is told above");
}

fn judge(fleet: &FakeFleet, workspace: &Workspace, finished: &Finished, told: &str) {
    ended_well(finished, told);
    let seen = pulses(fleet);
    assert!(seen.iter().all(|&count| count <= 1), "{told}: {seen:?} {finished}");
    let printed = serde_json::from_str::<Value>(&finished.stdout).ok();
    match finished.status {
        Some(2 | 127) => assert_eq!(seen, [0; DISPLAYS], "{told}: a refusal that has sent something: {finished}"),
        Some(0) => assert!(printed.is_some(), "{told}: status 0 without a report: {finished}"),
        _ => {}
    }
    if let Some(document) = printed {
        is_true(document, &seen, told);
    } else if !matches!(finished.status, Some(2 | 127)) {
        assert!(finished.stderr.contains("stdout"), "{told}: nothing is said of the report: {finished}");
    }
    let mut reports = 0;
    let file = |name: &str| std::fs::read_to_string(workspace.path(name)).ok();
    if let Some(text) = file("report.json") {
        let document = serde_json::from_str(&text);
        is_true(document.unwrap_or_else(|error| panic!("{told}: report.json: {error}")), &seen, told);
        reports += 1;
    }
    if let Some(text) = file("report.csv") {
        assert_eq!(text.lines().count(), DISPLAYS + 1, "{told}: report.csv: {text}");
        reports += 1;
    }
    if let Some(text) = file("report.xml") {
        assert!(text.trim_end().ends_with("</testsuites>"), "{told}: report.xml: {text}");
        reports += 1;
    }
    assert!(reports == 3 || finished.status != Some(0), "{told}: {reports} of 3 reports: {finished}");
    assert_eq!(left_over(workspace.folder()), [""; 0], "{told}: {finished}");
    remembers(fleet, workspace, &seen, finished, told);
}

/// A report is whole, and says nothing that the displays do not know better.
fn is_true(document: Value, seen: &[usize], told: &str) {
    let report = Report::new(document);
    assert_eq!(report.devices().len(), DISPLAYS, "{told}");
    for (device, &count) in report.devices().iter().zip(seen) {
        let is_ok = device["status"] == "ok";
        assert!(!is_ok || count == 1, "{told}: told without having been: {device:#}");
        assert!(count == 0 || device["delivery"] != "none", "{told}: it was sent, and that is denied: {device:#}");
        assert!(count == 1 || device["delivery"] != "confirmed", "{told}: it has confirmed nothing: {device:#}");
    }
}

/// The history can be read and believed afterwards, and no `rerun` over it pulses twice.
fn remembers(fleet: &FakeFleet, workspace: &Workspace, seen: &[usize], finished: &Finished, told: &str) {
    if !workspace.path("runs.db").exists() {
        assert_ne!(finished.status, Some(0), "{told}: not recorded");
        return;
    }
    let list = workspace.fleetctl(&["history", "list", "--history", "runs.db", "--format", "json"]);
    assert_eq!(list.status, Some(0), "{told}: {list}");
    if list.json()["runs"].get(0).is_none() {
        assert!(finished.status != Some(0), "{told}: not recorded: {finished}");
        return;
    }
    let report = workspace.fleetctl(&["report", "last", "--history", "runs.db", "--format", "json"]);
    assert_eq!(report.status, Some(0), "{told}: {report}");
    is_true(report.json(), seen, told);
    let again = workspace.fleetctl(&["rerun", "--history", "runs.db"]);
    assert!(matches!(again.status, Some(0..=2)), "{told}: {again}");
    let all = pulses(fleet);
    assert!(all.iter().all(|&count| count <= 1), "{told}: pulsed twice, {seen:?} then {all:?}: {finished}{again}");
}
