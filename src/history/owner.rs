//! Whether the process that records a run still lives: a run without an end is under way then, and else was killed.
//!
//! A process is named by the machine's boot, its number and when it began, so that a number that was given out again is
//! no proof of life. Where `/proc` does not say (other systems than Linux), a run without an end reads as killed.

use std::fs;

/// This process.
pub(super) fn this_process() -> String {
    let number = std::process::id();
    format!("{} {number} {}", boot(), began(number).unwrap_or_default())
}

/// Whether the process of this name lives.
pub(super) fn is_alive(owner: &str) -> bool {
    let mut words = owner.rsplitn(3, ' ');
    let (Some(start), Some(number), Some(boot_then)) = (words.next(), words.next(), words.next()) else { return false };
    let began = number.parse().ok().and_then(began);
    began.is_some_and(|began| began == start) && boot_then == boot()
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When a process began, in the kernel's clock ticks since the boot: the 22nd field of its `stat` (`proc_pid_stat(5)`).
fn began(number: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    // A zombie has ended.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_has_ended_does_not() {
        let own = this_process();
        assert!(is_alive(&own), "{own}");
        let words: Vec<&str> = own.split(' ').collect();
        let (number, start) = (words[1], words[2]);
        assert!(!is_alive(&format!("{} {number} {start}0", words[0])), "the number was given out again");
        assert!(!is_alive(&format!("another-boot {number} {start}")));
        assert!(!is_alive("") && !is_alive("x") && !is_alive("a b c d"));
    }
}
