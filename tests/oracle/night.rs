//! A night: a fleet, a command, what goes wrong, and the limits of the run; all of it drawn from one seed before it begins.
//!
//! Times are whole milliseconds. What a device does is a script by the number of requests that it has had, what a gateway
//! does one by the number of connections: so the same night can be played again with fewer devices.

/// A time or a span in milliseconds.
pub(crate) type Millis = u64;

/// Which of the protocols a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `lg-rs232`: displays on the serial line of a gateway.
    Display,
    /// `devantech-eth008`: relays of one board.
    Devantech,
    /// `ncd-proxr`: relays of one board, in API mode.
    Ncd,
    /// `esc-cr`: one device, one command a connection.
    Printer,
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
}

/// What goes wrong with one exchange. `acts`: the device carries the command out all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing comes back.
    Silent { acts: bool },
    /// It closes after so many bytes of its reply.
    Closes { acts: bool, after: usize },
    /// It resets the connection after so many bytes of its reply.
    Resets { acts: bool, after: usize },
    /// So many bytes of the reply, then silence.
    Partial { after: usize },
    /// The reply byte by byte, so far apart.
    Dribbles { every: Millis },
    /// The reply comes so late.
    Late { by: Millis },
    /// What was sent comes back before the reply.
    Echoes,
    /// Something that is not the answer comes before the reply.
    Stray(Stray),
    /// Something that is not the answer comes, and no reply; the device has not acted.
    StrayOnly(Stray),
    /// The reply comes twice, so far apart.
    Twice { gap: Millis },
    /// Not now.
    Busy,
    /// No.
    Refuses,
    /// Bytes that make no reply, then nothing; the device has not acted.
    Garbage,
    /// Bytes without end.
    Babbles,
    /// A reply whose checksum, or only byte, is wrong.
    Malformed,
    /// It acknowledges and does nothing.
    Lies,
    /// It acknowledges at once, and the effect comes later.
    Slow { by: Millis },
}

/// A frame that is not the answer, and can be told from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stray {
    /// Another unit's.
    Unit,
    /// The answer to another command.
    Command,
    /// The same command's with another value.
    Value,
}

/// What goes wrong with one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkFault {
    /// The port is closed.
    Refused,
    /// No answer.
    Hangs,
    /// Reset before it is open.
    ResetInConnect,
    /// No route.
    NoRoute,
    /// The name does not resolve.
    Dns,
    /// It opens after so long.
    SlowOpen { by: Millis },
    /// Opens, and closes after so long.
    Closes { after: Millis },
    /// Opens, and is reset after so long.
    Resets { after: Millis },
    /// The gateway serves another client: it says so after so long, and closes.
    Occupied { after: Millis },
    /// Bytes that nobody asked for, so long after opening.
    Noise { after: Millis },
    /// It negotiates Telnet options, so long after opening.
    Telnet { after: Millis },
    /// This machine has no file left.
    NoFiles,
    /// This machine does not allow it.
    Denied,
    /// A fault in the program itself while it connects.
    Panics,
    /// The same while it reads.
    PanicsInRead,
    /// The stream takes so many bytes of a command and then no more; `resets`: it fails instead.
    TakesPart { bytes: usize, resets: bool },
    /// The gateway closes so long after a reply, as if nobody needed it any more.
    IdleClose { after: Millis },
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
        let stray = |fault: &Fault| matches!(fault, Fault::Echoes | Fault::Stray(_) | Fault::Dribbles { every: 1 });
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
