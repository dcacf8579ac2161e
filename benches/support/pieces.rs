//! The pieces of work that are measured one by one: planner, inventory, codec with judge, report formats.
//!
//! One list serves both measures, the clock (`paths.rs`) and the count of instructions (`instructions.rs`). Each piece
//! goes the way that a run goes: an inventory is a file, a plan is made by `run::prepare`, a reply is framed and judged
//! by what the plan holds. What a piece needs is made by `prepare`, outside of what is measured.

#![expect(clippy::expect_used, reason = "a piece that cannot be set up has nothing to measure")]

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fleetctl::codec::FrameCodec;
use fleetctl::device_type::Verdict;
use fleetctl::model::{
    Command, Delivery, DeviceIndex, Ended, Outcome, RunEvent, RunId, RunInfo, Share, SkipReason, Status,
    TimingOverrides, UnixMillis, Value,
};
use fleetctl::plan::Plan;
use fleetctl::report::{Format, ReportOptions, Reporters, Sink, reporter};
use fleetctl::run::{Preparation, RunRequest, Selecting, load, prepare};
use tempfile::TempDir;
use tokio_util::codec::Decoder as _;

/// Devices of an inventory, a plan or a report.
const DEVICES: u32 = 3_000;

/// Replies that are framed and judged in one go.
const REPLIES: u32 = 1_000;

/// Events that reach the reporters together.
pub(crate) const BATCH: usize = 64;

/// 2026-11-21T05:30:00Z.
const START: UnixMillis = UnixMillis(1_795_239_000_000);

/// What is measured: made by `Piece::prepare`, run once.
pub(crate) type Work = Box<dyn FnOnce()>;

/// A piece of work.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    /// Its name in every table.
    pub(crate) name: &'static str,
    /// What it does so many times.
    pub(crate) unit: &'static str,
    /// How many times.
    pub(crate) units: u32,
    /// Makes everything that one run of it needs.
    pub(crate) prepare: fn() -> Work,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (each {})", self.name, self.unit)
    }
}

/// All pieces. A framing has the built-in type that uses it, and a reply out of that type's manual.
pub(crate) const PIECES: [Piece; 12] = [
    Piece { name: "inventory-tables", unit: "device", units: DEVICES, prepare: || read_inventory(&tables(DEVICES)) },
    Piece { name: "inventory-ranges", unit: "device", units: DEVICES, prepare: || read_inventory(RANGES) },
    Piece { name: "plan-command", unit: "device", units: DEVICES, prepare: || make_plan(raw()) },
    Piece { name: "plan-action", unit: "device", units: DEVICES, prepare: || make_plan(action("power-on")) },
    Piece {
        name: "reply-pattern",
        unit: "reply",
        units: REPLIES,
        prepare: || judge_replies("lg-rs232", "set_id = 1", raw(), &[b"a 01 OK01x"]),
    },
    // The one before comes again and again, and what was said of it is remembered; of these, each is judged.
    Piece {
        name: "reply-judged",
        unit: "reply",
        units: REPLIES,
        prepare: || judge_replies("lg-rs232", "set_id = 1", raw(), &[b"a 01 OK01x", b"a  01 OK01x"]),
    },
    Piece {
        name: "reply-end",
        unit: "reply",
        units: REPLIES,
        prepare: || judge_replies("esc-cr", "", Command::raw("status"), &[b"OK\0"]),
    },
    Piece {
        name: "reply-length",
        unit: "reply",
        units: REPLIES,
        prepare: || judge_replies("devantech-eth008", "relay = 3", action("relay-on"), &[b"\x00"]),
    },
    Piece {
        name: "reply-template",
        unit: "reply",
        units: REPLIES,
        prepare: || judge_replies("ncd-proxr", "relay = 1", action("relay-on"), &[b"\xaa\x01\x55\x00"]),
    },
    Piece { name: "report-json", unit: "result", units: DEVICES, prepare: || write_report(Format::Json) },
    Piece { name: "report-ndjson", unit: "result", units: DEVICES, prepare: || write_report(Format::Ndjson) },
    Piece { name: "report-csv", unit: "result", units: DEVICES, prepare: || write_report(Format::Csv) },
];

fn raw() -> Command {
    Command::raw("ka {set_id} 01")
}

fn action(name: &str) -> Command {
    Command::Action { name: name.to_owned(), args: BTreeMap::new() }
}

/// An inventory with a table for each device.
fn tables(devices: u32) -> String {
    let mut text = String::new();
    for device in 0..devices {
        let (hall, row) = (device % 40, device / 40 % 100);
        let (b, c) = (device / 250, device % 250 + 1);
        write!(
            text,
            "[[device]]\nname = \"tv-{device:06}\"\naddress = \"10.20.{b}.{c}\"\ntype = \"lg-rs232\"\n\
             tags = [\"hall-{hall}\", \"row-{row}\"]\n\n"
        )
        .expect("a string takes everything");
    }
    text
}

