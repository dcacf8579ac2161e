//! Compares what a run has told with what really happened: the invariants of a true report.
//!
//! Written from the contract and the protocols' sheets; it shares no code with the program's judge, planner or policies.
//! `case.rs` finds what belongs to whom. In memory all of I1 to I15 can be tested, but for: kills and `rerun` (I5), the history
//! (I9), kernel buffers, half-closed connections and stalls of the whole process (I6): those need the real binary, and
//! `real/mod.rs` says what holds over its sockets. There clocks differ by the night's `slack`, which is 0 in memory.
//!
//! | invariant | file |
//! |---|---|
//! | I1 an `ok` has its acknowledgement, I2 a verified one its state, I6 a reply in time is used | `answers.rs` |
//! | I3 `none` means no byte, I4 `confirmed` means a reply, I13 attempts and bytes are the real ones | `delivery.rs` |
//! | I5 nothing acts twice, I7 nobody else is told, and nobody after the stop | `starts.rs` |
//! | I8 one session a gateway, slots, sites, rate, circuits, batches, gaps | `pace.rs` |
//! | I9 each device once, counts, exit status; I10 all formats say the same; I14 no secret is told | `reports.rs` |
//! | I11 a run ends, and who is well is `ok`; I12 `--until` reaches everybody | `ends.rs` |
//! | I15 a file is what its device sent last, whole, and nothing else has changed | `files.rs` |

mod answers;
mod case;
mod delivery;
mod ends;
mod files;
mod pace;
mod reports;
mod starts;

use crate::night::Night;
use crate::play::Played;

pub(crate) use case::Case;

/// Something that a run has told and that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Which invariant.
    pub(crate) invariant: &'static str,
    /// Whom it concerns; empty: the run.
    pub(crate) device: String,
    /// What differs.
    pub(crate) what: String,
}

/// What is found, as it is gathered.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Unless this holds, something is wrong.
    fn expect(&mut self, holds: bool, invariant: &'static str, device: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Finding { invariant, device: device.to_owned(), what: what() });
        }
    }
}

/// What is wrong with what a run has told of itself alone: I9, I10 and I14, where nobody has seen what happened.
pub(crate) fn consistent(night: &Night, played: &Played) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.expect(played.exit_status.is_some(), "I11", "", || "the run did not end".to_owned());
    match Case::new(night, played) {
        Ok(case) => reports::check(&case, played, &mut findings),
        Err(why) => findings.expect(false, "I9", "", || why),
    }
    findings.0
}

/// Everything that is wrong with what a run has told.
pub(crate) fn check(night: &Night, played: &Played) -> Vec<Finding> {
    let mut findings = Findings::default();
    if played.exit_status.is_none() {
        findings.expect(false, "I11", "", || "the run did not end".to_owned());
        return findings.0;
    }
    match Case::new(night, played) {
        Ok(case) => {
            reports::check(&case, played, &mut findings);
            answers::check(&case, &mut findings);
            delivery::check(&case, &mut findings);
            starts::check(&case, &mut findings);
            pace::check(&case, &mut findings);
            ends::check(&case, &mut findings);
            files::check(&case, played, &mut findings);
        }
        Err(why) => findings.expect(false, "I9", "", || why),
    }
    findings.0
}
