//! What belongs to whom: each device's writes, and the answer that each of them got in its time.

use crate::alphabet::{IDLE_TIMEOUT, reply_timeout};
use crate::night::{Device, Family, Fault, Gateway, LinkFault, Millis, Night, Over, Task};
use crate::play::Played;
use crate::told::{self, Line, Report};
use crate::world::{Connection, Kind, Meaning, Message, Request, Truth, Who, command};

/// A run with its truth.
pub(crate) struct Case<'a> {
    pub(crate) night: &'a Night,
    pub(crate) truth: &'a Truth,
    pub(crate) report: Report,
    pub(crate) lines: Vec<Line>,
    pub(crate) exit_status: u8,
    /// When the night began, in milliseconds of the Unix epoch.
    began: u64,
    /// What is told of each selected device, in the report's order.
    pub(crate) devices: Vec<Told<'a>>,
}

/// A selected device: what is told of it, and what was written to it.
pub(crate) struct Told<'a> {
    pub(crate) who: Who,
    pub(crate) gateway: &'a Gateway,
    pub(crate) planned: &'a Device,
    pub(crate) report: told::Device,
    /// Every write of its command, whole or in part, in order.
    pub(crate) writes: Vec<Write<'a>>,
    /// Whether some part of a command at its gateway may be another device's: then its writes are not known exactly.
    pub(crate) is_blurred: bool,
    /// Whether more may have been written to it than anybody saw: to a connection that its gateway ended just then.
    pub(crate) is_lossy: bool,
}

impl Told<'_> {
    /// Whether every attempt that is told wrote the command: then the last write is the last attempt.
    pub(crate) fn is_exact(&self) -> bool {
        let count = self.writes.len() as u64;
        !self.is_blurred && count > 0 && self.report.attempts == count
    }
}

/// A write of a device's command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) seq: u64,
    pub(crate) at: Millis,
    pub(crate) connection: &'a Connection,
    pub(crate) number: usize,
    /// `None`: a part of it.
    pub(crate) request: Option<&'a Request>,
}

impl<'a> Case<'a> {
    /// Reads what was told and finds what belongs to whom.
    pub(crate) fn new(night: &'a Night, played: &'a Played) -> Result<Self, String> {
        let report: Report = serde_json::from_str(&played.json).map_err(|error| format!("no JSON: {error}"))?;
        let lines: Result<Vec<Line>, _> = played.ndjson.lines().map(serde_json::from_str).collect();
        let lines = lines.map_err(|error| format!("no NDJSON: {error}"))?;
        let selected: Vec<Who> = night.selected().collect();
        let names = |list: &[&str]| list.join(" ");
        let told: Vec<&str> = report.devices.iter().map(|device| &*device.name).collect();
        let expected: Vec<&str> = selected.iter().map(|&who| &*night.device(who).1.name).collect();
        if told != expected {
            return Err(format!("the report has {}, selected are {}", names(&told), names(&expected)));
        }
        let truth = &played.truth;
        let (began, exit_status) = (played.began, played.exit_status.unwrap_or(255));
        let mut case = Self { night, truth, report, lines, exit_status, began, devices: Vec::new() };
        for (who, report) in selected.iter().zip(case.report.devices.clone()) {
            let (gateway, planned) = night.device(*who);
            let (writes, is_blurred) = case.writes(*who);
            let is_lossy = truth.connections.iter().any(|one| one.gateway == who.0 && one.swallows);
            case.devices.push(Told { who: *who, gateway, planned, report, writes, is_blurred, is_lossy });
        }
        Ok(case)
    }

