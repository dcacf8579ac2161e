//! Keys and flags that no code stands behind yet: unknown, an error, never accepted and ignored.
//!
//! A run that took `--history` and kept none would lie. Whoever builds one of them takes it off this list.

use super::refusal::Bystander;

#[test]
fn flags_of_later_days_are_unknown() {
    let flags: [&[&str]; 3] = [&["--history", "runs.db"], &["--no-history"], &["--wait-lock", "5m"]];
    for flag in flags {
        Bystander::new().refuses(&[&["run", "--do", "power-on"], flag].concat(), &[flag[0]]);
    }
}

#[test]
fn keys_of_later_days_are_unknown() {
    let text =
        "[run]\nprobe_after = 3\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\n";
    Bystander::with_inventory(text).refuses(&["run", "--do", "power-on"], &["fleet.toml:2:", "probe_after"]);
}
