//! Notices a wall clock that jumps: it is compared with one that only ever goes forward.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What differs by less is a clock that is being set right, little by little.
const UNNOTICED: SignedDuration = SignedDuration::from_secs(5);

/// Both clocks at the last look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    wall: Timestamp,
    steady: Instant,
}

impl Clocks {
    /// The clocks as they stand.
    pub(super) fn new(wall: Timestamp) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// Takes a further look; gives by how much the wall clock went forward or back besides the time that passed. A machine
    /// that slept looks the same: its steady clock stood still.
    pub(super) fn look(&mut self, wall: Timestamp) -> Option<SignedDuration> {
        let steady = Instant::now();
        let passed = SignedDuration::try_from(steady.duration_since(self.steady)).unwrap_or(SignedDuration::ZERO);
        let jumped = wall.duration_since(self.wall).saturating_sub(passed);
        *self = Self { wall, steady };
        (jumped.abs() > UNNOTICED).then_some(jumped)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_jump_is_what_the_steady_clock_did_not_see() {
        let start: Timestamp = "2026-11-21T05:30:00Z".parse().unwrap();
        let mut clocks = Clocks::new(start);
        tokio::time::advance(Duration::from_hours(9)).await;
        let mut wall = start + SignedDuration::from_hours(9);
        assert_eq!(clocks.look(wall), None);
        for hours in [1, -24] {
            wall += SignedDuration::from_hours(hours);
            assert_eq!(clocks.look(wall), Some(SignedDuration::from_hours(hours)));
        }
        assert_eq!(clocks.look(wall + SignedDuration::from_secs(5)), None, "it is being set right");
    }
}
