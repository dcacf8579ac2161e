//! Reporters that are behind: the engine waits for them, and for nothing else.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::world::{Does, Ran, World};
use crate::model::{Ended, RunEvent, Status, StopReason};

const MILLI: Duration = Duration::from_millis(1);

fn displays_that_are_heard_slowly(script: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> World {
    let mut world = World::new("[[device]]\nname = \"tv-[01-12]\"\naddress = \"10.0.0.[1-12]\"\n", script);
    world.are_reporters_behind = true;
    world.limits.concurrency = 6;
    world
}

/// An engine that waited for itself would wait for ever.
async fn run(world: World) -> Ran {
    timeout(Duration::from_hours(24), world.run()).await.expect("the run ends")
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_at_once_are_told_though_lanes_wait_to_tell_theirs() {
    let mut world = displays_that_are_heard_slowly(|_, _| Does::Reply("a 01 NG01x"));
    world.limits.pacing.max_failures = Some(1);
    let ran = run(world).await;
    assert_eq!(ran.ended, Ended::MaxFailures);
    let stopping = ran.events.iter().filter(|event| matches!(event, RunEvent::Stopping { .. })).count();
    assert_eq!(stopping, 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_told_though_lanes_wait_to_tell_their_outcomes() {
    let world = displays_that_are_heard_slowly(|_, _| Does::Reply("a 01 OK01x"));
    let stop = world.stop.clone();
    let signal = async {
        sleep(15 * MILLI).await;
        stop.no_more(StopReason::Interrupt);
    };
    let (ran, ()) = tokio::join!(run(world), signal);
    assert_eq!(ran.ended, Ended::Interrupted);
    assert!(ran.outcomes.iter().any(|outcome| outcome.status == Status::Skipped));
}

#[tokio::test(start_paused = true)]
async fn another_pass_is_told_though_lanes_wait_to_tell_their_outcomes() {
    let answers = |_: &str, nth| if nth == 1 { Does::Nothing } else { Does::Reply("a 01 OK01x") };
    let mut world = displays_that_are_heard_slowly(answers);
    world.flags.retries = Some(0);
    world.limits.pacing.until = Some(Duration::from_mins(10));
    let ran = run(world).await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
}
