//! A night: a fleet, a command, what goes wrong, and the limits of the run; all of it drawn from one seed before it begins.
//!
//! Times are whole milliseconds. What a device does is a script by the number of requests that it has had, what a gateway
//! does one by the number of connections: so the same night can be played again with fewer devices.

pub(crate) use crate::fault::{Fault, Flaw, LinkFault, Stray};

/// A time or a span in milliseconds.
pub(crate) type Millis = u64;

/// Which of the protocols a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `lg-rs232`: displays on the serial line of a gateway.
    Display,
    /// `devantech-eth008` and the like: relays of one board.
    Devantech,
    /// `ncd-proxr`: relays of one board, in API mode.
    Ncd,
    /// `esc-cr`: one device, one command a connection.
    Printer,
    /// `smart-home-hub`: one device, one file a connection.
    Hub,
}

/// Which of the Devantech boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Board {
    Eth008,
    /// Its state has two bytes: relays, and what is none of theirs.
    Eth484,
    /// Its state has three bytes.
    Eth8020,
}

impl Board {
    /// How many relays it has.
    pub(crate) fn relays(self) -> u8 {
        match self {
            Self::Eth008 => 8,
            Self::Eth484 => 4,
            Self::Eth8020 => 20,
        }
    }

    /// The name of its type.
    pub(crate) fn device_type(self) -> &'static str {
        match self {
            Self::Eth008 => "devantech-eth008",
            Self::Eth484 => "devantech-eth484",
            Self::Eth8020 => "devantech-eth8020",
        }
    }
}

/// What the run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// `--do power-on`, to any displays and relays.
    PowerOn,
    /// `--do power-off`.
    PowerOff,
    /// `--do power-status`: nothing but a question.
    Status,
    /// `--do volume --arg level=N`, to displays.
    Volume(u8),
    /// `--cmd "ka {set_id} 01"`.
    RawPowerOn,
    /// `--cmd "mc {set_id} 02"`: louder by a step, which must not be sent twice.
    Key,
    /// `--cmd "ka 00 01"`: to every display of a line, which none acknowledges.
    Broadcast,
    /// `--do relay-pulse --arg ms=N00`, to relays of Devantech boards: must not be sent twice.
    Pulse(u8),
    /// `--cmd WORD` to printers, whose effect nobody knows; with `--idempotent` or without.
    Text { idempotent: bool },
    /// `--do fetch-database --save PATH`: a file from each hub.
    Fetch,
}

/// A device of the inventory.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one device")]
pub(crate) struct Device {
    pub(crate) name: String,
    /// Its set ID or relay; 1 where the type has none.
    pub(crate) unit: u8,
    /// Whether the command is for it.
    pub(crate) selected: bool,
    /// Kept out of runs.
    pub(crate) held: bool,
    /// On its circuit it draws so many amperes at first, for so long.
    pub(crate) inrush: Option<(u8, Millis)>,
    /// The load hangs on the normally closed contact.
    pub(crate) inverted: bool,
    /// How it begins the night.
    pub(crate) is_on: bool,
    /// A file stands already where its own is to be saved.
    pub(crate) has_file: bool,
    /// How long it takes for an answer.
    pub(crate) latency: Millis,
    /// What goes wrong with its first requests, and with all that follow.
    pub(crate) faults: Vec<Option<Fault>>,
    pub(crate) always: Option<Fault>,
}

/// A gateway, or a board.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) family: Family,
    /// Which board it is, where it is one of Devantech's.
    pub(crate) board: Board,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Its site, if it stands at one.
    pub(crate) site: Option<usize>,
    /// The password that its devices' entries name, and whether the board takes it.
    pub(crate) password: Option<(String, bool)>,
    pub(crate) devices: Vec<Device>,
    /// What goes wrong with its first connections, and with all that follow.
    pub(crate) faults: Vec<Option<LinkFault>>,
    pub(crate) always: Option<LinkFault>,
}

