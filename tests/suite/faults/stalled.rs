//! Our own process stands still over its devices' deadlines while their replies lie in the kernel.
//!
//! A reply that was there in time counts: a timer that fires first after the stall must not make it a `no_reply`.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{FakeFleet, Gate, Step, Workspace};

const DISPLAYS: usize = 200;
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);

#[test]
fn replies_that_came_while_the_program_was_stopped_are_counted() {
    // `ka` could hide a lie behind a retry, `mc` could not.
    for (command, reply) in [("ka 01 01", "a 01 OK01x"), ("mc 01 08", "c 01 OK08x")] {
        let fleet = FakeFleet::start();
        let gate = Gate::closed();
        for number in 1..=DISPLAYS {
            fleet.on_command(&format!("127.0.2.{number}"), 1, vec![vec![Step::Wait(gate.clone()), Step::Reply]]);
        }
        let port = fleet.port();
        let workspace = Workspace::with_inventory(&format!(
            "[[device]]\nname = \"tv-[001-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.0.2.[1-{DISPLAYS}]:{port}\"\n"
        ));
        let program = workspace.start(&[
            "run",
            "--cmd",
            command,
            "--retries",
            "0",
            "--reply-timeout",
            "3s",
            "--format",
            "json",
            "-c",
            "200",
        ]);
        fleet.wait_until("all commands", |fleet| fleet.commands() == DISPLAYS);
        program.signal(Signal::SIGSTOP);
        program.wait_until_stopped();
        gate.open();
        fleet.wait_until("all replies written", |fleet| {
            (1..=DISPLAYS).all(|number| fleet.journal(&format!("127.0.2.{number}")).commands[0].answered.is_some())
        });
        // The passing of the deadline is the point, not a hope: nothing can be waited for in a stopped process.
        thread::sleep(REPLY_TIMEOUT + Duration::from_secs(1));
        program.signal(Signal::SIGCONT);
        let report = program.finish().expect_status(0).report();
        assert_eq!(report.count("ok"), DISPLAYS, "{:#}", report.document()["summary"]);
        assert!(report.devices().iter().all(|device| device["reply"] == reply && device["attempts"] == 1));
        assert_eq!(fleet.commands(), DISPLAYS);
    }
}
