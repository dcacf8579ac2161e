//! Which connections serve the next device of a lane: those on which nothing is owed, or only what names its device.

use std::sync::Arc;

use super::wire::{Turn, Wire};
use super::world::{Does, Record, World};
use crate::model::{DeviceIndex, ErrorKind, Outcome, Status};
use crate::plan::Lanes;

use Turn::{Close, Hear, Pause, Say};

const FIRST: &[u8] = b"ka 01 01\r";
const SECOND: &[u8] = b"ka 02 01\r";
const RIGHT: &[Turn] = &[Hear(SECOND), Say(b"a 02 OK01x")];

/// Two displays of one line, or two relays of one board.
fn two(kind: &str) -> World {
    let (address, param) = if kind == "lg-rs232" { ("10.0.0.7", "set_id") } else { ("10.0.0.7:17494", "relay") };
    let inventory = format!(
        "[[device]]\nname = \"d-[1-2]\"\ntype = \"{kind}\"\naddress = \"{address}\"\nparams = {{ {param} = \"[1-2]\" }}\n"
    );
    let mut world = World::new(&inventory, |_, _| Does::Nothing);
    world.flags.retries = Some(0);
    world
}

fn told(outcome: &Outcome) -> (Status, Option<ErrorKind>) {
    (outcome.status, outcome.error.as_ref().map(|failure| failure.kind))
}

/// What the first device comes to, and the bytes on each connection.
async fn run(world: World, wire: Wire) -> ((Status, Option<ErrorKind>), Vec<Vec<u8>>) {
    let ran = world.run_over(wire.clone(), Record::default()).await;
    let log = wire.log();
    (told(&ran.outcomes[0]), (0..log.connections.len()).map(|one| log.bytes(one)).collect())
}

