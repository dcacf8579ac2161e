//! The fuzz targets: for each parser a function of bytes that fails where a property of that parser does not hold.
//!
//! One place for two callers: cargo-fuzz (`fuzz_targets/`) feeds them what it finds by coverage, `tests/fuzz` on a stable
//! compiler what proptest makes of the kept corpora. A target asserts more than the absence of a panic: caps on what is
//! held, the same outcome however a stream is cut, a way back where there is one, and what a second, simpler reading of
//! the same bytes says. None looks at a clock or a file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a property that does not hold ends a target by a panic")]

mod framing;
mod reply;
mod stream;
mod telnet;

/// A parser under test: panics when a property does not hold for these bytes.
pub type Target = fn(&[u8]);

/// All targets by name, each with the longest input that is worth trying, in bytes.
pub const TARGETS: [(&str, usize, Target); 7] = [
    ("reply_lg", 1024, reply::lg),
    ("reply_esc_cr", 1024, reply::esc_cr),
    ("reply_devantech", 256, reply::devantech),
    ("reply_ncd", 1024, reply::ncd),
    ("reply_hub", 256, reply::hub),
    ("framing", 512, framing::framing),
    ("telnet", 1024, telnet::telnet),
];

/// Runs one target by its name, as the programs of cargo-fuzz do.
pub fn run(name: &str, data: &[u8]) {
    let Some((_, _, target)) = TARGETS.iter().find(|(known, _, _)| *known == name) else {
        panic!("there is no target `{name}`");
    };
    target(data);
}
