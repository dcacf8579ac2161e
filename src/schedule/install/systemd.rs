//! A service and a timer of systemd for one entry (systemd.service(5), systemd.timer(5), systemd.exec(5)).

use std::fmt::Write as _;

use super::on_calendar::on_calendar;
use super::{InstallError, Installed, Installing, Unit, text};
use crate::inventory::Missed;
use crate::model::Command;
use crate::schedule::Entry;

/// The longest name of a file, with room for an ending.
const LONGEST_NAME: usize = 240;

/// The units of an entry.
///
/// # Errors
/// When a name or a path cannot be written into one.
pub fn systemd(entry: &Entry, installing: &Installing) -> Result<Installed, InstallError> {
    let schedule = &entry.schedule;
    let stem = format!("fleetctl-{}", escaped(&schedule.name));
    if stem.len() > LONGEST_NAME {
        return Err(InstallError::NameTooLong { name: schedule.name.to_string() });
    }
    let units = vec![
        Unit { name: format!("{stem}.service"), bytes: service(entry, installing)?.into_bytes() },
        Unit { name: format!("{stem}.timer"), bytes: timer(entry).into_bytes() },
    ];
    let mut remarks = Vec::new();
    if !schedule.except.is_empty() {
        remarks.push("the timer starts the service on dates of `except` too, which then does nothing".to_owned());
    }
    Ok(Installed { units, remarks })
}

fn service(entry: &Entry, installing: &Installing) -> Result<String, InstallError> {
    let name = entry.name();
    let mut command = vec![text(&installing.program)?];
    command.extend(installing.arguments(name)?);
    let command: Vec<String> = command.iter().map(|word| quoted(word).replace('$', "$$")).collect();
    let mut unit = String::new();
    let folder = text(installing.inventory.parent().unwrap_or(&installing.inventory))?;
    _ = write!(
        unit,
        "# Written by `fleetctl schedule install`; what is changed here is lost with the next one: use\n\
         # `systemctl edit` instead, for passwords such as `Environment=RELAY_PASSWORD=…` too.\n\
         [Unit]\n\
         Description={}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         # It ends with the run; one that fails leaves the service failed, for `systemctl --failed` to show.\n\
         Type=oneshot\n\
         ExecStart={}\n\
         WorkingDirectory={}\n\
         # A run that is stopped ends what is in flight and writes its reports.\n\
         TimeoutStopSec=60s\n",
        description(entry),
        command.join(" "),
        specifiers(&folder),
    );
    let state = quoted(&format!("XDG_STATE_HOME={}", text(&installing.state_home)?));
    _ = writeln!(
        unit,
        "# Whom the inventory belongs to, and where their runs by hand look for earlier ones.\nUser={}\nEnvironment={state}",
        installing.user
    );
    for folder in &installing.writes_to {
        _ = writeln!(unit, "ReadWritePaths={}", quoted(&text(folder)?));
    }
    unit.push_str(HARDENING);
    Ok(unit)
}

/// A client of the network that starts nothing needs little.
const HARDENING: &str = "\
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
";

fn timer(entry: &Entry) -> String {
    let schedule = &entry.schedule;
    let mut unit = format!(
        "# Written by `fleetctl schedule install` for `cron = \"{}\"`.\n[Unit]\nDescription={}\n\n[Timer]\n",
        schedule.cron.as_str(),
        description(entry)
    );
    for line in on_calendar(&schedule.cron, entry.zone_name()) {
        _ = writeln!(unit, "OnCalendar={line}");
    }
    let catches_up = matches!(schedule.missed, Missed::RunWithin(_));
    let jitter = schedule.jitter.as_millis();
    _ = write!(
        unit,
        "# The run itself looks whether it comes too late.\n\
         Persistent={catches_up}\n\
         AccuracySec=1s\n\
         RandomizedDelaySec={jitter}ms\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n"
    );
    unit
}

fn description(entry: &Entry) -> String {
    let schedule = &entry.schedule;
    let what = match &schedule.command {
        Command::Raw { text, .. } => text.as_str(),
        Command::Action { name, .. } => name,
    };
    let whom = schedule.select.as_ref().map_or("every device", |select| &select.text);
    let words = format!("fleetctl {}: {what}, {whom}", schedule.name);
    let plain: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // A backslash at the end of a line would join it with the next.
    specifiers(plain.trim_end_matches('\\'))
}

/// A percent sign begins a specifier.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word among others; a command line has dollar signs to double besides.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' => quoted.push_str("%%"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A name as part of a unit's: what may not stand there as `\xNN`, as systemd-escape(1) writes it.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.') {
            escaped.push(char::from(byte));
        } else {
            _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
