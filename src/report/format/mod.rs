//! The formats of a report, a file each, and how they are named on the command line.

mod by_value;
mod csv;
mod grid;
mod json;
mod ndjson;
mod style;
mod summary;
mod table;

pub use self::csv::Csv;
pub(super) use grid::{grid, trimmed};
pub use json::Json;
pub use ndjson::Ndjson;
pub use style::Style;
pub use table::{Table, TableOptions};

use std::str::FromStr;

use super::{Reporter, Sink};
use crate::diagnostic::nearest;

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
    pub const ALL: [Self; 4] = [Self::Table, Self::Json, Self::Ndjson, Self::Csv];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
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

/// The reporter of a format that writes to `sink`.
pub fn reporter(format: Format, sink: Sink, options: TableOptions) -> Box<dyn Reporter> {
    match format {
        Format::Table => Box::new(Table::new(sink, options)),
        Format::Json => Box::new(Json::new(sink)),
        Format::Ndjson => Box::new(Ndjson::new(sink)),
        Format::Csv => Box::new(Csv::new(sink)),
    }
}
