//! What earlier runs measured makes a run shorter.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::world::{Does, Opens, World};
use crate::model::{RunEvent, Status};

/// How long it takes until a gateway is open: lognormal with a median of 120 ms, as displays answer.
fn latencies(count: usize) -> Vec<Duration> {
    let mut random = SmallRng::seed_from_u64(7);
    let mut one = || {
        let (angle, radius) = (random.random::<f64>() * std::f64::consts::TAU, random.random::<f64>());
        let latency = 120.0 * (0.5 * (-2.0 * (1.0 - radius).ln()).sqrt() * angle.cos()).exp();
        Duration::from_secs_f64(latency.round() / 1000.0)
    };
    (0..count).map(|_| one()).collect()
}

/// A run over displays on gateways of their own, as a multiple of what no order can beat.
async fn ratio(devices: usize, concurrency: usize, is_measured: bool) -> f64 {
    let many = format!("[[device]]\nname = \"tv-[1-{devices}]\"\naddress = \"10.0.[1-{}].[1-100]\"\n", devices / 100);
    let mut world = World::new(&many, |_, _| Does::Reply("a 01 OK01x"));
    world.limits.concurrency = concurrency;
    let (mut plan, latencies) = (world.plan(), latencies(devices));
    for (device, &latency) in plan.devices.iter().zip(&latencies) {
        world = world.opens(&device.address.to_string(), Opens::After(latency));
    }
    if is_measured {
        plan.expect(&latencies.iter().copied().map(Some).collect::<Vec<_>>());
    }
    let ran = world.run_plan(plan).await;
    assert!(ran.outcomes.iter().all(|outcome| outcome.status == Status::Ok));
    let Some(RunEvent::RunFinished { elapsed, .. }) = ran.events.last() else { panic!() };
    let sum: Duration = latencies.iter().sum();
    let bound = (sum / u32::try_from(concurrency).unwrap()).max(*latencies.iter().max().unwrap());
    elapsed.as_secs_f64() / bound.as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_second_run_ends_within_a_twentieth_of_what_no_order_can_beat() {
    for (devices, concurrency) in [(300, 50), (1200, 100)] {
        let (first, second) = (ratio(devices, concurrency, false).await, ratio(devices, concurrency, true).await);
        assert!(second <= 1.05, "{devices}: {second:.3}");
        assert!(first > 1.1, "{devices}: without the measured times it is {first:.3}, or the test shows nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_never_measured_is_taken_for_an_ordinary_one() {
    let four = "[[device]]\nname = \"tv-[1-4]\"\naddress = \"10.0.0.[1-4]\"\n";
    let mut world = World::new(four, |_, _| Does::ReplyAfter(Duration::from_millis(100), "a 01 OK01x"));
    world.limits.concurrency = 1;
    let mut plan = world.plan();
    let ms = |ms| Some(Duration::from_millis(ms));
    plan.expect(&[ms(100), None, ms(300), ms(200)]);
    let seen: Vec<String> =
        world.run_plan(plan).await.record.starts().into_iter().map(|(_, gateway)| gateway).collect();
    assert_eq!(seen, ["10.0.0.3:23", "10.0.0.2:23", "10.0.0.4:23", "10.0.0.1:23"], "its median is 200 ms");
}