    /// Every write of a device's command, and whether some may be another's.
    fn writes(&self, who: Who) -> (Vec<Write<'a>>, bool) {
        let truth = self.truth;
        let whole = truth.requests.iter().filter(|request| request.who == Some(who) && request.kind == Kind::Command);
        let mut writes: Vec<Write<'a>> = whole
            .map(|request| Write {
                seq: request.seq,
                at: request.at,
                connection: &truth.connections[request.connection],
                number: request.connection,
                request: Some(request),
            })
            .collect();
        let own = expected(self.night, who);
        let mates = || self.night.selected().filter(|mate| mate.0 == who.0 && !self.night.device(*mate).1.held);
        let mut is_blurred = false;
        for (number, connection) in truth.connections.iter().enumerate() {
            let Some((seq, at)) = connection.tail_at.filter(|_| connection.gateway == who.0) else { continue };
            if !own.starts_with(&connection.tail) {
                continue;
            }
            let fits = |mate: &Who| *mate != who && expected(self.night, *mate).starts_with(&connection.tail);
            is_blurred |= mates().any(|mate| fits(&mate)) || self.asks();
            writes.push(Write { seq, at, connection, number, request: None });
        }
        writes.sort_by_key(|write| write.seq);
        (writes, is_blurred)
    }

    /// Whether devices are asked for their state besides their command.
    pub(crate) fn asks(&self) -> bool {
        self.night.verify || self.night.if_needed
    }

