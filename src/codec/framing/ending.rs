//! Framing by an end: a reply goes up to the first of some byte sequences, or to where the peer closes.

use std::fmt;

use super::Found;
use crate::model::escape::shown;

/// Framing by an end.
#[derive(Debug)]
pub struct EndFraming {
    ends: Box<[Box<[u8]>]>,
    or_eof: bool,
    strip: bool,
    max: usize,
}

impl EndFraming {
    /// A reply ends with the first of `ends`, none of which may be empty; with `or_eof` also where the peer closes. It
    /// has at most `max` bytes before its end. With `strip`, white space around its text is no part of the text.
    pub fn new(ends: Vec<Box<[u8]>>, or_eof: bool, strip: bool, max: usize) -> Self {
        Self { ends: ends.into(), or_eof, strip, max }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        let longest = self.ends.iter().map(|end| end.len()).max().unwrap_or_default();
        let region = bytes.get(..self.max.saturating_add(longest)).unwrap_or(bytes);
        let ends = self.ends.iter().filter_map(|end| {
            let at = region.windows(end.len().max(1)).position(|window| window == &**end)?;
            Some((at + end.len(), at))
        });
        match ends.min() {
            Some((end, text)) if text <= self.max => Found::Frame { start: 0, end },
            Some((end, _)) => Found::TooLong(end),
            None if bytes.len() >= self.max.saturating_add(longest.max(1)) => {
                Found::TooLong(self.max.saturating_add(longest.max(1)))
            }
            None => Found::More,
        }
    }

    /// What the peer's close makes a frame of.
    pub(super) fn find_at_end(&self, bytes: &[u8]) -> Found {
        match self.find(bytes) {
            Found::More if self.or_eof && bytes.len() > self.max => Found::TooLong(bytes.len()),
            Found::More if self.or_eof && !bytes.is_empty() => Found::Frame { start: 0, end: bytes.len() },
            found => found,
        }
    }

    /// The text of a frame: without its end, and stripped where the type says so.
    pub(super) fn body<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        // Of two ends that end here it is the longer one, as where it was found: `\r\n`, not its `\n`.
        let texts = self.ends.iter().filter_map(|end| frame.strip_suffix(&**end));
        let text = texts.min_by_key(|text| text.len()).unwrap_or(frame);
        if self.strip { text.trim_ascii() } else { text }
    }
}

impl fmt::Display for EndFraming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("up to ")?;
        for (place, end) in self.ends.iter().enumerate() {
            write!(f, "{}`{}`", if place == 0 { "" } else { " or " }, shown(end))?;
        }
        if self.or_eof {
            f.write_str(if self.ends.is_empty() { "the close" } else { " or the close" })?;
        }
        write!(f, ", at most {} bytes", self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_ends_at_one_byte_the_longer_one_is_no_part_of_the_text() {
        for ends in [[&b"\n"[..], b"\r\n"], [b"\r\n", b"\n"]] {
            let framing = EndFraming::new(ends.map(Box::from).into(), false, false, 8);
            assert_eq!(framing.body(b"12345678\r\n"), b"12345678");
            assert_eq!(framing.body(b"ready\n"), b"ready");
        }
    }

    #[test]
    fn a_reply_ends_at_the_first_end_or_where_the_peer_closes() {
        let framing = EndFraming::new(vec![b"\r\n".as_slice().into(), b"\0".as_slice().into()], true, true, 8);
        for (bytes, found, at_end) in [
            (&b" ok \0rest"[..], Found::Frame { start: 0, end: 5 }, Found::Frame { start: 0, end: 5 }),
            (b"ok\r\n", Found::Frame { start: 0, end: 4 }, Found::Frame { start: 0, end: 4 }),
            (b"ok\r", Found::More, Found::Frame { start: 0, end: 3 }),
            (b"", Found::More, Found::More),
            (b"12345678\r\n", Found::Frame { start: 0, end: 10 }, Found::Frame { start: 0, end: 10 }),
            (b"123456789", Found::More, Found::TooLong(9)),
            (b"1234567890", Found::TooLong(10), Found::TooLong(10)),
        ] {
            assert_eq!(framing.find(bytes), found, "{}", bytes.escape_ascii());
            assert_eq!(framing.find_at_end(bytes), at_end, "{}", bytes.escape_ascii());
        }
        assert_eq!(framing.body(b" ok \r\n\0"), b"ok");
        assert_eq!(framing.to_string(), r"up to `\r\n` or `\0` or the close, at most 8 bytes");
    }
}
