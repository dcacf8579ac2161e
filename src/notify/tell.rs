//! Tells everybody who wants to hear of a run: the one way in.
//!
//! `before_run` when it begins, `after_run` when it is over, was cut short or could not start, `send_kept` for what
//! earlier runs could not send. All channels are told side by side, so the slowest decides how long it takes: a minute at
//! most, a start ten seconds. None of them stops the others, and none stops the run.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::change::Change;
use super::deliver::{LONGEST, attempt, deliver};
use super::page::Page;
use super::{Kept, Letter, NotifyError, Ping, Previous, SendError, Spool, Way};
use crate::inventory::{Channel, Notification, When};
use crate::model::escape::printable;
use crate::model::{RunId, UnixMillis};
use crate::report::{Collected, json_line, report_json};
use crate::transport::Connect;

/// A start ping is tried no longer: it says "now".
const LONGEST_START: Duration = Duration::from_secs(10);
/// A letter that is being tried is left to whoever tries it for so long: `LONGEST`, and some time to note how that went.
const CLAIMED_MS: i64 = 120_000;
/// The first wait of a letter that is kept; it doubles.
const FIRST_WAIT_MS: i64 = 60_000;
/// The longest.
const LONGEST_WAIT_MS: i64 = 3_600_000;
/// A letter is kept so long.
const KEPT_MS: i64 = 3 * 24 * 3_600_000;
/// A ping says how things are: an old one would say how they were.
const KEPT_PING_MS: i64 = 3_600_000;

/// Whose run it is, and when.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// `[fleet] name`.
    pub fleet: &'a str,
    /// The schedule that started it.
    pub schedule: Option<&'a str>,
    /// The zone in which times are written: the schedule's.
    pub zone: TimeZone,
    /// Now.
    pub at: UnixMillis,
}

impl Occasion<'_> {
    /// A moment as the readers' clock shows it.
    pub(super) fn moment(&self, at: UnixMillis) -> String {
        let at = Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(self.zone.clone());
        at.strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// What there is to tell.
pub enum News<'a> {
    /// A run is over, or was cut short.
    Finished {
        /// The run, with its outcomes kept: `report::KeepOutcomes` among its reporters sees to that.
        run: &'a Collected,
        /// Whether the devices alone give exit status 0.
        is_success: bool,
        /// What the schedule's runs before came to; `None`: nothing is known of them.
        previous: Option<&'a Previous>,
        /// Since when the schedule could not start, if this is its first run after that.
        unstarted_since: Option<UnixMillis>,
    },
    /// A run could not start: nothing was sent to any device.
    NotStarted {
        /// Why, in words; may have several lines. `mistakes_text` makes it of a broken inventory.
        why: &'a str,
    },
}

/// A run begins: heartbeats are told so. Meant to go on beside the run, not before it, and to be over before
/// `after_run`; takes ten seconds at most.
pub async fn before_run<C>(occasion: &Occasion<'_>, to: &[&Notification], way: &Way<'_, C>) -> Vec<NotifyError>
where
    C: Connect,
    C::Stream: Sync,
{
    let body =
        occasion.schedule.map_or_else(|| occasion.fleet.to_owned(), |name| format!("{}, {name}", occasion.fleet));
    let letter = Letter::Ping { ping: Ping::Start, body: format!("{}: begins", printable(&body)) };
    let hearts = to.iter().filter(|one| matches!(one.channel, Channel::Heartbeat { .. }));
    let told = join_all(hearts.map(|one| async { (*one, deliver(one, &letter, way, LONGEST_START).await) })).await;
    let failed = told.into_iter().filter_map(|(one, result)| Some((one, result.err()?)));
    failed.map(|(one, problem)| NotifyError { notification: one.name.clone(), problem, is_kept: false }).collect()
}

