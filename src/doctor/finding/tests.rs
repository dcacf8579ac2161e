//! What was seen, case by case, and how it must be named.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::codec::{LineState, TelnetMode};
use crate::device_type::Catalog;
use crate::doctor::harmless;
use crate::doctor::seen::{Heard, LineEnd, Opened, Question, Terminator};
use crate::model::escape::shown;
use crate::model::{Address, Params};

fn patient() -> Patient {
    let lg = Catalog::built_in().get("lg-rs232").unwrap().clone();
    Patient {
        address: Address::parse("tv.example", Some(23)).unwrap(),
        device_type: lg.clone(),
        log_in: None,
        link: Arc::new(lg.link.clone()),
        connect_timeout: Duration::from_secs(3),
        reply_timeout: Duration::from_secs(2),
        query: Some(harmless(&lg, &Params::default()).unwrap()),
        active: false,
    }
}

fn heard(bytes: &[u8], end: LineEnd) -> Heard {
    let raw = Heard { bytes: bytes.to_vec(), total: bytes.len(), pieces: 1, end, ..Heard::default() };
    let data = if raw.negotiates() { Vec::new() } else { bytes.to_vec() };
    Heard { data, ..raw }
}

fn asked(question: Question, bytes: &[u8], verdict: Option<Verdict>) -> Asked {
    Asked {
        question,
        sent: "ka 01 ff\\r".to_owned(),
        heard: heard(bytes, LineEnd::Open),
        echoed: false,
        garbled: false,
        answer: verdict.map(|verdict| Answer {
            shown: shown(bytes),
            verdict,
            announced: None,
            is_all: true,
            is_mirror: false,
        }),
        after: Duration::from_millis(80),
    }
}

fn open(greeting: Heard, asked: Vec<Asked>) -> Seen {
    Seen { opened: Opened::Yes, greeting, asked, ..Seen::default() }
}

#[test]
fn no_connection_is_named_by_its_cause() {
    for (opened, what, change) in [
        (Opened::NoName("no record".to_owned()), "the name `tv.example` does not resolve: no record", "spelling"),
        (Opened::Refused, "tv.example:23 refuses connections", "port number"),
        (Opened::TimedOut(Duration::from_secs(3)), "no connection after 3.0 s", "power and network"),
        (Opened::NoRoute("network is unreachable".to_owned()), "there is no way to tv.example:23", "VPN"),
        (Opened::OwnFault("not permitted".to_owned()), "this machine could not", "firewall"),
        (Opened::Failed("broken".to_owned()), "the connection to tv.example:23 failed: broken", "gateway"),
    ] {
        let found = findings(&patient(), &Seen { opened, ..Seen::default() });
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert!(one.is_problem && one.what.contains(what), "{one:?}");
        assert!(one.change.as_ref().unwrap().contains(change), "{one:?}");
    }
}

const YES: Option<Verdict> = Some(Verdict::Ok { value: None });

fn own(bytes: &[u8], verdict: Option<Verdict>) -> Vec<Asked> {
    vec![asked(Question::Own, bytes, verdict)]
}

fn quiet() -> Heard {
    heard(b"", LineEnd::Open)
}

/// What is seen, whether the first finding is a problem, a part of what it says, a part of what it says to change.
type Case = (Seen, bool, &'static str, &'static str);

fn are_named(cases: Vec<Case>) {
    for (seen, is_problem, what, change) in cases {
        let found = findings(&patient(), &seen);
        let Some(one) = found.first() else { panic!("nothing for {what}") };
        assert!(one.is_problem == is_problem && one.what.contains(what), "{what}: {found:?}");
        assert!(one.change.as_deref().unwrap_or_default().contains(change), "{what}: {found:?}");
    }
}

