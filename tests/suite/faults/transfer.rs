//! Files that come cut, wrong or never: the right kind of failure, the old file as it was, and nothing else in the folder.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Expected, Gate, Hubs, MAGIC, Report, Step, Workspace, announced, header, looks_like_a_database};

const HUB: &str = "127.0.7.1";
const OLD: &str = "the file of last week";
const FETCH: [&str; 9] =
    ["run", "--do", "fetch-database", "--save", "db/{name}.db", "--retries", "0", "--format", "json"];

const fn failed(status: &'static str, kind: &'static str) -> Expected {
    Expected { status, kind: Some(kind), delivery: "unknown", attempts: 1 }
}

/// A hub with this script, and last week's file of it.
fn hub(steps: Vec<Step>) -> (Hubs, Workspace) {
    let hubs = Hubs::start();
    hubs.script(HUB, vec![steps]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"{HUB}:{}\"\n",
        hubs.port()
    ));
    workspace.write("db/hub.db", OLD);
    (hubs, workspace)
}

#[track_caller]
fn expect_untouched(workspace: &Workspace, what: &str) {
    let entries = std::fs::read_dir(workspace.path("db")).unwrap();
    let names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["hub.db"], "{what}: nothing is left behind");
    assert_eq!(workspace.read("db/hub.db"), OLD, "{what}: the old file stays as it was");
}

#[track_caller]
fn expect_failure(what: &str, steps: Vec<Step>, more: &[&str], expected: Expected) {
    let (_hubs, workspace) = hub(steps);
    let finished = workspace.fleetctl(&[&FETCH[..], more].concat());
    let report = finished.expect_status(1).report();
    let device = report.expect("hub", expected);
    assert!(device["file"].is_null(), "{what}: {device:#}");
    expect_untouched(&workspace, what);
}

/// The announcement of 100,000 bytes and the first 60,000 of them.
fn half() -> Vec<Step> {
    vec![announced(100_000), Step::Send(looks_like_a_database(60_000))]
}

/// The pieces of a reply before an end.
fn then(mut steps: Vec<Step>, end: Step) -> Vec<Step> {
    steps.push(end);
    steps
}

/// A type like the hub's that waits so long for the next piece.
fn slow_hub(idle: &str) -> String {
    format!(
        "name = \"slow-hub\"\ntitle = \"Slow hub\"\nbase = \"smart-home-hub\"\n\
         [actions.fetch-database.transfer]\nidle_timeout = \"{idle}\"\n"
    )
}

/// Whether the half that was sent is on disk.
fn half_is_there(workspace: &Workspace) -> bool {
    let entries = std::fs::read_dir(workspace.path("db")).unwrap().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).any(|metadata| metadata.len() >= 60_000)
}

#[test]
fn a_file_that_is_cut_short_is_no_file() {
    let pause = || Step::Pause(Duration::from_millis(100));
    let closed = failed("bad_reply", "connection_closed");
    expect_failure("closed", then(half(), Step::Close), &[], closed);
    expect_failure("closed later", then(then(half(), pause()), Step::Close), &[], closed);
    let reset = failed("bad_reply", "connection_reset");
    expect_failure("reset", then(then(half(), pause()), Step::Reset), &[], reset);
    expect_failure("closed after the header", vec![announced(100_000), Step::Close], &[], closed);
    expect_failure("closed in the header", vec![Step::Send(vec![0x43, 0, 0]), Step::Close], &[], closed);
    let one_short = vec![announced(5000), Step::Send(looks_like_a_database(4999)), Step::Close];
    expect_failure("one byte short", one_short, &[], closed);
    let unanswered = failed("no_reply", "connection_closed");
    expect_failure("closed before the header", vec![Step::Close], &[], unanswered);
}

