//! Keeps a device's secrets out of what is shown of it.
//!
//! A payload masks itself; here are the secrets that a device may echo back: in its reply, in the value that was read
//! from it, and in the text of an error. Both the secrets that were sent and those of the device's parameters count.

use std::borrow::Cow;

use crate::model::{Device, Outcome, ParamValue, Payload, escape};

/// How a secret is shown, as `Payload::shown` does.
const SHOWN: &str = "‹secret›";

/// A reply that ends in so many bytes of a secret's beginning is an echo that was cut; fewer may be chance.
const CUT_ECHO: usize = 3;

/// A text of a device or about it, as it may be shown.
pub fn hide_secrets<'t>(device: &Device, text: &'t str) -> Cow<'t, str> {
    Mask::of(device, None).text(text)
}

/// The secrets of one device; usually none, which costs nothing.
#[derive(Default)]
pub(super) struct Mask<'a> {
    /// Longest first, so that of two secrets that begin alike the whole one is hidden.
    secrets: Vec<&'a [u8]>,
}

impl<'a> Mask<'a> {
    /// The secrets that may show in this outcome.
    pub(super) fn new(device: &'a Device, outcome: &'a Outcome) -> Self {
        Self::of(device, outcome.sent.as_deref())
    }

    /// The secrets of the device's parameters and of what was sent to it.
    pub(super) fn of(device: &'a Device, sent: Option<&'a Payload>) -> Self {
        let mut secrets = Vec::new();
        for (_, value) in device.params.iter() {
            if let ParamValue::Secret(secret) = value {
                secrets.push(secret.expose().as_bytes());
            }
        }
        if let Some(sent) = sent.filter(|sent| sent.has_secret()) {
            secrets.extend(sent.secrets());
        }
        if secrets.is_empty() { Self::default() } else { Self::sorted(secrets) }
    }

    fn sorted(mut secrets: Vec<&'a [u8]>) -> Self {
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// Whether there is no secret to hide.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Appends `bytes` as text with escapes, and says whether a secret was hidden in it.
    pub(super) fn push_bytes(&self, text: &mut String, bytes: &[u8]) -> bool {
        if self.is_empty() {
            escape::push_shown(text, bytes);
            return false;
        }
        let (mut rest, mut hidden) = (bytes, false);
        while let Some((first, after)) = rest.split_first() {
            if let Some(after) = self.secrets.iter().find_map(|secret| rest.strip_prefix(*secret)) {
                text.push_str(SHOWN);
                (rest, hidden) = (after, true);
            } else if self.begins_one(rest) {
                text.push_str(SHOWN);
                (rest, hidden) = (&[], true);
            } else {
                escape::push_shown(text, std::slice::from_ref(first));
                rest = after;
            }
        }
        hidden
    }

    /// Whether these last bytes are the beginning of a secret: an echo that was cut short.
    fn begins_one(&self, last: &[u8]) -> bool {
        last.len() >= CUT_ECHO && self.secrets.iter().any(|secret| secret.starts_with(last))
    }

    /// A text of the device or about it; secrets are found as they are and in their escaped form.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            let forms = [
                str::from_utf8(secret).map(str::to_owned).unwrap_or_default(),
                escape::shown(secret),
                escape::hex(secret),
            ];
            for form in forms.iter().filter(|form| !form.is_empty()) {
                if text.contains(form.as_str()) {
                    text = Cow::Owned(text.replace(form.as_str(), SHOWN));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mask: &Mask<'_>, bytes: &[u8]) -> (String, bool) {
        let mut text = String::new();
        let hidden = mask.push_bytes(&mut text, bytes);
        (text, hidden)
    }

    #[test]
    fn an_echoed_secret_is_hidden_as_text_escaped_and_in_hex() {
        let mask = Mask::sorted(vec![b"app", b"apple\x01"]);
        assert_eq!(shown(&mask, b"login apple\x01 app\r"), ("login ‹secret› ‹secret›\\r".to_owned(), true));
        assert_eq!(shown(&mask, b"no"), ("no".to_owned(), false));
        assert_eq!(shown(&mask, b"login appl"), ("login ‹secret›l".to_owned(), true), "the shorter secret is whole");
        let mask = Mask::sorted(vec![b"apple"]);
        assert_eq!(shown(&mask, b"login appl"), ("login ‹secret›".to_owned(), true), "an echo that was cut");
        assert_eq!(shown(&mask, b"login ap"), ("login ap".to_owned(), false));
        let mask = Mask::sorted(vec![b"app", b"apple\x01"]);
        assert_eq!(mask.text("got apple\\x01 and 61 70 70"), "got ‹secret› and ‹secret›");
    }
}
