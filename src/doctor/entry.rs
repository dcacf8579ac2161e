//! A device for the inventory, made of what the examination has found to work.

use std::fmt::Write as _;

use super::seen::{Asked, Seen};
use crate::model::{Device, Host, ParamValue, Params};

/// The `[[device]]` entries that work: the device as it was asked, or each unit that answered in its stead. `None` when
/// none did. What is secret is left out, with a remark.
pub fn entry(device: &Device, unit_param: Option<&str>, seen: &Seen) -> Option<String> {
    if seen.own_answer().is_some_and(Asked::is_understood) {
        return Some(written(&device.name, device, &device.params));
    }
    let name = unit_param?;
    let units = seen.other_units();
    let entries: Vec<String> = units
        .iter()
        .map(|unit| {
            let params = device.params.overridden_by([(name.into(), ParamValue::Int(*unit))]);
            let name = if units.len() == 1 { device.name.to_string() } else { format!("{}-{unit}", device.name) };
            written(&name, device, &params)
        })
        .collect();
    (!entries.is_empty()).then(|| entries.join("\n"))
}

/// What a device is called that has no name yet: its host.
pub fn name_of(host: &Host) -> String {
    host.to_string().trim_matches(['[', ']']).to_owned()
}

fn written(name: &str, device: &Device, params: &Params) -> String {
    let mut text = String::from("[[device]]\n");
    let mut line = |key: &str, value: String| _ = writeln!(text, "{key} = {value}");
    line("name", quoted(name));
    line("address", quoted(&device.address.to_string()));
    line("type", quoted(&device.device_type));
    let mut written = Vec::new();
    let mut secrets = Vec::new();
    for (key, value) in params.iter() {
        match value {
            ParamValue::Int(_) | ParamValue::Bool(_) => written.push(format!("{key} = {value}")),
            ParamValue::Secret(_) => secrets.push(key),
            ParamValue::Text(_) | ParamValue::Bytes(_) | ParamValue::Choice(_) => {
                written.push(format!("{key} = {}", quoted(&value.to_string())));
            }
        }
    }
    if !written.is_empty() {
        line("params", format!("{{ {} }}", written.join(", ")));
    }
    for secret in secrets {
        _ = writeln!(text, "# its {secret} is secret and was left out");
    }
    text
}

/// A TOML basic string: JSON's escapes are TOML's.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
