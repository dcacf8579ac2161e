//! What is known of one device while it is under way, step by step: its own time, what may come back, and what is counted.

use std::time::Duration;

use tokio::time::Instant;

use super::super::checking::{First, Phase, first_answer};
use super::super::policy::Tried;
use super::super::record::{Record, RunClock};
use super::world::{Does, World};
use crate::model::{Delivery, ErrorKind, Failure, Outcome, Status, StopReason, UnixMillis, Value};
use crate::plan::{Job, Plan};
use crate::session::{Attempt, Ending, Keep};

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const SECOND: Duration = Duration::from_secs(1);

fn power_on(if_needed: bool, verify: bool) -> Plan {
    World::new(ONE, |_, _| Does::Nothing).does("power-on", if_needed, verify).plan()
}

fn job(plan: &Plan) -> &Job {
    &plan.jobs[0]
}

fn made(ending: Ending, written: bool) -> Attempt {
    Attempt { ending, written, reply: None, reply_time: None, file: None, keep: Keep::No }
}

fn failed(kind: ErrorKind, written: bool) -> Attempt {
    let status = if written { Status::NoReply } else { Status::Unreachable };
    made(Ending::Failed { status, failure: Failure::new(kind) }, written)
}

fn acknowledged() -> Attempt {
    made(Ending::Acknowledged { value: None }, true)
}

fn on() -> Value {
    Value::Text("on".into())
}

fn outcome(record: Record, job: &Job, now: Instant) -> Outcome {
    record.outcome(job, now, &RunClock { started: now, started_at: UnixMillis(0) })
}

#[test]
fn only_a_device_whose_command_was_never_tried_waits_for_its_start_again() {
    let plan = power_on(true, false);
    let begun = Instant::now();
    let mut record = Record::new(begun, job(&plan));
    assert!(matches!(record.phase, Phase::Asking));
    record.waits_for_start();
    assert!(!record.awaits_start, "its question is under way, not its start");
    record.begin_command();
    record.starts(begun + SECOND);
    assert_eq!((record.started, record.awaits_start), (begun + SECOND, false), "its time begins with its command");
    record.waits_for_start();
    assert!(record.awaits_start, "its turn came too late: nothing was tried");
    record.starts(begun + 2 * SECOND);
    assert_eq!(record.started, begun + 2 * SECOND);
    record.take_in(failed(ErrorKind::ReplyTimeout, true), SECOND);
    record.waits_for_start();
    record.starts(begun + 9 * SECOND);
    assert_eq!(record.started, begun + 2 * SECOND, "a second attempt has no time of its own");
}

#[test]
fn a_device_is_late_when_its_time_is_over_and_its_outcome_known() {
    let plan = power_on(true, true);
    let begun = Instant::now();
    let mut record = Record::new(begun, job(&plan));
    let over = record.time_over(job(&plan));
    assert_eq!(over, begun + job(&plan).timing.device_deadline);
    assert!(!record.is_late(job(&plan), over), "nothing was tried yet: that would be no outcome");
    record.take_in(failed(ErrorKind::ConnectionRefused, false), SECOND);
    assert!(!record.is_late(job(&plan), over - Duration::from_millis(1)));
    assert!(record.is_late(job(&plan), over));
    record.begin_command();
    assert!(!record.is_late(job(&plan), over), "its time begins with its command");
    record.awaits_start = false;
    record.take_in(acknowledged(), SECOND);
    record.phase = Phase::verifying(job(&plan).check.as_ref().unwrap(), begun);
    assert!(!record.is_late(job(&plan), over + SECOND), "a display that boots has the type's time");
}

#[test]
fn what_has_an_outcome_is_what_was_judged() {
    let plan = power_on(false, false);
    let mut record = Record::new(Instant::now(), job(&plan));
    assert!(!record.has_outcome() && !record.is_success());
    record.take_in(failed(ErrorKind::ConnectionRefused, false), SECOND);
    assert!(record.has_outcome() && !record.is_success());
    record.take_in(acknowledged(), SECOND);
    assert!(record.has_outcome() && record.is_success());
}

#[test]
fn a_device_that_was_given_up_gets_no_further_pass() {
    let plan = power_on(false, false);
    let mut record = Record::new(Instant::now(), job(&plan));
    assert!(!record.may_come_back(job(&plan)), "nothing has failed");
    record.take_in(failed(ErrorKind::ConnectTimeout, false), SECOND);
    assert!(record.may_come_back(job(&plan)));
    record.give_up();
    assert!(!record.may_come_back(job(&plan)));
}

#[test]
fn an_attempt_that_the_devices_deadline_has_ended_is_the_last_and_counts_as_no_silence() {
    let plan = power_on(false, false);
    let mut record = Record::new(Instant::now(), job(&plan));
    assert_eq!(record.take_in(failed(ErrorKind::DeviceDeadline, true), SECOND), Some(Tried::Settled));
    assert_eq!(record.failed, 0);
    let silent = record.take_in(failed(ErrorKind::ReplyTimeout, true), SECOND);
    assert_eq!((silent, record.failed), (Some(Tried::Unanswered { delivery: Delivery::Unknown }), 1));
}

