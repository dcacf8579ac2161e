//! What happens in a run as log lines on stderr: the run at `info` (`-v`), each device at `debug` (`-vv`).
//!
//! Made only when somebody listens: a large run stays quiet. Secrets are masked as in every report.

use std::io;
use std::time::Duration;

use tracing::{Level, debug, enabled, info};

use super::mask::Mask;
use super::{Collected, Reporter};
use crate::model::escape::printable;
use crate::model::{Device, Failure, Outcome, Payload, RunEvent};

/// Writes log lines; never fails.
pub struct Log(());

impl Log {
    /// The reporter, if the log's level lets any of its lines through.
    pub fn wanted() -> Option<Self> {
        enabled!(Level::INFO).then_some(Self(()))
    }
}

impl Reporter for Log {
    fn event(&mut self, event: &RunEvent, run: &Collected) -> io::Result<()> {
        match event {
            RunEvent::RunStarted { run, devices } => info!("run {} starts: {} devices", run.id, devices.len()),
            RunEvent::PassStarted { pass, devices, .. } => info!("pass {pass}: {devices} devices"),
            RunEvent::PassFinished { pass, rest, next_at, at } => {
                let millis = u64::try_from(next_at.0.saturating_sub(at.0)).unwrap_or(0);
                let wait = Duration::from_millis(millis);
                info!("pass {pass} is over: {rest} left, which are tried again in {wait:.1?}");
            }
            RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in, .. } => {
                if enabled!(Level::DEBUG)
                    && let Some(device) = run.device(*device)
                {
                    let why = reason(device, sent.as_deref(), failure);
                    debug!("{}: attempt {attempt} failed, the next in {retry_in:.1?}: {why}", printable(&device.name));
                }
            }
            RunEvent::DeviceFinished { device, outcome, .. } => {
                if enabled!(Level::DEBUG)
                    && let Some(device) = run.device(*device)
                {
                    debug!("{}: {}", printable(&device.name), ended(device, outcome));
                }
            }
            RunEvent::Stopping { reason, .. } => info!("{}: nothing new starts", reason.words()),
            RunEvent::RunFinished { ended, elapsed, .. } => {
                let summary = run.summary();
                let (successes, total) = (summary.successes(), summary.total);
                info!("the run is {} after {elapsed:.1?}: {successes} of {total} are successes", ended.as_str());
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &Collected) -> io::Result<()> {
        Ok(())
    }
}

/// What became of a device, in a line.
fn ended(device: &Device, outcome: &Outcome) -> String {
    let sent = outcome.sent.as_deref();
    let mut text = format!("{} at {}", outcome.status.as_str(), device.address);
    let mut fact = |name: &str, value: &str| text.extend([", ", name, value]);
    if let Some(sent) = sent {
        fact("sent ", &sent.shown());
    }
    if let Some(reply) = &outcome.reply {
        let mut text = String::new();
        Mask::of(device, sent).push_bytes(&mut text, reply);
        fact("reply ", &text);
    }
    if let Some(failure) = &outcome.error {
        fact("", &reason(device, sent, failure));
    }
    fact("attempts ", &outcome.attempts.to_string());
    text
}

fn reason(device: &Device, sent: Option<&Payload>, failure: &Failure) -> String {
    printable(&Mask::of(device, sent).text(&failure.to_string()))
}
