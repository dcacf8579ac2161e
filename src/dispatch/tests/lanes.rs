//! Who shares what: chains, connections, gaps, slots and sites.

use std::sync::Arc;
use std::time::Duration;

use super::world::{Does, Opens, World};
use crate::model::{Ended, SkipReason, Status};

const WALL: &str = "[[device]]\nname = \"wall-[1-3]\"\naddress = \"10.0.0.7\"\nparams = { set_id = \"[1-3]\" }\n";

fn answer(request: &str) -> Does {
    match request.get(3..5) {
        Some("01") => Does::Reply("a 01 OK01x"),
        Some("02") => Does::Reply("a 02 OK01x"),
        _ => Does::Reply("a 03 OK01x"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_served_in_order_over_one_connection_with_the_gap_between() {
    let ran = World::new(WALL, |request, _| answer(request)).run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    let seen = ran.record.requests();
    assert_eq!(seen, [(0, "ka 01 01".into()), (100, "ka 02 01".into()), (200, "ka 03 01".into())]);
    assert_eq!(ran.record.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_serves_only_devices_that_are_connected_to_in_the_same_way() {
    let world = World::new(WALL, |request, _| answer(request)).adjusted(|plan| {
        // Equal settings are one `Arc`: another is another way.
        let link = Arc::new((*plan.jobs[1].link).clone());
        Arc::make_mut(&mut plan.jobs[1]).link = link;
    });
    let ran = world.run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    assert_eq!(ran.record.connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_display_in_a_chain_holds_nobody_up_while_it_waits() {
    let ran =
        World::new(WALL, |request, _| if request == "ka 01 01" { Does::Nothing } else { answer(request) }).run().await;
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::NoReply, Status::Ok, Status::Ok]);
    let seen: Vec<(u128, String)> = ran.record.requests();
    let order: Vec<&str> = seen.iter().map(|(_, request)| request.split(' ').nth(1).unwrap()).collect();
    // Display 1 is due again at 8,250 ms; until then the others are served, at 8,100 and 8,200 ms.
    assert_eq!(order, ["01", "02", "03", "01", "01"]);
    assert_eq!(seen[1].0, 8100, "the connection stays: a late answer would name its display");
}

#[tokio::test(start_paused = true)]
async fn lanes_that_start_together_connect_before_one_of_them_writes() {
    let many = "[[device]]\nname = \"tv-[01-50]\"\naddress = \"10.0.1.[1-50]\"\n";
    let ran = World::new(many, |_, _| Does::Reply("a 01 OK01x")).run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    assert_eq!(ran.record.open_at_writes(), [50; 50]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_waits_occupies_no_slot() {
    let two = "[[device]]\nname = \"tv-[1-2]\"\naddress = \"10.0.0.[1-2]\"\n";
    let mut world = World::new(two, |_, _| Does::Reply("a 01 OK01x")).opens("10.0.0.1:23", Opens::Refused);
    world.limits.concurrency = 1;
    world.flags.backoff_initial = Some(Duration::from_secs(4));
    let ran = world.run().await;
    assert_eq!(ran.outcomes[1].elapsed, Duration::ZERO);
    assert_eq!(ran.record.requests(), [(0, "ka 01 01".to_owned())]);
    assert_eq!((ran.outcomes[0].status, ran.outcomes[0].attempts), (Status::Unreachable, 3));
}

#[tokio::test(start_paused = true)]
async fn no_more_lanes_are_open_at_once_than_allowed() {
    let many = "[[device]]\nname = \"tv-[001-200]\"\naddress = \"10.0.1.[1-200]\"\n";
    let slow = |_: &str, _: usize| Does::ReplyAfter(Duration::from_secs(1), "a 01 OK01x");
    let mut world = World::new(many, slow);
    world.limits.concurrency = 20;
    let ran = world.run().await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    for round in 0..10 {
        let started = ran.record.requests().iter().filter(|(at, _)| *at == round * 1000).count();
        assert_eq!(started, 20, "ten rounds of a second, twenty at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sites_cap_holds_beside_the_others() {
    let sites = "[sites.hq]\nmax_concurrency = 2\n[[device]]\nname = \"hq-[1-6]\"\naddress = \"10.0.1.[1-6]\"\nsite = \"hq\"\n\
                 [[device]]\nname = \"far-[1-6]\"\naddress = \"10.0.2.[1-6]\"\n";
    let slow = |_: &str, _: usize| Does::ReplyAfter(Duration::from_secs(1), "a 01 OK01x");
    let ran = World::new(sites, slow).run().await;
    let at: Vec<u128> = ran.record.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(at.iter().filter(|&&at| at == 0).count(), 8, "two of the site, six of elsewhere");
    assert_eq!((at.iter().filter(|&&at| at == 1000).count(), at.iter().filter(|&&at| at == 2000).count()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_dead_device_costs_the_fleet_its_own_time_and_not_the_sum() {
    let many = "[[device]]\nname = \"tv-[001-300]\"\naddress = \"10.0.[1-3].[1-100]\"\n";
    let reply = |_: &str, _: usize| Does::ReplyAfter(Duration::from_millis(120), "a 01 OK01x");
    let mut world = World::new(many, reply);
    for dead in 1..=15 {
        world = world.opens(&format!("10.0.2.{dead}:23"), Opens::Never);
    }
    world.limits.concurrency = 300;
    let ran = world.run().await;
    let dead: Vec<_> = ran.outcomes.iter().filter(|outcome| outcome.status == Status::Unreachable).collect();
    assert_eq!(dead.len(), 15);
    // Three connects of 3 s, 250 and 500 ms between.
    assert!(dead.iter().all(|outcome| outcome.elapsed == Duration::from_millis(9750)));
    assert!(ran.outcomes.iter().filter(|one| one.status == Status::Ok).all(|one| one.elapsed.as_millis() == 120));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_lane_costs_one_device_and_not_the_run() {
    let three = "[[device]]\nname = \"tv-[1-3]\"\naddress = \"10.0.0.[1-3]\"\n";
    let world = World::new(three, |_, _| Does::Reply("a 01 OK01x")).opens("10.0.0.2:23", Opens::Panics);
    let ran = world.run().await;
    let statuses: Vec<Status> = ran.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Skipped, Status::Ok]);
    assert_eq!(ran.outcomes[1].reason, Some(SkipReason::Internal));
    assert_eq!(ran.ended, Ended::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_the_gateway_closed_is_opened_again_without_an_attempt() {
    let closing = |request: &str, nth: usize| match (request, nth) {
        ("ka 01 01", _) => Does::Reply("a 01 OK01x"),
        // The gateway leaves after the first reply: the script closes when the second request arrives on it.
        ("ka 02 01", 1) => Does::Close,
        _ => answer(request),
    };
    let ran = World::new(WALL, closing).run().await;
    // The close came after the write here, so it is an unanswered attempt of the second display, repeated.
    assert_eq!(ran.outcomes.iter().map(|one| one.attempts).collect::<Vec<_>>(), [1, 2, 1]);
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lanes_end_once_each() {
    let many = "[[device]]\nname = \"tv-[00001-10000]\"\naddress = \"10.[1-4].[1-50].[1-50]\"\n";
    let mut world = World::new(many, |_, _| Does::ReplyAfter(Duration::from_millis(100), "a 01 OK01x"));
    world.limits.concurrency = 500;
    let ran = world.run().await;
    assert_eq!(ran.outcomes.iter().filter(|outcome| outcome.status == Status::Ok).count(), 10_000);
    assert_eq!(ran.record.connections(), 10_000);
}
