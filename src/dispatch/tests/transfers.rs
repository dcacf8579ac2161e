//! Files that a reply announces: whole or not at all, at whatever byte or moment they end.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;

use super::wire::{Turn, Wire};
use super::world::{Does, Record, World};
use crate::model::{Delivery, ErrorKind, Outcome, Status, StopReason};

use Turn::{Close, Hear, Pause, Say};

const REQUEST: &[u8] = b"\x4C\0\0\0";
const HEADER: &[u8] = b"\x43\0\0\0\x29\0\0\0";
/// The 41 bytes that the header announces.
const FILE: &[u8] = b"SQLite format 3\0and some rooms and lamps.";
const OLD: &[u8] = b"the file of last week";

/// A folder with last week's file, and a run that fetches this week's.
fn hub() -> (TempDir, World) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("hub.db"), OLD).unwrap();
    let world = world(folder.path());
    (folder, world)
}

fn world(folder: &Path) -> World {
    let hub = "[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"10.0.0.1:5000\"\n";
    let mut world = World::new(hub, |_, _| Does::Nothing).fetches(format!("{}/{{name}}.db", folder.display()));
    world.flags.retries = Some(0);
    world
}

fn kind(outcome: &Outcome) -> Option<ErrorKind> {
    outcome.error.as_ref().map(|failure| failure.kind)
}

/// The folder holds one file, which is this one.
#[track_caller]
fn expect_only(folder: &TempDir, what: &str, content: &[u8]) {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["hub.db"], "{what}");
    assert_eq!(std::fs::read(folder.path().join("hub.db")).unwrap(), content, "{what}");
}

