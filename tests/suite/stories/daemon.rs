//! All schedules in one process: a run that is due is carried out, monitoring and systemd see it, files may break, and it
//! stops in good order.
//!
//! What is due is so because the last run in the history lies some time back, and `missed` lets its successor run late: no
//! test waits for a minute to come.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;

use jiff::{Timestamp, ToSpan};
use nix::sys::signal::Signal;

use super::formats::promtool;
use crate::support::{FakeFleet, Gate, Running, Step, WebServer, Workspace};

const DISPLAY: &str = "127.48.0.1";
const DAEMON: [&str; 3] = ["daemon", "--listen", "127.0.0.1:0"];

/// An inventory whose schedule came two minutes ago, and comes again in an hour.
fn inventory(fleet: &FakeFleet, name: &str, lines: &str) -> String {
    let minute = (Timestamp::now() - 2.minutes()).strftime("%M").to_string();
    format!(
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"{DISPLAY}:{}\"\n\
         [[schedule]]\nname = \"{name}\"\ncron = \"{minute} * * * *\"\ntimezone = \"UTC\"\ndo = \"power-on\"\n\
         missed = \"run-within 30m\"\n{lines}\n",
        fleet.port()
    )
}

/// A fleet whose schedule ran three quarters of an hour ago: a run is due.
fn due() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", ""));
    workspace.fleetctl(&["schedule", "run", "morning"]).expect_status(0);
    let history = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    let back = "UPDATE run SET started_at = started_at - 2700000, finished_at = finished_at - 2700000";
    assert_eq!(history.execute(back, ()).unwrap(), 1);
    (fleet, workspace)
}

