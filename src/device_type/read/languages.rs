//! The small languages inside a type file, with the places of their mistakes: patterns, templates, names of fields.

use crate::codec::BytePattern;
use crate::device_type::expression::Expression;
use crate::device_type::format::FieldRef;
use crate::device_type::hex;
use crate::device_type::pattern::{HexPattern, Pattern};
use crate::device_type::template::{Holes, Piece, Template};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlValue, nearest};
use crate::model::escape;

/// Names that something in the file defines.
#[derive(Clone, Copy)]
pub(super) struct Defined<'a> {
    /// What defines them, for messages.
    pub(super) by: &'a str,
    /// The names; `None` when the definition itself has a mistake, which is reported once and not again at each use.
    pub(super) names: Option<&'a [&'a str]>,
}

/// Reports a mistake.
pub(super) fn mistake(diagnostics: &mut Diagnostics, message: String, span: Span, label: &str, help: Option<String>) {
    let mut found = Diagnostic::error(message).at(span, label);
    if let Some(help) = help {
        found = found.help(help);
    }
    diagnostics.push(found);
}

/// Whether `name` is among `names`; if not, that is reported with the nearest one.
pub(super) fn known(name: &str, span: &Span, names: &[&str], what: &str, diagnostics: &mut Diagnostics) -> bool {
    if names.contains(&name) {
        return true;
    }
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if names.is_empty() => None,
        None => Some(format!("known here: {}", names.join(", "))),
    };
    mistake(diagnostics, format!("there is no {what} `{name}`"), span.clone(), "", help);
    false
}

/// A pattern: a regular expression in text types, else hex.
pub(super) fn pattern(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<Pattern> {
    if is_text {
        return compiled(value, false, diagnostics).map(Pattern::Text);
    }
    match HexPattern::parse(value.text(diagnostics)?) {
        Ok(pattern) => Some(Pattern::Hex(pattern)),
        Err(error) => {
            let message = format!("`{}` is no pattern: {}", value.key(), error.message);
            mistake(diagnostics, message, value.span(), "", error.help);
            None
        }
    }
}

/// An expression over `names`.
pub(super) fn expression(
    value: TomlValue<'_, '_>,
    names: &[&str],
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Expression> {
    let read = match Expression::parse(value.text(diagnostics)?) {
        Ok(read) => read,
        Err(error) => {
            let message = format!("`{}` is no expression: {}", value.key(), error.message);
            mistake(diagnostics, message, value.span(), "", None);
            return None;
        }
    };
    let unknown = read.names().into_iter().find(|name| !names.contains(&&***name)).cloned();
    match unknown {
        Some(name) => {
            known(&name, &value.span(), names, what, diagnostics);
            None
        }
        None => Some(read),
    }
}

/// A regular expression that is searched line by line.
pub(super) fn regex(value: TomlValue<'_, '_>, diagnostics: &mut Diagnostics) -> Option<BytePattern> {
    compiled(value, true, diagnostics)
}

fn compiled(value: TomlValue<'_, '_>, any_line: bool, diagnostics: &mut Diagnostics) -> Option<BytePattern> {
    let text = value.text(diagnostics)?;
    if diagnostics.is_proven() {
        return Some(BytePattern::proven(text, any_line));
    }
    match BytePattern::parse(text, any_line) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            mistake(diagnostics, format!("`{}` is no pattern: {error}", value.key()), value.span(), "", None);
            None
        }
    }
}

/// A template.
pub(super) fn template(value: TomlValue<'_, '_>, holes: Holes<'_>, diagnostics: &mut Diagnostics) -> Option<Template> {
    let text = value.text(diagnostics)?;
    let read = match Template::parse(text, holes) {
        Ok(read) => read,
        Err(error) => {
            mistake(diagnostics, error.message, value.span(), "", error.help);
            return None;
        }
    };
    for piece in read.pieces() {
        if let Piece::Hole { format: Some(format), .. } = piece
            && let Some(width) = format.width_field()
            && !known(width, &value.span(), holes.known, holes.what, diagnostics)
        {
            return None;
        }
    }
    Some(read)
}

/// The name of a field, perhaps with a format, that all of `defined` define.
pub(super) fn field_ref(
    value: TomlValue<'_, '_>,
    defined: &[Defined<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<FieldRef> {
    let text = value.text(diagnostics)?;
    let field = match FieldRef::parse(text) {
        Ok(field) => field,
        Err(message) => {
            mistake(diagnostics, message, value.span(), "", None);
            return None;
        }
    };
    defined.iter().all(|one| defines(&field.name, &value.span(), *one, diagnostics)).then_some(field)
}

/// Whether `name` is defined; if not, that is reported.
pub(super) fn defines(name: &str, span: &Span, defined: Defined<'_>, diagnostics: &mut Diagnostics) -> bool {
    let Some(names) = defined.names.filter(|names| !names.contains(&name)) else { return true };
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => format!("{} has no named group", defined.by),
        None => format!("{} defines {}", defined.by, names.join(", ")),
    };
    mistake(diagnostics, format!("{} defines no field `{name}`", defined.by), span.clone(), "", Some(help));
    false
}

/// Bytes: a text with escapes in text types, else hex.
pub(super) fn bytes(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let text = value.text(diagnostics)?;
    if !is_text {
        return match hex::bytes(text) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                mistake(diagnostics, error.message, value.span(), "", error.help);
                None
            }
        };
    }
    match escape::parse(text) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            mistake(diagnostics, error.to_string(), value.span(), "", None);
            None
        }
    }
}

/// One of a fixed set of words.
pub(super) fn word<T: Copy>(
    value: TomlValue<'_, '_>,
    words: &[(&'static str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let text = value.text(diagnostics)?;
    if let Some((_, found)) = words.iter().find(|(known, _)| *known == text) {
        return Some(*found);
    }
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let help = match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", names.join(", ")),
    };
    mistake(diagnostics, format!("`{}` cannot be `{text}`", value.key()), value.span(), "", Some(help));
    None
}
