//! The report for Prometheus: the last run as gauges, for `node_exporter`'s textfile collector, and several runs as one
//! document for whoever is scraped.
//!
//! Names and labels are the contract's. A sample never carries a timestamp (the collector refuses them) nor the labels
//! `job` and `instance`, which are the scraper's. Of a large fleet the series per device are left out unless asked for:
//! each costs the server memory for weeks.

use std::io::{self, Write};
use std::str::FromStr;

use super::super::record::run_seconds;
use super::super::{Collected, Reporter, Sink};
use crate::model::escape::printable;
use crate::model::{Device, Outcome, ReplyTime, Share, Status, UnixMillis};

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

    fn needs_past(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        let shown =
            Shown { run, label: metric_label(run.info().label()), ok_if: self.ok_if, per_device: self.per_device };
        for metric in Metric::ALL {
            shown.write(&mut self.sink, metric, true)?;
        }
        self.sink.finish()
    }
}

/// The samples of a run, kept to be shown beside those of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunMetrics {
    samples: [String; Metric::ALL.len()],
}

impl RunMetrics {
    /// Those of a run whose outcomes were kept; `name` is the value of the label `run`.
    pub fn of(run: &Collected, name: &str, ok_if: Share, per_device: PerDevice) -> Self {
        let shown = Shown { run, label: metric_label(name), ok_if, per_device };
        let samples = Metric::ALL.map(|metric| {
            let mut written = Vec::new();
            // Writing into memory does not fail.
            _ = shown.write(&mut written, metric, false);
            String::from_utf8_lossy(&written).into_owned()
        });
        Self { samples }
    }

    /// Writes several runs as one document: each metric's head once, and without samples not at all.
    pub fn write(runs: &[&Self], out: &mut String) {
        for (place, metric) in Metric::ALL.into_iter().enumerate() {
            let samples = || runs.iter().filter_map(|run| run.samples.get(place)).filter(|text| !text.is_empty());
            if samples().next().is_some() {
                out.push_str(&metric.head());
                out.extend(samples().map(String::as_str));
            }
        }
    }
}

/// What is said of a run, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Timestamp,
    Duration,
    Success,
    LastSuccess,
    Devices,
    DeviceOk,
    DeviceReply,
}

impl Metric {
    const ALL: [Self; 7] = [
        Self::Timestamp,
        Self::Duration,
        Self::Success,
        Self::LastSuccess,
        Self::Devices,
        Self::DeviceOk,
        Self::DeviceReply,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "fleetctl_run_timestamp_seconds",
            Self::Duration => "fleetctl_run_duration_seconds",
            Self::Success => "fleetctl_run_success",
            Self::LastSuccess => "fleetctl_run_last_success_timestamp_seconds",
            Self::Devices => "fleetctl_run_devices",
            Self::DeviceOk => "fleetctl_device_ok",
            Self::DeviceReply => "fleetctl_device_reply_seconds",
        }
    }

    /// Its head, without which no name may stand.
    fn head(self) -> String {
        let help = match self {
            Self::Timestamp => "When the last run ended, in seconds since the epoch.",
            Self::Duration => "How long the last run took.",
            Self::Success => "Whether the last run came to its end and enough devices are a success.",
            Self::LastSuccess => "When the last run that was a success ended, in seconds since the epoch.",
            Self::Devices => "Devices of the last run by what became of them.",
            Self::DeviceOk => "Whether the device was a success in the last run.",
            Self::DeviceReply => "From the write of the device's command to its valid reply; absent when none came.",
        };
        let name = self.name();
        format!("# HELP {name} {help}\n# TYPE {name} gauge\n")
    }
}

/// A run as metrics.
struct Shown<'a> {
    run: &'a Collected,
    label: String,
    ok_if: Share,
    per_device: PerDevice,
}

