//! Rate, circuits and batches, by the times at which devices were reached: that each limit holds, and that none costs time
//! that it need not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::checking::Phase;
use super::super::pace::{Need, Needs};
use super::world::{Does, Opens, Ran, World};
use crate::model::{Inrush, Rate, Status};
use crate::plan::{InrushIndex, Plan, PlannedCircuit};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// So many displays, each behind a gateway of its own.
pub(super) fn displays(count: u32) -> String {
    format!("[[device]]\nname = \"tv-[001-{count:03}]\"\naddress = \"10.0.0.[1-{count}]\"\n")
}

pub(super) fn acknowledges(_: &str, _: usize) -> Does {
    Does::ReplyAfter(30 * MILLI, "a 01 OK01x")
}

fn times(ran: &Ran) -> Vec<u128> {
    ran.record.starts().into_iter().map(|(at, _)| at).collect()
}

pub(super) fn gateway(number: u32) -> String {
    format!("10.0.0.{number}:23")
}

/// All devices on one circuit of 32 A, drawing 4.5 A each for 3 s.
pub(super) fn one_circuit(plan: &mut Plan) {
    plan.circuits = vec![PlannedCircuit { name: "hall".into(), max_milliamps: 32_000 }];
    plan.inrushes = vec![Inrush { circuit: 0, milliamps: 4500, settle: 3 * SECOND }];
    for job in &mut plan.jobs {
        Arc::make_mut(job).inrush = Some(InrushIndex(0));
    }
}

