//! Framing by a template: a reply says how long it is and proves itself with a checksum, `AA {len} {body} {sum8}`.
//!
//! Bytes before its first one are noise. A frame whose checksum does not hold ends the exchange: what it was meant to
//! say, and where the next one begins, is unknown then.

use std::fmt;

use super::Found;
use crate::codec::layout::{Fit, Layout, LayoutError};

/// Framing by a template.
#[derive(Debug)]
pub struct TemplateFraming {
    layout: Layout,
    max: usize,
    noise_max: usize,
}

impl TemplateFraming {
    /// A framing by `layout`; a frame has at most `max` bytes, and at most `noise_max` bytes of an exchange may belong
    /// to none that answers it.
    ///
    /// # Errors
    /// When the end of such a frame cannot be found.
    pub fn new(layout: Layout, max: usize, noise_max: usize) -> Result<Self, LayoutError> {
        layout.check_readable()?;
        Ok(Self { layout, max, noise_max })
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn noise_max(&self) -> usize {
        self.noise_max
    }

    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        if bytes.is_empty() {
            return Found::More;
        }
        for start in 0..bytes.len() {
            let rest = bytes.get(start..).unwrap_or_default();
            return match self.layout.fit(rest) {
                Fit::No => continue,
                // First of all the noise, which may be too much: byte by byte nothing else would be seen, either.
                _ if start > 0 => Found::Noise(start),
                Fit::More => Found::More,
                Fit::Whole { len, .. } if len > self.max => Found::TooLong(len),
                Fit::Whole { len, holds: true } => Found::Frame { start: 0, end: len },
                Fit::Whole { len, holds: false } => Found::WrongChecksum(len),
            };
        }
        Found::Noise(bytes.len())
    }

    pub(super) fn body<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        self.layout.body(frame)
    }
}

impl fmt::Display for TemplateFraming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "says its length, at most {} bytes", self.max)
    }
}
