//! Nights of a schedule, from the inventory to the mailbox: what is new, what still fails, what works again, and that the
//! run could not start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{FakeFleet, Finished, MailServer, MailServerKind, Step, WebServer, Workspace, closed_port};

/// A mail's subject and its text part, which comes first.
pub(super) fn mail(mail: &Value) -> (String, String) {
    let data = String::from_utf8(STANDARD.decode(mail["data"].as_str().unwrap()).unwrap()).unwrap();
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    let subject = head.replace("\r\n ", " ").lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned));
    let text = body.split("base64\r\n\r\n").nth(1).unwrap();
    let text: String = text.lines().take_while(|line| !line.starts_with("--")).collect();
    (subject.unwrap(), String::from_utf8(STANDARD.decode(text).unwrap()).unwrap())
}

fn inventory(fleet: &FakeFleet, mail_port: u16, schedule: &str) -> String {
    format!(
        "[fleet]\nname = \"field-tvs\"\n[run]\nretries = 0\nreply_timeout = \"1s\"\n[sites.hq]\ntimezone = \"Europe/Berlin\"\n\
         [defaults]\ntype = \"lg-rs232\"\nsite = \"hq\"\n\
         [[device]]\nname = \"tv-[1-5]\"\naddress = \"127.46.0.[1-5]:{}\"\n\
         [notify.ops]\nkind = \"email\"\nserver = \"smtp://localhost:{mail_port}\"\nfrom = \"fleet@example.com\"\n\
         to = [\"ops@example.com\"]\nwhen = \"change\"\n\
         [[schedule]]\nname = \"morning\"\ncron = \"30 5 * * *\"\ndo = \"power-on\"\nnotify = [\"ops\"]\n{schedule}",
        fleet.port()
    )
}

fn night(workspace: &Workspace) -> Finished {
    workspace.fleetctl(&["schedule", "run", "morning", "-q"])
}

#[test]
fn three_nights_tell_what_is_new_what_still_fails_and_what_works_again() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("fleet.toml", &inventory(&fleet, server.port(), ""));
    // Three are dark in the first night, two in the second, none in the third.
    for (dead, nights) in [(1, 1), (2, 2), (3, 2)] {
        let refusals = vec![vec![Step::Send(b"a 01 NG01x".to_vec())]; nights];
        fleet.on_command(&format!("127.46.0.{dead}"), 1, [refusals, vec![vec![Step::Reply]]].concat());
    }
    night(&workspace).expect_status(1);
    let (subject, text) = mail(&server.wait_for(1)[0]);
    assert!(subject.contains("field-tvs") && subject.contains("morning"), "{subject}");
    assert!(text.contains("tv-[1-3]"), "{text}");

    night(&workspace).expect_status(1);
    let (_, text) = mail(&server.wait_for(2)[1]);
    let still = text.lines().find(|line| line.to_lowercase().contains("still")).unwrap_or_default();
    assert!(!still.is_empty() && text.contains("tv-[2-3]") && text.contains("tv-1"), "{text}");

    night(&workspace).expect_status(0);
    let (_, text) = mail(&server.wait_for(3)[2]);
    assert!(text.contains("tv-[2-3]") && !text.to_lowercase().contains("still"), "{text}");

    // Nothing changes any more: nobody is told.
    night(&workspace).expect_status(0);
    assert_eq!(server.mails().len(), 3);
    let listed = workspace.fleetctl(&["history", "list", "--format", "json"]).expect_status(0).json();
    let runs = listed["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run["schedule"] == "morning"));
}

#[test]
fn who_cannot_be_told_costs_status_4_and_stands_in_the_history() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let missing = "[notify.own]\nkind = \"command\"\nargv = [\"./missing\"]\nwhen = \"always\"\n";
    let text = inventory(&fleet, 1, "").replace("notify = [\"ops\"]", "notify = [\"own\"]");
    workspace.write("fleet.toml", &(missing.to_owned() + &text));
    fleet.on_command("127.46.0.1", 1, vec![vec![Step::Send(b"a 01 NG01x".to_vec())], vec![Step::Reply]]);
    // What devices refuse counts before what could not be told.
    let first = night(&workspace);
    first.expect_status(1);
    assert!(first.stderr.contains("`own`") && first.stderr.contains("missing"), "{}", first.stderr);
    let shown = workspace.fleetctl(&["history", "show", "last"]);
    assert!(shown.expect_status(0).stdout.contains("not told: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("`own`"), "{}", shown.stdout);
    night(&workspace).expect_status(4);
    workspace.fleetctl(&["schedule", "run", "morning", "-q", "--no-notify"]).expect_status(0);
}

#[test]
fn a_kill_while_the_mail_server_is_away_loses_no_letter() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let (_socket, closed) = closed_port("127.0.0.1");
    let always = |port| inventory(&fleet, port, "").replace("when = \"change\"", "when = \"always\"");
    workspace.write("fleet.toml", &always(closed));
    let run = workspace.start(&["schedule", "run", "morning", "-q"]);
    let history = workspace.path(".state/fleetctl/history.db");
    let letters = || -> i64 {
        let open = rusqlite::Connection::open_with_flags(&history, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE);
        open.and_then(|open| open.query_row("SELECT count(*) FROM letter", (), |row| row.get(0))).unwrap_or(0)
    };
    run.wait_for("a letter that is kept", || letters() == 1);
    run.signal(Signal::SIGKILL);
    run.finish();
    // The two minutes in which the one who was killed might still have tried are over.
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("fleet.toml", &always(server.port()));
    rusqlite::Connection::open(&history).unwrap().execute("UPDATE letter SET next_at = 0", ()).unwrap();
    night(&workspace).expect_status(0);
    let mails = server.wait_for(2);
    let subjects: Vec<String> = mails.iter().map(|one| mail(one).0).collect();
    assert_eq!((mails.len(), letters()), (2, 0), "{subjects:?}");
    assert!(subjects.iter().all(|subject| subject.contains("5 of 5")), "{subjects:?}");
}

