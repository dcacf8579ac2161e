//! Names that lead nowhere: a name server that is silent, says no or lies, an address of two that is dead.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use crate::support::{Expected, FakeFleet, Peer, Workspace, deaf_port, in_own_network};

const SLACK: Duration = Duration::from_secs(20);

fn workspace(port: u16, names: usize) -> Workspace {
    Workspace::with_inventory(&format!(
        "[[device]]\nname = \"tv-[1-{names}]\"\ntype = \"lg-rs232\"\naddress = \"tv[1-{names}].example:{port}\"\n"
    ))
}

const RUN: [&str; 10] = [
    "run",
    "--cmd",
    "mc {set_id} 08",
    "--format",
    "json",
    "--connect-timeout",
    "1500ms",
    "--device-deadline",
    "8s",
    "--report=table=table.txt",
];

/// Bytes of a reply to a query: its header with these flags and counts, its question, and these records.
fn reply(query: &[u8], code: u8, records: &[Vec<u8>]) -> Option<Vec<u8>> {
    let question = 12 + query.get(12..)?.iter().position(|length| *length == 0)? + 5;
    let count = u16::try_from(records.len()).unwrap().to_be_bytes();
    let mut reply = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0];
    reply.extend(query.get(12..question)?);
    reply.extend(records.concat());
    Some(reply)
}

/// Whether IPv4 addresses are asked for.
fn asks_for_ipv4(query: &[u8]) -> bool {
    let end = query[12..].iter().position(|length| *length == 0).unwrap() + 12;
    query.get(end + 1..end + 3) == Some(&[0, 1])
}

/// A record of the name that was asked for.
fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60], &length[..], data].concat()
}

