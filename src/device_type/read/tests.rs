//! What the built-in types prove, and what type files with mistakes are told.

use std::sync::Arc;

use super::*;
use crate::device_type::{Catalog, run_vectors};
use crate::diagnostic::Sources;

const LG: &str = include_str!("../../../config/device-types/lg-rs232.toml");

#[test]
fn every_golden_vector_of_lg_is_there_and_holds() {
    let results = run_vectors(&Arc::new(DeviceType::from_text(LG)));
    let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let ids: Vec<String> =
        results.iter().map(|result| result.id.to_string()).filter(|id| id.starts_with("LG-")).collect();
    let expected: Vec<String> = (1..=28).map(|number| format!("LG-{number:02}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn every_golden_vector_of_the_other_types_is_there_and_holds() {
    let mut ids: Vec<String> = Vec::new();
    for one in Catalog::built_in_with_proof().filter(|one| &*one.name != "lg-rs232") {
        let results = run_vectors(&one);
        let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", one.name);
        assert!(!results.is_empty(), "{}", one.name);
        ids.extend(results.iter().map(|result| result.id.to_string()));
    }
    for (sheet, count) in [("E9", 11), ("DV", 23), ("NC", 20), ("HB", 12)] {
        let missing: Vec<String> =
            (1..=count).map(|number| format!("{sheet}-{number:02}")).filter(|id| !ids.contains(id)).collect();
        assert_eq!(missing, [""; 0]);
    }
}

#[test]
fn a_vector_that_does_not_hold_says_what_differs() {
    for (was, becomes, id, detail) in [
        (r#"sends = "kf 01 1e\r""#, r#"sends = "kf 01 1f\r""#, "LG-05", r"sends `kf 01 1e\r`, must send `kf 01 1f\r`"),
        (r#"value = "2d""#, r#"value = "2e""#, "LG-25", r#"carries "2d", must carry "2e""#),
        (
            r#"replies = ["a 01 OK0"]"#,
            r#"replies = ["\r\n"]"#,
            "LG-22",
            "comes to no_reply (connection_closed), must come to bad_reply (connection_closed)",
        ),
        (
            "(?<data>[0-9A-Za-z]*?)x'",
            "(?<data>[0-9A-Z]*?)x'",
            "LG-25",
            "comes to no_reply (reply_timeout), must come to ok",
        ),
        (r#"frame = "{body}\r""#, r#"frame = "{body}\n""#, "LG-17", r"the simulated device answers `a 01 OK01x`"),
    ] {
        assert!(LG.contains(was), "{was}");
        let device_type = Arc::new(DeviceType::from_text(&LG.replace(was, becomes)));
        let result = run_vectors(&device_type).into_iter().find(|result| &*result.id == id).unwrap();
        assert_eq!((result.passed, &*result.detail), (false, detail), "{becomes}");
    }
}

#[test]
fn a_vector_of_a_session_is_held_to_its_last_step() {
    const BOARD: &str = include_str!("../../../config/device-types/devantech-eth008.toml");
    let with = |was: &str, becomes: &str, id: &str| {
        assert!(BOARD.contains(was), "{was}");
        let device_type = Arc::new(DeviceType::from_text(&BOARD.replacen(was, becomes, 1)));
        run_vectors(&device_type).into_iter().find(|result| &*result.id == id).unwrap().detail
    };
    let log_out = "  { sends = \"7B\", replies = [\"00\"] },\n]";
    let twice = "  { sends = \"7B\", replies = [\"00\"] },\n  { sends = \"7A\", replies = [\"00\"] },\n]";
    assert_eq!(with(log_out, twice, "DV-01"), "`7a` is never sent");
    let refused = "  { sends = \"79 77 72 6F 6E 67\", replies = [\"02\"] },\n";
    let and_on = format!("{refused}  {{ sends = \"20 03 00\", replies = [\"00\"] }},\n");
    assert_eq!(with(refused, &and_on, "DV-12"), "`20 03 00` is never sent");
    assert_eq!(with("sends = \"20 03 32\"", "sends = \"20 03 33\"", "DV-09"), "sends `20 03 32`, must send `20 03 33`");
}

#[test]
fn a_vector_may_begin_with_what_the_device_says() {
    let text = r#"
        name = "greets"
        title = "Greets"
        params.password = { kind = "secret" }
        login = { if = "has(password)", steps = [
          { frame = { pattern = 'Password:' }, rules = [{ when = 'Password:', then = "next" }] },
          { send = '{password}', frame = { until = ['\r\n'] }, rules = [{ when = '^in$', then = "done" }] },
        ] }
        send = { frame = '{body}\r' }
        replies.default = { frame = { until = ['\r\n'] }, rules = [{ when = '^ok$', verdict = "ok" }] }
        [[vector]]
        id = "greeting"
        cmd = "go"
        params = { password = "apple" }
        steps = [
          { replies = ['Hello\r\nPassword:'] },
          { sends = 'apple\r', replies = ['in\r\n'] },
          { sends = 'go\r', replies = ['ok\r\n'] },
        ]
        status = "ok"
    "#;
    let [result] = &run_vectors(&Arc::new(DeviceType::from_text(text)))[..] else { panic!("one vector") };
    assert!(result.passed, "{result:?}");
}

/// Every mistake of a text, as `line: message; help`.
fn mistakes(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let source = sources.add("x.toml", text);
    let mut found = Diagnostics::default();
    let read = read_type(text, source, Origin::BuiltIn, &mut found);
    assert_eq!(read.is_none(), found.has_errors());
    let shown = |one: &crate::diagnostic::Diagnostic| {
        let at = one.labels.first().map_or(0, |label| label.span.range.start);
        let line = text.get(..at).unwrap().matches('\n').count() + 1;
        let help = one.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{line}: {}{help}", one.message)
    };
    found.iter().map(shown).collect()
}

#[test]
fn a_mistake_in_a_type_file_is_named_with_what_would_be_right() {
    for (was, becomes, expected) in [
        ("gap = ", "gab = ", "unknown key `gab` in [link]; did you mean `gap`?"),
        ("port = 23", "port = 70000", "`port` is 70000, out of range"),
        ("port = 23", "port = \"23\"", "`port` must be an integer"),
        ("name = \"lg-rs232\"", "name = \"LG 1\"", "`LG 1` is no name"),
        ("param = \"set_id\"", "param = \"setid\"", "there is no parameter `setid`; did you mean `set_id`?"),
        ("field = \"id:hex\"", "field = \"ids:hex\"", "`send.fields` defines no field `ids`; did you mean `id`?"),
        (
            "field = \"id:hex\"",
            "field = \"id:hxe\"",
            "`hxe` is no format: use text, dec, dec4, hex, hex2, hex{parameter} or pad4, or u8, u16be, u16le, u24le, u32be, u32le or ascii",
        ),
        (
            "kind = \"int\"\nmin = 2",
            "kind = \"integer\"\nmin = 2",
            "`kind` cannot be `integer`; one of int, bool, text, bytes, choice, secret",
        ),
        ("max = 3\ndefault = 2", "max = 3\ndefault = 4", "`default` must be an integer from 2 to 3, not `4`"),
        ("hex{id_digits}", "hex{digits}", "there is no integer parameter `digits`; known here: set_id, id_digits"),
        ("\"^Device open", "\"^(Device open", "`busy_texts` is no pattern: unclosed group"),
        ("{body}\\r", "{body}{body}\\r", "`frame` must hold the whole `{body}` exactly once"),
        ("{body}\\r", "{bdy}\\r", "there is no block `bdy`; did you mean `{body}`?"),
        ("{body}\\r", "{body}\\\\q", "`\\q` is no escape: use \\r \\n \\t \\0 \\\\ or \\xNN with two hex digits"),
        ("when = '^(k[abdefm]|xb) '", "when = '^(k[abdefm]|xb '", "`when` is no pattern: unclosed group"),
        ("idempotent = true\necho = [\"data:hex\"]\n\n", "idempotent = 1\n\n", "`idempotent` must be true or false"),
        (
            "idempotent = true\necho = [\"data:hex\"]\n\n",
            "echo = [\"word\"]\n\n",
            "`send.fields` defines no field `word`; `send.fields` defines c1, c2, id, data",
        ),
        ("match = [\"c2\"", "match = [\"c1\"", "the reply's `frame` defines no field `c1`; did you mean `c2`?"),
        (
            "frame = { pattern = '",
            "frame = { pattern = '^",
            "this pattern frames no reply: the pattern of a frame is searched anywhere: it cannot hold `^`, `$` or `\\b`",
        ),
        ("value = \"data\"", "value = \"date\"", "the reply's `frame` defines no field `date`; did you mean `data`?"),
        ("verdict = \"busy\"", "verdict = \"bussy\"", "`verdict` cannot be `bussy`; did you mean `busy`?"),
        ("(NG {data})", "(NG {dta})", "there is no field `dta`; did you mean `{data}`?"),
        (
            "[actions.power-off]\nsend = \"ka {set_id} 00\"",
            "[actions.power-off]\nsend = \"ka {setid} 00\"",
            "there is no parameter or argument `setid`; did you mean `{set_id}`?",
        ),
        (
            "send = \"kf {set_id} {level}\"",
            "send = \"volume {set_id} {level}\"",
            "action `volume`: `send.fields` cannot read `volume 01 00`",
        ),
        ("max = 100, wire", "max = 256, wire", "action `volume`: `level`: 256 does not fit into 2 hex digits"),
        ("value = { as = \"hex\" }", "value = { as = \"hax\" }", "`as` cannot be `hax`; did you mean `hex`?"),
        ("value = { as = \"hex\" }", "value = {}", "`value` says nothing"),
        ("value = { as = \"hex\" }", "value = { as = \"hex\", map = {} }", "`value` has `map` and `as`"),
        ("store = \"{data}\"", "store = \"{dta}\"", "there is no field `dta`; did you mean `{data}`?"),
        (
            "reply = \"{c2} {id} OK{state}x\"",
            "reply = \"{c2} {id} OK{stat}x\"",
            "there is no field `stat`; did you mean `{state}`?",
        ),
        ("per = \"unit\"", "per = \"device\"", "`per` cannot be `device`; one of unit, gateway"),
        ("id = \"LG-02\"", "id = \"LG-01\"", "a second vector `LG-01`"),
        (
            "do = \"power-status\"",
            "do = \"power-state\"",
            "there is no action `power-state`; did you mean `power-status`?",
        ),
        ("do = \"power-status\"", "", "a vector has either `cmd` or `do` (or `wire`)"),
        ("args = { level = 30 }", "args = { level = 130 }", "`level` must be an integer from 0 to 100, not `130`"),
        ("args = { level = 30 }", "args = { levels = 30 }", "there is no parameter `levels`; did you mean `level`?"),
        (
            "params = { set_id = 10 }",
            "params = { set = 10 }",
            "there is no parameter `set`; known here: set_id, id_digits",
        ),
        (
            "kind = \"gateway_busy\"",
            "kind = \"gateway-busy\"",
            "`kind` cannot be `gateway-busy`; did you mean `gateway_busy`?",
        ),
        (
            "status = \"unreachable\"",
            "status = \"unreachble\"",
            "`status` cannot be `unreachble`; did you mean `unreachable`?",
        ),
        (
            "then = \"close\"\nstatus = \"bad",
            "then = \"closed\"\nstatus = \"bad",
            "`then` cannot be `closed`; did you mean `close`?",
        ),
    ] {
        assert_mistake(was, becomes, expected);
    }
}

#[test]
fn a_frame_that_has_two_ends_or_a_length_beyond_a_byte_is_a_mistake() {
    for (was, becomes, expected) in [
        (
            "(?<data>[0-9A-Za-z]*?)x",
            "(?<data>[0-9A-Za-z]*)x",
            "this pattern frames no reply: its frames depend on where the stream is cut: `a 0 NGx` ends a reply, and so does `a 0 NGxx`; let it end with the byte that ends a reply, and let nothing before that take this byte: `[^x]*x`, or `.*?x`, not `.*x`",
        ),
        (
            "{body}\\r",
            "{len+256}{body}",
            "there is no block `len+256`; known here: body; a brace itself is written `\\x7b`",
        ),
    ] {
        assert_mistake(was, becomes, expected);
    }
}

/// With `becomes` in place of what it `was`, the file has just this mistake.
fn assert_mistake(was: &str, becomes: &str, expected: &str) {
    assert!(LG.contains(was), "{was}");
    let found = mistakes(&LG.replacen(was, becomes, 1));
    assert_eq!(found.len(), 1, "{becomes}: {found:#?}");
    let (_, message) = found[0].split_once(": ").unwrap();
    assert_eq!(message, expected, "{becomes}");
}

#[test]
fn a_mistake_in_how_an_effect_is_asked_for_is_named() {
    for (was, becomes, expected) in [
        (
            "ask = \"power-status\"",
            "ask = \"power-state\"",
            "there is no action `power-state`; did you mean `power-status`?",
        ),
        (
            "ask = \"power-status\"",
            "ask = \"volume\"",
            "`volume` needs arguments: it cannot ask for the effect of another action",
        ),
        (
            "ask = \"power-status\"",
            "ask = \"mute\"",
            "action `power-on`: `mute` is no query, so it cannot ask for an effect",
        ),
        (
            "expect = \"{level}\"",
            "expect = \"{levl}\"",
            "there is no parameter or argument `levl`; did you mean `{level}`?",
        ),
        ("every = \"3s\"", "every = \"0s\"", "`every` must be more than 0: a device is not asked without a pause"),
        ("after = \"1s\"", "after = \"1m\"", "`within` ends before the first question, which comes `after` that"),
    ] {
        assert_mistake(was, becomes, expected);
    }
}

#[test]
fn what_later_blocks_of_the_language_bring_is_unknown() {
    for (was, becomes, unknown) in [
        ("gap = ", "tls = true\ngap = ", "`tls` in [link]"),
        ("[actions.power-on]\n", "[actions.power-on]\nmacro = true\n", "`macro` in [actions.power-on]"),
        ("[actions.power-on]\n", "[actions.power-on]\nverfy = {}\n", "`verfy` in [actions.power-on]"),
    ] {
        assert!(LG.contains(was), "{was}");
        let found = mistakes(&LG.replacen(was, becomes, 1));
        assert!(found[0].contains(&format!("unknown key {unknown}")), "{found:?}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_with_their_lines() {
    let text = "\
name = \"x\"
prt = 1
[params.a]
kind = \"int\"
[params.b]
kind = \"secret\"
default = \"apple\"
[send]
fields = '('
[replies.default]
frame = { pattern = 'a*' }
[actions.go]
send = \"{c}\"
[[vector]]
id = \"X-1\"
";
    assert_eq!(
        mistakes(text),
        [
            "1: a device type has no `title`",
            "3: parameter `a` has no `max`",
            "7: a secret has no default; a password belongs into the inventory: `{ env = \"…\" }` or `{ file = \"…\" }`",
            "9: `fields` is no pattern: unclosed group",
            "11: this pattern frames no reply: the pattern also matches nothing at all, so every byte would end a reply",
            "13: there is no parameter or argument `c`; did you mean `{a}`?",
            "14: [[vector]] has no `status`",
            "14: a vector has either `cmd` or `do` (or `wire`)",
            "14: [[vector]] has no `sends`",
            "2: unknown key `prt` in a device type; did you mean `port`?",
        ]
    );
    let secret =
        mistakes("name = \"x\"\ntitle = \"X\"\nparams.p = { kind = \"secret\", default = \"apple\" }\n").join(" ");
    assert!(!secret.contains("apple"), "{secret}");
}
