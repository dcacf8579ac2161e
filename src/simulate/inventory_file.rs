//! Writes an inventory with other addresses: the simulated fleet for programs that do not know it.
//!
//! Every device stands there by itself, with all that it inherited; groups, sites and `[run]` are the inventory's own.

use std::fmt::Write as _;

use super::SimulatedFleet;
use crate::inventory::Fleet;
use crate::model::{Device, ParamValue, TimingOverrides, amperes};

/// The inventory as TOML; a device's secret is left out, with a remark.
pub fn inventory_file(fleet: &Fleet, simulated: &SimulatedFleet) -> String {
    let mut text =
        String::from("# A simulated fleet on loopback: it answers as long as `fleetctl simulate` runs.\n\n[fleet]\n");
    line(&mut text, "name", &quoted(&fleet.name));
    text.push_str("\n[run]\n");
    if let Some(concurrency) = fleet.run.concurrency {
        line(&mut text, "concurrency", &concurrency.to_string());
    }
    timing(&mut text, &fleet.run.timing);
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
        describe(&mut text, device, simulated);
        timing(&mut text, &member.timing);
        if let Some((draw, circuit)) = fleet.circuit(member) {
            line(&mut text, "circuit", &quoted(&circuit.name));
            line(&mut text, "inrush_a", &amperes(draw.milliamps));
            line(&mut text, "settle", &quoted(&humantime::format_duration(draw.settle).to_string()));
        }
    }
    text
}

fn describe(text: &mut String, device: &Device, simulated: &SimulatedFleet) {
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
            ParamValue::Secret(_) => {
                _ = writeln!(text, "# its {name} is secret and was left out");
                continue;
            }
        });
    }
    if !params.is_empty() {
        line(text, "params", &format!("{{ {} }}", params.join(", ")));
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