#[tokio::test(start_paused = true)]
async fn the_next_display_speaks_over_the_same_connection_where_no_answer_can_be_taken_for_its_own() {
    use ErrorKind::{ConnectionClosed, GatewayBusy, ReplyTimeout, ReplyTooLong};
    const LONG: &[u8] = &[b'z'; 5000];
    let both = [FIRST, SECOND].concat();
    for (what, script, is_kept, end) in [
        ("an answer", &[Hear(FIRST), Say(b"a 01 OK01x")][..], true, (Status::Ok, None)),
        ("a no", &[Hear(FIRST), Say(b"a 01 NG00x")], true, (Status::Rejected, Some(ErrorKind::Refused))),
        ("silence", &[Hear(FIRST)], true, (Status::NoReply, Some(ReplyTimeout))),
        ("a part of an answer", &[Hear(FIRST), Say(b"a 01 O")], true, (Status::NoReply, Some(ReplyTimeout))),
        ("babbling", &[Hear(FIRST), Say(LONG)], false, (Status::BadReply, Some(ReplyTooLong))),
        ("an end", &[Hear(FIRST), Pause(10), Close], false, (Status::NoReply, Some(ConnectionClosed))),
        (
            "a gateway that is occupied, and does not hang up",
            &[Hear(FIRST), Say(b"Port already in use\r\n")],
            false,
            (Status::Unreachable, Some(GatewayBusy)),
        ),
    ] {
        let scripts: &'static [&'static [Turn]] = vec![&*script.to_vec().leak(), RIGHT].leak();
        let (first, seen) = run(two("lg-rs232"), Wire::new(scripts)).await;
        assert_eq!(first, end, "{what}");
        let expected = if is_kept { vec![both.clone()] } else { vec![FIRST.to_vec(), SECOND.to_vec()] };
        assert_eq!(seen, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_part_of_a_command_comes_no_other_one() {
    for takes in 1..FIRST.len() {
        let wire = Wire { takes: Some(takes), ..Wire::new(&[&[], RIGHT]) };
        let (first, seen) = run(two("lg-rs232"), wire).await;
        assert_eq!(first, (Status::NoReply, Some(ErrorKind::ReplyTimeout)), "after {takes} bytes");
        assert_eq!(seen, [&FIRST[..takes], SECOND], "after {takes} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_answers_a_part_of_a_command_is_no_answer_to_it() {
    const EARLY: &[Turn] = &[Hear(FIRST.split_at(4).0), Say(b"a 01 OK01x")];
    let wire = Wire { takes: Some(4), ..Wire::new(&[EARLY, RIGHT]) };
    let (first, seen) = run(two("lg-rs232"), wire).await;
    assert_eq!(first, (Status::NoReply, Some(ErrorKind::ReplyTimeout)));
    assert_eq!(seen, [&FIRST[..4], SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_relay_whose_late_answer_would_name_nobody_has_the_connection_to_itself() {
    let world = || two("devantech-eth008").does("relay-on", false, false);
    let (first, seen) =
        run(world(), Wire::new(&[&[Hear(b"\x20\x01\x00")], &[Hear(b"\x20\x02\x00"), Say(b"\0")]])).await;
    assert_eq!(first, (Status::NoReply, Some(ErrorKind::ReplyTimeout)));
    assert_eq!(seen, [b"\x20\x01\x00", b"\x20\x02\x00"]);
    let answers: &[&[Turn]] = &[&[Hear(b"\x20\x01\x00"), Say(b"\0"), Hear(b"\x20\x02\x00"), Say(b"\0")]];
    let (first, seen) = run(world(), Wire::new(answers)).await;
    assert_eq!((first.0, seen), (Status::Ok, vec![b"\x20\x01\x00\x20\x02\x00".to_vec()]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_half_is_closed_serves_nobody_else() {
    let world = two("lg-rs232").adjusted(|plan| {
        let mut link = (*plan.jobs[0].link).clone();
        link.half_close = true;
        let link = Arc::new(link);
        plan.jobs.iter_mut().for_each(|job| Arc::make_mut(job).link = link.clone());
    });
    let (first, seen) = run(world, Wire::new(&[&[Hear(FIRST), Say(b"a 01 OK01x")], RIGHT])).await;
    assert_eq!((first, seen), ((Status::Ok, None), vec![FIRST.to_vec(), SECOND.to_vec()]));
}

#[tokio::test(start_paused = true)]
async fn behind_a_broadcast_the_next_command_has_a_connection_of_its_own() {
    let world = two("lg-rs232").adjusted(|plan| {
        let one = "[[device]]\nname = \"all\"\naddress = \"10.0.0.7\"\n";
        Arc::make_mut(&mut plan.jobs[0]).request =
            World::new(one, |_, _| Does::Nothing).command("ka 00 01").plan().jobs[0].request.clone();
    });
    let (first, seen) = run(world, Wire::new(&[&[Hear(b"ka 00 01\r")], RIGHT])).await;
    assert_eq!((first, seen), ((Status::Sent, None), vec![b"ka 00 01\r".to_vec(), SECOND.to_vec()]));
}

#[tokio::test(start_paused = true)]
async fn behind_a_file_whole_or_not_the_next_hub_has_a_connection_of_its_own() {
    const REQUEST: &[u8] = b"\x4C\0\0\0";
    const HEADER: &[u8] = b"\x43\0\0\0\x10\0\0\0";
    const RIGHT: &[u8] = b"SQLite format 3\0";
    for (file, end) in
        [(RIGHT, (Status::Ok, None)), (b"no such file yet", (Status::BadReply, Some(ErrorKind::MalformedReply)))]
    {
        let hubs = "[[device]]\nname = \"hub-[1-2]\"\ntype = \"smart-home-hub\"\naddress = \"10.0.0.[1-2]:5000\"\n";
        let folder = tempfile::TempDir::new().unwrap();
        let save = format!("{}/{{name}}.db", folder.path().display());
        // A hub has no unit, so two of one gateway are a lane only where it is planned so by hand.
        let mut world = World::new(hubs, |_, _| Does::Nothing).fetches(save).adjusted(|plan| {
            plan.lanes = Lanes::among(&[DeviceIndex(0), DeviceIndex(1)], &[0, 0]).0;
            Arc::make_mut(&mut plan.jobs[1]).link = plan.jobs[0].link.clone();
            assert!(plan.jobs[0].link.reuse);
        });
        world.flags.retries = Some(0);
        let turns: [Turn; 3] = [Hear(REQUEST), Say(HEADER), Say(file)];
        let scripts: &'static [&'static [Turn]] = vec![&*turns.to_vec().leak()].leak();
        assert_eq!(run(world, Wire::new(scripts)).await, (end, vec![REQUEST.to_vec(); 2]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_found_behind_a_reset_counts_and_its_connection_serves_nobody_else() {
    let wire = Wire { resets_at: Some(500), ..Wire::new(&[&[Hear(FIRST), Say(b"a 01 OK01x")], RIGHT]) };
    let (first, seen) = run(two("lg-rs232"), wire).await;
    assert_eq!((first, seen), ((Status::Ok, None), vec![FIRST.to_vec(), SECOND.to_vec()]));
}

#[tokio::test(start_paused = true)]
async fn behind_an_answer_that_makes_no_sense_the_next_relay_has_a_connection_of_its_own() {
    let world = two("devantech-eth008").does("relay-on", false, false);
    let odd: &[&[Turn]] = &[&[Hear(b"\x20\x01\x00"), Say(b"\x05")], &[Hear(b"\x20\x02\x00"), Say(b"\0")]];
    let (first, seen) = run(world, Wire::new(odd)).await;
    assert_eq!(first, (Status::BadReply, Some(ErrorKind::MalformedReply)));
    assert_eq!(seen, [b"\x20\x01\x00", b"\x20\x02\x00"]);
}
