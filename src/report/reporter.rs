//! The trait of everything that follows a run, and the fan-out that feeds it.
//!
//! Owns the reporters, their first errors and the shared collection. Events come by value, so that an outcome is kept
//! without a copy. A reporter that has failed gets no further events; the others go on.

use std::io;

use super::Collected;
use crate::model::{RunEvent, UnixMillis};

/// Follows a run.
pub trait Reporter: Send {
    /// Whether `finish` needs every device's outcome; without any such reporter outcomes are not kept.
    fn needs_outcomes(&self) -> bool {
        false
    }

    /// Whether `finish` shows what a history knows of earlier runs; where nobody does, it is not asked.
    fn needs_past(&self) -> bool {
        false
    }

    /// Something happened. `run` knows the devices, and its counts include this event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &RunEvent, run: &Collected) -> io::Result<()> {
        _ = (event, run);
        Ok(())
    }

    /// No further event is waiting: what was written should now become visible.
    ///
    /// # Errors
    /// When it cannot be written.
    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The run is over; write what remains and put it in place.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self, run: &Collected) -> io::Result<()>;

    /// All reporters have finished: waits for what `finish` has left to somebody else, so that none waits for another.
    ///
    /// # Errors
    /// When that could not be written.
    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reporter's first error.
#[derive(Debug, thiserror::Error)]
#[error("{label} could not be written")]
pub struct ReportError {
    /// Which reporter, as it was added: `json to night.json`.
    pub label: String,
    /// What went wrong.
    pub source: io::Error,
}

struct Member {
    label: String,
    reporter: Box<dyn Reporter>,
    error: Option<io::Error>,
}

impl Member {
    fn try_with(&mut self, action: impl FnOnce(&mut dyn Reporter) -> io::Result<()>) {
        if self.error.is_none()
            && let Err(error) = action(&mut *self.reporter)
        {
            self.error = Some(error);
        }
    }
}

/// Asks a history when the last run of this name before it ended that was a success.
pub type Past = Box<dyn FnOnce(&Collected) -> Option<UnixMillis> + Send>;

/// All reporters of a run.
#[derive(Default)]
pub struct Reporters {
    members: Vec<Member>,
    run: Option<Collected>,
    keeps_outcomes: bool,
    past: Option<Past>,
}

/// What remains when all is reported.
pub struct Finished {
    /// The run; `None` when it never started.
    pub run: Option<Collected>,
    /// The reporters that failed, with their first error.
    pub errors: Vec<ReportError>,
}

impl Reporters {
    /// Adds a reporter; `label` names it in errors.
    pub fn add(&mut self, label: impl Into<String>, reporter: Box<dyn Reporter>) {
        self.members.push(Member { label: label.into(), reporter, error: None });
    }

    /// Adds a reporter that is told everything before the others, its end too.
    pub fn add_first(&mut self, label: impl Into<String>, reporter: Box<dyn Reporter>) {
        self.members.insert(0, Member { label: label.into(), reporter, error: None });
    }

    /// Has the outcomes kept, for whoever looks at the run when it is over.
    pub fn keep_outcomes(&mut self) {
        self.keeps_outcomes = true;
    }

    /// Has a history asked before the reporters end, if one of them shows what it knows.
    pub fn ask_past(&mut self, past: Past) {
        self.past = Some(past);
    }

    /// Passes one event on and lets it become visible.
    pub fn event(&mut self, event: RunEvent) {
        self.events([event]);
    }

    /// Passes on events that were waiting together; what they cause becomes visible after the last.
    pub fn events(&mut self, events: impl IntoIterator<Item = RunEvent>) {
        for event in events {
            self.pass_on(event);
        }
        for member in &mut self.members {
            member.try_with(|reporter| reporter.pause());
        }
    }

    fn pass_on(&mut self, event: RunEvent) {
        if let RunEvent::RunStarted { run, devices } = &event {
            let keep = self.keeps_outcomes || self.members.iter().any(|member| member.reporter.needs_outcomes());
            self.run = Some(Collected::new(run.clone(), devices.clone(), keep));
        }
        // Before `RunStarted` nothing is known, so there is nothing to report on.
        let Some(run) = &mut self.run else { return };
        run.note(&event);
        for member in &mut self.members {
            member.try_with(|reporter| reporter.event(&event, run));
        }
        run.keep(event);
    }

    /// Ends all reporters.
    pub fn finish(mut self) -> Finished {
        if let Some(run) = &mut self.run {
            run.complete();
            let is_wanted = self.keeps_outcomes || self.members.iter().any(|member| member.reporter.needs_past());
            if let Some(past) = self.past.filter(|_| is_wanted) {
                run.set_past(past(run));
            }
            for member in &mut self.members {
                member.try_with(|reporter| reporter.finish(run));
            }
            for member in &mut self.members {
                member.try_with(|reporter| reporter.settle());
            }
        }
        let errors = self
            .members
            .into_iter()
            .filter_map(|member| Some(ReportError { label: member.label, source: member.error? }))
            .collect();
        Finished { run: self.run, errors }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::test_run;
    use super::*;

    struct Counting(Arc<Mutex<usize>>, Option<usize>);

    impl Reporter for Counting {
        fn event(&mut self, _: &RunEvent, _: &Collected) -> io::Result<()> {
            let mut seen = self.0.lock().unwrap();
            *seen += 1;
            if Some(*seen) == self.1 { Err(io::Error::other("full")) } else { Ok(()) }
        }

        fn finish(&mut self, _: &Collected) -> io::Result<()> {
            *self.0.lock().unwrap() += 100;
            Ok(())
        }
    }

    #[test]
    fn a_reporter_that_fails_stops_no_other() {
        let (bad, good) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let mut reporters = Reporters::default();
        reporters.add("bad", Box::new(Counting(bad.clone(), Some(2))));
        reporters.add("good", Box::new(Counting(good.clone(), None)));
        let events = test_run::events();
        let count = events.len();
        reporters.events(events);
        let finished = reporters.finish();
        assert_eq!((*bad.lock().unwrap(), *good.lock().unwrap()), (2, count + 100));
        assert_eq!(finished.errors.len(), 1);
        assert_eq!(finished.errors[0].label, "bad");
        let run = finished.run.unwrap();
        assert!(run.summary().total > 0);
        assert!(run.outcomes().next().is_none(), "nobody needed outcomes, so none was kept");
    }
}
