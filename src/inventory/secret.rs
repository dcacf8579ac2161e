//! Secrets of the inventory: where they come from, and that no picture of the file shows them.
//!
//! `{ env = "X" }` and `{ file = "path" }` are looked up once each, however many devices use them. A text written
//! plainly works and is warned of. A mistake on the same line as a plain secret is drawn with that line, so secrets
//! are blotted out in the text that mistakes are drawn from, before anything is reported.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, Pairs, Span, TomlValue, nearest};
use crate::model::{KeptIn, Secret};

/// The longest file that is taken for a secret, in bytes: a file without end (`/dev/zero`) is a mistake and not a hang.
const MOST_SECRET: u64 = 64 * 1024;

/// A secret that is looked up when it is needed, not when the inventory is read.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Where it is kept.
    Kept(KeptIn),
    /// Written plainly.
    Plain(Secret),
}

impl SecretSource {
    /// The secret itself; `folder` is the inventory's, at which relative paths start.
    ///
    /// # Errors
    /// In words, when the variable is not set or the file cannot be read.
    pub fn read(&self, environment: &dyn Fn(&str) -> Option<String>, folder: &Path) -> Result<Secret, String> {
        let text = match self {
            Self::Plain(secret) => return Ok(secret.clone()),
            Self::Kept(KeptIn::Variable(name)) => variable(environment, name),
            Self::Kept(KeptIn::File(path)) => file(folder, path),
        };
        text.map(Secret::new)
    }
}

/// Reads where a secret is kept, without looking it up.
pub(super) fn read_source(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<SecretSource> {
    match value.value() {
        DeValue::Table(_) => Some(SecretSource::Kept(read_place(value, diagnostics)?.0)),
        _ => Some(SecretSource::Plain(Secret::new(read_plain(value, diagnostics)?))),
    }
}

/// A secret that stands in the inventory.
fn read_plain(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let key = value.key();
    let plain = match value.value() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(digits) => digits.as_str().to_owned(),
        _ => {
            diagnostics.push(
                Diagnostic::error(format!("`{key}` must be a secret"))
                    .at(value.span(), "")
                    .help("write { env = \"VARIABLE\" } or { file = \"path\" }"),
            );
            return None;
        }
    };
    diagnostics.push(
        Diagnostic::warning(format!("`{key}` stands in the inventory for everyone to read"))
            .at(value.span(), "")
            .help("write { env = \"VARIABLE\" } or { file = \"path\" }"),
    );
    Some(plain)
}

