//! In which order lanes start: those first that would hold up the end if they started last.
//!
//! Where no earlier run has measured anything: those with the most devices, ties in inventory order. Else those that take
//! longest, where what follows at a site with a cap counts with the lane: it cannot begin before. Short lanes come last
//! then and fill up what the long ones have left. In a large fleet they would come faster than they can be started: there
//! some of the short ones are spread among the longest, so that both take turns and middling ones follow, and no more of the
//! shortest are left for the end than run at once. How many is tried in a simulation, and the order that ends first is
//! taken. Nothing is drawn by lot: the same lanes come in the same order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What a device costs a processor that others use too, the kernel's work included: twice what it is on an idle one
/// (`benches/README.md`, `dispatch`). No more can be started in a row. Too much is the smaller mistake: an even rate costs a
/// large fleet two in a hundred.
const COST: Duration = Duration::from_micros(100);

/// Of more lanes than these fewer orders are simulated.
const MANY: usize = 50_000;

/// A way to put short lanes among long ones.
#[derive(Debug, Clone, Copy)]
struct Mix {
    /// So many in a hundred are spread.
    spread: usize,
    /// As many as run at once, the shortest, are none of these: they come last.
    keeps_shortest: bool,
}

/// What is tried. In fleets whose times are lognormal the last two end within two in a hundred of the bound from 1,000
/// devices on; in small fleets one of the others may be a little better.
const MIXES: [Mix; 3] = [
    Mix { spread: 20, keeps_shortest: false },
    Mix { spread: 30, keeps_shortest: true },
    Mix { spread: 50, keeps_shortest: true },
];

/// A lane, as far as its order goes.
#[derive(Debug, Clone, Copy)]
pub struct Length<'a> {
    /// Its devices.
    pub devices: u32,
    /// How long it is expected to take; zero where that is not known of any lane.
    pub time: Duration,
    /// The sites with a cap at which it stands: places in `caps`.
    pub sites: &'a [u32],
}

