//! A raw command to set ID 0 speaks to every display on the line; none may be asked to confirm it.

use crate::support::{Expected, FakeFleet, Workspace, send};

const TV: &str = "127.4.0.1";
const SENT: Expected = Expected { status: "sent", kind: None, delivery: "unknown", attempts: 1 };

#[test]
fn a_broadcast_is_sent_and_a_success_whatever_comes_back() {
    let answers = [vec![], vec![send("a 01 OK01xa 02 OK01x")], vec![send("a 00 NG01x")]];
    for (answer, command) in answers.into_iter().zip(["ka 00 01", "ka 00 00", "ka 000 01"]) {
        let fleet = FakeFleet::start();
        fleet.on_command(TV, 0, vec![answer]);
        let workspace = Workspace::with_inventory(&format!(
            "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"{TV}:{}\"\n",
            fleet.port()
        ));
        let finished = workspace.fleetctl(&["run", "--cmd", command, "--format", "json"]);
        let report = finished.expect_status(0).report();
        report.expect("tv", SENT);
        assert_eq!((report.count("sent"), report.count("ok")), (1, 0));
        assert_eq!(fleet.journal(TV).bytes(), format!("{command}\r").as_bytes());
        assert!(
            finished.stderr.contains("tv"),
            "a command for another unit than the device's own is a warning: {finished}"
        );
    }
}