/// What is answered to a request with these lines in its head, from its first line on.
fn asked(daemon: &Running, request: &str) -> String {
    let said = daemon.stderr();
    let (_, rest) = said.split_once("listening on http://").unwrap();
    let mut stream = TcpStream::connect(rest.lines().next().unwrap()).unwrap();
    stream.write_all(format!("{request}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(daemon: &Running, path: &str) -> String {
    asked(daemon, &format!("GET {path} HTTP/1.1\r\nHost: localhost"))
}

fn metrics(daemon: &Running) -> String {
    get(daemon, "/metrics").split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_run_that_is_due_is_carried_out_and_shown_to_monitoring_before_and_after_a_restart() {
    let (fleet, workspace) = due();
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for_stderr("morning: completed, 1 of 1 devices are a success");
    assert_eq!(fleet.commands_seen_by(DISPLAY, 1), ["ka 01 01", "ka 01 01"]);
    let shown = metrics(&daemon);
    assert_eq!(promtool(&shown), (true, String::new()), "{shown}");
    for line in [
        "fleetctl_run_success{run=\"morning\"} 1",
        "fleetctl_run_devices{run=\"morning\",status=\"ok\"} 1",
        "fleetctl_device_ok{run=\"morning\",device=\"tv\",site=\"\"} 1",
        "fleetctl_schedule_not_run_total{run=\"morning\",reason=\"missed\"} 0",
        "fleetctl_inventory_up_to_date 1",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line} is missing in\n{shown}");
    }
    let health = get(&daemon, "/healthz");
    assert!(health.starts_with("HTTP/1.1 200 ") && health.contains("\"status\":\"ok\""), "{health}");
    for (request, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: evil.example", "421"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example", "403"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost", "405"),
    ] {
        let answer = asked(&daemon, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && !answer.contains("fleetctl_run"), "{answer}");
    }
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);

    let again = workspace.start(&DAEMON);
    again.wait_for_stderr("listening on");
    let of_runs = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("fleetctl_run") || line.starts_with("fleetctl_device"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let known = of_runs(&metrics(&again));
    assert_eq!(known, of_runs(&shown), "what the history knows is what was shown");
    assert!(
        known.iter().any(|line| line.starts_with("fleetctl_run_last_success_timestamp_seconds{run=\"morning\"} 1"))
    );
    again.signal(Signal::SIGINT);
    again.finish().expect_status(0);
    assert_eq!(fleet.commands(), 2, "nothing was due the second time");
}

#[test]
fn runs_that_somebody_makes_beside_it_are_shown_too() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", ""));
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for_stderr("listening on");
    assert!(!metrics(&daemon).contains("fleetctl_run_success"), "nothing has run");
    workspace.fleetctl(&["schedule", "run", "morning"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-off"]).expect_status(0);
    let has = |line: &str| metrics(&daemon).lines().any(|one| one == line);
    for run in ["morning", "power-off"] {
        daemon.wait_for(run, || has(&format!("fleetctl_run_success{{run=\"{run}\"}} 1")));
    }
    fleet.on_command(DISPLAY, 1, vec![vec![Step::Reply], vec![Step::Reply], vec![Step::Send(b"c 01 NG01x".to_vec())]]);
    workspace.fleetctl(&["run", "--cmd", "kc 01 01"]).expect_status(1);
    daemon.wait_for("the failure", || has("fleetctl_run_success{run=\"cmd\"} 0"));
    let shown = metrics(&daemon);
    assert_eq!(promtool(&shown), (true, String::new()), "{shown}");
    assert_eq!(shown.matches("\nfleetctl_run_success{").count(), 3, "{shown}");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
}

#[test]
fn a_broken_inventory_leaves_the_old_one_at_work_until_it_is_right_again() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", ""));
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for_stderr("listening on");
    workspace.write("fleet.toml", &inventory(&fleet, "evening", "verfy = true"));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_stderr("is broken; the one from before is used on");
    daemon.wait_for_stderr("did you mean `verify`?");
    let health = get(&daemon, "/healthz");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("an older one is used: 1 mistake"), "{health}");
    let shown = metrics(&daemon);
    assert!(shown.contains("run=\"morning\"") && !shown.contains("run=\"evening\""), "{shown}");
    workspace.write("fleet.toml", &inventory(&fleet, "evening", "verify = true"));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_stderr("the inventory was read again; schedules: 1");
    assert!(get(&daemon, "/healthz").starts_with("HTTP/1.1 200 "));
    let shown = metrics(&daemon);
    assert!(shown.contains("run=\"evening\"") && !shown.contains("run=\"morning\""), "{shown}");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
}

#[test]
fn a_run_in_flight_gets_its_grace_and_a_second_signal_ends_it() {
    let (fleet, workspace) = due();
    let gate = Gate::closed();
    fleet.on_command(DISPLAY, 1, vec![vec![Step::Reply], vec![Step::Wait(gate.clone()), Step::Reply]]);
    let daemon = workspace.start(&DAEMON);
    fleet.wait_until("the second command", |fleet| fleet.commands() == 2);
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_stderr("SIGTERM: nothing new starts; runs in flight, which may end: 1");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(143);
    gate.open();
    let shown = workspace.fleetctl(&["report", "last", "--format", "json"]).expect_status(0).report();
    assert_eq!(shown.ended(), "interrupted");
    assert_eq!(shown.devices()[0]["error"]["kind"], "interrupted");
}

#[test]
fn a_run_whose_display_answers_within_the_grace_is_whole_and_the_stop_a_success() {
    let (fleet, workspace) = due();
    let gate = Gate::closed();
    fleet.on_command(DISPLAY, 1, vec![vec![Step::Reply], vec![Step::Wait(gate.clone()), Step::Reply]]);
    let daemon = workspace.start(&DAEMON);
    fleet.wait_until("the second command", |fleet| fleet.commands() == 2);
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_stderr("nothing new starts");
    gate.open();
    let finished = daemon.finish();
    assert!(finished.expect_status(0).stderr.contains("morning: completed, 1 of 1"), "{finished}");
}

#[test]
fn a_first_time_that_came_while_the_machine_was_off_is_made_up_and_one_from_before_the_entry_is_not() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", ""));
    let begun_and_ended = || {
        let daemon = workspace.start(&DAEMON);
        daemon.wait_for_stderr("listening on http://");
        daemon.wait_for("the schedule", || metrics(&daemon).contains("fleetctl_schedule_next_run_timestamp_seconds{"));
        daemon.signal(Signal::SIGTERM);
        daemon.finish().expect_status(0).stderr.clone()
    };
    for _ in 0..2 {
        assert!(!begun_and_ended().contains("morning, planned for"), "it was written after its time");
    }
    assert_eq!(fleet.commands(), 0);
    let history = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    assert_eq!(history.execute("UPDATE schedule SET since = since - 2700000", ()).unwrap(), 1);
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for_stderr("morning: completed, 1 of 1 devices are a success");
    assert_eq!(fleet.commands_seen_by(DISPLAY, 1), ["ka 01 01"]);
    // What comes with SIGHUP is seen from then on.
    workspace.write("fleet.toml", &inventory(&fleet, "evening", ""));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_stderr("the inventory was read again; schedules: 1");
    let names = "SELECT group_concat(name) FROM schedule";
    assert_eq!(history.query_row(names, (), |row| row.get::<_, String>(0)).unwrap(), "evening");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
    assert_eq!(fleet.commands(), 1);
}

