//! Two hundred hostile texts as names of devices and schedules, tags, reasons and replies: what a mail, a web server and a
//! program get of them. None is raw, none is markup or a header, and none reaches an argument or an environment.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::{
    Finished, MailServer, MailServerKind, WebServer, Workspace, hostile_name, hostile_tag, hostile_texts, is_harmless,
    talkers,
};

/// What devices say is a refusal here, and the message repeats it.
const TALK: &str = r#"
name = "talk"
title = "refuses everything in words of its own"
port = 9100
[link]
half_close = true
reuse = false
[send]
frame = '\x1b{body}\r'
[replies.default]
frame = { until = ['\0'], or_eof = true, strip = true }
max = 65536
value = "text"
rules = [{ when = '(?s)^(?<text>.*)$', verdict = "refused", message = "it says {text}" }]
"#;

/// So many devices are told at once: each is a cause of its own, and a mail shows only so many.
const AT_ONCE: usize = 8;

const TELL: &str =
    "#!/bin/sh\ncat > \"$0.heard\"\nenv > \"$0.env\"\ntr '\\0' '\\n' < /proc/$$/cmdline > \"$0.arguments\"\n";

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The name of the schedule for the devices from this place on.
fn schedule(texts: &[String], first: usize) -> String {
    hostile_name(&texts[first], first)
}

/// Devices in groups, a schedule for each group, and three who are told. The last of each group is held.
fn inventory(texts: &[String], port: u16, mail: u16, web: &str) -> String {
    let mut text = format!(
        "[fleet]\nname = \"=night\u{202e}<b>\"\n[run]\nretries = 0\nreply_timeout = \"20s\"\n[defaults]\ntype = \"talk\"\n\
         [notify.\"mail> <\u{202e}\"]\nkind = \"email\"\nserver = \"smtp://localhost:{mail}\"\n\
         from = \"fleet@example.com\"\nto = [\"ops@example.com\"]\nwhen = \"always\"\n\
         [notify.web]\nkind = \"webhook\"\nurl = \"{web}/hook\"\nwhen = \"always\"\n\
         [notify.hook]\nkind = \"command\"\nargv = [\"./tell\", \"as it is\"]\nwhen = \"always\"\n"
    );
    for (place, one) in texts.iter().enumerate() {
        let held = if place % AT_ONCE == AT_ONCE - 1 { ", \"held\"" } else { "" };
        let (name, tag) = (quoted(&hostile_name(one, place)), quoted(&format!("t{}", hostile_tag(one))));
        let (group, address) = (place / AT_ONCE, format!("127.71.{}.{}:{port}", place / 100, place % 100 + 1));
        _ = writeln!(
            text,
            "[[device]]\nname = {name}\naddress = \"{address}\"\ntags = [\"group-{group}\", {tag}{held}]"
        );
    }
    for first in (0..texts.len()).step_by(AT_ONCE) {
        _ = writeln!(
            text,
            "[[schedule]]\nname = {}\ncron = \"0 3 * * *\"\ntimezone = \"UTC\"\ncmd = \"status\"\n\
             select = \"tag:group-{}\"\nnotify = [\"mail> <\u{202e}\", \"web\", \"hook\"]",
            quoted(&schedule(texts, first)),
            first / AT_ONCE
        );
    }
    text
}

/// The headers of a mail as they went out, its subject as it is read, and its parts.
fn read(mail: &Value) -> (String, String, Vec<String>) {
    let data = String::from_utf8(STANDARD.decode(mail["data"].as_str().unwrap()).unwrap()).unwrap();
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let subject = head.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    let words = subject.replace("?= =?", "?==?");
    let subject = words.split("=?utf-8?b?").enumerate().map(|(nth, part)| match part.split_once("?=") {
        Some((word, rest)) if nth > 0 => String::from_utf8(STANDARD.decode(word).unwrap()).unwrap() + rest,
        _ => part.to_owned(),
    });
    let parts = body.split("base64\r\n\r\n").skip(1).map(|part| {
        let text: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        // A mail's lines end with both; a lone one of them is not the end of a line.
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap().replace("\r\n", "\n")
    });
    (head.clone(), subject.collect(), parts.collect())
}

#[track_caller]
fn mail_is_harmless(what: &str, mail: &Value, texts: &[String]) {
    let (head, subject, parts) = read(mail);
    assert!(head.lines().all(|line| line.bytes().all(|byte| matches!(byte, b' '..=b'~'))), "{what}: {head}");
    let names: BTreeSet<&str> = head.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    let ours = "Auto-Submitted Content-Type Date From MIME-Version Message-ID Subject To";
    assert_eq!(names.into_iter().collect::<Vec<_>>().join(" "), ours, "{what}: {head}");
    assert_eq!(head.lines().count(), 8, "{what}: none of them twice: {head}");
    let id = head.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local = id.strip_prefix('<').and_then(|id| id.strip_suffix("@example.com>"));
    assert!(local.is_some_and(|local| local.chars().all(is_atom)), "{what}: {id}");
    is_harmless(&format!("subject of {what}"), &subject);
    let [plain, html] = &parts[..] else { panic!("{what}: {parts:?}") };
    is_harmless(&format!("text of {what}"), plain);
    is_harmless(&format!("HTML of {what}"), html);
    for text in texts.iter().filter(|text| text.contains(['<', '"'])) {
        assert!(!html.contains(text.as_str()), "{what}: {text:?} is markup in {html}");
    }
    for code in ["<script", "<img", "<svg", "<b>night", "onerror=alert(1)>", "<!--", "src=\"", "href="] {
        assert!(!html.contains(code), "{what}: `{code}` in {html}");
    }
}

