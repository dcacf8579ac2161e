//! JSON Schemas of what fleetctl writes and reads: `fleetctl schema NAME`.
//!
//! Those of documents are derived from the types that write them, so they cannot differ from what is written.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::document::{Line, Report};
use super::dry_run::PlanDocument;
use super::listing::{DevicesDocument, TypesDocument};

/// The names that `schema` knows.
pub const SCHEMA_NAMES: [&str; 5] = ["report", "event", "plan", "devices", "types"];

/// The schema of a name; `None` for a name that is not one of [`SCHEMA_NAMES`].
pub fn schema(name: &str) -> Option<serde_json::Value> {
    Some(match name {
        "report" => written::<Report<'static, ()>>(),
        "event" => written::<Line<'static>>(),
        "plan" => written::<PlanDocument<()>>(),
        "devices" => written::<DevicesDocument<()>>(),
        "types" => written::<TypesDocument<'static>>(),
        _ => return None,
    })
}

/// The schema of a document that fleetctl writes.
fn written<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