    /// Whether a task's command may be sent twice (protocols.md, "idempotent").
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.night.task, Task::Key | Task::Broadcast | Task::Pulse(_) | Task::Text { idempotent: false })
    }

    /// How long the answer to a device's command may take.
    pub(crate) fn reply_timeout(&self, family: Family) -> Millis {
        self.night.limits.reply_timeout.unwrap_or_else(|| reply_timeout(self.night.task, family))
    }

    /// A moment as the world counts time.
    pub(crate) fn millis(&self, moment: &str) -> Option<Millis> {
        told::millis(moment, self.began)
    }

    /// When the run began, which is when the world did unless a process had to start first.
    pub(crate) fn start(&self) -> Millis {
        self.millis(&self.report.started_at).unwrap_or(0)
    }

    /// From when on nothing more is started.
    pub(crate) fn stop(&self) -> Option<Millis> {
        let deadline = self.night.limits.deadline.map(|span| self.start() + span);
        [self.truth.first_signal, deadline].into_iter().flatten().min()
    }

    /// From when on nothing is waited for any more.
    pub(crate) fn cut(&self) -> Option<Millis> {
        let graced = self.stop().map(|stop| stop + self.night.limits.grace);
        [self.truth.second_signal, graced].into_iter().flatten().min()
    }

    /// When the time of a device is over, where that can be told from the report.
    pub(crate) fn device_end(&self, device: &Told<'_>) -> Option<Millis> {
        let finished = self.millis(device.report.finished_at.as_deref()?)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span of whole milliseconds")]
        let elapsed = device.report.elapsed_ms as Millis;
        Some(finished.saturating_sub(elapsed) + self.night.limits.device_deadline.unwrap_or(30_000))
    }

    /// The end of the time that an answer to a write has.
    pub(crate) fn answer_end(&self, device: &Told<'_>, write: &Write<'_>) -> Millis {
        // What ends the wait for a file besides is asked in `is_patient_with`.
        let is_file = device.gateway.family == Family::Hub;
        let own = if is_file { Millis::MAX } else { write.at + self.reply_timeout(device.gateway.family) };
        let ends = [Some(own), self.cut(), self.device_end(device).filter(|_| self.knows_start())];
        ends.into_iter().flatten().min().unwrap_or(own)
    }

    /// Whether a message comes without a pause that is too long: but for a file that is when it is whole, which is asked
    /// elsewhere.
    pub(crate) fn is_patient_with(&self, device: &Told<'_>, write: &Write<'_>, message: &Message) -> bool {
        message.meaning != Meaning::File
            || (message.head_at <= write.at + self.reply_timeout(device.gateway.family)
                && message.longest_pause <= IDLE_TIMEOUT)
    }

    /// Whether a device's time began with the first attempt that its report counts.
    fn knows_start(&self) -> bool {
        self.night.limits.until.is_none() && !self.night.if_needed
    }

    /// Whether a device's time is what its report says: it began with its first attempt and ended with its outcome.
    pub(crate) fn is_single_pass(&self) -> bool {
        self.night.limits.until.is_none() && !self.asks()
    }

    /// The valid answer that the program read while it waited for the answer to a write. One to the same bytes that comes
    /// late is an answer to these, too; to a part of them nothing is, as no device knows a command by its beginning. What
    /// comes after the end that a device's own time has put to it is read by whoever comes next on the line.
    pub(crate) fn answer(&self, device: &Told<'a>, write: &Write<'a>) -> Option<&'a Message> {
        write.request?;
        let is_cut = device.report.kind() == "device_deadline";
        let finished = device.report.finished_at.as_deref().filter(|_| is_cut).and_then(|at| self.millis(at));
        let end = self.answer_end(device, write).min(finished.unwrap_or(Millis::MAX));
        let next = self.truth.requests.iter().filter(|request| {
            self.truth.connections[request.connection].gateway == device.who.0 && request.seq > write.seq
        });
        let next = next.map(|request| request.seq).min().unwrap_or(u64::MAX);
        let read = self.truth.messages.iter().filter(|message| {
            let request = &self.truth.requests[message.request];
            message.who == Some(device.who)
                && request.kind == Kind::Command
                && message.is_read()
                && message.read_from > write.seq
                && message.read_seq < next
                && message.read_at.max(message.whole_at) <= end
                && message.read_on == write.number
        });
        // The first one ended the wait.
        read.min_by_key(|message| message.read_seq)
    }

    /// What others do to the connection of a write that has outlived their own attempts, by the kind of failure that it makes:
    /// a display whose time is over before its reply comes ends the connection, or babbles on it, when the next one waits.
    pub(crate) fn disturbances(&self, write: &Write<'_>) -> impl Iterator<Item = &'static str> {
        let (number, seq) = (write.number, write.seq);
        let before = self.truth.requests.iter().filter(move |one| one.connection == number && one.seq < seq);
        before.filter_map(|request| match request.fault? {
            Fault::Closes { .. } => Some("connection_closed"),
            Fault::Resets { .. } => Some("connection_reset"),
            Fault::Babbles => Some("reply_too_long"),
            _ => None,
        })
    }

    /// Whether it cannot be told if an answer to a write came in its time, because the world's clock is not the program's:
    /// it came just as the time was over, or just before the write was seen.
    pub(crate) fn is_close(&self, device: &Told<'a>, write: &Write<'_>) -> bool {
        let (slack, end) = (self.night.slack, self.answer_end(device, write));
        slack > 0
            && self.truth.messages.iter().any(|message| {
                let is_own = message.who == Some(device.who) && message.read > 0;
                let is_before = message.read_seq < write.seq && message.read_at + slack >= write.at;
                let is_at_end = message.read_at.abs_diff(end) <= slack || message.last_at.abs_diff(end) <= slack;
                let head_end = write.at + self.reply_timeout(device.gateway.family);
                let is_file = message.meaning == Meaning::File;
                let is_at_pause = message.head_at.abs_diff(head_end) <= slack
                    || message.longest_pause.abs_diff(IDLE_TIMEOUT) <= slack;
                let is_at_end = is_at_end || (is_file && is_at_pause);
                is_own && (is_before || is_at_end)
            })
    }

    /// Whether the world has seen every attempt to connect to a gateway.
    pub(crate) fn sees_tries(&self, gateway: &Gateway) -> bool {
        let is_open = !matches!(gateway.always, Some(LinkFault::Refused | LinkFault::Hangs));
        match self.night.over {
            Over::Memory => true,
            Over::Sockets | Over::Simulation => is_open,
            Over::Ser2net => false,
        }
    }

    /// The state that was wanted.
    pub(crate) fn wanted(&self) -> String {
        match self.night.task {
            Task::PowerOff => "off".to_owned(),
            Task::Volume(level) => level.to_string(),
            _ => "on".to_owned(),
        }
    }
}

/// The bytes of a device's command, from the protocols' sheets.
pub(crate) fn expected(night: &Night, who: Who) -> Vec<u8> {
    let (gateway, device) = night.device(who);
    command(night.task, gateway.family, device)
}

impl Meaning {
    /// Whether it says that the command is done, or answers it where it is a question.
    pub(crate) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes | Self::State(_) | Self::Text(_) | Self::File)
    }
}
