//! A world for the engine: gateways that follow a script, a paused clock, and a record of what reached whom when.

mod network;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use self::network::Net;
use super::super::{Limits, Outside, Pacing, RunClock, run};
use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostics, Sources, render_all};
use crate::inventory;
use crate::model::{Backoff, Command, Ended, Outcome, RunEvent, Timing, TimingOverrides, UnixMillis};
use crate::plan::{Asked, Plan, PlanRequest, build};
use crate::session::{Intents, Stop};
use crate::transport::Connect;

/// The built-in types, read once: some tests run hundreds of worlds.
static TYPES: LazyLock<Catalog> = LazyLock::new(|| {
    let none: &[std::path::PathBuf] = &[];
    Catalog::load(none, &mut Sources::default(), &mut Diagnostics::default())
});

/// What a device does with a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Does {
    Reply(&'static str),
    ReplyAfter(Duration, &'static str),
    Nothing,
    Close,
    /// Sends for ever, as fast as it is read.
    Babble,
}

/// What a gateway does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Opens {
    Yes,
    Refused,
    Never,
    /// Opens, and closes before it has read anything.
    Closes,
    NoFiles,
    /// This machine has no files for so long from the start.
    NoFilesFor(Duration),
    Denied,
    /// Open after so long, whatever the deadline: this process stood still.
    After(Duration),
    Panics,
    /// The first connection opens, but to read from it is a panic.
    PanicsInRead,
    /// What each connection meets, in turn; the last holds for those that follow.
    InTurn(&'static [Opens]),
}

type Script = Arc<dyn Fn(&str, usize) -> Does + Send + Sync>;

/// Something that a gateway saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Open,
    /// Not a gateway, but our end: bytes are written.
    Written,
    Request(String),
    Closed,
    /// Not a gateway, but the network: what it knows is to be asked anew.
    Pass,
}

#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Vec<(u128, String, Seen)>>>);

impl Record {
    fn note(&self, started: Instant, gateway: &str, seen: Seen) {
        self.0.lock().unwrap().push((started.elapsed().as_millis(), gateway.to_owned(), seen));
    }

    /// Requests with their times in milliseconds.
    pub(super) fn requests(&self) -> Vec<(u128, String)> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter_map(|(at, _, seen)| match seen {
                Seen::Request(text) => Some((*at, text.clone())),
                _ => None,
            })
            .collect()
    }

    /// How often a further pass began.
    pub(super) fn begun_passes(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, _, seen)| *seen == Seen::Pass).count()
    }

    /// When each gateway got its requests.
    pub(super) fn starts(&self) -> Vec<(u128, String)> {
        let all = self.0.lock().unwrap();
        let requests = all.iter().filter(|(.., seen)| matches!(seen, Seen::Request(_)));
        requests.map(|(at, gateway, _)| (*at, gateway.clone())).collect()
    }

    /// How many connections were open at each write.
    pub(super) fn open_at_writes(&self) -> Vec<usize> {
        let mut open = 0;
        let mut at_writes = Vec::new();
        for (.., seen) in &*self.0.lock().unwrap() {
            match seen {
                Seen::Open => open += 1,
                Seen::Closed => open -= 1,
                Seen::Written => at_writes.push(open),
                Seen::Request(_) | Seen::Pass => {}
            }
        }
        at_writes
    }

    pub(super) fn connections(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, _, seen)| *seen == Seen::Open).count()
    }
}

/// The world: an inventory, a command, and how gateways behave.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one world")]
pub(super) struct World {
    inventory: String,
    command: Command,
    save: Option<String>,
    verify: bool,
    if_needed: bool,
    opens: HashMap<String, Opens>,
    script: Script,
    /// What the plan gets besides what the inventory says.
    adjust: Option<fn(&mut Plan)>,
    intents: Option<Arc<dyn Intents>>,
    /// Every device is believed to be dead.
    is_dead: bool,
    pub(super) limits: Limits,
    pub(super) flags: TimingOverrides,
    pub(super) stop: Stop,
    /// Their queue holds one event, and each takes them a while.
    pub(super) are_reporters_behind: bool,
}

/// What a run came to.
pub(super) struct Ran {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) ended: Ended,
    pub(super) record: Record,
    pub(super) events: Vec<RunEvent>,
}

