//! One line of JSON per event, as it happens; the last line has the summary.
//!
//! Lines become visible as soon as no further event is waiting, so whoever follows the pipe sees them at once and a burst
//! costs one write.

use std::io::{self, Write};

use super::super::document::{Line, VERSION};
use super::super::json_layout::make_line;
use super::super::mask::Mask;
use super::super::moment::{Moment, MomentText};
use super::super::texts::Texts;
use super::super::{Collected, Reporter, Sink, hint, record};
use crate::model::{Delivery, RunEvent};

/// Writes NDJSON.
pub struct Ndjson {
    sink: Sink,
    /// Kept for the next line.
    line: Vec<u8>,
    /// Kept for the next device.
    texts: Texts,
    at: MomentText,
}

impl Ndjson {
    /// A stream of lines that goes to `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink, line: Vec::new(), texts: Texts::default(), at: MomentText::default() }
    }
}

impl Reporter for Ndjson {
    fn event(&mut self, event: &RunEvent, run: &Collected) -> io::Result<()> {
        let line = &mut self.line;
        let info = run.info();
        let run_id = &*info.id.0;
        match event {
            RunEvent::RunStarted { devices, .. } => make_line(
                line,
                &Line::RunStarted {
                    at: Moment(info.started_at),
                    run_id,
                    fleet: &info.fleet,
                    fleetctl_version: VERSION,
                    command: record::command_record(&info.command, info.verify, info.if_needed),
                    simulated: info.simulated,
                    devices: devices.len(),
                },
            ),
            RunEvent::PassStarted { pass, devices, at } => {
                make_line(line, &Line::PassStarted { at: Moment(*at), run_id, pass: *pass, devices: *devices })
            }
            // Its next pass says so itself when it begins.
            RunEvent::PassFinished { .. } => return Ok(()),
            RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in, at } => {
                // A device that the run does not have has no line.
                let Some(device) = run.device(*device) else { return Ok(()) };
                let delivery = if sent.is_some() { Delivery::Unknown } else { Delivery::None };
                let hint = hint(failure, None, delivery, device.medium);
                let error = record::error_record(failure, hint, &Mask::of(device, sent.as_deref()));
                let retry_in_ms = record::whole_ms(*retry_in);
                let (at, name, attempt) = (Moment(*at), &*device.name, *attempt);
                make_line(line, &Line::AttemptFailed { at, run_id, name, attempt, error, retry_in_ms })
            }
            RunEvent::DeviceFinished { device, outcome, at } => {
                let Some(device) = run.device(*device) else { return Ok(()) };
                let device = &record::device_record(device, outcome, &mut self.texts);
                make_line(line, &Line::DeviceFinished { at: self.at.of(*at), run_id, device })
            }
            RunEvent::Stopping { reason, at } => {
                make_line(line, &Line::Stopping { at: Moment(*at), run_id, reason: reason.ended().as_str() })
            }
            RunEvent::RunFinished { ended, elapsed, at } => {
                let (elapsed_ms, summary) = (record::whole_ms(*elapsed), record::summary_record(run.summary()));
                let (at, ended) = (Moment(*at), ended.as_str());
                make_line(line, &Line::RunFinished { at, run_id, ended, elapsed_ms, summary })
            }
        }?;
        self.sink.write_all(line)
    }

    fn pause(&mut self) -> io::Result<()> {
        self.sink.show()
    }

    fn finish(&mut self, _: &Collected) -> io::Result<()> {
        self.sink.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run;
    use super::*;

    #[test]
    fn every_event_is_a_line_and_the_last_has_the_summary() {
        let text = test_run::render(|sink| Box::new(Ndjson::new(sink)), test_run::events());
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), test_run::events().len());
        assert!(lines.iter().all(|line| line["at"].is_string() && line["run_id"] == "01JD2X0000000000000000TEST"));
        assert_eq!(lines[0]["event"], "run_started");
        assert_eq!(lines[0]["devices"], 9);
        assert_eq!(lines[2]["event"], "attempt_failed");
        assert_eq!(lines[2]["name"], "tv-002");
        let last = lines.last().unwrap();
        assert_eq!((&last["event"], &last["ended"]), (&"run_finished".into(), &"interrupted".into()));
        assert_eq!(last["summary"]["total"], 9);
    }

    #[test]
    fn a_finished_device_is_the_same_as_in_the_report() {
        let lines = test_run::render(|sink| Box::new(Ndjson::new(sink)), test_run::events());
        let report = test_run::render(|sink| Box::new(super::super::Json::new(sink)), test_run::events());
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let devices: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["event"] == "device_finished")
            .map(|line| line["device"].clone())
            .collect();
        assert_eq!(&devices, report["devices"].as_array().unwrap());
    }
}
