//! `fleetctl notify test`: the operator sees before the night that somebody is told.

use super::telling::CANARY;
use crate::support::{
    Finished, MailServer, MailServerKind, Running, WebServer, Workspace, closed_port, write_authority,
};

fn test(workspace: &Workspace, name: &str) -> Finished {
    let arguments = ["notify", "test", name, "-vv"];
    Running::start_with(workspace.folder(), &arguments, |command| {
        command.env("CANARY", CANARY).env("RUST_LOG", "trace");
    })
    .finish()
}

fn inventory(workspace: &Workspace, notify: &str) {
    let device = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n";
    workspace.write("fleet.toml", &format!("[fleet]\nname = \"field-tvs\"\n{notify}{device}"));
}

#[track_caller]
fn expect_no_canary(finished: &Finished) {
    for form in [CANARY, "WnE3a1ctY2FuYXJ5", "AG9wcwBacTdrVy1jYW5hcnk="] {
        assert!(!format!("{finished}").contains(form), "{form}: {finished}");
    }
}

#[test]
fn a_test_mail_arrives_through_starttls_and_log_in() {
    let workspace = Workspace::new();
    write_authority(&workspace, "test authority");
    let server = MailServer::start(&workspace, MailServerKind { tls: "starttls", login: Some(("ops", CANARY)) });
    inventory(
        &workspace,
        &format!(
            "[notify.mail]\nkind = \"email\"\nserver = \"smtp://127.0.0.1:{}\"\nusername = \"ops\"\nca_file = \"ca.pem\"\n\
             password = {{ env = \"CANARY\" }}\nfrom = \"f@example.com\"\nto = [\"o@example.com\"]\n",
            server.port()
        ),
    );
    let finished = test(&workspace, "mail");
    assert_eq!(finished.expect_status(0).stdout, "`mail` was told\n");
    expect_no_canary(&finished);
    let mails = server.wait_for(1);
    assert_eq!((&mails[0]["tls"], &mails[0]["login"]), (&true.into(), &"ops".into()));
}

#[test]
fn every_other_kind_can_be_tested_too() {
    let (workspace, server) = (Workspace::new(), WebServer::start("200 OK"));
    let url = server.url();
    inventory(
        &workspace,
        &format!(
            "[notify.heart]\nkind = \"heartbeat\"\nurl = \"{url}/{CANARY}\"\n\
             [notify.hook]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = {{ env = \"CANARY\" }}\n\
             [notify.own]\nkind = \"command\"\nargv = [\"tee\", \"heard\"]\n"
        ),
    );
    for name in ["heart", "hook", "own"] {
        let finished = test(&workspace, name);
        assert_eq!(finished.expect_status(0).stdout, format!("`{name}` was told\n"));
        expect_no_canary(&finished);
    }
    let lines: Vec<String> = server.requests().iter().map(|request| request.line.clone()).collect();
    assert_eq!(lines, [&format!("POST /{CANARY} HTTP/1.1"), "POST /hook HTTP/1.1"]);
    for document in [server.requests()[1].body.clone(), workspace.read("heard")] {
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!((&document["schema"], &document["event"]), (&"fleetctl.notice/1".into(), &"test".into()));
    }
}

#[test]
fn a_test_that_does_not_arrive_is_status_4_and_one_of_nothing_status_2() {
    let workspace = Workspace::new();
    let (_closed, port) = closed_port("127.0.0.1");
    inventory(
        &workspace,
        &format!("[notify.heart]\nkind = \"heartbeat\"\nurl = \"http://127.0.0.1:{port}/{CANARY}\"\n"),
    );
    let finished = test(&workspace, "heart");
    let said = format!("notification `heart` did not arrive: no connection to 127.0.0.1:{port}");
    assert!(finished.expect_status(4).stderr.contains(&said), "{finished}");
    expect_no_canary(&finished);
    let finished = test(&workspace, "haert");
    assert!(finished.expect_status(2).stderr.contains("did you mean `heart`?"), "{finished}");
}