impl World {
    pub(super) fn new(inventory: &str, script: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> Self {
        Self {
            inventory: format!("[defaults]\ntype = \"lg-rs232\"\n{inventory}"),
            command: Command::raw("ka {set_id} 01"),
            save: None,
            verify: false,
            if_needed: false,
            opens: HashMap::new(),
            script: Arc::new(script),
            adjust: None,
            intents: None,
            is_dead: false,
            limits: Limits {
                concurrency: 256,
                crews: 1,
                pacing: Pacing::default(),
                deadline: None,
                grace: Duration::from_secs(5),
            },
            flags: TimingOverrides { backoff_jitter: Some(false), ..TimingOverrides::default() },
            stop: Stop::default(),
            are_reporters_behind: false,
        }
    }

    pub(super) fn command(mut self, text: &str) -> Self {
        self.command = Command::raw(text);
        self
    }

    /// Carries an action out, asking for the state before or afterwards.
    pub(super) fn does(mut self, action: &str, if_needed: bool, verify: bool) -> Self {
        self.command = Command::Action { name: action.to_owned(), args: BTreeMap::new() };
        (self.if_needed, self.verify) = (if_needed, verify);
        self
    }

    /// Fetches files to this pattern of paths instead.
    pub(super) fn fetches(mut self, save: String) -> Self {
        self.command = Command::Action { name: "fetch-database".to_owned(), args: BTreeMap::new() };
        self.save = Some(save);
        self
    }

    /// Changes the plan before the run.
    pub(super) fn adjusted(mut self, adjust: fn(&mut Plan)) -> Self {
        self.adjust = Some(adjust);
        self
    }

    pub(super) fn opens(mut self, gateway: &str, opens: Opens) -> Self {
        self.opens.insert(gateway.to_owned(), opens);
        self
    }

    /// Tells someone of commands that must not be sent twice.
    pub(super) fn tells(mut self, intents: Arc<dyn Intents>) -> Self {
        self.intents = Some(intents);
        self
    }

    /// Every device failed in its last runs.
    pub(super) fn dead(mut self) -> Self {
        self.is_dead = true;
        self
    }

    pub(super) fn plan(&self) -> Plan {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let path = std::path::Path::new("fleet.toml");
        let fleet = inventory::read(&*self.inventory, path, &TYPES, &mut sources, &|_| None, &mut diagnostics);
        let Some(fleet) = fleet else { panic!("{}", render_all(&diagnostics, &sources, false)) };
        let selection: Vec<u32> = (0..).take(fleet.devices.len()).collect();
        let second = Duration::from_secs(1);
        let request = PlanRequest {
            asked: Asked::CommandLine,
            verify: self.verify,
            if_needed: self.if_needed,
            save: self.save.as_deref(),
            fleet: &fleet,
            selection: &selection,
            command: &self.command,
            flags: self.flags,
            idempotent: false,
            built_in: Timing {
                connect_timeout: 3 * second,
                reply_timeout: 2 * second,
                device_deadline: 30 * second,
                retries: 2,
                backoff: Backoff { initial: second / 4, max: 5 * second, jitter: false },
            },
        };
        let plan = build(&request, &mut sources, &mut diagnostics);
        let mut plan = plan.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, false)));
        plan.probe(|_| self.is_dead);
        plan
    }

    pub(super) async fn run(self) -> Ran {
        let plan = self.adjusted_plan();
        self.run_plan(plan).await
    }

    fn adjusted_plan(&self) -> Plan {
        let mut plan = self.plan();
        if let Some(adjust) = self.adjust {
            adjust(&mut plan);
        }
        plan
    }

    /// Runs this plan instead of its own.
    pub(super) async fn run_plan(mut self, plan: Plan) -> Ran {
        let record = Record::default();
        let opens = std::mem::take(&mut self.opens);
        let net = Net {
            opens,
            script: self.script.clone(),
            record: record.clone(),
            started: Instant::now(),
            tries: Mutex::default(),
        };
        self.run_plan_over(plan, net, record).await
    }

    /// Runs over another network than that of the script.
    pub(super) async fn run_over(self, net: impl Connect, record: Record) -> Ran {
        let plan = self.adjusted_plan();
        self.run_plan_over(plan, net, record).await
    }

    async fn run_plan_over(self, plan: Plan, net: impl Connect, record: Record) -> Ran {
        let plan = Arc::new(plan);
        let clock = RunClock { started: Instant::now(), started_at: UnixMillis(0) };
        let is_behind = self.are_reporters_behind;
        let (sender, mut receiver) = mpsc::channel(if is_behind { 1 } else { 16 });
        let count = plan.devices.len();
        let outside = Outside { intents: self.intents, ..sender.into() };
        let engine = run(plan, net, self.limits, clock, self.stop, Box::new(|| 1.0), outside);
        let collect = async {
            let mut events = Vec::new();
            while let Some(event) = receiver.recv().await {
                events.push(event);
                if is_behind {
                    sleep(Duration::from_millis(10)).await;
                }
            }
            events
        };
        let (ended, events) = tokio::join!(engine, collect);
        let mut outcomes: Vec<Option<Outcome>> = vec![None; count];
        for event in &events {
            if let RunEvent::DeviceFinished { device, outcome, .. } = event {
                let before = outcomes[device.get()].replace((**outcome).clone());
                assert!(before.is_none(), "{device:?} finished twice");
            }
        }
        let outcomes = outcomes.into_iter().map(|outcome| outcome.expect("every device finishes once")).collect();
        // Devices notice the end of their connections.
        sleep(Duration::from_millis(1)).await;
        Ran { outcomes, ended, record, events }
    }
}
