//! Every window of an attempt: stops and deadlines at each moment of it, wires that take nothing, replies that the
//! runtime has not noticed. What the device saw decides what may be said.

use std::time::Duration;

use tokio::time::sleep;

use super::wire::{Log, Turn, Wire};
use super::world::{Does, Ran, Record, World};
use crate::model::{Delivery, ErrorKind, Outcome, SkipReason, Status, StopReason};

use Turn::{Close, Hear, Pause, Say};

const BOARD: &str = "[[device]]\nname = \"pump\"\naddress = \"10.0.0.1:17494\"\ntype = \"devantech-eth008\"\n\
                     params = { relay = 3, password = \"apple\" }\n";
const COMMAND: &[u8] = b"\x20\x03\x00";
const PASSWORD: &[u8] = b"\x79apple";
const LOG_OUT: &[u8] = b"\x7B";

/// A board that takes its time: each of its answers comes 20 ms after the question.
const SLOW: &[Turn] = &[
    Hear(b"\x7A"),
    Pause(20),
    Say(b"\x00"),
    Hear(PASSWORD),
    Pause(20),
    Say(b"\x01"),
    Hear(COMMAND),
    Pause(20),
    Say(b"\x00"),
    Hear(LOG_OUT),
    Pause(20),
    Say(b"\x00"),
];

fn board() -> World {
    let mut world = World::new(BOARD, |_, _| Does::Nothing).command("20 03 00");
    world.flags.retries = Some(0);
    world
}

fn kind(outcome: &Outcome) -> Option<ErrorKind> {
    outcome.error.as_ref().map(|failure| failure.kind)
}

async fn run(world: World, wire: &Wire) -> (Ran, Log) {
    let ran = world.run_over(wire.clone(), Record::default()).await;
    // What was written before the end is read.
    sleep(Duration::from_millis(100)).await;
    (ran, wire.log())
}

