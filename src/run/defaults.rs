//! The built-in values of `[run]`, read from `config/defaults.toml` like any other layer.

use std::time::Duration;

use crate::device_type::read_timing;
use crate::diagnostic::{Diagnostics, Sources, TomlTable, parse_toml};
use crate::model::{Backoff, Timing};

const TEXT: &str = include_str!("../../config/defaults.toml");

/// What holds where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Lanes at once.
    pub concurrency: usize,
    /// Times and retries of one device.
    pub timing: Timing,
}

/// What holds should the embedded file lack a value, which a test rules out.
const FALLBACK: Timing = Timing {
    connect_timeout: Duration::from_secs(3),
    reply_timeout: Duration::from_secs(2),
    device_deadline: Duration::from_secs(30),
    retries: 2,
    backoff: Backoff { initial: Duration::from_millis(250), max: Duration::from_secs(5), jitter: true },
};

/// The built-in values.
pub fn built_in() -> Defaults {
    read().0
}

fn read() -> (Defaults, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let source = Sources::default().add("config/defaults.toml", TEXT);
    let tree = parse_toml(TEXT, source, &mut diagnostics);
    let mut root = TomlTable::new(&tree, source, "the defaults");
    let mut defaults = Defaults { concurrency: 256, timing: FALLBACK };
    if let Some(mut run) = root.table("run", "[run]", &mut diagnostics) {
        if let Some(lanes) = run.int_in("concurrency", 1..=1_000_000, &mut diagnostics) {
            defaults.concurrency = usize::try_from(lanes).unwrap_or(defaults.concurrency);
        }
        defaults.timing = read_timing(&mut run, &mut diagnostics).resolve(FALLBACK);
        run.finish(&mut diagnostics);
    }
    root.finish(&mut diagnostics);
    (defaults, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_defaults_are_those_of_the_contract() {
        let (defaults, diagnostics) = read();
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(defaults, Defaults { concurrency: 256, timing: FALLBACK });
    }
}