#[test]
fn row_13_the_second_address_of_a_name_is_tried_when_the_first_is_dead() {
    in_own_network(|network| {
        let (_deaf, port) = deaf_port("127.67.0.1");
        let listener = TcpListener::bind(("127.67.0.2", port)).unwrap();
        let display = Peer::on(listener, &["> 6B 61 20 30 31 20 30 31 0D < 61 20 30 31 20 4F 4B 30 31 78"]);
        let workspace = workspace(port, 1);
        network.hosts(&workspace, "127.0.0.1 localhost\n127.67.0.1 tv1.example\n127.67.0.2 tv1.example\n");
        let run = ["run", "--cmd", "ka 01 01", "--format", "json", "--connect-timeout", "3s", "--retries", "0"];
        let program = workspace.start(&[&run[..], &["--device-deadline", "8s"]].concat());
        let report = program.finish_within(Duration::from_secs(8 + 5 + 1) + SLACK).expect_status(0).report();
        report.expect("tv-1", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
        assert_eq!(display.heard()[0], "6B 61 20 30 31 20 30 31 0D");
    });
}

#[test]
fn a_name_of_an_address_that_another_device_has_too_is_warned_of() {
    in_own_network(|network| {
        let (fleet, other) = (FakeFleet::start(), FakeFleet::start());
        let (port, elsewhere) = (fleet.port(), other.port());
        let device = |name: &str, address: &str| {
            format!("[[device]]\nname = \"{name}\"\ntype = \"lg-rs232\"\naddress = \"{address}\"\n")
        };
        let text = [
            device("a", &format!("tv1.example:{port}")),
            device("b", &format!("127.67.0.1:{port}")),
            device("c", &format!("tv2.example:{elsewhere}")),
        ];
        let workspace = Workspace::with_inventory(&text.concat());
        network.hosts(&workspace, "127.0.0.1 localhost\n127.67.0.1 tv1.example\n127.67.0.1 tv2.example\n");
        let run = |select: &str| {
            let finished = workspace.fleetctl(&["run", "--cmd", "ka {set_id} 01", "-c", "1", "-s", select]);
            finished.expect_status(0).stderr.clone()
        };
        let said = run("*");
        let expected = format!("`tv1.example` and `127.67.0.1` are both 127.67.0.1:{port}");
        assert_eq!(said.matches("are treated as two gateways").count(), 1, "{said}");
        assert!(said.contains(&expected), "{said}");
        assert!(!run("a, c").contains("two gateways"), "another port is another gateway anyway");
    });
}

#[test]
fn row_41_a_name_server_that_is_silent_ill_or_knows_nothing_costs_its_devices_alone_and_no_time_at_the_end() {
    /// What the name server says to a query.
    type Says = fn(&[u8]) -> Option<Vec<u8>>;
    let says: [(&str, Says); 3] =
        [("silent", |_| None), ("ill", |query| reply(query, 2, &[])), ("no such name", |query| reply(query, 3, &[]))];
    for (what, says) in says {
        in_own_network(|network| {
            let fleet = FakeFleet::start();
            let workspace = workspace(fleet.port(), 40);
            workspace.write(
                "fleet.toml",
                &format!(
                    "{}[[device]]\nname = \"good\"\ntype = \"lg-rs232\"\naddress = \"127.67.0.1:{}\"\n",
                    workspace.read("fleet.toml"),
                    fleet.port()
                ),
            );
            network.name_server(&workspace, says);
            let finished = workspace.start(&RUN).finish_within(Duration::from_secs(8 + 5 + 1) + SLACK);
            let report = finished.expect_status(1).report();
            report.expect("good", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
            for number in 1..=40 {
                let expected = Expected { status: "unreachable", kind: Some("dns"), delivery: "none", attempts: 1 };
                report.expect(&format!("tv-{number}"), expected);
            }
            let table = workspace.read("table.txt");
            assert_eq!(table.matches("tv-[1-40]").count(), 1, "{what}: one cause, not forty: {table}");
            assert_eq!(fleet.commands(), 1);
        });
    }
}

#[test]
fn row_43_a_name_server_that_lies_is_believed_within_bounds() {
    type Says = fn(&[u8]) -> Option<Vec<u8>>;
    let says: [(&str, Says); 5] = [
        ("noise", |query| Some([&query[..2], &[0xff; 600]].concat())),
        ("a name that is its own other name", |query| reply(query, 0, &[record(5, &[0xc0, 12])])),
        ("a name that leads into itself", |query| reply(query, 0, &[record(5, &[1, b'a', 0xc0, 0x23])])),
        ("a length past the end", |query| reply(query, 0, &[vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0xff, 0xff, 127]])),
        ("records that are not there", |query| {
            let mut reply = reply(query, 0, &[])?;
            reply[6] = 0xff;
            Some(reply)
        }),
    ];
    for (what, says) in says {
        in_own_network(|network| {
            let fleet = FakeFleet::start();
            let workspace = workspace(fleet.port(), 1);
            network.name_server(&workspace, says);
            let report = workspace.start(&RUN).finish_within(Duration::from_secs(8 + 5 + 1) + SLACK).report();
            let device = report.device("tv-1");
            assert_eq!((&device["status"], &device["error"]["kind"]), (&"unreachable".into(), &"dns".into()), "{what}");
            assert_eq!(fleet.connections(), 0);
        });
    }
}

#[test]
fn row_43_a_name_with_very_many_addresses_is_tried_within_its_time() {
    in_own_network(|network| {
        let fleet = FakeFleet::start();
        let port = fleet.port();
        drop(fleet);
        let workspace = workspace(port, 1);
        network.name_server(&workspace, |query| {
            let addresses = (1..=28).map(|last| record(1, &Ipv4Addr::new(127, 67, 1, last).octets()));
            let addresses: Vec<_> = if asks_for_ipv4(query) { addresses.collect() } else { Vec::new() };
            reply(query, 0, &addresses)
        });
        let program = workspace.start(&[&RUN[..], &["--retries", "0"]].concat());
        let report = program.finish_within(Duration::from_secs(8 + 5 + 1) + SLACK).expect_status(1).report();
        let kind = Some("connection_refused");
        report.expect("tv-1", Expected { status: "unreachable", kind, delivery: "none", attempts: 1 });
    });
}
