//! What becomes of a letter when the other side hangs, babbles, says no, or comes back later.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::{
    Kept, Letter, MemorySpool, News, NotifyError, Ping, Spool, after_run, before_run, send_kept, send_test,
};
use super::world::{CANARY, Play, Servers, night, notifications, occasion, previous, way};
use crate::inventory::Notification;
use crate::model::{Ended, UnixMillis};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const GONE: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
const ILL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const ELSEWHERE: &str =
    "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n";

const HOOK: &str = "[notify.hook]\nkind = \"webhook\"\nurl = \"http://hook.example/a/Zq7kW-canary\"\n\
                    secret = { env = \"CANARY\" }\nwhen = \"always\"\n";
const HEART: &str = "[notify.heart]\nkind = \"heartbeat\"\nurl = \"http://hc.example/ping/Zq7kW-canary\"\n";
const MAIL: &str = "[notify.mail]\nkind = \"email\"\nserver = \"smtp://mail.example\"\ntls = \"none\"\nusername = \"ops\"\n\
                    password = { env = \"CANARY\" }\nfrom = \"f@example.com\"\nto = [\"o@example.com\"]\nwhen = \"always\"\n";

/// Tells of a night with one new failure; the errors, and how long it took on the paused clock.
async fn tell(to: &[Notification], servers: &Servers, spool: &mut MemorySpool) -> (Vec<NotifyError>, Duration) {
    let run = night(&["tv-1"], &["tv-2"], Ended::Completed);
    let known = previous(&[]);
    let news = News::Finished { run: &run, is_success: false, previous: Some(&known), unstarted_since: None };
    let to: Vec<&Notification> = to.iter().collect();
    let begun = Instant::now();
    let errors = after_run(&news, &occasion(), &to, &way!(servers), Some(spool)).await;
    (errors, begun.elapsed())
}

