//! Retries and waits: what is sent how often, when, and what is said in the end.

use std::time::Duration;

use super::world::{Does, Opens, World};
use crate::model::{Delivery, ErrorKind, RunEvent, SkipReason, Status};

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const OK: &str = "a 01 OK01x";

fn kind(outcome: &crate::model::Outcome) -> Option<ErrorKind> {
    outcome.error.as_ref().map(|failure| failure.kind)
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_command_is_ok_and_was_sent_once() {
    let ran = World::new(ONE, |_, _| Does::Reply(OK)).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::Ok, Delivery::Confirmed, 1));
    assert_eq!(outcome.reply.as_deref(), Some(OK.as_bytes()));
    assert_eq!(ran.record.requests(), [(0, "ka 01 01".to_owned())]);
    assert_eq!(ran.record.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_is_asked_again_after_growing_waits_and_a_quiet_line() {
    let ran = World::new(ONE, |_, _| Does::Nothing).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::NoReply, Delivery::Unknown, 3));
    assert_eq!(kind(outcome), Some(ErrorKind::ReplyTimeout));
    assert_eq!(outcome.earlier_errors.iter().map(|error| error.attempt).collect::<Vec<_>>(), [1, 2]);
    // power-on waits 8 s for its reply; then 250 and 500 ms of backoff, and each time 100 ms of listening.
    let times: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 8350, 16_950]);
    assert_eq!(ran.record.connections(), 3, "a lane that waits keeps no connection");
    assert_eq!(outcome.elapsed, Duration::from_millis(24_950));
}

#[tokio::test(start_paused = true)]
async fn a_key_press_is_never_sent_twice() {
    let ran = World::new(ONE, |_, _| Does::Nothing).command("mc {set_id} 08").run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::NoReply, 1));
    assert_eq!(ran.record.requests().len(), 1);
    let refused = World::new(ONE, |_, _| Does::Nothing).command("mc {set_id} 08").opens("10.0.0.1:23", Opens::Refused);
    let ran = refused.run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Unreachable, 3), "nothing was written");
    assert_eq!(ran.outcomes[0].delivery, Delivery::None);
}

#[tokio::test(start_paused = true)]
async fn busy_is_asked_again_without_using_up_retries() {
    let ran = World::new(ONE, |_, nth| if nth < 6 { Does::Reply("a 01 NG03x") } else { Does::Reply(OK) }).run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 6));
    let times: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 1000, 2000, 3000, 4000, 5000]);
}

#[tokio::test(start_paused = true)]
async fn busy_to_the_end_is_rejected_at_the_devices_deadline() {
    let ran = World::new(ONE, |_, _| Does::Reply("a 01 NG03x")).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery), (Status::Rejected, Delivery::Confirmed));
    assert_eq!(kind(outcome), Some(ErrorKind::Busy));
    assert_eq!(outcome.attempts, 30, "one a second, the last one second before the deadline");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let ran = World::new(ONE, |_, _| Does::Reply("a 01 NG00x")).run().await;
    assert_eq!((ran.outcomes[0].status, kind(&ran.outcomes[0])), (Status::Rejected, Some(ErrorKind::Refused)));
    assert_eq!(ran.outcomes[0].attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn the_devices_deadline_ends_an_attempt_as_far_as_it_got() {
    let mut world = World::new(ONE, |_, _| Does::Nothing);
    world.flags.device_deadline = Some(Duration::from_secs(5));
    let outcome = world.run().await.outcomes.remove(0);
    assert_eq!((outcome.status, kind(&outcome)), (Status::NoReply, Some(ErrorKind::DeviceDeadline)));
    assert_eq!(outcome.elapsed, Duration::from_secs(5));

    let mut world = World::new(ONE, |_, _| Does::Nothing).opens("10.0.0.1:23", Opens::Never);
    world.flags.device_deadline = Some(Duration::from_secs(2));
    let outcome = world.run().await.outcomes.remove(0);
    assert_eq!((outcome.status, kind(&outcome)), (Status::Unreachable, Some(ErrorKind::DeviceDeadline)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_could_not_start_in_time_is_not_waited_for() {
    let mut world = World::new(ONE, |_, _| Does::Nothing);
    world.flags.device_deadline = Some(Duration::from_millis(8200));
    let outcome = world.run().await.outcomes.remove(0);
    assert_eq!((outcome.attempts, kind(&outcome)), (1, Some(ErrorKind::ReplyTimeout)), "the attempt's own kind stands");
}

#[tokio::test(start_paused = true)]
async fn a_reply_just_before_its_deadline_counts() {
    let ran = World::new(ONE, |_, _| Does::ReplyAfter(Duration::from_millis(7999), OK)).run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempts_status_stands_and_delivery_speaks_of_all() {
    // Written and unanswered first; then the gateway answers no more.
    let closes = World::new(ONE, |_, nth| if nth == 1 { Does::Nothing } else { Does::Close });
    let ran = closes.run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].delivery), (Status::NoReply, Delivery::Unknown));
    assert_eq!(kind(&ran.outcomes[0]), Some(ErrorKind::ConnectionClosed));
    assert!(ran.outcomes[0].sent.is_some());
}

#[tokio::test(start_paused = true)]
async fn every_failed_attempt_is_told_with_the_wait_before_the_next() {
    let ran = World::new(ONE, |_, _| Does::Nothing).run().await;
    let told: Vec<(u32, u128)> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::AttemptFailed { attempt, retry_in, .. } => Some((*attempt, retry_in.as_millis())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, 250), (2, 500)]);
}

