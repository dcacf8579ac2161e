//! Who is told of a schedule's run, when it begins, when it is over, and when it could not start; what could not be sent
//! waits in the history.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tracing::warn;

use super::Entry;
use crate::history::{
    HistoryError, Letters, Store, collected, last_of_schedule, note_started, note_unstarted, note_untold, previous,
    unstarted, untold,
};
use crate::inventory::{Fleet, Notification};
use crate::model::{RunId, Share, UnixMillis};
use crate::notify::{
    MemorySpool, News, NotifyError, Occasion, Previous, SendError, Spool, Way, after_run, before_run, send_kept,
};
use crate::report::Collected;
use crate::run::canonical;
use crate::transport::TcpConnect;

/// That a run was killed is news for so long.
const KILLED_IS_NEWS_MS: i64 = 24 * 3_600_000;

/// Tells of the runs of one schedule.
#[derive(Debug, Clone)]
pub struct Teller {
    inventory: PathBuf,
    history: Option<PathBuf>,
    fleet: String,
    schedule: String,
    zone: TimeZone,
    /// Whom the schedule names.
    to: Vec<Notification>,
    /// Everybody in the inventory: letters of earlier runs may be for others.
    all: Vec<Notification>,
}

impl Teller {
    /// For an entry; `history` is where its runs are recorded.
    pub fn new(entry: &Entry, fleet: &Fleet, inventory: &Path, history: Option<&Path>) -> Self {
        let is_named = |one: &&Notification| entry.schedule.notify.contains(&one.name);
        Self {
            inventory: inventory.to_owned(),
            history: history.map(Path::to_owned),
            fleet: fleet.name.clone(),
            schedule: entry.name().to_owned(),
            zone: entry.calendar.zone.clone(),
            to: fleet.notifications.iter().filter(is_named).cloned().collect(),
            all: fleet.notifications.clone(),
        }
    }

    /// Of a schedule whose inventory is broken: these are whom it would have told.
    pub fn of_broken(
        schedule: &str,
        fleet: Option<&str>,
        to: Vec<Notification>,
        inventory: &Path,
        history: Option<&Path>,
    ) -> Self {
        let name = || inventory.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self {
            inventory: inventory.to_owned(),
            history: history.map(Path::to_owned),
            fleet: fleet.map_or_else(name, str::to_owned),
            schedule: schedule.to_owned(),
            zone: TimeZone::system(),
            all: to.clone(),
            to,
        }
    }

    /// Whether anybody hears of anything.
    pub fn is_idle(&self) -> bool {
        self.all.is_empty()
    }

    /// The run begins: goes on beside it, ten seconds at most.
    pub async fn begins(&self) -> Vec<NotifyError> {
        let connect = || TcpConnect::new(Handle::current());
        let environment = |name: &str| std::env::var(name).ok();
        before_run(&self.occasion(), &self.named(), &self.way(&connect, &environment)).await
    }

    /// The run is over, or was cut short; a minute at most. What earlier runs could not send is tried again.
    pub async fn finished(&self, run: &Collected, ok_if: Share) -> Vec<NotifyError> {
        let id = &run.info().id;
        let (known, unstarted_since) = self.history.as_deref().map_or((None, None), |path| {
            self.before(path, id).unwrap_or_else(|error| {
                warn!("history: {}; what is new is not known", error.chain());
                (None, None)
            })
        });
        let (is_success, previous) = (run.is_success(ok_if), known.as_ref());
        let errors = self.tell(&News::Finished { run, is_success, previous, unstarted_since }).await;
        if unstarted_since.is_some() {
            self.note(|store, inventory| note_started(store, inventory, &self.schedule));
        }
        if let Some(path) = self.history.as_deref().filter(|_| !errors.is_empty())
            && let Err(error) = Store::create(path).and_then(|store| note_untold(&store, id, &errors))
        {
            warn!("history: {}; that somebody was not told is not noted", error.chain());
        }
        errors
    }

    /// What the schedule's runs before this one came to, and since when they could not start.
    fn before(&self, path: &Path, id: &RunId) -> Result<(Option<Previous>, Option<UnixMillis>), HistoryError> {
        let Some(store) = Store::open(path)? else { return Ok((None, None)) };
        let inventory = canonical(&self.inventory);
        let known = previous(&store, &inventory, &self.schedule, id)?;
        Ok((known, unstarted(&store, &inventory, &self.schedule)?))
    }

    /// Notes in the history, where there is one, how it went with a start.
    fn note(&self, write: impl FnOnce(&Store, &Path) -> Result<(), HistoryError>) {
        let Some(path) = &self.history else { return };
        if let Err(error) = Store::create(path).and_then(|store| write(&store, &canonical(&self.inventory))) {
            warn!("history: {}; whether the schedule can start is not noted", error.chain());
        }
    }