fn all_kept(spool: &mut MemorySpool) -> Vec<Kept> {
    spool.due(UnixMillis(i64::MAX)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn servers_that_hang_dribble_or_babble_cost_a_minute_at_most_and_the_letters_are_kept() {
    for play in [Play::Says(""), Play::Says("220 hello\r\n"), Play::Says("HTTP/1.1 200"), Play::Dribbles, Play::Babbles]
    {
        let (servers, mut spool) = (Servers::new(play), MemorySpool::default());
        let to = notifications(&[HOOK, HEART, MAIL].concat());
        let (errors, took) = tell(&to, &servers, &mut spool).await;
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(took <= Duration::from_mins(1), "{took:?}");
        assert!(errors.iter().all(|error| error.is_kept), "{errors:?}");
        assert_eq!(all_kept(&mut spool).len(), 3);
        let said = format!("{errors:?} {}", errors.iter().map(ToString::to_string).collect::<String>());
        assert!(!said.contains(CANARY), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_ill_is_tried_again_and_one_that_says_no_is_not() {
    for (answers, tries, is_told) in [
        (&[ILL, ILL, OK][..], 3, true),
        (&[OK], 1, true),
        (&[GONE], 1, false),
        (&[ELSEWHERE], 1, false),
        (&["nonsense\r\n\r\n", OK], 2, true),
    ] {
        let (servers, mut spool) = (Servers::new(Play::Answers(answers)), MemorySpool::default());
        let (errors, _) = tell(&notifications(HOOK), &servers, &mut spool).await;
        assert_eq!((servers.heard().len(), errors.is_empty()), (tries, is_told), "{answers:?}: {errors:?}");
        assert_eq!(all_kept(&mut spool).is_empty(), is_told);
        assert!(!format!("{errors:?}").contains(CANARY), "{errors:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_gets_the_json_report_with_its_signature() {
    let (servers, mut spool) = (Servers::new(Play::Answers(&[OK])), MemorySpool::default());
    let (errors, _) = tell(&notifications(HOOK), &servers, &mut spool).await;
    assert!(errors.is_empty(), "{errors:?}");
    let heard = servers.heard().concat();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /a/Zq7kW-canary HTTP/1.1\r\n"), "{head}");
    for line in ["host: hook.example", "content-type: application/json"] {
        assert!(head.lines().any(|one| one == line), "{line} in {head}");
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CANARY.as_bytes());
    let tag = ring::hmac::sign(&key, body.as_bytes());
    let hex = crate::model::escape::hex(tag.as_ref()).replace(' ', "");
    assert!(head.contains(&format!("x-fleetctl-signature-256: sha256={hex}")), "{head}");
    let report: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&report["schema"], &report["summary"]["total"]), (&"fleetctl.report/1".into(), &2.into()));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_says_start_success_and_failure_with_the_summary() {
    let servers = Servers::new(Play::Answers(&[OK]));
    let to = notifications(HEART);
    let to: Vec<&Notification> = to.iter().collect();
    assert!(before_run(&occasion(), &to, &way!(servers)).await.is_empty());
    for (failed, obeyed, is_success) in [(&["a"][..], &["b"][..], false), (&[], &["a", "b"], true)] {
        let run = night(failed, obeyed, Ended::Completed);
        let news = News::Finished { run: &run, is_success, previous: None, unstarted_since: None };
        assert!(after_run(&news, &occasion(), &to, &way!(servers), None).await.is_empty());
    }
    let news = News::NotStarted { why: "\nerror: unknown device type `lg`\n --> fleet.toml:2:8\n" };
    assert!(after_run(&news, &occasion(), &to, &way!(servers), None).await.is_empty());
    let heard: Vec<(String, String)> = servers
        .heard()
        .iter()
        .map(|one| (one.split(' ').nth(1).unwrap().to_owned(), one.split("\r\n\r\n").nth(1).unwrap().to_owned()))
        .collect();
    let ping = |suffix: &str, body: &str| (format!("/ping/Zq7kW-canary{suffix}"), body.to_owned());
    assert_eq!(
        heard,
        [
            ping("/start", "field-tvs, morning: begins"),
            ping("/fail", "1 of 2 acknowledged, 1 failed: 1 unreachable · 4.2 s"),
            ping("", "2 of 2 acknowledged · 4.2 s"),
            ping("/fail", "could not start: unknown device type `lg`"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_ping_that_nobody_takes_costs_ten_seconds_and_is_not_kept() {
    let servers = Servers::new(Play::Says(""));
    let to = notifications(HEART);
    let begun = Instant::now();
    let errors = before_run(&occasion(), &to.iter().collect::<Vec<_>>(), &way!(servers)).await;
    assert!(begun.elapsed() <= Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(errors.len() == 1 && !errors[0].is_kept, "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn each_hears_what_it_wants_to_hear() {
    for (when, failed, before, is_told) in [
        ("always", false, vec![], true),
        ("failure", false, vec![], false),
        ("failure", true, vec![("tv-1", 1)], true),
        ("change", true, vec![("tv-1", 1)], false),
        ("change", true, vec![], true),
        ("change", false, vec![("tv-1", 1)], true),
        ("change", false, vec![], false),
    ] {
        let servers = Servers::new(Play::Answers(&[OK]));
        let to = notifications(&HOOK.replace("always", when));
        let run =
            if failed { night(&["tv-1"], &[], Ended::Completed) } else { night(&[], &["tv-1"], Ended::Completed) };
        let known = previous(&before);
        let news = News::Finished { run: &run, is_success: !failed, previous: Some(&known), unstarted_since: None };
        let errors = after_run(&news, &occasion(), &to.iter().collect::<Vec<_>>(), &way!(servers), None).await;
        assert_eq!((servers.heard().len() == 1, errors.is_empty()), (is_told, true), "{when} {failed} {before:?}");
        let news = News::NotStarted { why: "the inventory is broken" };
        after_run(&news, &occasion(), &to.iter().collect::<Vec<_>>(), &way!(servers), None).await;
        let last = servers.heard().last().cloned().unwrap_or_default();
        assert!(last.contains("fleetctl.notice/1") && last.contains("not_started"), "{when}: {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_sent_when_its_time_has_come_and_then_forgotten() {
    let (ill, mut spool) = (Servers::new(Play::Answers(&[ILL])), MemorySpool::default());
    let to = notifications(HOOK);
    tell(&to, &ill, &mut spool).await;
    let kept = all_kept(&mut spool);
    assert_eq!(kept.len(), 1);
    let text = serde_json::to_string(&kept[0]).unwrap();
    assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept[0], "a spool can write it down");
    assert!(!kept[0].error.contains(CANARY));
    let well = Servers::new(Play::Answers(&[OK]));
    send_kept(&to, UnixMillis(kept[0].next_at - 1), &way!(well), &mut spool).await;
    assert!(well.heard().is_empty(), "its time has not come");
    send_kept(&to, UnixMillis(kept[0].next_at), &way!(ill), &mut spool).await;
    let again = all_kept(&mut spool);
    assert!(again[0].tries == 1 && again[0].next_at > kept[0].next_at, "{again:?}");
    send_kept(&to, UnixMillis(again[0].next_at), &way!(well), &mut spool).await;
    assert_eq!((well.heard().len(), all_kept(&mut spool).len()), (1, 0));
    let (first, second) = (ill.heard()[0].clone(), well.heard()[0].clone());
    assert_eq!(first, second, "the same letter");
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_kept_before_its_first_try_and_nobody_else_takes_it_meanwhile() {
    let (silent, well) = (Servers::new(Play::Says("")), Servers::new(Play::Answers(&[OK])));
    let (to, mut spool) = (notifications(&[HOOK, HEART].concat()), MemorySpool::default());
    // The process ends in the middle of the first try.
    let cut = tokio::time::timeout(Duration::from_secs(1), tell(&to, &silent, &mut spool)).await;
    assert!(cut.is_err());
    let kept = all_kept(&mut spool);
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|one| one.error.contains("has ended") && one.run.is_some()), "{kept:?}");
    let begun = occasion().at;
    send_kept(&to, begun.after(Duration::from_mins(1)), &way!(well), &mut spool).await;
    assert!(well.heard().is_empty(), "whoever tells of the run may still be trying");
    send_kept(&to, begun.after(Duration::from_mins(2)), &way!(well), &mut spool).await;
    assert_eq!((well.heard().len(), all_kept(&mut spool).len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_kept_no_longer() {
    let (to, mut spool) = (notifications(&[HOOK, HEART].concat()), MemorySpool::default());
    let (errors, _) = tell(&to, &Servers::new(Play::Answers(&[OK])), &mut spool).await;
    assert!(errors.is_empty(), "{errors:?}");
    assert!(all_kept(&mut spool).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_or_has_no_notification_any_more_is_given_up() {
    let letter = Letter::Document { json: "{}".to_owned() };
    let kept = |id: &str, name: &str| Kept {
        id: id.to_owned(),
        run: None,
        notification: Arc::from(name),
        letter: letter.clone(),
        tries: 0,
        next_at: 0,
        give_up_at: 1000,
        error: "nobody was there".to_owned(),
    };
    let servers = Servers::new(Play::Answers(&[OK]));
    let (to, mut spool) = (notifications(HOOK), MemorySpool::default());
    spool.put(kept("1", "gone")).unwrap();
    send_kept(&to, UnixMillis(10), &way!(servers), &mut spool).await;
    spool.put(kept("2", "hook")).unwrap();
    send_kept(&to, UnixMillis(1000), &way!(servers), &mut spool).await;
    assert_eq!((servers.heard().len(), all_kept(&mut spool).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_is_kept_gives_way_to_the_next_run() {
    let (ill, mut spool) = (Servers::new(Play::Answers(&[ILL])), MemorySpool::default());
    let to = notifications(HEART);
    tell(&to, &ill, &mut spool).await;
    assert!(matches!(all_kept(&mut spool)[0].letter, Letter::Ping { ping: Ping::Failure, .. }));
    tell(&to, &Servers::new(Play::Answers(&[OK])), &mut spool).await;
    assert!(all_kept(&mut spool).is_empty(), "an old failure must not follow a new success");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_there_is_said_without_a_try() {
    let servers = Servers::new(Play::Answers(&[OK]));
    let to = notifications(&HOOK.replace("CANARY", "NONE").replace(CANARY, "x"));
    let error = send_test(&to[0], &occasion(), &way!(servers)).await.unwrap_err();
    assert!(error.to_string().contains("`NONE` is not set"), "{error}");
    assert!(servers.heard().is_empty());
    let to = notifications(&format!("{HEART}ca_file = \"none.pem\"\n").replace("http:", "https:"));
    let error = send_test(&to[0], &occasion(), &way!(servers)).await.unwrap_err();
    assert!(error.to_string().contains("`ca_file` `none.pem`: No such file"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_mail_servers_words_are_shown_without_the_password() {
    // A server that echoes whatever it is sent, the log-in included.
    const ECHO: &str = "220 hi\r\n250-hi\r\n250 AUTH PLAIN LOGIN\r\n535 no: AG9wcwBacTdrVy1jYW5hcnk= Zq7kW-canary \
                        WnE3a1ctY2FuYXJ5\x1b[2J\r\n221 bye\r\n";
    let servers = Servers::new(Play::Says(ECHO));
    let error = send_test(&notifications(MAIL)[0], &occasion(), &way!(servers)).await.unwrap_err().to_string();
    assert!(error.contains("535") && error.contains("‹secret› ‹secret› ‹secret›"), "{error}");
    assert!(!error.contains("canary") && !error.contains('\x1b'), "{error}");
    let heard = servers.heard_at_last().await;
    assert!(heard.contains("AUTH PLAIN AG9wcwBacTdrVy1jYW5hcnk="), "{heard}");
    assert!(!heard.contains("MAIL FROM"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn no_password_goes_out_where_starttls_is_wanted_and_not_offered() {
    const PLAIN: &str = "220 hi\r\n250-hi\r\n250 AUTH PLAIN LOGIN\r\n221 bye\r\n";
    let servers = Servers::new(Play::Says(PLAIN));
    let to = notifications(&MAIL.replace("tls = \"none\"\n", ""));
    let error = send_test(&to[0], &occasion(), &way!(servers)).await.unwrap_err().to_string();
    assert!(error.contains("STARTTLS"), "{error}");
    let heard = servers.heard_at_last().await;
    assert!(heard.contains("EHLO") && !heard.contains("AUTH"), "{heard}");
}