async fn fetch(world: World, wire: &Wire) -> Outcome {
    world.run_over(wire.clone(), Record::default()).await.outcomes.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_file_that_ends_or_stops_at_any_byte_is_no_file() {
    let whole: &'static [u8] = [HEADER, FILE].concat().leak();
    for sent in 0..whole.len() {
        for closes in [true, false] {
            let what = format!("{sent} bytes, closes: {closes}");
            let mut turns = vec![Hear(REQUEST), Say(&whole[..sent])];
            turns.extend(closes.then_some(Close));
            let script: &'static [&'static [Turn]] = vec![&*turns.leak()].leak();
            let (folder, world) = hub();
            let outcome = fetch(world, &Wire::new(script)).await;
            let expected = match (closes, sent) {
                (true, 0) => (Status::NoReply, ErrorKind::ConnectionClosed),
                (true, _) => (Status::BadReply, ErrorKind::ConnectionClosed),
                (false, _) => (Status::NoReply, ErrorKind::ReplyTimeout),
            };
            assert_eq!((outcome.status, kind(&outcome)), (expected.0, Some(expected.1)), "{what}: {outcome:?}");
            assert_eq!((outcome.delivery, outcome.file.is_none()), (Delivery::Unknown, true), "{what}: {outcome:?}");
            expect_only(&folder, &what, OLD);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_runtime_has_not_noticed_counts_at_the_end_of_its_wait() {
    const MORE: &[Turn] = &[Hear(REQUEST), Say(HEADER), Say(FILE), Say(b"bytes that nobody announced")];
    let (folder, world) = hub();
    let outcome = fetch(world, &Wire { is_deaf: true, ..Wire::new(&[MORE]) }).await;
    assert_eq!((outcome.status, outcome.delivery), (Status::Ok, Delivery::Confirmed), "{outcome:?}");
    expect_only(&folder, "deaf", FILE);
}

/// The header is noticed at 5 s, the end of its wait; the file comes in two parts, at 5.5 s and 6.5 s.
const PARTS: &[Turn] =
    &[Hear(REQUEST), Say(HEADER), Pause(5500), Say(FILE.split_at(20).0), Pause(1000), Say(FILE.split_at(20).1)];

#[tokio::test(start_paused = true)]
async fn what_ends_a_run_or_a_devices_time_asks_whether_the_whole_rest_is_there() {
    for (at, whole) in [(5200, false), (6000, false), (7000, true)] {
        for is_signal in [true, false] {
            let what = format!("at {at} ms, signal: {is_signal}");
            let (folder, mut world) = hub();
            if !is_signal {
                world.flags.device_deadline = Some(Duration::from_millis(at));
            }
            let stop = world.stop.clone();
            let wire = Wire { is_deaf: true, ..Wire::new(&[PARTS]) };
            let (outcome, ()) = tokio::join!(fetch(world, &wire), async {
                if is_signal {
                    sleep(Duration::from_millis(at)).await;
                    stop.cut(StopReason::Interrupt);
                }
            });
            let end = if is_signal { ErrorKind::Interrupted } else { ErrorKind::DeviceDeadline };
            if whole {
                assert_eq!(outcome.status, Status::Ok, "{what}: {outcome:?}");
                expect_only(&folder, &what, FILE);
            } else {
                assert_eq!((outcome.status, kind(&outcome)), (Status::NoReply, Some(end)), "{what}: {outcome:?}");
                assert_eq!((outcome.delivery, outcome.file.is_none()), (Delivery::Unknown, true), "{what}");
                expect_only(&folder, &what, OLD);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_lets_a_file_end_and_the_grace_ends_what_does_not() {
    const TWICE: &[Turn] = &[Hear(REQUEST), Say(HEADER), Pause(1000), Say(FILE)];
    for (grace, ends) in [(2000, true), (100, false)] {
        let (folder, mut world) = hub();
        world.limits.grace = Duration::from_millis(grace);
        let stop = world.stop.clone();
        let wire = Wire::new(&[TWICE]);
        let (outcome, ()) = tokio::join!(fetch(world, &wire), async {
            sleep(Duration::from_millis(500)).await;
            stop.no_more(StopReason::Interrupt);
        });
        assert_eq!(outcome.status == Status::Ok, ends, "{outcome:?}");
        assert_eq!(kind(&outcome), (!ends).then_some(ErrorKind::Interrupted));
        expect_only(&folder, "signal", if ends { FILE } else { OLD });
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_put_in_place_is_our_own_fault_and_leaves_nothing() {
    const LATER: &[Turn] = &[Hear(REQUEST), Say(HEADER), Pause(1000), Say(FILE)];
    let (folder, world) = hub();
    let target = folder.path().join("hub.db");
    let wire = Wire::new(&[LATER]);
    let (outcome, ()) = tokio::join!(fetch(world, &wire), async {
        sleep(Duration::from_millis(500)).await;
        std::fs::remove_file(&target).unwrap();
        std::fs::create_dir_all(target.join("not-empty")).unwrap();
    });
    assert_eq!((outcome.status, kind(&outcome)), (Status::NoReply, Some(ErrorKind::Internal)), "{outcome:?}");
    assert_eq!((outcome.delivery, outcome.file.is_none()), (Delivery::Unknown, true), "{outcome:?}");
    assert!(outcome.error.as_ref().unwrap().detail.contains("cannot be written"), "{outcome:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_runs_that_fetch_to_one_place_leave_one_whole_file() {
    const SLOW: &[Turn] =
        &[Hear(REQUEST), Say(HEADER), Pause(100), Say(FILE.split_at(20).0), Pause(100), Say(FILE.split_at(20).1)];
    const OTHER: &[u8] = b"SQLite format 3\0and other rooms and lamp.";
    const FAST: &[Turn] = &[Hear(REQUEST), Say(HEADER), Pause(150), Say(OTHER)];
    let (folder, one) = hub();
    let other = world(folder.path());
    let (slow, fast) = (Wire::new(&[SLOW]), Wire::new(&[FAST]));
    let (slow, fast) = tokio::join!(fetch(one, &slow), fetch(other, &fast));
    assert_eq!((slow.status, fast.status), (Status::Ok, Status::Ok));
    expect_only(&folder, "the later one", FILE);
    assert_ne!(slow.file.unwrap().sha256, fast.file.unwrap().sha256);
}
