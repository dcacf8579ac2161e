//! A healthy LG display: state per command, queries, set IDs in hex.
//!
//! Written from the manual's grammar (`C1 C2 SP ID SP DATA CR`, answered by `C2 SP ID SP OK DATA x`), apart from the
//! program's own simulation, so that the two can disagree.

use std::collections::HashMap;

/// A command as the display understood it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// Both command letters.
    pub(crate) letters: &'a str,
    /// The set ID as text: replies repeat it as it came.
    pub(crate) id: &'a str,
    /// The set ID's value; 0 is everybody.
    pub(crate) set_id: u16,
    /// All data fields.
    pub(crate) data: &'a str,
}

impl<'a> Request<'a> {
    /// Reads a request without its CR; a display ignores what it cannot read.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let (letters, rest) = line.split_once(' ')?;
        let (id, data) = rest.split_once(' ')?;
        let set_id = u16::from_str_radix(id, 16).ok()?;
        (letters.len() == 2 && (2..=3).contains(&id.len())).then_some(Self { letters, id, set_id, data })
    }
}

/// One display's memory: the last data of each command.
#[derive(Default)]
pub(crate) struct Display {
    state: HashMap<String, String>,
}

impl Display {
    /// Acts on a request; the reply as it goes over the wire.
    pub(crate) fn answer(&mut self, request: &Request<'_>) -> String {
        let second_letter = request.letters.chars().nth(1).unwrap();
        let data = if request.data.eq_ignore_ascii_case("ff") {
            self.state.get(request.letters).map_or("00", String::as_str)
        } else {
            self.state.insert(request.letters.to_owned(), request.data.to_owned());
            request.data
        };
        format!("{second_letter} {} OK{data}x", request.id)
    }
}
