//! How long a plan will take if every device answers, or does as in the runs before: for `--dry-run`, to tell a minute
//! from an hour.
//!
//! Every limit gives a time that the run cannot beat, and the longest of them is the estimate: lanes and slots, the
//! sites' caps, starts a second, circuits, one batch after another.

use std::collections::HashMap;
use std::time::Duration;

use super::budget::{Budget, Waiting};
use super::{Plan, PlannedCircuit};
use crate::model::{DeviceIndex, Rate};

/// What connecting and one exchange are taken to last where no earlier run has measured it: a display behind a 9600-baud line answers within 200 ms, most in
/// well under that (protocols.md §1.1).
const TYPICAL_EXCHANGE: Duration = Duration::from_millis(150);

/// How fast the plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Lanes at once.
    pub concurrency: usize,
    /// Starts a second.
    pub rate: Option<Rate>,
    /// So many devices at a time, at least 1.
    pub batch: Option<u32>,
    /// From the end of a batch to the next.
    pub pause: Duration,
}

/// What a run will be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// From its start to its end, without retries.
    pub duration: Duration,
    /// How many batches there are, where it rolls through the fleet.
    pub batches: Option<usize>,
    /// How it goes at each of the plan's circuits that somebody draws from, in their order.
    pub circuits: Vec<CircuitEstimate>,
}

/// How a run goes at a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitEstimate {
    /// Which one.
    pub circuit: PlannedCircuit,
    /// How many devices draw from it.
    pub devices: usize,
    /// What all of them draw, in thousandths of an ampere.
    pub milliamps: u64,
    /// How many of them start at the first instant.
    pub together: usize,
    /// When the last one starts.
    pub last_start: Duration,
    /// When all are on: none draws its inrush any more.
    pub on: Duration,
}

/// An estimate of the run's duration, without retries.
pub fn estimate(plan: &Plan, pace: Pace) -> Estimate {
    let mut lane_of = vec![0; plan.jobs.len()];
    for (lane, members) in plan.lanes.iter().enumerate() {
        for device in members {
            if let Some(place) = lane_of.get_mut(device.get()) {
                *place = lane;
            }
        }
    }
    let site_of: HashMap<&str, usize> =
        plan.sites.iter().enumerate().map(|(place, site)| (&*site.name, place)).collect();
    let circuits = plan.circuits.iter();
    let mut run = Course {
        plan,
        pace,
        lane_of,
        site_of,
        next_start: Duration::ZERO,
        circuits: circuits.map(|circuit| (Budget::new(circuit.max_milliamps), CircuitEstimate::of(circuit))).collect(),
    };
    // Those that are held take no time, no turn and no current.
    let is_held = |device: &DeviceIndex| plan.held.binary_search(device).is_ok();
    let devices: Vec<DeviceIndex> =
        (0..).take(plan.jobs.len()).map(DeviceIndex).filter(|device| !is_held(device)).collect();
    let size = pace.batch.map_or(devices.len(), |size| size as usize).max(1);
    let mut now = Duration::ZERO;
    for (place, batch) in devices.chunks(size).enumerate() {
        if place > 0 {
            now += pace.pause;
        }
        now = run.batch(batch, now);
    }
    Estimate {
        duration: now,
        batches: pace.batch.map(|_| devices.len().div_ceil(size)),
        circuits: run.circuits.into_iter().map(|(_, one)| one).filter(|one| one.devices > 0).collect(),
    }
}

impl CircuitEstimate {
    fn of(circuit: &PlannedCircuit) -> Self {
        let none = Duration::ZERO;
        Self { circuit: circuit.clone(), devices: 0, milliamps: 0, together: 0, last_start: none, on: none }
    }

    fn add(&mut self, device: Waiting, start: Duration, first: Duration) {
        self.devices += 1;
        self.milliamps += device.milliamps;
        self.together += usize::from(start == first);
        self.last_start = self.last_start.max(start);
        self.on = self.on.max(start + device.settle);
    }
}

/// A run as it goes from batch to batch.
struct Course<'a> {
    plan: &'a Plan,
    pace: Pace,
    lane_of: Vec<usize>,
    site_of: HashMap<&'a str, usize>,
    /// When the rate allows the next start.
    next_start: Duration,
    circuits: Vec<(Budget, CircuitEstimate)>,
}

