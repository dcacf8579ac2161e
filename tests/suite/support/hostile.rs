//! Two hundred texts that somebody could want us to print: each steers, breaks or runs something where it is printed raw;
//! devices that say them, and what of them a name may hold.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::thread;

/// What a terminal, a spreadsheet, a browser, XML, a metric or a path makes of it.
const SEEDS: [&str; 50] = [
    // Terminals: C0, DEL, C1, the direction of text.
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{1b}c\u{1b}(0",
    "\u{1b}[2J\u{1b}[31m",
    "\u{1b}P$q\u{1b}\\",
    "\u{9b}31m",
    "\u{9d}0;owned\u{9c}",
    "\u{90}+q\u{9c}",
    "a\rforged ok",
    "a\nforged: line",
    "a\u{b}\u{c}b",
    "a\u{8}\u{8}b",
    "\u{7}\u{7f}",
    "\u{0}",
    "\u{e}\u{f}",
    "\u{202e}gnp.exe",
    "\u{2066}\u{2069}\u{2067}",
    "\u{200e}\u{200f}\u{61c}",
    "a\u{2028}b\u{2029}c",
    "\u{85}next",
    // Spreadsheets.
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\u{ff1d}1+1",
    "\u{ff0b}1",
    "\u{ff0d}1",
    "\u{ff20}A1",
    "a\",=1+1,\"",
    ";=1+1",
    // Browsers and XML.
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><svg/onload=alert(1)>",
    "&#60;b&#62;",
    "]]><failure/>",
    "<!--",
    "\u{fffe}\u{ffff}",
    "</testcase><testcase name=\"x\"/>",
    // Metrics, monitoring, shells, paths, format strings.
    "\"} 1\nfleetctl_run_success 1 #",
    "a\\\"b\\",
    "a|b=1;2;3",
    "$(reboot)`reboot`",
    "../../etc/passwd",
    "%s%n{}{0}",
    "\u{1b}[1A\u{1b}[2Kall ok",
    "OK: 300 of 300\u{1b}[8m",
];

/// The corpus: each seed alone, behind and before a word, and twice with one that comes later in the list.
pub(crate) fn hostile_texts() -> Vec<String> {
    let next = |place: usize| SEEDS[(place + 17) % SEEDS.len()];
    let forms = SEEDS.iter().enumerate().flat_map(|(place, seed)| {
        [(*seed).to_owned(), format!("tv{seed}"), format!("{seed}tv"), format!("{seed}{}", next(place))]
    });
    forms.collect()
}

/// Whether a character steers whoever reads it instead of being read: control characters but the end of a line, and those
/// that change the direction of text (Unicode 16, `Bidi_Control`; and the separators of lines and paragraphs).
fn is_raw(character: char) -> bool {
    let bidi = ['\u{61c}', '\u{200e}', '\u{200f}'];
    let ranges = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}', '\u{2028}'..='\u{2029}'];
    let is_control = ('\0'..=' ').contains(&character) && !matches!(character, '\n' | ' ');
    is_control
        || ('\u{7f}'..='\u{9f}').contains(&character)
        || bidi.contains(&character)
        || ranges.iter().any(|range| range.contains(&character))
}

/// Fails where a character of the text steers whoever reads it.
#[track_caller]
pub(crate) fn is_harmless(what: &str, text: &str) {
    let (harmless, raw) = text.split_at(text.find(is_raw).unwrap_or(text.len()));
    let before: String = harmless.chars().skip(harmless.chars().count().saturating_sub(80)).collect();
    assert!(raw.is_empty(), "{what}: a raw {:?} behind {before:?}", raw.chars().next());
}

/// Devices of TCP 9100 that answer every command with a hostile text; which one, says the end of their address.
pub(crate) fn talkers(texts: &Arc<[String]>) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let texts = Arc::clone(texts);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(IpAddr::V4(address)) = stream.local_addr().map(|address| address.ip()) else { continue };
            let [_, _, high, low] = address.octets();
            let texts = Arc::clone(&texts);
            thread::spawn(move || {
                let mut heard = [0; 64];
                while stream.read(&mut heard).is_ok_and(|count| count > 0) {}
                let text = &texts[usize::from(high) * 100 + usize::from(low) - 1];
                // NUL ends a reply.
                stream.write_all(text.replace('\0', "\u{1}").as_bytes()).ok();
                stream.write_all(&[0]).ok();
            });
        }
    });
    port
}

/// A text as a name may hold it: a bracket would be a range, and control characters are refused.
pub(crate) fn hostile_name(text: &str, place: usize) -> String {
    format!("{}{place}", hostile_tag(text).replace(['[', ']'], "("))
}

/// A text as a tag may hold it.
pub(crate) fn hostile_tag(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}
