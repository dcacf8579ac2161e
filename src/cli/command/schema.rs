//! `fleetctl schema NAME`.

use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, print};
use crate::diagnostic::nearest;
use crate::report::{SCHEMA_NAMES, schema};

pub(in crate::cli) fn run(name: &str, terminal: &Terminal) -> ExitStatus {
    let Some(document) = schema(name) else {
        let help = match nearest(name, SCHEMA_NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", SCHEMA_NAMES.join(", ")),
        };
        return terminal.mistake(format!("there is no schema `{name}`"), Some(&help));
    };
    match serde_json::to_string_pretty(&document) {
        Ok(text) => print(&format!("{text}\n")),
        Err(error) => terminal.mistake(format!("the schema cannot be written: {error}"), None),
    }
}
