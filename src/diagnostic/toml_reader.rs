//! Walks a spanned TOML tree key by key and collects every mistake.
//!
//! Plain serde stops at the first mistake and loses places inside flattened or tagged types; so a reader asks a
//! `TomlTable` for the keys it knows, each question says what kind it wants, and `finish` reports the keys that nobody
//! asked for with the nearest known one. A value of the wrong kind is reported once and then treated as missing.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::toml_pairs::{CutTable, Pairs};
use super::{Diagnostic, Diagnostics, SourceId, Span, nearest};

/// Parses a TOML text; syntax errors, all of them, go to `diagnostics`.
///
/// The tree is given even then, without what could not be read: whoever uses it asks `diagnostics` first.
pub fn parse_toml<'a>(text: &'a str, source: SourceId, diagnostics: &mut Diagnostics) -> Spanned<DeTable<'a>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        diagnostics.push(Diagnostic::error(error.message().trim_end()).at(Span { source, range }, ""));
    }
    tree
}

/// The longest duration: times that are added up stay far from where clocks end.
const LONGEST: Duration = Duration::from_hours(10_000 * 24);

/// Reads `250ms`, `3s`, `5m`, `1h 30m`, `400d`; a bare number has no unit and is refused.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wanted = "write a number with a unit: `250ms`, `3s`, `5m`, `1h 30m`";
    if text.trim().bytes().all(|b| b.is_ascii_digit()) && text.trim() != "" {
        return Err(format!("`{text}` has no unit; {wanted}"));
    }
    let duration = humantime::parse_duration(text.trim()).map_err(|_| format!("`{text}` is no duration; {wanted}"))?;
    if duration > LONGEST {
        return Err(format!("`{text}` is too long: at most 10,000 days"));
    }
    Ok(duration)
}

/// A table being read.
pub struct TomlTable<'t, 'i> {
    pairs: Pairs<'t, 'i>,
    span: Range<usize>,
    source: SourceId,
    /// What the table is, for messages: `[[device]]`, `[run]`.
    what: Cow<'t, str>,
    /// The key of what it calls itself, for messages.
    named_by: Option<&'static str>,
    /// Keys that were asked for; one that is not there may stand here twice.
    asked: Vec<&'static str>,
    /// How many of its keys nobody has asked for yet.
    left: usize,
}

/// Room for the keys that are asked for, so that a table costs one allocation.
const ASKED: usize = 24;

/// A value with its key and place.
#[derive(Clone, Copy)]
pub struct TomlValue<'t, 'i> {
    key: &'t str,
    value: &'t Spanned<DeValue<'i>>,
    source: SourceId,
}

impl<'t, 'i> TomlTable<'t, 'i> {
    /// Starts reading `table`; `what` names it in messages.
    pub fn new(table: &'t Spanned<DeTable<'i>>, source: SourceId, what: impl Into<Cow<'t, str>>) -> Self {
        Self::of(Pairs::Mapped(table.get_ref()), table.span(), source, what.into())
    }

    /// The same with a table of a cut document.
    pub fn of_cut(table: &'t CutTable<'i>, source: SourceId, what: &'static str) -> Self {
        Self::of(table.pairs(), table.header.clone(), source, what.into())
    }

    fn of(pairs: Pairs<'t, 'i>, span: Range<usize>, source: SourceId, what: Cow<'t, str>) -> Self {
        Self { pairs, span, source, what, named_by: None, asked: Vec::with_capacity(ASKED), left: pairs.len() }
    }

    /// The same table, called by its own name in messages, where the text of `key` is one: ``[[device]] `tv-1` ``.
    #[must_use]
    pub fn named_by(mut self, key: &'static str) -> Self {
        self.named_by = Some(key);
        self
    }

    fn words(&self) -> String {
        match self.named_by.and_then(|key| self.pairs.find(key)).map(|(_, name)| name.get_ref()) {
            Some(DeValue::String(name)) => format!("{} `{name}`", self.what),
            _ => self.what.to_string(),
        }
    }

    /// The place of the table: its header, or the whole of an inline one.
    pub fn span(&self) -> Span {
        Span { source: self.source, range: self.span.clone() }
    }

