//! The truth oracle: plays nights full of faults through the real program and holds its report against what really
//! happened. README.md says how to read and repeat what it finds.
//!
//! A night (`night.rs`) is drawn from a seed (`draw.rs`, `alphabet.rs`) and becomes an inventory and a command line (`request.rs`); `play.rs`
//! runs the real program over the simulated world (`world/`) under a paused clock; `check/` compares what it told with the
//! ground truth, and `shrink.rs` makes what fails small. The same seed gives the same bytes. `real/` plays nights with the
//! real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what is wrong with the oracle itself ends it")]
#![expect(clippy::print_stdout, reason = "it is a program for people")]

mod alphabet;
mod arguments;
mod check;
mod draw;
mod fault;
#[cfg(planted_lies)]
mod lies;
mod night;
mod play;
mod random;
mod real;
mod request;
mod shelf;
mod shrink;
mod told;
mod world;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arguments::Arguments;
use night::Over;

/// What a series of nights came to.
#[derive(Default)]
struct Series {
    nights: AtomicU64,
    devices: AtomicU64,
    faulty: AtomicU64,
    lies: AtomicU64,
}

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            println!("{why}");
            return ExitCode::from(2);
        }
    };
    // What the night plants is no news; what it does not plant is told by the run, and found by the check.
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() != Some(&play::PLANTED) {
            println!("a panic that nobody planted: {info}");
        }
    }));
    if arguments.is_list {
        return ExitCode::SUCCESS;
    }
    if arguments.plants {
        #[cfg(planted_lies)]
        return if arguments.over == Over::Memory { lies::hunt(&arguments) } else { real::hunt(&arguments) };
        #[cfg(not(planted_lies))]
        {
            println!("this build cannot lie ({:?}): tests/oracle/lies makes one that can", arguments.lie);
            return ExitCode::from(2);
        }
    }
    if arguments.over != Over::Memory {
        return real::nights(&arguments);
    }
    if !is_repeatable(arguments.seed) {
        return ExitCode::FAILURE;
    }
    nights(&arguments)
}

/// The same seed gives the same bytes: reports and truth.
fn is_repeatable(seed: u64) -> bool {
    for seed in seed..seed + 20 {
        let night = draw::night(seed);
        let (one, other) = (play::play(&night), play::play(&night));
        let is_same = one.ndjson == other.ndjson
            && one.json == other.json
            && one.saved == other.saved
            && one.truth.text() == other.truth.text();
        if !is_same {
            println!("the night of seed {seed} is not the same when it is played again");
            return false;
        }
    }
    true
}

fn nights(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let series = Series::default();
    let next = AtomicU64::new(arguments.seed);
    let end = arguments.seed.saturating_add(arguments.nights);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_enough = series.devices.load(Ordering::Relaxed) >= arguments.devices;
                    if seed >= end || is_enough || (series.lies.load(Ordering::Relaxed) > 0 && !arguments.goes_on) {
                        return;
                    }
                    play_one(seed, arguments, &series);
                }
            });
        }
    });
    let (devices, faulty) = (series.devices.load(Ordering::Relaxed), series.faulty.load(Ordering::Relaxed));
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{devices} device-nights in {} nights from seed {}, {}% of the devices faulty, {seconds:.1} s, {:.0} a second",
        series.nights.load(Ordering::Relaxed),
        arguments.seed,
        faulty * 100 / devices.max(1),
        f64::from(u32::try_from(devices).unwrap_or(u32::MAX)) / seconds
    );
    let lies = series.lies.load(Ordering::Relaxed);
    let enough = if arguments.devices < u64::MAX {
        format!("--devices {}", arguments.devices)
    } else {
        format!("--nights {}", arguments.nights)
    };
    println!("{lies} nights with a lie; the same again: --test oracle -- --seed {} {enough}", arguments.seed);
    if lies == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play_one(seed: u64, arguments: &Arguments, series: &Series) {
    let night = draw::night(seed);
    let (played, findings) = shrink::judged(&night);
    if let Some(played) = played.filter(|_| arguments.tells) {
        println!("{night:#?}\n{}\n{}\n{}", request::inventory(&night), played.truth.text(), played.ndjson);
    }
    let devices = night.selected().count() as u64;
    series.nights.fetch_add(1, Ordering::Relaxed);
    series.devices.fetch_add(devices, Ordering::Relaxed);
    let faulty = night.selected().filter(|&place| night.is_faulty(place)).count() as u64;
    series.faulty.fetch_add(faulty, Ordering::Relaxed);
    if let Some(first) = findings.first() {
        series.lies.fetch_add(1, Ordering::Relaxed);
        report(seed, &night, first);
    }
}

/// Prints what is wrong, and the smallest fleet with which it is.
fn report(seed: u64, night: &night::Night, first: &check::Finding) {
    let (least, findings) = shrink::smallest(night, first.invariant);
    let mut text = format!("\nseed {seed}: a lie ({} of {} devices are enough)", least.order.len(), night.order.len());
    for finding in &findings {
        _ = write!(text, "\n  {} {}: {}", finding.invariant, finding.device, finding.what);
    }
    _ = write!(
        text,
        "\n  {:?}, verify {}, if needed {}\n  {:?}",
        least.task, least.verify, least.if_needed, least.limits
    );
    for &place in &least.order {
        let (gateway, device) = least.device(place);
        let (address, faults, always) = (gateway.address(), &gateway.faults, gateway.always);
        _ = write!(text, "\n  {device:?}\n    at {address} {faults:?} always {always:?}");
    }
    println!("{text}\n  again: cargo test --locked --test oracle -- --seed {seed} --nights 1");
}
