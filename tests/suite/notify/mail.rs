//! Mail through a real server: every way of TLS, log-in, what the mail says, and what it does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetctl::inventory::Notification;
use fleetctl::model::{Outcome, UnixMillis};
use fleetctl::notify::{self, Kept, Letter, MemorySpool, Occasion, Spool as _, Way};
use fleetctl::transport::TcpConnect;
use serde_json::Value;
use tokio::runtime::Handle;

use super::telling::{CANARY, good_night, night, notifications, tell};
use crate::support::{MailServer, MailServerKind, Workspace, write_authority};

const LOGIN: Option<(&str, &str)> = Some(("ops", CANARY));

fn inventory(server: &MailServer, scheme: &str, further: &str) -> String {
    format!(
        "[notify.mail]\nkind = \"email\"\nserver = \"{scheme}://localhost:{}\"\nfrom = \"Fleet <fleet@example.com>\"\n\
         to = [\"ops@example.com\", \"boss@example.com\"]\nwhen = \"always\"\n{further}",
        server.port()
    )
}

/// The mail's headers, unfolded, and its two parts, decoded.
fn parts(mail: &Value) -> (String, Vec<String>) {
    let data = String::from_utf8(STANDARD.decode(mail["data"].as_str().unwrap()).unwrap()).unwrap();
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    let decoded = body.split("base64\r\n\r\n").skip(1).map(|part| {
        let text: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    });
    (head.replace("\r\n ", " "), decoded.collect())
}

