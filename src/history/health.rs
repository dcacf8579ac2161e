//! How each device behaves over runs: streaks, shares, and how long its replies take.

use std::collections::HashMap;
use std::sync::Arc;

use super::past::{Past, Window, each};
use super::{HistoryError, Store};
use crate::model::ReplyTime;
use crate::report::HealthRow;

/// What was seen of a device, the newest run first.
#[derive(Default)]
struct Seen {
    streak: i64,
    /// The streak has ended.
    is_broken: bool,
    outcomes: u32,
    successes: u32,
    flaky: u32,
    replies: Vec<ReplyTime>,
    last_ok_at: Option<i64>,
}

impl Seen {
    fn add(&mut self, past: &Past) {
        let Some(is_success) = past.is_success else { return };
        let step = if is_success { 1 } else { -1 };
        self.is_broken |= self.streak.signum() == -step;
        if !self.is_broken {
            self.streak += step;
        }
        self.outcomes += 1;
        self.successes += u32::from(is_success);
        self.flaky += u32::from(is_success && past.attempts > 1);
        self.replies.extend(past.reply);
        if is_success {
            self.last_ok_at = self.last_ok_at.max(past.at);
        }
    }

    fn row(mut self, name: &str) -> HealthRow {
        self.replies.sort_unstable();
        let share =
            |part: u32| (self.outcomes > 0).then(|| rounded(f64::from(part) / f64::from(self.outcomes), 10_000.0));
        HealthRow {
            name: name.to_owned(),
            streak: self.streak,
            success_share: share(self.successes),
            flaky_share: share(self.flaky),
            reply_ms_p50: percentile(&self.replies, 50),
            reply_ms_p95: percentile(&self.replies, 95),
            last_ok_at: self.last_ok_at.and_then(|at| {
                let at = jiff::Timestamp::from_millisecond(at).ok()?;
                Some(jiff::fmt::temporal::DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&at))
            }),
        }
    }
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

/// The smallest time that so many percent of the sorted ones do not exceed (nearest rank), in milliseconds.
fn percentile(sorted: &[ReplyTime], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map(|time| time.ms())
}

/// How the devices of these runs behave, the worst first: those that fail, by how long they have; then those that fail
/// most often; then flaky ones.
///
/// # Errors
/// When the history cannot be read.
pub fn health(store: &Store, window: &Window) -> Result<Vec<HealthRow>, HistoryError> {
    let mut devices: HashMap<Arc<str>, Seen> = HashMap::new();
    each(
        store,
        window,
        || false,
        |name, past| match devices.get_mut(name) {
            Some(seen) => seen.add(&past),
            None => devices.entry(name.clone()).or_default().add(&past),
        },
    )?;
    let mut rows: Vec<HealthRow> = devices.into_iter().map(|(name, seen)| seen.row(&name)).collect();
    rows.sort_by(|one, other| {
        let key =
            |row: &HealthRow| (row.streak.min(0), row.success_share.unwrap_or(1.0), -row.flaky_share.unwrap_or(0.0));
        let ((streak, share, flaky), (their_streak, their_share, their_flaky)) = (key(one), key(other));
        streak
            .cmp(&their_streak)
            .then(share.total_cmp(&their_share))
            .then(flaky.total_cmp(&their_flaky))
            .then_with(|| one.name.cmp(&other.name))
    });
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(is_success: Option<bool>, attempts: u32) -> Past {
        Past { is_success, attempts, elapsed: None, reply: None, at: Some(1_795_239_000_140) }
    }

    #[test]
    fn a_streak_is_what_the_newest_runs_have_in_common_and_skipped_ones_say_nothing() {
        let mut seen = Seen::default();
        for one in [None, Some(false), None, Some(false), Some(true), Some(false)] {
            seen.add(&past(one, 2));
        }
        let row = seen.row("tv");
        assert_eq!((row.streak, row.success_share, row.flaky_share), (-2, Some(0.25), Some(0.25)));
        assert_eq!(row.last_ok_at.as_deref(), Some("2026-11-21T05:30:00.140Z"));
        let mut never = Seen::default();
        never.add(&past(None, 0));
        let row = never.row("tv");
        assert_eq!((row.streak, row.success_share, row.last_ok_at), (0, None, None));
    }

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<ReplyTime> = (1..=20).map(|n| ReplyTime::from_tenths(n * 10)).collect();
        assert_eq!((percentile(&times, 50), percentile(&times, 95)), (Some(10.0), Some(19.0)));
        let one = [ReplyTime::from_tenths(7)];
        assert_eq!((percentile(&one, 50), percentile(&one, 95), percentile(&[], 50)), (Some(0.7), Some(0.7), None));
    }
}
