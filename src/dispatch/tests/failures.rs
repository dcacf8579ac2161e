//! `--max-failures`: where nobody new is started any more, and what goes on.

use std::time::Duration;

use proptest::prelude::*;

use super::pacing::{acknowledges, displays, gateway, one_circuit};
use super::world::{Does, Opens, Ran, World};
use crate::model::{Ended, Outcome, Rate, SkipReason, Status};

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn once_too_many_have_failed_nobody_new_is_started_and_what_has_started_goes_on() {
    // The first two fail at once; the third is silent to its first attempt and answers the second.
    let mut world =
        World::new(
            &displays(9),
            |_, nth| {
                if nth == 1 { Does::Nothing } else { Does::ReplyAfter(400 * MILLI, "a 01 OK01x") }
            },
        )
        .opens(&gateway(1), Opens::Refused)
        .opens(&gateway(2), Opens::Refused);
    world.flags.retries = Some(1);
    world.limits.concurrency = 3;
    world.limits.pacing.max_failures = Some(1);
    let ran = world.run().await;
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(ran.ended, Ended::MaxFailures);
    assert_eq!(statuses[..2], [Status::Unreachable; 2]);
    let again: Vec<&Outcome> = ran.outcomes.iter().filter(|outcome| outcome.attempts == 2).collect();
    assert_eq!(again.len(), 3);
    assert_eq!(again[2].status, Status::Ok, "its retry is made all the same");
    let skipped = ran.outcomes.iter().filter(|outcome| outcome.status == Status::Skipped);
    assert!(skipped.clone().all(|outcome| outcome.reason == Some(SkipReason::MaxFailures)));
    assert!(skipped.count() >= 4, "{statuses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_failures_that_keeps_nobody_from_starting_completes_the_run() {
    let mut world = World::new(&displays(3), |_, _| Does::Reply("a 01 NG01x"));
    world.limits.pacing.max_failures = Some(0);
    let ran = world.run().await;
    assert_eq!(ran.ended, Ended::Completed);
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Rejected));
}

#[tokio::test(start_paused = true)]
async fn no_command_is_written_once_too_many_have_failed() {
    for if_needed in [false, true] {
        for (rate, circuit) in [(true, false), (false, true), (true, true)] {
            let mut world = World::new(&displays(30), |text, _| match text {
                "ka 01 ff" => Does::Reply("a 01 OK00x"),
                _ => Does::ReplyAfter(30 * MILLI, "a 01 NG01x"),
            });
            world = world.does("power-on", if_needed, false);
            world.limits.pacing.rate = rate.then(|| Rate::every(100 * MILLI));
            world.limits.pacing.max_failures = Some(0);
            if circuit {
                world = world.adjusted(one_circuit);
            }
            let ran = world.run().await;
            let told = ran.record.requests().into_iter().filter(|(_, text)| text == "ka 01 01").count();
            assert_eq!(told, if rate { 1 } else { 7 }, "if needed {if_needed}, rate {rate}, circuit {circuit}");
            assert_eq!(ran.ended, Ended::MaxFailures);
            let skipped = ran.outcomes.iter().filter(|outcome| outcome.reason == Some(SkipReason::MaxFailures)).count();
            assert_eq!(skipped, 30 - told);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_no_start_and_is_asked_though_too_many_have_failed_meanwhile() {
    // The first two are still connecting when the third has failed: one is on already, one would have to be told.
    let mut world = World::new(&displays(3), |text, nth| match (text, nth) {
        ("ka 01 ff", 1) => Does::Reply("a 01 OK01x"),
        _ => Does::Reply("a 01 OK00x"),
    });
    world = world.does("power-on", true, false).opens(&gateway(3), Opens::Refused);
    world = world.opens(&gateway(1), Opens::After(500 * MILLI)).opens(&gateway(2), Opens::After(600 * MILLI));
    world.flags.retries = Some(0);
    world.limits.pacing.max_failures = Some(0);
    let ran = world.run().await;
    let requests: Vec<String> = ran.record.requests().into_iter().map(|(_, text)| text).collect();
    assert_eq!(requests, ["ka 01 ff", "ka 01 ff"]);
    let ends: Vec<_> = ran.outcomes.iter().map(|outcome| (outcome.status, outcome.reason, outcome.changed)).collect();
    assert_eq!(ends[0], (Status::Ok, None, Some(false)));
    assert_eq!(ends[1], (Status::Skipped, Some(SkipReason::MaxFailures), Some(false)));
    assert_eq!((ends[2].0, ran.ended), (Status::Unreachable, Ended::MaxFailures));
}

/// The device of a gateway fails in that order.
fn failing(pattern: &[bool], most: u64, concurrency: usize, batch: Option<u32>) -> World {
    let mut world = World::new(&displays(u32::try_from(pattern.len()).unwrap()), acknowledges);
    for (number, _) in (1..).zip(pattern).filter(|(_, fails)| **fails) {
        world = world.opens(&gateway(number), Opens::Refused);
    }
    world.flags.retries = Some(0);
    world.limits.concurrency = concurrency;
    world.limits.pacing.max_failures = Some(most);
    world.limits.pacing.batch = batch.map(|size| (size, MILLI));
    world
}

fn run(world: World) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(world.run())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_after_the_other_the_run_ends_exactly_where_one_too_many_has_failed(
        pattern in proptest::collection::vec(any::<bool>(), 1..40),
        most in 0_u64..8,
        batch in proptest::option::of(1_u32..9),
    ) {
        let ran = run(failing(&pattern, most, 1, batch));
        let mut failed = 0;
        let wanted: Vec<Status> = pattern.iter().map(|fails| {
            if failed > most {
                return Status::Skipped;
            }
            failed += u64::from(*fails);
            if *fails { Status::Unreachable } else { Status::Ok }
        }).collect();
        let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
        let ended = if wanted.contains(&Status::Skipped) { Ended::MaxFailures } else { Ended::Completed };
        prop_assert_eq!(statuses, wanted);
        prop_assert_eq!(ran.ended, ended);
    }

    #[test]
    fn side_by_side_nobody_is_skipped_unless_too_many_have_failed(
        pattern in proptest::collection::vec(any::<bool>(), 1..60),
        most in 0_u64..8,
        concurrency in 2_usize..9,
    ) {
        let ran = run(failing(&pattern, most, concurrency, None));
        let count = |status| ran.outcomes.iter().filter(|outcome| outcome.status == status).count();
        prop_assert_eq!(count(Status::Skipped) > 0, ran.ended == Ended::MaxFailures);
        if count(Status::Skipped) > 0 {
            prop_assert!(count(Status::Unreachable) as u64 > most);
        }
        // Those that were under way when it was one too many are all that may be over it.
        prop_assert!(count(Status::Unreachable) as u64 <= most + concurrency as u64);
    }
}
