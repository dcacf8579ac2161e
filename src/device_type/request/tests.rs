//! Bytes, traits and verdicts of the LG type, and of small types made for what LG does not have.

use proptest::prelude::*;
use tokio_util::codec::Decoder as _;

use super::*;
use crate::device_type::Catalog;
use crate::model::{ParamValue, Secret, Value};

fn lg() -> Arc<DeviceType> {
    Catalog::built_in().get("lg-rs232").unwrap().clone()
}

fn params(given: &[(&str, ParamValue)]) -> Params {
    given.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
}

fn set_id(id: i64, digits: i64) -> Params {
    params(&[("set_id", ParamValue::Int(id)), ("id_digits", ParamValue::Int(digits))])
}

fn raw(device_type: &Arc<DeviceType>, text: &str) -> Request {
    let source = CommandSource::Raw(device_type.template(text).unwrap());
    let body = device_type.body(&source, &Params::default()).unwrap();
    device_type.request(&source, body, false).unwrap()
}

fn judge(request: &Request, frame: &str) -> Verdict {
    request.judge(&Frame { bytes: bytes::Bytes::copy_from_slice(frame.as_bytes()) }, &Params::default())
}

#[test]
fn parameters_and_arguments_are_written_as_they_are_declared() {
    let lg = lg();
    let with = |params: Params, name: &str, value: ParamValue| params.overridden_by([(Arc::from(name), value)]);
    for (source, params, shown) in [
        ("ka {set_id} 01", Params::default(), Ok("ka 01 01")),
        ("ka {set_id} 01", set_id(10, 2), Ok("ka 0a 01")),
        ("ka {set_id} 01", set_id(1000, 3), Ok("ka 3e8 01")),
        ("ka {set_id} 01", set_id(300, 2), Err("`set_id`: 300 does not fit into 2 hex digits, as `id_digits` says")),
        (r"k\x7b\x7d{set_id}\r", set_id(1, 2), Ok(r"k{}01\r")),
        ("volume", with(set_id(2, 2), "level", ParamValue::Int(100)), Ok("kf 02 64")),
        ("volume", set_id(2, 2), Err("`level` is not given")),
        ("input", with(set_id(2, 2), "source", ParamValue::Choice("hdmi2".into())), Ok("xb 02 91")),
        ("open-doors", Params::default(), Err("device type `lg-rs232` has no action `open-doors`")),
    ] {
        let source = match lg.action(source) {
            None if source.contains('{') => CommandSource::Raw(lg.template(source).unwrap()),
            _ => CommandSource::Action(source.into()),
        };
        let found = lg.body(&source, &params).map(|body| body.shown()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), shown, "{source:?} {params:?}");
    }
}

#[test]
fn what_is_true_of_a_command_follows_from_its_first_pattern() {
    let lg = lg();
    let eight = std::time::Duration::from_secs(8);
    for (text, idempotent, query, broadcast, understood, reply_timeout) in [
        ("ka 01 01", true, false, false, true, Some(eight)),
        ("ka 3e8 01", true, false, false, true, Some(eight)),
        ("ka 01 00", true, false, false, true, None),
        ("ka 01 ff", true, true, false, true, None),
        ("sv 01 02 FF", true, true, false, true, None),
        ("kb 01 08", true, false, false, true, None),
        ("xb 01 90", true, false, false, true, None),
        ("kd 01 01", true, false, false, true, None),
        ("ke 01 00", true, false, false, true, None),
        ("kf 01 1e", true, false, false, true, None),
        ("km 01 01", true, false, false, true, None),
        ("mc 01 c4", true, false, false, true, None),
        ("mc 01 C5", true, false, false, true, None),
        ("mc 01 08", false, false, false, true, None),
        ("mc 01 c45", false, false, false, true, None),
        ("fk 01 02", false, false, false, true, None),
        ("ju 01 01", false, false, false, true, None),
        ("ka 00 00", false, false, true, true, None),
        ("ka 000 ff", false, false, true, true, None),
        ("ka 1 01", true, false, false, false, Some(eight)),
        ("ka 01 01 02", true, false, false, true, None),
        ("hello", false, false, false, false, None),
    ] {
        let request = raw(&lg, text);
        let found = (
            request.is_idempotent(),
            request.is_query(),
            request.is_broadcast(),
            request.is_understood(),
            request.timing().reply_timeout,
        );
        assert_eq!(found, (idempotent, query, broadcast, understood, reply_timeout), "{text}");
        assert_eq!(request.framing().is_none(), broadcast, "{text}");
        assert_eq!(request.payload().bytes(), format!("{text}\r").as_bytes());
    }
    // A terminator of the user's own comes on top of the type's: it is said, not silently taken away.
    assert!(!raw(&lg, r"ka 01 01\r").is_understood());
    let source = CommandSource::Raw(lg.template("fk 01 02").unwrap());
    let body = lg.body(&source, &Params::default()).unwrap();
    assert!(lg.request(&source, body, true).unwrap().is_idempotent());
}

