//! Makes a night that fails small: devices are left out as long as it still fails in the same way.

use crate::check::{Finding, check};
use crate::night::Night;
use crate::play::play;

/// The smallest night that still breaks this invariant, and what is wrong in it.
pub(crate) fn smallest(night: &Night, invariant: &str) -> (Night, Vec<Finding>) {
    let fails = |night: &Night| {
        let found = check(night, &play(night));
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
