//! How a reply is found in a stream of bytes: a closed set of ways, one file each.

mod ending;
mod pattern;
mod template;

pub use ending::EndFraming;
pub use pattern::{FramingError, PatternFraming};
pub use template::TemplateFraming;

use std::fmt;

use crate::codec::lead::Lead;

/// How many bytes of frames of a fixed length one exchange may skip.
const SKIPPED_MAX: usize = 4096;

/// A way to find replies in a stream.
#[derive(Debug)]
pub enum Framing {
    /// A reply is what a pattern matches; what stands between matches is noise.
    Pattern(PatternFraming),
    /// A reply goes up to an end, or to where the peer closes.
    End(EndFraming),
    /// A reply has exactly so many bytes.
    Length(usize),
    /// A reply says how long it is and has a checksum.
    Template(TemplateFraming),
}

/// What a framing says about the bytes at hand. It may depend on nothing but the stream's bytes from where the last
/// frame or noise ended, so that no cut of the stream changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole frame.
    Frame {
        /// Where it starts; what stands before is noise.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// So many bytes belong to no frame, whatever follows.
    Noise(usize),
    /// A frame, but longer than one may be; it ends here.
    TooLong(usize),
    /// A frame whose checksum does not hold; it ends here.
    WrongChecksum(usize),
    /// More bytes are needed.
    More,
}

impl Framing {
    /// The first thing that can be said about `bytes`.
    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        match self {
            Self::Pattern(pattern) => pattern.find(bytes),
            Self::End(end) => end.find(bytes),
            Self::Length(len) if bytes.len() >= *len => Found::Frame { start: 0, end: *len },
            Self::Length(_) => Found::More,
            Self::Template(template) => template.find(bytes),
        }
    }

    /// The same when no more bytes will come.
    pub(super) fn find_at_end(&self, bytes: &[u8]) -> Found {
        match self {
            Self::End(end) => end.find_at_end(bytes),
            Self::Pattern(_) | Self::Length(_) | Self::Template(_) => self.find(bytes),
        }
    }

    /// What of a frame is judged: its body or text, without what marks its end or proves it.
    pub fn body<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        match self {
            Self::Pattern(_) | Self::Length(_) => frame,
            Self::End(end) => end.body(frame),
            Self::Template(template) => template.body(frame),
        }
    }

    /// Whether replies are text among which echoes and line ends stand, so that not every byte begins a reply.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Pattern(_) | Self::End(_))
    }

    /// How many bytes in one exchange may belong to no reply of ours.
    pub fn noise_max(&self) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.noise_max(),
            Self::Template(template) => template.noise_max(),
            // Nothing is noise to them; a frame that is skipped counts, and there may be few.
            Self::End(end) => end.max(),
            Self::Length(_) => SKIPPED_MAX,
        }
    }

    /// How many bytes a frame may have.
    pub fn max(&self) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.max(),
            Self::End(end) => end.max(),
            Self::Length(len) => *len,
            Self::Template(template) => template.max(),
        }
    }

    /// The names of the fields that a frame of this framing has.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let pattern = if let Self::Pattern(pattern) = self { Some(pattern) } else { None };
        pattern.into_iter().flat_map(PatternFraming::field_names)
    }

    /// The fields that its frames begin with, where those can be told without a search.
    pub fn lead(&self) -> Option<&Lead> {
        if let Self::Pattern(pattern) = self { Some(pattern.lead()) } else { None }
    }

    /// The fields that are in `frame`, each with its bytes.
    pub fn fields<'f>(&self, frame: &'f [u8]) -> Vec<(&str, &'f [u8])> {
        match self {
            Self::Pattern(pattern) => pattern.fields(frame),
            Self::End(_) | Self::Length(_) | Self::Template(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Framing {
    /// In words, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::End(end) => end.fmt(f),
            Self::Length(1) => f.write_str("one byte"),
            Self::Length(len) => write!(f, "{len} bytes"),
            Self::Template(template) => template.fmt(f),
        }
    }
}
