//! How JSON documents are laid out: one line per field of the document and one per element of its list, so that a
//! report of many devices can be read, searched and compared line by line.
//!
//! Text that could steer a terminal is written as `\u` escapes: the same JSON, safe to look at. Documents are streamed:
//! at most a few elements more than 64 KiB are held. `serializer.rs` writes, `string.rs` escapes.

mod serializer;
mod string;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use serde::Serialize;

use serializer::{FULL, Serializer};

/// Writes a document with its last line end.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write_document(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let mut gathered = Vec::with_capacity(FULL + FULL / 4);
    let mut serializer = Serializer { gathered: &mut gathered, out: Some(&mut *out), depth: 0 };
    document.serialize(&mut serializer)?;
    serializer.pass_on()?;
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
    event.serialize(&mut Serializer { gathered: line, out: None, depth: 2 })?;
    line.push(b'\n');
    Ok(())
}