/// The same number of devices in one table: quickly read, where reading is not what is measured.
const RANGES: &str = "[[device]]\nname = \"tv-[0001-3000]\"\naddress = \"10.20.[0-11].[1-250]\"\ntype = \"lg-rs232\"\n";

fn file_of(text: &str) -> (TempDir, RunRequest) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inventory = folder.path().join("fleet.toml");
    std::fs::write(&inventory, text).expect("the inventory is written");
    let request = RunRequest {
        inventory,
        types: Vec::new(),
        selecting: Selecting::default(),
        command: raw(),
        schedule: None,
        verify: false,
        if_needed: false,
        save: None,
        idempotent: false,
        pacing: fleetctl::run::Pacing::default(),
        flags: TimingOverrides::default(),
        concurrency: None,
        deadline: None,
        grace: Duration::from_secs(5),
        ok_if: Share::ALL,
        simulate: None,
        history: None,
        rerun_of: None,
        wait_lock: None,
    };
    (folder, request)
}

fn read_inventory(text: &str) -> Work {
    let (folder, request) = file_of(text);
    Box::new(move || {
        let loaded = load(&request.inventory, &request.types);
        assert!(black_box(&loaded).fleet.is_some(), "the inventory in {folder:?} has a mistake");
    })
}

fn plan_of(text: &str, command: Command) -> impl FnOnce() -> Arc<Plan> + use<> {
    let (folder, request) = file_of(text);
    let request = RunRequest { command, ..request };
    let mut loaded = load(&request.inventory, &request.types);
    move || match prepare(&request, &mut loaded) {
        Preparation::Ready(prepared) => prepared.plan,
        Preparation::NothingFailed { .. } | Preparation::Wrong => {
            unreachable!("no plan for {folder:?}: {:?}", loaded.diagnostics)
        }
    }
}

fn make_plan(command: Command) -> Work {
    let plan = plan_of(RANGES, command);
    Box::new(move || {
        black_box(plan());
    })
}

fn judge_replies(device_type: &str, params: &str, command: Command, replies: &'static [&'static [u8]]) -> Work {
    let text = format!(
        "[[device]]\nname = \"one\"\naddress = \"10.20.0.1\"\ntype = \"{device_type}\"\nparams = {{ {params} }}\n"
    );
    let plan = plan_of(&text, command)();
    let job = plan.job(DeviceIndex(0)).expect("one device").clone();
    let framing = job.request.framing().expect("a command that is answered").clone();
    let mut codec = FrameCodec::new();
    let mut stream = BytesMut::with_capacity(128);
    Box::new(move || {
        for (_, reply) in (0..REPLIES).zip(replies.iter().cycle()) {
            codec.expect(&framing);
            stream.clear();
            stream.extend_from_slice(black_box(reply));
            let frame = codec.decode(&mut stream).ok().flatten().expect("a whole reply");
            let verdict = job.request.judge(&frame, &job.params);
            assert!(matches!(black_box(&verdict), Verdict::Ok { .. }), "{verdict:?}");
        }
    })
}

/// The events of a run in which every device obeyed.
pub(crate) fn events() -> Vec<RunEvent> {
    let plan = plan_of(RANGES, raw())();
    let info = RunInfo {
        schedule: None,
        id: RunId("01JD2X0000000000000000TEST".into()),
        fleet: "field-tvs".to_owned(),
        command: raw(),
        verify: false,
        if_needed: false,
        started_at: START,
        simulated: false,
        held: std::collections::BTreeMap::new(),
    };
    let finished = (0..DEVICES).map(DeviceIndex).map(|device| {
        let elapsed = Duration::from_micros(100_000 + u64::from(device.0) * 37 % 90_000);
        let at = START.after(elapsed);
        let outcome = Outcome {
            status: Status::Ok,
            delivery: Delivery::Confirmed,
            reason: None,
            attempts: 1,
            elapsed,
            finished_at: Some(at),
            sent: plan.job(device).map(|job| job.request.payload().clone()),
            reply: Some(b"a 01 OK01x".as_slice().into()),
            value: Some(Value::Text("01".into())),
            ..Outcome::skipped(SkipReason::Interrupted)
        };
        RunEvent::DeviceFinished { device, outcome: Box::new(outcome), at }
    });
    let started = RunEvent::RunStarted { run: Arc::new(info), devices: plan.devices.clone() };
    let elapsed = Duration::from_millis(4_210);
    let ended = RunEvent::RunFinished { ended: Ended::Completed, elapsed, at: START.after(elapsed) };
    [started].into_iter().chain(finished).chain([ended]).collect()
}

/// A report from the first event to the last byte, which nobody keeps. The events are taken in batches, as in a run.
fn write_report(format: Format) -> Work {
    let mut events = events().into_iter();
    let options = ReportOptions::default();
    Box::new(move || {
        let mut reporters = Reporters::default();
        reporters.add("report", reporter(format, Sink::Writer(Box::new(io::sink())), options));
        while events.len() > 0 {
            reporters.events(events.by_ref().take(BATCH));
        }
        assert!(black_box(reporters.finish()).errors.is_empty());
    })
}
