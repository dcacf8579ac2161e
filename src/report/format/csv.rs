//! The report for a spreadsheet: a header and a row per device.
//!
//! Every cell is quoted. A text that a spreadsheet would take for a formula gets an apostrophe before it; its content
//! stays whole. Machines that want exact text read JSON.

use std::io::{self, Write};

use super::super::mask::Mask;
use super::super::texts::Texts;
use super::super::{Collected, Reporter, Sink, record};
use crate::model::{Device, Outcome, Value, escape};

const HEADER: &[u8] =
    b"name,address,type,site,status,delivery,attempts,elapsed_ms,value,reply,error_kind,error_message\n";

/// Writes CSV.
pub struct Csv {
    sink: Sink,
}

impl Csv {
    /// A CSV report that goes to `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

/// Rows are gathered until they are this many bytes.
const FULL: usize = 64 * 1024;

impl Reporter for Csv {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        let mut texts = Texts::default();
        let mut rows = HEADER.to_vec();
        for (device, outcome) in run.outcomes() {
            push_row(&mut rows, device, outcome, &mut texts)?;
            if rows.len() >= FULL {
                self.sink.write_all(&rows)?;
                rows.clear();
            }
        }
        self.sink.write_all(&rows)?;
        self.sink.finish()
    }
}

fn push_row(row: &mut Vec<u8>, device: &Device, outcome: &Outcome, texts: &mut Texts) -> io::Result<()> {
    let mask = Mask::new(device, outcome);
    let error = outcome.error.as_ref();
    // Words and numbers of our own stand as they are: a minus is no formula.
    row.push(b'"');
    push_foreign(row, &device.name);
    row.extend_from_slice(BETWEEN);
    push_foreign(row, texts.address.of(&device.address));
    row.extend_from_slice(BETWEEN);
    push_foreign(row, &device.device_type);
    row.extend_from_slice(BETWEEN);
    push_foreign(row, device.site.as_deref().unwrap_or_default());
    row.extend_from_slice(BETWEEN);
    row.extend_from_slice(outcome.status.as_str().as_bytes());
    row.extend_from_slice(BETWEEN);
    row.extend_from_slice(outcome.delivery.as_str().as_bytes());
    row.extend_from_slice(BETWEEN);
    serde_json::to_writer(&mut *row, &outcome.attempts)?;
    row.extend_from_slice(BETWEEN);
    serde_json::to_writer(&mut *row, &record::tenths_of_ms(outcome.elapsed))?;
    row.extend_from_slice(BETWEEN);
    match &outcome.value {
        Some(Value::Text(value)) => push_foreign(row, &mask.text(value)),
        Some(Value::Int(number)) => write!(row, "{number}")?,
        Some(Value::Decimal { digits, places }) => row.extend_from_slice(Value::decimal(*digits, *places).as_bytes()),
        Some(Value::List(numbers)) => {
            row.extend_from_slice(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ").as_bytes());
        }
        None => {}
    }
    row.extend_from_slice(BETWEEN);
    if let Some(reply) = &outcome.reply {
        push_foreign(row, texts.reply.of(reply, &mask).0);
    }
    row.extend_from_slice(BETWEEN);
    if let Some(failure) = error {
        row.extend_from_slice(failure.kind.as_str().as_bytes());
        row.extend_from_slice(BETWEEN);
        push_foreign(row, &mask.text(&failure.to_string()));
    } else {
        row.extend_from_slice(BETWEEN);
    }
    row.extend_from_slice(b"\"\n");
    Ok(())
}

/// The end of a cell and the beginning of the next.
const BETWEEN: &[u8] = b"\",\"";

/// The content of a cell that no spreadsheet computes; whatever could steer a terminal is escaped.
fn push_foreign(row: &mut Vec<u8>, text: &str) {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        row.push(b'\'');
    }
    if escape::is_plain(text) {
        row.extend_from_slice(text.as_bytes());
    } else {
        row.extend_from_slice(escape::printable(text).replace('"', "\"\"").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::test_run;
    use super::*;
    use crate::model::{Delivery, Ended, ErrorKind, Failure, Status};

    #[test]
    fn a_device_is_a_row_of_quoted_cells() {
        let text = test_run::render(|sink| Box::new(Csv::new(sink)), test_run::events());
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap(),
            "name,address,type,site,status,delivery,attempts,elapsed_ms,value,reply,error_kind,error_message"
        );
        assert_eq!(
            lines.next().unwrap(),
            r#""tv-001","10.20.0.1:23","lg-rs232","hq","ok","confirmed","1","131.4","01","a 01 OK01x","","""#
        );
        assert_eq!(
            lines.nth(1).unwrap(),
            r#""tv-003","10.20.0.3:23","lg-rs232","hq","rejected","confirmed","1","50.0","","a 01 NG02x","refused","refused: not supported by this model (NG 02)""#
        );
        assert_eq!(text.lines().count(), 10);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (raw, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\t=1", "'\\u{9}=1"),
            ("\r=1", "'\\u{d}=1"),
            ("a=1", "a=1"),
            ("a \"b\"", "a \"\"b\"\""),
        ] {
            let mut row = Vec::new();
            push_foreign(&mut row, raw);
            assert_eq!(str::from_utf8(&row).unwrap(), cell);
        }
    }

    #[test]
    fn a_csv_reader_finds_the_cells_again() {
        let name = "a,\"b\"\nü\u{7f};'";
        let failure = Failure::new(ErrorKind::Refused).detail("=\"x\"");
        let failed = Outcome {
            value: Some(Value::List([1, -3].into())),
            elapsed: Duration::from_micros(49),
            ..test_run::outcome(Status::Rejected, Delivery::Confirmed, 0, Some(failure))
        };
        let numbers = [Value::Int(-5), Value::Decimal { digits: -125, places: 1 }].map(test_run::ok);
        let mut all = vec![(Device { site: None, ..test_run::device(name, "[::1]") }, failed)];
        all.extend(numbers.map(|outcome| (test_run::device("tv", "10.0.0.1"), outcome)));
        let text =
            test_run::render(|sink| Box::new(Csv::new(sink)), test_run::run_of(test_run::raw(), all, Ended::Completed));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(rows[0].join(","), str::from_utf8(HEADER).unwrap().trim_end());
        assert_eq!(
            rows[1],
            [
                "a,\"b\"\\u{a}ü\\u{7f};'",
                "[::1]:23",
                "lg-rs232",
                "",
                "rejected",
                "confirmed",
                "1",
                "0.0",
                "1 -3",
                "",
                "refused",
                "refused: =\"x\""
            ]
        );
        assert_eq!((&*rows[2][8], &*rows[3][8]), ("-5", "-12.5"));
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(HEADER.to_vec());
        for row in &rows[1..] {
            writer.write_record(row).unwrap();
        }
        assert_eq!(text.as_bytes(), writer.into_inner().unwrap(), "the library writes the same rows");
    }
}