impl Shown<'_> {
    /// Writes the samples of a metric, below its head where that is wanted.
    fn write(&self, out: &mut impl Write, metric: Metric, with_head: bool) -> io::Result<()> {
        let (run, label, name) = (self.run, &self.label, metric.name());
        if with_head && self.has(metric) {
            out.write_all(metric.head().as_bytes())?;
        }
        match metric {
            Metric::Timestamp => writeln!(out, "{name}{{run=\"{label}\"}} {}", seconds(run.finished_at())),
            Metric::Duration => writeln!(out, "{name}{{run=\"{label}\"}} {}", run_seconds(run.elapsed())),
            Metric::Success => writeln!(out, "{name}{{run=\"{label}\"}} {}", u8::from(run.is_success(self.ok_if))),
            Metric::LastSuccess => match run.last_success(self.ok_if) {
                Some(at) => writeln!(out, "{name}{{run=\"{label}\"}} {}", seconds(at)),
                None => Ok(()),
            },
            Metric::Devices => Status::ALL.iter().try_for_each(|&status| {
                let (word, count) = (status.as_str(), run.summary().count(status));
                writeln!(out, "{name}{{run=\"{label}\",status=\"{word}\"}} {count}")
            }),
            Metric::DeviceOk => self.shown().try_for_each(|(device, outcome)| {
                writeln!(out, "{name}{{{}}} {}", self.labels(device), u8::from(outcome.status.is_success()))
            }),
            Metric::DeviceReply => self.answered().try_for_each(|(device, time)| {
                writeln!(out, "{name}{{{}}} {:.4}", self.labels(device), time.seconds())
            }),
        }
    }

    /// Whether the metric's head is written. A name without a sample is no mistake, but nobody needs it either.
    fn has(&self, metric: Metric) -> bool {
        match metric {
            Metric::LastSuccess => self.run.last_success(self.ok_if).is_some(),
            Metric::DeviceOk => self.per_device.applies_to(self.run.devices().len()),
            Metric::DeviceReply => self.answered().next().is_some(),
            Metric::Timestamp | Metric::Duration | Metric::Success | Metric::Devices => true,
        }
    }

    /// The devices that have series of their own. A held one has none: an alert on it would be what holding it is to
    /// prevent.
    fn shown(&self) -> impl Iterator<Item = (&Device, &Outcome)> {
        let applies = self.per_device.applies_to(self.run.devices().len());
        self.run.outcomes().filter(move |(_, outcome)| applies && !outcome.is_held())
    }

    fn answered(&self) -> impl Iterator<Item = (&Device, ReplyTime)> {
        self.shown().filter_map(|(device, outcome)| Some((device, outcome.reply_time?)))
    }

    fn labels(&self, device: &Device) -> String {
        let (name, site) = (metric_label(&device.name), metric_label(device.site.as_deref().unwrap_or_default()));
        format!("run=\"{}\",device=\"{name}\",site=\"{site}\"", self.label)
    }
}

/// A moment in seconds since the epoch.
fn seconds(at: UnixMillis) -> String {
    format!("{}.{:03}", at.0.div_euclid(1000), at.0.rem_euclid(1000))
}

/// The value of a label: control characters escaped as on a terminal, then as the format wants.
pub fn metric_label(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run::{self, device, ok, raw};
    use super::*;
    use crate::model::{Delivery, Ended, Value};

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
        # HELP fleetctl_device_reply_seconds From the write of the device's command to its valid reply; absent when none came.
        # TYPE fleetctl_device_reply_seconds gauge
        fleetctl_device_reply_seconds{run="cmd",device="tv-001",site="hq"} 0.0700
        fleetctl_device_reply_seconds{run="cmd",device="tv-002",site="hq"} 0.0700
        fleetctl_device_reply_seconds{run="cmd",device="tv-003",site="hq"} 0.0250
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
    fn several_runs_have_each_head_once() {
        let metrics = |name: &str, per_device| {
            let run = test_run::collect(test_run::events());
            RunMetrics::of(&run, name, Share::ALL, per_device)
        };
        let (one, other) = (metrics("a", PerDevice::Auto), metrics("b", PerDevice::Never));
        let mut text = String::new();
        RunMetrics::write(&[&one, &other], &mut text);
        assert_eq!(text.matches("# TYPE ").count(), 6, "{text}");
        assert_eq!(text.matches("# TYPE fleetctl_run_success gauge\n").count(), 1, "{text}");
        assert!(
            text.contains("fleetctl_run_success{run=\"a\"} 0\nfleetctl_run_success{run=\"b\"} 0\n# HELP"),
            "{text}"
        );
        assert!(text.contains("fleetctl_device_ok{run=\"a\",device=\"tv-001\",site=\"hq\"} 1\n"), "{text}");
        let alone =
            test_run::render(|sink| Box::new(Prometheus::new(sink, PerDevice::Auto, Share::ALL)), test_run::events());
        let mut text = String::new();
        RunMetrics::write(&[&metrics("cmd", PerDevice::Auto)], &mut text);
        assert_eq!(text, alone, "the same names and samples as in the file");
    }

    #[test]
    fn the_last_success_is_this_run_or_what_the_history_knows() {
        let failed = test_run::outcome(Status::NoReply, Delivery::Unknown, 1, None);
        let text = |outcome: Outcome, past: Option<Option<UnixMillis>>| {
            let mut run =
                test_run::collect(test_run::run_of(raw(), vec![(device("a", "h"), outcome)], Ended::Completed));
            if let Some(past) = past {
                run.set_past(past);
            }
            let mut text = String::new();
            RunMetrics::write(&[&RunMetrics::of(&run, "r", Share::ALL, PerDevice::Never)], &mut text);
            let line = text.lines().find(|line| line.starts_with("fleetctl_run_last_success")).map(str::to_owned);
            line.map(|line| line.split(' ').next_back().unwrap().to_owned())
        };
        let earlier = Some(UnixMillis(1_000_500));
        let good = || ok(Value::Int(1));
        assert_eq!(text(good(), None), None, "without a history it would be a guess after every failure");
        assert_eq!(text(good(), Some(earlier)).unwrap(), "1795239004.210");
        assert_eq!(text(failed.clone(), Some(earlier)).unwrap(), "1000.500");
        assert_eq!(text(failed, Some(None)), None);
    }

    #[test]
    fn a_label_cannot_break_out() {
        assert_eq!(metric_label("a\"b\\c\nd"), "a\\\"b\\\\c\\\\u{a}d");
    }
}
