//! A night as its user would write it: the inventory file, and what stands on the command line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use fleetctl::model::{Command, Portion, Rate, Share, TimingOverrides};
use fleetctl::run::{Pacing, RunRequest, Selecting, Until};

use crate::night::{Family, Millis, Night, Over, Task};
use crate::world::printer_word;

/// The inventory's text.
pub(crate) fn inventory(night: &Night) -> String {
    let mut text = "[fleet]\nname = \"oracle\"\n".to_owned();
    for (place, most) in night.limits.sites.iter().enumerate() {
        _ = writeln!(text, "[sites.s{place}]\nmax_concurrency = {most}");
    }
    if let Some(most) = night.limits.circuit {
        _ = writeln!(text, "[circuits.c]\nmax_inrush_a = {most}.0");
    }
    for &place in &night.order {
        let (gateway, device) = night.device(place);
        let kind = match gateway.family {
            Family::Display => "lg-rs232",
            Family::Devantech => gateway.board.device_type(),
            Family::Ncd => "ncd-proxr",
            Family::Printer => "esc-cr",
            Family::Hub => "smart-home-hub",
        };
        let (name, address, unit) = (&device.name, gateway.address(), device.unit);
        _ = writeln!(text, "[[device]]\nname = \"{name}\"\ntype = \"{kind}\"\naddress = \"{address}\"");
        _ = match gateway.family {
            Family::Display => writeln!(text, "params = {{ set_id = {unit} }}"),
            Family::Printer | Family::Hub => Ok(()),
            Family::Devantech | Family::Ncd => {
                let password = gateway.password.as_ref().map(|(word, _)| match night.over {
                    // Whoever simulates a fleet copies no password that stands in its inventory.
                    Over::Simulation => format!(", password = {{ file = \"{}\" }}", password_file(place.0)),
                    _ => format!(", password = \"{word}\""),
                });
                let inverted = device.inverted;
                let password = password.unwrap_or_default();
                writeln!(text, "params = {{ relay = {unit}, inverted = {inverted}{password} }}")
            }
        };
        if device.selected {
            text.push_str("tags = [\"wanted\"]\n");
        }
        if let Some(site) = gateway.site {
            _ = writeln!(text, "site = \"s{site}\"");
        }
        if let (Some((ampere, settle)), true) = (device.inrush, night.limits.circuit.is_some()) {
            _ = writeln!(text, "circuit = \"c\"\ninrush_a = {ampere}.0\nsettle = \"{settle}ms\"");
        }
    }
    text
}

/// Where the password of a gateway is kept in a night over a simulation.
pub(crate) fn password_file(gateway: usize) -> String {
    format!("password-{gateway}")
}

/// The command line; `save` is where files go that are fetched.
pub(crate) fn request(night: &Night, save: Option<String>) -> RunRequest {
    let limits = &night.limits;
    let action = |name: &str, key: &str, value: String| Command::Action {
        name: name.to_owned(),
        args: if key.is_empty() { BTreeMap::default() } else { [(key.to_owned(), value)].into() },
    };
    let plain = |name: &str| action(name, "", String::new());
    let (command, idempotent) = match night.task {
        Task::PowerOn => (plain("power-on"), false),
        Task::PowerOff => (plain("power-off"), false),
        Task::Status => (plain("power-status"), false),
        Task::Volume(level) => (action("volume", "level", level.to_string()), false),
        Task::RawPowerOn => (Command::raw("ka {set_id} 01"), false),
        Task::Key => (Command::raw("mc {set_id} 02"), false),
        Task::Broadcast => (Command::raw("ka 00 01"), false),
        Task::Pulse(tenths) => (action("relay-pulse", "ms", (u32::from(tenths) * 100).to_string()), false),
        Task::Text { idempotent } => (Command::raw(printer_word()), idempotent),
        Task::Fetch => (plain("fetch-database"), false),
    };
    let is_for_all = night.order.iter().all(|&place| night.device(place).1.selected);
    RunRequest {
        inventory: "fleet.toml".into(),
        types: Vec::new(),
        selecting: Selecting { select: (!is_for_all).then(|| "tag:wanted".to_owned()), ..Selecting::default() },
        command,
        schedule: None,
        verify: night.verify,
        if_needed: night.if_needed,
        save,
        idempotent,
        flags: TimingOverrides {
            reply_timeout: limits.reply_timeout.map(span),
            device_deadline: limits.device_deadline.map(span),
            retries: limits.retries,
            ..TimingOverrides::default()
        },
        concurrency: Some(limits.concurrency),
        deadline: limits.deadline.map(span),
        grace: span(limits.grace),
        pacing: Pacing {
            rate: limits.rate.map(|every| Rate::every(span(every))),
            batch: limits.batch.and_then(|(size, _)| size.to_string().parse::<Portion>().ok()),
            pause: limits.batch.map_or(Duration::ZERO, |(_, pause)| span(pause)),
            max_failures: limits.max_failures.and_then(|most| most.to_string().parse::<Portion>().ok()),
            until: limits.until.map(|after| Until::After(span(after))),
        },
        ok_if: Share::ALL,
        simulate: None,
        history: None,
        rerun_of: None,
        wait_lock: None,
    }
}

fn span(millis: Millis) -> Duration {
    Duration::from_millis(millis)
}
