//! Webhooks and heartbeats to a real server, with and without TLS.

use fleetctl::model::UnixMillis;
use fleetctl::notify::{MemorySpool, Occasion, Spool as _, Way, send_test};
use fleetctl::transport::TcpConnect;
use tokio::runtime::Handle;

use super::telling::{CANARY, night, notifications, tell};
use crate::support::{WebServer, Workspace, write_authority};

fn inventory(server: &WebServer, further: &str) -> String {
    let url = server.url();
    format!(
        "[notify.hook]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = {{ env = \"CANARY\" }}\nwhen = \"always\"\n\
         {further}[notify.heart]\nkind = \"heartbeat\"\nurl = \"{url}/ping\"\n{further}"
    )
}

#[tokio::test]
async fn a_report_and_a_ping_arrive_with_and_without_tls() {
    for is_secured in [false, true] {
        let workspace = Workspace::new();
        write_authority(&workspace, "test authority");
        let server = if is_secured {
            WebServer::with_tls(&workspace, "204 No Content")
        } else {
            WebServer::start("204 No Content")
        };
        let further = if is_secured { "ca_file = \"ca.pem\"\n" } else { "" };
        let to = notifications(&workspace, &inventory(&server, further));
        let run = night(&workspace);
        let errors = tell(&run, &to, &[], &workspace, &mut MemorySpool::default()).await;
        assert!(errors.is_empty(), "{errors:?}");
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        let hook = requests.iter().find(|request| request.line == "POST /hook HTTP/1.1").unwrap();
        let report: serde_json::Value = serde_json::from_str(&hook.body).unwrap();
        let saved: serde_json::Value = serde_json::from_str(&workspace.read("night.json")).unwrap();
        assert_eq!(report, saved, "what is posted is the report");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CANARY.as_bytes());
        let tag = ring::hmac::sign(&key, hook.body.as_bytes());
        let hex = fleetctl::model::escape::hex(tag.as_ref()).replace(' ', "");
        assert!(hook.head.contains(&format!("x-fleetctl-signature-256: sha256={hex}")), "{}", hook.head);
        let ping = requests.iter().find(|request| request.line == "POST /ping/fail HTTP/1.1").unwrap();
        assert!(ping.body.contains("of 4 acknowledged"), "{}", ping.body);
        assert!(!format!("{requests:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn neither_report_nor_signature_follows_a_redirect() {
    let (workspace, elsewhere) = (Workspace::new(), WebServer::start("200 OK"));
    let answer = format!("308 Permanent Redirect\r\nlocation: {}/hook", elsewhere.url());
    let server = WebServer::start(Box::leak(answer.into_boxed_str()));
    let to = notifications(&workspace, &inventory(&server, ""));
    let mut spool = MemorySpool::default();
    let errors = tell(&night(&workspace), &to, &[], &workspace, &mut spool).await;
    assert!(errors.len() == 2 && errors[0].to_string().contains("308"), "{errors:?}");
    assert!(!format!("{errors:?}").contains("/hook") && !format!("{errors:?}").contains(CANARY), "{errors:?}");
    assert_eq!((server.requests().len(), elsewhere.requests().len()), (2, 0));
    assert_eq!(spool.due(UnixMillis(i64::MAX)).unwrap().len(), 2);
}

#[tokio::test]
async fn a_web_server_that_nobody_vouches_for_gets_nothing() {
    let (workspace, other) = (Workspace::new(), Workspace::new());
    write_authority(&workspace, "test authority");
    write_authority(&other, "another authority");
    workspace.write("other.pem", &other.read("ca.pem"));
    let server = WebServer::with_tls(&workspace, "200 OK");
    // One attempt is enough: certificates are looked at anew at each.
    let to = notifications(&workspace, &inventory(&server, "ca_file = \"other.pem\"\n"));
    let connect = || TcpConnect::new(Handle::current());
    let environment = |_: &str| Some(CANARY.to_owned());
    let way = Way { connect: &connect, folder: workspace.folder(), environment: &environment };
    let occasion = Occasion { fleet: "field-tvs", schedule: None, zone: jiff::tz::TimeZone::UTC, at: UnixMillis(0) };
    for one in &to {
        let error = send_test(one, &occasion, &way).await.unwrap_err().to_string();
        assert!(error.contains("no TLS") && error.contains("certificate"), "{error}");
    }
    assert!(server.requests().is_empty());
}
