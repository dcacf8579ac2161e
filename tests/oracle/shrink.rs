//! Plays a night and holds it against the truth; makes one that fails small: devices are left out as long as it still
//! fails in the same way.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::check::{Finding, check};
use crate::night::Night;
use crate::play::{Played, play};

/// Plays a night and says what is wrong with what was told. The program must not panic, whatever a night brings: what a
/// night plants itself ends within the run.
pub(crate) fn judged(night: &Night) -> (Option<Played>, Vec<Finding>) {
    match catch_unwind(AssertUnwindSafe(|| play(night))) {
        Ok(played) => {
            let findings = check(night, &played);
            (Some(played), findings)
        }
        Err(_) => {
            let what = "the program panicked".to_owned();
            (None, vec![Finding { invariant: "I11", device: String::new(), what }])
        }
    }
}

/// The smallest night that still breaks this invariant, and what is wrong in it.
pub(crate) fn smallest(night: &Night, invariant: &str) -> (Night, Vec<Finding>) {
    let fails = |night: &Night| {
        let found = judged(night).1;
        found.iter().any(|finding| finding.invariant == invariant).then_some(found)
    };
    let mut least = (night.clone(), fails(night).unwrap_or_default());
    let mut place = 0;
    while place < least.0.order.len() && least.0.order.len() > 1 {
        let fewer = least.0.without(place);
        let is_anybody_left = fewer.selected().next().is_some();
        match is_anybody_left.then(|| fails(&fewer)).flatten() {
            Some(found) => least = (fewer, found),
            None => place += 1,
        }
    }
    least
}