#[test]
fn what_the_gateway_says_is_named() {
    let says = |bytes: &[u8], end| open(heard(bytes, end), Vec::new());
    let telnet = open(heard(b"\xff\xfb\x03", LineEnd::Open), own(b"a 01 OK01x", YES));
    let refused = Seen { serial: Some(LineState::Refused("no".to_owned())), ..open(quiet(), own(b"a 01 OK01x", YES)) };
    are_named(vec![
        (telnet.clone(), false, "speaks Telnet", ""),
        (refused, true, "does not let its serial line be set: no", "RFC 2217"),
        (says(b"Port already in use\r\n", LineEnd::Closed), true, "another client; it says `Port", "other program"),
        (says(b"", LineEnd::Closed), true, "hangs up at once: it serves another client", "which addresses"),
        (says(b"go away", LineEnd::Broken), true, "hangs up before it is asked; it says `go away`", "allowed"),
        (says(b"x", LineEnd::Babbling), true, "never stops talking", "baud rate"),
        (says(b"SSH-2.0-x\r\n", LineEnd::Open), true, "SSH answers on this port", "data port"),
        (says(b"hello", LineEnd::Open), false, "`hello` came", ""),
    ]);
    let mut never = patient();
    never.link = Arc::new(crate::device_type::Link { telnet: TelnetMode::Never, ..never.link.as_ref().clone() });
    let found = findings(&never, &telnet);
    assert!(found[0].is_problem && found[0].change.as_ref().unwrap().contains("telnet = \"always\""), "{found:?}");
}

#[test]
fn what_the_device_answers_is_named() {
    let message = || "NG".to_owned();
    let says = |verdict| open(quiet(), own(b"x", Some(verdict)));
    let echo = |verdict| vec![Asked { echoed: true, ..asked(Question::Own, b"ka 01 ff\r\n", verdict) }];
    let second = [own(b"", None), own(b"a 01 OK01x", YES)].concat();
    are_named(vec![
        (open(quiet(), echo(YES)), false, "echo", ""),
        (open(quiet(), second), false, "only the second question", ""),
        (says(Verdict::Refused { message: message() }), true, "refuses the question: NG", "model"),
        (says(Verdict::Busy { message: message() }), true, "asks to wait: NG", "in a minute"),
        (says(Verdict::Auth { message: message() }), true, "wants a password: NG", "params"),
        (says(Verdict::Malformed { message: message() }), true, "makes no sense", "device type"),
    ]);
    assert_eq!(findings(&patient(), &open(quiet(), own(b"a 01 OK01x", YES))), []);
}

#[test]
fn a_device_that_does_not_answer_as_asked_is_named() {
    let echoed = Asked { echoed: true, ..asked(Question::Own, b"ka 01 ff\r\n", None) };
    let garbled = |bytes: &[u8]| open(quiet(), vec![Asked { garbled: true, ..asked(Question::Own, bytes, None) }]);
    let naming = |unit| {
        let mut naming = asked(Question::Unit(2), b"", None);
        naming.heard.units.push(unit);
        open(quiet(), vec![asked(Question::Own, b"", None), naming])
    };
    let ending = |end| open(quiet(), vec![asked(Question::Ending(end), b"x", YES)]);
    let unit = asked(Question::Unit(3), b"a 03 OK01x", YES);
    let hung_up = Asked { heard: heard(b"", LineEnd::Closed), ..asked(Question::Own, b"", None) };
    are_named(vec![
        (open(quiet(), vec![unit]), true, "set_id 1 does not answer, but set_id 3 does", "params = { set_id = 3 }"),
        (ending(Terminator::Lf), true, "ends in `\\n`", "frame = \"{body}\\n\""),
        (ending(Terminator::Nothing), true, "without any line end", "frame = \"{body}\""),
        (naming(1), true, "only after 2.0 s", "reply_timeout"),
        (naming(57), true, "name another unit (57)", "no other program"),
        (garbled(b"\xf0\x80\x1e"), true, "make no reply: `\\xf0\\x80\\x1e`", "baud rate and parity"),
        (garbled(b"what?"), true, "make no reply: `what?`", "another language"),
        (garbled(b"HTTP/1.1 400"), true, "a web page answers", "data port"),
        (open(quiet(), vec![echoed]), true, "comes back and nothing else", "loopback"),
        (open(quiet(), vec![hung_up]), true, "hangs up when it is asked", "another client"),
        (open(quiet(), own(b"", None)), true, "the line is silent", "null-modem"),
    ]);
}

#[test]
fn a_type_without_a_harmless_question_is_not_asked() {
    let found = findings(&Patient { query: None, ..patient() }, &open(heard(b"", LineEnd::Open), Vec::new()));
    assert!(matches!(found.as_slice(), [Finding { is_problem: false, .. }]), "{found:?}");
}
