//! Our own process stands still over the deadlines of 3,000 devices at once, again and again, while all their replies lie in
//! the kernel: none of them may become a `no_reply`.
//!
//! `tests/oracle/stalls` is the long version: `CYCLES=200 cargo test --test suite stalled_crowd`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use socket2::SockRef;

use crate::support::{Workspace, number, say};

const DISPLAYS: usize = 3000;

/// Long enough to write 3,000 commands before the first of them is over; a machine that is too busy for that gets more.
const REPLY_TIMEOUT: Duration = Duration::from_secs(4);

/// The passing of the deadline is the point: so long after the last command everybody's time is over.
const BEYOND: Duration = Duration::from_millis(500);

#[test]
fn no_reply_is_lost_over_stalls_with_3000_devices_in_flight() {
    let cycles = number("CYCLES", 2);
    let most = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    // By turns: `ka` could hide a lie behind a retry, `mc` could not.
    for cycle in 0..cycles {
        let is_key = cycle % 2 == 1;
        let began = Instant::now();
        let (command, reply) = if is_key { ("mc 01 08", "c 01 OK08x") } else { ("ka 01 01", "a 01 OK01x") };
        let mut timeout = REPLY_TIMEOUT;
        while !once(cycle, command, reply, timeout) {
            assert!(timeout < 8 * REPLY_TIMEOUT, "cycle {cycle}: this machine is too busy for {DISPLAYS} commands");
            timeout *= 2;
        }
        say(&format!(
            "cycle {} of {cycles}: {DISPLAYS} of {DISPLAYS} after {:.1} s",
            cycle + 1,
            began.elapsed().as_secs_f64()
        ));
    }
}

/// A stall; false: the machine was too slow for it, and nothing is proven.
fn once(cycle: u64, command: &str, reply: &str, timeout: Duration) -> bool {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    SockRef::from(&listener).listen(4096).unwrap();
    let port = listener.local_addr().unwrap().port();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[0001-{DISPLAYS}]\"\ntype = \"lg-rs232\"\naddress = \"127.49.[0-11].[1-250]:{port}\"\n"
    ));
    let reply_timeout = format!("{}s", timeout.as_secs());
    let lanes = DISPLAYS.to_string();
    let arguments = ["run", "--cmd", command, "--no-history", "--retries", "0", "--format", "json", "-c", &lanes];
    let times = ["--connect-timeout", "30s", "--device-deadline", "60s", "--reply-timeout", &reply_timeout];
    let program = workspace.start(&[&arguments[..], &times].concat());
    let wanted = format!("{command}\r");
    let mut first = None;
    let mut hear = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut heard = vec![0; wanted.len()];
        stream.read_exact(&mut heard).unwrap();
        first.get_or_insert_with(Instant::now);
        assert_eq!(heard, wanted.as_bytes());
        stream
    };
    let mut open: Vec<TcpStream> = (0..DISPLAYS).map(|_| listener.accept().unwrap().0).map(&mut hear).collect();
    program.signal(Signal::SIGSTOP);
    program.wait_until_stopped();
    let took = first.map_or(Duration::ZERO, |first| first.elapsed());
    if took + BEYOND > timeout {
        return false;
    }
    for stream in &mut open {
        stream.write_all(reply.as_bytes()).unwrap();
    }
    thread::sleep(timeout + BEYOND);
    program.signal(Signal::SIGCONT);
    let report = program.finish().expect_status(0).report();
    let (ok, attempts) = (report.count("ok"), report.count("attempts"));
    assert_eq!((ok, attempts), (DISPLAYS, DISPLAYS), "cycle {cycle}: {:#}", report.document()["summary"]);
    assert!(report.devices().iter().all(|device| device["reply"] == reply), "cycle {cycle}");
    // What comes after the command is the end of the connection, and nothing else.
    for mut stream in open {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "cycle {cycle}: no second command");
    }
    true
}