#[test]
fn devices_have_series_of_their_own_unless_that_is_not_wanted() {
    let (_fleet, workspace) = due();
    let reports = "reports = [\"prometheus=fleet.prom\"]";
    workspace.write("fleet.toml", &workspace.read("fleet.toml").replace("missed =", &format!("{reports}\nmissed =")));
    let daemon = workspace.start(&[&DAEMON[..], &["--metrics-per-device", "never"]].concat());
    let shown = || metrics(&daemon);
    daemon.wait_for_stderr("morning: completed, 1 of 1 devices are a success");
    for text in [shown(), workspace.read("fleet.prom")] {
        assert!(text.contains("fleetctl_run_success{run=\"morning\"} 1"), "{text}");
        assert!(!text.contains("fleetctl_device_"), "{text}");
    }
    // Runs that it only knows from the history are shown alike.
    workspace.fleetctl(&["run", "--do", "power-off"]).expect_status(0);
    daemon.wait_for("the run by hand", || shown().contains("fleetctl_run_success{run=\"power-off\"} 1"));
    assert!(!shown().contains("fleetctl_device_"), "{}", shown());
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
    let wrong = workspace.fleetctl(&[&DAEMON[..], &["--metrics-per-device", "often"]].concat());
    assert!(wrong.expect_status(2).stderr.contains("`always`, `never` or `auto`"), "{wrong}");
}

#[test]
fn a_run_whose_report_cannot_be_written_does_not_start_and_that_is_told() {
    let (fleet, workspace) = due();
    let server = WebServer::start("200 OK");
    let lines = format!(
        "reports = [\"json=no/such.json\"]\nnotify = [\"heart\"]\n\
         [notify.heart]\nkind = \"heartbeat\"\nurl = \"{}/ping\"",
        server.url()
    );
    workspace.write("fleet.toml", &inventory(&fleet, "morning", &lines));
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for_stderr("could not start, nothing was sent: cannot write the report");
    daemon.wait_for("a ping", || server.requests().len() == 1);
    assert_eq!(server.requests()[0].line, "POST /ping/fail HTTP/1.1");
    let health = get(&daemon, "/healthz");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("no/such.json"), "{health}");
    let not_run = "fleetctl_schedule_not_run_total{run=\"morning\",reason=\"not_started\"} 1";
    assert!(metrics(&daemon).lines().any(|line| line == not_run));
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
    assert_eq!(fleet.commands_seen_by(DISPLAY, 1).len(), 1, "only the run before");
}

