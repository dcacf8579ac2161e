//! What an examination has seen: facts, no judgement about them.

use std::time::Duration;

use crate::codec::LineState;
use crate::device_type::Verdict;

/// Everything that was seen of one device.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How connecting ended.
    pub opened: Opened,
    /// What came before anything was sent.
    pub greeting: Heard,
    /// How far the gateway's serial line was set before the first question; `None` when `link` sets none.
    pub serial: Option<LineState>,
    /// What became of the log-in; `None` where there was none.
    pub login: Option<LoggedIn>,
    /// The questions in the order in which they were asked, each with what came.
    pub asked: Vec<Asked>,
    /// The examination's own time was over before it had asked everything.
    pub out_of_time: bool,
}

/// How connecting ended. Texts are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Opened {
    /// Nothing was tried.
    #[default]
    Untried,
    /// There is a connection.
    Yes,
    /// The name does not resolve; why.
    NoName(String),
    /// The host says that nothing listens on the port.
    Refused,
    /// Nothing answered within this time.
    TimedOut(Duration),
    /// The network says that there is no way; its words.
    NoRoute(String),
    /// This machine did not allow or manage it; its words.
    OwnFault(String),
    /// It failed otherwise; the system's words.
    Failed(String),
}

/// What came in one stretch of listening.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The first bytes as they came, as far as they are kept.
    pub bytes: Vec<u8>,
    /// The data among them, without Telnet.
    pub data: Vec<u8>,
    /// How many came in all.
    pub total: usize,
    /// In how many pieces.
    pub pieces: u32,
    /// How the stretch ended.
    pub end: LineEnd,
    /// The units that whole replies in it named.
    pub units: Vec<i64>,
}

/// How a stretch of listening ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnd {
    /// The line is open and was quiet at the end.
    #[default]
    Open,
    /// The peer closed.
    Closed,
    /// The peer reset the connection, or it broke.
    Broken,
    /// More came than was read: it never stops.
    Babbling,
}

/// What became of a log-in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Whether the password was known; else only its opening was carried out.
    pub is_whole: bool,
    /// The steps that were carried out.
    pub steps: usize,
    /// Whether each reply was what had been written, byte for byte.
    pub is_mirror: bool,
    /// How it ended.
    pub end: LoginEnd,
}

/// How a log-in ended. Texts are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginEnd {
    /// The device accepts the password.
    Accepted,
    /// The device wants no password; why, as far as the type can tell.
    Unneeded(Option<String>),
    /// The device wants a password, and none is known.
    Locked(Option<String>),
    /// The device refuses the password.
    Refused(String),
    /// What answered is no part of a log-in; the reply.
    Malformed(String),
    /// No whole reply came; what did.
    Unanswered(Heard),
}

impl LoggedIn {
    /// Whether the device takes commands now.
    pub fn is_open(&self) -> bool {
        matches!(self.end, LoginEnd::Accepted | LoginEnd::Unneeded(_))
    }
}

/// A question and what became of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which.
    pub question: Question,
    /// What was written, safe for a terminal.
    pub sent: String,
    /// What came.
    pub heard: Heard,
    /// Whether what was written came back.
    pub echoed: bool,
    /// Whether bytes came that are no reply, no echo, no negotiation and no blanks.
    pub garbled: bool,
    /// What answered.
    pub answer: Option<Answer>,
    /// From the write to the end of the listening.
    pub after: Duration,
}

/// What answered a question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The whole reply, safe for a terminal.
    pub shown: String,
    /// What it says.
    pub verdict: Verdict,
    /// How many bytes of a file it announces, which is not fetched.
    pub announced: Option<u64>,
    /// Whether it is all that came: nothing was left over behind it.
    pub is_all: bool,
    /// Whether it is what was written, byte for byte.
    pub is_mirror: bool,
}

/// The variants of the harmless question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// As a run would ask it.
    Own,
    /// The same, to another unit.
    Unit(i64),
    /// To every unit at once.
    Everyone,
    /// With another end.
    Ending(Terminator),
    /// With our side closed behind it, or kept open, where a run does the opposite.
    HalfClosed(bool),
    /// As a device with another parameter would be asked: a place in [`super::Query::dialects`].
    Dialect(usize),
}

/// What may end a command on a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminator {
    /// `\r`.
    Cr,
    /// `\r\n`.
    CrLf,
    /// `\n`.
    Lf,
    /// Nothing.
    Nothing,
}

impl Terminator {
    /// In the order in which they are tried: the likelier first, and last the one that leaves half a line behind.
    pub const ALL: [Self; 4] = [Self::Cr, Self::CrLf, Self::Lf, Self::Nothing];

    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
            Self::Nothing => b"",
        }
    }
}

impl Asked {
    /// Whether something of the device's language answered.
    pub fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether the device understood: it said yes, no, or not now.
    pub fn is_understood(&self) -> bool {
        let verdict = self.answer.as_ref().map(|answer| &answer.verdict);
        matches!(verdict, Some(Verdict::Ok { .. } | Verdict::Refused { .. } | Verdict::Busy { .. }))
    }
}

impl Heard {
    /// Whether it opens with a Telnet negotiation: WILL, WONT, DO or DONT.
    pub fn negotiates(&self) -> bool {
        matches!(self.bytes.as_slice(), [0xff, 0xfb..=0xfe, ..])
    }
}

impl Seen {
    /// Everything that was heard, in its order.
    pub fn heard(&self) -> impl Iterator<Item = &Heard> {
        std::iter::once(&self.greeting).chain(self.asked.iter().map(|asked| &asked.heard))
    }

    /// Whether the gateway speaks Telnet: it said so before it was asked anything.
    pub fn speaks_telnet(&self) -> bool {
        self.greeting.negotiates()
    }

    /// Bytes that came in the whole examination.
    pub fn total(&self) -> usize {
        self.heard().map(|heard| heard.total).sum()
    }

    /// The question that was answered as a run would ask it.
    pub fn own_answer(&self) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.question == Question::Own && asked.is_answered())
    }

    /// Whether an answer is no more than an echo: what was written came back, and so much of it that it is no chance.
    pub fn is_mirror(&self, answer: &Answer, written: usize) -> bool {
        const NO_CHANCE: usize = 3;
        let logged_in = self.login.as_ref().is_some_and(|logged_in| logged_in.is_mirror);
        answer.is_mirror && (written >= NO_CHANCE || logged_in)
    }

    /// The place of the dialect that was answered instead.
    pub fn dialect(&self) -> Option<usize> {
        self.asked.iter().find_map(|asked| match asked.question {
            // The beginning of a longer reply is no reply of a shorter kind.
            Question::Dialect(place) if asked.is_understood() && asked.answer.as_ref()?.is_all => Some(place),
            _ => None,
        })
    }

    /// What our side of the connection must do after the question, where only the opposite of a run's way was answered.
    pub fn half_close(&self) -> Option<bool> {
        self.asked.iter().find_map(|asked| match asked.question {
            Question::HalfClosed(closes) if asked.is_understood() => Some(closes),
            _ => None,
        })
    }

    /// The units other than the device's own that answered when they were asked by themselves, each once.
    pub fn other_units(&self) -> Vec<i64> {
        let mut units: Vec<i64> = self
            .asked
            .iter()
            .filter(|asked| asked.is_understood())
            .filter_map(|asked| match asked.question {
                Question::Unit(unit) => Some(unit),
                _ => None,
            })
            .collect();
        units.sort_unstable();
        units.dedup();
        units
    }
}
