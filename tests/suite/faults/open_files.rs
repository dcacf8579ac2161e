//! More connections at once than the limit on open files (`ulimit -n`) allows one table of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::support::{FakeFleet, Report, Workspace};

/// Gateways that all wait until each of them has its command, and only then answer.
const GATEWAYS: usize = 250;

#[test]
fn a_run_holds_more_connections_than_one_table_of_open_files() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let devices = std::thread::spawn(move || {
        let accept = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut command = [0; 9];
            stream.read_exact(&mut command).unwrap();
            assert_eq!(&command, b"ka 01 01\r");
            stream
        };
        let open: Vec<TcpStream> = (0..GATEWAYS).map(accept).collect();
        for mut stream in open {
            stream.write_all(b"a 01 OK01x").unwrap();
            // What comes after the command is the end of the connection, and nothing else.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, b"", "no byte that is not the device's");
        }
    });
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[001-250]\"\ntype = \"lg-rs232\"\naddress = \"127.3.0.[1-250]:{port}\"\n"
    ));
    let limited = Command::new("sh")
        .args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fleetctl")])
        .args(["run", "--cmd", "ka 01 01", "-c", "250", "--reply-timeout", "60s", "--device-deadline", "60s"])
        .args(["--format", "json", "--connect-timeout", "30s"])
        .current_dir(workspace.folder())
        .env("XDG_STATE_HOME", workspace.path(".state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success(), "{said}");
    assert!(!said.contains("does not fit"), "{said}");
    let report = Report::new(serde_json::from_slice(&limited.stdout).unwrap());
    assert_eq!((report.count("ok"), report.count("attempts")), (GATEWAYS, GATEWAYS));
    devices.join().unwrap();
}

#[test]
fn a_run_that_gets_too_few_files_to_begin_with_says_so_and_tells_of_every_device() {
    const DEVICES: usize = 16;
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-{DEVICES}]\"\ntype = \"lg-rs232\"\naddress = \"127.3.1.[1-{DEVICES}]:{port}\"\n"
    ));
    let mut reported = 0;
    for limit in (10..=40).step_by(2) {
        let limited = Command::new("sh")
            .args(["-c", "ulimit -n $1 && shift && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fleetctl")])
            .arg(limit.to_string())
            .args(["run", "--cmd", "ka 01 01", "--format", "json", "--no-history", "--retries", "0"])
            .args(["--device-deadline", "5s"])
            .current_dir(workspace.folder())
            .env("XDG_STATE_HOME", workspace.path(".state"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&limited.stderr);
        // 127: not even its libraries could be opened.
        assert!(
            matches!(limited.status.code(), Some(0 | 1 | 2 | 4 | 127)),
            "{limit} files: {:?} {said}",
            limited.status
        );
        assert!(!said.contains("panicked"), "{limit} files: {said}");
        if let Ok(document) = serde_json::from_slice(&limited.stdout) {
            let report = Report::new(document);
            assert_eq!(report.devices().len(), DEVICES, "{limit} files");
            reported += 1;
        } else {
            assert!(limited.status.code() != Some(0) && !said.trim().is_empty(), "{limit} files: {said}");
        }
    }
    assert!(reported > 8, "{reported} of 16");
}
