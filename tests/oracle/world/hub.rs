//! Smart-home hubs (protocols.md §6): a word asks for the house database, which comes behind a word of its own and its
//! length.
//!
//! What a hub serves differs from one request to the next, as a house changes: a file that is put together from two
//! attempts is the file of neither.

use super::truth::{Kind, Meaning, Message, Who};
use super::{Coming, State, What};
use crate::night::{Fault, Flaw, Millis, Task};
use crate::random::Random;

/// "Send me the house database."
pub(crate) const COMMAND: [u8; 4] = [0x4C, 0, 0, 0];

/// The words that a hub answers with: the database follows; anything else is a no.
const FOUND: u32 = 0x43;
const NOT_NOW: u32 = 0x44;

/// The length of the header: two words.
pub(crate) const HEADER: usize = 8;

/// How every `SQLite` file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a segment carries on an Ethernet.
const SEGMENT: usize = 1448;

/// The most that may be announced (protocols.md §6, "limits").
const MOST: u32 = 64 << 20;

/// What a hub says to a request.
struct Speech {
    announced: usize,
    /// Header, file, and whatever it says behind them.
    bytes: Vec<u8>,
    /// How many of these bytes it gets out.
    sent: usize,
    /// It is a file that the sheet allows, whether or not all of it comes.
    is_file: bool,
    /// Up to where it speaks without a pause, and how long it pauses there.
    pause: Option<(usize, Millis)>,
    /// Segments of so many bytes, so far apart.
    segment: usize,
    every: Millis,
    /// It ends the connection behind its last byte, or resets it.
    ends: Option<bool>,
    never_ends: bool,
}

impl State {
    /// A hub has got bytes.
    pub(super) fn hub_hears(&mut self, gateway: usize, connection: usize) {
        let tail = &mut self.truth.connections[connection].tail;
        if tail.len() < COMMAND.len() {
            return;
        }
        let bytes: Vec<u8> = tail.drain(..COMMAND.len()).collect();
        let is_ours = self.night.task == Task::Fetch && bytes == COMMAND;
        let who = self.who(gateway, 1);
        let request = self.note(connection, who, if is_ours { Kind::Command } else { Kind::Alien }, &bytes);
        let Some(who) = who else { return };
        let fault = self.fault(who, connection);
        self.truth.requests[request].fault = fault;
        let now = self.now();
        let latency = self.night.gateways[who.0].devices[who.1].latency;
        let late = if let Some(Fault::Late { by }) = fault { by } else { 0 };
        let at = now + latency + late;
        if fault == Some(Fault::Refuses) {
            let bytes = header(NOT_NOW, 0);
            let message = self.message(request, who, Meaning::No, bytes.clone(), true, at);
            return self.send(gateway, connection, at, bytes, Some(message));
        }
        if !matches!(fault, Some(Fault::Silent { .. })) {
            let speech = speech(self.house(who), fault, now);
            self.speak(request, who, at, speech);
        }
    }

    /// The database of a hub as it is now.
    fn house(&self, who: Who) -> Vec<u8> {
        let asked = self.places[who.0].devices[who.1].asked as u64;
        let mut random = Random::new(self.night.seed ^ (who.0 as u64) << 48 ^ asked << 40 ^ 0xDA7A);
        let length = random.pick(&[16, 17, 100, 1024, 1448, 4096, 11_262, 20_000, 32_768, 32_769, 70_000]);
        let mut house = MAGIC.to_vec();
        while house.len() < length {
            house.extend_from_slice(&random.next().to_le_bytes());
        }
        house.truncate(length);
        house
    }