#[track_caller]
fn outputs_are_harmless(what: &str, finished: &Finished) {
    is_harmless(&format!("stdout of {what}"), &finished.stdout);
    is_harmless(&format!("stderr of {what}"), &finished.stderr);
}

#[test]
fn two_hundred_hostile_texts_are_raw_in_nothing_that_anybody_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let texts: Arc<[String]> = hostile_texts().into();
    let (port, workspace, web) = (talkers(&texts), Workspace::new(), WebServer::start("200 OK"));
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("device-types/talk.toml", TALK);
    workspace.write("fleet.toml", &inventory(&texts, port, server.port(), &web.url()));
    workspace.write("tell", TELL);
    std::fs::set_permissions(workspace.path("tell"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let why = "\u{1b}]0;sold\u{7}\u{202e}<b>=1+1";
    workspace.fleetctl(&["hold", "tag:held", "--until", "2999-12-31", "--why", why]).expect_status(0);
    let firsts = (0..texts.len()).step_by(AT_ONCE);
    let mut known: Option<String> = None;
    for (nth, first) in firsts.enumerate() {
        let name = schedule(&texts, first);
        let finished = workspace.fleetctl(&["schedule", "run", "-q", "--", &name]);
        outputs_are_harmless(&name, finished.expect_status(1));
        let of_group = &texts[first..first + AT_ONCE];
        let mail = server.wait_for(nth + 1).remove(nth);
        mail_is_harmless(&format!("the mail of {name:?}"), &mail, of_group);
        let (_, subject, parts) = read(&mail);
        assert!(subject.contains("7 of 8 failed"), "{subject}");
        assert!(parts[0].contains("it says") && parts[0].contains("HELD (1)"), "{}", parts[0]);
        let heard = [web.requests().remove(nth).body, workspace.read("tell.heard")];
        for (channel, body) in ["webhook", "program"].into_iter().zip(heard) {
            is_harmless(&format!("the {channel} of {name:?}"), &body);
            let report: Value = serde_json::from_str(&body).unwrap();
            let devices = report["devices"].as_array().unwrap();
            let names: Vec<&str> = devices.iter().map(|device| device["name"].as_str().unwrap()).collect();
            let whole: Vec<String> = (first..).zip(of_group).map(|(place, text)| hostile_name(text, place)).collect();
            assert_eq!(names, whole, "machines get every name whole");
        }
        let request = web.requests().remove(nth);
        assert_eq!(request.line, "POST /hook HTTP/1.1");
        assert!(!request.head.contains("night") && !request.head.contains("tv"), "{}", request.head);
        assert_eq!(workspace.read("tell.arguments"), "/bin/sh\n".to_owned() + &arguments(&workspace), "{name:?}");
        // Not shown when it fails: it is that of whoever runs the tests.
        let environment = workspace.read("tell.env");
        let is_ours = ["it says", "=night\u{202e}"].iter().any(|text| environment.contains(text));
        assert!(!is_ours, "the run stands in the environment of {name:?}");
        assert!(*known.get_or_insert_with(|| environment.clone()) == environment, "it is another for {name:?}");
    }
    assert_eq!(server.mails().len(), 25);
}

/// What the program is started with, as the inventory says it.
fn arguments(workspace: &Workspace) -> String {
    format!("{}\nas it is\n", workspace.folder().join("./tell").display())
}

#[test]
fn a_mistake_that_is_hostile_is_raw_in_no_mail_that_tells_of_it() {
    let texts = hostile_texts();
    let (workspace, web) = (Workspace::new(), WebServer::start("200 OK"));
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    workspace.write("device-types/talk.toml", TALK);
    let firsts = (0..texts.len()).step_by(AT_ONCE).step_by(4);
    for (nth, first) in firsts.enumerate() {
        let mut text = inventory(&texts[first..=first], 9, server.port(), &web.url());
        for (place, one) in texts[first..].iter().enumerate().take(4) {
            let (name, kind) = (quoted(&hostile_name(one, place + 100)), quoted(one));
            _ = writeln!(text, "[[device]]\nname = {name}\naddress = \"127.0.0.1:1\"\ntype = {kind}");
        }
        workspace.write("fleet.toml", &text);
        let name = schedule(&texts[first..], 0);
        let finished = workspace.fleetctl(&["schedule", "run", "-q", "--", &name]);
        outputs_are_harmless(&name, finished.expect_status(2));
        let mail = server.wait_for(nth + 1).remove(nth);
        mail_is_harmless(&format!("the mail of {name:?}"), &mail, &texts[first..first + 4]);
        assert!(read(&mail).1.contains("could not start"), "{mail}");
        let body = web.requests().remove(nth).body;
        is_harmless(&format!("the webhook of {name:?}"), &body);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["event"], "not_started");
    }
    assert_eq!(server.mails().len(), 7);
}
