//! A run made by hand for tests: a device for each way in which a command can end.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Collected, Reporter, Reporters, Sink};
use crate::model::{
    Address, AttemptError, Command, Delivery, Device, DeviceIndex, Ended, ErrorKind, Failure, Medium, Outcome, Params,
    Payload, ReplyTime, RunEvent, RunId, RunInfo, SkipReason, Status, StopReason, UnixMillis, Value,
};

/// 2026-11-21T05:30:00Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_239_000_000);

pub(crate) fn device(name: &str, address: &str) -> Device {
    Device {
        name: name.into(),
        address: Address::parse(address, Some(23)).unwrap(),
        device_type: "lg-rs232".into(),
        site: Some("hq".into()),
        tags: [Arc::from("lobby")].into(),
        params: Params::default(),
        medium: Medium::Serial,
    }
}

pub(crate) fn outcome(status: Status, delivery: Delivery, ms: u64, error: Option<Failure>) -> Outcome {
    Outcome {
        verified: None,
        changed: None,
        status,
        delivery,
        reason: None,
        attempts: 1,
        elapsed: Duration::from_millis(ms),
        reply_time: (delivery == Delivery::Confirmed).then(|| ReplyTime::of(Duration::from_millis(ms / 2))),
        finished_at: Some(START.after(Duration::from_millis(ms))),
        sent: (delivery != Delivery::None).then(|| Arc::new(Payload::plain(b"ka 01 01\r"))),
        reply: None,
        value: None,
        file: None,
        error: error.map(Box::new),
        earlier_errors: Box::default(),
    }
}

pub(crate) fn ok(value: Value) -> Outcome {
    Outcome { value: Some(value), ..outcome(Status::Ok, Delivery::Confirmed, 131, None) }
}

/// The events of a run with these outcomes, in the devices' order.
pub(crate) fn run_of(command: Command, all: Vec<(Device, Outcome)>, ended: Ended) -> Vec<RunEvent> {
    let (devices, outcomes): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let run = RunInfo {
        schedule: None,
        verify: false,
        if_needed: false,
        id: RunId("01JD2X0000000000000000TEST".into()),
        fleet: "field-tvs".to_owned(),
        command,
        started_at: START,
        simulated: false,
        held: BTreeMap::new(),
    };
    let mut events = vec![RunEvent::RunStarted { run: Arc::new(run), devices: devices.into() }];
    for (index, outcome) in (0..).zip(outcomes) {
        let device = DeviceIndex(index);
        let at = outcome.finished_at.unwrap_or(START);
        for AttemptError { attempt, failure } in outcome.earlier_errors.clone() {
            let (retry_in, sent) = (Duration::from_millis(250), outcome.sent.clone());
            events.push(RunEvent::AttemptFailed { device, attempt, failure, sent, retry_in, at });
        }
        events.push(RunEvent::DeviceFinished { device, outcome: Box::new(outcome), at });
    }
    let elapsed = Duration::from_millis(4210);
    events.push(RunEvent::RunFinished { ended, elapsed, at: START.after(elapsed) });
    events
}

pub(crate) fn raw() -> Command {
    Command::raw("ka {set_id} 01")
}

pub(crate) fn action(name: &str) -> Command {
    Command::Action { name: name.to_owned(), args: BTreeMap::new() }
}

pub(crate) fn events() -> Vec<RunEvent> {
    let refused = || Failure::new(ErrorKind::ConnectionRefused);
    let on = |ms| Outcome {
        reply: Some(b"a 01 OK01x".as_slice().into()),
        value: Some(Value::Text("01".into())),
        elapsed: Duration::from_micros(ms),
        ..outcome(Status::Ok, Delivery::Confirmed, 140, None)
    };
    let timeout = Failure::new(ErrorKind::ReplyTimeout).waited(Duration::from_secs(8)).received(12);
    let all = vec![
        (device("tv-001", "10.20.0.1"), on(131_400)),
        (
            device("tv-002", "10.20.0.2"),
            Outcome {
                attempts: 2,
                earlier_errors: [AttemptError { attempt: 1, failure: refused() }].into(),
                ..on(420_000)
            },
        ),
        (
            device("tv-003", "10.20.0.3"),
            Outcome {
                reply: Some(b"a 01 NG02x".as_slice().into()),
                ..outcome(
                    Status::Rejected,
                    Delivery::Confirmed,
                    50,
                    Some(Failure::new(ErrorKind::Refused).detail("not supported by this model (NG 02)")),
                )
            },
        ),
        (device("wall-1", "10.20.9.7"), outcome(Status::Unreachable, Delivery::None, 3, Some(refused()))),
        (device("wall-2", "10.20.9.7"), outcome(Status::Unreachable, Delivery::None, 3, Some(refused()))),
        (
            device("tv-006", "10.20.0.6"),
            Outcome {
                reply: Some(b"\x1b[2J\0\xff=noise".as_slice().into()),
                ..outcome(Status::NoReply, Delivery::Unknown, 4000, Some(timeout))
            },
        ),
        (
            device("tv-007", "10.20.0.7"),
            outcome(Status::BadReply, Delivery::Unknown, 90, Some(Failure::new(ErrorKind::MalformedReply))),
        ),
        (
            device("pump", "relay.example"),
            outcome(Status::Unreachable, Delivery::None, 30, Some(Failure::new(ErrorKind::Dns))),
        ),
        (device("tv-009", "10.20.0.9"), Outcome::skipped(SkipReason::Interrupted)),
    ];
    let mut events = run_of(raw(), all, Ended::Interrupted);
    let last = events.len() - 1;
    events.insert(last, RunEvent::Stopping { reason: StopReason::Interrupt, at: START });
    events
}

pub(crate) fn collect(events: Vec<RunEvent>) -> Collected {
    struct Keeping;
    impl Reporter for Keeping {
        fn needs_outcomes(&self) -> bool {
            true
        }
        fn finish(&mut self, _: &Collected) -> io::Result<()> {
            Ok(())
        }
    }
    let mut reporters = Reporters::default();
    reporters.add("test", Box::new(Keeping));
    reporters.events(events);
    reporters.finish().run.unwrap()
}

#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub(crate) fn sink(&self) -> Sink {
        Sink::Writer(Box::new(self.clone()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a reporter writes about these events.
pub(crate) fn render(reporter: impl FnOnce(Sink) -> Box<dyn Reporter>, events: Vec<RunEvent>) -> String {
    let buffer = Buffer::default();
    let mut reporters = Reporters::default();
    reporters.add("test", reporter(buffer.sink()));
    reporters.events(events);
    let finished = reporters.finish();
    assert!(finished.errors.is_empty(), "{:?}", finished.errors);
    buffer.text()
}
