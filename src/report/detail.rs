//! What a report shows of an outcome besides its numbers and words: for whoever keeps outcomes and makes reports again.
//!
//! Secrets are masked here as in every report, so what is kept holds none.

use std::io;

use serde::Serialize;

use super::document::{DeviceRecord, EarlierErrorRecord, ErrorRecord, FileDocument, ValueRecord};
use super::json_layout::make_line;
use super::record::{command_record, device_record};
use super::texts::Texts;
use crate::model::{Command, Device, Outcome};

/// The fields of a device's record that few devices have to themselves.
#[derive(Serialize)]
struct Detail<'a> {
    sent: Option<&'a str>,
    reply: Option<&'a str>,
    value: Option<ValueRecord<'a>>,
    file: Option<FileDocument<'a>>,
    error: Option<ErrorRecord>,
    earlier_errors: Vec<EarlierErrorRecord>,
}

/// Makes the details of one device after the other, in the same memory.
#[derive(Default)]
pub struct Details {
    texts: Texts,
    line: Vec<u8>,
}

impl Details {
    /// `sent`, `reply`, `value`, `file`, `error` and `earlier_errors` as one JSON object, as the report has them.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn of(&mut self, device: &Device, outcome: &Outcome) -> io::Result<&str> {
        let record = device_record(device, outcome, &mut self.texts);
        let DeviceRecord { sent, reply, value, file, error, earlier_errors, .. } = record;
        make_line(&mut self.line, &Detail { sent, reply, value, file, error, earlier_errors })?;
        str::from_utf8(&self.line).map(str::trim_end).map_err(io::Error::other)
    }
}

/// What a run was asked to do, as one JSON object: `command` of the report.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn command_json(command: &Command, verify: bool, if_needed: bool) -> serde_json::Result<String> {
    serde_json::to_string(&command_record(command, verify, if_needed))
}

#[cfg(test)]
mod tests {
    use super::super::test_run;
    use std::sync::Arc;

    use super::*;
    use crate::model::{ParamValue, Payload, RunEvent, Secret};

    #[test]
    fn a_detail_has_the_fields_of_the_report_and_no_secret() {
        let mut events = test_run::events().into_iter();
        let Some(RunEvent::RunStarted { devices, .. }) = events.next() else { panic!() };
        let Some(RunEvent::DeviceFinished { mut outcome, .. }) = events.next() else { panic!() };
        let mut details = Details::default();
        let text = details.of(&devices[0], &outcome).unwrap();
        assert_eq!(
            text,
            r#"{"sent": "ka 01 01\\r", "reply": "a 01 OK01x", "value": "01", "file": null, "error": null, "earlier_errors": []}"#
        );
        let secret = ParamValue::Secret(Secret::new("OK01".to_owned()));
        let guarded = Device { params: [(Arc::from("p"), secret)].into_iter().collect(), ..devices[0].clone() };
        outcome.sent = Some(Arc::new(Payload::plain(b"x")));
        let text = details.of(&guarded, &outcome).unwrap();
        assert!(text.contains("‹secret›") && !text.contains("OK01"), "{text}");
    }
}
