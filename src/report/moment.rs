//! A moment as reports write it: RFC 3339 in UTC with milliseconds.
//!
//! A report has one or two per device, and neighbours fall into the same second: its text is kept for the next, of which
//! only the milliseconds are written anew.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::model::UnixMillis;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// A moment by itself.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub(super) UnixMillis);

impl Moment {
    /// Nobody's clock reaches a moment that the calendar does not have; it is shown as the epoch.
    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0.0).unwrap_or_default()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&PRINTER.timestamp_to_string(&self.timestamp()))
    }
}

/// The text of one moment after the other.
#[derive(Default)]
pub(super) struct MomentText {
    /// The second since the epoch that `text` stands for.
    second: Option<i64>,
    text: String,
}

impl MomentText {
    /// The moment's text.
    pub(super) fn of(&mut self, at: UnixMillis) -> &str {
        let timestamp = Moment(at).timestamp();
        let millis = timestamp.as_millisecond();
        let second = millis.div_euclid(1000);
        if self.second == Some(second) {
            self.text.truncate(self.text.len().saturating_sub("000Z".len()));
            let within = millis.rem_euclid(1000);
            for digit in [within / 100, within / 10 % 10, within % 10] {
                self.text.push(u8::try_from(digit).map_or('0', |digit| char::from(b'0' + digit)));
            }
            self.text.push('Z');
        } else {
            self.second = Some(second);
            self.text = PRINTER.timestamp_to_string(&timestamp);
        }
        &self.text
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(moments: impl IntoIterator<Item = i64>) {
        let mut text = MomentText::default();
        for millis in moments {
            let moment = Timestamp::from_millisecond(millis).unwrap_or_default();
            assert_eq!(text.of(UnixMillis(millis)), PRINTER.timestamp_to_string(&moment), "{millis}");
        }
    }

    #[test]
    fn a_moment_is_what_the_library_prints_whatever_came_before_it() {
        // 2026-11-21T05:30:00Z and around it, around the epoch, the ends of the years 0 and 9999, and beyond.
        let starts = [1_795_239_000_000, 0, -62_167_219_200_000, 253_402_207_200_000, i64::MAX - 1, i64::MIN + 1];
        for start in starts {
            let near = |offset: i64| start.saturating_add(offset);
            check([0, 1, 999, 10, 1000, 1999, 999, -1, -999, -1000, -1001, 0, 0].map(near));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_moments_are_what_the_library_prints(start in -70_000_000_000_000..260_000_000_000_000_i64, steps: [i16; 8]) {
            check(steps.map(|step| start + i64::from(step)));
        }
    }
}
