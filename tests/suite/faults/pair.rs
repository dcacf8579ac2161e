//! The scene of most fault tests: a device that misbehaves and a healthy one beside it, in one run.
//!
//! Owns the claim that the healthy one never notices.

use serde_json::Value;

use crate::support::{Expected, FakeFleet, Report, Step, Workspace};

/// The gateway of the device that misbehaves.
pub(super) const BAD: &str = "127.0.1.1";
const GOOD: &str = "127.0.1.2";

/// Short waits: a reply that a display sends at once is there long before these are over.
const QUICK: [&str; 6] = ["--reply-timeout", "600ms", "--retry-backoff-initial", "10ms", "--retry-backoff-max", "20ms"];

/// A fleet of two.
pub(super) struct Pair {
    pub(super) fleet: FakeFleet,
    bad_address: String,
}

impl Pair {
    /// Both healthy.
    pub(super) fn new() -> Self {
        let fleet = FakeFleet::start();
        let bad_address = format!("{BAD}:{}", fleet.port());
        Self { fleet, bad_address }
    }

    /// The bad one stands elsewhere.
    pub(super) fn with_bad_address(address: &str) -> Self {
        Self { bad_address: address.to_owned(), ..Self::new() }
    }

    /// The bad one meets its n-th command so; the last entry holds for all that follow.
    pub(super) fn on_command(self, steps: Vec<Vec<Step>>) -> Self {
        self.fleet.on_command(BAD, 1, steps);
        self
    }

    /// The bad one's gateway meets its n-th connection so; the last entry holds for all that follow.
    pub(super) fn on_accept(self, steps: Vec<Vec<Step>>) -> Self {
        self.fleet.on_accept(BAD, steps);
        self
    }

    /// The folder with the inventory of both.
    pub(super) fn workspace(&self) -> Workspace {
        let (bad, port) = (&self.bad_address, self.fleet.port());
        Workspace::with_inventory(&format!(
            r#"
            [defaults]
            type = "lg-rs232"

            [[device]]
            name = "bad"
            address = "{bad}"

            [[device]]
            name = "good"
            address = "{GOOD}:{port}"
            "#
        ))
    }

    /// Runs over both and checks all that must hold whatever the bad one does.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Report {
        let workspace = self.workspace();
        let all = [&["run", "--format", "json"], &QUICK[..], arguments].concat();
        let finished = workspace.fleetctl(&all);
        let report = finished.report();
        assert_eq!(report.names(), ["bad", "good"]);
        assert_eq!(report.ended(), "completed");
        let good = report.expect("good", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
        let journal = self.fleet.journal(GOOD);
        assert_eq!((journal.connections.len(), journal.commands.len()), (1, 1), "{good:#}");
        let success = report.device("bad")["status"] == "ok" || report.device("bad")["status"] == "sent";
        finished.expect_status(i32::from(!success));
        report
    }

    /// Runs, and compares the bad one's entry.
    #[track_caller]
    pub(super) fn expect(&self, arguments: &[&str], expected: Expected) -> Value {
        let report = self.run(arguments);
        let device = report.expect("bad", expected).clone();
        let journal = self.fleet.journal(BAD);
        assert!(journal.most_open <= 1, "two sessions at once at one gateway: {journal:?}");
        if device["sent"].is_null() {
            assert_eq!(journal.bytes(), b"", "the report says that nothing was written");
            assert!(device["sent_hex"].is_null());
        }
        device
    }

    /// What the bad one was sent, command by command.
    pub(super) fn seen(&self) -> Vec<String> {
        self.fleet.journal(BAD).texts().into_iter().map(str::to_owned).collect()
    }
}
