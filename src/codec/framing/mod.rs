//! How a reply is found in a stream of bytes: a closed set of ways, one file each.

mod pattern;

pub use pattern::{FramingError, PatternFraming};

use std::fmt;

/// A way to find replies in a stream.
#[derive(Debug)]
pub enum Framing {
    /// A reply is what a pattern matches; what stands between matches is noise.
    Pattern(PatternFraming),
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
    /// More bytes are needed.
    More,
}

impl Framing {
    /// The first thing that can be said about `bytes`.
    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        match self {
            Self::Pattern(pattern) => pattern.find(bytes),
        }
    }

    /// How many bytes in one exchange may belong to no reply of ours.
    pub fn noise_max(&self) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.noise_max(),
        }
    }

    /// How many bytes a frame may have.
    pub fn max(&self) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.max(),
        }
    }

    /// The names of the fields that a frame of this framing has.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Pattern(pattern) => pattern.field_names(),
        }
    }

    /// The fields that are in `frame`, each with its bytes.
    pub fn fields<'f>(&self, frame: &'f [u8]) -> Vec<(&str, &'f [u8])> {
        match self {
            Self::Pattern(pattern) => pattern.fields(frame),
        }
    }
}

impl fmt::Display for Framing {
    /// In words, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}
