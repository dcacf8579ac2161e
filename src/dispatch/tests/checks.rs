//! Questions about the state: before the command, after it, and when the run stops meanwhile.

use std::sync::Arc;
use std::time::Duration;

use super::world::{Does, Opens, World};
use crate::device_type::Link;
use crate::model::{Delivery, Ended, ErrorKind, Outcome, Status, StopReason};
use crate::plan::Plan;

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const CHAIN: &str = "[[device]]\nname = \"wall-[1-2]\"\naddress = \"10.0.0.1\"\nparams = { set_id = \"[1-2]\" }\n";
const ON: &str = "a 01 OK01x";
const OFF: &str = "a 01 OK00x";

fn kind(outcome: &Outcome) -> Option<ErrorKind> {
    outcome.error.as_ref().map(|failure| failure.kind)
}

fn power_on(if_needed: bool, verify: bool, script: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> World {
    World::new(ONE, script).does("power-on", if_needed, verify)
}

#[tokio::test(start_paused = true)]
async fn a_display_that_boots_is_asked_until_it_is_on() {
    let ran = power_on(false, true, |text, nth| match (text, nth) {
        ("ka 01 ff", 1 | 2) => Does::Reply("a 01 NG03x"),
        ("ka 01 ff", 3) => Does::Reply(OFF),
        _ => Does::Reply(ON),
    });
    let ran = ran.run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::Ok, Delivery::Confirmed, 1));
    assert_eq!((outcome.verified, outcome.changed), (Some(true), None));
    assert_eq!(outcome.reply.as_deref(), Some(ON.as_bytes()), "the reply to the command");
    let requests = ran.record.requests();
    let texts: Vec<&str> = requests.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["ka 01 01", "ka 01 ff", "ka 01 ff", "ka 01 ff", "ka 01 ff"]);
    // One second after the acknowledgement, then every three; 100 ms of listening before each question.
    let times: Vec<u128> = requests.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 1100, 4200, 7300, 10_400]);
    assert_eq!(ran.record.connections(), 5, "nobody holds a connection while the display boots");
}

#[tokio::test(start_paused = true)]
async fn a_display_that_stays_off_is_a_mismatch_and_not_told_again() {
    let ran = power_on(false, true, |text, _| Does::Reply(if text == "ka 01 01" { ON } else { OFF })).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!(
        (outcome.status, outcome.delivery, outcome.verified),
        (Status::Mismatch, Delivery::Confirmed, Some(false))
    );
    assert_eq!(kind(outcome), Some(ErrorKind::Mismatch));
    assert_eq!(outcome.error.as_ref().map(|failure| &*failure.detail), Some("it shows `off`, not `on`"));
    let told = ran.record.requests().iter().filter(|(_, text)| text == "ka 01 01").count();
    assert_eq!((told, outcome.attempts), (1, 1));
    assert!(outcome.elapsed >= Duration::from_secs(42), "asked for all of the type's time: {:?}", outcome.elapsed);
    assert_eq!(ran.ended, Ended::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_display_that_never_tells_its_state_is_what_the_last_question_came_to() {
    let silent = power_on(false, true, |text, _| if text == "ka 01 01" { Does::Reply(ON) } else { Does::Nothing });
    let ran = silent.run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!(
        (outcome.status, outcome.delivery, outcome.verified),
        (Status::NoReply, Delivery::Confirmed, Some(false))
    );
    assert_eq!(kind(outcome), Some(ErrorKind::ReplyTimeout));
    let refused = power_on(false, true, |text, _| Does::Reply(if text == "ka 01 01" { ON } else { "a 01 NG02x" }));
    let ran = refused.run().await;
    assert_eq!((ran.outcomes[0].status, kind(&ran.outcomes[0])), (Status::Rejected, Some(ErrorKind::Refused)));
}

#[tokio::test(start_paused = true)]
async fn what_is_right_already_is_left_alone() {
    let ran = power_on(true, true, |_, _| Does::Reply(ON)).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::Ok, Delivery::None, 1));
    assert_eq!((outcome.verified, outcome.changed), (Some(true), Some(false)));
    assert!(outcome.sent.is_none());
    assert_eq!(ran.record.requests(), [(100, "ka 01 ff".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_right_or_cannot_be_read_is_told() {
    for first in [Does::Reply(OFF), Does::Reply("a 01 NG00x"), Does::Nothing] {
        let ran =
            power_on(true, false, move |text, _| if text == "ka 01 ff" { first.clone() } else { Does::Reply(ON) })
                .run()
                .await;
        let outcome = &ran.outcomes[0];
        assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::Ok, Delivery::Confirmed, 1));
        assert_eq!((outcome.verified, outcome.changed), (None, Some(true)));
        let requests = ran.record.requests();
        let texts: Vec<&str> = requests.iter().map(|(_, text)| &**text).collect();
        assert_eq!(texts, ["ka 01 ff", "ka 01 01"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_finds_no_connection_is_a_failed_attempt() {
    let ran = power_on(true, true, |_, _| Does::Reply(ON)).opens("10.0.0.1:23", Opens::Refused).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery, outcome.attempts), (Status::Unreachable, Delivery::None, 3));
    assert_eq!((outcome.verified, outcome.changed), (Some(false), Some(false)));
}

#[tokio::test(start_paused = true)]
async fn a_lane_goes_on_while_one_of_its_displays_boots() {
    let world = World::new(CHAIN, |text, _| {
        Does::Reply(if text.contains("01 01") || text.contains("01 ff") { ON } else { "a 02 OK01x" })
    });
    let ran = world.does("power-on", false, true).run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.verified == Some(true)));
    let requests = ran.record.requests();
    let texts: Vec<&str> = requests.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["ka 01 01", "ka 02 01", "ka 01 ff", "ka 02 ff"]);
}

/// Nothing but listening keeps a line waiting.
fn without_gaps(plan: &mut Plan) {
    let link = Arc::new(Link { gap: Duration::ZERO, ..(*plan.jobs[0].link).clone() });
    for job in &mut plan.jobs {
        Arc::make_mut(job).link = link.clone();
    }
}

#[tokio::test(start_paused = true)]
async fn every_question_listens_first_also_over_a_connection_that_has_served_another() {
    let world = World::new(CHAIN, |text, _| Does::Reply(if text.contains(" 01 ") { ON } else { "a 02 OK01x" }));
    let ran = world.does("power-on", false, true).adjusted(without_gaps).run().await;
    let times: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 0, 1100, 1200]);
    assert_eq!(ran.record.connections(), 2, "one for the commands, one for the questions");
}