    /// The last run of the schedule was killed and told nobody: they hear of it now, once, unless it is old.
    pub async fn killed(&self) -> Vec<NotifyError> {
        let found = self.history.as_deref().map(|path| self.last_killed(path));
        match found.transpose() {
            Ok(Some(Some(run))) => self.finished(&run, Share::ALL).await,
            Ok(_) => Vec::new(),
            Err(error) => {
                warn!("history: {}; whether the last run was killed is not known", error.chain());
                Vec::new()
            }
        }
    }

    /// The last run, if it was killed and that is not noted yet.
    fn last_killed(&self, path: &Path) -> Result<Option<Collected>, HistoryError> {
        let Some(store) = Store::open(path)? else { return Ok(None) };
        let (last, _) = last_of_schedule(&store, &canonical(&self.inventory), &self.schedule)?;
        let oldest = Timestamp::now().as_millisecond() - KILLED_IS_NEWS_MS;
        let Some(last) = last.filter(|run| run.was_killed && run.started_at.0 >= oldest) else { return Ok(None) };
        if self.to.is_empty() || !untold(&store, &last.run_id)?.is_empty() {
            return Ok(None);
        }
        let id = RunId(last.run_id.as_str().into());
        let error = |one: &Notification| NotifyError {
            notification: one.name.clone(),
            problem: SendError::Stopped("the end of the process"),
            is_kept: false,
        };
        note_untold(&store, &id, &self.to.iter().map(error).collect::<Vec<_>>())?;
        collected(&store, &last)
    }

    /// A signal came while somebody was being told: whom it has kept from that. What waits in the history is sent later.
    pub fn stopped(&self, run: Option<&Collected>, signal: &'static str) -> Vec<NotifyError> {
        let id = run.map(|run| &run.info().id);
        let kept = self.spool().due(UnixMillis(i64::MAX)).unwrap_or_default();
        let left = kept.into_iter().filter(|kept| kept.run.as_ref() == id).map(|kept| kept.notification);
        left.map(|notification| NotifyError { notification, problem: SendError::Stopped(signal), is_kept: true })
            .collect()
    }

    /// The run could not start: nothing was sent to any device.
    pub async fn not_started(&self, why: &str) -> Vec<NotifyError> {
        let at = self.occasion().at;
        self.note(|store, inventory| note_unstarted(store, inventory, &self.schedule, at));
        self.tell(&News::NotStarted { why }).await
    }

    async fn tell(&self, news: &News<'_>) -> Vec<NotifyError> {
        let connect = || TcpConnect::new(Handle::current());
        let environment = |name: &str| std::env::var(name).ok();
        let way = self.way(&connect, &environment);
        let mut spool = self.spool();
        // What is new goes first: a server that is still away costs tonight's letters no time.
        let errors = after_run(news, &self.occasion(), &self.named(), &way, Some(&mut *spool)).await;
        send_kept(&self.all, self.occasion().at, &way, &mut *spool).await;
        errors
    }

    /// Tries what earlier runs could not send, each letter once.
    pub async fn send_kept(&self) {
        let connect = || TcpConnect::new(Handle::current());
        let environment = |name: &str| std::env::var(name).ok();
        let mut spool = self.spool();
        send_kept(&self.all, self.occasion().at, &self.way(&connect, &environment), &mut *spool).await;
    }

    fn named(&self) -> Vec<&Notification> {
        self.to.iter().collect()
    }

    fn occasion(&self) -> Occasion<'_> {
        let at = UnixMillis(Timestamp::now().as_millisecond());
        Occasion { fleet: &self.fleet, schedule: Some(&self.schedule), zone: self.zone.clone(), at }
    }

    fn way<'a>(
        &'a self,
        connect: &'a (dyn Fn() -> TcpConnect + Sync),
        environment: &'a (dyn Fn(&str) -> Option<String> + Sync),
    ) -> Way<'a, TcpConnect> {
        Way { connect, folder: self.inventory.parent().unwrap_or(Path::new("")), environment }
    }

    /// Without a history nothing outlives the process.
    fn spool(&self) -> Box<dyn Spool> {
        let Some(path) = &self.history else { return Box::new(MemorySpool::default()) };
        match Letters::of(path, &canonical(&self.inventory)) {
            Ok(letters) => Box::new(letters),
            Err(error) => {
                warn!("history: {}; what cannot be sent now is lost", error.chain());
                Box::new(MemorySpool::default())
            }
        }
    }
}