    /// The value of a key, of any kind; the key counts as known.
    pub fn get(&mut self, key: &'static str) -> Option<TomlValue<'t, 'i>> {
        let found = self.pairs.find(key);
        // Most keys that are asked for are not there: of those nothing has to be known but that they could be.
        if found.is_none() || !self.asked.contains(&key) {
            self.asked.push(key);
            self.left -= usize::from(found.is_some());
        }
        found.map(|(key, value)| TomlValue { key, value, source: self.source })
    }

    /// Whether nothing is left that was not asked for: no further key will be found.
    pub fn is_read(&self) -> bool {
        self.left == 0
    }

    /// The text of a key.
    pub fn text(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<(&'t str, Span)> {
        let value = self.get(key)?;
        Some((value.text(diagnostics)?, value.span()))
    }

    /// The text of a key that must be there.
    pub fn required_text(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<(&'t str, Span)> {
        let Some(value) = self.get(key) else {
            self.missing(key, diagnostics);
            return None;
        };
        Some((value.text(diagnostics)?, value.span()))
    }

    /// Reports that a key that must be there is not.
    pub fn missing(&self, key: &str, diagnostics: &mut Diagnostics) {
        diagnostics.push(
            Diagnostic::error(format!("{} has no `{key}`", self.words()))
                .at(self.span(), format!("`{key}` is missing")),
        );
    }

    /// The integer of a key.
    pub fn int(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<(i64, Span)> {
        let value = self.get(key)?;
        Some((value.int(diagnostics)?, value.span()))
    }

    /// The integer of a key, within a range.
    pub fn int_in(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        diagnostics: &mut Diagnostics,
    ) -> Option<i64> {
        let (value, span) = self.int(key, diagnostics)?;
        if range.contains(&value) {
            return Some(value);
        }
        diagnostics.push(
            Diagnostic::error(format!("`{key}` is {value}, out of range"))
                .at(span, format!("must be {} to {}", range.start(), range.end())),
        );
        None
    }

    /// The switch of a key.
    pub fn bool(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<bool> {
        self.get(key)?.bool(diagnostics)
    }

    /// The duration of a key.
    pub fn duration(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Duration> {
        let value = self.get(key)?;
        let text = value.text(diagnostics)?;
        match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(message) => {
                diagnostics.push(Diagnostic::error(format!("`{key}`: {message}")).at(value.span(), ""));
                None
            }
        }
    }

    /// The duration of a key, more than nothing.
    pub fn positive_duration(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Duration> {
        let duration = self.duration(key, diagnostics)?;
        if !duration.is_zero() {
            return Some(duration);
        }
        let span = self.get(key)?.span();
        diagnostics.push(Diagnostic::error(format!("`{key}` must be more than nothing")).at(span, ""));
        None
    }

    /// The table of a key; `what` names it in messages.
    pub fn table(
        &mut self,
        key: &'static str,
        what: impl Into<Cow<'t, str>>,
        diagnostics: &mut Diagnostics,
    ) -> Option<TomlTable<'t, 'i>> {
        self.get(key)?.table(what, diagnostics)
    }

    /// The elements of a key that holds an array.
    pub fn array(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<TomlValue<'t, 'i>> {
        self.get(key).map(|value| value.array(diagnostics)).unwrap_or_default()
    }

    /// Every key with its place and its value: for tables whose keys are names.
    pub fn entries(&mut self) -> Vec<(&'t str, Span, TomlValue<'t, 'i>)> {
        let source = self.source;
        self.pairs
            .sorted()
            .into_iter()
            .map(|(key, value)| {
                let span = Span { source, range: key.span() };
                let name: &'t str = key.get_ref();
                (name, span, TomlValue { key: name, value, source })
            })
            .collect()
    }

    /// Reports every key that nobody asked for, with the nearest known one. A reader of names does not call this.
    pub fn finish(self, diagnostics: &mut Diagnostics) {
        if self.left == 0 {
            return;
        }
        for (key, _) in self.pairs.sorted() {
            let name: &DeString<'_> = key.get_ref();
            if self.asked.iter().any(|asked| *asked == &**name) {
                continue;
            }
            let mut mistake = Diagnostic::error(format!("unknown key `{name}` in {}", self.words()))
                .at(Span { source: self.source, range: key.span() }, "");
            mistake = match nearest(name, self.asked.iter().copied()) {
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None => {
                    let mut known = self.asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    mistake.help(format!("known here: {}", known.join(", ")))
                }
            };
            diagnostics.push(mistake);
        }
    }
}

impl<'t, 'i> TomlValue<'t, 'i> {
    /// The key it stands under.
    pub fn key(&self) -> &'t str {
        self.key
    }

    /// Its place.
    pub fn span(&self) -> Span {
        Span { source: self.source, range: self.value.span() }
    }

    /// The value itself.
    pub fn value(&self) -> &'t DeValue<'i> {
        self.value.get_ref()
    }

    fn wrong_kind(&self, wanted: &str, diagnostics: &mut Diagnostics) {
        diagnostics.push(
            Diagnostic::error(format!("`{}` must be {wanted}", self.key))
                .at(self.span(), format!("this is {}", kind(self.value()))),
        );
    }

    /// The text, or a mistake.
    pub fn text(&self, diagnostics: &mut Diagnostics) -> Option<&'t str> {
        if let DeValue::String(text) = self.value() {
            return Some(text);
        }
        self.wrong_kind("a text in quotes", diagnostics);
        None
    }

    /// The integer, or a mistake.
    pub fn int(&self, diagnostics: &mut Diagnostics) -> Option<i64> {
        if let DeValue::Integer(digits) = self.value()
            && let Ok(value) = i64::from_str_radix(digits.as_str(), digits.radix())
        {
            return Some(value);
        }
        self.wrong_kind("an integer", diagnostics);
        None
    }

    /// The switch, or a mistake.
    pub fn bool(&self, diagnostics: &mut Diagnostics) -> Option<bool> {
        if let DeValue::Boolean(value) = self.value() {
            return Some(*value);
        }
        self.wrong_kind("true or false", diagnostics);
        None
    }

    /// The table, or a mistake.
    pub fn table(&self, what: impl Into<Cow<'t, str>>, diagnostics: &mut Diagnostics) -> Option<TomlTable<'t, 'i>> {
        if let DeValue::Table(table) = self.value() {
            return Some(TomlTable::of(Pairs::Mapped(table), self.value.span(), self.source, what.into()));
        }
        self.wrong_kind("a table", diagnostics);
        None
    }

    /// The elements, or a mistake.
    pub fn array(&self, diagnostics: &mut Diagnostics) -> Vec<TomlValue<'t, 'i>> {
        if let DeValue::Array(array) = self.value() {
            return array.iter().map(|value| TomlValue { key: self.key, value, source: self.source }).collect();
        }
        self.wrong_kind("an array", diagnostics);
        Vec::new()
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;

    fn read(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let source = sources.add("x.toml", text);
        let mut found = Diagnostics::default();
        let tree = parse_toml(text, source, &mut found);
        let mut table = TomlTable::new(&tree, source, "[run]");
        table.int_in("concurrency", 1..=10, &mut found);
        table.duration("reply_timeout", &mut found);
        table.bool("jitter", &mut found);
        table.finish(&mut found);
        found
            .iter()
            .map(|one| {
                format!("{} @{:?} {:?}", one.message, one.labels.first().map(|l| l.span.range.clone()), one.help)
            })
            .collect()
    }

    #[test]
    fn every_mistake_of_a_table_is_found_at_once() {
        assert_eq!(
            read("concurency = 3\nconcurrency = 11\nreply_timeout = \"5\"\njitter = 1\n"),
            [
                "`concurrency` is 11, out of range @Some(29..31) None",
                "`reply_timeout`: `5` has no unit; write a number with a unit: `250ms`, `3s`, `5m`, `1h 30m` @Some(48..51) None",
                "`jitter` must be true or false @Some(61..62) None",
                "unknown key `concurency` in [run] @Some(0..10) Some(\"did you mean `concurrency`?\")",
            ]
        );
    }

    #[test]
    fn a_duration_has_a_unit_and_an_end() {
        for (text, seconds) in [("250ms", 0.25), ("3s", 3.0), ("5m", 300.0), ("1h 30m", 5400.0), ("400d", 34_560_000.0)]
        {
            assert_eq!(parse_duration(text).map(|one| one.as_secs_f64()), Ok(seconds), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1,5s", "500000000000y", "10001d", "99999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn syntax_errors_are_all_reported() {
        let found = read("a = \nb = = 1\n").join("\n");
        assert!(found.contains("@Some(4..4)") && found.contains("@Some(9..10)"), "{found}");
    }
}
