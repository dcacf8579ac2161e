//! How JSON documents are laid out: one line per field of the document and one per element of its list, so that a
//! report of many devices can be read, searched and compared line by line.
//!
//! Text that could steer a terminal is written as `\u` escapes: the same JSON, safe to look at.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::model::escape::steers;

/// Writes a document with its last line end.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write_document(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    // A document is written in many small pieces: they are gathered here, where that is a plain copy.
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    document.serialize(&mut Serializer::with_formatter(&mut out, Lines::default()))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Makes one line of NDJSON; `line` is emptied first.
///
/// # Errors
/// When the event cannot be written as JSON.
pub(super) fn make_line(line: &mut Vec<u8>, event: &impl Serialize) -> io::Result<()> {
    line.clear();
    // Below depth 2 everything stands on one line.
    let layout = Lines { depth: 2, line_per_element: Vec::new() };
    event.serialize(&mut Serializer::with_formatter(&mut *line, layout))?;
    line.push(b'\n');
    Ok(())
}

/// The layout: which of the open containers have a line per element.
#[derive(Default)]
struct Lines {
    depth: usize,
    line_per_element: Vec<bool>,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8], list: bool) -> io::Result<()> {
        self.depth += 1;
        self.line_per_element.push(self.depth == 1 || (list && self.depth == 2));
        out.write_all(bracket)
    }

    fn separate<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let own_line = self.line_per_element.last().copied().unwrap_or(false);
        match (first, own_line, self.depth) {
            (true, true, 1) => out.write_all(b"\n  "),
            (false, true, 1) => out.write_all(b",\n  "),
            (true, true, _) => out.write_all(b"\n    "),
            (false, true, _) => out.write_all(b",\n    "),
            (true, false, _) => Ok(()),
            (false, false, _) => out.write_all(b", "),
        }
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        if self.line_per_element.pop().unwrap_or(false) {
            out.write_all(if self.depth == 1 { b"\n" } else { b"\n  " })?;
        }
        self.depth -= 1;
        out.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[", true)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{", false)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Control characters below 0x20 are escaped by JSON itself; of ASCII only DEL remains.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return CompactFormatter.write_string_fragment(out, fragment);
        }
        for c in fragment.chars() {
            if steers(c) {
                write!(out, "\\u{:04x}", u32::from(c))?;
            } else {
                out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_line_per_field_and_per_element_of_its_list() {
        let document =
            serde_json::json!({ "a": { "x": [1, 2] }, "b": [{ "c": "ü\u{7f}\u{202e}\u{1b}", "d": [] }, 2], "e": [] });
        let mut out = Vec::new();
        write_document(&mut out, &document).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "{\n  \"a\": {\"x\": [1, 2]},\n  \"b\": [\n    {\"c\": \"ü\\u007f\\u202e\\u001b\", \"d\": []},\n    2\n  ],\n  \"e\": [\n  ]\n}\n"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), document);
        let mut line = Vec::new();
        make_line(&mut line, &document).unwrap();
        assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).unwrap(), document);
    }
}
