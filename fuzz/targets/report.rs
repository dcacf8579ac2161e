//! Saved reports, as `report`, `rerun` and `--failed-from` read them back: what is read and written again is the same, in
//! every format, and no format lets a control character of the file through.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use fleetctl::model::RunEvent;
use fleetctl::model::escape::steers;
use fleetctl::report::{Format, ReportOptions, Reporters, Sink, failed_in, report_events, reporter};

/// The target.
pub(super) fn report(data: &[u8]) {
    let failed = failed_in(data);
    let events = match report_events(data) {
        Ok(events) => events,
        Err(problem) => {
            assert!(!problem.is_empty() && !problem.contains(steers), "{problem:?}");
            return;
        }
    };
    let failed = failed.unwrap_or_else(|problem| panic!("a report, but nobody can be taken from it: {problem}"));
    let count = events.iter().filter(|event| matches!(event, RunEvent::DeviceFinished { .. })).count();
    assert_eq!(failed.total, count);
    assert!(failed.names.len() <= failed.total);

    let written = write(Format::Json, &events);
    let again = report_events(&written).unwrap_or_else(|problem| panic!("{problem}: {}", written.escape_ascii()));
    let twice = write(Format::Json, &again);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&twice), text(&written), "written a second time");
    assert_eq!(failed_in(&written).map(|failed| failed.names), Ok(failed.names));

    for format in
        [Format::Table, Format::Ndjson, Format::Junit, Format::Prometheus, Format::Nagios, Format::Html, Format::Csv]
    {
        let written = write(format, &events);
        let text = std::str::from_utf8(&written).unwrap();
        let raw = text.chars().find(|c| !matches!(c, '\n' | '\r') && c.is_control());
        assert_eq!(raw, None, "{format:?}: {text:?}");
    }
}

/// Memory that a reporter writes to.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(format: Format, events: &[RunEvent]) -> Vec<u8> {
    let buffer = Buffer::default();
    let mut reporters = Reporters::default();
    let sink = Sink::Writer(Box::new(buffer.clone()));
    reporters.add("fuzzed", reporter(format, sink, ReportOptions::default()));
    reporters.events(events.to_vec());
    let finished = reporters.finish();
    assert!(finished.errors.is_empty(), "{format:?}: {:?}", finished.errors);
    buffer.0.lock().unwrap().clone()
}
