//! Binary types as their devices need them: log-ins, switches, variants, transfers, simulated boards.

use std::sync::Arc;

use bytes::BytesMut;

use super::*;
use crate::codec::Frame;
use crate::model::{ParamValue, Params, Secret, Value};

fn built_in(name: &str) -> Arc<DeviceType> {
    Catalog::built_in().get(name).unwrap().clone()
}

fn params(given: &[(&str, ParamValue)]) -> Params {
    given.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
}

fn relay(number: i64) -> (&'static str, ParamValue) {
    ("relay", ParamValue::Int(number))
}

fn password(text: &str) -> (&'static str, ParamValue) {
    ("password", ParamValue::Secret(Secret::new(text.to_owned())))
}

fn frame(bytes: &[u8]) -> Frame {
    Frame { bytes: bytes::Bytes::copy_from_slice(bytes) }
}

/// The body of a command in hex, or why it is refused.
fn body(device_type: &Arc<DeviceType>, command: &str, params: &Params) -> Result<String, String> {
    let source = match device_type.action(command) {
        Some(action) => CommandSource::Action(action.name.clone()),
        None => CommandSource::Raw(device_type.template(command).map_err(|error| error.to_string())?),
    };
    let body = device_type.body(&source, params).map_err(|error| error.to_string())?;
    device_type.check(&source, &body, params).map_err(|error| error.to_string())?;
    device_type.request(&source, body.clone(), false).map_err(|error| error.to_string())?;
    Ok(body.shown_hex())
}

#[test]
fn a_command_is_refused_before_it_is_sent_where_the_device_does_not_allow_it() {
    let (board, ncd) = (built_in("devantech-eth008"), built_in("ncd-proxr"));
    let broadcast = params(&[("broadcast", ParamValue::Bool(true))]);
    let log_in = "this command is part of the log-in, which device type `devantech-eth008` does itself: \
                  give the device its password";
    for (device_type, command, params, expected) in [
        (&board, "relay-on", params(&[relay(3)]), Ok("20 03 00")),
        (&board, "20 {relay} 00", params(&[relay(3)]), Ok("20 03 00")),
        (&board, "relay-on", Params::default(), Err("`relay` is not given")),
        (&board, "79 61", Params::default(), Err(log_in)),
        (&board, "7A", Params::default(), Err(log_in)),
        (&board, "7B", Params::default(), Err(log_in)),
        (&board, "21 0g 00", Params::default(), Err("`0g` is no byte in hex")),
        (
            &board,
            "99",
            Params::default(),
            Err("device type `devantech-eth008` knows no command `99`, so nothing could be taken for its answer"),
        ),
        (&ncd, "FE 6C 00", Params::default(), Err("`fe 6c 00` is sent only to a device with `broadcast = true`")),
        (&ncd, "FE 8C FF 00", Params::default(), Err("`fe 8c ff 00` is sent only to a device with `broadcast = true`")),
        (&ncd, "FE 7C 00", Params::default(), Err("`fe 7c 00` is sent only to a device with `broadcast = true`")),
        (&ncd, "FE 6C 00", broadcast, Ok("fe 6c 00")),
        (&ncd, "FE 6C 01", Params::default(), Ok("fe 6c 01")),
        (&ncd, "relay-on", params(&[relay(9)]), Ok("fe 6c 02")),
        (&ncd, "relay-on", params(&[relay(256)]), Ok("fe 73 20")),
        (&ncd, "relay-off", params(&[relay(8)]), Ok("fe 6b 01")),
        (&ncd, "all-off", params(&[relay(9)]), Ok("fe 8c 00 02")),
    ] {
        let found = body(device_type, command, &params);
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{command}");
    }
}

#[test]
fn a_log_in_is_equal_for_equal_passwords_and_shows_none() {
    let board = built_in("devantech-eth008");
    let login = |given: &[(&str, ParamValue)]| board.login(&params(given)).unwrap();
    assert_eq!(login(&[relay(1)]), None);
    let one = login(&[relay(1), password("apple")]).unwrap();
    assert_eq!(Some(&one), login(&[relay(2), password("apple")]).as_ref());
    assert_ne!(Some(&one), login(&[relay(1), password("pear")]).as_ref());
    assert!(!format!("{one:?}").contains("apple"));
    let said = |text: &str| Some(text.to_owned());
    let [first, second] = one.steps.as_slice() else { panic!("{one:?}") };
    assert_eq!(first.judge(&frame(&[0])), LoginVerdict::Next { message: said("it is locked") });
    assert_eq!(first.judge(&frame(&[0xff])), LoginVerdict::Done { message: said("its password protection is off") });
    assert_eq!(second.send.as_ref().unwrap().bytes(), b"\x79apple");
    assert_eq!(second.judge(&frame(&[1])), LoginVerdict::Done { message: None });
    assert_eq!(second.judge(&frame(&[9])), LoginVerdict::Malformed { message: "\\t".to_owned() });
    let refused = LoginVerdict::Auth { message: "the board refuses the password".to_owned() };
    assert_eq!(second.judge(&frame(&[2])), refused);
    assert_eq!(second.logout.as_ref().unwrap().payload.bytes(), [0x7b]);
    // Without the password only the question whether it is locked is left.
    let opening = board.login_opening().unwrap().unwrap();
    assert_eq!(opening.steps, one.steps[..1]);
}