/// The lanes in the order in which they start, `slots` of them at once, `caps[site]` at a site.
pub fn order(lanes: &[Length<'_>], slots: usize, caps: &[usize]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(lanes.len()).collect();
    let at = |lane: u32| lanes.get(lane as usize);
    let devices = |lane: u32| at(lane).map_or(0, |lane| lane.devices);
    if lanes.iter().all(|lane| lane.time.is_zero()) {
        order.sort_by_key(|&lane| Reverse(devices(lane)));
        return order;
    }
    let time = |lane: u32| at(lane).map_or(Duration::ZERO, |lane| lane.time);
    order.sort_by_key(|&lane| Reverse((time(lane), devices(lane))));
    if lanes.iter().any(|lane| !lane.sites.is_empty()) {
        let to_the_end = to_the_end(lanes, &order, caps);
        order.sort_by_key(|&lane| Reverse(to_the_end.get(lane as usize).copied()));
    }
    if lanes.len() > slots {
        let end = |order: &[u32]| end(order.iter().filter_map(|&lane| at(lane)), slots);
        let mixes = MIXES.iter().skip(if lanes.len() > MANY { MIXES.len() - 1 } else { 0 });
        let mut earliest = end(&order);
        let mut best = None;
        for &mix in mixes {
            let mixed = mixed(&order, mix, slots);
            let its_end = end(&mixed);
            if its_end < earliest {
                (earliest, best) = (its_end, Some(mixed));
            }
        }
        return best.unwrap_or(order);
    }
    order
}

/// How long it takes from the start of each lane to the end of the last one that must follow it. `order`: longest first.
fn to_the_end(lanes: &[Length<'_>], order: &[u32], caps: &[usize]) -> Vec<Duration> {
    let mut at_site = vec![Duration::ZERO; caps.len()];
    let mut times = vec![Duration::ZERO; lanes.len()];
    for &place in order.iter().rev() {
        let (Some(lane), Some(time)) = (lanes.get(place as usize), times.get_mut(place as usize)) else { continue };
        *time = lane.time;
        for &site in lane.sites {
            let (Some(sum), Some(&cap)) = (at_site.get_mut(site as usize), caps.get(site as usize)) else { continue };
            *sum += lane.time;
            *time = (*time).max(*sum / u32::try_from(cap.max(1)).unwrap_or(u32::MAX));
        }
    }
    times
}

/// The longest first, with short ones among them: the shortest of these behind the longest, and so on.
fn mixed(order: &[u32], mix: Mix, slots: usize) -> Vec<u32> {
    let kept = if mix.keeps_shortest { slots.min(order.len()) } else { 0 };
    let (others, shortest) = order.split_at(order.len() - kept);
    let (long, short) = others.split_at(others.len() - others.len() * mix.spread / 100);
    let mut short = short.iter().rev();
    let mut mixed = Vec::with_capacity(order.len());
    for &lane in long {
        mixed.push(lane);
        mixed.extend(short.next());
    }
    mixed.extend(short);
    mixed.extend(shortest);
    mixed
}

/// When the last lane ends if they start in this order.
fn end<'a>(lanes: impl Iterator<Item = &'a Length<'a>>, slots: usize) -> Duration {
    let mut free: BinaryHeap<Reverse<Duration>> = std::iter::repeat_n(Reverse(Duration::ZERO), slots.max(1)).collect();
    let (mut started, mut end) = (Duration::ZERO, Duration::ZERO);
    for lane in lanes {
        let Some(mut slot) = free.peek_mut() else { break };
        let start = slot.0.max(started);
        started = start + COST * lane.devices;
        slot.0 = start + lane.time;
        end = end.max(slot.0);
    }
    end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn lane(time: Duration) -> Length<'static> {
        Length { devices: 1, time, sites: &[] }
    }

    /// The time that no order can beat.
    fn bound(lanes: &[Length<'_>], slots: usize) -> Duration {
        let sum: Duration = lanes.iter().map(|lane| lane.time).sum();
        let longest = lanes.iter().map(|lane| lane.time).max().unwrap_or_default();
        longest.max(sum / u32::try_from(slots).unwrap())
    }

    fn end_of(lanes: &[Length<'_>], order: &[u32], slots: usize) -> Duration {
        end(order.iter().map(|&place| &lanes[place as usize]), slots)
    }

    /// Latencies as they are measured: lognormal with a median of 120 ms, and some devices that never answer.
    fn fleet(devices: usize, silent: f64, seed: u64) -> Vec<Length<'static>> {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut one = || {
            if random.random::<f64>() < silent {
                return lane(2000 * MS);
            }
            let (angle, radius) = (random.random::<f64>() * std::f64::consts::TAU, random.random::<f64>());
            let normal = (-2.0 * (1.0 - radius).ln()).sqrt() * angle.cos();
            lane(Duration::from_secs_f64(0.12 * (0.5 * normal).exp()))
        };
        (0..devices).map(|_| one()).collect()
    }

    #[test]
    fn what_was_never_measured_comes_by_its_devices_and_in_the_inventorys_order() {
        let lanes = [1, 9, 1, 3].map(|devices| Length { devices, ..lane(Duration::ZERO) });
        assert_eq!(order(&lanes, 2, &[]), [1, 3, 0, 2]);
    }

    #[test]
    fn what_takes_longest_comes_first_however_few_its_devices_are() {
        let lanes = [(4, 400), (1, 2000), (2, 400), (4, 400)].map(|(devices, ms)| Length { devices, ..lane(ms * MS) });
        assert_eq!(order(&lanes, 2, &[]), [1, 0, 3, 2]);
    }

    #[test]
    fn a_site_with_a_cap_begins_as_early_as_the_sum_of_its_lanes_needs() {
        let at = |time, sites| Length { devices: 1, time, sites };
        let lanes =
            [at(300 * MS, &[][..]), at(100 * MS, &[0]), at(150 * MS, &[0]), at(200 * MS, &[0]), at(90 * MS, &[])];
        assert_eq!(order(&lanes, 2, &[1]), [3, 0, 2, 1, 4], "450, 300, 250, 100 and 90 ms are still to come");
        assert_eq!(order(&lanes, 2, &[3]), [0, 3, 2, 1, 4]);
    }

    #[test]
    fn sites_count_also_where_every_lane_stands_at_one() {
        let at = |ms: u32, sites| Length { devices: 1, time: ms * MS, sites };
        let lanes = [at(150, &[1][..]), at(100, &[0]), at(100, &[0]), at(100, &[0])];
        assert_eq!(order(&lanes, 2, &[1, 1]), [1, 2, 0, 3], "300, 200, 150 and 100 ms are still to come");
    }

    #[test]
    fn a_fleet_ends_within_a_thirtieth_of_what_no_order_can_beat() {
        for seed in 1..=5 {
            for (devices, slots, silent) in [
                (300, 50, 0.0),
                (1000, 100, 0.0),
                (3000, 256, 0.0),
                (3000, 256, 0.045),
                (10_000, 500, 0.0),
                (30_000, 1000, 0.0),
            ] {
                let lanes = fleet(devices, silent, seed);
                let ratio = end_of(&lanes, &order(&lanes, slots, &[]), slots).as_secs_f64()
                    / bound(&lanes, slots).as_secs_f64();
                assert!(ratio <= 1.033, "{devices} devices, {slots} at once, seed {seed}: {ratio:.3}");
            }
        }
    }

    #[test]
    fn short_lanes_are_spread_among_long_ones_where_the_run_ends_earlier_so() {
        for (devices, slots) in [(300, 50), (3000, 256), (30_000, 1000)] {
            let lanes = fleet(devices, 0.0, 1);
            let ordered = order(&lanes, slots, &[]);
            let mut sorted = ordered.clone();
            sorted.sort_by_key(|&lane| Reverse(lanes[lane as usize].time));
            let taken = end_of(&lanes, &ordered, slots);
            for mix in MIXES {
                let other = end_of(&lanes, &mixed(&sorted, mix, slots), slots);
                assert!(taken <= other, "{devices} devices, {mix:?}: {taken:?}, {other:?}");
            }
            assert!(taken < end_of(&lanes, &sorted, slots), "{devices} devices");
        }
    }

    #[test]
    fn lanes_that_all_begin_at_once_begin_with_the_longest() {
        let lanes = fleet(50, 0.0, 1);
        let ordered = order(&lanes, 50, &[]);
        assert!(ordered.windows(2).all(|pair| lanes[pair[0] as usize].time >= lanes[pair[1] as usize].time));
        // Also where a chain would be started last for what its starts cost.
        let chain = Length { devices: 1000, ..lane(999 * MS) };
        let lanes = [lane(1000 * MS), chain, lane(998 * MS)];
        assert_eq!(order(&lanes, 3, &[]), [0, 1, 2]);
    }

    #[test]
    fn short_ones_stand_behind_long_ones_and_middling_ones_or_the_shortest_come_last() {
        let [middling_last, shortest_last] = [false, true].map(|keeps_shortest| Mix { spread: 50, keeps_shortest });
        assert_eq!(mixed(&[9, 8, 7, 6, 5, 4], middling_last, 2), [9, 4, 8, 5, 7, 6]);
        assert_eq!(mixed(&[9, 8, 7, 6, 5], middling_last, 2), [9, 5, 8, 6, 7]);
        assert_eq!(mixed(&[9, 8, 7, 6, 5, 4, 3], shortest_last, 2), [9, 5, 8, 6, 7, 4, 3]);
        assert_eq!(mixed(&[9, 8], shortest_last, 3), [9, 8]);
        assert_eq!(mixed(&[9, 8, 7, 6], Mix { spread: 0, keeps_shortest: true }, 1), [9, 8, 7, 6]);
    }

    proptest! {
        #[test]
        fn every_lane_comes_once_and_no_slot_is_idle_while_one_waits(
            lanes in prop::collection::vec((0_u64..5000, 1_u32..9), 0..200), slots in 1_usize..40,
        ) {
            let lanes: Vec<Length<'_>> =
                lanes.iter().map(|&(ms, devices)| Length { devices, ..lane(Duration::from_millis(ms)) }).collect();
            let ordered = order(&lanes, slots, &[]);
            prop_assert_eq!(&ordered, &order(&lanes, slots, &[]));
            let sum: Duration = lanes.iter().map(|lane| lane.time + COST * lane.devices).sum();
            let starts: Duration = lanes.iter().map(|lane| COST * lane.devices).sum();
            let longest = lanes.iter().map(|lane| lane.time).max().unwrap_or_default();
            let end = end_of(&lanes, &ordered, slots);
            prop_assert!(end <= sum / u32::try_from(slots).unwrap() + longest + starts);
            let mut sorted = ordered;
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..u32::try_from(lanes.len()).unwrap()));
        }
    }
}