#[test]
fn a_frame_is_the_answer_only_if_letter_unit_and_value_agree() {
    let lg = lg();
    let ok = |text: &str| Verdict::Ok { value: Some(Value::Text(text.into())) };
    let refused = |message: &str| Verdict::Refused { message: message.to_owned() };
    for (text, frame, verdict) in [
        ("ka 0a 01", "a 0A OK01x", ok("01")),
        ("ka 001 01", "a 1 OK01x", ok("01")),
        ("ka 01 1", "a 01 OK01x", ok("01")),
        ("ka 01 01", "a 01 OK00x", Verdict::Stray),
        ("ka 01 01", "a 02 OK01x", Verdict::Stray),
        ("ka 01 01", "b 01 OK01x", Verdict::Stray),
        ("ka 01 01", "a 01 NG00x", refused("illegal code (NG 00)")),
        ("ka 01 01", "a 01 NG02x", refused("not supported by this model (NG 02)")),
        ("ka 01 01", "a 01 NG03x", Verdict::Busy { message: "the display asks to wait (NG 03)".to_owned() }),
        ("kf 01 03", "f 01 OK03x", ok("03")),
        ("mc 01 44", "c 01 OK99x", ok("99")),
        ("ka 00 01", "a 01 OK01x", Verdict::Stray),
        ("hello", "a 01 OK01x", Verdict::Stray),
    ] {
        assert_eq!(judge(&raw(&lg, text), frame), verdict, "{text} {frame}");
    }
}

#[test]
fn a_frame_that_names_another_letter_or_unit_is_a_stray_without_a_search() {
    let lg = lg();
    let told = |request: &Request, frame: &str| {
        let found = (request.is_stray(frame.as_bytes(), &Params::default()), judge(request, frame) == Verdict::Stray);
        assert_eq!(found.0, found.1, "{frame}");
        let sieve = request.sieve.get().unwrap();
        (request.reply_spec().unwrap().answers_another(sieve, frame.as_bytes()), found.0)
    };
    let request = raw(&lg, "ka 0a 01");
    for number in 0..300 {
        assert_eq!(told(&request, &format!("b 0a OK{number:02x}x")), (true, true));
        let unit = if number == 10 { 1 } else { number };
        assert_eq!(told(&request, &format!("a  {unit:02x} OK01x")), (true, true));
    }
    // The same unit and value as displays write them, and a no, whatever it carries.
    for frame in ["a 0A OK01x", "a a NG00x", "a 00a OK1x", "a 0a OK001x", "a 0a NG03x"] {
        assert_eq!(told(&request, frame), (false, false), "{frame}");
    }
    // Another value in a yes; nothing is remembered of those that come once.
    for number in 2..300 {
        assert_eq!(told(&request, &format!("a 0a OK{number:02x}x")), (true, true));
    }
    // To a command that wants no value back any will do.
    assert_eq!(told(&raw(&lg, "mc 0a 44"), "c 0a OK99x"), (false, false));
    // What cannot be read has no answer.
    assert_eq!(told(&raw(&lg, "hello"), "a 01 OK01x"), (true, true));
}

proptest! {
    #[test]
    fn what_is_told_to_be_a_stray_is_what_is_judged_one_in_every_type(
        pieces in proptest::collection::vec(
            prop_oneof![
                "[acy$] {1,2}(0A|a|00a|01) {1,2}(OK|NG)(0?1|03|[0-9A-Zx]{0,3}| NG0[23]|[.] OK)x",
                "(OK|NG|ERROR|[a-z]{1,5})[\0\r\n]{1,2}",
            ].prop_map(String::into_bytes).boxed(),
            1..12,
        ),
        bytes in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let catalog = Catalog::built_in();
        for (name, command) in [
            ("lg-rs232", "ka 0a 01"),
            ("lg-rs232", "kf 01 0a"),
            ("lg-rs232", "mc 0a 08"),
            ("lg-rs232", "ka 0a ff"),
            ("lg-rs232", "fy 0a ff"),
            ("lg-rs232", "hello"),
            ("esc-cr", "status"),
            ("devantech-eth008", "20 01 00"),
            ("ncd-proxr", "FE 6C 01"),
        ] {
            let request = raw(catalog.get(name).unwrap(), command);
            let mut codec = crate::codec::FrameCodec::new();
            codec.expect(request.framing().unwrap());
            let mut stream = bytes::BytesMut::from(&[&pieces.concat()[..], &bytes].concat()[..]);
            while let Ok(Some(frame)) = codec.decode(&mut stream) {
                let is_stray = request.judge(&frame, &Params::default()) == Verdict::Stray;
                prop_assert_eq!(
                    request.is_stray(&frame.bytes, &Params::default()), is_stray, "{} {:?}", command, frame.bytes
                );
            }
        }
    }
}

