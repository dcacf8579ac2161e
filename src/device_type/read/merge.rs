//! Merging of TOML trees: a type over its base, a variant over its type.
//!
//! Tables merge key by key; lists and values replace, and so does `frame`, whose ways exclude each other. What comes from a base gets the place of the `base` key: by itself
//! it is right, so a mistake in it comes from building on it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// `over` put over `below`.
pub(super) fn merge<'i>(below: &mut DeTable<'i>, over: &DeTable<'i>) {
    for (key, value) in over {
        let is_whole = **key.get_ref() == *"frame";
        if !is_whole
            && let (Some(DeValue::Table(below)), DeValue::Table(over)) =
                (below.get_mut(&**key.get_ref()).map(Spanned::get_mut), value.get_ref())
        {
            merge(below, over);
            continue;
        }
        // The key goes too: with it its place.
        below.remove(&**key.get_ref());
        below.insert(key.clone(), value.clone());
    }
}

/// A tree all of whose places are `range`.
pub(super) fn placed<'i>(table: &DeTable<'i>, range: &Range<usize>) -> DeTable<'i> {
    let place = |value: &Spanned<DeValue<'i>>| Spanned::new(range.clone(), placed_value(value.get_ref(), range));
    table.iter().map(|(key, value)| (Spanned::new(range.clone(), key.get_ref().clone()), place(value))).collect()
}

fn placed_value<'i>(value: &DeValue<'i>, range: &Range<usize>) -> DeValue<'i> {
    match value {
        DeValue::Table(table) => DeValue::Table(placed(table, range)),
        DeValue::Array(array) => DeValue::Array(
            array.iter().map(|value| Spanned::new(range.clone(), placed_value(value.get_ref(), range))).collect(),
        ),
        other => other.clone(),
    }
}
