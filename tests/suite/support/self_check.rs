//! The fake fleet itself, over plain sockets: a test that trusts it must know that it records and misbehaves as told.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{FakeFleet, Gate, Step, closed_port, deaf_port, send};

fn connect(ip: &str, port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::new(ip.parse::<IpAddr>().unwrap(), port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, command: &str, reply_len: usize) -> String {
    stream.write_all(command.as_bytes()).unwrap();
    let mut reply = vec![0; reply_len];
    stream.read_exact(&mut reply).unwrap();
    String::from_utf8(reply).unwrap()
}

#[test]
fn a_healthy_display_keeps_its_state_over_connections() {
    let fleet = FakeFleet::start();
    assert_eq!(ask(&mut connect("127.0.0.9", fleet.port()), "kf 01 1e\r", 10), "f 01 OK1ex");
    assert_eq!(ask(&mut connect("127.0.0.9", fleet.port()), "kf 01 ff\r", 10), "f 01 OK1ex");
    let journal = fleet.journal("127.0.0.9");
    assert_eq!(journal.texts(), ["kf 01 1e", "kf 01 ff"]);
    assert_eq!(journal.bytes(), b"kf 01 1e\rkf 01 ff\r");
    assert_eq!((journal.connections.len(), journal.most_open), (2, 1));
    assert_eq!(fleet.journal("127.0.0.10").connections.len(), 0);
}

#[test]
fn a_chain_answers_for_its_set_ids_and_notes_gaps_and_simultaneous_clients() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain("127.0.0.9", [1, 10, 1000]);
    let mut first = connect("127.0.0.9", fleet.port());
    assert_eq!(ask(&mut first, "ka 0a 01\r", 10), "a 0a OK01x");
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(ask(&mut first, "ka 3e8 01\r", 11), "a 3e8 OK01x");
    let mut second = connect("127.0.0.9", fleet.port());
    assert_eq!(ask(&mut second, "ka 02 01\rka 00 01\rka 01 ff\r", 10), "a 01 OK00x", "absent and broadcast: no answer");
    let journal = fleet.journal("127.0.0.9");
    assert_eq!(journal.most_open, 2);
    assert!(journal.gaps()[0] >= Duration::from_millis(60), "{:?}", journal.gaps());
    assert_eq!(fleet.commands_seen_by("127.0.0.9", 10), ["ka 0a 01"]);
}

#[test]
fn scripted_commands_close_reset_and_recover() {
    let fleet = FakeFleet::start();
    let script = vec![vec![send("a 0"), Step::Close], vec![send("a 01 "), Step::Reset], vec![Step::Echo, Step::Reply]];
    fleet.on_command("127.0.0.9", 1, script);
    let mut text = String::new();
    let mut closed = connect("127.0.0.9", fleet.port());
    closed.write_all(b"ka 01 01\r").unwrap();
    closed.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a 0");
    let mut reset = connect("127.0.0.9", fleet.port());
    reset.write_all(b"ka 01 01\r").unwrap();
    assert_eq!(reset.read_to_end(&mut Vec::new()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(ask(&mut connect("127.0.0.9", fleet.port()), "ka 01 01\r", 19), "ka 01 01\ra 01 OK01x");
}

#[test]
fn scripted_connections_speak_first_wait_and_babble() {
    let fleet = FakeFleet::start();
    let gate = Gate::closed();
    fleet.on_accept("127.0.0.9", vec![vec![send("Port already in use\r\n"), Step::Close], vec![]]);
    fleet.on_command(
        "127.0.0.9",
        1,
        vec![vec![Step::Wait(gate.clone()), Step::Reply], vec![Step::Babble(vec![b'y'; 64])]],
    );
    let mut text = String::new();
    connect("127.0.0.9", fleet.port()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "Port already in use\r\n");
    let mut client = connect("127.0.0.9", fleet.port());
    client.write_all(b"ka 01 01\r").unwrap();
    fleet.wait_until("the command", |fleet| fleet.commands() == 1);
    client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    gate.open();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(ask(&mut client, "", 10), "a 01 OK01x");
    assert_eq!(ask(&mut client, "ka 01 01\r", 100_000).len(), 100_000);
}

#[test]
fn a_closed_port_refuses_and_a_deaf_one_does_not_answer() {
    let (_closed, port) = closed_port("127.0.0.9");
    let refused = TcpStream::connect(("127.0.0.9", port)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let (_deaf, port) = deaf_port("127.0.0.9");
    let started = Instant::now();
    let target = SocketAddr::new("127.0.0.9".parse().unwrap(), port);
    let timeout = TcpStream::connect_timeout(&target, Duration::from_millis(400)).unwrap_err();
    assert_eq!(timeout.kind(), ErrorKind::TimedOut);
    assert!(started.elapsed() >= Duration::from_millis(400));
}
