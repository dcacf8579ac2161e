//! What surrounds a body on the wire: `AA {len} {body} {sum8}`, `{body}\r`.

use super::languages::mistake;
use crate::codec::{Layout, LayoutPiece};
use crate::device_type::template::{Holes, Piece, Template};
use crate::diagnostic::{Diagnostics, TomlValue, nearest};

/// What stands in the place of a block while the text around it is read.
const BLOCKS: [&str; 4] = ["body", "len", "sum8", "xor8"];

pub(super) fn read_layout(value: TomlValue<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Option<Layout> {
    let text = value.text(diagnostics)?;
    // Each block is one name to the reader of templates.
    let blocks: Vec<&str> = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    let known: Vec<&str> = blocks.iter().copied().filter(|text| block(text).is_some()).collect();
    let holes = Holes { known: &known, what: "block", formats: false, is_text };
    let template = match Template::parse(text, holes) {
        Ok(template) => template,
        Err(error) => {
            let unknown = blocks.iter().find(|text| block(text).is_none());
            let near = unknown.and_then(|name| nearest(name, BLOCKS.iter().copied()));
            let help = near.map(|near| format!("did you mean `{{{near}}}`?")).or(error.help);
            mistake(diagnostics, error.message, value.span(), "", help);
            return None;
        }
    };
    let pieces = template.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(bytes) => Some(LayoutPiece::Literal(bytes.clone())),
        Piece::Hole { text, .. } => block(text),
    });
    match Layout::new(pieces.collect()) {
        Ok(layout) => Some(layout),
        Err(error) => {
            let such = if is_text { "such as `{body}\\r`" } else { "such as `AA {len} {body} {sum8}`" };
            mistake(diagnostics, error.to_string(), value.span(), such, None);
            None
        }
    }
}

/// `body`, `body[0]`, `body[1..]`, `len`, `len+4`, `len-1`, `sum8`, `sum8@1`, `xor8`.
fn block(text: &str) -> Option<LayoutPiece> {
    match text {
        "body" => return Some(LayoutPiece::Body(0, None)),
        "len" => return Some(LayoutPiece::Len(0)),
        "sum8" => return Some(LayoutPiece::Sum8(0)),
        "xor8" => return Some(LayoutPiece::Xor8(0)),
        _ => {}
    }
    if let Some(inside) = text.strip_prefix("body[").and_then(|rest| rest.strip_suffix(']')) {
        return match inside.split_once("..") {
            None => {
                let place: usize = inside.parse().ok()?;
                Some(LayoutPiece::Body(place, Some(place.checked_add(1)?)))
            }
            Some((from, "")) => Some(LayoutPiece::Body(from.parse().ok()?, None)),
            Some((from, to)) => {
                let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
                (from < to).then_some(LayoutPiece::Body(from, Some(to)))
            }
        };
    }
    if let Some(constant) = text.strip_prefix("len").filter(|rest| rest.starts_with(['+', '-'])) {
        let constant: i64 = constant.parse().ok()?;
        // Beyond that no body has a length, and a reply could announce more than any cap.
        return (-255..=255).contains(&constant).then_some(LayoutPiece::Len(constant));
    }
    let (name, from) = text.split_once('@')?;
    let from = from.parse().ok()?;
    match name {
        "sum8" => Some(LayoutPiece::Sum8(from)),
        "xor8" => Some(LayoutPiece::Xor8(from)),
        _ => None,
    }
}
