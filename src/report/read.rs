//! A saved JSON report read back: here for `--failed-from`, whole in `replay.rs`.
//!
//! Reads only what is needed and ignores fields it does not know: they are only ever added.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::document::REPORT_SCHEMA;

/// Whom an earlier report names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFrom {
    /// The devices that are not a success, in the report's order.
    pub names: Vec<String>,
    /// How many devices the report has.
    pub total: usize,
}

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no JSON, or not the JSON of a report.
    #[error("`{}` is no fleetctl report: {problem}", path.display())]
    NotAReport {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place where there is one.
        problem: String,
    },
}

/// What any document of ours begins with.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    devices: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    status: String,
}

/// Reads what `T` wants of a report.
///
/// # Errors
/// When the file cannot be read or is no report of a version that this fleetctl knows.
pub(super) fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let text = fs::read(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    parse(&text).map_err(|problem| ReadError::NotAReport { path: path.to_owned(), problem })
}

/// What `T` wants of the text of a report, or what is wrong with it.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let wrong = |error: serde_json::Error| crate::model::escape::printable(&error.to_string());
    // The schema first: of another document nothing else would be said well.
    let head: Head = serde_json::from_slice(text).map_err(wrong)?;
    match head.schema {
        Some(schema) if schema == REPORT_SCHEMA => {}
        Some(schema) => {
            let found = crate::model::escape::printable(&schema);
            return Err(format!("its `schema` is `{found}`, not `{REPORT_SCHEMA}`"));
        }
        None => return Err("it has no `schema`".to_owned()),
    }
    serde_json::from_slice(text).map_err(wrong)
}

/// Reads the devices of a report that are not a success.
///
/// # Errors
/// When the file cannot be read or is no report of a version that this fleetctl knows.
pub fn read_failed(path: &Path) -> Result<FailedFrom, ReadError> {
    failed(load(path)?).map_err(|problem| ReadError::NotAReport { path: path.to_owned(), problem })
}

/// The same of a report's text.
///
/// # Errors
/// In words, when it is no report of a version that this fleetctl knows.
pub fn failed_in(text: &[u8]) -> Result<FailedFrom, String> {
    failed(parse(text)?)
}

fn failed(document: Document) -> Result<FailedFrom, String> {
    let devices = document.devices.ok_or_else(|| "it has no `devices`".to_owned())?;
    let total = devices.len();
    let failed = devices.into_iter().filter(|entry| !matches!(entry.status.as_str(), "ok" | "sent"));
    Ok(FailedFrom { names: failed.map(|entry| entry.name).collect(), total })
}

#[cfg(test)]
mod tests {
    use super::super::{Json, Sink, test_run};
    use super::*;

    fn read(text: &str) -> Result<FailedFrom, ReadError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        std::fs::write(&path, text).unwrap();
        read_failed(&path)
    }

    #[test]
    fn our_own_report_is_read_back() {
        let text = test_run::render(|sink: Sink| Box::new(Json::new(sink)), test_run::events());
        let failed = read(&text).unwrap();
        assert_eq!(failed.total, 9);
        assert_eq!(failed.names, ["tv-003", "wall-1", "wall-2", "tv-006", "tv-007", "pump", "tv-009"]);
    }

    #[test]
    fn unknown_fields_are_ignored_and_other_files_say_what_they_are() {
        let newer = r#"{"schema":"fleetctl.report/1","new":[1],"devices":[{"name":"a","status":"held","x":{}}]}"#;
        assert_eq!(read(newer).unwrap().names, ["a"]);
        for (text, problem) in [
            ("[fleet]", "expected ident at line 1 column 3"),
            (
                r#"{"schema":"fleetctl.plan/1","devices":[]}"#,
                "its `schema` is `fleetctl.plan/1`, not `fleetctl.report/1`",
            ),
            ("{}", "it has no `schema`"),
            (r#"{"schema":"fleetctl.report/1"}"#, "it has no `devices`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        assert!(matches!(read_failed(Path::new("/no/such.json")), Err(ReadError::Io { .. })));
    }
}
