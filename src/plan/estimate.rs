//! How long a plan will take if every device answers: for `--dry-run`, to tell a minute from an hour.

use std::time::Duration;

use super::Plan;

/// What connecting and one exchange are taken to last: a display behind a 9600-baud line answers within 200 ms, most in
/// well under that (shared/protocols.md §1.1).
const TYPICAL_EXCHANGE: Duration = Duration::from_millis(150);

/// An estimate of the run's duration, without retries: no lane ends before its own exchanges and gaps, and no more than
/// `concurrency` of them run at once, nor more at a site than its cap.
pub fn estimate(plan: &Plan, concurrency: usize) -> Duration {
    let mut longest = Duration::ZERO;
    let mut total = Duration::ZERO;
    let mut at_site = vec![Duration::ZERO; plan.sites.len()];
    for lane in plan.lanes.iter() {
        let mut spent = Duration::ZERO;
        let mut gap = Duration::ZERO;
        for &device in lane {
            spent += gap + TYPICAL_EXCHANGE;
            gap = plan.job(device).map_or(Duration::ZERO, |job| job.link.gap);
        }
        longest = longest.max(spent);
        total += spent;
        let site = lane.first().and_then(|&device| plan.device(device)?.site.as_ref());
        if let Some(place) = site.and_then(|site| plan.sites.iter().position(|planned| planned.name == *site))
            && let Some(sum) = at_site.get_mut(place)
        {
            *sum += spent;
        }
    }
    let share = |sum: Duration, slots: usize| sum / u32::try_from(slots.max(1)).unwrap_or(u32::MAX);
    let by_site = plan.sites.iter().zip(at_site).map(|(site, sum)| share(sum, site.max_concurrency)).max();
    longest.max(share(total, concurrency)).max(by_site.unwrap_or_default())
}
