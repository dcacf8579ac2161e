//! How long a reply took: from the write of the command that it answers, whatever came before and after.

use std::time::Duration;

use super::wire::{Turn, Wire};
use super::world::{Does, Opens, Record, World};
use crate::model::{Delivery, Outcome, Status};

const ONE: &str = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\n";
const ON: &str = "a 01 OK01x";

fn after(ms: u64, text: &'static str) -> Does {
    Does::ReplyAfter(Duration::from_millis(ms), text)
}

fn reply_ms(outcome: &Outcome) -> Option<f64> {
    outcome.reply_time.map(|time| time.seconds() * 1000.0)
}

async fn outcome(world: World) -> Outcome {
    world.run().await.outcomes.remove(0)
}

#[tokio::test(start_paused = true)]
async fn that_a_display_boots_for_long_is_no_part_of_its_reply_s_time() {
    let booting = World::new(ONE, |text, nth| match (text, nth) {
        ("ka 01 01", _) => after(120, ON),
        (_, ..=12) => Does::Reply("a 01 NG03x"),
        _ => after(300, ON),
    });
    let booted = outcome(booting.does("power-on", false, true)).await;
    assert_eq!((booted.status, booted.verified, reply_ms(&booted)), (Status::Ok, Some(true), Some(120.0)));
    assert!(booted.elapsed > Duration::from_secs(36), "{:?}", booted.elapsed);
    let never = World::new(ONE, |text, _| if text == "ka 01 01" { after(120, ON) } else { Does::Nothing });
    let never = outcome(never.does("power-on", false, true)).await;
    assert_eq!((never.status, reply_ms(&never)), (Status::NoReply, Some(120.0)), "the command was answered");
}

#[tokio::test(start_paused = true)]
async fn a_later_pass_that_finds_the_state_right_leaves_it_as_it_was() {
    let mut world = World::new(ONE, |text, nth| match (text, nth) {
        ("ka 01 01", _) => after(120, ON),
        (_, ..=15) => Does::Reply("a 01 OK00x"),
        _ => after(300, ON),
    });
    world.limits.pacing.until = Some(Duration::from_mins(10));
    let ran = world.does("power-on", false, true).run().await;
    let told = ran.record.requests().iter().filter(|(_, text)| text == "ka 01 01").count();
    assert_eq!((told, ran.record.begun_passes()), (1, 1), "one pass more, in which it was only asked");
    let outcome = &ran.outcomes[0];
    assert_eq!((outcome.status, outcome.verified, reply_ms(outcome)), (Status::Ok, Some(true), Some(120.0)));
}

#[tokio::test(start_paused = true)]
async fn it_is_that_of_the_attempt_that_counted_without_connecting_and_waits() {
    let slow = Opens::After(Duration::from_millis(700));
    let second = World::new(ONE, |_, nth| if nth == 1 { Does::Nothing } else { after(80, ON) });
    let second = outcome(second.opens("10.0.0.1:23", slow)).await;
    assert_eq!((second.status, second.attempts, reply_ms(&second)), (Status::Ok, 2, Some(80.0)));
    assert!(second.elapsed > Duration::from_secs(8), "{:?}", second.elapsed);
    let refused = outcome(World::new(ONE, |_, _| after(40, "a 01 NG02x"))).await;
    assert_eq!((refused.status, reply_ms(&refused)), (Status::Rejected, Some(40.0)), "a refusal is a reply");
}

#[tokio::test(start_paused = true)]
async fn where_no_valid_reply_came_there_is_none() {
    let mut broken: Vec<Outcome> = Vec::new();
    for does in [Does::Nothing, Does::Close, after(5, "a 01 OKx"), Does::Babble] {
        let mut world = World::new(ONE, move |_, _| does.clone());
        world.flags.retries = Some(0);
        broken.push(outcome(world).await);
    }
    broken.push(outcome(World::new(ONE, |_, _| Does::Nothing).opens("10.0.0.1:23", Opens::Refused)).await);
    // Busy, and then silent: the answer was to an attempt that does not count.
    let mut silent = World::new(ONE, |_, nth| if nth == 1 { after(30, "a 01 NG03x") } else { Does::Nothing });
    silent.flags.retries = Some(0);
    broken.push(outcome(silent.does("power-on", false, false)).await);
    for outcome in broken {
        assert_eq!((reply_ms(&outcome), outcome.delivery == Delivery::Confirmed), (None, false), "{outcome:?}");
    }
    let right = World::new(ONE, |_, _| after(20, ON)).does("power-on", true, false);
    let right = outcome(right).await;
    assert_eq!((right.status, right.delivery, reply_ms(&right)), (Status::Ok, Delivery::None, None), "only asked");
    let all = outcome(World::new(ONE, |_, _| after(20, ON)).command("ka 00 01")).await;
    assert_eq!((all.status, reply_ms(&all)), (Status::Sent, None), "a broadcast is not answered");
}

#[tokio::test(start_paused = true)]
async fn of_a_file_it_is_the_time_until_it_was_announced() {
    let folder = tempfile::tempdir().unwrap();
    let hub = "[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"10.0.0.1:5000\"\n";
    let world = World::new(hub, |_, _| Does::Nothing).fetches(format!("{}/{{name}}.db", folder.path().display()));
    let wire = Wire::new(&[&[
        Turn::Hear(b"\x4C\0\0\0"),
        Turn::Pause(60),
        Turn::Say(b"\x43\0\0\0\x10\0\0\0"),
        Turn::Pause(2000),
        Turn::Say(b"SQLite format 3\0"),
    ]]);
    let fetched = world.run_over(wire, Record::default()).await.outcomes.remove(0);
    assert_eq!((fetched.status, reply_ms(&fetched)), (Status::Ok, Some(60.0)), "{fetched:?}");
    assert!(fetched.elapsed >= Duration::from_secs(2), "{:?}", fetched.elapsed);
}
