//! What counts as one cause, and who stands behind it.

use super::super::test_run::{self, device, outcome};
use super::*;
use crate::model::{Ended, fold_names};

fn grouped(all: Vec<(Device, Outcome)>) -> Vec<(usize, String, String)> {
    let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
    let groups = groups(&run);
    groups
        .iter()
        .map(|group| (group.devices.len(), group.cause.clone(), fold_names(group.devices.iter().map(|d| &*d.name))))
        .collect()
}

fn silent(name: &str, received: u64, detail: &str) -> (Device, Outcome) {
    let failure = Failure::new(ErrorKind::ReplyTimeout).received(received).detail(detail);
    (device(name, name), outcome(Status::NoReply, Delivery::Unknown, 1, Some(failure)))
}

#[test]
fn what_differs_from_device_to_device_is_no_cause_of_its_own() {
    let all = vec![
        silent("tv-1", 3, "at tv-1"),
        silent("tv-2", 17, "at tv-2"),
        silent("tv-3", 0, ""),
        silent("tv-4", 3, "else"),
    ];
    assert_eq!(
        grouped(all),
        [
            (2, "no complete reply, 3 to 17 bytes came: at …".to_owned(), "tv-[1-2]".to_owned()),
            (1, "no reply".to_owned(), "tv-3".to_owned()),
            (1, "no complete reply, 3 bytes came: else".to_owned(), "tv-4".to_owned()),
        ]
    );
}

#[test]
fn a_thousand_different_details_are_few_causes() {
    let all = (0..1000).map(|n| silent(&format!("tv-{n:03}"), 1, &format!("said {n}x"))).collect();
    let groups = grouped(all);
    assert_eq!(groups.len(), MAX_PER_KIND);
    assert_eq!(groups.iter().map(|group| group.0).sum::<usize>(), 1000);
    assert!(groups[4].1.ends_with("(and similar)"));
}

#[test]
fn a_gateway_is_at_fault_only_when_all_its_devices_fail_for_one_cause() {
    let fails = |name: &str, address: &str, kind| {
        (device(name, address), outcome(Status::Unreachable, Delivery::None, 1, Some(Failure::new(kind))))
    };
    let all = vec![
        fails("a1", "10.0.0.1", ErrorKind::ConnectionRefused),
        fails("a2", "10.0.0.1", ErrorKind::ConnectionRefused),
        fails("b1", "10.0.0.2", ErrorKind::ConnectionRefused),
        (device("b2", "10.0.0.2"), outcome(Status::Ok, Delivery::Confirmed, 1, None)),
        fails("c1", "10.0.0.3", ErrorKind::ConnectionRefused),
    ];
    let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
    let groups = groups(&run);
    assert_eq!(groups.len(), 1);
    assert_eq!(fold_names(groups[0].devices.iter().map(|d| &*d.name)), "b1, c1");
    let [fault] = groups[0].faults.as_slice() else { panic!("one fault") };
    assert_eq!(groups[0].fault_line(fault), "gateway 10.0.0.1:23 refuses connections");
    assert_eq!(fold_names(fault.devices.iter().map(|d| &*d.name)), "a[1-2]");
}

#[test]
fn a_site_is_at_fault_when_all_its_gateways_fail_for_one_cause() {
    let fails = |name: &str, address: &str, site: Option<&str>| {
        let failure = Failure::new(ErrorKind::ConnectTimeout).waited(std::time::Duration::from_secs(3));
        let device = Device { site: site.map(Into::into), ..device(name, address) };
        (device, outcome(Status::Unreachable, Delivery::None, 1, Some(failure)))
    };
    let all = vec![
        fails("a1", "10.0.0.1", Some("quay")),
        fails("a2", "10.0.0.1", Some("quay")),
        fails("a3", "10.0.0.2", Some("quay")),
        fails("a4", "10.0.0.3", Some("quay")),
        // Two gateways are no site, and devices without one share nothing.
        fails("b1", "10.0.1.1", Some("hall")),
        fails("b2", "10.0.1.2", Some("hall")),
        fails("c1", "10.0.2.1", None),
        fails("c2", "10.0.2.2", None),
    ];
    let run = test_run::collect(test_run::run_of(test_run::raw(), all, Ended::Completed));
    let groups = groups(&run);
    let [fault] = groups[0].faults.as_slice() else { panic!("one fault") };
    assert_eq!(groups[0].fault_line(fault), "every selected device of site quay: no connection within 3s");
    assert_eq!(fold_names(fault.devices.iter().map(|d| &*d.name)), "a[1-4]");
    assert_eq!(fold_names(groups[0].devices.iter().map(|d| &*d.name)), "b[1-2], c[1-2]");
}

#[test]
fn the_number_of_a_set_is_no_cause_of_its_own() {
    let refuses = |id: u32| {
        let reply = format!("a {id:02x} NG00x");
        let failure = Failure::new(ErrorKind::Refused).detail(format!("said {reply}"));
        let refused = Outcome {
            sent: Some(std::sync::Arc::new(crate::model::Payload::plain(format!("ka {id:02x} 01\r").as_bytes()))),
            reply: Some(reply.as_bytes().into()),
            ..outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure))
        };
        (device(&format!("wall-{id}"), "h"), refused)
    };
    let cause = "refused: said a ‹id› NG00x".to_owned();
    assert_eq!(grouped((1..=9).map(refuses).collect()), [(9, cause, "wall-[1-9]".to_owned())]);
}
