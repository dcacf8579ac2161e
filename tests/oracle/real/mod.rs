//! Nights of the real binary over real sockets and in real time: `--real`, behind ser2net `--ser2net`, and over the fleet that
//! the program simulates itself, `--simulated`.
//!
//! The fleet, its faults and its limits are drawn as for the nights in memory and made quicker (`suit.rs`); the world is the
//! same, behind sockets (`sockets.rs`) or behind ser2net on pseudo-terminals (`ser2net.rs`); `program.rs` runs the program. Over
//! the program's simulation (`simulation/`) the faults are those of `--faults`, and what happened is what taps saw on the
//! wire. The same `check/` judges what it told. Its clock and ours are not the same here, nor do we know when it reads: what
//! happens within the night's `slack` of an end is judged by neither side of it, and the slack grows with what this machine
//! was late.
//!
//! | invariant | over sockets | behind ser2net | over the simulation |
//! |---|---|---|---|
//! | I1, I2, I3, I4, I9, I10, I14 | as in memory; I4 and `sent` but for bytes that were written to an end that was closing | as in memory | as over sockets; whether a device acted is what it says itself |
//! | I5, I7 | no second effect and nobody else; that it was declared stands in the history, which is `faults/killed*.rs` | the same | the same, over what was written: an effect without an answer is not seen |
//! | I6 | replies that were there a slack before the end | the same | the same |
//! | I8 | open connections of a gateway, in all and at a site; spans less the slack | spans alone: ser2net hides who connects | as over sockets |
//! | I11, I13 | with slack; I13's attempts not for gateways that refuse or hang | I11; attempts not at all | as over sockets; who has no fault drawn is well |
//! | I12 | none: a fleet that recovers takes minutes | none | none: its faults never end |
//! | I15 | as in memory, and the program's threads write the files | none: displays serve no files | none: its hubs are not drawn |
//! | S1, S2, S3 | – | – | the simulation is honest: `simulation/honest.rs` |
//!
//! In every sixth night over sockets the program takes half of the selected devices itself (`--sample`): which ones is for it
//! to say, and nobody else may hear of the run.
//!
//! The same seed is the same night, not the same bytes: the kernel decides what comes first.

mod program;
mod ser2net;
mod simulation;
mod sockets;
mod suit;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::arguments::Arguments;
use crate::check::{Finding, check};
use crate::night::{Millis, Night, Over};
use crate::play::Played;
use crate::request::inventory;
use crate::world::World;

/// How far apart an event and its record are on a machine that is not busy.
const SLACK: Millis = 250;

/// What was written last may still be in the kernel when the process has ended.
const SETTLE: Duration = Duration::from_millis(100);

/// What a series of nights came to.
struct Series {
    nights: u64,
    devices: u64,
    lies: u64,
    most_slack: Millis,
    /// What was found first.
    #[cfg_attr(not(planted_lies), expect(dead_code, reason = "for those who plant lies"))]
    first: Option<Finding>,
}

/// Plays nights until there are enough, and says what they came to.
pub(crate) fn nights(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let Series { nights, devices, lies, most_slack, .. } = series(arguments, None);
    let (seconds, over, seed) = (began.elapsed().as_secs(), arguments.over, arguments.seed);
    println!("{devices} device-nights in {nights} nights over {over:?} from seed {seed}, {seconds} s");
    println!("{lies} nights with a lie; at most {most_slack} ms of slack");
    if lies == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plants lies in the real binary, one after the other, and says after how many nights each is found. Some cannot be seen
/// in this world: they are told of, and are no failure.
#[cfg(planted_lies)]
pub(crate) fn hunt(arguments: &Arguments) -> ExitCode {
    let (mut found, mut planted) = (0, 0);
    for (name, _) in fleetctl::lie::LIES {
        if arguments.lie.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let Series { nights, first, .. } = series(arguments, Some(name));
        planted += 1;
        found += u32::from(first.is_some());
        match first {
            Some(first) => {
                println!("{name}: found in {nights} nights, {} {}: {}", first.invariant, first.device, first.what)
            }
            None => println!("{name}: not seen in {nights} nights from seed {}", arguments.seed),
        }
    }
    println!("{found} of {planted} lies found over {:?}", arguments.over);
    ExitCode::SUCCESS
}

/// Plays nights, several at a time: they mostly wait.
fn series(arguments: &Arguments, lie: Option<&'static str>) -> Series {
    let next = AtomicU64::new(arguments.seed);
    let [done, devices, lies, most_slack] = [const { AtomicU64::new(0) }; 4];
    let first = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let is_over = lies.load(Ordering::Relaxed) > 0 && (!arguments.goes_on || lie.is_some());
                    if is_over || done.load(Ordering::Relaxed) >= arguments.nights {
                        return;
                    }
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let suited = match arguments.over {
                        Over::Ser2net => suit::over_ser2net,
                        Over::Simulation => suit::over_simulation,
                        Over::Sockets | Over::Memory => suit::over_sockets,
                    };
                    let Some(night) = suited(seed, seed) else { continue };
                    done.fetch_add(1, Ordering::Relaxed);
                    devices.fetch_add(night.selected().count() as u64, Ordering::Relaxed);
                    let (night, played, findings) = judged(Night { lie, ..night });
                    most_slack.fetch_max(night.slack, Ordering::Relaxed);
                    if lie.is_none() && (arguments.tells || !findings.is_empty()) {
                        tell(&night, &played, &findings, arguments);
                    }
                    lies.fetch_add(u64::from(!findings.is_empty()), Ordering::Relaxed);
                    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                    *first = first.take().or(findings.into_iter().next());
                }
            });
        }
    });
    let [nights, devices, lies, most_slack] = [done, devices, lies, most_slack].map(AtomicU64::into_inner);
    let first = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    Series { nights, devices, lies, most_slack, first }
}

