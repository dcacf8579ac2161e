//! The man whose converter's light blinks: `doctor` names what is wrong with one device, and what to change.
//!
//! Each scene is a gateway that misbehaves in one way; what it was sent is asked of it, not of the program.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::support::{FakeFleet, Finished, Step, Workspace, closed_port, deaf_port, send};

const GATEWAY: &str = "127.20.0.1";

/// Examines a display behind this gateway.
fn examine(fleet: &FakeFleet, arguments: &[&str]) -> Finished {
    let address = format!("{GATEWAY}:{}", fleet.port());
    let finished = Workspace::new().fleetctl(&[&["doctor", &address, "--type", "lg-rs232"], arguments].concat());
    assert!(finished.wall < Duration::from_mins(1), "{finished}");
    assert_eq!(finished.stderr, "", "{finished}");
    finished
}

/// Panics unless it was said, with this exit status.
#[track_caller]
fn says(finished: &Finished, status: i32, texts: &[&str]) {
    finished.expect_status(status);
    for text in texts {
        assert!(finished.stdout.contains(text), "no `{text}` in {finished}");
    }
}

fn on_command(steps: Vec<Step>) -> FakeFleet {
    let fleet = FakeFleet::start();
    fleet.on_command(GATEWAY, 1, vec![steps]);
    fleet
}

fn on_accept(steps: Vec<Step>) -> FakeFleet {
    let fleet = FakeFleet::start();
    fleet.on_accept(GATEWAY, vec![steps]);
    fleet
}

#[test]
fn a_healthy_display_is_asked_one_harmless_question() {
    let fleet = FakeFleet::start();
    let finished = examine(&fleet, &[]);
    says(
        &finished,
        0,
        &["open after", "silent, as it should be", "ask `ka 01 ff\\r` … `a 01 OK00x`", ": off", "healthy"],
    );
    assert_eq!(fleet.journal(GATEWAY).bytes(), b"ka 01 ff\r");
}

#[test]
fn a_reply_in_pieces_and_one_after_an_echo_are_fine() {
    let pieces = on_command(vec![Step::ReplyByteByByte(Duration::from_millis(5))]);
    says(&examine(&pieces, &[]), 0, &["`a 01 OK00x` after", "pieces", "healthy"]);
    let echo = on_command(vec![Step::Echo, send("\n"), Step::Reply, send("\r\n")]);
    says(&examine(&echo, &[]), 0, &["`a 01 OK00x` after", "after an echo", "note: ", "(echo)", "healthy"]);
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let finished = Workspace::new().fleetctl(&["doctor", "no-such-host.invalid", "--type", "lg-rs232"]);
    says(&finished, 1, &["problem: the name `no-such-host.invalid` does not resolve", "-> check its spelling"]);
}

#[test]
fn a_port_that_refuses_and_one_that_is_deaf_are_told_apart() {
    let (_closed, port) = closed_port("127.20.0.2");
    let examine =
        |port: u16| Workspace::new().fleetctl(&["doctor", &format!("127.20.0.2:{port}"), "--type", "lg-rs232"]);
    says(&examine(port), 1, &["… refused", "nothing listens on port", "-> check the port number"]);
    let (_deaf, port) = deaf_port("127.20.0.2");
    says(&examine(port), 1, &["nothing answered within 3.0 s", "problem: ", "-> check power and network"]);
}

#[test]
fn an_open_but_silent_port_is_asked_nothing_but_the_question_and_its_variants() {
    let fleet = on_command(Vec::new());
    let finished = examine(&fleet, &[]);
    says(&finished, 1, &["problem: the port is open, but the line is silent", "null-modem", "RS-232 control"]);
    let journal = fleet.journal(GATEWAY);
    let harmless = |text: &&str| {
        let text = text.trim_matches('\n');
        // Displays with three digits are asked with three.
        text.is_empty()
            || text == "ka 001 ff"
            || (text.starts_with("ka ") && text.ends_with(" ff") && text.len() == 8 && !text.contains(" 00 "))
    };
    assert!(journal.texts().iter().all(harmless), "{:?}", journal.texts());
    assert_eq!(journal.most_open, 1);
}

#[test]
fn a_gateway_in_telnet_mode_is_named_and_the_display_behind_it_asked() {
    // protocols.md §2.3, GW-01: what ser2net says in `telnet` mode before it is asked anything.
    let greeting: &[u8] = b"\xff\xfb\x03\xff\xfd\x03\xff\xfb\x01\xff\xfe\x01\xff\xfd\x00\xff\xfb\x00";
    let port = display(greeting, b"\r");
    let inventory = |link: &str| {
        Workspace::with_inventory(&format!(
            "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1:{port}\"\nlink = {{ telnet = \"{link}\" }}\n"
        ))
    };
    let seen = ["Telnet negotiation: ff fb 03", "speaks Telnet"];
    for link in ["auto", "always"] {
        says(&inventory(link).fleetctl(&["doctor", "tv"]), 0, &[&seen[..], &["note: ", "healthy"]].concat());
    }
    let never = inventory("never");
    let finished = never.fleetctl(&["doctor", "tv", "--write", "tv.toml"]);
    says(&finished, 1, &[&seen[..], &["problem: ", "-> write `link = { telnet = \"always\" }`"]].concat());
    assert!(never.read("tv.toml").contains("link = { telnet = \"always\" }\n"), "{}", never.read("tv.toml"));
    never.fleetctl(&["run", "-i", "tv.toml", "--do", "power-on"]).expect_status(0);
}