#[test]
fn one_request_means_for_each_device_what_its_parameters_say() {
    let board = built_in("devantech-eth008");
    let source = CommandSource::Action("power-status".into());
    let body = board.body(&source, &Params::default()).unwrap();
    let request = board.request(&source, body, false).unwrap();
    for (number, inverted, word) in [(1, false, "on"), (2, false, "off"), (1, true, "off"), (2, true, "on")] {
        let params = params(&[relay(number), ("inverted", ParamValue::Bool(inverted))]);
        let value = Some(Value::Text(word.into()));
        assert_eq!(request.judge(&frame(&[1]), &params), Verdict::Ok { value }, "{number} {inverted}");
    }
}

#[test]
fn only_what_may_be_sent_twice_says_so() {
    for (name, command, params, twice) in [
        ("devantech-eth008", "20 03 00", Params::default(), true),
        ("devantech-eth008", "20 03 32", Params::default(), false),
        ("devantech-ds", "31 05 00 00 00 03 E8", Params::default(), false),
        ("ncd-proxr", "FE 1F", Params::default(), false),
        ("ncd-proxr", "FE 6C 01", Params::default(), true),
        ("esc-cr", "status", Params::default(), false),
        ("smart-home-hub", "4C 00 00 00", Params::default(), true),
    ] {
        let device_type = built_in(name);
        let source = CommandSource::Raw(device_type.template(command).unwrap());
        let body = device_type.body(&source, &params).unwrap();
        assert_eq!(device_type.request(&source, body, false).unwrap().is_idempotent(), twice, "{name} {command}");
    }
}

#[test]
fn what_may_switch_something_on_counts_for_circuits_and_nothing_else() {
    for (name, command, draws) in [
        ("lg-rs232", "ka 01 01", true),
        ("lg-rs232", "ka 00 01", true),
        ("lg-rs232", "ka 01 00", false),
        ("lg-rs232", "ka 01 ff", false),
        ("lg-rs232", "mc 01 C4", true),
        ("lg-rs232", "mc 01 08", true),
        ("lg-rs232", "mc 01 c5", false),
        ("lg-rs232", "kf 01 1e", false),
        ("devantech-eth002", "20 01 00", true),
        ("devantech-eth008", "21 03 00", true),
        ("devantech-eth008", "20 03 32", true),
        ("devantech-eth008", "24", false),
        ("devantech-eth484", "23 01 00", true),
        ("devantech-eth8020", "23 01 00 00", true),
        ("devantech-ds", "31 05 00 00 00 03 E8", true),
        ("devantech-ds", "33 05", false),
        ("ncd-proxr", "FE 6C 01", true),
        ("ncd-proxr", "FE 64 01", true),
        ("ncd-proxr", "FE 6C 00", true),
        ("ncd-proxr", "FE 8C 0F 01", true),
        ("ncd-proxr", "FE 30 00 00", true),
        ("ncd-proxr", "FE 74 01", false),
    ] {
        let device_type = built_in(name);
        let source = CommandSource::Raw(device_type.template(command).unwrap());
        let body = device_type.body(&source, &Params::default()).unwrap();
        assert_eq!(device_type.request(&source, body, false).unwrap().draws_inrush(), draws, "{name} {command}");
    }
    for name in
        ["devantech-eth002", "devantech-eth008", "devantech-eth484", "devantech-eth8020", "devantech-ds", "ncd-proxr"]
    {
        let board = built_in(name);
        for (action, inverted, draws) in [
            ("power-on", false, true),
            ("power-on", true, true),
            ("power-off", false, false),
            ("power-off", true, false),
            ("relay-on", false, true),
            ("relay-off", true, true),
            ("power-status", false, false),
        ] {
            let source = CommandSource::Action(action.into());
            let params = params(&[relay(1), ("inverted", ParamValue::Bool(inverted))]);
            let body = board.body(&source, &params).unwrap();
            assert_eq!(
                board.request(&source, body, false).unwrap().draws_inrush(),
                draws,
                "{name} {action} {inverted}"
            );
        }
    }
}

