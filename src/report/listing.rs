//! Lists of devices and of device types, for people and as JSON: `fleetctl.devices/1` and `fleetctl.types/1`.

use std::io::{self, Write};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::document::Shown;
use super::format::{TableOptions, grid, trimmed};
use super::json_layout::write_document;
use crate::model::escape::printable;
use crate::model::{Device, ParamValue, Params, escape};

/// One device type.
#[derive(Debug, Clone, serde::Serialize, JsonSchema)]
#[schemars(rename = "type")]
pub struct TypeRow {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Its default TCP port.
    pub port: Option<u16>,
    /// The names of its actions.
    pub actions: Vec<String>,
    /// `built-in`, or the path of its file.
    pub origin: String,
}

/// `fleetctl types list --format json`.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "types")]
pub(super) struct TypesDocument<'a> {
    #[schemars(schema_with = "types_schema_name")]
    schema: &'static str,
    types: &'a [TypeRow],
}

/// `fleetctl inventory list --format json`.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "devices", inline)]
pub(super) struct DevicesDocument<D> {
    #[schemars(schema_with = "devices_schema_name")]
    schema: &'static str,
    /// In inventory order.
    #[schemars(with = "Vec<ListedDevice<'static>>")]
    devices: D,
}

/// One device of the inventory.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "device")]
struct ListedDevice<'a> {
    name: &'a str,
    #[schemars(with = "String")]
    address: Shown<&'a crate::model::Address>,
    r#type: &'a str,
    site: Option<&'a str>,
    #[schemars(with = "Vec<String>")]
    tags: &'a [Arc<str>],
    #[schemars(schema_with = "params_schema")]
    params: ListedParams<'a>,
}

struct ListedParams<'a>(&'a Params);

impl Serialize for ListedParams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter() {
            match value {
                ParamValue::Int(value) => map.serialize_entry(&**name, value)?,
                ParamValue::Bool(value) => map.serialize_entry(&**name, value)?,
                ParamValue::Text(value) | ParamValue::Choice(value) => map.serialize_entry(&**name, &**value)?,
                ParamValue::Bytes(value) => map.serialize_entry(&**name, &escape::hex(value))?,
                ParamValue::Secret(_) => map.serialize_entry(&**name, &())?,
            }
        }
        map.end()
    }
}

struct ListedDevices<I>(I);

impl<'a, I: Iterator<Item = &'a Device> + Clone> Serialize for ListedDevices<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone().map(|device| ListedDevice {
            name: &device.name,
            address: Shown(&device.address),
            r#type: &device.device_type,
            site: device.site.as_deref(),
            tags: &device.tags,
            params: ListedParams(&device.params),
        }))
    }
}

/// Writes devices as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_devices_json<'a>(
    out: &mut impl Write,
    devices: impl IntoIterator<Item = &'a Device, IntoIter: Clone>,
) -> io::Result<()> {
    let devices = ListedDevices(devices.into_iter());
    write_document(out, &DevicesDocument { schema: "fleetctl.devices/1", devices })
}

/// Writes devices as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_devices_text<'a>(
    out: &mut impl Write,
    devices: impl IntoIterator<Item = &'a Device>,
    options: TableOptions,
) -> io::Result<()> {
    let mut table = grid(&["NAME", "ADDRESS", "TYPE", "SITE", "TAGS", "PARAMS"], options);
    for device in devices {
        let params: Vec<String> = device.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tags: Vec<&str> = device.tags.iter().map(|tag| &**tag).collect();
        table.add_row([
            printable(&device.name),
            device.address.to_string(),
            printable(&device.device_type),
            printable(device.site.as_deref().unwrap_or("")),
            printable(&tags.join(" ")),
            printable(&params.join(" ")),
        ]);
    }
    writeln!(out, "{}", trimmed(&table))
}

/// Writes device types as JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_types_json(out: &mut impl Write, types: &[TypeRow]) -> io::Result<()> {
    write_document(out, &TypesDocument { schema: "fleetctl.types/1", types })
}

/// Writes device types as a table.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_types_text(out: &mut impl Write, types: &[TypeRow], options: TableOptions) -> io::Result<()> {
    let mut table = grid(&["NAME", "PORT", "ORIGIN", "TITLE", "ACTIONS"], options);
    for one in types {
        table.add_row([
            printable(&one.name),
            one.port.map(|port| port.to_string()).unwrap_or_default(),
            printable(&one.origin),
            printable(&one.title),
            printable(&one.actions.join(" ")),
        ]);
    }
    writeln!(out, "{}", trimmed(&table))
}

fn types_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.types/1" })
}

fn devices_schema_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fleetctl.devices/1" })
}

fn params_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "Integers, switches and texts; bytes are in hex, a secret is null.",
        "additionalProperties": { "type": ["integer", "boolean", "string", "null"] },
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_run::device;
    use super::*;
    use crate::model::Secret;

    fn pump() -> Device {
        let params = [
            (Arc::from("relay"), ParamValue::Int(1)),
            (Arc::from("inverted"), ParamValue::Bool(true)),
            (Arc::from("password"), ParamValue::Secret(Secret::new("apple".to_owned()))),
            (Arc::from("mask"), ParamValue::Bytes([0xff, 1].as_slice().into())),
        ];
        Device { params: params.into_iter().collect(), site: None, ..device("pump", "relay.example:17494") }
    }

    #[test]
    fn devices_are_listed_without_their_secrets() {
        let mut out = Vec::new();
        write_devices_json(&mut out, &[pump()]).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{
  "schema": "fleetctl.devices/1",
  "devices": [
    {"name": "pump", "address": "relay.example:17494", "type": "lg-rs232", "site": null, "tags": ["lobby"], "params": {"relay": 1, "inverted": true, "password": null, "mask": "ff 01"}}
  ]
}
"#
        );
        let mut out = Vec::new();
        write_devices_text(&mut out, &[pump()], TableOptions::default()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("relay=1 inverted=true password=‹secret› mask=ff 01"), "{text}");
    }

    #[test]
    fn types_are_listed_with_their_origin() {
        let row = TypeRow {
            name: "hub".to_owned(),
            title: "A hub".to_owned(),
            port: None,
            actions: vec!["identify".to_owned()],
            origin: "built-in".to_owned(),
        };
        let mut out = Vec::new();
        write_types_json(&mut out, std::slice::from_ref(&row)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains(
                r#"{"name": "hub", "title": "A hub", "port": null, "actions": ["identify"], "origin": "built-in"}"#
            ),
            "{text}"
        );
        let mut out = Vec::new();
        write_types_text(&mut out, &[row], TableOptions::default()).unwrap();
        assert!(String::from_utf8(out).unwrap().starts_with("NAME"));
    }
}