#[tokio::test(start_paused = true)]
async fn running_out_of_files_is_never_the_devices_fault() {
    let world = World::new(ONE, |_, _| Does::Reply(OK)).opens("10.0.0.1:23", Opens::NoFiles);
    let started = tokio::time::Instant::now();
    let ran = world.run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.reason, outcome.attempts), (Status::Skipped, Some(SkipReason::Internal), 0));
    let ended = ran.events.iter().find_map(|event| match event {
        RunEvent::DeviceFinished { at, .. } => Some(at.0),
        _ => None,
    });
    assert_eq!(ended, Some(29_900), "the next try would have no time left: {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn files_that_come_back_cost_no_device_its_time() {
    let ten = "[[device]]\nname = \"tv-[1-9]\"\naddress = \"10.0.0.[1-9]\"\n";
    let mut world = World::new(ten, |_, _| Does::ReplyAfter(Duration::from_secs(5), OK));
    for last in 1..=9 {
        world = world.opens(&format!("10.0.0.{last}:23"), Opens::NoFilesFor(Duration::from_secs(28)));
    }
    world.limits.concurrency = 2;
    let ran = world.run().await;
    assert!(ran.outcomes.iter().all(|outcome| (outcome.status, outcome.attempts) == (Status::Ok, 1)));
    assert!(ran.outcomes.iter().all(|outcome| outcome.elapsed == Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn without_files_for_a_devices_whole_time_the_run_ends_and_not_one_time_after_another() {
    let nine = "[[device]]\nname = \"tv-[1-9]\"\naddress = \"10.0.0.[1-9]\"\n";
    let mut world = World::new(nine, |_, _| Does::Reply(OK));
    for last in 1..=9 {
        world = world.opens(&format!("10.0.0.{last}:23"), Opens::NoFiles);
    }
    world.limits.concurrency = 2;
    let started = tokio::time::Instant::now();
    let ran = world.run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.reason == Some(SkipReason::Internal)));
    assert!(started.elapsed() < Duration::from_secs(31), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn files_that_run_out_a_second_time_are_waited_for_anew() {
    let two = "[[device]]\nname = \"tv-[1-2]\"\naddress = \"10.0.0.[1-2]\"\n";
    let once: &[Opens] = &[Opens::NoFiles, Opens::Yes];
    let mut world = World::new(two, |_, nth| if nth == 1 { Does::Nothing } else { Does::Reply(OK) });
    for gateway in ["10.0.0.1:23", "10.0.0.2:23"] {
        world = world.opens(gateway, Opens::InTurn(once));
    }
    world.limits.concurrency = 1;
    world.flags.retries = Some(0);
    world.flags.device_deadline = Some(Duration::from_secs(8));
    let outcomes = world.run().await.outcomes;
    // The first takes the whole of its time; without files since the start would be too long for the second.
    assert_eq!(outcomes.iter().map(|outcome| outcome.status).collect::<Vec<_>>(), [Status::NoReply, Status::Ok]);
}

#[tokio::test(start_paused = true)]
async fn jitter_takes_the_part_of_a_wait_that_is_drawn() {
    let mut world = World::new(ONE, |_, _| Does::Nothing);
    world.flags.backoff_jitter = Some(true);
    let times: Vec<u128> = world.run().await.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 8350, 16_950], "this world always draws all of it");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_this_machine_does_not_allow_is_no_fault_of_the_device() {
    let ran = World::new(ONE, |_, _| Does::Reply(OK)).opens("10.0.0.1:23", Opens::Denied).run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].reason), (Status::Skipped, Some(SkipReason::Internal)));
}

