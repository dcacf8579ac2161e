//! Whole runs of the program, measured as processes: beside a bare client, against the ideal, and by what they cost.
//!
//! `cargo bench --bench runs [-- [--quick] SECTION...]`; without a section all but `million`. Tables in Markdown on
//! standard output; no figure makes it fail, but a device that was left out or commanded twice does. The program is
//! also its own helpers: called with their words it is the devices, the bare client, or the process that measures.

#![expect(clippy::print_stdout, reason = "its tables are what it is for")]

mod support {
    pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

    pub(crate) mod client;
    pub(crate) mod devices;
    pub(crate) mod fleet;
    pub(crate) mod measure;
    pub(crate) mod schedule;
}

use support::devices::{Devices, Nature, Seen};
use support::fleet::{Fleet, GAP, PATIENCE, PROGRAM, TIMEOUT};
use support::measure::{Figures, Measured, measure};
use support::{Result, client, devices, measure, schedule};

/// Latencies as displays show them: half of them below 120 ms, one in twenty above 270 ms.
const DISPLAYS: Nature = Nature { median_ms: 120.0, sigma: 0.5, silent: 0.0, seed: 1 };

/// A section: its name, and what prints it; `true`: small and quick, to see that it works.
type Section = (&'static str, fn(bool) -> Result<()>);

const SECTIONS: [Section; 7] = [
    ("dispatch", dispatch),
    ("makespan", makespan),
    ("second-run", second_run),
    ("in-flight", in_flight),
    ("inventory", inventory),
    ("start-up", start_up),
    ("million", million),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [devices::DEVICES, nature] => return devices::serve(nature),
        [client::CLIENT, port, devices, concurrency] => return client::run(port, devices, concurrency),
        [measure::MEASURE, command @ ..] => return measure::run(command),
        _ => {}
    }
    let is_quick = arguments.contains(&"--quick");
    let named: Vec<&str> = arguments.into_iter().filter(|argument| *argument != "--quick").collect();
    if let Some(unknown) = named.iter().find(|name| !SECTIONS.iter().any(|section| section.0 == **name)) {
        return Err(
            format!("`{unknown}` is no section; known are {}", SECTIONS.map(|section| section.0).join(", ")).into()
        );
    }
    for (name, print) in SECTIONS {
        if named.contains(&name) || (named.is_empty() && name != "million") {
            print(is_quick)?;
            println!();
        }
    }
    Ok(())
}

/// Runs a command against devices of its own, which tell what they saw.
fn against(nature: &Nature, expected: Seen, command: impl FnOnce(u16) -> Result<Vec<String>>) -> Result<Measured> {
    let devices = Devices::start(nature)?;
    let command = command(devices.port)?;
    let measured = measure(&command)?;
    let seen = devices.end()?;
    if seen == expected {
        Ok(measured)
    } else {
        Err(format!("{command:?} ended with {:?}: the devices saw {seen:?}, not {expected:?}", measured.status).into())
    }
}

/// CPU and wall time of whole runs, in alternation with the bare client on devices that answer at once.
fn dispatch(is_quick: bool) -> Result<()> {
    println!("## dispatch: fleetctl beside a bare client\n\n{}", Pair::HEAD);
    let sizes: [(u32, u32, usize); 2] =
        if is_quick { [(300, 50, 3), (3_000, 256, 3)] } else { [(300, 50, 15), (30_000, 1000, 7)] };
    sizes.into_iter().try_for_each(|(devices, concurrency, pairs)| Pair { devices, concurrency }.print(pairs))
}

/// The same with a million devices, once.
fn million(is_quick: bool) -> Result<()> {
    println!("## million: as many devices as 127.0.0.0/8 is asked to play\n\n{}", Pair::HEAD);
    Pair { devices: if is_quick { 50_000 } else { 1_000_000 }, concurrency: 2_000 }.print(1)
}

struct Pair {
    devices: u32,
    concurrency: u32,
}

impl Pair {
    const HEAD: &str = "| devices | at once | CPU µs/device: fleetctl | client | CPU ratio: median | min | max | wall ratio: median | peak MiB: fleetctl | client |\n\
                        |---|---|---|---|---|---|---|---|---|---|";

