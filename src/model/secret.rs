//! A value that never prints: passwords of devices.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// A secret text. `Debug` and every report show `‹secret›`; its memory is wiped when the last copy goes.
#[derive(Clone)]
pub struct Secret {
    text: Arc<SecretString>,
    kept_in: Option<KeptIn>,
}

/// Where the inventory keeps a secret: that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptIn {
    /// An environment variable.
    Variable(Arc<str>),
    /// A file, as the inventory writes its path.
    File(Arc<str>),
}

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self { text: Arc::new(SecretString::from(text)), kept_in: None }
    }

    /// The same secret, and where it came from.
    #[must_use]
    pub fn kept_in(self, place: Option<KeptIn>) -> Self {
        Self { kept_in: place, ..self }
    }

    /// Where it came from; `None` where it was written plainly.
    pub fn place(&self) -> Option<&KeptIn> {
        self.kept_in.as_ref()
    }

    /// The text itself: for building the bytes of a log-in only.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::command::SECRET_SHOWN)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("apple".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "‹secret› Some(‹secret›)");
    }
}
