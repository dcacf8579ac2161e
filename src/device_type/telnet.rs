//! `telnet` and `serial` in a `link` table: what of the Telnet layer its connections have.

use crate::codec::{Parity, SerialLine, TelnetMode};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable, nearest};

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
        let known = || words.iter().map(|(word, _)| *word);
        let help = match nearest(text, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", known().collect::<Vec<_>>().join(", ")),
        };
        let mistake = Diagnostic::error(format!("`{key}` cannot be `{text}`")).at(span.clone(), "");
        diagnostics.push(mistake.help(help));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Sources, parse_toml};

    /// What a `link` table says, or its mistakes as `message; help`.
    fn read(text: &str) -> Result<Option<TelnetMode>, Vec<String>> {
        let source = Sources::default().add("x.toml", text);
        let mut found = Diagnostics::default();
        let tree = parse_toml(text, source, &mut found);
        let mut link = TomlTable::new(&tree, source, "`link`");
        let mode = read_telnet(&mut link, &mut found);
        link.finish(&mut found);
        let said = |one: &Diagnostic| format!("{}; {}", one.message, one.help.as_deref().unwrap_or_default());
        if found.has_errors() { Err(found.iter().map(said).collect()) } else { Ok(mode) }
    }

    fn line(baud: u32, data_bits: u8, parity: Parity, stop_bits: u8) -> TelnetMode {
        TelnetMode::Line(SerialLine { baud, data_bits, parity, stop_bits })
    }

    #[test]
    fn a_link_says_its_mode_and_a_serial_line_switches_the_layer_on() {
        for (text, mode) in [
            ("", None),
            ("telnet = 'auto'", Some(TelnetMode::Auto)),
            ("telnet = 'always'", Some(TelnetMode::Always)),
            ("telnet = 'never'", Some(TelnetMode::Never)),
            ("serial = { baud = 9600 }", Some(line(9600, 8, Parity::None, 1))),
            ("telnet = 'auto'\nserial = { baud = 9600 }", Some(line(9600, 8, Parity::None, 1))),
            (
                "telnet = 'always'\nserial = { baud = 1200, data_bits = 7, parity = 'even', stop_bits = 2 }",
                Some(line(1200, 7, Parity::Even, 2)),
            ),
        ] {
            assert_eq!(read(text), Ok(mode), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_said() {
        for (text, mistakes) in [
            ("telnet = 'alway'", &["`telnet` cannot be `alway`; did you mean `always`?"][..]),
            ("telnet = true", &["`telnet` must be a text in quotes; "]),
            ("serial = 9600", &["`serial` must be a table; "]),
            ("serial = {}", &["`serial` has no `baud`; "]),
            (
                "serial = { baud = 10, data_bits = 9, parity = 'xyz', stop_bits = 3, flow = 1 }",
                &[
                    "`baud` is 10, out of range; ",
                    "`data_bits` is 9, out of range; ",
                    "`stop_bits` is 3, out of range; ",
                    "`parity` cannot be `xyz`; one of none, odd, even, mark, space",
                    "unknown key `flow` in `serial`; known here: baud, data_bits, parity, stop_bits",
                ],
            ),
            (
                "telnet = 'never'\nserial = { baud = 9600 }",
                &["`serial` is set over Telnet, and `telnet` is \"never\"; leave `telnet` out, or `serial`"],
            ),
        ] {
            assert_eq!(read(text), Err(mistakes.iter().map(|one| (*one).to_owned()).collect()), "{text}");
        }
    }
}
