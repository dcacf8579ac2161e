//! How runs end early: signals, grace, the run's deadline.

use std::time::Duration;

use tokio::time::sleep;

use super::world::{Does, Opens, World};
use crate::model::{Delivery, Ended, ErrorKind, RunEvent, SkipReason, Status, StopReason};

const SIX: &str = "[[device]]\nname = \"tv-[1-6]\"\naddress = \"10.0.0.[1-6]\"\n";

fn slow(seconds: u64) -> impl Fn(&str, usize) -> Does + Send + Sync + 'static {
    move |_, _| Does::ReplyAfter(Duration::from_secs(seconds), "a 01 OK01x")
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_starts_nothing_new_and_lets_what_is_in_flight_end() {
    let mut world = World::new(SIX, slow(3));
    world.limits.concurrency = 2;
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_secs(1)).await;
        stop.no_more(StopReason::Interrupt);
    });
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [vec![Status::Ok; 2], vec![Status::Skipped; 4]].concat());
    assert!(ran.outcomes[2..].iter().all(|outcome| outcome.reason == Some(SkipReason::Interrupted)));
    assert_eq!(ran.ended, Ended::Interrupted);
    assert_eq!(ran.record.requests().len(), 2);
    assert!(ran.events.iter().any(|event| matches!(event, RunEvent::Stopping { reason: StopReason::Interrupt, .. })));
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_grace_is_cut_and_says_how_far_it_got() {
    let mut world = World::new(SIX, slow(7)).opens("10.0.0.2:23", Opens::Never);
    world.limits.grace = Duration::from_secs(1);
    world.limits.concurrency = 2;
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_secs(1)).await;
        stop.no_more(StopReason::Terminate);
    });
    let first = &ran.outcomes[0];
    assert_eq!((first.status, first.delivery), (Status::NoReply, Delivery::Unknown));
    assert_eq!(first.error.as_ref().map(|failure| failure.kind), Some(ErrorKind::Interrupted));
    assert_eq!(first.elapsed, Duration::from_secs(2));
    let second = &ran.outcomes[1];
    assert_eq!((second.status, second.reason), (Status::Skipped, Some(SkipReason::Interrupted)), "it was connecting");
}

#[tokio::test(start_paused = true)]
async fn the_second_signal_ends_what_is_in_flight_at_once() {
    let world = World::new(SIX, slow(7));
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_secs(1)).await;
        stop.no_more(StopReason::Interrupt);
        sleep(Duration::from_secs(1)).await;
        stop.cut(StopReason::Interrupt);
    });
    assert!(ran.outcomes.iter().all(|outcome| outcome.elapsed == Duration::from_secs(2)));
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::NoReply));
    assert_eq!(ran.ended, Ended::Interrupted, "it has cost them their outcomes");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_a_stop_keeps_from_starting_is_neither_verified_nor_changed() {
    let mut world = World::new(SIX, slow(3)).does("power-on", true, true);
    world.limits.concurrency = 2;
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_secs(1)).await;
        stop.no_more(StopReason::Interrupt);
    });
    for outcome in &ran.outcomes[2..] {
        assert_eq!((outcome.status, outcome.reason), (Status::Skipped, Some(SkipReason::Interrupted)));
        assert_eq!((outcome.verified, outcome.changed), (Some(false), Some(false)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_runs_deadline_acts_like_a_signal_with_its_own_reason() {
    let mut world = World::new(SIX, slow(2));
    world.limits.concurrency = 2;
    world.limits.deadline = Some(Duration::from_secs(3));
    let ran = world.run().await;
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [vec![Status::Ok; 4], vec![Status::Skipped; 2]].concat());
    assert_eq!(ran.outcomes[4].reason, Some(SkipReason::Deadline));
    assert_eq!(ran.ended, Ended::Deadline);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_waits_for_another_attempt_keeps_the_outcome_of_its_last() {
    let mut world = World::new(SIX, slow(1)).opens("10.0.0.1:23", Opens::Refused);
    world.flags.backoff_initial = Some(Duration::from_secs(5));
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_secs(2)).await;
        stop.no_more(StopReason::Interrupt);
    });
    let waiting = &ran.outcomes[0];
    assert_eq!((waiting.status, waiting.attempts), (Status::Unreachable, 1));
    assert_eq!(waiting.error.as_ref().map(|failure| failure.kind), Some(ErrorKind::ConnectionRefused));
    assert_eq!(ran.ended, Ended::Completed, "nothing was skipped or cut");
}

#[tokio::test(start_paused = true)]
async fn the_second_signal_ends_a_question_about_the_effect_at_once() {
    // Acknowledged at once, asked at 1.1 s for the first time, and silent to that.
    let silent = |text: &str, _: usize| if text == "ka 01 01" { Does::Reply("a 01 OK01x") } else { Does::Nothing };
    let world = World::new(SIX, silent).does("power-on", false, true);
    let stop = world.stop.clone();
    let (ran, ()) = tokio::join!(world.run(), async {
        sleep(Duration::from_millis(1200)).await;
        stop.no_more(StopReason::Interrupt);
        sleep(Duration::from_millis(100)).await;
        stop.cut(StopReason::Interrupt);
    });
    for outcome in &ran.outcomes {
        assert_eq!((outcome.status, outcome.delivery), (Status::NoReply, Delivery::Confirmed));
        assert_eq!(outcome.error.as_ref().map(|failure| failure.kind), Some(ErrorKind::Interrupted));
        assert_eq!((outcome.verified, outcome.elapsed), (Some(false), Duration::from_millis(1300)));
    }
    assert_eq!(ran.ended, Ended::Interrupted);
}
