//! 300 displays that take 120 ms in the middle: the run costs about the slowest of them, never their sum.

use std::io::Write;
use std::time::Duration;

use crate::support::{Expected, FakeFleet, Step, Workspace};

const DISPLAYS: u32 = 300;

/// A latency like those of the field: lognormal, median 120 ms, sigma 0.5, the `index`-th of 300 quantiles.
fn latency(index: u32) -> Duration {
    // The logistic curve is close to the normal one and needs no table.
    let share = (f64::from(index) + 0.5) / f64::from(DISPLAYS);
    let deviation = (share / (1.0 - share)).ln() / 1.702;
    Duration::from_secs_f64(0.120 * (0.5 * deviation).exp())
}

fn address(index: u32) -> String {
    format!("127.7.{}.{}", index / 100, index % 100 + 1)
}

/// Runs over all 300, every `silent_every`-th silent; the wall time and the sum of what the displays took.
fn run(silent_every: Option<u32>, arguments: &[&str]) -> (Duration, Duration) {
    let fleet = FakeFleet::start();
    let mut sum = Duration::ZERO;
    for index in 0..DISPLAYS {
        let silent = silent_every.is_some_and(|every| index % every == 0);
        let steps = if silent { vec![] } else { vec![Step::Pause(latency(index)), Step::Reply] };
        sum += if silent { Duration::from_secs(2 * 2) } else { latency(index) };
        fleet.on_command(&address(index), 1, vec![steps]);
    }
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[000-299]\"\ntype = \"lg-rs232\"\naddress = \"127.7.[0-2].[1-100]:{}\"\n",
        fleet.port()
    ));
    let all = [&["run", "--cmd", "ka 01 01", "--concurrency", "300", "--format", "json"], arguments].concat();
    let finished = workspace.fleetctl(&all);
    let report = finished.report();
    for index in 0..DISPLAYS {
        let name = format!("tv-{index:03}");
        let expected = match silent_every {
            Some(every) if index % every == 0 => {
                Expected { status: "no_reply", kind: Some("reply_timeout"), delivery: "unknown", attempts: 2 }
            }
            _ => Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 },
        };
        report.expect(&name, expected);
    }
    finished.expect_status(i32::from(silent_every.is_some()));
    (finished.wall, sum)
}

#[test]
fn healthy_displays_cost_about_one_latency() {
    let (wall, sum) = run(None, &[]);
    writeln!(std::io::stderr(), "300 displays, median 120 ms: {wall:.2?} of {sum:.2?} one by one").unwrap();
    assert!(wall < sum / 10, "{wall:?}: the displays were served one after another");
}

#[test]
fn a_twentieth_of_silent_displays_costs_one_timeout_and_its_retries() {
    let arguments = ["--reply-timeout", "2s", "--retries", "1", "--retry-backoff-initial", "50ms"];
    let (wall, sum) = run(Some(20), &arguments);
    writeln!(std::io::stderr(), "300 displays, 5 % silent: {wall:.2?} of {sum:.2?} one by one").unwrap();
    assert!(wall < sum / 10, "{wall:?}: the timeouts were waited for one after another");
}
