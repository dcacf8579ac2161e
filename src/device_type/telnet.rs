//! `telnet` and `serial` in a `link` table: what of the Telnet layer its connections have.

use crate::codec::{Parity, SerialLine, TelnetMode};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable};

/// The words of `telnet`.
const MODES: [(&str, TelnetMode); 3] =
    [("auto", TelnetMode::Auto), ("always", TelnetMode::Always), ("never", TelnetMode::Never)];

/// Reads both keys; a line to set switches the layer on.
pub(super) fn read_telnet(link: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<TelnetMode> {
    let text = link.text("telnet", diagnostics);
    let mode = text.as_ref().and_then(|text| word("telnet", text, &MODES, diagnostics));
    let is_serial = link.get("serial").is_some();
    let serial = link.table("serial", "`serial`", diagnostics);
    let line = serial.and_then(|table| read_serial(table, diagnostics));
    if let (Some(TelnetMode::Never), true, Some((_, span))) = (mode, is_serial, text) {
        diagnostics.push(
            Diagnostic::error("`serial` is set over Telnet, and `telnet` is \"never\"")
                .at(span, "")
                .help("leave `telnet` out, or `serial`"),
        );
    }
    line.map(TelnetMode::Line).or(mode)
}

/// Reports that a type whose language is not text cannot tell Telnet from data.
pub(crate) fn refuse_detection(span: Span, diagnostics: &mut Diagnostics) {
    diagnostics.push(
        Diagnostic::error("`telnet = \"auto\"` is for text types: a binary reply may begin with the byte FF itself")
            .at(span, "")
            .help("write \"always\" or \"never\""),
    );
}

fn read_serial(mut table: TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<SerialLine> {
    if table.get("baud").is_none() {
        table.missing("baud", diagnostics);
    }
    let before = diagnostics.error_count();
    let baud = table.int_in("baud", 50..=4_000_000, diagnostics).and_then(|baud| u32::try_from(baud).ok());
    let mut bits = |key, range| table.int_in(key, range, diagnostics).and_then(|bits| u8::try_from(bits).ok());
    let data_bits = bits("data_bits", 5..=8).unwrap_or(8);
    let stop_bits = bits("stop_bits", 1..=2).unwrap_or(1);
    let parity = table.text("parity", diagnostics);
    let parity = parity.and_then(|text| word("parity", &text, &Parity::WORDS, diagnostics)).unwrap_or(Parity::None);
    table.finish(diagnostics);
    let line = SerialLine { baud: baud?, data_bits, parity, stop_bits };
    (diagnostics.error_count() == before).then_some(line)
}

fn word<T: Copy>(
    key: &str,
    (text, span): &(&str, Span),
    words: &[(&str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let found = words.iter().find(|(word, _)| word == text).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        diagnostics.push(
            Diagnostic::error(format!("`{key}` cannot be `{text}`"))
                .at(span.clone(), "")
                .help(format!("known: {}", known.join(", "))),
        );
    }
    found
}