#[test]
fn the_value_of_an_action_is_decoded_and_an_unknown_one_shown_as_it_came() {
    let lg = lg();
    for (action, frame, value) in [
        ("power-status", "a 01 OK01x", Value::Text("on".into())),
        ("power-status", "a 01 OK07x", Value::Text("07".into())),
        ("power-on", "a 01 OK01x", Value::Text("01".into())),
    ] {
        let source = CommandSource::Action(action.into());
        let body = lg.body(&source, &Params::default()).unwrap();
        let request = lg.request(&source, body, false).unwrap();
        assert_eq!(judge(&request, frame), Verdict::Ok { value: Some(value) }, "{action} {frame}");
    }
}

#[test]
fn a_command_that_names_another_unit_is_noticed() {
    let lg = lg();
    for (text, id, named) in [
        ("ka 01 01", 1, None),
        ("ka 01 01", 3, Some("01")),
        ("ka 0A 01", 10, None),
        ("ka 00 01", 3, None),
        ("hello", 3, None),
    ] {
        assert_eq!(raw(&lg, text).unit_named(&set_id(id, 2)).as_deref(), named, "{text} {id}");
    }
}

/// A type with a secret, an affix on both sides, and replies that no command pattern chooses.
const SMALL: &str = r#"
name = "small"
title = "Small"
reply_timeout = "3s"
params.password = { kind = "secret" }
send = { frame = "<{body}>" }
replies.line = { frame = { pattern = '(?<text>[a-z\x00-\x1f]+);' }, value = "text", rules = [{ when = '^ok', verdict = "ok" }, { when = '^no', verdict = "refused", message = "it says {text}" }, { when = '^(?<who>bad)', verdict = "auth", message = "{who}" }, { when = '^event', verdict = "skip" }] }
command = [{ when = "^login", reply = "line", reply_timeout = "5s" }]
actions.log-in = { send = "login {password}", retries = 0 }
"#;

#[test]
fn a_secret_stays_marked_and_affixes_surround_the_body() {
    let small = Arc::new(DeviceType::from_text(SMALL));
    let source = CommandSource::Action("log-in".into());
    let params = params(&[("password", ParamValue::Secret(Secret::new("apple".to_owned())))]);
    let body = small.body(&source, &params).unwrap();
    let request = small.request(&source, body, false).unwrap();
    assert_eq!(request.payload().bytes(), b"<login apple>");
    assert_eq!(request.payload().shown(), "<login ‹secret›>");
    let timing = request.timing();
    assert_eq!((timing.reply_timeout, timing.retries), (Some(std::time::Duration::from_secs(5)), Some(0)));
}

#[test]
fn a_command_without_a_reply_is_an_error_before_it_is_sent() {
    let small = Arc::new(DeviceType::from_text(SMALL));
    let source = CommandSource::Raw(small.template(r"hello\x1b").unwrap());
    let body = small.body(&source, &Params::default()).unwrap();
    let error = small.request(&source, body, false).unwrap_err().to_string();
    assert_eq!(error, r"device type `small` knows no command `hello\x1b`, so nothing could be taken for its answer");
}

#[test]
fn rules_are_tried_in_order_and_messages_are_safe_for_a_terminal() {
    let request = raw(&Arc::new(DeviceType::from_text(SMALL)), "login x");
    for (frame, verdict) in [
        ("ok;", Verdict::Ok { value: Some(Value::Text("ok".into())) }),
        ("no\x1b;", Verdict::Refused { message: r"it says no\x1b".to_owned() }),
        ("bad;", Verdict::Auth { message: "bad".to_owned() }),
        ("event;", Verdict::Stray),
        ("what\x07;", Verdict::Malformed { message: r"what\x07;".to_owned() }),
    ] {
        assert_eq!(judge(&request, frame), verdict, "{frame:?}");
    }
}

#[test]
fn a_raw_command_to_a_board_names_a_relay_and_another_than_the_devices_own_is_told() {
    for (name, text, relay, named) in [
        ("devantech-eth008", "20 04 00", 3, Some("4")),
        ("devantech-eth008", "21 03 32", 3, None),
        ("devantech-eth008", "24", 3, None),
        ("devantech-eth484", "20 01 00", 3, Some("1")),
        ("devantech-eth8020", "20 14 00", 3, Some("20")),
        ("devantech-ds", "31 05 01 00 00 00 00", 5, None),
        ("devantech-ds", "31 05 00 00 00 03 E8", 3, Some("5")),
        ("devantech-ds", "33 01", 3, None),
        ("ncd-proxr", "FE 6C 01", 1, None),
        ("ncd-proxr", "FE 64 02", 9, None),
        ("ncd-proxr", "FE 6D 02", 9, Some("10")),
        ("ncd-proxr", "FE 7B 01", 1, Some("8")),
        ("ncd-proxr", "FE 7C 01", 5, None),
        ("ncd-proxr", "FE 30 00 01", 1, Some("257")),
        ("ncd-proxr", "FE 2C 08 00", 9, None),
        ("ncd-proxr", "FE 6C 00", 9, None),
    ] {
        let board = Catalog::built_in().get(name).unwrap().clone();
        let own = params(&[("relay", ParamValue::Int(relay))]);
        assert_eq!(raw(&board, text).unit_named(&own).as_deref(), named, "{name} {text} {relay}");
    }
}
