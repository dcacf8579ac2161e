//! Carries runs out, each on a thread with a runtime of its own: a run that computes, or panics, does not hold up the loop.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tracing::{error, warn};

use super::{Boxed, Ending, Inventory, Known, Read, Recalled, World, note_seen, read, recall};
use crate::model::Share;
use crate::notify::NotifyError;
use crate::report::{Log, PerDevice, ReportOptions, ReportTarget, Reporters, reporter};
use crate::run::{ExecuteError, execute, fitting, taken};
use crate::schedule::{Entry, Start, Teller};
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
    /// Whether each device has metrics of its own.
    pub per_device: PerDevice,
}

impl World for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn read(&self) -> Boxed<Read> {
        let Self { inventory, types, history, .. } = self.clone();
        Box::pin(on_a_thread("reading", move || {
            let read = read(&inventory, &types, false);
            if let Some(found) = &read.inventory {
                note_seen(history.as_deref(), &inventory, found.entries(), Timestamp::now());
            }
            read
        }))
    }

    fn run(&self, start: Start, inventory: Arc<Inventory>, stop: Stop) -> Boxed<Ending> {
        let machine = self.clone();
        Box::pin(on_a_thread("run", move || match runtime() {
            Ok(runtime) => runtime.block_on(machine.carry_out(&start, &inventory, stop)),
            Err(error) => Ending::NotStarted(error.to_string()),
        }))
    }

    fn tell(&self, start: Start, inventory: Arc<Inventory>, ending: Ending) -> Boxed<Vec<String>> {
        let machine = self.clone();
        Box::pin(on_a_thread("telling", move || {
            machine.with_teller(&start.entry, &inventory, async |teller| match ending {
                Ending::Over(finished) => match &finished.run {
                    Some(run) => teller.finished(run, Share::ALL).await,
                    None => teller.not_started("it ended before it began; please report this as a bug").await,
                },
                Ending::NotStarted(why) => teller.not_started(&why).await,
                Ending::Panicked(why) => {
                    let told = "the run failed through a fault of fleetctl, and devices may have been told something";
                    teller.not_started(&format!("{told}: `fleetctl history show last` ({why})")).await
                }
            })
        }))
    }

    fn recall(&self, names: Vec<String>, known: Known) -> Boxed<Recalled> {
        let Self { inventory, history, per_device, .. } = self.clone();
        let ask = move || recall(history.as_deref(), &inventory, names.iter().map(String::as_str), &known, per_device);
        Box::pin(on_a_thread("recalling", ask))
    }

    fn tell_of_killed(&self, inventory: Arc<Inventory>) -> Boxed<()> {
        let machine = self.clone();
        Box::pin(on_a_thread("telling", move || {
            for entry in inventory.entries() {
                for why in machine.with_teller(entry, &inventory, async |teller| teller.killed().await) {
                    error!("{}: {why}", entry.name());
                }
            }
        }))
    }

    fn send_kept(&self, inventory: Arc<Inventory>) -> Boxed<()> {
        let machine = self.clone();
        Box::pin(on_a_thread("telling", move || {
            // What is kept is kept for the whole inventory: any of its schedules will do.
            if let Some(entry) = inventory.entries().first() {
                machine.with_teller(entry, &inventory, async |teller| {
                    teller.send_kept().await;
                    Vec::new()
                });
            }
        }))
    }
}

impl Machine {
    /// Tells whom an entry names, if there is anybody; gives who could not be told.
    fn with_teller(
        &self,
        entry: &Entry,
        inventory: &Inventory,
        tell: impl AsyncFnOnce(&Teller) -> Vec<NotifyError>,
    ) -> Vec<String> {
        let Some(teller) = inventory.teller(entry, &self.inventory, self.history.as_deref()) else { return Vec::new() };
        match runtime() {
            Ok(runtime) => runtime.block_on(tell(&teller)).iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    async fn carry_out(&self, start: &Start, inventory: &Inventory, stop: Stop) -> Ending {
        let mut planned = match inventory.plan(&start.entry, &self.inventory, &self.types) {
            Ok(planned) => planned,
            Err(why) => return Ending::NotStarted(why),
        };
        planned.request.history.clone_from(&self.history);
        planned.start(&start.entry, Some(start.planned), Timestamp::now());
        if let Some(why) = taken(&planned.request, &planned.prepared.plan.jobs, planned.reports.iter()) {
            return Ending::NotStarted(why);
        }
        let reporters = match open(&planned.reports, self.per_device) {
            Ok(reporters) => reporters,
            Err(why) => return Ending::NotStarted(why),
        };
        let fit = fitting(&planned.prepared, false);
        let teller = inventory.teller(&start.entry, &self.inventory, self.history.as_deref());
        let begins = async {
            let Some(teller) = &teller else { return };
            for error in teller.begins().await {
                warn!("{}: {error}", start.entry.name());
            }
        };
        let run = execute(&planned.request, *planned.prepared, fit, reporters, stop, None);
        match tokio::join!(run, begins).0 {
            Ok(finished) => Ending::Over(Box::new(finished)),
            Err(ExecuteError::Lock(error)) => Ending::NotStarted(error.to_string()),
            Err(error @ ExecuteError::Io(_)) => Ending::NotStarted(error.to_string()),
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Opens the reports of a schedule before anything is sent.
///
/// # Errors
/// In words, when one of them cannot be written: the run does not start, as it does not by hand or with a timer.
fn open(targets: &[ReportTarget], per_device: PerDevice) -> Result<Reporters, String> {
    let mut reporters = Reporters::default();
    reporters.keep_outcomes();
    for target in targets {
        let sink = target.open().map_err(|error| format!("cannot write the report {}: {error}", target.label()))?;
        let options = ReportOptions { ok_if: Share::ALL, per_device, ..ReportOptions::default() };
        reporters.add(target.label(), reporter(target.format, sink, options));
    }
    if let Some(log) = Log::wanted() {
        reporters.add("log", Box::new(log));
    }
    Ok(reporters)
}

/// Does something that takes long on a thread of its own; a panic there is one here. The process does not wait for a
/// thread that nobody waits for any more.
async fn on_a_thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waited) = oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(move || done.send(catch_unwind(AssertUnwindSafe(work))).is_ok());
    match (waited.await, spawned) {
        (Ok(Ok(result)), _) => result,
        (Ok(Err(panic)), _) => resume_unwind(panic),
        (Err(_), Ok(_)) => resume_unwind(Box::new("the thread is gone")),
        (Err(_), Err(error)) => resume_unwind(Box::new(format!("no thread could be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_on_another_thread_is_one_here_and_a_result_a_result() {
        assert_eq!(on_a_thread("test", || 7).await, 7);
        let failed = tokio::spawn(on_a_thread("test", || -> u8 { panic!("a fault of ours") })).await;
        let panic = failed.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a fault of ours"));
    }
}
