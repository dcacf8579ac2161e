//! A recorded run's request, kept beside it and read back: what `rerun` does again.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Pacing, RunRequest, Selecting};
use crate::history::RecordedRun;
use crate::model::{Command, Rate, SECRET_SHOWN, Share, TimingOverrides};

/// What a run was told besides its command, times in milliseconds.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Kept {
    types: Vec<PathBuf>,
    save: Option<String>,
    idempotent: bool,
    concurrency: Option<usize>,
    grace: u64,
    connect_timeout: Option<u64>,
    reply_timeout: Option<u64>,
    device_deadline: Option<u64>,
    retries: Option<u32>,
    backoff_initial: Option<u64>,
    backoff_max: Option<u64>,
    /// In microseconds from start to start.
    rate: Option<u64>,
}

/// What is kept of a request: what `rerun` needs to make it again. Paths are made absolute: it may be called elsewhere.
pub(super) fn kept(request: &RunRequest) -> String {
    let flags = request.flags;
    let types = request.types.iter().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    let absolute = |pattern: &String| {
        let path = std::path::absolute(pattern).ok();
        path.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| pattern.clone())
    };
    let kept = Kept {
        types: types.collect(),
        save: request.save.as_ref().map(absolute),
        idempotent: request.idempotent,
        concurrency: request.concurrency,
        grace: ms(request.grace),
        connect_timeout: flags.connect_timeout.map(ms),
        reply_timeout: flags.reply_timeout.map(ms),
        device_deadline: flags.device_deadline.map(ms),
        retries: flags.retries,
        backoff_initial: flags.backoff_initial.map(ms),
        backoff_max: flags.backoff_max.map(ms),
        rate: request.pacing.rate.map(|rate| u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX)),
    };
    // A path that is no Unicode cannot be kept; `rerun` then asks for `--types` by not finding a type.
    serde_json::to_string(&kept).unwrap_or_else(|_| "{}".to_owned())
}

/// The request of a recorded run, over these devices. What a schedule or a flag said of its end is not taken over.
///
/// # Errors
/// In words, when the record does not say what was asked for.
pub fn request_of(run: &RecordedRun, names: Vec<String>) -> Result<RunRequest, String> {
    let damaged = |what: &str| format!("run {} does not say what it was asked to do ({what})", run.run_id);
    let kept: Kept = serde_json::from_str(&run.request).map_err(|error| damaged(&error.to_string()))?;
    let word = |key: &str| run.command.get(key).and_then(Value::as_str).map(str::to_owned);
    let is = |key: &str| run.command.get(key).and_then(Value::as_bool).unwrap_or(false);
    let args = run.command.get("args").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let args = serde_json::from_value(args).map_err(|error| damaged(&error.to_string()))?;
    let command = match (word("cmd"), word("action")) {
        (Some(text), _) => Command::Raw { text, args },
        (None, Some(name)) => Command::Action { name, args },
        (None, None) => return Err(damaged("no command")),
    };
    Ok(RunRequest {
        inventory: run.inventory.clone(),
        types: kept.types,
        selecting: Selecting { names: Some(names), ..Selecting::default() },
        command,
        schedule: None,
        verify: is("verify"),
        if_needed: is("if_needed"),
        save: kept.save,
        idempotent: kept.idempotent,
        flags: TimingOverrides {
            connect_timeout: kept.connect_timeout.map(Duration::from_millis),
            reply_timeout: kept.reply_timeout.map(Duration::from_millis),
            device_deadline: kept.device_deadline.map(Duration::from_millis),
            retries: kept.retries,
            backoff_initial: kept.backoff_initial.map(Duration::from_millis),
            backoff_max: kept.backoff_max.map(Duration::from_millis),
            backoff_jitter: None,
        },
        concurrency: kept.concurrency,
        deadline: None,
        grace: Duration::from_millis(kept.grace),
        pacing: Pacing {
            rate: kept.rate.map(|micros| Rate::every(Duration::from_micros(micros))),
            ..Pacing::default()
        },
        ok_if: Share::ALL,
        simulate: None,
        history: None,
        rerun_of: Some(run.run_id.clone()),
        wait_lock: None,
    })
}

/// The arguments of a command that were secrets: the history does not know them.
pub fn hidden_args(command: &Command) -> Vec<&str> {
    command.args().iter().filter(|(_, value)| value.contains(SECRET_SHOWN)).map(|(key, _)| key.as_str()).collect()
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
