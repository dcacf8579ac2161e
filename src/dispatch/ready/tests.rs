//! Order, slots and places of the scheduler.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;

fn lane(devices: u32, sites: &[u32], needs: &[Need]) -> LaneSize {
    let (need, others) = needs.split_first().unwrap_or((&Need::Nothing, &[]));
    LaneSize { devices, time: Duration::ZERO, sites: sites.into(), need: *need, other_needs: others.into() }
}

fn scheduler<S>(sizes: &[(u32, &[u32])], slots: usize, site_caps: Vec<usize>) -> Scheduler<S> {
    let lanes: Vec<LaneSize> = sizes.iter().map(|&(devices, sites)| lane(devices, sites, &[])).collect();
    let mut scheduler = Scheduler::new(slots, site_caps, Pace::default());
    scheduler.begin(&lanes);
    scheduler
}

fn wait<S>(due: Instant, state: S) -> After<S> {
    After::Wait(vec![Offer { due, need: Need::Nothing }], state)
}

/// A lane that was taken, with what it remembered. Who asks beforehand is told whether there is one.
fn took<S>(scheduler: &mut Scheduler<S>, now: Instant) -> Option<(LaneIndex, Option<S>)> {
    let has_turn = scheduler.has_turn(now);
    let taken = scheduler.take(now);
    assert_eq!(has_turn, taken.is_some());
    taken.map(|taken| (taken.lane, taken.state))
}

fn take_all(scheduler: &mut Scheduler<()>, now: Instant) -> Vec<u32> {
    std::iter::from_fn(|| took(scheduler, now).map(|(lane, _)| lane.0)).collect()
}

#[test]
fn long_lanes_start_first_and_ties_keep_the_inventorys_order() {
    let mut scheduler = scheduler(&[(1, &[]), (9, &[]), (1, &[]), (3, &[])], 10, vec![]);
    assert_eq!(take_all(&mut scheduler, Instant::now()), [1, 3, 0, 2]);
}

#[test]
fn no_more_lanes_run_than_there_are_slots_and_places() {
    let now = Instant::now();
    let site: &[u32] = &[0];
    let mut scheduler = scheduler(&[(5, site), (4, site), (3, site), (2, &[]), (1, &[])], 4, vec![2]);
    assert_eq!(take_all(&mut scheduler, now), [0, 1, 3, 4], "the third lane of the site is passed over");
    scheduler.release(LaneIndex(3), After::Done);
    assert_eq!(take_all(&mut scheduler, now), [0; 0], "a slot is free, but no place at the site");
    scheduler.release(LaneIndex(0), After::Done);
    assert_eq!(take_all(&mut scheduler, now), [2]);
    assert!(!scheduler.is_finished());
    for lane in [1, 2, 4] {
        scheduler.release(LaneIndex(lane), After::Done);
    }
    assert!(scheduler.is_finished());
}

#[test]
fn a_lane_over_two_sites_needs_a_place_at_both() {
    let now = Instant::now();
    let mut scheduler = scheduler(&[(3, &[0]), (2, &[0, 1]), (1, &[1])], 10, vec![1, 1]);
    assert_eq!(take_all(&mut scheduler, now), [0, 2]);
    scheduler.release(LaneIndex(0), After::Done);
    assert_eq!(take_all(&mut scheduler, now), [0; 0]);
    scheduler.release(LaneIndex(2), After::Done);
    assert_eq!(take_all(&mut scheduler, now), [1]);
}

#[test]
fn a_lane_comes_back_when_its_wait_is_over_and_goes_before_fresh_ones() {
    let start = Instant::now();
    let mut scheduler = scheduler(&[(9, &[]), (1, &[]), (1, &[])], 1, vec![]);
    assert_eq!(took(&mut scheduler, start), Some((LaneIndex(0), None)));
    let due = start + Duration::from_secs(3);
    scheduler.release(LaneIndex(0), wait(due, "state"));
    assert_eq!(scheduler.next_wake(start), Some(due));
    assert_eq!(took(&mut scheduler, start), Some((LaneIndex(1), None)));
    scheduler.release(LaneIndex(1), After::Done);
    assert_eq!(took(&mut scheduler, due), Some((LaneIndex(0), Some("state"))), "half-open: free at the instant itself");
    assert_eq!(took(&mut scheduler, due), None);
    scheduler.release(LaneIndex(0), After::Done);
    assert!(scheduler.has_turn(due));
}

#[test]
fn draining_leaves_nothing_to_start() {
    let start = Instant::now();
    let mut scheduler = scheduler(&[(3, &[]), (2, &[]), (1, &[])], 2, vec![]);
    scheduler.take(start);
    scheduler.take(start);
    scheduler.release(LaneIndex(0), wait(start + Duration::from_secs(1), 7));
    assert_eq!(scheduler.drain(), [(LaneIndex(0), Some(7)), (LaneIndex(2), None)]);
    assert_eq!(took(&mut scheduler, start + Duration::from_secs(2)), None);
    scheduler.release(LaneIndex(1), After::Done);
    assert!(scheduler.is_finished());
}

#[test]
fn a_hundred_thousand_lanes_are_scheduled_in_a_blink() {
    let sizes: Vec<LaneSize> = (0..100_000).map(|index| lane(index % 9 + 1, &[index % 500], &[])).collect();
    let now = Instant::now();
    let mut scheduler: Scheduler<()> = Scheduler::new(256, vec![1; 500], Pace::default());
    scheduler.begin(&sizes);
    let mut running = VecDeque::new();
    let mut started = 0;
    loop {
        while let Some(taken) = scheduler.take(now) {
            started += 1;
            running.push_back(taken.lane);
        }
        let Some(lane) = running.pop_front() else { break };
        scheduler.release(lane, After::Done);
    }
    assert_eq!(started, 100_000);
}
