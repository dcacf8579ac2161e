//! What a fake display is told to do: a list of steps for the n-th connection or the n-th command.
//!
//! Every misbehaviour that a test needs is a list of these few steps, so that a new fault is data and not code.
//! The last list of a script holds for everything that comes after it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// One thing that a display or its gateway does.
#[derive(Clone)]
pub(crate) enum Step {
    /// What a healthy display would answer to this command.
    Reply,
    /// The same, one byte at a time.
    ReplyByteByByte(Duration),
    /// The request as it came.
    Echo,
    /// These bytes.
    Send(Vec<u8>),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing until the test opens the gate.
    Wait(Arc<Gate>),
    /// These bytes again and again until the other side is gone.
    Babble(Vec<u8>),
    /// FIN, then read on until the other side closes.
    Close,
    /// RST.
    Reset,
}

/// The bytes of a text as a step.
pub(crate) fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// What is scripted for one gateway: by connection, and by set ID and command.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Done when the n-th connection was accepted.
    pub(crate) on_accept: Vec<Vec<Step>>,
    /// Done for the n-th command to a set ID; a set ID without a script is healthy.
    pub(crate) on_command: Vec<(u16, Vec<Vec<Step>>)>,
}

impl Script {
    /// What to do when connection `number` (from 0) was accepted.
    pub(crate) fn at_accept(&self, number: usize) -> Vec<Step> {
        nth_or_last(&self.on_accept, number).unwrap_or_default()
    }

    /// What to do for command `number` (from 0) to `set_id`.
    pub(crate) fn at_command(&self, set_id: u16, number: usize) -> Vec<Step> {
        let steps = self.on_command.iter().find(|(unit, _)| *unit == set_id).map(|(_, steps)| steps.as_slice());
        steps.and_then(|steps| nth_or_last(steps, number)).unwrap_or_else(|| vec![Step::Reply])
    }
}

fn nth_or_last(steps: &[Vec<Step>], number: usize) -> Option<Vec<Step>> {
    steps.get(number).or(steps.last()).cloned()
}

/// A door that the test opens once.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// How long a display waits at most, so that its thread ends even when the test forgot it.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// A closed gate.
    pub(crate) fn closed() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Lets everyone through, now and later.
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn wait(&self) {
        let guard = self.open.lock().unwrap();
        drop(self.opened.wait_timeout_while(guard, Self::PATIENCE, |open| !*open).unwrap());
    }
}
