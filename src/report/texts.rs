//! What was sent and what came back, and where, as the texts that reports show of them.
//!
//! Most devices of a run get the same bytes and give the same reply, so the texts of the last device are kept for the
//! next: they are made again only when its bytes differ, and then in the same memory.

use std::sync::Arc;

use super::mask::Mask;
use super::moment::MomentText;
use crate::model::{Address, Payload, escape};

/// The texts of one device after the other.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) address: AddressText,
    pub(super) finished_at: MomentText,
    pub(super) sent: SentTexts,
    pub(super) reply: ReplyTexts,
}

/// Where a device is.
#[derive(Default)]
pub(super) struct AddressText(String);

impl AddressText {
    /// The address, `host:port`.
    pub(super) fn of(&mut self, address: &Address) -> &str {
        self.0.clear();
        address.push_shown(&mut self.0);
        &self.0
    }
}

/// A command with its affixes.
#[derive(Default)]
pub(super) struct SentTexts {
    of: Option<Arc<Payload>>,
    shown: String,
    hex: String,
}

impl SentTexts {
    /// The command as text with escapes and in hex.
    pub(super) fn of(&mut self, payload: &Arc<Payload>) -> (&str, &str) {
        if !self.of.as_ref().is_some_and(|known| Arc::ptr_eq(known, payload)) {
            self.shown.clear();
            payload.push_shown(&mut self.shown);
            self.hex.clear();
            payload.push_shown_hex(&mut self.hex);
            self.of = Some(payload.clone());
        }
        (&self.shown, &self.hex)
    }
}

/// A reply.
#[derive(Default)]
pub(super) struct ReplyTexts {
    /// Whether the texts are those of `of` as they are for everyone: no secret was looked for.
    is_known: bool,
    of: Vec<u8>,
    shown: String,
    hex: String,
}

impl ReplyTexts {
    /// The reply as text with escapes, secrets masked, and in hex; there is no hex of a reply with a secret.
    pub(super) fn of(&mut self, reply: &[u8], mask: &Mask<'_>) -> (&str, Option<&str>) {
        if self.is_known && mask.is_empty() && self.of == reply {
            return (&self.shown, Some(&self.hex));
        }
        self.shown.clear();
        let has_secret = mask.push_bytes(&mut self.shown, reply);
        self.hex.clear();
        if !has_secret {
            escape::push_hex(&mut self.hex, reply);
        }
        self.is_known = mask.is_empty();
        self.of.clear();
        self.of.extend_from_slice(reply);
        (&self.shown, (!has_secret).then_some(&*self.hex))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_run::device;
    use super::*;
    use crate::model::{Device, ParamValue, Secret};

    #[test]
    fn every_device_gets_the_texts_of_its_own_bytes() {
        let mut texts = Texts::default();
        let (on, off) = (Arc::new(Payload::plain(b"on\r")), Arc::new(Payload::plain(b"off")));
        for _ in 0..2 {
            assert_eq!(texts.sent.of(&on), ("on\\r", "6f 6e 0d"));
            assert_eq!(texts.sent.of(&on.clone()), ("on\\r", "6f 6e 0d"));
            assert_eq!(texts.sent.of(&off), ("off", "6f 66 66"));
        }
        let open = Mask::default();
        assert_eq!(texts.reply.of(b"", &open), ("", Some("")));
        for _ in 0..2 {
            assert_eq!(texts.reply.of(b"ok\n", &open), ("ok\\n", Some("6f 6b 0a")));
            assert_eq!(texts.reply.of(b"ok\n", &open), ("ok\\n", Some("6f 6b 0a")));
            assert_eq!(texts.reply.of(b"no", &open), ("no", Some("6e 6f")));
        }
    }

    #[test]
    fn a_secret_of_one_device_is_masked_for_it_and_for_no_other() {
        let secret = ParamValue::Secret(Secret::new("apple".to_owned()));
        let guarded = Device { params: [(Arc::from("password"), secret)].into_iter().collect(), ..device("a", "h") };
        let (guarded, open) = (Mask::of(&guarded, None), Mask::default());
        let mut texts = Texts::default();
        for _ in 0..2 {
            assert_eq!(texts.reply.of(b"apple", &open), ("apple", Some("61 70 70 6c 65")));
            assert_eq!(texts.reply.of(b"apple", &guarded), ("‹secret›", None));
            assert_eq!(texts.reply.of(b"pear", &guarded), ("pear", Some("70 65 61 72")));
        }
    }
}
