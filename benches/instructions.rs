//! How many instructions each piece of work takes, beside what `instructions.toml` says: the guard that has no clock.
//!
//! A piece is run once in one process under callgrind and twice in another; the difference is what it takes, whatever
//! starting and setting up took. Two whole processes are counted as they are. `--check` fails where a count has grown
//! by more than the tolerance; `--record` writes the file anew.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

mod support {
    pub(crate) mod pieces;
}

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use serde::Deserialize;

use support::pieces::{PIECES, Piece, Work};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The counts that hold.
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");

/// What this program is called with to run a piece under callgrind: `--piece NAME REPEATS`.
const PIECE: &str = "--piece";

/// The smaller and the larger number of repeats.
const REPEATS: [u64; 2] = [1, 2];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    recorded_with: String,
    tolerance_percent: f64,
    tolerance_instructions: u64,
    counts: BTreeMap<String, u64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [PIECE, name, repeats] => run_piece(name, repeats),
        ["--record"] => record(),
        ["--check"] => compare().map(ExitCode::from),
        [] => compare().map(|_| ExitCode::SUCCESS),
        _ => Err("instructions knows --check and --record".into()),
    };
    done.unwrap_or_else(|error| {
        println!("instructions: {error}");
        // A bench on a machine without valgrind is no failure; the guard without it is one.
        if arguments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
    })
}

/// Under callgrind: sets up as often as the larger number of repeats asks, whatever `repeats` is, so that only the work
/// itself differs.
fn run_piece(name: &str, repeats: &str) -> Result<ExitCode> {
    let repeats: usize = repeats.parse()?;
    let piece = PIECES.iter().find(|piece| piece.name == name).ok_or("no such piece")?;
    let most = REPEATS.iter().max().copied().unwrap_or_default();
    let works: Vec<Work> = (0..most).map(|_| (piece.prepare)()).collect();
    let mut works = works.into_iter();
    for work in works.by_ref().take(repeats) {
        work();
    }
    // What was not run is not dropped either: that would count.
    std::mem::forget(works);
    Ok(ExitCode::SUCCESS)
}

/// Every count, in the order of the table.
fn count_all() -> Result<Vec<(String, u64)>> {
    let folder = tempfile::tempdir()?;
    let inventory = folder.path().join("fleet.toml");
    std::fs::write(&inventory, "[[device]]\nname = \"one\"\naddress = \"10.20.0.1\"\ntype = \"lg-rs232\"\n")?;
    let mut counts = Vec::new();
    for piece in PIECES {
        let name = format!("{} per {}", piece.name, piece.unit);
        counts.push((name, count_piece(&piece, folder.path())?));
    }
    let program = env!("CARGO_BIN_EXE_fleetctl");
    let version = count(&[program, "--version"], folder.path())?;
    counts.push(("start-version per process".to_owned(), version));
    let inventory = inventory.to_string_lossy();
    let dry_run = [program, "run", "--inventory", &*inventory, "--cmd", "ka {set_id} 01", "--dry-run", "--no-history"];
    counts.push(("start-dry-run per process".to_owned(), count(&dry_run, folder.path())?));
    Ok(counts)
}

fn count_piece(piece: &Piece, folder: &Path) -> Result<u64> {
    let own = std::env::current_exe()?;
    let own = own.to_string_lossy();
    let [few, many] = REPEATS;
    let few_counted = count(&[&own, PIECE, piece.name, &few.to_string()], folder)?;
    let many_counted = count(&[&own, PIECE, piece.name, &many.to_string()], folder)?;
    let units = (many - few) * u64::from(piece.units);
    Ok(many_counted.saturating_sub(few_counted) / units)
}

/// What a command takes from its start to its end, in instructions.
fn count(command: &[&str], folder: &Path) -> Result<u64> {
    let counted = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=callgrind.out"])
        .args(command)
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .output()
        .map_err(|error| format!("valgrind does not start ({error}): benches/guard installs it"))?;
    let said = String::from_utf8_lossy(&counted.stderr);
    // ==4711== Collected : 123456
    let total = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match total {
        Some(total) if counted.status.success() => Ok(total),
        _ => Err(format!("{command:?} under callgrind ended with {}: {said}", counted.status).into()),
    }
}

/// Prints every count beside its record; the exit status: 1 where one has grown beyond the tolerance, or has no record.
fn compare() -> Result<u8> {
    let text = std::fs::read_to_string(RECORD).map_err(|error| format!("{RECORD}: {error}; --record writes it"))?;
    let mut record: Record = toml::from_str(&text)?;
    let mut hints = Vec::new();
    let mut failed = false;
    println!("{:<32} {:>12} {:>12} {:>8}", "instructions", "counted", "recorded", "change");
    for (name, counted) in count_all()? {
        let Some(recorded) = record.counts.remove(&name) else {
            println!("{name:<32} {counted:>12} {:>12}", "-");
            hints.push(format!("{name}: has no record"));
            failed = true;
            continue;
        };
        let change = percent(counted, recorded);
        println!("{name:<32} {counted:>12} {recorded:>12} {change:>+7.1}%");
        if counted.abs_diff(recorded) <= record.tolerance_instructions {
            continue;
        }
        if change > record.tolerance_percent {
            hints.push(format!("{name}: takes {change:.1} % more than recorded"));
            failed = true;
        } else if change < -record.tolerance_percent {
            hints.push(format!("{name}: takes {:.1} % less than recorded: record it, so that it stays so", -change));
        }
    }
    for name in record.counts.keys() {
        hints.push(format!("{name}: is recorded, but nothing counts it any more"));
        failed = true;
    }
    for hint in &hints {
        println!("{hint}");
    }
    if !hints.is_empty() {
        println!("recorded with {}; here {}", record.recorded_with, tools()?);
        println!("where the change is meant: benches/guard --record, and say why");
    }
    Ok(u8::from(failed))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn percent(counted: u64, recorded: u64) -> f64 {
    (counted as f64 / recorded.max(1) as f64 - 1.0) * 100.0
}

fn record() -> Result<ExitCode> {
    let mut text = format!(
        "# Instructions that each piece of work takes, counted by callgrind in an optimised build: what .ci/run holds the\n\
         # program to. Written by `benches/guard --record`; benches/README.md says how to read it.\n\n\
         recorded_with = {:?}\n\n\
         # A change counts when it is beyond both: a percentage, and so many instructions, as the compiler may inline\n\
         # otherwise in a piece that is small anyway. From run to run counts differ by 0.1 % (the seeds of hash maps).\n\
         tolerance_percent = 5.0\ntolerance_instructions = 100\n\n[counts]\n",
        tools()?
    );
    for (name, counted) in count_all()? {
        writeln!(text, "{name:?} = {counted}")?;
    }
    std::fs::write(RECORD, &text)?;
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// What else decides a count: the compiler, the counter and the processor's kind.
fn tools() -> Result<String> {
    let version = |program: &str| -> Result<String> {
        let said = Command::new(program).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&said.stdout).split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    };
    Ok(format!("{}, {}, {}", version("rustc")?, version("valgrind")?, std::env::consts::ARCH))
}
