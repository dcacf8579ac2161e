//! How long to wait before another attempt: exponential, with full jitter.

use std::time::Duration;

use crate::model::Backoff;

/// The wait before attempt `failed + 1`, when `failed` attempts have failed: a random time from 0 to
/// min(max, initial × 2^(failed-1)), or exactly that without jitter. `random` is from 0 to 1.
pub fn backoff(settings: Backoff, failed: u32, random: f64) -> Duration {
    let doublings = failed.saturating_sub(1).min(62);
    let longest = settings
        .initial
        .checked_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX))
        .map_or(settings.max, |longest| longest.min(settings.max));
    if settings.jitter { longest.mul_f64(random.clamp(0.0, 1.0)) } else { longest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_greatest() {
        let settings = Backoff { initial: Duration::from_millis(250), max: Duration::from_secs(5), jitter: false };
        let waits: Vec<u128> = (1..=7).map(|failed| backoff(settings, failed, 0.5).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(backoff(settings, u32::MAX, 0.5), Duration::from_secs(5));
    }

    #[test]
    fn jitter_takes_any_part_of_the_longest_wait() {
        let settings = Backoff { initial: Duration::from_millis(250), max: Duration::from_secs(5), jitter: true };
        assert_eq!(backoff(settings, 2, 0.0), Duration::ZERO);
        assert_eq!(backoff(settings, 2, 0.5), Duration::from_millis(250));
        assert_eq!(backoff(settings, 2, 1.0), Duration::from_millis(500));
    }
}