#[test]
fn a_file_that_stops_coming_costs_its_own_time_only() {
    // Of the type itself: 5 s between two reads, whatever the reply timeout of the header.
    let silent = failed("no_reply", "reply_timeout");
    expect_failure("silence", half(), &["--reply-timeout", "300ms"], silent);
    let deadline = failed("no_reply", "device_deadline");
    expect_failure("deadline", half(), &["--device-deadline", "1s"], deadline);
    // Each pause is short; all of them together are not.
    let dribble = (0..60).flat_map(|_| [Step::Send(vec![0; 10]), Step::Pause(Duration::from_millis(100))]);
    let dribble = [announced(100_000), Step::Send(MAGIC.to_vec())].into_iter().chain(dribble).collect();
    expect_failure("dribble", dribble, &["--device-deadline", "1500ms"], deadline);
    expect_failure("no header", vec![Step::Send(vec![0x43])], &["--reply-timeout", "300ms"], silent);
}

#[test]
fn silence_is_measured_between_two_pieces_by_the_time_of_the_type() {
    let (hubs, workspace) = hub(half());
    workspace.write("device-types/slow-hub.toml", &slow_hub("600ms"));
    workspace.write(
        "fleet.toml",
        &format!("[[device]]\nname = \"hub\"\ntype = \"slow-hub\"\naddress = \"{HUB}:{}\"\n", hubs.port()),
    );
    let finished = workspace.fleetctl(&FETCH);
    let report = finished.expect_status(1).report();
    report.expect("hub", failed("no_reply", "reply_timeout"));
    assert!(finished.wall < Duration::from_secs(4), "{finished}");
    expect_untouched(&workspace, "silence");
    // Longer than that altogether, never between two pieces.
    let file = looks_like_a_database(2000);
    let slowly =
        file.chunks(200).flat_map(|piece| [Step::Send(piece.to_vec()), Step::Pause(Duration::from_millis(150))]);
    hubs.script(HUB, vec![[announced(2000)].into_iter().chain(slowly).collect()]);
    workspace.fleetctl(&FETCH).expect_status(0);
    assert_eq!(std::fs::read(workspace.path("db/hub.db")).unwrap(), file);
}

#[test]
fn a_reply_that_announces_no_database_is_none() {
    let malformed = failed("bad_reply", "malformed_reply");
    expect_failure("zeros", vec![announced(5000), Step::Send(vec![0; 5000])], &[], malformed);
    let nearly = [b"SQLite format 3 ".as_slice(), &[0; 5000]].concat();
    expect_failure("nearly", vec![announced(nearly.len()), Step::Send(nearly)], &[], malformed);
    let letter_by_letter =
        b"SQLite 2".iter().flat_map(|byte| [Step::Send(vec![*byte]), Step::Pause(Duration::from_millis(5))]);
    let letter_by_letter = [announced(5000)].into_iter().chain(letter_by_letter).collect();
    expect_failure("seen at the first wrong letter", letter_by_letter, &["--device-deadline", "4s"], malformed);
    expect_failure("length 0", vec![announced(0)], &["--device-deadline", "4s"], malformed);
    let short = vec![announced(10), Step::Send(MAGIC[..10].to_vec())];
    expect_failure("shorter than the magic", short, &["--device-deadline", "4s"], malformed);
    let long = failed("bad_reply", "reply_too_long");
    for length in [64 * 1024 * 1024 + 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        // What follows is not even read.
        let steps = vec![header(0x43, length), Step::Send(looks_like_a_database(10))];
        expect_failure("above the cap", steps, &["--device-deadline", "4s"], long);
    }
    let (_hubs, workspace) = hub(vec![header(0x43, u32::MAX)]);
    let report = workspace.fleetctl(&FETCH).expect_status(1).report();
    let message = "the reply is too long: 4294967295 bytes are announced";
    assert_eq!(report.device("hub")["error"]["message"], message, "not that so much came");
    let refused = Expected { delivery: "confirmed", ..failed("rejected", "refused") };
    expect_failure("another word", vec![header(0x44, 0)], &[], refused);
    let with_file = vec![header(0x4344, 5000), Step::Send(looks_like_a_database(5000))];
    expect_failure("another word and a file", with_file, &[], refused);
}

#[test]
fn the_refusing_word_is_in_the_message() {
    let (_hubs, workspace) = hub(vec![header(0x44, 0)]);
    let report = workspace.fleetctl(&FETCH).expect_status(1).report();
    let message = report.device("hub")["error"]["message"].as_str().unwrap();
    assert!(message.contains("68") || message.contains("44"), "{message}");
}

