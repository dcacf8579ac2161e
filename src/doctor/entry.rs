//! A device for the inventory, made of what the examination has found to work.

use std::fmt::Write as _;

use super::seen::{Asked, Seen};
use super::steps::Patient;
use crate::codec::{Parity, TelnetMode};
use crate::model::{Device, Host, ParamValue, Params};

/// The `[[device]]` entries that work: the device as it was asked, or each unit that answered in its stead. `None` when
/// none did. `said` is what its `link` says of Telnet: it stays, unless it was
/// found to be wrong. What is secret is left out, with a remark.
pub fn entry(device: &Device, said: Option<TelnetMode>, patient: &Patient, seen: &Seen) -> Option<String> {
    let is_wrong = seen.speaks_telnet() && patient.link.telnet == TelnetMode::Never;
    let link = if is_wrong { Some(TelnetMode::Always) } else { said }.map(link);
    let written = |name: &str, params: &Params| written(name, device, params, link.as_deref());
    if seen.own_answer().is_some_and(Asked::is_understood) {
        return Some(written(&device.name, &device.params));
    }
    let name = patient.query.as_ref()?.request.device_type().unit_param.as_ref()?;
    let units = seen.other_units();
    let entries: Vec<String> = units
        .iter()
        .map(|unit| {
            let params = device.params.overridden_by([(name.clone(), ParamValue::Int(*unit))]);
            let name = if units.len() == 1 { device.name.to_string() } else { format!("{}-{unit}", device.name) };
            written(&name, &params)
        })
        .collect();
    (!entries.is_empty()).then(|| entries.join("\n"))
}

/// What a device is called that has no name yet: its host.
pub fn name_of(host: &Host) -> String {
    host.to_string().trim_matches(['[', ']']).to_owned()
}

fn written(name: &str, device: &Device, params: &Params, link: Option<&str>) -> String {
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
    if let Some(link) = link {
        line("link", format!("{{ {link} }}"));
    }
    for secret in secrets {
        _ = writeln!(text, "# its {secret} is secret and was left out");
    }
    text
}

/// The Telnet layer as `link` says it.
fn link(mode: TelnetMode) -> String {
    let word = match mode {
        TelnetMode::Never => "never",
        TelnetMode::Auto => "auto",
        TelnetMode::Always => "always",
        TelnetMode::Line(line) => {
            let parity =
                Parity::WORDS.iter().find(|(_, parity)| *parity == line.parity).map_or("none", |(word, _)| word);
            return format!(
                "serial = {{ baud = {}, data_bits = {}, parity = \"{parity}\", stop_bits = {} }}",
                line.baud, line.data_bits, line.stop_bits
            );
        }
    };
    format!("telnet = \"{word}\"")
}

/// A TOML basic string: JSON's escapes are TOML's.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