#[tokio::test]
async fn a_mail_arrives_through_every_kind_of_server_and_names_what_failed() {
    let password = "username = \"ops\"\npassword = { env = \"CANARY\" }\n";
    let trust = "ca_file = \"ca.pem\"\n";
    for (tls, scheme, login, further) in [
        ("none", "smtp", None, String::new()),
        ("none", "smtp", LOGIN, format!("tls = \"none\"\n{password}")),
        ("starttls", "smtp", LOGIN, format!("{trust}{password}")),
        ("starttls", "smtp", None, format!("tls = \"starttls\"\n{trust}")),
        ("wrapper", "smtps", LOGIN, format!("{trust}{password}")),
    ] {
        let workspace = Workspace::new();
        write_authority(&workspace, "test authority");
        let server = MailServer::start(&workspace, MailServerKind { tls, login });
        let to = notifications(&workspace, &inventory(&server, scheme, &further));
        let run = night(&workspace);
        let errors = tell(&run, &to, &[], &workspace, &mut MemorySpool::default()).await;
        assert!(errors.is_empty(), "{tls} {login:?}: {errors:?}");
        let mails = server.wait_for(1);
        assert_eq!(mails.len(), 1, "one mail a run");
        let mail = &mails[0];
        assert_eq!((&mail["tls"], &mail["login"]), (&(tls != "none").into(), &login.map(|(user, _)| user).into()));
        assert_eq!(mail["from"], "fleet@example.com");
        assert_eq!(mail["to"], serde_json::json!(["ops@example.com", "boss@example.com"]));
        let (head, parts) = parts(mail);
        let failed = run.summary().total - run.summary().successes();
        assert!(failed > 0, "this seed refuses some");
        assert!(
            head.contains(&format!("Subject: [fleetctl] field-tvs, morning: {failed} of 4 failed (new)")),
            "{head}"
        );
        assert!(head.contains(&format!("Message-ID: <{}.mail@example.com>", run.info().id)), "{head}");
        assert!(
            head.contains("Date: ")
                && head.contains("Auto-Submitted: auto-generated")
                && head.contains("multipart/alternative"),
            "{head}"
        );
        let [text, html] = &parts[..] else { panic!("{parts:?}") };
        assert!(text.contains(&format!("NEW FAILURES ({failed})")) && text.contains("connection refused"), "{text}");
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("New failures"), "{html}");
        assert!(!format!("{head}{parts:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn three_nights_are_new_still_and_working_again() {
    let workspace = Workspace::new();
    write_authority(&workspace, "test authority");
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let to = notifications(&workspace, &inventory(&server, "smtp", ""));
    let change = notifications(&workspace, &inventory(&server, "smtp", "").replace("always", "change"));
    let bad = night(&workspace);
    let is_failed = |outcome: &Outcome| !outcome.status.is_success();
    let dead: Vec<&str> = bad.outcomes().filter(|(_, one)| is_failed(one)).map(|(device, _)| &*device.name).collect();
    let good = good_night(&workspace);
    let mut spool = MemorySpool::default();
    for (run, failing) in [(&bad, &[][..]), (&bad, &dead), (&good, &dead)] {
        assert!(tell(run, &to, failing, &workspace, &mut spool).await.is_empty());
    }
    let texts: Vec<String> = server.wait_for(3).iter().map(|mail| parts(mail).1[0].clone()).collect();
    let names = fleetctl::model::fold_names(dead.iter().copied());
    for (text, title) in texts.iter().zip(["NEW FAILURES", "STILL FAILING", "WORKING AGAIN"]) {
        assert!(text.contains(&format!("{title} ({})", dead.len())) && text.contains(&names), "{title}: {text}");
        assert_eq!(text.contains("since 20"), title != "NEW FAILURES", "{text}");
    }
    // Whoever wants to hear of changes hears nothing of the second night.
    for (run, failing, mails) in [(&bad, &dead, 3), (&good, &dead, 4), (&good, &vec![], 4)] {
        assert!(tell(run, &change, failing, &workspace, &mut spool).await.is_empty());
        assert_eq!(server.wait_for(mails).len(), mails);
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_neither_password_nor_mail() {
    for (tls, scheme) in [("starttls", "smtp"), ("wrapper", "smtps")] {
        let workspace = Workspace::new();
        write_authority(&workspace, "test authority");
        let server = MailServer::start(&workspace, MailServerKind { tls, login: LOGIN });
        let other = Workspace::new();
        write_authority(&other, "another authority");
        workspace.write("other.pem", &other.read("ca.pem"));
        let further = "username = \"ops\"\npassword = { env = \"CANARY\" }\nca_file = \"other.pem\"\n";
        let to = notifications(&workspace, &inventory(&server, scheme, further));
        let error = test_fails(&workspace, &to).await;
        assert!(error.contains("no TLS with localhost") && error.contains("ca_file"), "{error}");
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown_and_the_mail_is_kept() {
    let workspace = Workspace::new();
    write_authority(&workspace, "test authority");
    let server = MailServer::start(&workspace, MailServerKind { tls: "starttls", login: Some(("ops", "another")) });
    let further = "username = \"ops\"\npassword = { env = \"CANARY\" }\nca_file = \"ca.pem\"\n";
    let to = notifications(&workspace, &inventory(&server, "smtp", further));
    let (run, mut spool) = (night(&workspace), MemorySpool::default());
    let errors = tell(&run, &to, &[], &workspace, &mut spool).await;
    let said = errors.iter().map(ToString::to_string).collect::<String>();
    assert!(errors.len() == 1 && said.contains("535") && said.contains("it is kept"), "{said}");
    assert!(!format!("{errors:?}{said}").contains(CANARY), "{said}");
    let kept = spool.due(UnixMillis(i64::MAX)).unwrap();
    assert!(matches!(&kept[0].letter, Letter::Mail { subject, .. } if subject.contains("failed")), "{kept:?}");
    assert!(!serde_json::to_string(&kept).unwrap().contains(CANARY));
}

#[tokio::test]
async fn an_address_that_is_gone_keeps_nobody_else_from_the_mail() {
    let workspace = Workspace::new();
    write_authority(&workspace, "test authority");
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let run = night(&workspace);
    for (gone, mails, is_kept) in [(&["ops"][..], 1, false), (&["ops", "boss"], 1, true)] {
        let replaced = |text: String, one: &&str| text.replace(&format!("{one}@"), &format!("gone-{one}@"));
        let text = gone.iter().fold(inventory(&server, "smtp", ""), replaced);
        let mut spool = MemorySpool::default();
        let errors = tell(&run, &notifications(&workspace, &text), &[], &workspace, &mut spool).await;
        assert!(errors.len() == 1 && errors[0].to_string().contains("nobody of this name"), "{errors:?}");
        assert_eq!(errors[0].to_string().contains("gone-ops@example.com"), !is_kept, "{errors:?}");
        assert_eq!(
            (errors[0].is_kept, spool.due(UnixMillis(i64::MAX)).unwrap().len()),
            (is_kept, usize::from(is_kept))
        );
        let seen = server.wait_for(mails);
        assert_eq!((seen.len(), &seen[0]["to"]), (mails, &serde_json::json!(["boss@example.com"])));
    }
}

#[tokio::test]
async fn what_a_device_says_is_no_command_to_a_mail_server() {
    let workspace = Workspace::new();
    write_authority(&workspace, "test authority");
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: None });
    let to = notifications(&workspace, &inventory(&server, "smtp", ""));
    let run = night(&workspace);
    // The text stands in the mail as it is, not as a report would have escaped it.
    let letter = Letter::Mail {
        id: "1".to_owned(),
        at: run.info().started_at.0,
        subject: "x\n.\nRCPT TO:<evil@example.com>".to_owned(),
        text: "\n.\nRCPT TO:<evil@example.com>\r\n.\r\nMAIL FROM:<x@y>\n".to_owned(),
        html: "<p>\n.\nRCPT TO:<evil@example.com>".to_owned(),
    };
    let mut spool = MemorySpool::default();
    keep(&mut spool, letter);
    send_again(&workspace, &to, &mut spool).await;
    let mails = server.wait_for(1);
    assert_eq!((mails.len(), spool.due(UnixMillis(i64::MAX)).unwrap().len()), (1, 0));
    assert_eq!(mails[0]["to"], serde_json::json!(["ops@example.com", "boss@example.com"]));
    let (_, parts) = parts(&mails[0]);
    assert!(parts[0].contains("\r\n.\r\nRCPT TO:<evil@example.com>"), "it arrives whole: {parts:?}");
}

fn keep(spool: &mut MemorySpool, letter: Letter) {
    let kept = Kept {
        id: "1/mail".to_owned(),
        run: None,
        notification: "mail".into(),
        letter,
        tries: 0,
        next_at: 0,
        give_up_at: i64::MAX,
        error: String::new(),
    };
    spool.put(kept).unwrap();
}

async fn send_again(workspace: &Workspace, to: &[Notification], spool: &mut MemorySpool) {
    let connect = || TcpConnect::new(Handle::current());
    let way = Way { connect: &connect, folder: workspace.folder(), environment: &|_| None };
    notify::send_kept(to, UnixMillis(1), &way, spool).await;
}

async fn test_fails(workspace: &Workspace, to: &[Notification]) -> String {
    let connect = || TcpConnect::new(Handle::current());
    let environment = |name: &str| (name == "CANARY").then(|| CANARY.to_owned());
    let way = Way { connect: &connect, folder: workspace.folder(), environment: &environment };
    let occasion = Occasion { fleet: "field-tvs", schedule: None, zone: jiff::tz::TimeZone::UTC, at: UnixMillis(0) };
    notify::send_test(&to[0], &occasion, &way).await.unwrap_err().to_string()
}