#[test]
fn a_full_disk_costs_the_record_and_the_reports_and_ends_nothing() {
    let (fleet, workspace) = due();
    workspace.write("fleet.toml", &inventory(&fleet, "morning", "reports = [\"json=night.json\"]"));
    let gate = Gate::closed();
    fleet.on_command(DISPLAY, 1, vec![vec![Step::Reply], vec![Step::Wait(gate.clone()), Step::Reply]]);
    let daemon = workspace.start(&DAEMON);
    fleet.wait_until("the second command", |fleet| fleet.commands() == 2);
    daemon.limit_file_size(1);
    gate.open();
    daemon.wait_for_stderr("morning: completed, 1 of 1 devices are a success");
    daemon.wait_for_stderr("the record of this run could not be written");
    daemon.wait_for_stderr("night.json` could not be written");
    let health = get(&daemon, "/healthz");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("could not be written"), "{health}");
    assert!(metrics(&daemon).contains("fleetctl_run_success{run=\"morning\"} 1\n"));
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
}

#[test]
fn whoever_the_schedule_names_is_told_of_its_run() {
    let (fleet, workspace) = due();
    let server = WebServer::start("200 OK");
    let heart = format!("notify = [\"heart\"]\n[notify.heart]\nkind = \"heartbeat\"\nurl = \"{}/ping\"", server.url());
    workspace.write("fleet.toml", &inventory(&fleet, "morning", &heart));
    let daemon = workspace.start(&DAEMON);
    daemon.wait_for("two pings", || server.requests().len() == 2);
    let lines: Vec<String> = server.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["POST /ping/start HTTP/1.1", "POST /ping HTTP/1.1"]);
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
}

#[test]
fn systemd_hears_that_it_is_ready_alive_reloading_and_stopping() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", ""));
    let path = workspace.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let daemon = Running::start_with(workspace.folder(), &DAEMON, |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000").env_remove("WATCHDOG_PID");
    });
    let hear = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted} never came: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.contains(wanted) {
                return text;
            }
        }
    };
    hear("READY=1");
    let status = hear("STATUS=");
    assert!(status.contains("schedules: 1, next run: 20") && status.contains("running: 0"), "{status}");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    daemon.signal(Signal::SIGHUP);
    let reloading = hear("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    hear("READY=1");
    daemon.signal(Signal::SIGTERM);
    hear("STOPPING=1");
    daemon.finish().expect_status(0);
}

#[test]
fn what_keeps_it_from_beginning_is_said() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::with_inventory(&inventory(&fleet, "morning", "select = \"tw\""));
    let wrong = workspace.fleetctl(&DAEMON);
    assert!(wrong.expect_status(2).stderr.contains("no device is named `tw`"), "{wrong}");
    workspace.write("fleet.toml", &inventory(&fleet, "morning", ""));
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let refused = workspace.fleetctl(&["daemon", "--listen", &taken]);
    assert!(refused.expect_status(2).stderr.contains(&format!("cannot listen on {taken}")), "{refused}");
    workspace.fleetctl(&["daemon", "--listen", "localhost"]).expect_status(2);
}

#[test]
fn a_second_daemon_over_an_inventory_would_run_everything_twice_and_does_not_begin() {
    let (fleet, workspace) = due();
    let first = workspace.start(&DAEMON);
    first.wait_for_stderr("morning: completed");
    let second = workspace.fleetctl(&DAEMON);
    let said = &second.expect_status(2).stderr;
    assert!(said.contains("another daemon runs the schedules of"), "{second}");
    assert!(said.contains(&format!("process {}", first.id())), "{second}");
    // A run by hand is nobody's double.
    workspace.fleetctl(&["schedule", "run", "morning"]).expect_status(0);
    first.signal(Signal::SIGTERM);
    first.finish().expect_status(0);
    assert_eq!(fleet.commands(), 3, "one of the daemon, and two by hand");
    let third = workspace.start(&DAEMON);
    third.wait_for_stderr("listening on");
    third.signal(Signal::SIGTERM);
    let finished = third.finish();
    assert!(!finished.expect_status(0).stderr.contains("taken over"), "{finished}");
}
