//! Carries runs out, each on a thread with a runtime of its own: a run that computes, or panics, does not hold up the loop.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{error, warn};

use super::{Boxed, Ending, Inventory, Read, World, read};
use crate::model::Share;
use crate::report::{Log, ReportOptions, ReportTarget, Reporters, reporter};
use crate::run::{ExecuteError, execute, fitting};
use crate::schedule::Start;
use crate::session::Stop;

/// This machine: its clock, its files, real runs.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The inventory's path.
    pub inventory: PathBuf,
    /// `--types`: folders with the user's own device types.
    pub types: Vec<PathBuf>,
    /// Where runs are recorded; `None`: nowhere.
    pub history: Option<PathBuf>,
}

impl World for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn read(&self) -> Boxed<Read> {
        let Self { inventory, types, .. } = self.clone();
        Box::pin(on_a_thread(move || read(&inventory, &types, false)))
    }

    fn run(&self, start: Start, inventory: Arc<Inventory>, stop: Stop) -> Boxed<Ending> {
        let machine = self.clone();
        Box::pin(on_a_thread(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(machine.carry_out(&start, &inventory, stop)),
                Err(error) => Ending::NotStarted(error.to_string()),
            }
        }))
    }

    fn tell(&self, start: Start, _inventory: Arc<Inventory>, _ending: Ending) -> Boxed<()> {
        Box::pin(async move {
            let schedule = &start.entry.schedule;
            if !schedule.notify.is_empty() {
                warn!("{}: this version tells nobody: {}", schedule.name, schedule.notify.join(", "));
            }
        })
    }
}

impl Machine {
    async fn carry_out(&self, start: &Start, inventory: &Inventory, stop: Stop) -> Ending {
        let mut planned = match inventory.plan(&start.entry, &self.inventory, &self.types) {
            Ok(planned) => planned,
            Err(why) => return Ending::NotStarted(why),
        };
        planned.request.history.clone_from(&self.history);
        planned.start(&start.entry, Some(start.planned), Timestamp::now());
        let reporters = open(&planned.reports, start.entry.name());
        let fit = fitting(&planned.prepared, false);
        match execute(&planned.request, *planned.prepared, fit, reporters, stop, None).await {
            Ok(finished) => Ending::Over(Box::new(finished)),
            Err(ExecuteError::Lock(error)) => Ending::NotStarted(error.to_string()),
            Err(error @ ExecuteError::Io(_)) => Ending::NotStarted(error.to_string()),
        }
    }
}

/// Opens the reports of a schedule. One that cannot be opened is missing in the morning; the devices are told all the same.
fn open(targets: &[ReportTarget], name: &str) -> Reporters {
    let mut reporters = Reporters::default();
    reporters.keep_outcomes();
    for target in targets {
        match target.open() {
            Ok(sink) => {
                let options = ReportOptions { ok_if: Share::ALL, ..ReportOptions::default() };
                reporters.add(target.label(), reporter(target.format, sink, options));
            }
            Err(error) => {
                error!("{name}: the report {} cannot be written: {error}", target.label());
                reporters.add_failed(target.label(), error);
            }
        }
    }
    if let Some(log) = Log::wanted() {
        reporters.add("log", Box::new(log));
    }
    reporters
}

/// Does something that takes long on a thread of its own; a panic there is one here.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Such threads are never cancelled once they run, and before that only with the whole runtime.
            Err(_) => std::future::pending().await,
        },
    }
}