    fn print(&self, pairs: usize) -> Result<()> {
        let Self { devices, concurrency } = *self;
        let fleet = Fleet::of_singles(devices)?;
        let expected = Seen { answered: u64::from(devices), ..Seen::default() };
        let own = std::env::current_exe()?.to_string_lossy().into_owned();
        let [mut cpu, mut client_cpu, mut ratio, mut wall, mut peak, mut client_peak] =
            std::array::from_fn(|_| Figures::default());
        // The first pair only warms up, where there are several.
        for pair in usize::from(pairs == 1)..=pairs {
            let ours = against(&Nature::PROMPT, expected, |port| fleet.command(port, concurrency, PATIENCE))?;
            let bare = against(&Nature::PROMPT, expected, |port| {
                Ok([own.as_str(), client::CLIENT, &port.to_string(), &devices.to_string(), &concurrency.to_string()]
                    .map(str::to_owned)
                    .to_vec())
            })?;
            if pair > 0 {
                cpu.add(ours.cpu * 1e6 / f64::from(devices));
                client_cpu.add(bare.cpu * 1e6 / f64::from(devices));
                ratio.add(ours.cpu / bare.cpu);
                wall.add(ours.wall / bare.wall);
                peak.add(ours.peak);
                client_peak.add(bare.peak);
            }
        }
        println!(
            "| {devices} | {concurrency} | {:.1} | {:.1} | {:.3} | {:.3} | {:.3} | {:.3} | {:.1} | {:.1} |",
            cpu.median(),
            client_cpu.median(),
            ratio.median(),
            ratio.min(),
            ratio.max(),
            wall.median(),
            peak.median(),
            client_peak.median(),
        );
        Ok(())
    }
}

/// How long runs last beside what they have to last, for chains of 1 to 9 devices behind each gateway.
fn makespan(is_quick: bool) -> Result<()> {
    println!("## makespan: a run's length against the ideal in its own order\n");
    println!(
        "| chain | silent | devices | at once | bound s | ideal s | measured s: median | measured/ideal: median | min | max |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let (sizes, chains, times): (&[(u32, u32)], &[u32], usize) = if is_quick {
        (&[(360, 64)], &[1, 3, 0], 1)
    } else {
        (&[(630, 64), (2520, 256)], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0], 3)
    };
    for silent in [0.0, 0.05] {
        for &(devices, concurrency) in sizes {
            for &chain in chains {
                let nature = Nature { silent, ..DISPLAYS };
                let fleet = Fleet::of_chains(devices, chain)?;
                let lanes = fleet.lanes(&nature);
                let (bound, ideal) = (schedule::bound(&lanes, concurrency), schedule::ideal(&lanes, concurrency));
                let expected = fleet.expected(&nature);
                let mut wall = Figures::default();
                for _ in 0..times {
                    wall.add(against(&nature, expected, |port| fleet.command(port, concurrency, TIMEOUT))?.wall);
                }
                let over = |wall: f64| wall / ideal.as_secs_f64();
                let chain = if chain == 0 { "1 to 9".to_owned() } else { chain.to_string() };
                println!(
                    "| {chain} | {:.0} % | {} | {concurrency} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
                    silent * 100.0,
                    fleet.devices(),
                    bound.as_secs_f64(),
                    ideal.as_secs_f64(),
                    wall.median(),
                    over(wall.median()),
                    over(wall.min()),
                    over(wall.max()),
                );
            }
        }
    }
    println!("\nGap between a gateway's commands {GAP:?}, time-out {TIMEOUT:?}, no retries.");
    Ok(())
}