/// Plays a night: the same with its slack, what it told, and what is wrong with that.
fn judged(mut night: Night) -> (Night, Played, Vec<Finding>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let late = lateness(&is_over);
    let slack = |late: std::thread::JoinHandle<Millis>| {
        is_over.store(true, Ordering::Relaxed);
        SLACK + 2 * late.join().unwrap_or(0)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if night.over == Over::Simulation {
        let play = runtime.block_on(simulation::play(&mut night));
        night.slack = slack(late);
        let mut findings = check(&night, &play.played);
        findings.extend(play.findings(&night));
        return (night, play.played, findings);
    }
    let played = runtime.block_on(play(&mut night));
    night.slack = slack(late);
    let night = sampled(night, &played.json);
    let findings = check(&night, &played);
    (night, played, findings)
}

/// Plays a night over sockets of our own.
async fn play(night: &mut Night) -> Played {
    let doors = sockets::Doors::open(night);
    let mut lines = (night.over == Over::Ser2net).then(|| ser2net::Lines::between(night));
    let (folder, world) = (program::folder(night), World::new(night));
    let run = async {
        let _kept = match &mut lines {
            Some(lines) => Some(lines.wait_until_they_stand().await),
            None => None,
        };
        let told = program::run(night, &world, folder.path(), &[]).await;
        tokio::time::sleep(SETTLE).await;
        told
    };
    let told = tokio::select! {
        told = run => told,
        () = doors.serve(world.clone()) => unreachable!("gateways are served for ever"),
    };
    let began = began(&world);
    told.played(world.truth(), began)
}

/// When a world began, in milliseconds of the Unix epoch.
fn began(world: &World) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.saturating_sub(world.started().elapsed()).as_millis()).unwrap_or(0)
}

/// A night of which the program has taken a part at random: nobody else was selected, if it is a part of the right size.
fn sampled(mut night: Night, json: &str) -> Night {
    let Some(size) = night.sample else { return night };
    let report: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let devices = report["devices"].as_array().map_or(&[][..], Vec::as_slice);
    let told: Vec<&str> = devices.iter().filter_map(|device| device["name"].as_str()).collect();
    if told.len() == size {
        for device in night.gateways.iter_mut().flat_map(|gateway| &mut gateway.devices) {
            device.selected &= told.contains(&&*device.name);
        }
    }
    night
}

/// Finds out how late this machine wakes who sleeps, until it is over.
fn lateness(is_over: &Arc<AtomicBool>) -> std::thread::JoinHandle<Millis> {
    let is_over = Arc::clone(is_over);
    let nap = Duration::from_millis(10);
    std::thread::spawn(move || {
        let mut worst = Duration::ZERO;
        while !is_over.load(Ordering::Relaxed) {
            let before = Instant::now();
            std::thread::sleep(nap);
            worst = worst.max(before.elapsed().saturating_sub(nap));
        }
        Millis::try_from(worst.as_millis()).unwrap_or(Millis::MAX)
    })
}

/// Says what is wrong with a night; all that is known of it goes to a file, as it will not be the same again.
fn tell(night: &Night, played: &Played, findings: &[Finding], arguments: &Arguments) {
    let mut text = format!("\nseed {}: {} findings, slack {} ms", night.seed, findings.len(), night.slack);
    for finding in findings {
        _ = write!(text, "\n  {} {}: {}", finding.invariant, finding.device, finding.what);
    }
    let place = std::env::temp_dir().join(format!("fleetctl-oracle-{}.txt", night.seed));
    let (truth, ndjson, said) = (played.truth.text(), &played.ndjson, &played.said);
    let (began, status) = (played.began, played.exit_status);
    let all = format!(
        "{text}\n{night:#?}\n{}\nbegan {began}, exit status {status:?}\n{truth}\n{ndjson}\n{said}",
        inventory(night)
    );
    let kept = std::fs::write(&place, all).map_or_else(|error| error.to_string(), |()| place.display().to_string());
    let flag = match arguments.over {
        Over::Ser2net => "--ser2net",
        Over::Simulation => "--simulated",
        Over::Sockets | Over::Memory => "--real",
    };
    println!("{text}\n  all of it: {kept}\n  again: --test oracle -- {flag} --seed {} --nights 1", night.seed);
}