    /// Says it, segment by segment.
    fn speak(&mut self, request: usize, who: Who, at: Millis, speech: Speech) {
        let connection = self.truth.requests[request].connection;
        let Speech { announced, bytes, sent, is_file, pause, segment, every, ends, never_ends } = speech;
        let whole = HEADER + announced;
        // Where a segment begins, and when it comes. The header does not always come in one.
        let first = usize::try_from(at % 12).unwrap();
        let mut cuts: Vec<usize> = std::iter::once(0).chain((first..sent).step_by(segment)).collect();
        cuts.extend(pause.map(|(place, _)| place));
        cuts.retain(|cut| *cut < sent);
        cuts.sort_unstable();
        cuts.dedup();
        let paused = |cut: usize| pause.filter(|(place, _)| cut >= *place).map_or(0, |(_, by)| by);
        let starts: Vec<(usize, Millis)> =
            cuts.iter().zip(0..).map(|(&cut, number)| (cut, at + number * every + paused(cut))).collect();
        let time_of = |place: usize| starts.iter().rfind(|(cut, _)| *cut <= place).map_or(at, |(_, time)| *time);
        let message = (is_file && sent > 0).then(|| {
            let told = bytes[..whole.min(bytes.len())].to_vec();
            let number = self.message(request, who, Meaning::File, told, sent >= whole, at);
            let message = &mut self.truth.messages[number];
            message.last_at = time_of(whole.min(sent) - 1);
            message.whole_at = message.last_at;
            message.head_at = time_of(HEADER - 1);
            let behind =
                starts.iter().map(|(_, time)| *time).filter(|time| (message.head_at..=message.last_at).contains(time));
            let times: Vec<Millis> = behind.collect();
            message.longest_pause = times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or(0);
            number
        });
        for (place, &(cut, time)) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(sent, |(next, _)| *next);
            // What stands behind the announced length is no part of the file.
            let edge = whole.clamp(cut, end);
            self.send(who.0, connection, time, bytes[cut..edge].to_vec(), message);
            self.send(who.0, connection, time, bytes[edge..end].to_vec(), None);
        }
        let last = starts.last().map_or(at, |(_, time)| *time);
        if never_ends {
            self.places[who.0].coming.push(Coming { at: last, connection: Some(connection), what: What::Babble });
        }
        if let Some(resets) = ends {
            self.end(connection, last + u64::from(sent > 0), resets);
        }
    }

    fn send(&mut self, gateway: usize, connection: usize, at: Millis, bytes: Vec<u8>, message: Option<usize>) {
        if !bytes.is_empty() {
            let what = What::Bytes(bytes, message);
            self.places[gateway].coming.push(Coming { at, connection: Some(connection), what });
        }
    }

    /// Notes a message, all of which comes at once.
    fn message(
        &mut self,
        request: usize,
        who: Who,
        meaning: Meaning,
        bytes: Vec<u8>,
        is_whole: bool,
        at: Millis,
    ) -> usize {
        let number = self.truth.messages.len();
        self.truth.messages.push(Message::new(who, meaning, bytes, is_whole, request, at));
        self.truth.requests[request].answer = Some(number);
        number
    }
}

/// What becomes of a database when this goes wrong.
fn speech(house: Vec<u8>, fault: Option<Fault>, now: Millis) -> Speech {
    let length = house.len();
    let share = |percent: u8| HEADER + length * usize::from(percent) / 100;
    let mut speech = Speech {
        announced: length,
        bytes: house,
        sent: usize::MAX,
        is_file: true,
        pause: None,
        segment: SEGMENT,
        every: now % 3,
        ends: None,
        never_ends: false,
    };
    match fault {
        Some(Fault::Closes { after, .. }) => (speech.sent, speech.ends) = (after, Some(false)),
        Some(Fault::Resets { after, .. }) => (speech.sent, speech.ends) = (after, Some(true)),
        Some(Fault::Partial { after }) => speech.sent = after,
        Some(Fault::Dribbles { every }) => (speech.segment, speech.every) = ((length / 30).max(1), every),
        Some(Fault::Malformed) => {
            let place = usize::try_from(now % 16).unwrap();
            (speech.bytes[place], speech.is_file) = (b'~', false);
        }
        Some(Fault::Flaw(flaw)) => match flaw {
            Flaw::Cut { percent, resets } => (speech.sent, speech.ends) = (share(percent), Some(resets)),
            Flaw::Stalls { percent, by: None } => speech.sent = share(percent),
            Flaw::Stalls { percent, by: Some(by) } => speech.pause = Some((share(percent), by)),
            Flaw::AnnouncesMore { by, closes } => {
                speech.announced += by;
                speech.ends = closes.then_some(false);
            }
            Flaw::AnnouncesLess { by } => speech.announced = length.saturating_sub(by).max(MAGIC.len()),
            Flaw::AnnouncesTooMuch => (speech.announced, speech.is_file) = (MOST as usize + 1, false),
            Flaw::AnnouncesNothing => (speech.announced, speech.is_file) = (0, false),
            Flaw::TooSmall { bytes } => {
                (speech.announced, speech.is_file) = (bytes, false);
                speech.bytes.truncate(bytes);
            }
            Flaw::Ends { resets } => speech.ends = Some(resets),
            Flaw::NeverEnds => speech.never_ends = true,
        },
        _ => {}
    }
    speech.bytes = [header(FOUND, speech.announced), speech.bytes].concat();
    speech.sent = speech.sent.min(speech.bytes.len());
    speech
}

fn header(word: u32, length: usize) -> Vec<u8> {
    [word.to_le_bytes(), u32::try_from(length).unwrap().to_le_bytes()].concat()
}