impl Gateway {
    /// Its address as reports write it.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// What the run allows, and what stops it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    pub(crate) concurrency: usize,
    /// The most lanes at once at each site.
    pub(crate) sites: Vec<usize>,
    /// The most amperes at a time on the one circuit.
    pub(crate) circuit: Option<u8>,
    /// `--rate`: starts are so far apart.
    pub(crate) rate: Option<Millis>,
    /// `--batch` and `--pause`.
    pub(crate) batch: Option<(u32, Millis)>,
    /// `--max-failures`.
    pub(crate) max_failures: Option<u32>,
    /// `--until`.
    pub(crate) until: Option<Millis>,
    /// `--deadline`.
    pub(crate) deadline: Option<Millis>,
    pub(crate) grace: Millis,
    /// When the first and the second signal come.
    pub(crate) signals: Option<(Millis, Option<Millis>)>,
    pub(crate) retries: Option<u32>,
    pub(crate) reply_timeout: Option<Millis>,
    pub(crate) device_deadline: Option<Millis>,
    /// How many events may wait for the reporters.
    pub(crate) queue: usize,
}

/// What a night is played over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Streams in memory, under a clock that jumps: every byte and every millisecond is known.
    Memory,
    /// The real binary over real sockets.
    Sockets,
    /// The same, with ser2net between: the world is what hangs on its serial lines, and sees no connections.
    Ser2net,
    /// The same over the fleet that the program simulates itself, with the faults that it plays: what happened is what was
    /// seen on the wire.
    Simulation,
}

/// One night.
#[derive(Debug, Clone)]
pub(crate) struct Night {
    pub(crate) seed: u64,
    pub(crate) task: Task,
    pub(crate) verify: bool,
    pub(crate) if_needed: bool,
    pub(crate) gateways: Vec<Gateway>,
    /// Gateway and device, in the order of the inventory.
    pub(crate) order: Vec<(usize, usize)>,
    pub(crate) limits: Limits,
    /// `--sample`: so many of the selected, whichever they are. Over sockets alone, as nobody knows which before.
    pub(crate) sample: Option<usize>,
    /// Nothing goes wrong any more from here on.
    pub(crate) faults_end: Option<Millis>,
    /// Render every format, to compare what they say.
    pub(crate) all_formats: bool,
    pub(crate) over: Over,
    /// What a real binary that can lie is to lie about.
    pub(crate) lie: Option<&'static str>,
    /// What happened in the program and what happened in the world may be so far apart and yet have been at once.
    pub(crate) slack: Millis,
}

impl Night {
    /// A device by its place in the inventory.
    pub(crate) fn device(&self, place: (usize, usize)) -> (&Gateway, &Device) {
        let gateway = &self.gateways[place.0];
        (gateway, &gateway.devices[place.1])
    }

    /// The selected devices in inventory order.
    pub(crate) fn selected(&self) -> impl Iterator<Item = (usize, usize)> {
        self.order.iter().copied().filter(|&place| self.device(place).1.selected)
    }

    /// Whether whatever was drawn for a device and its gateway must not keep it from being `ok`.
    pub(crate) fn is_well(&self, place: (usize, usize)) -> bool {
        let (gateway, device) = self.device(place);
        let stray = |fault: &Fault| match fault {
            Fault::Echoes | Fault::Stray(_) | Fault::Dribbles { every: 1 } => true,
            Fault::Flaw(flaw) => {
                matches!(flaw, Flaw::AnnouncesLess { .. } | Flaw::Ends { resets: false } | Flaw::NeverEnds)
            }
            _ => false,
        };
        let noise = |fault: &LinkFault| {
            matches!(fault, LinkFault::Noise { .. } | LinkFault::Telnet { .. } | LinkFault::SlowOpen { .. })
        };
        device.faults.iter().flatten().chain(&device.always).all(stray)
            && gateway.faults.iter().flatten().chain(&gateway.always).all(noise)
            && gateway.password.as_ref().is_none_or(|(_, is_right)| *is_right)
    }

    /// Whether anything was drawn that goes wrong with a device or its gateway.
    pub(crate) fn is_faulty(&self, place: (usize, usize)) -> bool {
        let (gateway, device) = self.device(place);
        let wrong = |faults: &[Option<Fault>]| faults.iter().any(Option::is_some);
        wrong(&device.faults)
            || device.always.is_some()
            || gateway.always.is_some()
            || gateway.faults.iter().any(Option::is_some)
            || gateway.password.as_ref().is_some_and(|(_, is_right)| !is_right)
    }

    /// The same night without the device at this place of the inventory.
    pub(crate) fn without(&self, place: usize) -> Self {
        let mut fewer = self.clone();
        fewer.order.remove(place);
        fewer
    }
}