#[test]
fn a_gateway_that_serves_another_client_is_named() {
    let busy = on_accept(vec![send("Port already in use\r\n"), Step::Close]);
    says(&examine(&busy, &[]), 1, &["occupied by another client; it says `Port already in use`", "-> close the other"]);
    assert_eq!(busy.commands(), 0);
    for end in [Step::Close, Step::Reset] {
        let hung_up = on_accept(vec![end]);
        says(&examine(&hung_up, &[]), 1, &["hangs up at once", "another client", "-> close the other program"]);
        assert_eq!(hung_up.commands(), 0);
    }
}

#[test]
fn an_echo_without_a_reply_is_named() {
    let fleet = FakeFleet::start();
    for set_id in 1..=10 {
        fleet.on_command(GATEWAY, set_id, vec![vec![Step::Echo]]);
    }
    says(&examine(&fleet, &[]), 1, &["comes back and nothing else", "-> check that the cable"]);
}

#[test]
fn a_display_with_another_set_id_is_found_and_the_entry_that_is_written_works() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(GATEWAY, [7]);
    let workspace = Workspace::new();
    let address = format!("{GATEWAY}:{}", fleet.port());
    let finished = workspace.fleetctl(&["doctor", &address, "--type", "lg-rs232", "--write", "tv.toml"]);
    says(
        &finished,
        1,
        &["set_id 1 does not answer, but set_id 7 does", "-> write `params = { set_id = 7 }`", "wrote `tv.toml`"],
    );
    assert!(!fleet.journal(GATEWAY).texts().contains(&"ka 00 ff"), "nobody allowed to ask everybody");
    let checked = workspace.fleetctl(&["inventory", "check", "-i", "tv.toml"]);
    assert_eq!(checked.expect_status(0).stderr, "", "{checked}");
    workspace.fleetctl(&["run", "-i", "tv.toml", "--do", "power-on"]).expect_status(0);
    assert_eq!(fleet.commands_seen_by(GATEWAY, 7).last().unwrap(), "ka 07 01");
}

#[test]
fn a_set_id_that_nobody_guesses_is_found_only_when_all_may_be_asked() {
    let fleet = FakeFleet::start();
    fleet.daisy_chain(GATEWAY, [57]);
    fleet.on_command(GATEWAY, 0, vec![vec![send("a 39 OK00x")]]);
    says(&examine(&fleet, &["--active"]), 1, &["ask `ka 00 ff\\r` of every unit", "set_id 57 does"]);
}

#[test]
fn a_display_that_refuses_and_one_that_is_starting_are_named() {
    let refuses = on_command(vec![send("a 01 NG00x")]);
    says(
        &examine(&refuses, &[]),
        1,
        &["refuses the question: illegal code (NG 00)", "-> connection, line and unit are right"],
    );
    let starts = on_command(vec![send("a 01 NG03x")]);
    says(&examine(&starts, &[]), 1, &["asks to wait", "(NG 03)", "in a minute"]);
}

#[test]
fn garbage_points_to_the_line_and_never_reaches_the_terminal() {
    let fleet = on_command(vec![Step::Send(b"\xf0\x1b[2J\x80\x00\xfe\x9b".to_vec())]);
    let finished = examine(&fleet, &[]);
    says(
        &finished,
        1,
        &["bytes come that make no reply: `\\xf0\\x1b[2J\\x80\\0\\xfe\\x9b`", "-> check baud rate and parity"],
    );
    assert!(finished.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", finished.stdout);
    let babbles = on_accept(vec![Step::Pause(Duration::from_millis(10)), Step::Babble(vec![0xf8; 64])]);
    says(&examine(&babbles, &[]), 1, &["never stops talking", "-> check baud rate"]);
}

#[test]
fn another_service_on_the_port_is_named() {
    let ssh = on_accept(vec![send("SSH-2.0-OpenSSH_9.2\r\n")]);
    says(&examine(&ssh, &[]), 1, &["SSH answers on this port", "-> use the gateway's data port"]);
}

/// A display behind a gateway that says this first and then passes on all but Telnet negotiation. The display acts when
/// a command ends so; without an end, when the line falls silent.
fn display(greeting: &'static [u8], end: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.write_all(greeting).unwrap();
            let (mut held, mut chunk) = (Vec::new(), [0; 256]);
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                held.extend_from_slice(&chunk[..count]);
                while let Some(at) = held.iter().position(|byte| *byte == 0xff) {
                    held.drain(at..at + 3);
                }
                if end.is_empty() || held.ends_with(end) {
                    let command = &held[..held.len() - end.len()];
                    if matches!(command, b"ka 01 ff" | b"ka 01 01") {
                        stream.write_all(b"a 01 OK01x").unwrap();
                    }
                    held.clear();
                }
            }
        }
    });
    port
}

#[test]
fn a_device_that_wants_another_line_end_is_found_out() {
    let ends: [(&'static [u8], &str); 3] =
        [(b"\n", "in `\\n`"), (b"\r\n", "in `\\r\\n`"), (b"", "without any line end")];
    let workspace = Workspace::new();
    let running: Vec<_> = ends
        .into_iter()
        .map(|(end, text)| {
            let address = format!("127.0.0.1:{}", display(b"", end));
            (text, workspace.start(&["doctor", &address, "--type", "lg-rs232", "--write", "tv.toml"]))
        })
        .collect();
    for (text, program) in running {
        let expected = ["the device answers only", text, "-> use a device type of your own", "not written"];
        says(&program.finish(), 1, &expected);
    }
    assert!(!workspace.path("tv.toml").exists());
}
