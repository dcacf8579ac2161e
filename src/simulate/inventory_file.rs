//! Writes an inventory with other addresses: the simulated fleet for programs that do not know it.
//!
//! Every device stands there by itself, with all that it inherited; groups, sites, `[run]` and schedules are the
//! inventory's own. Nothing in it reaches out of the simulation: nobody is notified, no report or file of the real fleet
//! is overwritten.

mod schedule;

use std::fmt::Write as _;
use std::path::Path;

use super::SimulatedFleet;
use crate::codec::TelnetMode;
use crate::inventory::{Fleet, Member};
use crate::model::{Device, KeptIn, ParamValue, Secret, TimingOverrides, amperes};

/// The devices as they are simulated for this file: a secret that stands in the inventory itself is written nowhere else,
/// and so nobody is asked for it.
pub fn without_plain_secrets(devices: &[Device]) -> Vec<Device> {
    let is_plain = |value: &ParamValue| matches!(value, ParamValue::Secret(secret) if secret.place().is_none());
    let mut devices = devices.to_vec();
    for device in &mut devices {
        if device.params.iter().any(|(_, value)| is_plain(value)) {
            let kept = device.params.iter().filter(|(_, value)| !is_plain(value));
            device.params = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
    }
    devices
}

/// The inventory as TOML; `folder` is that of the inventory, where relative paths in it start. A secret that stands in
/// the inventory is left out, with a remark; of any other it says where it is kept.
pub fn inventory_file(fleet: &Fleet, folder: &Path, simulated: &SimulatedFleet) -> String {
    let mut text =
        String::from("# A simulated fleet on loopback: it answers as long as `fleetctl simulate` runs.\n\n[fleet]\n");
    line(&mut text, "name", &quoted(&fleet.name));
    text.push_str("\n[run]\n");
    if let Some(concurrency) = fleet.run.concurrency {
        line(&mut text, "concurrency", &concurrency.to_string());
    }
    if let Some(above) = fleet.run.confirm_above {
        line(&mut text, "confirm_above", &above.to_string());
    }
    if let Some(runs) = fleet.run.probe_after {
        line(&mut text, "probe_after", &runs.to_string());
    }
    timing(&mut text, &fleet.run.timing);
    if let Some(keep) = fleet.keep_history {
        _ = write!(text, "\n[history]\n");
        line(&mut text, "keep", &quoted(&format!("{}s", keep.as_secs().max(1))));
    }
    for site in &fleet.sites {
        _ = write!(text, "\n[sites.{}]\n", quoted(&site.name));
        if let Some(zone) = site.timezone.as_ref().and_then(|zone| zone.iana_name()) {
            line(&mut text, "timezone", &quoted(zone));
        }
        if let Some(lanes) = site.max_concurrency {
            line(&mut text, "max_concurrency", &lanes.to_string());
        }
    }
    for circuit in &fleet.circuits {
        _ = write!(text, "\n[circuits.{}]\n", quoted(&circuit.name));
        line(&mut text, "max_inrush_a", &amperes(circuit.max_milliamps));
    }
    text.push_str("\n[groups]\n");
    for (name, selector) in fleet.groups() {
        line(&mut text, &quoted(name), &quoted(selector));
    }
    for (device, member) in fleet.devices.iter().zip(&fleet.members) {
        text.push_str("\n[[device]]\n");
        describe(&mut text, device, folder, simulated);
        timing(&mut text, &member.timing);
        link(&mut text, device, member);
        if let Some((draw, circuit)) = fleet.circuit(member) {
            line(&mut text, "circuit", &quoted(&circuit.name));
            line(&mut text, "inrush_a", &amperes(draw.milliamps));
            line(&mut text, "settle", &quoted(&humantime::format_duration(draw.settle).to_string()));
        }
    }
    for entry in &fleet.schedules {
        schedule::write(&mut text, entry, fleet);
    }
    text
}

fn describe(text: &mut String, device: &Device, folder: &Path, simulated: &SimulatedFleet) {
    line(text, "name", &quoted(&device.name));
    if let Some(address) = simulated.address_of(&device.address) {
        line(text, "address", &quoted(&address.to_string()));
    }
    line(text, "type", &quoted(&device.device_type));
    if let Some(site) = &device.site {
        line(text, "site", &quoted(site));
    }
    if !device.tags.is_empty() {
        let tags: Vec<String> = device.tags.iter().map(|tag| quoted(tag)).collect();
        line(text, "tags", &format!("[{}]", tags.join(", ")));
    }
    let mut params = Vec::new();
    for (name, value) in device.params.iter() {
        params.push(match value {
            ParamValue::Int(_) | ParamValue::Bool(_) => format!("{name} = {value}"),
            ParamValue::Text(_) | ParamValue::Bytes(_) | ParamValue::Choice(_) => {
                format!("{name} = {}", quoted(&value.to_string()))
            }
            ParamValue::Secret(secret) => match place(secret, folder) {
                Some(place) => format!("{name} = {place}"),
                None => {
                    _ = writeln!(
                        text,
                        "# its {name} stood in the inventory and was left out: simulated, it asks for none"
                    );
                    continue;
                }
            },
        });
    }
    if !params.is_empty() {
        line(text, "params", &format!("{{ {} }}", params.join(", ")));
    }
}

/// Where a secret is kept, as it is written; `None` when it stood in the inventory.
fn place(secret: &Secret, folder: &Path) -> Option<String> {
    Some(match secret.place()? {
        KeptIn::Variable(name) => format!("{{ env = {} }}", quoted(name)),
        KeptIn::File(path) => format!("{{ file = {} }}", quoted(&folder.join(&**path).to_string_lossy())),
    })
}

/// What a device says of its connection. Simulated gateways are raw, whatever the real ones speak.
fn link(text: &mut String, device: &Device, member: &Member) {
    let own = member.link;
    let mut keys = Vec::new();
    for (key, span) in [("gap", own.gap), ("quiet", own.quiet), ("busy_delay", own.busy_delay)] {
        if let Some(span) = span {
            keys.push(format!("{key} = {}", quoted(&humantime::format_duration(span).to_string())));
        }
    }
    for (key, switch) in [("reuse", own.reuse), ("half_close", own.half_close)] {
        if let Some(switch) = switch {
            keys.push(format!("{key} = {switch}"));
        }
    }
    let speaks = member.device_type.effective(&device.params).link.telnet_under(own.telnet);
    match (speaks, own.telnet) {
        (TelnetMode::Always | TelnetMode::Line(_), _) | (_, Some(TelnetMode::Never)) => {
            keys.push("telnet = \"never\"".to_owned());
        }
        (_, Some(TelnetMode::Auto)) => keys.push("telnet = \"auto\"".to_owned()),
        (_, None | Some(TelnetMode::Always | TelnetMode::Line(_))) => {}
    }
    if !keys.is_empty() {
        line(text, "link", &format!("{{ {} }}", keys.join(", ")));
    }
}

fn timing(text: &mut String, timing: &TimingOverrides) {
    let spans = [
        ("connect_timeout", timing.connect_timeout),
        ("reply_timeout", timing.reply_timeout),
        ("device_deadline", timing.device_deadline),
    ];
    for (key, span) in spans {
        if let Some(span) = span {
            line(text, key, &quoted(&humantime::format_duration(span).to_string()));
        }
    }
    if let Some(retries) = timing.retries {
        line(text, "retries", &retries.to_string());
    }
    let mut backoff = Vec::new();
    for (key, span) in [("initial", timing.backoff_initial), ("max", timing.backoff_max)] {
        if let Some(span) = span {
            backoff.push(format!("{key} = {}", quoted(&humantime::format_duration(span).to_string())));
        }
    }
    if let Some(jitter) = timing.backoff_jitter {
        backoff.push(format!("jitter = {jitter}"));
    }
    if !backoff.is_empty() {
        line(text, "retry_backoff", &format!("{{ {} }}", backoff.join(", ")));
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    _ = writeln!(text, "{key} = {value}");
}

/// A TOML basic string. JSON's escapes are TOML's, and what is written in it stays literal: brackets of a name that is
/// no range cannot occur, since a name with brackets has been expanded.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