/// What a lane has done in a batch.
#[derive(Default)]
struct LaneTime {
    spent: Duration,
    gap: Duration,
    site: Option<usize>,
}

impl Course<'_> {
    /// When a batch ends that begins at `from`.
    fn batch(&mut self, devices: &[DeviceIndex], from: Duration) -> Duration {
        let mut end = from + self.lanes(devices);
        let mut waiting: Vec<Vec<Waiting>> = vec![Vec::new(); self.circuits.len()];
        for &device in devices {
            let ready = self.next_start.max(from);
            if let Some(rate) = self.pace.rate {
                self.next_start = ready + rate.interval();
            }
            end = end.max(ready + self.exchange(device));
            let inrush = self.plan.job(device).and_then(|job| self.plan.inrush(job));
            if let Some(inrush) = inrush
                && let Some(queue) = waiting.get_mut(inrush.circuit as usize)
            {
                queue.push(Waiting { ready, milliamps: inrush.milliamps, settle: inrush.settle });
            }
        }
        for ((budget, estimate), queue) in self.circuits.iter_mut().zip(waiting) {
            let starts = budget.start(&queue);
            // Who starts first of all is counted once, in the batch that has the first.
            let first = if estimate.devices == 0 { starts.iter().min().copied() } else { None };
            for (device, start) in queue.into_iter().zip(starts) {
                estimate.add(device, start, first.unwrap_or(Duration::MAX));
                end = end.max(start + TYPICAL_EXCHANGE);
            }
        }
        end
    }

    /// How long a device keeps its lane with its command. What was measured with a question afterwards tells of the wait in
    /// between, in which the lane goes on.
    fn exchange(&self, device: DeviceIndex) -> Duration {
        let is_asked = self.plan.job(device).is_some_and(|job| job.check.is_some());
        let expected = self.plan.expected.get(device.get()).copied().filter(|_| !is_asked);
        expected.unwrap_or(TYPICAL_EXCHANGE)
    }

    /// How long the lanes of a batch need: none ends before its own exchanges and gaps, and no more than `concurrency` of
    /// them run at once, nor more at a site than its cap.
    fn lanes(&self, devices: &[DeviceIndex]) -> Duration {
        let mut lanes: HashMap<usize, LaneTime> = HashMap::new();
        // A device that is asked only some time after its acknowledgement is waited for.
        let mut longest = Duration::ZERO;
        for &device in devices {
            let (Some(job), Some(lane)) = (self.plan.job(device), self.lane_of.get(device.get())) else { continue };
            let lane = lanes.entry(*lane).or_default();
            let asked = job.check.as_ref().map_or(0, |check| u32::from(check.before) + u32::from(check.afterwards));
            lane.spent += lane.gap + self.exchange(device) + (job.link.gap + TYPICAL_EXCHANGE) * asked;
            lane.gap = job.link.gap;
            let site = self.plan.device(device).and_then(|device| device.site.as_deref());
            lane.site = site.and_then(|site| self.site_of.get(site).copied());
            if let Some(check) = job.check.as_ref().filter(|check| check.afterwards) {
                let expected = self.plan.expected.get(device.get()).copied().unwrap_or_default();
                longest = longest.max(TYPICAL_EXCHANGE * 2 + check.after).max(expected);
            }
        }
        let mut total = Duration::ZERO;
        let mut at_site = vec![Duration::ZERO; self.plan.sites.len()];
        for lane in lanes.values() {
            longest = longest.max(lane.spent);
            total += lane.spent;
            if let Some(sum) = lane.site.and_then(|site| at_site.get_mut(site)) {
                *sum += lane.spent;
            }
        }
        let share = |sum: Duration, slots: usize| sum / u32::try_from(slots.max(1)).unwrap_or(u32::MAX);
        let by_site = self.plan.sites.iter().zip(at_site).map(|(site, sum)| share(sum, site.max_concurrency)).max();
        longest.max(share(total, self.pace.concurrency)).max(by_site.unwrap_or_default())
    }
}