/// How long a run takes that knows how long each device took the last time, beside the bound that no order can beat.
fn second_run(is_quick: bool) -> Result<()> {
    println!("## second-run: a run that knows the one before it, against the bound\n");
    println!(
        "| devices | at once | silent | bound s | first s | further ones s: median | further/bound: median | min | max |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let (sizes, times): (&[(u32, u32)], usize) =
        if is_quick { (&[(300, 50)], 1) } else { (&[(300, 50), (3_000, 256), (30_000, 1_000)], 5) };
    for &(devices, concurrency) in sizes {
        for silent in [0.0, 0.05] {
            let nature = Nature { silent, ..DISPLAYS };
            let fleet = Fleet::of_singles(devices)?;
            let bound = schedule::bound(&fleet.lanes(&nature), concurrency).as_secs_f64();
            let expected = fleet.expected(&nature);
            let once =
                || against(&nature, expected, |port| fleet.recorded(port, concurrency, TIMEOUT)).map(|run| run.wall);
            let first = once()?;
            let mut wall = Figures::default();
            for _ in 0..times {
                wall.add(once()?);
            }
            let (median, min, max) = (wall.median(), wall.min() / bound, wall.max() / bound);
            println!(
                "| {devices} | {concurrency} | {:.0} % | {bound:.3} | {first:.3} | {median:.3} | {:.3} | {min:.3} | {max:.3} |",
                silent * 100.0,
                median / bound,
            );
        }
    }
    println!("\nTime-out {TIMEOUT:?}, no retries; reading the inventory and writing report and record included.");
    Ok(())
}

/// What a connection in flight costs in memory: the same devices with many and with few of them open at once.
fn in_flight(is_quick: bool) -> Result<()> {
    println!("## in-flight: memory of a connection that waits for its reply\n");
    let (devices, few) = if is_quick { (1_000, 10) } else { (10_000, 100) };
    let fleet = Fleet::of_singles(devices)?;
    let expected = Seen { answered: u64::from(devices), ..Seen::default() };
    let slow = Nature { median_ms: 5_000.0, ..Nature::PROMPT };
    let most = against(&slow, expected, |port| fleet.command(port, devices, PATIENCE))?.peak;
    let least = against(&Nature::PROMPT, expected, |port| fleet.command(port, few, PATIENCE))?.peak;
    println!("| devices | peak MiB: all at once | {few} at once | KiB a connection |\n|---|---|---|---|");
    println!("| {devices} | {most:.1} | {least:.1} | {:.2} |", (most - least) * 1024.0 / f64::from(devices - few));
    Ok(())
}

/// Reading and checking an inventory, as a process.
fn inventory(is_quick: bool) -> Result<()> {
    let devices: u32 = if is_quick { 10_000 } else { 100_000 };
    println!("## inventory: `inventory check` of {devices} devices\n");
    println!("| written as | CPU ms: median | min | peak MiB |\n|---|---|---|---|");
    for (written, fleet) in [("a table each", Fleet::of_singles(devices)?), ("one range", Fleet::of_range(devices)?)] {
        let file = fleet.file(23)?;
        cost(written, 7, &[PROGRAM, "inventory", "check", "--inventory", &file])?;
    }
    Ok(())
}

/// What a process costs that has next to nothing to do.
fn start_up(is_quick: bool) -> Result<()> {
    let times = if is_quick { 5 } else { 51 };
    println!("## start-up: whole processes\n\n| command | CPU ms: median | min | peak MiB |\n|---|---|---|---|");
    let fleet = Fleet::of_singles(1)?;
    cost("true, to compare with", times, &["true"])?;
    cost("fleetctl --version", times, &[PROGRAM, "--version"])?;
    let devices = Devices::start(&Nature::PROMPT)?;
    let run = fleet.command(devices.port, 1, PATIENCE)?;
    let dry = [run.as_slice(), &["--dry-run".to_owned()]].concat();
    // A dry run writes no report.
    let dry: Vec<&str> =
        dry.iter().map(String::as_str).filter(|word| *word != "--report" && !word.starts_with("json=")).collect();
    cost("fleetctl run --dry-run, one device", times, &dry)?;
    cost("fleetctl run, one device", times, &run)?;
    devices.end()?;
    Ok(())
}

/// Measures a command some times over and prints a row.
fn cost<A: AsRef<str>>(name: &str, times: usize, command: &[A]) -> Result<()> {
    let (mut cpu, mut peak) = (Figures::default(), Figures::default());
    for _ in 0..times {
        let measured = measure(command)?;
        if measured.status != Some(0) {
            return Err(format!("{name} ended with {:?}", measured.status).into());
        }
        cpu.add(measured.cpu * 1e3);
        peak.add(measured.peak);
    }
    println!("| {name} | {:.2} | {:.2} | {:.1} |", cpu.median(), cpu.min(), peak.median());
    Ok(())
}
