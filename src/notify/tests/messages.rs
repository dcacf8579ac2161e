//! What is said of a night: by whom it is new, since when, why, and what to try.

use std::sync::Arc;

use super::super::change::Change;
use super::super::page::{Page, mistakes_text};
use super::super::{Previous, html, text};
use super::world::{night, occasion, on, previous};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::model::{
    Delivery, Device, Ended, ErrorKind, Failure, Held, Outcome, RunEvent, SkipReason, Status, UnixMillis, Value,
};
use crate::report::Collected;
use crate::report::test_run::{self, action, device, outcome, run_of};

fn page(run: &Collected, previous: Option<&Previous>) -> Page {
    let is_good = run.ended() == Ended::Completed && run.summary().successes() == run.summary().total;
    Page::of_run(run, is_good, &Change::of(run, previous), &occasion())
}

fn written(run: &Collected, previous: Option<&Previous>) -> String {
    let page = page(run, previous);
    format!("{}\n\n{}", page.subject, text::write(&page)).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn a_night_says_what_is_new_what_is_not_and_what_works_again() {
    let run = night(&["tv-003", "tv-004", "tv-007"], &["tv-001", "tv-002", "tv-005", "tv-006"], Ended::Completed);
    let known = previous(&[("tv-004", 1), ("tv-007", 3), ("tv-001", 2), ("tv-002", 2), ("gone", 5)]);
    insta::assert_snapshot!(written(&run, Some(&known)), @r"
    [fleetctl] field-tvs, morning: 3 of 7 failed (1 new), 2 work again

    field-tvs · morning
    power-on
    2026-11-21 06:30 CET, took 4.2 s

    4 of 7 acknowledged, 3 failed: 3 unreachable · 4.2 s

    NEW FAILURES (1)
    tv-003: connection refused (unreachable)
        The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode.

    STILL FAILING (2)
    tv-[004,007]: connection refused (2 unreachable)
        since 2026-11-20 06:30 CET: tv-004
        since 2026-11-18 06:30 CET: tv-007
        The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode.

    WORKING AGAIN (2)
    tv-[001-002]: working again
        had failed since 2026-11-19 06:30 CET

    run 01JD2X0000000000000000TEST, fleetctl VERSION
    ");
}

#[test]
fn the_first_night_compares_with_nothing() {
    let run = test_run::collect(test_run::events());
    insta::assert_snapshot!(written(&run, None), @r"
    [fleetctl] field-tvs, morning: cut short: 6 of 9 failed, 1 not started

    field-tvs · morning
    ka {set_id} 01
    2026-11-21 06:30 CET, took 4.2 s
    [cut short: interrupted]

    interrupted: 2 of 9 acknowledged, 6 failed: 1 rejected, 3 unreachable, 1 no reply, 1 bad reply, 1 not started · 4.2 s

    the only host name does not resolve: check this machine's network and DNS before the devices.

    FAILURES (6)
    gateway 10.20.9.7:23 refuses connections: wall-[1-2] (2 unreachable)
        The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode.

    tv-003: refused: not supported by this model (NG 02) (rejected)
        The device understood and said no: check that this model supports the command, and that its present state allows it.

    tv-006: no complete reply within 8s, 12 bytes came (no reply, may have acted)
        12 bytes came that make no reply: check baud rate, parity and device type.

    tv-007: the reply makes no sense (bad reply, may have acted)
        Something else answers on this port, or the device speaks another language: check device type, address, baud rate and parity.

    pump: the name does not resolve (unreachable)
        Check the spelling of the host name, and that this machine's DNS server knows it.

    NOT STARTED (1)
    tv-009: not started, the run was interrupted

    run 01JD2X0000000000000000TEST, fleetctl VERSION
    ");
}

#[test]
fn three_nights_of_one_display_are_new_still_and_working_again() {
    let nights = [
        (night(&["tv-9"], &["tv-1"], Ended::Completed), Previous::default()),
        (night(&["tv-9"], &["tv-1"], Ended::Completed), previous(&[("tv-9", 1)])),
        (night(&[], &["tv-1", "tv-9"], Ended::Completed), previous(&[("tv-9", 2)])),
    ];
    let subjects: Vec<String> = nights.iter().map(|(run, before)| page(run, Some(before)).subject).collect();
    assert_eq!(
        subjects,
        [
            "[fleetctl] field-tvs, morning: 1 of 2 failed (new)",
            "[fleetctl] field-tvs, morning: 1 of 2 failed (as before)",
            "[fleetctl] field-tvs, morning: 1 works again, 2 of 2 acknowledged",
        ]
    );
}

#[test]
fn the_first_run_after_others_that_could_not_start_is_news() {
    let run = night(&[], &["tv-1", "tv-2"], Ended::Completed);
    let known = previous(&[]);
    let change = || Change::of(&run, Some(&known));
    assert!(!change().unstarted(None).is_news(run.ended()));
    let since = UnixMillis(test_run::START.0 - 24 * 3_600_000);
    let change = change().unstarted(Some(since));
    assert!(change.is_news(run.ended()));
    let page = Page::of_run(&run, true, &change, &occasion());
    assert_eq!(page.subject, "[fleetctl] field-tvs, morning: runs again, 2 of 2 acknowledged");
    let told = format!("runs again: it could not start since {}", occasion().moment(since));
    assert!(text::write(&page).contains(&told), "{}", text::write(&page));
}

#[test]
fn a_device_that_was_never_started_is_neither_a_new_failure_nor_a_recovery() {
    let skipped = |name: &str| (device(name, "h"), Outcome::skipped(SkipReason::Interrupted));
    let all = vec![(device("tv-1", "g"), on()), skipped("tv-2"), skipped("tv-3")];
    let run = test_run::collect(run_of(action("power-on"), all, Ended::Interrupted));
    let known = previous(&[("tv-2", 1)]);
    let change = Change::of(&run, Some(&known));
    assert_eq!((change.failed.len(), change.still.len(), change.recovered.len()), (0, 0, 0));
    assert_eq!(change.not_started.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["tv-2", "tv-3"]);
    assert!(change.is_news(run.ended()), "a run that was cut short hides changes");
    let page = page(&run, Some(&known));
    assert_eq!(page.subject, "[fleetctl] field-tvs, morning: cut short: 2 not started, 1 of 3 acknowledged");
    assert!(text::write(&page).contains("[cut short: interrupted]"), "{}", text::write(&page));
}

#[test]
fn devices_that_were_left_out_through_a_fault_of_ours_are_news() {
    let left_out = (device("tv-2", "h"), Outcome::skipped(SkipReason::Internal));
    let run =
        test_run::collect(run_of(action("power-on"), vec![(device("tv-1", "g"), on()), left_out], Ended::Completed));
    let change = Change::of(&run, Some(&previous(&[])));
    assert!(change.failed.is_empty() && change.is_news(run.ended()), "nobody else would say that tv-2 is dark");
    let held = (device("tv-2", "h"), Outcome::skipped(SkipReason::Held));
    let run = test_run::collect(run_of(action("power-on"), vec![(device("tv-1", "g"), on()), held], Ended::Completed));
    assert!(!Change::of(&run, Some(&previous(&[]))).is_news(run.ended()));
}

#[test]
fn who_is_held_is_named_with_why_and_until_when() {
    let held = |name: &str| (device(name, "h"), Outcome::skipped(SkipReason::Held));
    let all = vec![(device("tv-1", "g"), on()), held("tv-2"), held("tv-3"), held("tv-4")];
    let mut events = run_of(action("power-on"), all, Ended::Completed);
    let because = |why: &str| Arc::new(Held { until_day: "2026-12-24".to_owned(), why: why.to_owned() });
    if let Some(RunEvent::RunStarted { run, .. }) = events.first_mut() {
        let reasons = [("tv-2", "sold"), ("tv-3", "sold"), ("tv-4", "<being> repaired")];
        Arc::make_mut(run).held = reasons.map(|(name, why)| (name.into(), because(why))).into();
    }
    let page = page(&test_run::collect(events), Some(&previous(&[])));
    let plain = text::write(&page);
    assert!(plain.contains("HELD (3)\ntv-[2-3]: held until the end of 2026-12-24 or `release`: sold (2)\n"), "{plain}");
    assert!(plain.contains("tv-4: held until the end of 2026-12-24 or `release`: <being> repaired\n"), "{plain}");
    let html = html::write(&page);
    assert!(html.contains("`release`: sold") && html.contains("&lt;being&gt; repaired"), "{html}");
}

#[test]
fn a_change_is_a_new_failure_or_a_recovery_and_nothing_else() {
    for (failed, obeyed, before, is_news) in [
        (&["a"][..], &["b"][..], Some(vec![("a", 1)]), false),
        (&["a"], &["b"], Some(vec![]), true),
        (&[], &["a", "b"], Some(vec![("a", 1)]), true),
        (&[], &["a", "b"], Some(vec![]), false),
        (&["a"], &["b"], None, true),
        (&[], &["a", "b"], None, false),
    ] {
        let run = night(failed, obeyed, Ended::Completed);
        let before = before.map(|before| previous(&before));
        assert_eq!(Change::of(&run, before.as_ref()).is_news(run.ended()), is_news, "{failed:?} {before:?}");
    }
}

#[test]
fn what_a_device_says_is_neither_markup_nor_a_command_to_the_reader() {
    let hostile = "<script>alert(1)</script>\"'&\r\n.\r\nRCPT TO:<x@y>\u{1b}[2J\u{202e}";
    let failure = Failure::new(ErrorKind::Refused).detail(hostile);
    let bad = Device { site: Some(hostile.into()), ..device(hostile, "h") };
    let rejected = Outcome {
        value: Some(Value::Text(hostile.into())),
        ..outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure))
    };
    let run = test_run::collect(run_of(action("power-on"), vec![(bad, rejected)], Ended::Completed));
    let occasion = super::super::Occasion { fleet: hostile, schedule: Some(hostile), ..occasion() };
    let page = Page::of_run(&run, false, &Change::of(&run, None), &occasion);
    let steers = |text: &str| text.chars().any(|c| crate::model::escape::steers(c) && c != '\n');
    assert!(!steers(&page.subject) && !page.subject.contains('\n'), "{}", page.subject);
    let plain = text::write(&page);
    assert!(!steers(&plain) && !plain.lines().any(|line| line == "."), "{plain}");
    let drawn = html::write(&page);
    assert!(!drawn.contains("<script") && !drawn.contains("\"'&") && !steers(&drawn), "{drawn}");
    for loads in ["src=", "href=", "url(", "@import", "<link"] {
        assert!(!drawn.contains(loads), "{loads}");
    }
}

#[test]
fn a_secret_that_a_device_echoes_is_masked() {
    use crate::model::{ParamValue, Secret};
    let secret = ParamValue::Secret(Secret::new(super::world::CANARY.to_owned()));
    let guarded = Device { params: [("password".into(), secret)].into_iter().collect(), ..device("pump", "h") };
    let said = Failure::new(ErrorKind::Refused).detail(super::world::CANARY);
    let all = vec![(guarded, outcome(Status::Rejected, Delivery::Confirmed, 1, Some(said)))];
    let run = test_run::collect(run_of(action("power-on"), all, Ended::Completed));
    let page = page(&run, None);
    let all = format!("{}{}{}", page.subject, text::write(&page), html::write(&page));
    assert!(!all.contains(super::world::CANARY) && all.contains("‹secret›"), "{all}");
}

#[test]
fn a_page_has_a_limit_and_says_what_it_left_out() {
    let one = |n: usize| {
        let kind = [ErrorKind::ConnectionRefused, ErrorKind::ReplyTimeout, ErrorKind::Refused][n % 3];
        let failure = Failure::new(kind).detail(format!("{n} {}", "x".repeat(5_000)));
        let name = format!("{}{n}", "long-name-".repeat(200));
        (device(&name, "h"), outcome(Status::Rejected, Delivery::Confirmed, 1, Some(failure)))
    };
    let all = (0..600).map(one).collect();
    let run = test_run::collect(run_of(action("power-on"), all, Ended::Completed));
    let page = page(&run, None);
    let (plain, drawn) = (text::write(&page), html::write(&page));
    assert!(plain.len() < 40_000 && drawn.len() < 80_000, "{} {}", plain.len(), drawn.len());
    assert!(plain.contains(" more causes: the report has them all") && drawn.contains(" more causes: "), "{plain}");
    assert!(page.subject.chars().count() <= 201);
}

#[test]
fn a_run_that_could_not_start_shows_the_first_mistakes() {
    let (mut found, sources) = (Diagnostics::default(), Sources::default());
    found.push(Diagnostic::warning("not this one"));
    (0..7).for_each(|n| found.push(Diagnostic::error(format!("mistake {n}")).help("do better")));
    let page = Page::of_no_start(&mistakes_text(&found, &sources), &occasion());
    assert_eq!(page.subject, "[fleetctl] field-tvs, morning: could not start");
    insta::assert_snapshot!(text::write(&page).replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r"
    field-tvs · morning
    2026-11-21 06:30 CET

    could not start: mistake 0

    error: mistake 0
     |
     = help: do better

    error: mistake 1
     |
     = help: do better

    error: mistake 2
     |
     = help: do better

    error: mistake 3
     |
     = help: do better

    error: mistake 4
     |
     = help: do better

    and 2 more: `fleetctl inventory check` shows them all

    fleetctl VERSION
    ");
}
