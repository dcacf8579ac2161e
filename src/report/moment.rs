//! A moment as reports write it: RFC 3339 in UTC with milliseconds.
//!
//! A report has one or two per device, so the usual form is put together here from what `jiff` says of the day and the
//! time; it takes a tenth of the time of a general printer.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::model::UnixMillis;

/// A moment, written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub(super) UnixMillis);

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

impl Moment {
    /// The text of a moment in the years 0 to 9999.
    fn usual(moment: Timestamp) -> Option<[u8; 24]> {
        let time = Offset::UTC.to_datetime(moment);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let year = u32::try_from(time.year()).ok()?;
        let number = |part: i8| u32::from(part.unsigned_abs());
        let parts = [
            (0..4, year),
            (5..7, number(time.month())),
            (8..10, number(time.day())),
            (11..13, number(time.hour())),
            (14..16, number(time.minute())),
            (17..19, number(time.second())),
            (20..23, u32::from(time.millisecond().unsigned_abs())),
        ];
        for (place, mut rest) in parts {
            for digit in text.get_mut(place)?.iter_mut().rev() {
                *digit += u8::try_from(rest % 10).ok()?;
                rest /= 10;
            }
        }
        Some(text)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = Timestamp::from_millisecond(self.0.0).unwrap_or_default();
        match Self::usual(moment).as_ref().and_then(|text| str::from_utf8(text).ok()) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_str(&PRINTER.timestamp_to_string(&moment)),
        }
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

    fn check(millis: i64) {
        let moment = Timestamp::from_millisecond(millis).unwrap_or_default();
        let text = serde_json::to_value(Moment(UnixMillis(millis))).unwrap();
        assert_eq!(text, PRINTER.timestamp_to_string(&moment), "{millis}");
    }

    #[test]
    fn a_moment_is_what_the_library_prints() {
        let days = |count: i64| count * 86_400_000;
        for at in [0, 1, 999, 1000, 1_795_239_000_000, 951_782_399_999, 951_782_400_000, days(365) - 1, days(365)] {
            check(at);
            check(-at);
        }
        // The ends of the years 0 and 9999, and what no year of the calendar holds.
        for at in [-62_167_219_200_000, -62_167_219_200_001, 253_402_207_200_999, i64::MAX, i64::MIN] {
            check(at);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_moment_is_what_the_library_prints(millis in -70_000_000_000_000..260_000_000_000_000_i64) {
            check(millis);
        }
    }
}
