//! The report for a spreadsheet: a header and a row per device.
//!
//! Every cell is quoted. A text that a spreadsheet would take for a formula gets an apostrophe before it; its content
//! stays whole. Machines that want exact text read JSON.

use std::io::{self, Write};

use super::super::mask::Mask;
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

impl Reporter for Csv {
    fn needs_outcomes(&self) -> bool {
        true
    }

    fn finish(&mut self, run: &Collected) -> io::Result<()> {
        self.sink.write_all(HEADER)?;
        {
            let mut rows = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(&mut self.sink);
            for (device, outcome) in run.outcomes() {
                rows.write_record(row(device, outcome))?;
            }
            rows.flush()?;
        }
        self.sink.finish()
    }
}

fn row(device: &Device, outcome: &Outcome) -> [String; 12] {
    let mask = Mask::new(device, outcome);
    let error = outcome.error.as_ref();
    [
        text(&device.name),
        text(&device.address.to_string()),
        text(&device.device_type),
        text(device.site.as_deref().unwrap_or_default()),
        outcome.status.as_str().to_owned(),
        outcome.delivery.as_str().to_owned(),
        outcome.attempts.to_string(),
        format!("{:.1}", record::tenths_of_ms(outcome.elapsed)),
        match &outcome.value {
            Some(Value::Text(value)) => text(&mask.text(value)),
            // Numbers are ours: a minus is no formula.
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::Decimal { digits, places }) => Value::decimal(*digits, *places),
            Some(Value::List(numbers)) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "),
            None => String::new(),
        },
        outcome.reply.as_ref().map_or_else(String::new, |reply| text(&mask.bytes(reply).0)),
        error.map_or_else(String::new, |failure| failure.kind.as_str().to_owned()),
        error.map_or_else(String::new, |failure| text(&mask.text(&failure.to_string()))),
    ]
}

/// A cell that no spreadsheet computes.
fn text(text: &str) -> String {
    let shown = escape::printable(text);
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠');
    if text.starts_with(formula) { format!("'{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_run;
    use super::*;

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
        ] {
            assert_eq!(text(raw), cell);
        }
    }
}
