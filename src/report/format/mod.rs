//! The formats of a report, a file each, and how they are named on the command line.

mod by_reply;
mod by_value;
mod csv;
mod grid;
mod html;
mod json;
mod junit;
mod nagios;
mod ndjson;
mod prometheus;
mod style;
mod summary;
mod table;

pub use self::csv::Csv;
pub(super) use grid::{grid, trimmed};
pub use html::Html;
pub(super) use html::text as html_text;
pub use json::Json;
pub use junit::Junit;
pub use nagios::{Nagios, NagiosState, Thresholds};
pub use ndjson::Ndjson;
pub use prometheus::{PerDevice, Prometheus, RunMetrics, metric_label};
pub use style::Style;
pub(super) use summary::{span, summary_line, words};
pub use table::{By, Table, TableOptions};
pub(super) use table::{folded, names_fact};

use std::str::FromStr;

use super::{Reporter, Sink};
use crate::diagnostic::nearest;
use crate::model::Share;

/// A format by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One document for machines.
    Json,
    /// One line per event, as it happens.
    Ndjson,
    /// For CI.
    Junit,
    /// For `node_exporter`'s textfile collector.
    Prometheus,
    /// For Nagios and Icinga.
    Nagios,
    /// A page to send.
    Html,
    /// For spreadsheets.
    Csv,
}

/// A name that no format has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no format; {help}")]
pub struct UnknownFormat {
    found: String,
    help: String,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] =
        [Self::Table, Self::Json, Self::Ndjson, Self::Junit, Self::Prometheus, Self::Nagios, Self::Html, Self::Csv];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Junit => "junit",
            Self::Prometheus => "prometheus",
            Self::Nagios => "nagios",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let help = match nearest(text, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", names.join(", ")),
            };
            UnknownFormat { found: crate::model::escape::printable(text), help }
        })
    }
}

/// What reporters are told besides the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportOptions {
    /// How tables are shown.
    pub table: TableOptions,
    /// The share of successes that makes the run one.
    pub ok_if: Share,
    /// What Nagios warns of.
    pub thresholds: Thresholds,
    /// Whether each device has metrics of its own.
    pub per_device: PerDevice,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            table: TableOptions::default(),
            ok_if: Share::ALL,
            thresholds: Thresholds::default(),
            per_device: PerDevice::default(),
        }
    }
}

/// The reporter of a format that writes to `sink`.
pub fn reporter(format: Format, sink: Sink, options: ReportOptions) -> Box<dyn Reporter> {
    match format {
        Format::Table => Box::new(Table::new(sink, options.table)),
        Format::Json => Box::new(Json::new(sink)),
        Format::Ndjson => Box::new(Ndjson::new(sink)),
        Format::Junit => Box::new(Junit::new(sink)),
        Format::Prometheus => Box::new(Prometheus::new(sink, options.per_device, options.ok_if)),
        Format::Nagios => Box::new(Nagios::new(sink, options.thresholds)),
        Format::Html => Box::new(Html::new(sink)),
        Format::Csv => Box::new(Csv::new(sink)),
    }
}
