//! I8: one session a gateway, and starts as far apart as they are to be, at the device's own clock.

use super::Findings;
use super::case::Case;
use crate::night::{Family, Millis, Over, Task};
use crate::world::Kind;

/// A turn that was missed by less is taken all the same, as the runtime's clock ticks in milliseconds.
const LATE: Millis = 6;

/// What a gateway of displays is left alone for, after an exchange (protocols.md §1.1, "pacing").
const GAP: Millis = 100;

/// Checks I8.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    lanes(case, findings);
    rate(case, findings);
    circuit(case, findings);
    batches(case, findings);
    gaps(case, findings);
}

fn lanes(case: &Case<'_>, findings: &mut Findings) {
    // Behind ser2net nobody sees who is connected.
    if case.night.over == Over::Ser2net {
        return;
    }
    let (truth, limits) = (case.truth, &case.night.limits);
    findings.expect(truth.most_of_gateway <= 1, "I8", "", || {
        format!("{} connections at once to one gateway", truth.most_of_gateway)
    });
    findings.expect(truth.most_lanes <= limits.concurrency, "I8", "", || {
        format!("{} lanes at once, {} are allowed", truth.most_lanes, limits.concurrency)
    });
    for (place, (&seen, &most)) in truth.most_at_site.iter().zip(&limits.sites).enumerate() {
        findings
            .expect(seen <= most, "I8", "", || format!("{seen} lanes at once at site s{place}, {most} are allowed"));
    }
}

/// When commands were written, and to whom (a place in the report).
fn starts(case: &Case<'_>) -> Vec<(Millis, usize)> {
    let of = |(place, device): (usize, &super::case::Told<'_>)| {
        let exact = if device.is_blurred { 0 } else { device.writes.len() };
        device.writes.iter().take(exact).map(|write| (write.at, place)).collect::<Vec<_>>()
    };
    let mut starts: Vec<(Millis, usize)> = case.devices.iter().enumerate().flat_map(of).collect();
    starts.sort_unstable();
    starts
}

fn rate(case: &Case<'_>, findings: &mut Findings) {
    let Some(interval) = case.night.limits.rate else { return };
    for two in starts(case).windows(2) {
        let apart = two[1].0 - two[0].0;
        findings.expect(apart + LATE + case.night.slack >= interval, "I8", &case.devices[two[1].1].report.name, || {
            format!("told {apart} ms after the one before, {interval} ms are to lie between")
        });
    }
}

fn circuit(case: &Case<'_>, findings: &mut Findings) {
    let Some(most) = case.night.limits.circuit else { return };
    let draws = matches!(case.night.task, Task::PowerOn | Task::RawPowerOn | Task::Broadcast | Task::Pulse(_));
    if !draws {
        return;
    }
    let starts = starts(case);
    for &(at, _) in &starts {
        let drawing = case.devices.iter().enumerate().filter_map(|(place, device)| {
            let (ampere, settle) = device.planned.inrush?;
            let is_on =
                starts.iter().any(|&(then, who)| who == place && then <= at && at + case.night.slack < then + settle);
            is_on.then_some(u32::from(ampere))
        });
        let sum: u32 = drawing.sum();
        findings
            .expect(sum <= u32::from(most), "I8", "", || format!("{sum} A at {at} ms, the circuit carries {most} A"));
    }
}

fn batches(case: &Case<'_>, findings: &mut Findings) {
    let limits = &case.night.limits;
    let Some((size, pause)) = limits.batch.filter(|_| limits.until.is_none()) else { return };
    let mut done: Millis = 0;
    let meant: Vec<_> = case.devices.iter().filter(|device| !device.planned.held).collect();
    for (number, batch) in meant.chunks(size as usize).enumerate() {
        let begin = if number == 0 { 0 } else { done + pause };
        for device in batch {
            let first = device.writes.first().map(|write| write.at);
            findings.expect(
                first.is_none_or(|at| at + case.night.slack >= begin) || device.is_blurred,
                "I8",
                &device.report.name,
                || format!("told at {first:?} ms, its batch begins at {begin} ms"),
            );
            let finished = device.report.finished_at.as_deref().and_then(|moment| case.millis(moment));
            done = done.max(finished.unwrap_or(0));
        }
    }
}

fn gaps(case: &Case<'_>, findings: &mut Findings) {
    if case.stop().is_some() {
        return;
    }
    for (place, gateway) in case.night.gateways.iter().enumerate() {
        if gateway.family != Family::Display {
            continue;
        }
        let mine = case.truth.requests.iter().filter(|one| case.truth.connections[one.connection].gateway == place);
        let requests: Vec<_> = mine.collect();
        for two in requests.windows(2) {
            let answer = two[0].answer.map(|answer| &case.truth.messages[answer]);
            // How long a question may still be answered depends on when its device has acknowledged.
            if two[0].kind != Kind::Command {
                continue;
            }
            let timeout = case.reply_timeout(gateway.family);
            let in_time = answer.filter(|answer| {
                let is_own = answer.is_read() && answer.read_on == two[0].connection;
                is_own
                    && answer.read_seq < two[1].seq
                    && answer.read_at + case.night.slack < two[0].at + timeout.min(900)
            });
            // The late answer to the same bytes may have ended the exchange before.
            let is_first = |answer: &&crate::world::Message| {
                !case.truth.messages.iter().any(|other| {
                    let slack = case.night.slack;
                    let is_later = two[0].seq < other.read_seq || (slack > 0 && two[0].at <= other.read_at + slack);
                    other.who == answer.who && is_later && other.read_seq < answer.read_seq
                })
            };
            // What comes when the device's own time is over is nobody's answer.
            let device = case.devices.iter().find(|device| Some(device.who) == two[0].who);
            let end = device.and_then(|device| case.device_end(device)).unwrap_or(Millis::MAX);
            let Some(answer) = in_time.filter(is_first).filter(|answer| answer.read_at + case.night.slack <= end)
            else {
                continue;
            };
            let apart = two[1].at.saturating_sub(answer.read_at);
            findings.expect(apart >= GAP, "I8", &gateway.host, || {
                format!("written to {apart} ms after its last answer at {} ms", answer.read_at)
            });
        }
    }
}
