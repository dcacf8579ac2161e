//! 100,000 simulated devices in one run of the real program: each in the report once, memory and time printed.
//!
//! Apart from the suite because it takes the machine for itself. No assertion on the clock: figures are for people,
//! and for the benchmarks.

use std::fs::File;
use std::io::{BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

const DEVICES: usize = 100_000;

/// The part of the report that is looked at: 100,000 whole entries would cost this test more than the run.
#[derive(Deserialize)]
struct Report {
    ended: String,
    summary: Summary,
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct Summary {
    total: usize,
    ok: usize,
    attempts: usize,
}

#[derive(Deserialize)]
struct Device {
    name: String,
    status: String,
}

/// The most memory that a process has had so far, in KiB; `None` once it has ended.
fn peak_memory_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[test]
fn a_hundred_thousand_devices_are_each_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = "[fleet]\nname = \"scale\"\n[defaults]\ntype = \"lg-rs232\"\n\
                     [[device]]\nname = \"tv-[000001-100000]\"\naddress = \"10.[0-9].[0-99].[1-100]\"\n";
    std::fs::write(folder.path().join("fleet.toml"), inventory).unwrap();
    let started = Instant::now();
    let mut program = Command::new(env!("CARGO_BIN_EXE_fleetctl"))
        .args(["run", "--do", "power-on", "--simulate", "--concurrency", "4096", "-q", "--report", "json=report.json"])
        .current_dir(folder.path())
        .env_remove("FLEETCTL_INVENTORY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_memory_kib(program.id()).unwrap_or(0).max(peak);
        if let Some(status) = program.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_mins(10) {
            program.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    };
    let wall = started.elapsed();
    // Past the test harness, so that the figures are seen when the test passes too.
    let figures = format!("{DEVICES} simulated devices, 4096 lanes: {wall:.2?}, peak {} MiB\n", peak / 1024);
    std::io::stderr().write_all(figures.as_bytes()).unwrap();
    assert_eq!(status.code(), Some(0));

    let file = BufReader::new(File::open(folder.path().join("report.json")).unwrap());
    let report: Report = serde_json::from_reader(file).unwrap();
    assert_eq!(report.ended, "completed");
    assert_eq!((report.summary.total, report.summary.ok), (DEVICES, DEVICES));
    assert!(report.summary.attempts >= DEVICES);
    assert_eq!(report.devices.len(), DEVICES);
    for (index, device) in report.devices.iter().enumerate() {
        assert_eq!(device.name, format!("tv-{:06}", index + 1), "once each, in inventory order");
        assert_eq!(device.status, "ok", "{}", device.name);
    }
}