#[test]
fn a_hub_announces_its_file() {
    let hub = built_in("smart-home-hub");
    let source = CommandSource::Action("fetch-database".into());
    let body = hub.body(&source, &Params::default()).unwrap();
    let request = hub.request(&source, body, false).unwrap();
    let header = frame(&[0x43, 0, 0, 0, 0xfe, 0x2b, 0, 0]);
    assert_eq!(request.judge(&header, &Params::default()), Verdict::Ok { value: None });
    assert_eq!(request.announced(&header), Some(11_262));
    let transfer = request.transfer().unwrap();
    assert_eq!((transfer.max, &*transfer.magic), (64 << 20, &b"SQLite format 3\0"[..]));
    let announces = |length: u32| {
        let [one, two, three, four] = length.to_le_bytes();
        request.judge(&frame(&[0x43, 0, 0, 0, one, two, three, four]), &Params::default())
    };
    assert_eq!(announces(64 << 20), Verdict::Ok { value: None }, "as much as the type allows");
    assert_eq!(announces((64 << 20) + 1), Verdict::TooLong { announced: (64 << 20) + 1 });
    assert!(matches!(announces(0), Verdict::Malformed { .. }), "a file of no bytes is none");
    let other = frame(&[0x44, 0, 0, 0, 0, 0, 0, 0]);
    let message = "the hub answers with command word 44 00 00 00".to_owned();
    assert_eq!(request.judge(&other, &Params::default()), Verdict::Refused { message });
}

/// What a simulated board answers to wire bytes, in hex.
fn talk(board: &mut Simulated, wire: &[u8]) -> Option<String> {
    let device_type = board.device_type().clone();
    let mut received = BytesMut::from(wire);
    let body = device_type.send.cut(&mut received)?;
    board.answer(&body).map(|bytes| crate::model::escape::hex(&bytes))
}

#[test]
fn two_relays_of_a_simulated_board_share_its_state_and_its_lock() {
    let units = [params(&[relay(1), password("apple")]), params(&[relay(2), password("apple")])];
    let mut board = Simulated::new(&built_in("devantech-eth008"), &units).unwrap();
    for (wire, reply) in [
        (&b"\x20\x01\x00"[..], "01"),
        (b"\x7a", "00"),
        (b"\x79wrong", "02"),
        (b"\x79apple", "01"),
        (b"\x7a", "1e"),
        (b"\x20\x01\x00", "00"),
        (b"\x20\x02\x00", "00"),
        (b"\x24", "03"),
        (b"\x21\x01\x00", "00"),
        (b"\x20\x03\x05", "00"),
        (b"\x24", "02"),
        (b"\x20\x09\x00", "01"),
        (b"\x7b", "00"),
        (b"\x23\xff", "01"),
    ] {
        assert_eq!(talk(&mut board, wire).as_deref(), Some(reply), "{}", wire.escape_ascii());
    }
    assert_eq!(board.refuse(&[0x24]).as_deref(), Some(&[1][..]));
}

#[test]
fn a_simulated_ncd_board_speaks_the_mode_of_its_devices() {
    let mut api = Simulated::new(&built_in("ncd-proxr"), &[params(&[relay(1)])]).unwrap();
    for (wire, reply) in [
        (&[0xaa, 3, 0xfe, 0x6c, 1, 0x18][..], Some("aa 01 55 00")),
        (&[0xaa, 3, 0xfe, 0x74, 1, 0x20], Some("aa 01 01 ac")),
        (&[0xaa, 3, 0xfe, 0x64, 1, 0x10], Some("aa 01 55 00")),
        (&[0xaa, 4, 0xfe, 0x8c, 0xa5, 1, 0xde], Some("aa 01 55 00")),
        (&[0xaa, 3, 0xfe, 0x7c, 1, 0x28], Some("aa 01 a5 50")),
        (&[0xaa, 3, 0xfe, 0x6c, 1, 0x19], None),
        (&[0xaa, 3, 0xfe, 0x6c], None),
    ] {
        assert_eq!(talk(&mut api, wire).as_deref(), reply, "{wire:x?}");
    }
    let standard = params(&[relay(1), ("mode", ParamValue::Choice("standard".into()))]);
    let mut standard = Simulated::new(&built_in("ncd-proxr"), &[standard]).unwrap();
    assert_eq!(talk(&mut standard, &[0xfe, 0x21]).as_deref(), Some("55"));
}

#[test]
fn a_simulated_hub_serves_a_database_as_long_as_it_says() {
    let mut hub = Simulated::new(&built_in("smart-home-hub"), &[Params::default()]).unwrap();
    let reply = hub.answer(&[0x4c, 0, 0, 0]).unwrap();
    assert_eq!(&reply[..8], [0x43, 0, 0, 0, 0, 0x20, 0, 0]);
    assert_eq!(reply.len(), 8 + 8192);
    assert!(reply[8..].starts_with(b"SQLite format 3\0"));
}