#[tokio::test(start_paused = true)]
async fn a_command_listens_only_where_the_answer_to_its_question_may_still_come() {
    for (first, told_at) in [(Does::Reply(OFF), 100), (Does::Nothing, 2200)] {
        let world =
            power_on(true, false, move |text, _| if text == "ka 01 ff" { first.clone() } else { Does::Reply(ON) });
        let ran = world.adjusted(without_gaps).run().await;
        let times: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [100, told_at]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_display_that_was_asked_is_not_asked_again_when_files_run_out_before_its_command() {
    let world = power_on(true, false, |text, _| if text == "ka 01 ff" { Does::Close } else { Does::Reply(ON) });
    let opens = Opens::InTurn(&[Opens::Yes, Opens::NoFiles, Opens::Yes]);
    let ran = world.opens("10.0.0.1:23", opens).run().await;
    let texts: Vec<String> = ran.record.requests().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["ka 01 ff", "ka 01 01"]);
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Ok, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_asks_on_for_as_long_as_the_grace_lasts() {
    let world = power_on(false, true, |text, nth| Does::Reply(if text == "ka 01 01" || nth == 3 { ON } else { OFF }));
    let stop = world.stop.clone();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.no_more(StopReason::Interrupt);
    };
    let (ran, ()) = tokio::join!(world.run(), stopping);
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].verified), (Status::Ok, Some(true)), "asked at 7.3 s");
    assert_eq!(ran.ended, Ended::Completed, "the stop has cost nothing");
}

#[tokio::test(start_paused = true)]
async fn when_the_grace_is_over_the_state_that_was_seen_decides() {
    for (answer, status, kind_of_it) in [
        (Does::Reply(OFF), Status::Mismatch, ErrorKind::Mismatch),
        (Does::Reply("a 01 NG03x"), Status::NoReply, ErrorKind::Interrupted),
    ] {
        let world =
            power_on(false, true, move |text, _| if text == "ka 01 01" { Does::Reply(ON) } else { answer.clone() });
        let stop = world.stop.clone();
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            stop.no_more(StopReason::Interrupt);
        };
        let (ran, ()) = tokio::join!(world.run(), stopping);
        let outcome = &ran.outcomes[0];
        assert_eq!((outcome.status, outcome.delivery), (status, Delivery::Confirmed));
        assert_eq!((kind(outcome), outcome.verified), (Some(kind_of_it), Some(false)));
        assert_eq!(ran.ended, Ended::Interrupted);
        assert!(outcome.elapsed <= Duration::from_millis(7_200), "{:?}", outcome.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_waits_for_no_further_question() {
    let world = power_on(false, true, |text, _| Does::Reply(if text == "ka 01 01" { ON } else { OFF }));
    let stop = world.stop.clone();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stop.no_more(StopReason::Interrupt);
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cut(StopReason::Interrupt);
    };
    let (ran, ()) = tokio::join!(world.run(), stopping);
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.elapsed), (Status::Mismatch, Duration::from_secs(3)));
    assert_eq!(ran.record.requests().len(), 2, "the command and one question");
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_files_does_not_ask_for_ever() {
    let world = power_on(false, true, |_, _| Does::Reply(ON));
    let ran = world.opens("10.0.0.1:23", Opens::InTurn(&[Opens::Yes, Opens::NoFiles])).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!(
        (outcome.status, outcome.delivery, outcome.verified),
        (Status::NoReply, Delivery::Confirmed, Some(false))
    );
    assert_eq!(kind(outcome), Some(ErrorKind::Internal));
    assert!(outcome.elapsed < Duration::from_mins(1), "{:?}", outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_display_is_asked_leaves_its_acknowledgement() {
    let world = power_on(false, true, |_, _| Does::Reply(ON));
    let ran = world.opens("10.0.0.1:23", Opens::InTurn(&[Opens::Yes, Opens::PanicsInRead])).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::NoReply, Some(ErrorKind::Internal)));
    assert_eq!((outcome.delivery, outcome.verified, outcome.attempts), (Delivery::Confirmed, Some(false), 1));
    assert_eq!(ran.record.requests().len(), 1, "the command reached it");
}

/// Reachable for the command and every question of the first pass, then not any more.
const GONE: [Opens; 18] = {
    let mut opens = [Opens::Yes; 18];
    opens[17] = Opens::Refused;
    opens
};

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_not_undone_by_a_pass_that_reaches_nobody() {
    let mut world = power_on(false, true, |text, _| Does::Reply(if text == "ka 01 01" { ON } else { OFF }));
    world.limits.pacing.until = Some(Duration::from_mins(10));
    let ran = world.opens("10.0.0.1:23", Opens::InTurn(&GONE)).run().await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::Unreachable, Some(ErrorKind::ConnectionRefused)));
    assert_eq!((outcome.delivery, outcome.verified), (Delivery::Confirmed, Some(false)));
}