// In real time: a clock that moves only when nothing else does never would.
#[tokio::test]
async fn a_broadcast_to_a_line_that_never_falls_silent_ends_after_the_gap() {
    let ran = World::new(ONE, |_, _| Does::Babble).command("ka 00 01").run();
    let ran = tokio::time::timeout(Duration::from_secs(5), ran).await.expect("it ends");
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].delivery), (Status::Sent, Delivery::Unknown));
    assert!(ran.outcomes[0].elapsed < Duration::from_secs(2), "{:?}", ran.outcomes[0].elapsed);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_listened_to_after_an_unanswered_attempt_even_if_another_failed_between() {
    let silent_first = |_: &str, nth: usize| if nth == 1 { Does::Nothing } else { Does::Reply(OK) };
    let opens = Opens::InTurn(&[Opens::Yes, Opens::Refused, Opens::Yes]);
    let ran = World::new(ONE, silent_first).opens("10.0.0.1:23", opens).run().await;
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 3));
    // 8 s without a reply, 250 ms of backoff, refused, 500 ms of backoff, 100 ms of listening.
    let times: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 8850]);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_not_written_once_its_devices_time_is_over() {
    let mut world = World::new(ONE, |_, _| Does::Reply(OK)).opens("10.0.0.1:23", Opens::After(Duration::from_secs(5)));
    world.flags.device_deadline = Some(Duration::from_secs(2));
    let ran = world.run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::Unreachable, Some(ErrorKind::DeviceDeadline)));
    assert_eq!(outcome.delivery, Delivery::None);
    assert!(ran.record.requests().is_empty(), "{:?}", ran.record.requests());
}

#[tokio::test(start_paused = true)]
async fn a_panic_after_the_command_was_written_leaves_open_what_the_device_did() {
    let ran = World::new(ONE, |_, _| Does::Reply(OK)).opens("10.0.0.1:23", Opens::PanicsInRead).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::NoReply, Some(ErrorKind::Internal)));
    assert_eq!(outcome.delivery, Delivery::Unknown);
    assert_eq!(ran.record.requests().len(), 1);
    assert!(outcome.sent.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_gateways_text_behind_the_beginning_of_a_reply_does_not_take_the_command_back() {
    let mixed = |_: &str, _: usize| Does::Reply("c 01 OK\r\nPort already in use\r\n");
    let ran = World::new(ONE, mixed).command("mc {set_id} 08").run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery), (Status::NoReply, Delivery::Unknown));
    let ran = World::new(ONE, |_, _| Does::Reply("\r\nPort already in use\r\n")).command("mc {set_id} 08").run().await;
    assert_eq!(kind(&ran.outcomes[0]), Some(ErrorKind::GatewayBusy));
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_within_the_gap_of_a_broadcast_is_shown() {
    let answers = |wait: u64| move |_: &str, _: usize| Does::ReplyAfter(Duration::from_millis(wait), OK);
    for (wait, shown) in [(80, Some(OK.as_bytes())), (120, None)] {
        let ran = World::new(ONE, answers(wait)).command("ka 00 01").run().await;
        let outcome = &ran.outcomes[0];
        assert_eq!((outcome.status, outcome.elapsed), (Status::Sent, Duration::from_millis(100)), "after {wait} ms");
        assert_eq!(outcome.reply.as_deref(), shown, "after {wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_came_is_shown_where_no_answer_did() {
    for (comes, shown) in [(Does::Nothing, None), (Does::Reply("a 01 O"), Some(&b"a 01 O"[..]))] {
        let mut world = World::new(ONE, move |_, _| comes.clone());
        world.flags.retries = Some(0);
        let outcome = world.run().await.outcomes.remove(0);
        assert_eq!((outcome.status, outcome.reply.as_deref()), (Status::NoReply, shown));
    }
}
