//! Runs made by hand and recorded, for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Beginning, Recorder, Store};
use crate::model::{
    Address, Command, Delivery, Device, DeviceIndex, Ended, ErrorKind, Failure, Medium, Outcome, Params, Payload,
    ReplyTime, RunEvent, RunId, RunInfo, SkipReason, Status, UnixMillis,
};
use crate::report::{Finished, Reporters};

/// 2026-11-21T05:30:00Z.
pub(super) const START: UnixMillis = UnixMillis(1_795_239_000_000);

/// A file in a folder of its own.
pub(super) struct Place {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("state/history.db"), _folder: folder }
    }

    pub(super) fn store(&self) -> Store {
        Store::open(&self.path).unwrap().unwrap()
    }
}

/// A run to record.
pub(super) struct Run {
    pub(super) id: String,
    pub(super) devices: Vec<Device>,
    pub(super) is_idempotent: bool,
    pub(super) rerun_of: Option<String>,
    pub(super) started_at: UnixMillis,
    pub(super) inventory: &'static str,
    pub(super) simulated: bool,
}

impl Run {
    /// The run of this number over so many devices, each night a day later.
    pub(super) fn new(number: usize, devices: usize) -> Self {
        let night = Duration::from_hours(24) * u32::try_from(number).unwrap();
        Self {
            id: format!("01K{number:023}"),
            devices: (1..=devices).map(|n| device(&format!("tv-{n:03}"))).collect(),
            is_idempotent: false,
            rerun_of: None,
            started_at: START.after(night),
            inventory: "/fleet.toml",
            simulated: false,
        }
    }

    pub(super) fn info(&self) -> RunInfo {
        RunInfo {
            id: RunId(self.id.as_str().into()),
            fleet: "field-tvs".to_owned(),
            command: Command::Action { name: "relay-pulse".to_owned(), args: BTreeMap::new() },
            schedule: None,
            verify: false,
            if_needed: false,
            started_at: self.started_at,
            simulated: self.simulated,
            held: BTreeMap::new(),
        }
    }

    pub(super) fn begin(&self, path: &Path) -> Recorder {
        let beginning = Beginning {
            info: &self.info(),
            devices: &self.devices.clone().into(),
            idempotent: &vec![self.is_idempotent; self.devices.len()],
            inventory: Path::new(self.inventory),
            schedule: None,
            request: "{}",
            rerun_of: self.rerun_of.as_deref(),
        };
        let recorder = Recorder::begin(path, None, &beginning).unwrap();
        while !recorder.has_begun() {
            std::thread::yield_now();
        }
        recorder
    }

    /// The events of the run as far as these outcomes go.
    pub(super) fn events(&self, outcomes: &[(u32, Outcome)]) -> Vec<RunEvent> {
        let (run, devices) = (Arc::new(self.info()), self.devices.clone().into());
        let mut events = vec![RunEvent::RunStarted { run, devices }];
        for (place, outcome) in outcomes {
            let at = outcome.finished_at.unwrap_or(self.started_at);
            events.push(RunEvent::DeviceFinished {
                device: DeviceIndex(*place),
                outcome: Box::new(outcome.clone()),
                at,
            });
        }
        events
    }

    /// Records the run from its beginning to its end.
    pub(super) fn record(&self, path: &Path, outcomes: &[(u32, Outcome)]) -> Finished {
        let mut reporters = Reporters::default();
        reporters.add("history", Box::new(self.begin(path)));
        reporters.events(self.events(outcomes));
        let elapsed = Duration::from_millis(4210);
        reporters.event(RunEvent::RunFinished { ended: Ended::Completed, elapsed, at: self.started_at.after(elapsed) });
        reporters.finish()
    }

    /// Records what a process leaves that is killed after these outcomes were committed.
    pub(super) fn record_killed(&self, path: &Path, intents: &[u32], outcomes: &[(u32, Outcome)]) {
        let recorder = self.begin(path);
        let declared = recorder.intents();
        for &place in intents {
            if let Some(wait) = declared.declare(DeviceIndex(place)) {
                wait_for(wait);
            }
        }
        let mut reporters = Reporters::default();
        reporters.add("history", Box::new(recorder));
        reporters.events(self.events(outcomes));
        drop(reporters);
        let store = Store::open(path).unwrap().unwrap();
        store.connection.execute("UPDATE run SET owner = 'gone 1 1' WHERE run_id = ?1", [&self.id]).unwrap();
    }
}

pub(super) fn device(name: &str) -> Device {
    Device {
        name: name.into(),
        address: Address::parse(&format!("{name}.example"), Some(23)).unwrap(),
        device_type: "lg-rs232".into(),
        site: Some("hq".into()),
        tags: [Arc::from("lobby")].into(),
        params: Params::default(),
        medium: Medium::default(),
    }
}

pub(super) fn outcome(status: Status, delivery: Delivery) -> Outcome {
    let failure = match status {
        Status::Ok | Status::Sent | Status::Skipped => None,
        Status::Rejected => Some(Failure::new(ErrorKind::Refused)),
        Status::Unreachable => Some(Failure::new(ErrorKind::ConnectionRefused)),
        _ => Some(Failure::new(ErrorKind::ReplyTimeout).waited(Duration::from_secs(2))),
    };
    Outcome {
        status,
        delivery,
        attempts: 1,
        elapsed: Duration::from_secs(38),
        reply_time: (delivery == Delivery::Confirmed).then(|| ReplyTime::from_tenths(1314)),
        finished_at: Some(START.after(Duration::from_millis(131))),
        reason: None,
        sent: (delivery != Delivery::None).then(|| Arc::new(Payload::plain(b"ka 01 01\r"))),
        reply: (delivery == Delivery::Confirmed).then(|| b"a 01 OK01x".as_slice().into()),
        error: failure.map(Box::new),
        ..Outcome::skipped(SkipReason::Internal)
    }
}

pub(super) fn ok() -> Outcome {
    outcome(Status::Ok, Delivery::Confirmed)
}

pub(super) fn silent() -> Outcome {
    outcome(Status::NoReply, Delivery::Unknown)
}

pub(super) fn refused_connection() -> Outcome {
    outcome(Status::Unreachable, Delivery::None)
}

pub(super) fn held() -> Outcome {
    Outcome::skipped(SkipReason::Held)
}

/// Waits for a future as the engine would.
pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
