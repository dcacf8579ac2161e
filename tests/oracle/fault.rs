//! The fault alphabet: what can go wrong with an exchange, with a file, and with a connection. How often it does is
//! `alphabet.rs`.

use crate::night::Millis;

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
    /// What can go wrong only with a file.
    Flaw(Flaw),
}

/// What goes wrong with a file behind its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// So much of it comes, then the end, or a reset.
    Cut { percent: u8, resets: bool },
    /// So much of it comes, and the rest so long after; `None`: never.
    Stalls { percent: u8, by: Option<Millis> },
    /// So many bytes are announced that do not come; then silence, or the end.
    AnnouncesMore { by: usize, closes: bool },
    /// So many bytes follow that are not announced: they are no part of the file.
    AnnouncesLess { by: usize },
    /// More is announced than any house needs.
    AnnouncesTooMuch,
    /// Nothing is announced, and a file follows.
    AnnouncesNothing,
    /// A file that is shorter than what every one begins with.
    TooSmall { bytes: usize },
    /// The whole file, and the end behind it, or a reset.
    Ends { resets: bool },
    /// The whole file, and bytes without end behind it.
    NeverEnds,
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
