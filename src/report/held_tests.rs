//! Held devices in every report: seen, and counted neither as success nor as failure.

use super::test_run::{action, device, ok, outcome, render, run_of};
use super::{Csv, Html, Json, Junit, Nagios, PerDevice, Prometheus, Style, Table, TableOptions, Thresholds};
use crate::model::{Delivery, Device, Ended, Outcome, RunEvent, Share, SkipReason, Status, Value};

fn night(others: Vec<(Device, Outcome)>) -> Vec<RunEvent> {
    let held = (device("tv-9", "h"), Outcome::skipped(SkipReason::Held));
    run_of(action("power-on"), [others, vec![held]].concat(), Ended::Completed)
}

fn good() -> Vec<RunEvent> {
    night(vec![(device("tv-1", "h"), ok(Value::Int(1)))])
}

#[test]
fn a_run_in_which_only_held_devices_did_not_obey_is_a_success() {
    for events in [good(), night(Vec::new())] {
        let nagios = render(|sink| Box::new(Nagios::new(sink, Thresholds::default())), events.clone());
        assert!(nagios.starts_with("FLEETCTL OK: ") && nagios.contains("1 held"), "{nagios}");
        assert!(nagios.contains("failed_share=0%") && nagios.contains(" failed=0;"), "{nagios}");
        let metrics = render(|sink| Box::new(Prometheus::new(sink, PerDevice::Auto, Share::ALL)), events.clone());
        assert!(metrics.contains("fleetctl_run_success{run=\"power-on\"} 1\n"), "{metrics}");
        assert!(metrics.contains("status=\"skipped\"} 1\n"), "{metrics}");
        assert!(!metrics.contains("device=\"tv-9\""), "an alert on it is what holding it prevents: {metrics}");
        let page = render(|sink| Box::new(Html::new(sink)), events);
        assert!(page.contains("class=\"big good\""), "{page}");
    }
}

#[test]
fn a_held_device_is_seen_and_does_not_dilute_a_failure() {
    let failed = outcome(Status::NoReply, Delivery::Unknown, 5, None);
    let events = || night((0..9).map(|n| (device(&format!("tv-{n}"), "h"), failed.clone())).collect());
    let thresholds = Thresholds { warn: Share::NONE, crit: "99%".parse().unwrap() };
    let nagios = render(|sink| Box::new(Nagios::new(sink, thresholds)), events());
    assert!(nagios.starts_with("FLEETCTL CRITICAL: ") && nagios.contains("failed_share=100%"), "{nagios}");
    let options = TableOptions { style: Style::Plain, ..TableOptions::default() };
    let table = render(|sink| Box::new(Table::new(sink, options)), events());
    assert!(table.contains("tv-9: held") && table.contains("9 failed: 9 no reply, 1 held"), "{table}");
    let json = render(|sink| Box::new(Json::new(sink)), events());
    assert!(json.contains("\"reason\":\"held\"") || json.contains("\"reason\": \"held\""), "{json}");
    let csv = render(|sink| Box::new(Csv::new(sink)), events());
    assert!(csv.contains("tv-9"), "{csv}");
    let junit = render(|sink| Box::new(Junit::new(sink)), events());
    assert!(junit.contains("failures=\"9\"") && junit.contains("<skipped message=\"held"), "{junit}");
}