/// `{ env = "…" }` or `{ file = "…" }`, with the place of the text.
fn read_place(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<(KeptIn, Span)> {
    let what = format!("`{}`", value.key());
    let mut table = value.table(what.clone(), diagnostics)?;
    let variable = table.text("env", diagnostics);
    let file = table.text("file", diagnostics);
    let ways = usize::from(table.get("env").is_some()) + usize::from(table.get("file").is_some());
    table.finish(diagnostics);
    if ways != 1 {
        diagnostics.push(Diagnostic::error(format!("{what} needs either `env` or `file`")).at(value.span(), ""));
        return None;
    }
    let variable = variable.map(|(name, span)| (KeptIn::Variable(name.into()), span));
    variable.or_else(|| file.map(|(path, span)| (KeptIn::File(path.into()), span)))
}

fn variable(environment: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<String, String> {
    environment(name).ok_or_else(|| format!("the environment variable `{name}` is not set"))
}

fn file(folder: &Path, path: &str) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(folder.join(path)).and_then(|file| file.take(MOST_SECRET + 1).read_to_string(&mut text));
    let length = read.map_err(|error| format!("cannot read the file `{path}`: {error}"))?;
    if length as u64 > MOST_SECRET {
        return Err(format!("the file `{path}` is longer than a secret may be ({MOST_SECRET} bytes)"));
    }
    // Editors end a file with a newline that belongs to no password; what stands before it does.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Where secrets are looked up.
pub(super) struct Secrets<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    /// The inventory's folder: relative paths start here.
    folder: &'a Path,
    known: HashMap<(&'static str, String), Result<String, String>>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(environment: &'a dyn Fn(&str) -> Option<String>, folder: &'a Path) -> Self {
        Self { environment, folder, known: HashMap::new() }
    }

    /// The text of a secret, however it is written, and where it is kept; mistakes go to `diagnostics`.
    pub(super) fn read(
        &mut self,
        value: TomlValue<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<(String, Option<KeptIn>)> {
        if let DeValue::Table(_) = value.value() {
            return self.look_up(value, diagnostics);
        }
        Some((read_plain(value, diagnostics)?, None))
    }

    fn look_up(&mut self, value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<(String, Option<KeptIn>)> {
        let (place, span) = read_place(value, diagnostics)?;
        let (way, from) = match &place {
            KeptIn::Variable(name) => ("env", name),
            KeptIn::File(path) => ("file", path),
        };
        let found = match self.known.get(&(way, from.to_string())) {
            Some(found) => found.clone(),
            None => {
                let found = match &place {
                    KeptIn::Variable(name) => variable(self.environment, name),
                    KeptIn::File(path) => file(self.folder, path),
                };
                self.known.insert((way, from.to_string()), found.clone());
                found
            }
        };
        let wrong = |why| Diagnostic::error(format!("`{}`: {why}", value.key())).at(span, "");
        let text = found.map_err(|why| diagnostics.push(wrong(why))).ok()?;
        Some((text, Some(place)))
    }
}

/// So many keys are remembered with the answer whether a secret stands behind them: the same few come again and again.
const MOST_KEYS: usize = 32;

/// Finds the places of everything in a file that is, or by its key may be, a secret written plainly, and the environment
/// variables in which the others are kept.
pub(super) struct PlainSecrets<'c> {
    /// The parameters that types declare as secrets.
    declared: HashSet<&'c str>,
    judged: Vec<(String, bool)>,
    found: Vec<Range<usize>>,
    variables: BTreeSet<Box<str>>,
}

impl<'c> PlainSecrets<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        let declared = catalog.secret_params().collect();
        Self { declared, judged: Vec::new(), found: Vec::new(), variables: BTreeSet::new() }
    }

    /// The environment variables in which secrets are kept, each once.
    pub(super) fn variables(&mut self) -> Arc<[Box<str>]> {
        std::mem::take(&mut self.variables).into_iter().collect()
    }

    /// The places found.
    pub(super) fn found(self) -> Vec<Range<usize>> {
        self.found
    }

    /// Looks into a table and everything in it.
    pub(super) fn visit(&mut self, pairs: Pairs<'_, '_>) {
        for (key, value) in pairs.iter() {
            let is_secret = self.is_secret(key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if is_secret => {
                    // Where it is kept may be shown; anything else in there is a slip, and may be the secret itself.
                    let slips = inner.iter().filter(|(key, _)| !matches!(&**key.get_ref(), "env" | "file"));
                    self.found.extend(slips.map(|(_, value)| value.span()));
                    if let Some(DeValue::String(variable)) = inner.get("env").map(Spanned::get_ref)
                        && !self.variables.contains(&**variable)
                    {
                        self.variables.insert((&**variable).into());
                    }
                }
                _ if is_secret => self.found.push(value.span()),
                DeValue::Table(inner) => self.visit(Pairs::Mapped(inner)),
                DeValue::Array(items) => {
                    for item in items {
                        if let DeValue::Table(inner) = item.get_ref() {
                            self.visit(Pairs::Mapped(inner));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Looks through a text with syntax errors, whose tree lacks what could not be read.
    pub(super) fn search(&mut self, text: &str) {
        search(text, &self.declared, &mut self.found);
    }

    fn is_secret(&mut self, key: &str) -> bool {
        if let Some((_, answer)) = self.judged.iter().find(|(judged, _)| judged == key) {
            return *answer;
        }
        let answer = is_secret_key(key, &self.declared);
        if self.judged.len() == MOST_KEYS {
            self.judged.clear();
        }
        self.judged.push((key.to_owned(), answer));
        answer
    }
}

/// Finds what follows a secret's key in a text that is no TOML: to the end of the line, or of the quotes.
fn search(text: &str, declared: &HashSet<&str>, found: &mut Vec<Range<usize>>) {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_word)).map(|skipped| at + skipped) {
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        at = end;
        let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t', '"', '\'']);
        let can_be_key = before.is_empty() || before.ends_with(['\n', '\r', '{', ',', '.', '\u{feff}']);
        if !can_be_key || !text.get(start..end).is_some_and(|word| is_secret_key(word, declared)) {
            continue;
        }
        let after = text.get(end..).unwrap_or_default();
        let value = after.trim_start_matches(['"', '\'']).trim_start().trim_start_matches(['=', ':']).trim_start();
        if is_reference(value) {
            continue;
        }
        let quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| value.starts_with(quotes));
        let length = match quotes {
            Some(quotes) => {
                let inside = value.get(quotes.len()..).unwrap_or_default();
                let closed = inside.find(quotes).map_or(inside.len(), |close| close + quotes.len());
                quotes.len() + closed + inside.get(closed..).and_then(|rest| rest.find('\n')).unwrap_or(0)
            }
            None => value.find('\n').unwrap_or(value.len()),
        };
        let value_start = text.len() - value.len();
        at = value_start + length;
        found.push(value_start..at);
    }
}

/// `{ env = …` or `{ file = …`: says where the secret is kept, not what it is.
fn is_reference(value: &str) -> bool {
    let inside = value.strip_prefix('{').map(str::trim_start);
    let key = inside.and_then(|inside| inside.strip_prefix("env").or_else(|| inside.strip_prefix("file")));
    key.is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// Whether a secret stands behind a key: one that a type declares, a slip of it, or one that sounds like one. A mistyped
/// key (`pasword`) is no reason to show what stands behind it.
fn is_secret_key(key: &str, declared: &HashSet<&str>) -> bool {
    let lower = key.to_ascii_lowercase();
    declared.contains(key)
        || ["pass", "pasw", "pwd", "secret", "token"].iter().any(|part| lower.contains(part))
        || nearest(key, declared.iter().copied()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Sources, TomlTable, parse_toml};

    fn read(text: &str, folder: &Path) -> (Option<String>, Vec<String>) {
        let mut found = Diagnostics::default();
        let mut sources = Sources::default();
        let source = sources.add("x.toml", text);
        let tree = parse_toml(text, source, &mut found);
        let mut table = TomlTable::new(&tree, source, "x");
        let environment = |name: &str| (name == "RELAY").then(|| "apple".to_owned());
        let mut secrets = Secrets::new(&environment, folder);
        let secret = secrets.read(table.get("password").unwrap(), &mut found);
        (secret.map(|(text, _)| text), found.iter().map(|one| one.message.clone()).collect())
    }

    #[test]
    fn a_secret_comes_from_where_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "pear\n\n").unwrap();
        std::fs::write(folder.path().join("crlf"), " plum\r\n").unwrap();
        for (text, secret) in [
            ("password = { env = \"RELAY\" }", "apple"),
            ("password = { file = \"pw\" }", "pear\n"),
            ("password = { file = \"crlf\" }", " plum"),
        ] {
            assert_eq!(read(text, folder.path()), (Some(secret.to_owned()), vec![]), "{text}");
        }
        let (plain, warned) = read("password = \"a[1-3]\"", folder.path());
        assert_eq!(plain.as_deref(), Some("a[1-3]"));
        assert_eq!(warned, ["`password` stands in the inventory for everyone to read"]);
    }

    #[test]
    fn a_secret_that_is_missing_is_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        for (text, why) in [
            ("password = { env = \"NONE\" }", "`password`: the environment variable `NONE` is not set"),
            ("password = { file = \"none\" }", "`password`: cannot read the file `none`: No such file"),
            ("password = { }", "`password` needs either `env` or `file`"),
            ("password = { env = \"A\", file = \"b\" }", "`password` needs either `env` or `file`"),
            ("password = { evn = \"A\" }", "unknown key `evn` in `password`"),
            ("password = true", "`password` must be a secret"),
        ] {
            let (secret, found) = read(text, folder.path());
            assert_eq!(secret, None, "{text}");
            assert!(found[0].starts_with(why), "{found:?}");
        }
    }
}