/// A transfer that stands still in its middle until the gate is opened; ready once half of it is on disk.
fn held(gate: &std::sync::Arc<Gate>) -> (Hubs, Workspace, crate::support::Running) {
    let file = looks_like_a_database(100_000);
    let rest = Step::Send(file[60_000..].to_vec());
    let (hubs, workspace) = hub(then(then(half(), Step::Wait(gate.clone())), rest));
    let run = ["run", "--do", "fetch-database", "--save", "db/{name}.db", "--format", "ndjson"];
    let more = ["--report", "json=report.json", "--grace", "60s", "--device-deadline", "90s"];
    let program = workspace.start(&[&run[..], &more].concat());
    program.wait_for("a file that grows", || half_is_there(&workspace));
    (hubs, workspace, program)
}

#[test]
fn a_signal_lets_the_file_end_and_a_second_one_leaves_nothing_behind() {
    let gate = Gate::closed();
    let (_hubs, workspace, program) = held(&gate);
    program.signal(Signal::SIGINT);
    program.wait_for_stdout("\"stopping\"");
    gate.open();
    // It was the last device: the signal has cut nothing.
    program.finish().expect_status(0);
    let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
    report.expect("hub", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
    assert_eq!(std::fs::read(workspace.path("db/hub.db")).unwrap(), looks_like_a_database(100_000));

    let gate = Gate::closed();
    let (_hubs, workspace, program) = held(&gate);
    program.signal(Signal::SIGINT);
    program.wait_for_stdout("\"stopping\"");
    program.signal(Signal::SIGINT);
    program.finish().expect_status(130);
    let report = Report::new(serde_json::from_str(&workspace.read("report.json")).unwrap());
    report.expect("hub", failed("no_reply", "interrupted"));
    expect_untouched(&workspace, "interrupted");
    gate.open();
}

#[test]
fn a_stall_of_this_machine_is_not_the_silence_of_the_hub() {
    let file = looks_like_a_database(100_000);
    let gate = Gate::closed();
    let (hubs, workspace) = hub(then(then(half(), Step::Wait(gate.clone())), Step::Send(file[60_000..].to_vec())));
    workspace.write("device-types/slow-hub.toml", &slow_hub("3s"));
    let inventory = workspace.read("fleet.toml").replace("smart-home-hub", "slow-hub");
    workspace.write("fleet.toml", &inventory);
    let program = workspace.start(&FETCH);
    program.wait_for("half of it", || half_is_there(&workspace));
    program.signal(Signal::SIGSTOP);
    program.wait_until_stopped();
    gate.open();
    // The passing of the idle time is the point: nothing can be waited for in a stopped process.
    thread::sleep(Duration::from_millis(3500));
    program.signal(Signal::SIGCONT);
    let report = program.finish().expect_status(0).report();
    assert_eq!(report.device("hub")["attempts"], 1);
    assert_eq!(std::fs::read(workspace.path("db/hub.db")).unwrap(), file);
    assert_eq!(hubs.connections(), 1);
}

#[test]
fn a_disk_that_is_full_costs_its_own_file_only() {
    let gate = Gate::closed();
    let (hubs, workspace) =
        hub(vec![Step::Wait(gate.clone()), announced(900_000), Step::Send(looks_like_a_database(900_000))]);
    let small = looks_like_a_database(100_000);
    hubs.script("127.0.7.2", vec![vec![Step::Wait(gate.clone()), announced(small.len()), Step::Send(small.clone())]]);
    let inventory = workspace.read("fleet.toml");
    let second = inventory.replace("\"hub\"", "\"small\"").replace(HUB, "127.0.7.2");
    workspace.write("fleet.toml", &format!("{inventory}{second}"));
    let program = workspace.start(&FETCH);
    program.wait_for("two requests", || hubs.requests(HUB).len() + hubs.requests("127.0.7.2").len() == 2);
    program.limit_file_size(500_000);
    gate.open();
    let report = program.finish().expect_status(1).report();
    report.expect("hub", failed("no_reply", "internal"));
    report.expect("small", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
    assert_eq!(std::fs::read(workspace.path("db/small.db")).unwrap(), small);
    std::fs::remove_file(workspace.path("db/small.db")).unwrap();
    expect_untouched(&workspace, "full");
}
