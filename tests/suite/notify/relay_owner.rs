//! The relay owner's night: two pumps on one board are switched by a schedule, and the mail says which relay of which board
//! did not do it.

use jiff::{Timestamp, ToSpan as _};
use nix::sys::signal::Signal;

use super::nights::mail;
use crate::support::{MailServer, MailServerKind, Peer, Workspace};

/// Two pumps on the board at this address, a schedule that came two minutes ago, and an owner who hears of every run.
fn inventory(board: &str, mail_port: u16) -> String {
    let minute = (Timestamp::now() - 2.minutes()).strftime("%M").to_string();
    format!(
        "[fleet]\nname = \"greenhouse\"\n[run]\nretries = 0\nreply_timeout = \"1s\"\n\
         [defaults]\ntype = \"devantech-eth008\"\n\
         [[device]]\nname = \"pump-north\"\naddress = \"{board}\"\nparams = {{ relay = 3 }}\n\
         [[device]]\nname = \"pump-south\"\naddress = \"{board}\"\nparams = {{ relay = 4 }}\n\
         [notify.owner]\nkind = \"email\"\nserver = \"smtp://localhost:{mail_port}\"\nfrom = \"fleet@example.com\"\n\
         to = [\"owner@example.com\"]\nwhen = \"always\"\n\
         [[schedule]]\nname = \"watering\"\ncron = \"{minute} * * * *\"\ntimezone = \"UTC\"\ndo = \"relay-on\"\n\
         missed = \"run-within 30m\"\nnotify = [\"owner\"]\n"
    )
}

#[test]
fn the_owner_reads_which_relay_of_which_board_was_switched_and_which_was_not() {
    // The first night both obey; the second the board refuses relay 4; the third it is silent from the first command on.
    let board = Peer::start(&["> 20 03 00 < 00 > 20 04 00 < 00", "> 20 03 00 < 00 > 20 04 00 < 01", "> 20 03 00"]);
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("fleet.toml", &inventory(&board.address(), server.port()));
    let night = |status| _ = workspace.fleetctl(&["schedule", "run", "watering", "-q"]).expect_status(status);

    night(0);
    let (subject, text) = mail(&server.wait_for(1)[0]);
    assert!(subject.contains("greenhouse, watering: 2 of 2 acknowledged"), "{subject}");
    assert!(text.contains("relay-on"), "{text}");
    assert!(!text.contains("FAILURES"), "{text}");
    for place in ["pump-north: relay 3 at ", "pump-south: relay 4 at "] {
        assert!(text.contains(&format!("{place}{}", board.address())), "{text}");
    }

    night(1);
    let (subject, text) = mail(&server.wait_for(2)[1]);
    assert!(subject.contains("1 of 2 failed (new)"), "{subject}");
    let failures = text.split("DONE (1)").next().unwrap();
    assert!(failures.contains("pump-south: refused") && !failures.contains("pump-north"), "{text}");
    assert!(failures.contains(&format!("    relay 4 at {}", board.address())), "{text}");

    night(1);
    let (subject, text) = mail(&server.wait_for(3)[2]);
    assert!(subject.contains("2 of 2 failed (1 new)"), "{subject}");
    for (name, relay) in [("pump-north", "relay 3"), ("pump-south", "relay 4")] {
        assert!(text.contains(name) && text.contains(relay), "{name}: {text}");
    }
    assert!(text.contains("STILL FAILING (1)") && text.contains("may have acted"), "{text}");
}

#[test]
fn a_switch_that_the_daemon_makes_is_told_too() {
    let board = Peer::start(&["> 20 03 00 < 00 > 20 04 00 < 00", "> 20 03 00 < 01 > 20 04 00 < 00"]);
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("fleet.toml", &inventory(&board.address(), server.port()));
    workspace.fleetctl(&["schedule", "run", "watering", "-q"]).expect_status(0);
    let history = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    let back = "UPDATE run SET started_at = started_at - 2700000, finished_at = finished_at - 2700000";
    assert_eq!(history.execute(back, ()).unwrap(), 1);
    let daemon = workspace.start(&["daemon", "--listen", "127.0.0.1:0"]);
    let (subject, text) = mail(&server.wait_for(2)[1]);
    assert!(subject.contains("greenhouse, watering: 1 of 2 failed (new)"), "{subject}");
    assert!(text.contains("pump-north") && text.contains(&board.address()) && text.contains("relay 3"), "{text}");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().expect_status(0);
    assert_eq!(board.heard().iter().filter(|heard| *heard == "20 03 00").count(), 2, "once each night");
}

#[test]
fn a_switch_in_which_the_daemon_was_killed_is_told_by_the_next_one_once() {
    // The board takes the first command of the second night and says nothing: there the process is killed.
    let board = Peer::start(&["> 20 03 00 < 00 > 20 04 00 < 00", "> 20 03 00"]);
    let workspace = Workspace::new();
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let text = inventory(&board.address(), server.port()).replace("reply_timeout = \"1s\"", "reply_timeout = \"60s\"");
    workspace.write("fleet.toml", &text);
    workspace.fleetctl(&["schedule", "run", "watering", "-q"]).expect_status(0);
    let history = rusqlite::Connection::open(workspace.path(".state/fleetctl/history.db")).unwrap();
    let back = "UPDATE run SET started_at = started_at - 2700000, finished_at = finished_at - 2700000";
    assert_eq!(history.execute(back, ()).unwrap(), 1);
    let start = || workspace.start(&["daemon", "--listen", "127.0.0.1:0"]);
    let has_heard = |count: usize| board.heard().iter().filter(|heard| *heard == "20 03 00").count() == count;
    let daemon = start();
    daemon.wait_for("the first command of the night", || has_heard(2));
    // Harmless as it is, the command did not wait for the record.
    let runs = || -> i64 { history.query_row("SELECT count(*) FROM run", (), |row| row.get(0)).unwrap() };
    daemon.wait_for("the record of the night", || runs() == 2);
    daemon.signal(Signal::SIGKILL);
    daemon.finish();
    assert_eq!(server.mails().len(), 1, "it had no time to tell");

    let again = start();
    let (subject, text) = mail(&server.wait_for(2)[1]);
    assert!(subject.contains("greenhouse, watering: cut short:"), "{subject}");
    assert!(text.contains("[cut short: interrupted]") && text.contains("pump-north"), "{text}");
    again.signal(Signal::SIGTERM);
    again.finish().expect_status(0);
    let third = start();
    third.wait_for_stderr("listening on");
    third.signal(Signal::SIGTERM);
    third.finish().expect_status(0);
    assert_eq!(server.mails().len(), 2, "once");
    assert!(has_heard(2), "and no relay is switched again for that");
}