/// Tells everybody in `to` who wants to hear of this; takes a minute at most. Every letter is in the spool before it is
/// tried for the first time and stays there until it has arrived: whatever ends this process, a later one sends it. Where
/// the end came between the arrival and the note of it, it arrives twice, a mail under the same id. What could not be sent
/// comes back as an error: each of them means exit status 4, if no other does.
pub async fn after_run<C>(
    news: &News<'_>,
    occasion: &Occasion<'_>,
    to: &[&Notification],
    way: &Way<'_, C>,
    mut spool: Option<&mut dyn Spool>,
) -> Vec<NotifyError>
where
    C: Connect,
    C::Stream: Sync,
{
    let begun = Instant::now();
    let letters = letters(news, occasion, to);
    let run = match news {
        News::Finished { run, .. } => Some(&run.info().id),
        News::NotStarted { .. } => None,
    };
    let mut claims: Vec<(&Notification, Kept)> =
        letters.into_iter().map(|(one, letter)| (one, claim(one, letter, run, occasion.at))).collect();
    if let Some(spool) = spool.as_deref_mut() {
        drop_old_pings(&claims, spool);
        for (one, kept) in &claims {
            if let Err(error) = spool.put(kept.clone()) {
                debug!("notification `{}` is tried without being kept first: {error}", one.name);
            }
        }
    }
    let told = join_all(claims.iter().map(|(one, kept)| deliver(one, &kept.letter, way, LONGEST))).await;
    let now = occasion.at.after(begun.elapsed());
    let mut errors = Vec::new();
    for ((one, mut kept), result) in claims.drain(..).zip(told) {
        let (fate, problem) = match result {
            Ok(()) => (Fate::Arrived(now), None),
            Err(problem) if problem.is_settled() => (Fate::GivenUp, Some(problem)),
            Err(problem) => {
                kept.next_at = now.0.saturating_add(FIRST_WAIT_MS);
                kept.error = problem.to_string();
                (Fate::Left, Some(problem))
            }
        };
        let is_noted = spool.as_deref_mut().is_some_and(|spool| note(kept, fate, spool));
        if let Some(problem) = problem {
            let is_kept = fate == Fate::Left && is_noted;
            errors.push(NotifyError { notification: one.name.clone(), problem, is_kept });
        }
    }
    errors
}

/// Sends what is due in the spool, each once; `all` are the inventory's notifications. Takes a minute at most for what it
/// begins. Meant for the daemon, every minute or so, and for the end of `schedule run`.
pub async fn send_kept<C>(all: &[Notification], now: UnixMillis, way: &Way<'_, C>, spool: &mut dyn Spool)
where
    C: Connect,
    C::Stream: Sync,
{
    let due = match spool.due(now) {
        Ok(due) => due,
        Err(error) => return warn!("what is kept of notifications cannot be read: {error}"),
    };
    let (mut claimed, mut noted) = (Vec::new(), true);
    for mut kept in due {
        let notification = all.iter().find(|one| one.name == kept.notification);
        match notification.filter(|_| kept.give_up_at > now.0) {
            None => {
                warn!("notification `{}` of {} is given up: {}", kept.notification, whose(&kept), kept.error);
                noted &= spool.done(&kept.id).is_ok();
            }
            Some(notification) => {
                // Put off before it is tried, so that another process does not try it at the same time.
                kept.tries = kept.tries.saturating_add(1);
                let wait = FIRST_WAIT_MS.saturating_mul(1 << kept.tries.min(10)).min(LONGEST_WAIT_MS);
                kept.next_at = now.0.saturating_add(wait);
                noted &= spool.put(kept.clone()).is_ok();
                claimed.push((notification, kept));
            }
        }
    }
    let end = Instant::now() + LONGEST;
    let told = join_all(claimed.iter().map(|(one, kept)| attempt(one, &kept.letter, way, end))).await;
    for ((_, mut kept), result) in claimed.into_iter().zip(told) {
        noted &= match result {
            Ok(()) => spool.arrived(&kept.id, now).is_ok(),
            Err(problem) if problem.is_settled() => {
                warn!("notification `{}` of {}: {problem}", kept.notification, whose(&kept));
                spool.done(&kept.id).is_ok()
            }
            Err(problem) => {
                kept.error = problem.to_string();
                spool.put(kept).is_ok()
            }
        };
    }
    if !noted {
        warn!("what became of kept notifications could not be noted: they may be sent twice");
    }
}

/// Sends a test through one notification, whatever its `when`, once: no device is told anything.
///
/// # Errors
/// When it does not arrive.
pub async fn send_test<C>(
    notification: &Notification,
    occasion: &Occasion<'_>,
    way: &Way<'_, C>,
) -> Result<(), NotifyError>
where
    C: Connect,
    C::Stream: Sync,
{
    let page = Page::of_test(&notification.name, occasion);
    let json = || notice("test", &page, occasion);
    let letter = Letter::of(notification, &page, occasion.at.0, json);
    let sent = match &letter {
        Some(letter) => attempt(notification, letter, way, Instant::now() + LONGEST).await,
        None => Err(SendError::Internal("no document".to_owned())),
    };
    sent.map_err(|problem| NotifyError { notification: notification.name.clone(), problem, is_kept: false })
}

/// Who is told, and what.
fn letters<'n>(news: &News<'_>, occasion: &Occasion<'_>, to: &[&'n Notification]) -> Vec<(&'n Notification, Letter)> {
    let letter = |one: &&'n Notification, page: &Page, json: &dyn Fn() -> Option<String>| {
        Some((*one, Letter::of(one, page, occasion.at.0, json)?))
    };
    match news {
        News::NotStarted { why } => {
            let page = Page::of_no_start(why, occasion);
            to.iter().filter_map(|one| letter(one, &page, &|| notice("not_started", &page, occasion))).collect()
        }
        News::Finished { run, is_success, previous, unstarted_since } => {
            let change = Change::of(run, *previous).unstarted(*unstarted_since);
            let page = Page::of_run(run, *is_success, &change, occasion);
            let report = std::cell::OnceCell::new();
            let json = || {
                let made =
                    report.get_or_init(|| report_json(run).map_err(|error| warn!("no JSON report: {error}")).ok());
                made.clone()
            };
            let is_wanted = |one: &&&Notification| match (&one.channel, one.when) {
                (Channel::Heartbeat { .. }, _) | (_, When::Always) => true,
                (_, When::Failure) => !is_success,
                (_, When::Change) => change.is_news(run.ended()),
            };
            to.iter().filter(is_wanted).filter_map(|one| letter(one, &page, &json)).collect()
        }
    }
}

