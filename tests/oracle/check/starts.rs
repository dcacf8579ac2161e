//! I5: a command that must not be repeated is carried out at most once. I7: no command reaches anybody else, nor anybody
//! after the run has stopped.

use super::Findings;
use super::case::{Case, Told};
use crate::night::{LinkFault, Millis, Over};
use crate::world::{Kind, Meaning};

/// Checks I5 and I7.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for (place, device) in case.devices.iter().enumerate() {
        if !case.is_repeatable() {
            once(case, place, device, findings);
        }
        skipped(case, device, findings);
    }
    strangers(case, findings);
    after_the_stop(case, findings);
    after_failures(case, findings);
}

/// I5: only what said that it has done nothing is told again; and before each first byte it is declared.
fn once(case: &Case<'_>, place: usize, device: &Told<'_>, findings: &mut Findings) {
    let name = &device.report.name;
    let earlier = device.writes.iter().rev().skip(1);
    let again = earlier.filter(|write| {
        let answer = case.answer(device, write);
        let is_busy = answer.is_some_and(|answer| answer.meaning == Meaning::Busy);
        !write.connection.is_told_occupied && !is_busy && !case.is_close(device, write)
    });
    let count = again.count();
    findings.expect(count == 0 || device.is_blurred, "I5", name, || {
        format!("its command was sent again {count} times, though it may have acted")
    });
    let acted = case.truth.requests.iter().filter(|one| one.who == Some(device.who) && one.acted).count();
    findings.expect(acted <= 1, "I5", name, || format!("it has acted {acted} times"));
    let declared = |seq: u64| case.truth.intents.iter().filter(|(at, who)| *who == place && *at < seq).count();
    // What the real binary declares stands in its history, and `faults/killed.rs` asks for it there.
    let is_seen = case.night.over == Over::Memory;
    let undeclared = device.writes.iter().find(|write| is_seen && declared(write.seq) == 0);
    findings.expect(undeclared.is_none() || device.is_blurred, "I5", name, || {
        "its command was written, and not declared before".to_owned()
    });
}

/// I7: who is skipped is skipped for a reason that there was.
fn skipped(case: &Case<'_>, device: &Told<'_>, findings: &mut Findings) {
    let told = &device.report;
    let reason = told.reason.as_deref();
    findings.expect((told.status == "skipped") == reason.is_some(), "I7", &told.name, || {
        format!("`{}` with reason {reason:?}", told.status)
    });
    let own = |fault: &LinkFault| {
        matches!(fault, LinkFault::NoFiles | LinkFault::Denied | LinkFault::Panics | LinkFault::PanicsInRead)
    };
    let faults = device.gateway.faults.iter().flatten().chain(&device.gateway.always);
    let limits = &case.night.limits;
    let holds = match reason {
        None => !device.planned.held,
        Some("held") => device.planned.held,
        Some("interrupted") => case.truth.first_signal.is_some(),
        Some("deadline") => limits.deadline.is_some(),
        Some("max_failures") => limits.max_failures.is_some(),
        Some("internal") => faults.into_iter().any(own),
        Some(_) => false,
    };
    findings.expect(holds, "I7", &told.name, || format!("skipped for {reason:?}, which is not so"));
}

/// I7: nobody else is told anything.
fn strangers(case: &Case<'_>, findings: &mut Findings) {
    for request in &case.truth.requests {
        let gateway = case.truth.connections[request.connection].gateway;
        let name =
            request.who.map_or(case.night.gateways[gateway].host.clone(), |who| case.night.device(who).1.name.clone());
        let shown = String::from_utf8_lossy(&request.bytes).into_owned();
        findings.expect(request.kind != Kind::Alien, "I7", &name, || format!("nobody should get {shown:?}"));
        let is_meant = request.who.is_none_or(|who| {
            let device = case.night.device(who).1;
            device.selected && !device.held
        });
        findings.expect(is_meant, "I7", &name, || format!("not meant, and got {shown:?}"));
    }
    // Behind ser2net a connection is the serial line, which is always there.
    for connection in case.truth.connections.iter().filter(|_| case.night.over != Over::Ser2net) {
        let is_meant = case.devices.iter().any(|one| one.who.0 == connection.gateway && !one.planned.held);
        let host = &case.night.gateways[connection.gateway].host;
        findings.expect(is_meant, "I7", host, || "nobody there is meant, and it was connected to".to_owned());
    }
}

/// I7: the write of a command is the start, and after the stop there is none.
fn after_the_stop(case: &Case<'_>, findings: &mut Findings) {
    let Some(stop) = case.stop() else { return };
    for device in &case.devices {
        let late = device.writes.iter().find(|write| write.at > stop + case.night.slack);
        findings.expect(late.is_none() || device.is_blurred, "I7", &device.report.name, || {
            format!("told at {:?} ms, the run stopped at {stop} ms", late.map(|write| write.at))
        });
    }
}

/// I7: once more devices have failed than may, nobody new is told.
fn after_failures(case: &Case<'_>, findings: &mut Findings) {
    let limits = &case.night.limits;
    let Some(most) = limits.max_failures.filter(|_| limits.until.is_none()) else { return };
    let failed = case.devices.iter().map(|device| &device.report);
    let failed = failed.filter(|told| !told.is_success() && told.status != "skipped");
    let mut ends: Vec<Millis> = failed.filter_map(|told| case.millis(told.finished_at.as_deref()?)).collect();
    ends.sort_unstable();
    let Some(&end) = ends.get(most as usize) else { return };
    for device in &case.devices {
        // Whose first attempt found no connection has started all the same.
        let is_first = device.is_exact();
        let late = device.writes.first().filter(|write| write.at > end + case.night.slack && is_first);
        findings.expect(late.is_none(), "I7", &device.report.name, || {
            format!("told first at {:?} ms, {} had failed by {end} ms", late.map(|write| write.at), most + 1)
        });
    }
}
