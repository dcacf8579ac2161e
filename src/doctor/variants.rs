//! The other ways of asking, where a run's own is not answered: other units, other parameters, other line ends.

use std::time::Duration;

use tokio::time::Instant;

use super::query::Query;
use super::seen::{Question, Terminator};
use super::steps::{Examination, Inquiry, PATIENCE};
use crate::model::Payload;
use crate::transport::Connect;

/// How long another unit is waited for: those that answer do so in less than 200 ms.
const UNIT: Duration = Duration::from_millis(700);

/// How long an answer to another line end is waited for.
const ENDING: Duration = Duration::from_millis(1500);

/// The units that are asked beside the device's own.
const UNITS: std::ops::RangeInclusive<i64> = 1..=10;

/// How many units are asked that only replies have named.
const NAMED_UNITS: usize = 4;

impl<C: Connect> Examination<'_, C> {
    /// Asks other units, each by itself; whether one answered.
    pub(super) async fn ask_units(&mut self, query: &Query) -> bool {
        for unit in UNITS {
            self.ask_unit(query, unit).await;
        }
        if self.patient.active
            && let Some(payload) = query.of_everyone()
        {
            let everyone = Inquiry {
                question: Question::Everyone,
                payload: &payload,
                request: &query.request,
                half_close: self.patient.link.half_close,
                patience: ENDING,
            };
            self.ask(&everyone, query).await;
        }
        // Units that replies have named but nobody has asked: a late answer, or one to everybody.
        let mut named: Vec<i64> = self.seen.asked.iter().flat_map(|asked| asked.heard.units.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        for unit in named.into_iter().filter(|unit| !UNITS.contains(unit)).take(NAMED_UNITS) {
            self.ask_unit(query, unit).await;
        }
        !self.seen.other_units().is_empty()
    }

    async fn ask_unit(&mut self, query: &Query, unit: i64) {
        if let Some(request) = query.of_unit(unit)
            && self.goes_on()
        {
            let payload = request.payload().clone();
            let inquiry = Inquiry {
                question: Question::Unit(unit),
                payload: &payload,
                request: &request,
                half_close: self.patient.link.half_close,
                patience: UNIT,
            };
            self.ask(&inquiry, query).await;
        }
    }

    /// Asks with other line ends. What an unanswered one leaves in the device is ended before the next, so that it is
    /// not added to it.
    pub(super) async fn ask_endings(&mut self, query: &Query) {
        let clear = Payload::plain(Terminator::CrLf.bytes());
        for terminator in Terminator::ALL {
            let Some(payload) = query.ending_in(terminator) else { continue };
            self.clear(&clear).await;
            let question = Question::Ending(terminator);
            let half_close = self.patient.link.half_close;
            let inquiry =
                Inquiry { question, payload: &payload, request: &query.request, half_close, patience: ENDING };
            if self.ask(&inquiry, query).await || !self.goes_on() {
                break;
            }
        }
        if let Some(own) = query.own_terminator() {
            self.clear(&Payload::plain(own.bytes())).await;
        }
    }

    /// Ends whatever line the device still holds, and drops what it says to that.
    async fn clear(&mut self, end: &Payload) {
        let until = (Instant::now() + self.patient.link.quiet.max(self.patient.link.gap)).min(self.deadline);
        if let Some(line) = self.line.as_mut().filter(|line| line.is_open()) {
            line.write(end, until).await;
            line.hear(until, |_| false).await;
        }
    }

    /// Asks as devices with other parameters are asked; whether one such question was answered.
    pub(super) async fn ask_dialects(&mut self, query: &Query) -> bool {
        for (place, dialect) in query.dialects.iter().enumerate() {
            let other = &dialect.query;
            let inquiry = Inquiry {
                question: Question::Dialect(place),
                payload: other.request.payload(),
                request: &other.request,
                half_close: self.patient.link.half_close,
                patience: self.patient.reply_timeout.min(PATIENCE),
            };
            self.ask(&inquiry, other).await;
            if self.seen.dialect().is_some() {
                return true;
            }
            if !self.goes_on() {
                break;
            }
        }
        false
    }
}

/// How a question differs from a run's, in words that follow it.
pub(super) fn variant(question: Question, query: Option<&Query>) -> String {
    match question {
        Question::Own => String::new(),
        Question::Unit(unit) => format!(" of unit {unit}"),
        Question::Everyone => " of every unit".to_owned(),
        Question::Ending(Terminator::Nothing) => " without a line end".to_owned(),
        Question::Ending(_) => " with another line end".to_owned(),
        Question::HalfClosed(true) => ", and close our side behind it".to_owned(),
        Question::HalfClosed(false) => ", and keep our side open".to_owned(),
        Question::Dialect(place) => query
            .and_then(|query| query.dialects.get(place))
            .map_or_else(String::new, |dialect| format!(", as with `{}`", dialect.setting())),
    }
}