#[test]
fn nobody_has_to_wait_for_a_mail_server_that_is_away() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let (_socket, closed) = closed_port("127.0.0.1");
    let text = inventory(&fleet, closed, "").replace("when = \"change\"", "when = \"always\"");
    workspace.write("fleet.toml", &text);
    let run = workspace.start(&["schedule", "run", "morning"]);
    run.wait_for_stdout("5 of 5 acknowledged");
    let letters = || -> i64 {
        let open = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
        open.query_row("SELECT count(*) FROM letter", (), |row| row.get(0)).unwrap()
    };
    run.wait_for("a letter that is kept", || letters() == 1);
    run.signal(Signal::SIGINT);
    let finished = run.finish();
    assert!(
        finished.expect_status(4).stderr.contains("`ops` did not arrive: SIGINT came first; it is kept"),
        "{finished}"
    );
    assert_eq!(letters(), 1);
}

#[test]
fn a_broken_inventory_is_told_to_whom_the_schedule_names_and_that_it_runs_again_too() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let text =
        inventory(&fleet, server.port(), "") + "[[device]]\nname = \"tv-9\"\naddress = \"127.46.0.9\"\ntyp = \"x\"\n";
    workspace.write("fleet.toml", &text);
    night(&workspace).expect_status(2);
    let (_, text) = mail(&server.wait_for(1)[0]);
    assert!(text.contains("typ"), "{text}");
    assert_eq!(fleet.connections(), 0);
    workspace.fleetctl(&["schedule", "run", "morning", "-q", "--no-notify"]).expect_status(2);
    assert_eq!(server.mails().len(), 1);

    // That it works again is a change, though no device failed before; that it goes on to work is none.
    workspace.write("fleet.toml", &inventory(&fleet, server.port(), ""));
    night(&workspace).expect_status(0);
    let (subject, text) = mail(&server.wait_for(2)[1]);
    assert!(subject.contains("runs again, 5 of 5"), "{subject}");
    assert!(text.contains("it could not start since "), "{text}");
    night(&workspace).expect_status(0);
    assert_eq!(server.mails().len(), 2);
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_that_it_runs_again_too() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let web = WebServer::start("200 OK");
    let lines = format!(
        "reports = [\"json=gone/night.json\"]\n[notify.heart]\nkind = \"heartbeat\"\nurl = \"{}/ping\"\n",
        web.url()
    );
    let text = inventory(&fleet, server.port(), &lines);
    workspace.write("fleet.toml", &text.replace("notify = [\"ops\"]", "notify = [\"ops\", \"heart\"]"));
    let refused = night(&workspace);
    assert!(refused.expect_status(2).stderr.contains("gone/night.json"), "{refused}");
    let (subject, said) = mail(&server.wait_for(1)[0]);
    assert!(subject.contains("could not start") && said.contains("gone/night.json"), "{subject}\n{said}");
    let pings = || -> Vec<String> { web.requests().into_iter().map(|request| request.line).collect() };
    assert_eq!(pings(), ["POST /ping/fail HTTP/1.1"]);
    assert_eq!(fleet.connections(), 0);

    std::fs::create_dir(workspace.path("gone")).unwrap();
    night(&workspace).expect_status(0);
    let (subject, _) = mail(&server.wait_for(2)[1]);
    assert!(subject.contains("runs again, 5 of 5"), "{subject}");
    assert_eq!(pings()[1..], ["POST /ping/start HTTP/1.1", "POST /ping HTTP/1.1"]);
}

#[test]
fn whoever_is_told_late_stands_in_the_history_so_and_whoever_never_is_too() {
    let fleet = FakeFleet::start();
    let workspace = Workspace::new();
    let late = "[notify.own]\nkind = \"command\"\nargv = [\"./late\"]\nwhen = \"always\"\n";
    let text = inventory(&fleet, 1, "").replace("notify = [\"ops\"]", "notify = [\"own\"]");
    workspace.write("fleet.toml", &(late.to_owned() + &text));
    let history = || rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    let shown = |run: &str| workspace.fleetctl(&["history", "show", run]).expect_status(0).stdout.clone();
    let run = || -> String {
        night(&workspace).expect_status(4);
        history().query_row("SELECT run_id FROM run ORDER BY id DESC", (), |row| row.get(0)).unwrap()
    };
    let first = run();
    assert!(shown(&first).contains("not told: notification `own`"), "{}", shown(&first));
    assert!(shown(&first).contains("it is kept, to be sent later"));

    // Nobody tries the first letter any more; the second arrives with the third night.
    history().execute("UPDATE letter SET next_at = 0, give_up_at = 0", ()).unwrap();
    let second = run();
    assert!(shown(&first).contains("not told: ") && !shown(&first).contains("it is kept"), "{}", shown(&first));
    history().execute("UPDATE letter SET next_at = 0", ()).unwrap();
    workspace.write("late", "#!/bin/sh\ncat >> heard\n");
    std::fs::set_permissions(workspace.path("late"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    night(&workspace).expect_status(0);
    assert!(workspace.read("heard").contains(&second));
    let said = shown(&second);
    assert!(said.contains("told late, at 20") && said.contains("at first: notification `own`"), "{said}");
    assert!(!said.contains("not told") && !said.contains("it is kept"), "{said}");
    assert!(!shown("last").contains("told"), "{}", shown("last"));
}
