//! The report for Prometheus: the last run as gauges, for `node_exporter`'s textfile collector.
//!
//! Names and labels are the contract's. A sample never carries a timestamp (the collector refuses them) nor the labels
//! `job` and `instance`, which are the scraper's. Of a large fleet the series per device are left out unless asked for:
//! each costs the server memory for weeks.

use std::io::{self, Write};
use std::str::FromStr;

use super::super::record::{device_seconds, run_seconds};
use super::super::{Collected, Reporter, Sink};
use crate::model::escape::printable;
use crate::model::{Delivery, Device, Ended, Outcome, Share, Status};

/// A fleet of more devices than this has no series per device by itself.
const MAX_DEVICES: usize = 2000;

/// Whether each device has series of its own: `--metrics-per-device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PerDevice {
    /// Up to 2,000 devices.
    #[default]
    Auto,
    /// However many there are.
    Always,
    /// Never.
    Never,
}

impl FromStr for PerDevice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("write `always`, `never` or `auto` (up to 2,000 devices)".to_owned()),
        }
    }
}

impl PerDevice {
    fn applies_to(self, devices: usize) -> bool {
        match self {
            Self::Auto => devices <= MAX_DEVICES,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Writes metrics in the text exposition format.
pub struct Prometheus {
    sink: Sink,
    per_device: PerDevice,
    ok_if: Share,
}

impl Prometheus {
    /// Metrics that go to `sink`; `ok_if` is the share of successes that makes the run one.
    pub fn new(sink: Sink, per_device: PerDevice, ok_if: Share) -> Self {
        Self { sink, per_device, ok_if }
    }
}

impl Reporter for Prometheus {
    fn needs_outcomes(&self) -> bool {
        self.per_device != PerDevice::Never
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        write_run(&mut self.sink, run, self.ok_if)?;
        if self.per_device.applies_to(run.devices().len()) {
            write_devices(&mut self.sink, run)?;
        }
        self.sink.finish()
    }
}

/// The head of a metric, without which no name may stand.
fn head(out: &mut impl Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

fn write_run(out: &mut impl Write, run: &Collected, ok_if: Share) -> io::Result<()> {
    let label = label(run.info().label());
    let summary = run.summary();
    head(out, "fleetctl_run_timestamp_seconds", "When the last run ended, in seconds since the epoch.")?;
    let at = run.finished_at().0;
    writeln!(
        out,
        "fleetctl_run_timestamp_seconds{{run=\"{label}\"}} {}.{:03}",
        at.div_euclid(1000),
        at.rem_euclid(1000)
    )?;
    head(out, "fleetctl_run_duration_seconds", "How long the last run took.")?;
    writeln!(out, "fleetctl_run_duration_seconds{{run=\"{label}\"}} {}", run_seconds(run.elapsed()))?;
    head(out, "fleetctl_run_success", "Whether the last run came to its end and enough devices are a success.")?;
    let success = run.ended() == Ended::Completed && ok_if.is_reached(summary.successes(), summary.counted());
    writeln!(out, "fleetctl_run_success{{run=\"{label}\"}} {}", u8::from(success))?;
    head(out, "fleetctl_run_devices", "Devices of the last run by what became of them.")?;
    for status in Status::ALL {
        let (word, count) = (status.as_str(), summary.count(status));
        writeln!(out, "fleetctl_run_devices{{run=\"{label}\",status=\"{word}\"}} {count}")?;
    }
    Ok(())
}

fn write_devices(out: &mut impl Write, run: &Collected) -> io::Result<()> {
    let run_label = label(run.info().label());
    let labels = |device: &Device| {
        let (name, site) = (label(&device.name), label(device.site.as_deref().unwrap_or_default()));
        format!("run=\"{run_label}\",device=\"{name}\",site=\"{site}\"")
    };
    head(out, "fleetctl_device_ok", "Whether the device was a success in the last run.")?;
    // A held device is neither: an alert on it would be what holding it is to prevent.
    for (device, outcome) in run.outcomes().filter(|(_, outcome)| !outcome.is_held()) {
        writeln!(out, "fleetctl_device_ok{{{}}} {}", labels(device), u8::from(outcome.status.is_success()))?;
    }
    // A name without a sample is no mistake, but nobody needs it either.
    if run.outcomes().any(|(_, outcome)| has_answered(outcome)) {
        head(
            out,
            "fleetctl_device_reply_seconds",
            "From the device's first attempt to its valid reply; absent when none came.",
        )?;
        for (device, outcome) in run.outcomes().filter(|(_, outcome)| has_answered(outcome)) {
            let seconds = device_seconds(outcome.elapsed);
            writeln!(out, "fleetctl_device_reply_seconds{{{}}} {seconds:.4}", labels(device))?;
        }
    }
    Ok(())
}

fn has_answered(outcome: &Outcome) -> bool {
    outcome.delivery == Delivery::Confirmed
}

/// The value of a label: control characters escaped as on a terminal, then as the format wants.
fn label(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, device, ok, raw};
    use super::*;
    use crate::model::Value;

    fn many(count: usize, per_device: PerDevice) -> String {
        let all = (0..count).map(|n| (device(&format!("tv-{n}"), "h"), ok(Value::Int(1)))).collect();
        let events = test_run::run_of(raw(), all, Ended::Completed);
        test_run::render(|sink| Box::new(Prometheus::new(sink, per_device, Share::ALL)), events)
    }

    #[test]
    fn the_last_run_is_gauges_and_every_status_has_one() {
        let written = |sink| -> Box<dyn Reporter> { Box::new(Prometheus::new(sink, PerDevice::Auto, Share::ALL)) };
        insta::assert_snapshot!(test_run::render(written, test_run::events()), @r#"
        # HELP fleetctl_run_timestamp_seconds When the last run ended, in seconds since the epoch.
        # TYPE fleetctl_run_timestamp_seconds gauge
        fleetctl_run_timestamp_seconds{run="cmd"} 1795239004.210
        # HELP fleetctl_run_duration_seconds How long the last run took.
        # TYPE fleetctl_run_duration_seconds gauge
        fleetctl_run_duration_seconds{run="cmd"} 4.210
        # HELP fleetctl_run_success Whether the last run came to its end and enough devices are a success.
        # TYPE fleetctl_run_success gauge
        fleetctl_run_success{run="cmd"} 0
        # HELP fleetctl_run_devices Devices of the last run by what became of them.
        # TYPE fleetctl_run_devices gauge
        fleetctl_run_devices{run="cmd",status="ok"} 2
        fleetctl_run_devices{run="cmd",status="sent"} 0
        fleetctl_run_devices{run="cmd",status="rejected"} 1
        fleetctl_run_devices{run="cmd",status="unreachable"} 3
        fleetctl_run_devices{run="cmd",status="no_reply"} 1
        fleetctl_run_devices{run="cmd",status="bad_reply"} 1
        fleetctl_run_devices{run="cmd",status="mismatch"} 0
        fleetctl_run_devices{run="cmd",status="skipped"} 1
        # HELP fleetctl_device_ok Whether the device was a success in the last run.
        # TYPE fleetctl_device_ok gauge
        fleetctl_device_ok{run="cmd",device="tv-001",site="hq"} 1
        fleetctl_device_ok{run="cmd",device="tv-002",site="hq"} 1
        fleetctl_device_ok{run="cmd",device="tv-003",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="wall-1",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="wall-2",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="tv-006",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="tv-007",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="pump",site="hq"} 0
        fleetctl_device_ok{run="cmd",device="tv-009",site="hq"} 0
        # HELP fleetctl_device_reply_seconds From the device's first attempt to its valid reply; absent when none came.
        # TYPE fleetctl_device_reply_seconds gauge
        fleetctl_device_reply_seconds{run="cmd",device="tv-001",site="hq"} 0.1314
        fleetctl_device_reply_seconds{run="cmd",device="tv-002",site="hq"} 0.4200
        fleetctl_device_reply_seconds{run="cmd",device="tv-003",site="hq"} 0.0500
        "#);
    }

    #[test]
    fn a_large_fleet_has_series_per_device_only_when_asked_for() {
        for (count, per_device, is_there) in [
            (2000, PerDevice::Auto, true),
            (2001, PerDevice::Auto, false),
            (2001, PerDevice::Always, true),
            (1, PerDevice::Never, false),
        ] {
            let text = many(count, per_device);
            assert_eq!(text.contains("fleetctl_device_ok{"), is_there, "{count} {per_device:?}");
            assert!(text.contains("status=\"ok\"} "), "{text}");
        }
    }

    #[test]
    fn the_run_is_a_success_when_the_share_is_reached_and_it_was_not_stopped() {
        let failed = test_run::outcome(Status::NoReply, Delivery::Unknown, 1, None);
        let all = || vec![(device("a", "h"), ok(Value::Int(1))), (device("b", "h"), failed.clone())];
        for (ended, ok_if, success) in [
            (Ended::Completed, "50%", 1),
            (Ended::Completed, "50.0001%", 0),
            (Ended::Deadline, "0%", 0),
            (Ended::Interrupted, "0%", 0),
        ] {
            let share = ok_if.parse().unwrap();
            let text = test_run::render(
                |sink| Box::new(Prometheus::new(sink, PerDevice::Never, share)),
                test_run::run_of(raw(), all(), ended),
            );
            assert!(text.contains(&format!("fleetctl_run_success{{run=\"cmd\"}} {success}\n")), "{ok_if}: {text}");
        }
    }

    #[test]
    fn a_label_cannot_break_out() {
        assert_eq!(label("a\"b\\c\nd"), "a\\\"b\\\\c\\\\u{a}d");
    }
}
