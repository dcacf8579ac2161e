//! Keys and flags that no code stands behind yet: unknown, an error, never accepted and ignored.
//!
//! A run that took `--until` and made one pass would lie. Whoever builds one of them takes it off this list.

use super::refusal::Bystander;

#[test]
fn flags_of_later_days_are_unknown() {
    let flags: [&[&str]; 4] = [&["--until", "30m"], &["--rate", "5/s"], &["--batch", "3"], &["--max-failures", "3"]];
    for flag in flags {
        Bystander::new().refuses(&[&["run", "--do", "power-on"], flag].concat(), &[flag[0]]);
    }
}

#[test]
fn keys_of_later_days_are_unknown() {
    let texts = ["[circuits.hall]\nmax_inrush_a = 32.0\n"];
    for text in texts {
        let device = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\n";
        Bystander::with_inventory(&format!("{text}{device}")).refuses(&["run", "--do", "power-on"], &["fleet.toml:"]);
    }
}