/// What one outcome may say, given what its device saw: never more, never less.
#[track_caller]
fn expect_truth(what: &str, outcome: &Outcome, log: &Log) {
    let commands = log.times(COMMAND).len();
    assert_eq!(outcome.sent.is_some(), commands > 0, "{what}: {outcome:?}");
    assert_eq!(outcome.delivery == Delivery::None, commands == 0, "{what}: {outcome:?}");
    assert!(commands <= 1 && log.times(PASSWORD).len() <= 1, "{what}: {log:?}");
    assert_eq!(outcome.status == Status::Ok, outcome.delivery == Delivery::Confirmed, "{what}: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_of_a_session_writes_no_command_and_tells_how_far_it_got() {
    // Open at 20 ms; password at 40, command at 60, its reply at 80, the end of the log-out at 100.
    for at in (0..=110).step_by(5) {
        for is_cut in [false, true] {
            let what = format!("stopped at {at} ms, cut: {is_cut}");
            let wire = Wire { opens_after: 20, ..Wire::new(&[SLOW]) };
            let world = board();
            let stop = world.stop.clone();
            // The engine moves first: what comes at the moment of the stop is there when it sees that.
            let ((ran, log), ()) = tokio::join!(biased; run(world, &wire), async {
                sleep(Duration::from_millis(at)).await;
                stop.no_more(StopReason::Interrupt);
                if is_cut {
                    stop.cut(StopReason::Interrupt);
                }
            });
            let outcome = &ran.outcomes[0];
            expect_truth(&what, outcome, &log);
            for (bytes, name) in [(COMMAND, "command"), (PASSWORD, "password"), (b"\x7A", "first question")] {
                assert!(log.times(bytes).iter().all(|began| *began <= at), "{what}: {name} {log:?}");
            }
            match outcome.status {
                Status::Skipped => {
                    assert_eq!((outcome.reason, outcome.attempts), (Some(SkipReason::Interrupted), 0), "{what}");
                    assert!(at <= 60, "{what}: {outcome:?}");
                }
                Status::NoReply => {
                    assert_eq!(kind(outcome), Some(ErrorKind::Interrupted), "{what}");
                    assert!(is_cut && (60..=80).contains(&at), "{what}: {outcome:?}");
                }
                Status::Ok => assert!(at >= 60 && (at >= 80 || !is_cut), "{what}: {outcome:?}"),
                _ => panic!("{what}: {outcome:?}"),
            }
            // Whoever was let in is let out.
            assert_eq!(
                log.times(LOG_OUT).len(),
                usize::from(outcome.status == Status::Ok || log_in_was_answered(at, is_cut, &log)),
                "{what}: {log:?}"
            );
        }
    }
}

/// Whether the log-in was accepted and its command not written: the session is ended all the same.
fn log_in_was_answered(at: u64, is_cut: bool, log: &Log) -> bool {
    !log.times(PASSWORD).is_empty() && log.times(COMMAND).is_empty() && (!is_cut || at >= 60)
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_the_device_at_any_moment_of_a_session_tells_how_far_it_got() {
    for at in (5..=110).step_by(5) {
        let what = format!("deadline at {at} ms");
        let wire = Wire { opens_after: 20, ..Wire::new(&[SLOW]) };
        let mut world = board();
        world.flags.device_deadline = Some(Duration::from_millis(at));
        let (ran, log) = run(world, &wire).await;
        let outcome = &ran.outcomes[0];
        expect_truth(&what, outcome, &log);
        assert!(log.times(COMMAND).iter().all(|began| *began < at), "{what}: {log:?}");
        if outcome.status == Status::Ok {
            assert!(at >= 80, "{what}");
        } else {
            assert_eq!(kind(outcome), Some(ErrorKind::DeviceDeadline), "{what}: {outcome:?}");
            assert_eq!(outcome.elapsed, Duration::from_millis(at.max(20)), "{what}: connecting alone outlasts it here");
            assert_eq!(outcome.status == Status::Unreachable, at <= 20, "{what}: {outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_the_runtime_has_not_noticed_counts_in_every_wait_of_a_session() {
    // Three waits of 2 s, each of which ends with the last look.
    let wire = Wire { is_deaf: true, ..Wire::new(&[SLOW]) };
    let mut world = board();
    world.flags.reply_timeout = Some(Duration::from_secs(2));
    let (ran, log) = run(world, &wire).await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.elapsed), (Status::Ok, Duration::from_secs(6)), "{outcome:?}");
    expect_truth("deaf", outcome, &log);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_the_wire_has_not_taken_is_not_written_after_the_first_signal() {
    let tv = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
    let wire = Wire { clogged: Some((0, 500)), ..Wire::new(&[&[Hear(b"ka 01 01\r"), Say(b"a 01 OK01x")]]) };
    let world = World::new(tv, |_, _| Does::Nothing);
    let stop = world.stop.clone();
    let ((ran, log), ()) = tokio::join!(run(world, &wire), async {
        sleep(Duration::from_millis(100)).await;
        stop.no_more(StopReason::Interrupt);
    });
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.delivery), (Status::Skipped, Delivery::None), "{outcome:?}");
    assert_eq!(log.bytes(0), b"", "nothing was written before the signal, so nothing is after it");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_was_given_up_unwritten_does_not_go_out_with_the_log_out() {
    // The wire takes nothing from just before the command on: 30 to 150 ms; the device's time is over at 100.
    let wire = Wire { clogged: Some((30, 150)), ..Wire::new(&[SLOW]) };
    let mut world = board();
    world.flags.device_deadline = Some(Duration::from_millis(100));
    let (ran, log) = run(world, &wire).await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::Unreachable, Some(ErrorKind::DeviceDeadline)), "{outcome:?}");
    assert_eq!(log.times(COMMAND), [0_u64; 0], "it was not written: {log:?}");
    expect_truth("clogged", outcome, &log);
}

#[tokio::test(start_paused = true)]
async fn after_the_second_signal_nobody_waits_for_the_answer_to_a_log_out() {
    const NEVER_OUT: &[Turn] =
        &[Hear(b"\x7A"), Say(b"\x00"), Hear(PASSWORD), Say(b"\x01"), Hear(COMMAND), Pause(20), Say(b"\x00")];
    let wire = Wire::new(&[NEVER_OUT]);
    let world = board();
    let stop = world.stop.clone();
    let started = tokio::time::Instant::now();
    let (ran, ended) =
        tokio::join!(async { (world.run_over(wire.clone(), Record::default()).await, started.elapsed()) }, async {
            sleep(Duration::from_millis(50)).await;
            stop.no_more(StopReason::Interrupt);
            sleep(Duration::from_millis(50)).await;
            stop.cut(StopReason::Interrupt);
        })
        .0;
    assert_eq!(ran.outcomes[0].status, Status::Ok);
    assert!(ended < Duration::from_millis(200), "{ended:?}");
    assert_eq!(wire.log().times(LOG_OUT).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_the_first_signal_no_further_connection_is_opened() {
    // The first relay's connection is kept; its log-out, never answered, takes a second, in which the run stops.
    const NEVER_OUT: &[Turn] =
        &[Hear(b"\x7A"), Say(b"\x00"), Hear(PASSWORD), Say(b"\x01"), Hear(COMMAND), Say(b"\x00")];
    let two = format!(
        "{BOARD}[[device]]\nname = \"fan\"\naddress = \"10.0.0.1:17494\"\ntype = \"devantech-eth008\"\n\
                       params = {{ relay = 4, password = \"pear\" }}\n"
    );
    let world = World::new(&two, |_, _| Does::Nothing).command("20 {relay} 00");
    let wire = Wire::new(&[NEVER_OUT]);
    let stop = world.stop.clone();
    let ((ran, log), ()) = tokio::join!(run(world, &wire), async {
        sleep(Duration::from_millis(500)).await;
        stop.no_more(StopReason::Interrupt);
    });
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Skipped]);
    assert_eq!(log.tried, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_refused_is_never_said_again_whatever_was_said_between() {
    const REFUSES: &[Turn] = &[Hear(b"\x7A"), Say(b"\x00"), Hear(b"\x79a"), Say(b"\x02")];
    let relay = |name: &str, relay: u8, password: &str| {
        format!(
            "[[device]]\nname = \"{name}\"\naddress = \"10.0.0.1:17494\"\ntype = \"devantech-eth008\"\n\
                 params = {{ relay = {relay}, password = \"{password}\" }}\n"
        )
    };
    let four = [relay("pump", 1, "a"), relay("fan", 2, "b"), relay("lamp", 3, "a"), relay("bell", 4, "b")].concat();
    let world = World::new(&four, |_, _| Does::Nothing).command("20 {relay} 00");
    let wire = Wire::new(&[REFUSES]);
    let (ran, log) = run(world, &wire).await;
    for outcome in &ran.outcomes {
        assert_eq!((outcome.status, kind(outcome)), (Status::Rejected, Some(ErrorKind::AuthFailed)), "{outcome:?}");
        assert_eq!((outcome.delivery, &outcome.sent), (Delivery::None, &None), "{outcome:?}");
    }
    assert_eq!((log.times(b"\x79a").len(), log.times(b"\x79b").len()), (1, 1), "{log:?}");
    let tries: Vec<u32> = ran.outcomes.iter().map(|outcome| outcome.attempts).collect();
    assert_eq!(tries, [1, 1, 0, 0], "whoever was not asked was not tried");
}

#[tokio::test(start_paused = true)]
async fn a_busy_device_that_is_stopped_before_its_next_write_keeps_its_answer() {
    let tv = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
    let wire = Wire { opens_after: 200, ..Wire::new(&[&[Hear(b"ka 01 01\r"), Say(b"a 01 NG03x")]]) };
    let world = World::new(tv, |_, _| Does::Nothing);
    let stop = world.stop.clone();
    // Busy at 200 ms, the next connection from 1200 to 1400.
    let ((ran, log), ()) = tokio::join!(run(world, &wire), async {
        sleep(Duration::from_millis(1300)).await;
        stop.no_more(StopReason::Interrupt);
    });
    let outcome = &ran.outcomes[0];
    assert_eq!(log.tried, [0, 1200]);
    assert_eq!((outcome.status, outcome.delivery), (Status::Rejected, Delivery::Confirmed), "{outcome:?}");
    assert_eq!((kind(outcome), outcome.attempts), (Some(ErrorKind::Busy), 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_could_not_write_before_the_devices_deadline_is_not_made() {
    let tv = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
    let wire = Wire::new(&[&[Hear(b"ka 01 01\r")]]);
    let mut world = World::new(tv, |_, _| Does::Nothing);
    // 8 s without a reply, 250 ms of backoff; then 100 ms would have to be listened.
    world.flags.device_deadline = Some(Duration::from_millis(8300));
    let (ran, log) = run(world, &wire).await;
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, kind(outcome)), (Status::NoReply, Some(ErrorKind::ReplyTimeout)), "{outcome:?}");
    assert_eq!((outcome.attempts, log.tried.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_ends_between_two_devices_is_no_attempt_of_the_second() {
    const ENDS: &[Turn] = &[Hear(b"ka 01 01\r"), Say(b"a 01 OK01x"), Pause(50), Close];
    let wall = "[[device]]\nname = \"wall-[1-2]\"\naddress = \"10.0.0.7\"\nparams = { set_id = \"[1-2]\" }\n";
    let wire = Wire::new(&[ENDS, &[Hear(b"ka 02 01\r"), Say(b"a 02 OK01x")]]);
    let (ran, log) = run(World::new(wall, |_, _| Does::Nothing).command("ka {set_id} 01"), &wire).await;
    let ends: Vec<(Status, u32)> = ran.outcomes.iter().map(|outcome| (outcome.status, outcome.attempts)).collect();
    assert_eq!(ends, [(Status::Ok, 1), (Status::Ok, 1)]);
    assert_eq!(log.bytes(1), b"ka 02 01\r");
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_of_a_chain_writes_nothing_further() {
    // Open at 50 ms, the first reply at 100, the gap until 200, the second at 250: silent, so its time is over at 450,
    // and after 100 ms of backoff the line is listened to until 650.
    const CHAIN: &[Turn] = &[Hear(b"ka 01 01\r"), Pause(50), Say(b"a 01 OK01x"), Hear(b"ka 02 01\r")];
    let wall = "[[device]]\nname = \"wall-[1-2]\"\naddress = \"10.0.0.7\"\nparams = { set_id = \"[1-2]\" }\n";
    for at in (0..=700).step_by(25) {
        for how in ["first signal", "second signal", "deadline"] {
            let what = format!("{how} at {at} ms");
            let wire = Wire { opens_after: 50, ..Wire::new(&[CHAIN]) };
            let mut world = World::new(wall, |_, _| Does::Nothing).command("ka {set_id} 01");
            world.flags.backoff_initial = Some(Duration::from_millis(100));
            world.flags.reply_timeout = Some(Duration::from_millis(250));
            world.flags.retries = Some(1);
            world.limits.deadline = (how == "deadline").then_some(Duration::from_millis(at));
            let stop = world.stop.clone();
            let ((ran, log), ()) = tokio::join!(run(world, &wire), async {
                sleep(Duration::from_millis(at)).await;
                match how {
                    "first signal" => stop.no_more(StopReason::Interrupt),
                    "second signal" => stop.cut(StopReason::Interrupt),
                    _ => {}
                }
            });
            assert!(log.tried.iter().all(|tried| *tried <= at), "{what}: {log:?}");
            for (outcome, command) in ran.outcomes.iter().zip([&b"ka 01 01\r"[..], b"ka 02 01\r"]) {
                let written = log.times(command);
                assert!(written.iter().all(|began| *began <= at), "{what}: {log:?}");
                assert_eq!(outcome.sent.is_some(), !written.is_empty(), "{what}: {outcome:?}");
                assert_eq!(outcome.delivery == Delivery::None, written.is_empty(), "{what}: {outcome:?}");
                assert_eq!(outcome.status == Status::Skipped, written.is_empty(), "{what}: {outcome:?}");
                let reason = if how == "deadline" { SkipReason::Deadline } else { SkipReason::Interrupted };
                assert_eq!(outcome.reason, written.is_empty().then_some(reason), "{what}: {outcome:?}");
                if outcome.status != Status::Skipped {
                    let tries = usize::try_from(outcome.attempts).unwrap();
                    assert!(
                        tries == written.len() || kind(outcome) == Some(ErrorKind::Interrupted),
                        "{what}: {outcome:?}"
                    );
                }
            }
        }
    }
}