#[test]
fn only_what_has_acknowledged_its_command_last_is_asked_whether_it_obeyed() {
    let plan = power_on(true, true);
    let mut right = Record::new(Instant::now(), job(&plan));
    right.right_already(on(), None);
    assert!(right.is_success() && !right.is_acknowledged(), "it was never told");
    let mut told = Record::new(Instant::now(), job(&plan));
    told.take_in(acknowledged(), SECOND);
    assert!(told.is_acknowledged());
    told.not_verified(Status::Mismatch, Failure::new(ErrorKind::Mismatch));
    assert!(!told.is_acknowledged(), "that is over");
}

#[test]
fn a_device_is_untouched_until_it_was_asked_or_tried() {
    let plan = power_on(true, false);
    let mut record = Record::new(Instant::now(), job(&plan));
    assert!(record.is_untouched());
    record.was_asked = true;
    assert!(!record.is_untouched());
    record.was_asked = false;
    record.take_in(failed(ErrorKind::ConnectionRefused, false), SECOND);
    assert!(!record.is_untouched());
}

#[test]
fn the_attempt_that_a_stop_or_a_fault_of_ours_ends_is_counted() {
    let plan = power_on(false, false);
    let now = Instant::now();
    let mut stopped = Record::new(now, job(&plan));
    assert!(stopped.stopped(StopReason::Interrupt, true, None));
    let stopped = outcome(stopped, job(&plan), now);
    assert_eq!((stopped.status, stopped.delivery, stopped.attempts), (Status::NoReply, Delivery::Unknown, 1));
    let mut broken = Record::new(now, job(&plan));
    broken.panicked("planted", true);
    let broken = outcome(broken, job(&plan), now);
    assert_eq!((broken.status, broken.delivery, broken.attempts), (Status::NoReply, Delivery::Unknown, 1));
    assert!(broken.sent.is_some() && broken.error.is_some_and(|failure| failure.kind == ErrorKind::Internal));
}

#[test]
fn a_device_that_was_never_told_is_neither_verified_nor_changed() {
    let now = Instant::now();
    for (if_needed, verify) in [(false, false), (false, true), (true, false), (true, true)] {
        let plan = power_on(if_needed, verify);
        let skipped = outcome(Record::new(now, job(&plan)), job(&plan), now);
        assert_eq!(skipped.status, Status::Skipped);
        assert_eq!((skipped.verified, skipped.changed), (verify.then_some(false), if_needed.then_some(false)));
    }
}

#[test]
fn what_the_first_question_comes_to_says_whether_the_device_is_told() {
    let plan = power_on(true, false);
    let check = job(&plan).check.as_deref().unwrap();
    let first = |ending, written| first_answer(check, &made(ending, written));
    let shows = |word: &str| Ending::Acknowledged { value: Some(Value::Text(word.into())) };
    let refused = |kind| Ending::Refused(Failure::new(kind));
    let silent = |written| failed(ErrorKind::ReplyTimeout, written).ending;
    assert_eq!(first(shows("on"), true), First::Right(on()));
    assert_eq!(first(shows("off"), true), First::Tell { is_answered: true });
    assert_eq!(first(refused(ErrorKind::Refused), true), First::Tell { is_answered: true });
    assert_eq!(first(silent(true), true), First::Tell { is_answered: false });
    for (ending, written) in [
        (silent(false), false),
        (refused(ErrorKind::AuthFailed), true),
        (Ending::Stopped(StopReason::Interrupt), true),
        (Ending::Exhausted("no files".to_owned()), true),
        (Ending::Denied("not allowed".to_owned()), true),
        (Ending::NotSoon, false),
    ] {
        assert_eq!(first(ending.clone(), written), First::NotAsked, "{ending:?}");
    }
}

#[test]
fn only_the_first_question_about_the_effect_may_begin_after_its_time() {
    let plan = power_on(false, true);
    let check = job(&plan).check.as_deref().unwrap();
    let now = Instant::now();
    let (within, answers) = (check.within, check.timing.connect_timeout + check.timing.reply_timeout);
    let late = now + within + SECOND;
    for (seen, may) in [
        (None, late + answers),
        (Some(Ending::Acknowledged { value: Some(Value::Text("off".into())) }), now + within + answers),
        (Some(Ending::Busy(Failure::new(ErrorKind::Busy))), now + within + answers),
    ] {
        let Phase::Verifying(mut verifying) = Phase::verifying(check, now) else { unreachable!() };
        if let Some(ending) = seen {
            _ = verifying.take_in(check, ending, now);
        }
        assert_eq!(verifying.deadline(check, late), may);
    }
}
