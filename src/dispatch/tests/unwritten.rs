//! Writes that come to nothing or stay a part: what they draw, whose turn it is then, and what is still listened to.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::wire::{Turn, Wire};
use super::world::{Does, Ran, Record, World};
use crate::model::{Delivery, ErrorKind, Inrush, Outcome, Rate, Status, StopReason};
use crate::plan::{InrushIndex, PlannedCircuit};

use Turn::{Hear, Pause, Say};

const MILLI: Duration = Duration::from_millis(1);

/// Displays 1 and 2 behind one gateway, 3 and 4 behind another.
const CHAINS: &str = "[[device]]\nname = \"left-[1-2]\"\naddress = \"10.0.0.1\"\nparams = { set_id = \"[1-2]\" }\n\
                      [[device]]\nname = \"right-[3-4]\"\naddress = \"10.0.0.2\"\nparams = { set_id = \"[3-4]\" }\n";

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";

fn told(outcome: &Outcome) -> (Status, Delivery, Option<ErrorKind>) {
    (outcome.status, outcome.delivery, outcome.error.as_ref().map(|failure| failure.kind))
}

/// One display that is told once, over this wire.
async fn tell(command: &str, wire: &Wire) -> Outcome {
    let mut world = World::new(ONE, |_, _| Does::Nothing).command(command);
    world.flags.retries = Some(0);
    world.run_over(wire.clone(), Record::default()).await.outcomes.remove(0)
}

#[track_caller]
fn expect_all_ok(ran: &Ran) {
    let ends: Vec<(Status, u32)> = ran.outcomes.iter().map(|outcome| (outcome.status, outcome.attempts)).collect();
    assert_eq!(ends, vec![(Status::Ok, 1); ends.len()]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_came_to_nothing_waits_again_once_another_draws_what_it_would_have_drawn() {
    // The second of each chain draws the whole circuit for a second. That on the left takes its share at 100 ms, but its
    // connection takes no byte and breaks at 1.5 s: since 1.1 s the share is that of the one on the right.
    const RIGHT: &[Turn] = &[Hear(b"ka 03 01\r"), Pause(500), Say(b"a 03 OK01x")];
    let wire = Wire {
        takes: Some(9),
        breaks_at: Some(1500),
        ..Wire::new(&[
            &[Hear(b"ka 01 01\r"), Say(b"a 01 OK01x")],
            RIGHT,
            &[Hear(b"ka 04 01\r"), Say(b"a 04 OK01x")],
            &[Hear(b"ka 02 01\r"), Say(b"a 02 OK01x")],
        ])
    };
    let world = World::new(CHAINS, |_, _| Does::Nothing).adjusted(|plan| {
        plan.circuits = vec![PlannedCircuit { name: "hall".into(), max_milliamps: 5000 }];
        plan.inrushes = vec![Inrush { circuit: 0, milliamps: 4500, settle: 1000 * MILLI }];
        Arc::make_mut(&mut plan.jobs[1]).inrush = Some(InrushIndex(0));
        Arc::make_mut(&mut plan.jobs[3]).inrush = Some(InrushIndex(0));
    });
    let ran = world.run_over(wire.clone(), Record::default()).await;
    expect_all_ok(&ran);
    let log = wire.log();
    assert_eq!((log.times(b"ka 04 01\r"), log.times(b"ka 02 01\r")), (vec![1100], vec![2100]), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_came_to_nothing_opens_another_connection_at_once_and_waits_there_for_its_turn() {
    // The second display's turn is at 1.3 s, where its connection breaks; the next turn is at 2.6 s.
    let chain = CHAINS.split_at(CHAINS.find("[[device]]\nname = \"right").unwrap()).0;
    let wire = Wire {
        takes: Some(9),
        breaks_at: Some(1300),
        ..Wire::new(&[
            &[Hear(b"ka 01 01\r"), Pause(400), Say(b"a 01 OK01x")],
            &[Hear(b"ka 02 01\r"), Say(b"a 02 OK01x")],
        ])
    };
    let mut world = World::new(chain, |_, _| Does::Nothing);
    world.limits.pacing.rate = Some(Rate::every(1300 * MILLI));
    let ran = world.run_over(wire.clone(), Record::default()).await;
    expect_all_ok(&ran);
    let log = wire.log();
    assert_eq!((&log.tried[..], log.times(b"ka 02 01\r")), (&[0, 1300][..], vec![2600]), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_write_breaks_in_the_middle_fails_then_and_is_not_waited_for() {
    let outcome = tell("ka 01 01", &Wire { takes: Some(4), breaks_at: Some(700), ..Wire::new(&[&[]]) }).await;
    assert_eq!(told(&outcome), (Status::NoReply, Delivery::Unknown, Some(ErrorKind::ConnectionClosed)));
    assert_eq!((outcome.elapsed, outcome.reply), (700 * MILLI, None));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_that_was_not_written_whole_was_not_sent() {
    for (breaks_at, kind) in [(Some(700), ErrorKind::ConnectionClosed), (None, ErrorKind::ReplyTimeout)] {
        let wire = Wire { takes: Some(4), breaks_at, ..Wire::new(&[&[]]) };
        let outcome = tell("ka 00 01", &wire).await;
        assert_eq!(told(&outcome), (Status::NoReply, Delivery::Unknown, Some(kind)));
        assert_eq!(wire.log().bytes(0), b"ka 0");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_begun_is_written_to_its_end_after_the_first_signal_and_no_further_after_the_second() {
    const SCRIPT: &[Turn] = &[Hear(b"ka 01 01\r"), Say(b"a 01 OK01x")];
    for (is_cut, ends) in [
        (false, (Status::Ok, Delivery::Confirmed, None)),
        (true, (Status::NoReply, Delivery::Unknown, Some(ErrorKind::Interrupted))),
    ] {
        let wire = Wire { takes: Some(4), takes_all_at: Some(700), ..Wire::new(&[SCRIPT]) };
        let world = World::new(ONE, |_, _| Does::Nothing);
        let stop = world.stop.clone();
        let (ran, ()) = tokio::join!(world.run_over(wire.clone(), Record::default()), async {
            sleep(300 * MILLI).await;
            stop.no_more(StopReason::Interrupt);
            sleep(200 * MILLI).await;
            if is_cut {
                stop.cut(StopReason::Interrupt);
            }
        });
        sleep(1000 * MILLI).await;
        assert_eq!(told(&ran.outcomes[0]), ends);
        assert_eq!(wire.log().bytes(0), if is_cut { &b"ka 0"[..] } else { b"ka 01 01\r" });
    }
}
