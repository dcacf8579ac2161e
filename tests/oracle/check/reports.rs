//! I9: each device once, in order, and counts that add up to the exit status. I10: all formats say the same. I14: a secret
//! stands nowhere but on the wire of its own device.

use fleetctl::report::Format;

use super::Findings;
use super::case::Case;
use crate::play::Played;
use crate::told::{Device, Summary};

/// Checks I9, I10 and I14.
pub(super) fn check(case: &Case<'_>, played: &Played, findings: &mut Findings) {
    counts(case, findings);
    lines(case, findings);
    ended(case, findings);
    secrets(case, played, findings);
    let is_panic = played.said.contains("panicked");
    findings.expect(!is_panic, "I11", "", || format!("it panicked: {}", played.said));
    for (format, text) in &played.further {
        agrees(case, *format, text, findings);
    }
}

/// The counts of these devices.
fn summary(devices: &[Device]) -> Summary {
    let count = |status: &str| devices.iter().filter(|device| device.status == status).count() as u64;
    Summary {
        total: devices.len() as u64,
        ok: count("ok"),
        sent: count("sent"),
        rejected: count("rejected"),
        unreachable: count("unreachable"),
        no_reply: count("no_reply"),
        bad_reply: count("bad_reply"),
        mismatch: count("mismatch"),
        skipped: count("skipped"),
        flaky: devices.iter().filter(|device| device.is_success() && device.attempts > 1).count() as u64,
        attempts: devices.iter().map(|device| device.attempts).sum(),
    }
}

fn counts(case: &Case<'_>, findings: &mut Findings) {
    let counted = summary(&case.report.devices);
    findings.expect(case.report.summary == counted, "I9", "", || {
        format!("the summary says {:?}, its devices are {counted:?}", case.report.summary)
    });
    let parts = [counted.ok, counted.sent, counted.rejected, counted.unreachable, counted.no_reply];
    let others = [counted.bad_reply, counted.mismatch, counted.skipped];
    let sum: u64 = parts.iter().chain(&others).sum();
    findings.expect(sum == counted.total, "I9", "", || format!("statuses add up to {sum} of {}", counted.total));
}

/// I9 and I10: NDJSON tells each device once, as the report does, and ends with the same counts.
fn lines(case: &Case<'_>, findings: &mut Findings) {
    let mut told: Vec<&Device> = case.lines.iter().filter_map(|line| line.device.as_ref()).collect();
    for device in &case.report.devices {
        let count = told.iter().filter(|one| one.name == device.name).count();
        findings.expect(count == 1, "I9", &device.name, || format!("told {count} times in NDJSON"));
        let same = told.contains(&device);
        findings.expect(same, "I10", &device.name, || "told otherwise in NDJSON than in JSON".to_owned());
    }
    told.retain(|one| !case.report.devices.iter().any(|device| device.name == one.name));
    findings.expect(told.is_empty(), "I9", "", || format!("NDJSON tells of {told:?}"));
    let (first, last) = (case.lines.first(), case.lines.last());
    let begins = first.is_some_and(|line| line.event == "run_started");
    findings.expect(begins, "I9", "", || "NDJSON does not begin with the start".to_owned());
    let ends = last.is_some_and(|line| {
        line.event == "run_finished"
            && line.summary.as_ref() == Some(&case.report.summary)
            && line.ended.as_ref() == Some(&case.report.ended)
    });
    findings.expect(ends, "I10", "", || format!("NDJSON ends with {last:?}"));
    let is_sorted = case.lines.windows(2).all(|two| two[0].at <= two[1].at || two[1].device.is_some());
    findings.expect(is_sorted, "I9", "", || "the lines of NDJSON are not in the order of their times".to_owned());
    let failed = case.lines.iter().filter(|line| line.event == "attempt_failed");
    for line in failed {
        let device = case.report.devices.iter().find(|device| Some(&device.name) == line.name.as_ref());
        let numbers = |device: &Device| device.earlier_errors.iter().any(|error| error.attempt == line.attempt);
        // Who is skipped has no attempts in the report, whatever came before.
        let known = device.is_some_and(|device| {
            numbers(device) || line.attempt == Some(device.attempts) || device.status == "skipped"
        });
        findings.expect(known, "I10", line.name.as_deref().unwrap_or_default(), || {
            format!("NDJSON tells of its attempt {:?}, the report does not", line.attempt)
        });
    }
}

