//! What is told before a command that must not be sent twice, and what it means that a device failed in earlier runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::sleep;

use super::world::{Does, Opens, World};
use crate::model::{DeviceIndex, ErrorKind, Status, StopReason};
use crate::session::{Intents, Stop};

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const KEY: &str = "mc {set_id} 08";
const OK: &str = "c 01 OK08x";

/// Takes a second to write an intent down.
#[derive(Default)]
struct Slow(Mutex<Vec<u32>>);

impl Intents for Slow {
    fn declare(&self, device: DeviceIndex) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().unwrap().push(device.0);
        Some(sleep(Duration::from_secs(1)).boxed())
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_must_not_be_sent_twice_waits_until_its_intent_is_written_down() {
    let told = Arc::new(Slow::default());
    let ran = World::new(ONE, |_, _| Does::Reply(OK)).command(KEY).tells(told.clone()).run().await;
    assert_eq!(ran.outcomes[0].status, Status::Ok);
    assert_eq!(ran.record.requests(), [(1000, "mc 01 08".to_owned())]);
    assert_eq!(*told.0.lock().unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_what_may_be_sent_twice_nor_of_questions() {
    for (action, answer) in [("power-on", "a 01 OK01x"), ("power-status", "a 01 OK01x")] {
        let told = Arc::new(Slow::default());
        let world = World::new(ONE, move |_, _| Does::Reply(answer)).does(action, false, action == "power-on");
        let ran = world.tells(told.clone()).run().await;
        assert_eq!(ran.outcomes[0].status, Status::Ok, "{action}");
        assert!(told.0.lock().unwrap().is_empty(), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_connection_has_no_intent() {
    let told = Arc::new(Slow::default());
    let world = World::new(ONE, |_, _| Does::Reply(OK)).command(KEY).opens("10.0.0.1:23", Opens::Refused);
    let ran = world.tells(told.clone()).run().await;
    assert_eq!(ran.outcomes[0].status, Status::Unreachable);
    assert!(told.0.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_while_an_intent_is_written_down_sends_nothing() {
    let stop = Stop::default();
    let mut world = World::new(ONE, |_, _| Does::Reply(OK)).command(KEY).tells(Arc::new(Slow::default()));
    world.stop = stop.clone();
    let stopping = async {
        sleep(Duration::from_millis(500)).await;
        stop.no_more(StopReason::Interrupt);
    };
    let (ran, ()) = tokio::join!(world.run(), stopping);
    assert_eq!(ran.outcomes[0].status, Status::Skipped);
    assert!(ran.record.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_device_costs_one_attempt_and_a_second() {
    for (opens, kind, ms) in
        [(Opens::Never, ErrorKind::ConnectTimeout, 1000), (Opens::Refused, ErrorKind::ConnectionRefused, 0)]
    {
        let ran = World::new(ONE, |_, _| Does::Nothing).opens("10.0.0.1:23", opens).dead().run().await;
        let outcome = &ran.outcomes[0];
        assert_eq!((outcome.attempts, outcome.error.as_ref().unwrap().kind), (1, kind));
        assert_eq!(outcome.elapsed, Duration::from_millis(ms));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_dead_and_is_found_has_all_its_attempts() {
    let ran =
        World::new(ONE, |_, nth| if nth < 3 { Does::Nothing } else { Does::Reply("a 01 OK01x") }).dead().run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 3));
    assert_eq!(ran.record.requests().len(), 3);
}
