//! More connections at once than the limit on open files (`ulimit -n`) allows one table of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::support::{Report, Workspace};

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