/// I9: how the run ended, and the exit status, from the devices alone.
fn ended(case: &Case<'_>, findings: &mut Findings) {
    let devices = &case.report.devices;
    let has = |reason: &str| devices.iter().any(|device| device.reason.as_deref() == Some(reason));
    let is_cut = devices.iter().any(|device| device.kind() == "interrupted");
    let ended = &*case.report.ended;
    let stop = case.lines.iter().find(|line| line.event == "stopping").and_then(|line| line.reason.as_deref());
    let is_so = match ended {
        "completed" => !has("interrupted") && !has("deadline") && !has("max_failures") && !is_cut,
        "interrupted" => case.truth.first_signal.is_some() && !has("deadline"),
        "deadline" => case.night.limits.deadline.is_some() && !has("interrupted"),
        "max_failures" => has("max_failures"),
        _ => false,
    };
    findings.expect(is_so, "I9", "", || format!("it ended as `{ended}`, which the devices do not show"));
    findings.expect(ended == "completed" || stop.is_some(), "I9", "", || {
        format!("it ended as `{ended}`, and never said that it stops")
    });
    let counted = devices.iter().filter(|device| device.reason.as_deref() != Some("held"));
    let is_success = counted.clone().all(Device::is_success);
    let status = match ended {
        "interrupted" => 130,
        "deadline" | "max_failures" => 3,
        _ if is_success => 0,
        _ => 1,
    };
    findings.expect(case.exit_status == status, "I9", "", || {
        format!("exit status {}, not {status}: it ended as `{ended}`", case.exit_status)
    });
}

/// I10: the other formats.
fn agrees(case: &Case<'_>, format: Format, text: &str, findings: &mut Findings) {
    let devices = &case.report.devices;
    let differs = match format {
        Format::Csv => csv_differs(devices, text),
        Format::Junit => {
            let cases = text.matches("<testcase").count();
            (cases != devices.len()).then(|| format!("{cases} test cases for {} devices", devices.len()))
        }
        Format::Prometheus => {
            let line = |status: &str, count: u64| {
                let lines = text.lines().filter(|line| line.starts_with("fleetctl_run_devices{"));
                let mut own = lines.filter(|line| line.contains(&format!("status=\"{status}\"")));
                own.next().is_none_or(|line| line.rsplit(' ').next() != Some(&*count.to_string()))
            };
            let counted = summary(devices);
            let counts = [("ok", counted.ok), ("no_reply", counted.no_reply), ("skipped", counted.skipped)];
            counts.into_iter().find(|(status, count)| line(status, *count)).map(|one| format!("not {one:?}"))
        }
        Format::Nagios => {
            let is_ok = text.starts_with("OK") || text.contains(" OK");
            let all = devices.iter().all(|device| device.is_success() || device.reason.as_deref() == Some("held"));
            (all && case.report.ended == "completed" && !is_ok).then(|| text.to_owned())
        }
        _ => {
            let total = case.report.summary.total.to_string();
            let last = text.lines().last().unwrap_or_default();
            (!last.contains(&total)).then(|| format!("the last line is {last:?}"))
        }
    };
    findings.expect(differs.is_none(), "I10", "", || format!("{}: {}", format.as_str(), differs.unwrap_or_default()));
}

fn csv_differs(devices: &[Device], text: &str) -> Option<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    if rows.len() != devices.len() {
        return Some(format!("{} rows", rows.len()));
    }
    let is_other = |(row, device): &(&csv::StringRecord, &Device)| {
        let attempts = device.attempts.to_string();
        let wanted =
            [(0, &device.name), (1, &device.address), (4, &device.status), (5, &device.delivery), (6, &attempts)];
        wanted.iter().any(|(column, value)| row.get(*column) != Some(value)) || row.get(10) != Some(device.kind())
    };
    rows.iter().zip(devices).find(is_other).map(|(row, device)| format!("{row:?} for {device:?}"))
}

/// I14.
fn secrets(case: &Case<'_>, played: &Played, findings: &mut Findings) {
    for (place, gateway) in case.night.gateways.iter().enumerate() {
        let Some((password, _)) = &gateway.password else { continue };
        let texts = [&played.json, &played.ndjson].into_iter().chain(played.further.iter().map(|(_, text)| text));
        let told = texts.into_iter().any(|text| text.contains(&**password));
        findings.expect(!told, "I14", &gateway.host, || "its password stands in a report".to_owned());
        let has = |taken: &[u8]| taken.windows(password.len()).any(|part| part == password.as_bytes());
        let elsewhere = case.truth.connections.iter().filter(|one| one.gateway != place).any(|one| has(&one.taken));
        findings.expect(!elsewhere, "I14", &gateway.host, || "its password was sent to another".to_owned());
    }
}