#[tokio::test(start_paused = true)]
async fn starts_are_spaced_evenly_from_the_first_on() {
    let mut world = World::new(&displays(30), acknowledges);
    world.limits.pacing.rate = Some(Rate::every(100 * MILLI));
    let ran = world.run().await;
    assert_eq!(times(&ran), (0..30).map(|start| start * 100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_start_is_a_write_and_the_dead_take_none() {
    let mut world = World::new(&displays(100), acknowledges);
    for dead in (1..=100).filter(|number| number % 3 == 0) {
        world = world.opens(&gateway(dead), Opens::Never);
    }
    world.flags.retries = Some(0);
    world.limits.pacing.rate = Some(Rate::every(100 * MILLI));
    let ran = world.run().await;
    let times = times(&ran);
    assert_eq!(times.len(), 67);
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 100), "{times:?}");
    assert!(*times.last().unwrap() <= 66 * 105, "no turn is lost over the dead: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_write_is_a_start_too() {
    let mut world = World::new(&displays(5), |_, _| Does::Nothing);
    world.limits.pacing.rate = Some(Rate::every(SECOND));
    world.flags.reply_timeout = Some(SECOND);
    let ran = world.run().await;
    let times = times(&ran);
    assert_eq!(times.len(), 15, "three attempts each");
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 1000), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_waits_for_its_turn_keeps_neither_connection_nor_slot() {
    let chain = "[[device]]\nname = \"wall-[1-4]\"\naddress = \"10.0.0.1\"\nparams = { set_id = \"[1-4]\" }\n";
    let answer = |text: &str, _: usize| match text {
        "ka 01 01" => Does::Reply("a 01 OK01x"),
        "ka 02 01" => Does::Reply("a 02 OK01x"),
        "ka 03 01" => Does::Reply("a 03 OK01x"),
        _ => Does::Reply("a 04 OK01x"),
    };
    let mut world = World::new(chain, answer);
    world.limits.pacing.rate = Some(Rate::every(2 * SECOND));
    world.limits.concurrency = 1;
    let ran = world.run().await;
    assert_eq!(times(&ran), [0, 2000, 4000, 6000]);
    assert_eq!(ran.record.connections(), 4);
    let mut world = World::new(chain, answer);
    world.limits.pacing.rate = Some(Rate::every(200 * MILLI));
    let ran = world.run().await;
    assert_eq!(
        (times(&ran), ran.record.connections()),
        (vec![0, 200, 400, 600], 1),
        "a turn that is near is waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_circuit_lets_as_many_draw_at_once_as_it_holds() {
    let ran = World::new(&displays(20), acknowledges).adjusted(one_circuit).run().await;
    let wanted: Vec<u128> = [vec![0; 7], vec![3000; 7], vec![6000; 6]].concat();
    assert_eq!(times(&ran), wanted, "seven of 4.5 A fit into 32 A, for three seconds each");
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok && outcome.attempts == 1));
}

#[tokio::test(start_paused = true)]
async fn a_share_is_given_back_where_nothing_was_written_and_draws_again_where_it_was() {
    let mut world = World::new(&displays(9), |_, _| Does::Close).adjusted(|plan| {
        one_circuit(plan);
        plan.circuits[0].max_milliamps = 5000;
    });
    for refuses in 1..=8 {
        world = world.opens(&gateway(refuses), Opens::Refused);
    }
    world.flags.retries = Some(1);
    let ran = world.run().await;
    assert_eq!(ran.outcomes.iter().filter(|outcome| outcome.attempts == 2).count(), 9);
    let wanted = [0, 3100];
    assert_eq!(
        times(&ran),
        wanted,
        "the eight hold up nobody; the second write waits for the first to settle, and listens"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_circuit_holds_up_no_device_of_another_not_even_of_the_same_lane() {
    // Relays 1 and 2 on a full circuit, 3 on another, 4 on none: one board, one lane.
    let board = "[[device]]\nname = \"wall-[1-4]\"\naddress = \"10.0.0.1\"\nparams = { set_id = \"[1-4]\" }\n";
    let answer = |text: &str, _: usize| match text {
        "ka 01 01" => Does::Reply("a 01 OK01x"),
        "ka 02 01" => Does::Reply("a 02 OK01x"),
        "ka 03 01" => Does::Reply("a 03 OK01x"),
        _ => Does::Reply("a 04 OK01x"),
    };
    let world = World::new(board, answer).adjusted(|plan| {
        let circuit = |name: &str| PlannedCircuit { name: name.into(), max_milliamps: 5000 };
        plan.circuits = vec![circuit("a"), circuit("b")];
        let inrush = |circuit| Inrush { circuit, milliamps: 4500, settle: 3 * SECOND };
        plan.inrushes = vec![inrush(0), inrush(1)];
        for (job, inrush) in plan.jobs.iter_mut().zip([Some(0), Some(0), Some(1), None]) {
            Arc::make_mut(job).inrush = inrush.map(InrushIndex);
        }
    });
    let ran = world.run().await;
    let requests = ran.record.requests();
    let order: Vec<&str> = requests.iter().map(|(_, text)| &**text).collect();
    assert_eq!(order, ["ka 01 01", "ka 03 01", "ka 04 01", "ka 02 01"]);
    assert_eq!(requests[3].0, 3000);
    assert!(requests[2].0 < 1000, "{requests:?}");
}

#[test]
fn a_device_needs_a_start_only_where_something_limits_its_own() {
    let mut plan = World::new(&displays(2), acknowledges).plan();
    let (rate, start) = (Some(Rate::every(SECOND)), &Phase::Commanding);
    let of = |rate, plan: &Plan| plan.jobs.iter().map(|job| Needs::new(rate, plan).of(start, job)).collect::<Vec<_>>();
    assert!(!Needs::new(None, &plan).are_any() && Needs::new(rate, &plan).are_any());
    assert_eq!((of(None, &plan), of(rate, &plan)), (vec![Need::Nothing; 2], vec![Need::Start(None); 2]));
    one_circuit(&mut plan);
    Arc::make_mut(&mut plan.jobs[1]).inrush = None;
    let draws = Need::Start(Some(InrushIndex(0)));
    assert!(Needs::new(None, &plan).are_any());
    assert_eq!((of(None, &plan), of(rate, &plan)), (vec![draws, Need::Nothing], vec![draws, Need::Start(None)]));
    assert_eq!(Needs::new(rate, &plan).of(&Phase::Asking, &plan.jobs[0]), Need::Nothing, "a question is no start");
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_the_last_of_the_one_before_and_the_pause() {
    let mut world = World::new(&displays(7), |_, nth| match nth {
        // The third device of the run is slow to answer.
        3 => Does::ReplyAfter(1500 * MILLI, "a 01 OK01x"),
        _ => Does::Reply("a 01 OK01x"),
    });
    world.limits.pacing.batch = Some((3, 10 * SECOND));
    let ran = world.run().await;
    assert_eq!(times(&ran), [0, 0, 0, 11_500, 11_500, 11_500, 21_500]);
    let order: Vec<String> = ran.record.starts().into_iter().map(|(_, gateway)| gateway).collect();
    for (batch, numbers) in [(0..3, 1..=3), (3..6, 4..=6), (6..7, 7..=7)] {
        let mut reached = order[batch].to_vec();
        reached.sort();
        assert_eq!(reached, numbers.map(gateway).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_holds_over_batches() {
    let chain = "[[device]]\nname = \"wall-[1-2]\"\naddress = \"10.0.0.1\"\nparams = { set_id = \"[1-2]\" }\nlink = { gap = \"2s\" }\n";
    let mut world =
        World::new(chain, |text, _| Does::Reply(if text == "ka 01 01" { "a 01 OK01x" } else { "a 02 OK01x" }));
    world.limits.pacing.batch = Some((1, MILLI));
    assert_eq!(times(&world.run().await), [0, 2000]);
}

/// Off, and on once told.
fn is_off(text: &str, _: usize) -> Does {
    Does::Reply(if text == "ka 01 ff" { "a 01 OK00x" } else { "a 01 OK01x" })
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_first_waits_for_its_start_without_losing_its_time() {
    for paced in [true, false] {
        let mut world = World::new(&displays(20), is_off).does("power-on", true, false);
        world.flags.device_deadline = Some(2 * SECOND);
        if paced {
            world.limits.pacing.rate = Some(Rate::every(SECOND));
        } else {
            world = world.adjusted(one_circuit);
        }
        let ran = world.run().await;
        let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
        assert_eq!(statuses, [Status::Ok; 20], "paced {paced}");
        assert!(ran.outcomes.iter().all(|outcome| outcome.changed == Some(true) && outcome.attempts == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_rate_costs_no_device_its_time() {
    // A query listens to the line for 100 ms first; the second world takes a second and a half to open.
    for opens in [Opens::Yes, Opens::After(1500 * MILLI)] {
        let mut world = World::new(&displays(6), acknowledges).does("power-status", false, false);
        for number in 1..=6 {
            world = world.opens(&gateway(number), opens);
        }
        world.flags.device_deadline = Some(4 * SECOND);
        world.limits.pacing.rate = Some(Rate::every(6 * SECOND));
        let ran = world.run().await;
        assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok && outcome.attempts == 1), "{opens:?}");
        let times = times(&ran);
        assert!(times.windows(2).all(|two| (6000..6700).contains(&(two[1] - two[0]))), "{opens:?}: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_one_that_closes_is_anothers() {
    let mut world = World::new(&displays(20), acknowledges);
    for closes in (1..=20).step_by(2) {
        world = world.opens(&gateway(closes), Opens::Closes);
    }
    world.flags.retries = Some(0);
    world.limits.pacing.rate = Some(Rate::every(200 * MILLI));
    let ran = world.run().await;
    let times = times(&ran);
    assert_eq!(times.len(), 10);
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 200), "{times:?}");
    assert!(*times.last().unwrap() <= 9 * 210, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_circuit_beyond_its_own_time() {
    let mut world = World::new(&displays(1), |_, _| Does::Nothing).adjusted(|plan| {
        one_circuit(plan);
        plan.circuits[0].max_milliamps = 5000;
        plan.inrushes[0].settle = 60 * SECOND;
    });
    world.flags.device_deadline = Some(20 * SECOND);
    let ran = world.run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::NoReply, 1));
    assert!(ran.outcomes[0].elapsed <= 20 * SECOND, "{:?}", ran.outcomes[0].elapsed);
}

/// No moment at which one more is counted within `span` than `most`.
fn at_most(times: &[u128], span: u128, most: usize) -> bool {
    times.iter().all(|at| times.iter().filter(|other| (*at..*at + span).contains(other)).count() <= most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_limits_hold_at_once_and_the_tightest_decides(
        devices in 1_u32..60,
        interval in 1_u64..600,
        batch in 1_u32..30,
        pause in 1_u64..3000,
        max_milliamps in 4500_u64..40_000,
        concurrency in 1_usize..20,
        limits in proptest::bits::u8::between(0, 3),
    ) {
        let has = |bit: u8| limits & (1 << bit) != 0;
        let mut world = World::new(&displays(devices), acknowledges);
        world.limits.concurrency = concurrency;
        world.limits.pacing.rate = has(0).then(|| Rate::every(Duration::from_millis(interval)));
        world.limits.pacing.batch = has(1).then(|| (batch, Duration::from_millis(pause)));
        let mut plan = world.plan();
        if has(2) {
            one_circuit(&mut plan);
            plan.circuits[0].max_milliamps = max_milliamps;
        }
        let together = usize::try_from(max_milliamps / 4500).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let ran = runtime.block_on(world.run_plan(plan));
        prop_assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
        let times = times(&ran);
        prop_assert_eq!(times.len(), devices as usize);
        if has(0) {
            prop_assert!(at_most(&times, u128::from(interval), 1), "rate: {:?}", times);
        }
        if has(2) {
            prop_assert!(at_most(&times, 3000, together), "circuit: {:?}", times);
        }
        prop_assert!(at_most(&times, 30, concurrency), "slots: {:?}", times);
        let by_gateway: BTreeMap<String, u128> = ran.record.starts().into_iter().map(|(at, gateway)| (gateway, at)).collect();
        if has(1) {
            let batches = (1..=devices).collect::<Vec<_>>();
            let spans: Vec<(u128, u128)> = batches.chunks(batch as usize).map(|numbers| {
                let all = numbers.iter().map(|number| by_gateway[&gateway(*number)]);
                (all.clone().min().unwrap(), all.max().unwrap())
            }).collect();
            prop_assert!(spans.windows(2).all(|two| two[1].0 >= two[0].1 + 30 + u128::from(pause)), "batches: {:?}", spans);
        }
        // Nobody could start earlier, one after the other: the moments at which each limit has room again.
        let interval = if has(0) { u128::from(interval) } else { 0 };
        let together = if has(2) { together } else { usize::MAX };
        let size = if has(1) { batch } else { devices } as usize;
        let mut ideal: Vec<u128> = Vec::new();
        for index in 0..devices as usize {
            let before = |back: usize| index.checked_sub(back).map(|index| ideal[index]);
            let by_batch = if index % size == 0 { before(1).map_or(0, |at| at + 30 + u128::from(pause)) } else { 0 };
            let by_rate = before(1).map_or(0, |at| at + interval);
            let by_circuit = before(together).map_or(0, |at| at + 3000);
            let by_slots = before(concurrency).map_or(0, |at| at + 30);
            ideal.push(by_batch.max(by_rate).max(by_circuit).max(by_slots));
        }
        let (last, wanted) = (times[times.len() - 1], ideal[ideal.len() - 1]);
        prop_assert!(last * 100 <= wanted * 105 + 100, "{} where {} would do: {:?}", last, wanted, times);
    }
}
