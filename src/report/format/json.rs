//! The JSON report: one document, written when the run is over, a device at a time.

use std::io;

use super::super::json_layout::write_document;
use super::super::{Collected, Reporter, Sink, record};

/// Writes `fleetctl.report/1`.
pub struct Json {
    sink: Sink,
}

impl Json {
    /// A JSON report that goes to `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

impl Reporter for Json {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        write_document(&mut self.sink, &record::report(run))?;
        self.sink.finish()
    }
}