/// What webhooks and programs get where there is no run to report.
#[derive(Serialize)]
struct Notice<'a> {
    schema: &'static str,
    /// `not_started` or `test`.
    event: &'static str,
    fleet: &'a str,
    schedule: Option<&'a str>,
    at: Timestamp,
    message: &'a str,
    details: &'a [String],
}

fn notice(event: &'static str, page: &Page, occasion: &Occasion<'_>) -> Option<String> {
    let notice = Notice {
        schema: "fleetctl.notice/1",
        event,
        fleet: occasion.fleet,
        schedule: occasion.schedule,
        at: Timestamp::from_millisecond(occasion.at.0).unwrap_or_default(),
        message: &page.summary,
        details: &page.quote,
    };
    json_line(&notice).map_err(|error| warn!("no notice: {error}")).ok()
}

/// A letter as it is kept while this process tries it: nobody else does so before that is over.
fn claim(notification: &Notification, letter: Letter, run: Option<&RunId>, now: UnixMillis) -> Kept {
    let life = if matches!(letter, Letter::Ping { .. }) { KEPT_PING_MS } else { KEPT_MS };
    let whose = run.map_or_else(|| ulid::Ulid::generate().to_string(), ToString::to_string);
    Kept {
        id: format!("{whose}/{}", notification.name),
        run: run.cloned(),
        notification: Arc::clone(&notification.name),
        letter,
        tries: 0,
        next_at: now.0.saturating_add(CLAIMED_MS),
        give_up_at: now.0.saturating_add(life),
        error: "the process that was to send it has ended".to_owned(),
    }
}

/// What became of a letter that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrived(UnixMillis),
    /// It is tried again later.
    Left,
    GivenUp,
}

/// Notes in the spool that a letter was tried; whether that is noted.
fn note(kept: Kept, fate: Fate, spool: &mut dyn Spool) -> bool {
    let name = Arc::clone(&kept.notification);
    let noted = match fate {
        Fate::Left => {
            let put = spool.put(kept).map_err(|error| warn!("a notification could not be kept for later: {error}"));
            return put.is_ok();
        }
        Fate::Arrived(at) => spool.arrived(&kept.id, at),
        Fate::GivenUp => spool.done(&kept.id),
    };
    noted
        .map_err(|error| warn!("notification `{name}` may come a second time, as it could not be noted: {error}"))
        .is_ok()
}

/// Forgets pings of earlier runs: what is sent now says more.
fn drop_old_pings(claims: &[(&Notification, Kept)], spool: &mut dyn Spool) {
    let pings: Vec<&str> = claims
        .iter()
        .filter(|(_, kept)| matches!(kept.letter, Letter::Ping { .. }))
        .map(|(one, _)| &*one.name)
        .collect();
    if pings.is_empty() {
        return;
    }
    let old = spool.due(UnixMillis(i64::MAX)).unwrap_or_default();
    let is_ping = |kept: &&Kept| matches!(kept.letter, Letter::Ping { .. }) && pings.contains(&&*kept.notification);
    for kept in old.iter().filter(is_ping) {
        if let Err(error) = spool.done(&kept.id) {
            warn!("an old ping could not be forgotten: {error}");
        }
    }
}

fn whose(kept: &Kept) -> String {
    kept.run.as_ref().map_or_else(|| "a run that did not start".to_owned(), |run| format!("run {run}"))
}
