//! `[notify.*]` tables without a mistake, and with every one that a table shows.

use super::*;
use crate::inventory::testing::{fleet, read_text};
use crate::model::KeptIn;

const DEVICE: &str = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.1\"\n";

fn mistakes(lines: &str) -> Vec<String> {
    read_text(&format!("{DEVICE}[notify.x]\n{lines}\n")).1
}

fn email(lines: &str) -> Email {
    let text = format!("{DEVICE}[notify.x]\nkind = \"email\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n{lines}");
    match fleet(&text).notifications.remove(0).channel {
        Channel::Email(email) => *email,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mail_server_has_the_port_and_the_tls_of_its_scheme() {
    let login = "username = \"u\"\npassword = { env = \"NOWHERE\" }";
    for (lines, port, tls) in [
        ("server = \"smtp://mail.example\"".to_owned(), 25, MailTls::None),
        ("server = \"smtp://mail.example:2525\"".to_owned(), 2525, MailTls::None),
        (format!("server = \"smtp://mail.example\"\n{login}"), 587, MailTls::StartTls),
        ("server = \"smtps://mail.example\"".to_owned(), 465, MailTls::Wrapper),
        ("server = \"smtp://mail.example\"\ntls = \"wrapper\"".to_owned(), 465, MailTls::Wrapper),
        ("server = \"smtp://[::1]:25\"\ntls = \"starttls\"".to_owned(), 25, MailTls::StartTls),
    ] {
        let read = email(&lines);
        assert_eq!((read.port, read.tls), (port, tls), "{lines}");
    }
    assert_eq!(&*email("server = \"smtp://[::1]:25\"").host, "::1");
}

#[test]
fn a_password_is_looked_up_only_when_it_is_needed() {
    let read = email("server = \"smtp://m.example\"\nusername = \"u\"\npassword = { env = \"NOWHERE\" }");
    let Some((_, source)) = read.login else { panic!("no login") };
    assert!(matches!(&source, SecretSource::Kept(KeptIn::Variable(name)) if &**name == "NOWHERE"));
    let folder = std::path::Path::new("");
    let missing = source.read(&|_| None, folder);
    assert_eq!(missing.unwrap_err(), "the environment variable `NOWHERE` is not set");
    let found = source.read(&|name| (name == "NOWHERE").then(|| "apple".to_owned()), folder);
    assert_eq!(found.unwrap().expose(), "apple");
}

#[test]
fn every_kind_is_read_with_its_keys() {
    let read = fleet(&format!(
        "{DEVICE}[notify.hook]\nkind = \"webhook\"\nurl = \"https://h.example/x?y=1\"\nsecret = {{ file = \"s\" }}\n\
         when = \"change\"\nca_file = \"ca.pem\"\n\
         [notify.beat]\nkind = \"heartbeat\"\nurl = \"http://127.0.0.1:1/ping/\"\n\
         [notify.tell]\nkind = \"command\"\nargv = [\"tell\", \"--now\"]\nwhen = \"always\"\n"
    ));
    let mut channels: Vec<_> = read.notifications.iter().map(|one| (&*one.name, one.when, &one.channel)).collect();
    channels.sort_by_key(|(name, ..)| *name);
    assert!(matches!(channels[0], ("beat", _, Channel::Heartbeat { url, .. }) if &**url == "http://127.0.0.1:1/ping"));
    let (_, when, Channel::Webhook { secret: Some(SecretSource::Kept(_)), ca_file: Some(ca), .. }) = channels[1] else {
        panic!("{channels:?}")
    };
    assert_eq!((when, &**ca), (When::Change, "ca.pem"));
    assert!(matches!(channels[2], ("tell", When::Always, Channel::Command { argv, .. }) if argv.len() == 2));
}

#[test]
fn every_mistake_of_a_table_is_found_at_once() {
    for (lines, messages) in [
        ("", &["[notify.x] has no `kind`"][..]),
        ("kind = \"emial\"", &["unknown kind `emial`"]),
        ("kind = \"email\"", &["[notify.x] has no `server`", "[notify.x] has no `from`", "[notify.x] has no `to`"]),
        (
            "kind = \"email\"\nserver = \"mail.example\"\nfrom = \"me\"\nto = []\nwhen = \"allways\"\ntls = \"ssl\"\nusername = \"u\"\nurl = \"x\"",
            &[
                "`when`: `allways` is not known",
                "`tls`: `ssl` is not known",
                "`username` without `password`",
                "`me` is no mail address",
                "`to` names nobody",
                "`server`: `mail.example` is no mail server",
                "unknown key `url` in [notify.x]",
            ],
        ),
        (
            "kind = \"email\"\nserver = \"smtps://m.example\"\nfrom = \"a@b\"\nto = [\"N <a@b>\", \"a@b\\nBcc: c@d\"]\ntls = \"none\"\npassword = { file = \"p\" }",
            &[
                "`password` without `username`",
                "`a@b\\nBcc: c@d` is no mail address",
                "`smtps://` is TLS from the first byte, `tls` says otherwise",
            ],
        ),
        ("kind = \"webhook\"\nurl = \"ftp://x\"", &["`url` is no address of the web"]),
        (
            "kind = \"heartbeat\"\nurl = \"https://\"\nwhen = \"always\"",
            &["`url` is no address of the web", "unknown key `when` in [notify.x]"],
        ),
        ("kind = \"command\"\nargv = []", &["`argv` names no program"]),
        ("kind = \"command\"", &["[notify.x] has no `argv`"]),
    ] {
        assert_eq!(mistakes(lines), messages, "{lines}");
    }
}

#[test]
fn a_plain_secret_is_warned_of_and_drawn_nowhere() {
    let (_, messages, drawn) =
        read_text(&format!("{DEVICE}[notify.x]\nkind = \"webhook\"\nurl = \"https://h.example\"\nsecret = \"pear\"\n"));
    assert_eq!(messages, ["warning: `secret` stands in the inventory for everyone to read"]);
    assert!(!drawn.contains("pear"), "{drawn}");
    let (read, ..) =
        read_text(&format!("{DEVICE}[notify.x]\nkind = \"webhook\"\nurl = \"https://h.example\"\nsecret = \"pear\"\n"));
    assert!(!format!("{:?}", read.unwrap().notifications).contains("pear"));
}

#[test]
fn a_mail_address_is_one_that_a_mail_can_be_sent_to() {
    let lines =
        |to: &str| format!("kind = \"email\"\nserver = \"smtp://m.example\"\nfrom = \"a@b.example\"\nto = ['{to}']");
    for right in
        ["ops@example.com", "Ops <ops@example.com>", "\"Ops, Team\" <ops@example.com>", "ops@mail", "ü <ü@ä.example>"]
    {
        assert_eq!(mistakes(&lines(right)), [""; 0], "{right}");
    }
    for wrong in [
        "a@b@c",
        "ops@example..com",
        "Ops, Team <ops@example.com>",
        "a@example.com, b@example.com",
        "ops@example.com>",
        "ops @example.com",
        "@example.com",
        "ops@",
    ] {
        assert_eq!(mistakes(&lines(wrong)), [format!("`{wrong}` is no mail address")]);
        let from = lines("c@d.example").replace("a@b.example", wrong);
        assert_eq!(mistakes(&from), [format!("`{wrong}` is no mail address")]);
    }
}
