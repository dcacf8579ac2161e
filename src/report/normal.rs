//! Replies as they compare: without what names the device that gave them.
//!
//! `a 01 OK01x` and `a 02 OK01x` say the same of two displays; only the set ID differs. What a report keeps of a device
//! does not say which bytes are its ID, but the command names it too: a short number that stands at the same place
//! among the words of the command and of the reply is the unit, and is shown as `‹id›`.

use super::mask::Mask;
use crate::model::Outcome;

/// How the number of a unit is shown.
const UNIT: &str = "‹id›";
/// No protocol numbers its units with more digits.
const UNIT_DIGITS: usize = 4;

/// The reply as text with escapes, secrets masked and its unit's number too; `None` without a reply.
pub(super) fn normal_reply(outcome: &Outcome, mask: &Mask<'_>) -> Option<String> {
    let mut shown = String::new();
    mask.push_bytes(&mut shown, outcome.reply.as_ref()?);
    let Some(sent) = &outcome.sent else { return Some(shown) };
    let sent = sent.shown();
    let mut asked = sent.split(' ');
    let is_unit = |word: &str| word.len() <= UNIT_DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = shown.split(' ').enumerate().map(|(place, word)| match asked.next() {
        // The first word of a command is its verb, whatever it is made of.
        Some(same) if place > 0 && same == word && is_unit(word) && !word.is_empty() => UNIT,
        _ => word,
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Delivery, Payload, Status};
    use crate::report::test_run;

    fn normal(sent: &[u8], reply: &[u8]) -> String {
        let outcome = Outcome {
            sent: Some(Arc::new(Payload::plain(sent))),
            reply: Some(reply.into()),
            ..test_run::outcome(Status::Ok, Delivery::Confirmed, 1, None)
        };
        normal_reply(&outcome, &Mask::default()).unwrap()
    }

    #[test]
    fn replies_of_two_units_are_the_same_and_their_values_stay() {
        for (sent, reply, shown) in [
            (&b"ka 01 01\r"[..], &b"a 01 OK01x"[..], "a ‹id› OK01x"),
            (b"ka 0a ff\r", b"a 0a OK00x", "a ‹id› OK00x"),
            (b"ka 001 ff\r", b"a 001 NG00x", "a ‹id› NG00x"),
            // Another unit's number is news.
            (b"ka 01 01\r", b"a 02 OK01x", "a 02 OK01x"),
            // A value that repeats what was set stands elsewhere, or alone.
            (b"vol 30\r", b"30", "30"),
            (b"30\r", b"30", "30"),
            (b"get name\r", b"tv name", "tv name"),
            (b"!\x03\x00", b"\x00", "\\0"),
        ] {
            assert_eq!(normal(sent, reply), shown);
        }
    }
}
