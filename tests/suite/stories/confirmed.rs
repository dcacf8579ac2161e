//! A run over many devices wants a person's yes: `[run] confirm_above`.

use std::fs::File;
use std::io::{Read as _, Write as _};

use nix::pty::openpty;

use crate::support::{FakeFleet, Finished, Running, Workspace};

fn workspace(fleet: &FakeFleet) -> Workspace {
    Workspace::with_inventory(&format!(
        "[run]\nconfirm_above = 2\n[sites.hq]\n[defaults]\ntype = \"lg-rs232\"\nsite = \"hq\"\n\
         [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.1.0.[1-3]:{}\"\n",
        fleet.port()
    ))
}

/// Runs on a terminal of its own, where somebody answers the question so. Says what stood there before the answer.
fn answered(workspace: &Workspace, answer: &str) -> (String, Finished) {
    let terminal = openpty(None, None).unwrap();
    let (slave, arguments) = (File::from(terminal.slave), ["run", "--do", "power-on"]);
    let running = Running::start_with(workspace.folder(), &arguments, |command| {
        command.stdin(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
    });
    let mut master = File::from(terminal.master);
    let mut shown = String::new();
    while !shown.contains("yes or no: ") {
        let mut piece = [0; 256];
        let count = master.read(&mut piece).unwrap();
        shown.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    master.write_all(answer.as_bytes()).unwrap();
    // What is written to the terminal from here on is read, so that nothing waits for room on it.
    let reading = std::thread::spawn(move || {
        let mut piece = [0; 256];
        while master.read(&mut piece).is_ok_and(|count| count > 0) {}
    });
    let finished = running.finish();
    drop(slave);
    reading.join().unwrap();
    (shown, finished)
}

#[test]
fn on_a_terminal_the_question_says_what_is_sent_to_whom_and_waits_for_a_yes() {
    let fleet = FakeFleet::start();
    let workspace = workspace(&fleet);
    for no in ["n\n", "\n", "\u{4}"] {
        let (question, refused) = answered(&workspace, no);
        refused.expect_status(2);
        for word in ["power-on", "3 devices", "lg-rs232 (3)", "hq (3)"] {
            assert!(question.contains(word), "{word}: {question}");
        }
    }
    assert_eq!(fleet.connections(), 0, "nobody was even called");
    let (_, agreed) = answered(&workspace, "y\n");
    assert!(agreed.expect_status(0).stdout.contains("3 of 3 acknowledged"), "{}", agreed.stdout);
    assert_eq!(fleet.commands(), 3);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let fleet = FakeFleet::start();
    let workspace = workspace(&fleet);
    let refused = workspace.fleetctl(&["run", "--do", "power-on"]);
    refused.expect_status(2);
    assert!(refused.stderr.contains("3 devices") && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(fleet.journal("127.1.0.1").bytes(), b"");
    assert!(fleet.journal("127.1.0.1").connections.is_empty(), "nobody was even called");

    workspace.fleetctl(&["run", "--do", "power-on", "-s", "tv-[1-2]"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-on", "--yes"]).expect_status(0);
    assert_eq!(fleet.journal("127.1.0.3").bytes(), b"ka 01 01\r");
    // Neither of these moves anything, so neither asks.
    workspace.fleetctl(&["run", "--do", "power-on", "--dry-run"]).expect_status(0);
    workspace.fleetctl(&["run", "--do", "power-on", "--simulate"]).expect_status(0);
}
