//! Tests that have a long version: numbers from the environment, and a word on what they came to.

/// The number in this variable; else the usual one.
pub(crate) fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// Says something to whoever runs a test with `--nocapture`, or sees it fail.
#[expect(clippy::print_stdout, reason = "the harness keeps it with the test's own output")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
