//! The fuzz targets: for each parser a function of bytes that fails where a property of that parser does not hold.
//!
//! One place for two callers: cargo-fuzz (`fuzz_targets/`) feeds them what it finds by coverage, `tests/fuzz` on a stable
//! compiler what proptest makes of the kept corpora. A target asserts more than the absence of a panic: caps on what is
//! held, the same outcome however a stream is cut, a way back where there is one, and what a second, simpler reading of
//! the same bytes says. None looks at a clock or a file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a property that does not hold ends a target by a panic")]

mod cron;
mod csv_import;
mod device_type;
mod framing;
mod guard;
mod inventory;
mod place;
mod range;
mod reply;
mod report;
mod selector;
mod stream;
mod telnet;
mod words;

/// A parser under test: panics when a property does not hold for these bytes.
pub type Target = fn(&[u8]);

/// All targets by name, each with the longest input that is worth trying, in bytes.
pub const TARGETS: [(&str, usize, Target); 18] = [
    ("reply_lg", 1024, reply::lg),
    ("reply_esc_cr", 1024, reply::esc_cr),
    ("reply_devantech", 256, reply::devantech),
    ("reply_ncd", 1024, reply::ncd),
    ("reply_hub", 256, reply::hub),
    ("framing", 512, framing::framing),
    ("telnet", 1024, telnet::telnet),
    ("range", 128, range::range),
    ("selector", 256, selector::selector),
    ("cron", 64, cron::cron),
    ("words", 64, words::words),
    ("type_file", 4096, device_type::type_file),
    ("type_languages", 600, device_type::type_languages),
    ("toml_table", 600, inventory::toml_table),
    ("inventory", 1500, inventory::inventory),
    ("report", 4096, report::report),
    ("csv_import", 512, csv_import::csv_import),
    ("guard", 256, guard::guard),
];

/// Runs one target by its name, as the programs of cargo-fuzz do.
///
/// # Panics
/// When a property does not hold, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let Some((_, _, target)) = TARGETS.iter().find(|(known, _, _)| *known == name) else {
        panic!("there is no target `{name}`");
    };
    target(data);
}
