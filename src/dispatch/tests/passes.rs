//! `--until`: what comes back in further passes, when, and what never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use super::world::{Does, Opens, Ran, World};
use crate::model::{Delivery, Ended, ErrorKind, Rate, RunEvent, Status, StopReason};

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const TWO: &str = "[[device]]\nname = \"tv-[1-2]\"\naddress = \"10.0.0.[1-2]\"\n";
const ON: &str = "a 01 OK01x";
const OFF: &str = "a 01 OK00x";
const SECOND: Duration = Duration::from_secs(1);

fn until(mut world: World, seconds: u32) -> World {
    world.limits.pacing.until = Some(seconds * SECOND);
    world.flags.retries = Some(0);
    world
}

/// Number, devices and time in milliseconds of each pass.
fn passes(ran: &Ran) -> Vec<(u32, usize, i64)> {
    let started = |event: &RunEvent| match event {
        RunEvent::PassStarted { pass, devices, at } => Some((*pass, *devices, at.0)),
        _ => None,
    };
    ran.events.iter().filter_map(started).collect()
}

fn kinds(ran: &Ran, device: usize) -> Vec<(u32, ErrorKind)> {
    ran.outcomes[device].earlier_errors.iter().map(|error| (error.attempt, error.failure.kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_with_growing_gaps_and_nothing_else() {
    let refused_thrice: &[Opens] = &[Opens::Refused, Opens::Refused, Opens::Refused, Opens::Yes];
    let world = World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.2:23", Opens::InTurn(refused_thrice));
    let ran = until(world, 60).run().await;
    assert_eq!(passes(&ran), [(1, 2, 0), (2, 1, 2000), (3, 1, 6000), (4, 1, 14_000)]);
    let late = &ran.outcomes[1];
    assert_eq!((late.status, late.delivery, late.attempts), (Status::Ok, Delivery::Confirmed, 4));
    assert_eq!(kinds(&ran, 1), [1, 2, 3].map(|attempt| (attempt, ErrorKind::ConnectionRefused)));
    assert_eq!(late.finished_at.map(|at| at.0), Some(14_000), "when it came on");
    assert_eq!(late.elapsed, 14 * SECOND, "since its first attempt");
    assert_eq!(ran.outcomes[0].attempts, 1);
    assert_eq!(ran.record.requests().len(), 2, "what is right is not touched again");
    assert_eq!(ran.ended, Ended::Completed);
    let told = |event: &&RunEvent| matches!(event, RunEvent::AttemptFailed { .. });
    assert_eq!(ran.events.iter().filter(told).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pass_under_way_at_the_end_is_finished_and_the_last_attempt_stands() {
    let world = World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.2:23", Opens::Never);
    let ran = until(world, 10).run().await;
    // Each pass takes the connect timeout of three seconds.
    assert_eq!(passes(&ran).iter().map(|pass| pass.2).collect::<Vec<_>>(), [0, 5000]);
    let dead = &ran.outcomes[1];
    assert_eq!((dead.status, dead.attempts), (Status::Unreachable, 2));
    assert_eq!(dead.finished_at.map(|at| at.0), Some(8000), "its own end, not that of the run");
    assert_eq!(
        (kinds(&ran, 1).len(), dead.error.as_ref().map(|error| error.kind)),
        (1, Some(ErrorKind::ConnectTimeout))
    );
    assert_eq!(ran.ended, Ended::Completed);
}

#[tokio::test(start_paused = true)]
async fn files_that_run_out_in_a_later_pass_are_waited_for_anew() {
    // While the second waits in vain for a file, the first comes to its end; it needs one again long after.
    let world = World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.2:23", Opens::NoFiles);
    let briefly: &[Opens] = &[Opens::Refused, Opens::NoFiles, Opens::NoFiles, Opens::Yes];
    let ran = until(world.opens("10.0.0.1:23", Opens::InTurn(briefly)), 120).run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 2));
    assert_eq!(kinds(&ran, 0), [(1, ErrorKind::ConnectionRefused)], "to wait for a file is no attempt");
    assert_eq!(passes(&ran).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_pass_has_its_retries_and_its_deadline() {
    let mut world = until(World::new(ONE, |_, _| Does::Nothing), 60);
    world.flags.retries = Some(1);
    world.flags.reply_timeout = Some(2 * SECOND);
    world.flags.device_deadline = Some(6 * SECOND);
    let ran = world.run().await;
    assert_eq!(ran.record.requests().len(), 2 * passes(&ran).len());
    assert_eq!(ran.outcomes[0].attempts as usize, 2 * passes(&ran).len());
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_asked_again() {
    let ran = until(World::new(TWO, |_, _| Does::Reply("a 01 NG01x")), 600).run().await;
    assert_eq!((passes(&ran).len(), ran.record.requests().len()), (1, 2));
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Rejected && outcome.attempts == 1));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_may_act_twice_comes_back_only_where_nothing_was_written() {
    // `mc` sends a key: not idempotent.
    let world = World::new(TWO, |_, _| Does::Nothing).command("mc {set_id} 08").opens("10.0.0.2:23", Opens::Refused);
    let ran = until(world, 20).run().await;
    assert_eq!(ran.record.requests().len(), 1, "one key, once");
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::NoReply, 1));
    assert_eq!((ran.outcomes[1].status, ran.outcomes[1].attempts as usize), (Status::Unreachable, passes(&ran).len()));
    assert!(passes(&ran).len() > 2);
}

#[tokio::test(start_paused = true)]
async fn a_later_pass_asks_first_and_leaves_alone_what_has_come_on_meanwhile() {
    // Its acknowledgement is lost, but it does what it was told.
    let world = World::new(ONE, |text, _| if text == "ka 01 01" { Does::Nothing } else { Does::Reply(ON) });
    let ran = until(world.does("power-on", false, true), 600).run().await;
    let texts: Vec<String> = ran.record.requests().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["ka 01 01", "ka 01 ff"]);
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.verified, outcome.attempts), (Status::Ok, Some(true), 2));
    assert_eq!(outcome.delivery, Delivery::Unknown, "as it was");
    assert_eq!(kinds(&ran, 0), [(1, ErrorKind::ReplyTimeout)]);
    assert!(outcome.sent.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_display_that_says_ok_and_stays_dark_is_told_again_in_the_next_pass() {
    let told = Arc::new(AtomicUsize::new(0));
    let seen = told.clone();
    let world = World::new(ONE, move |text, _| {
        if text == "ka 01 01" {
            seen.fetch_add(1, Ordering::Relaxed);
            return Does::Reply(ON);
        }
        // Only the second command has an effect.
        Does::Reply(if seen.load(Ordering::Relaxed) >= 2 { ON } else { OFF })
    });
    let ran = until(world.does("power-on", false, true), 600).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.verified, outcome.attempts), (Status::Ok, Some(true), 2));
    assert_eq!((kinds(&ran, 0), told.load(Ordering::Relaxed)), (vec![(1, ErrorKind::Mismatch)], 2));
    assert_eq!(outcome.delivery, Delivery::Confirmed);
    assert_eq!(passes(&ran).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_two_passes_keeps_what_was_known_and_cuts_the_passes_to_come() {
    let world = until(World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.2:23", Opens::Refused), 3600);
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(3 * SECOND).await;
        stop.no_more(StopReason::Terminate);
    });
    assert_eq!(passes(&ran).len(), 2);
    let dead = &ran.outcomes[1];
    assert_eq!((dead.status, dead.attempts), (Status::Unreachable, 2));
    assert_eq!(dead.finished_at.map(|at| at.0), Some(2000));
    assert_eq!(ran.ended, Ended::Interrupted, "another pass would have come");
    let last = ran.events.iter().rev().find_map(|event| match event {
        RunEvent::RunFinished { elapsed, .. } => Some(*elapsed),
        _ => None,
    });
    assert_eq!(last, Some(3 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_stop_within_a_pass_leaves_to_those_that_wait_what_the_pass_before_came_to() {
    // One slot: in the second pass the first device is silent while the other waits for its turn.
    let first: &[Opens] = &[Opens::Refused, Opens::Yes];
    let mut world = World::new(TWO, |_, _| Does::Nothing)
        .opens("10.0.0.1:23", Opens::InTurn(first))
        .opens("10.0.0.2:23", Opens::Refused);
    world.limits.concurrency = 1;
    let world = until(world, 3600);
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(3 * SECOND).await;
        stop.cut(StopReason::Interrupt);
    });
    let kind = |device: usize| ran.outcomes[device].error.as_ref().map(|error| error.kind);
    assert_eq!((ran.outcomes[0].status, kind(0)), (Status::NoReply, Some(ErrorKind::Interrupted)));
    assert_eq!((ran.outcomes[1].status, kind(1)), (Status::Unreachable, Some(ErrorKind::ConnectionRefused)));
    assert_eq!((ran.outcomes[1].attempts, ran.ended), (1, Ended::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn passes_and_batches_and_failures_go_together() {
    let inventory = "[[device]]\nname = \"tv-[1-5]\"\naddress = \"10.0.0.[1-5]\"\n";
    let late: &[Opens] = &[Opens::Refused, Opens::Yes];
    let mut world = World::new(inventory, |_, _| Does::Reply(ON));
    for dead in 1..=4 {
        world = world.opens(&format!("10.0.0.{dead}:23"), Opens::InTurn(late));
    }
    world.limits.pacing.batch = Some((2, 10 * SECOND));
    // The fifth would be one too many, but it is well.
    world.limits.pacing.max_failures = Some(4);
    let ran = until(world, 600).run().await;
    assert_eq!(passes(&ran), [(1, 5, 0), (2, 4, 22_000)]);
    let times: Vec<u128> = ran.record.requests().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [20_000, 22_000, 22_000, 32_000, 32_000]);
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    assert_eq!(ran.ended, Ended::Completed);
}

#[tokio::test(start_paused = true)]
async fn where_too_many_failed_and_others_were_skipped_there_is_no_further_pass() {
    let mut world = World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.1:23", Opens::Refused);
    world.limits.concurrency = 1;
    world.limits.pacing.max_failures = Some(0);
    let ran = until(world, 600).run().await;
    assert_eq!((passes(&ran).len(), ran.ended), (1, Ended::MaxFailures));
    assert_eq!((ran.outcomes[0].status, ran.outcomes[1].status), (Status::Unreachable, Status::Skipped));
    let mut world =
        World::new(TWO, |_, _| Does::Reply(ON)).opens("10.0.0.2:23", Opens::InTurn(&[Opens::Refused, Opens::Yes]));
    world.limits.concurrency = 1;
    world.limits.pacing.max_failures = Some(0);
    let ran = until(world, 600).run().await;
    assert_eq!((passes(&ran).len(), ran.ended), (2, Ended::Completed), "nobody was kept from starting");
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
}

#[tokio::test(start_paused = true)]
async fn names_are_looked_up_anew_in_each_pass() {
    let world = World::new(ONE, |_, _| Does::Reply(ON)).opens("10.0.0.1:23", Opens::Refused);
    let ran = until(world, 10).run().await;
    assert_eq!(passes(&ran).len(), 3);
    assert_eq!(ran.record.begun_passes(), 2, "what names resolved to in the first is forgotten twice");
}

/// Slow to open in the second pass: others connect for the same turn, and have to come back.
const SLOW: &[Opens] = &[Opens::Refused, Opens::After(Duration::from_millis(1500))];

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_start_in_a_later_pass_loses_no_time() {
    let inventory = "[[device]]\nname = \"tv-[1-3]\"\naddress = \"10.0.0.[1-3]\"\n";
    let mut world = World::new(inventory, |_, _| Does::Reply(ON));
    for number in 1..=3 {
        world = world.opens(&format!("10.0.0.{number}:23"), Opens::InTurn(SLOW));
    }
    world.flags.device_deadline = Some(4 * SECOND);
    world.limits.pacing.rate = Some(Rate::every(6 * SECOND));
    let ran = until(world, 600).run().await;
    assert_eq!(passes(&ran).len(), 2);
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok && outcome.attempts == 2));
    let times: Vec<u128> = ran.record.requests().into_iter().map(|(at, _)| at).collect();
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 6000), "{times:?}");
}
