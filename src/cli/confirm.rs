//! Asks before a run that moves many devices: `[run] confirm_above`, `--yes`.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};

use super::terminal::say;
use crate::model::escape::printable;
use crate::model::{Command, Device};
use crate::run::Prepared;

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The run may start.
    Yes,
    /// It may not: the person said so, or said nothing.
    No,
    /// There is nobody to ask; says why.
    Nobody(String),
}

/// Asks where the inventory wants it.
pub(super) fn confirm(prepared: &Prepared, yes: bool) -> Answer {
    let devices = &prepared.plan.devices;
    let Some(most) = prepared.confirm_above.filter(|most| devices.len() > *most && !yes) else { return Answer::Yes };
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let count = devices.len();
        return Answer::Nobody(format!(
            "the run concerns {count} devices: over more than {most} (`confirm_above`) it is asked for on a terminal"
        ));
    }
    say(&question(&prepared.command, devices));
    let mut answer = String::new();
    let is_yes =
        io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes");
    if is_yes { Answer::Yes } else { Answer::No }
}

/// The question: what is sent to how many devices, of which types and sites.
fn question(command: &Command, devices: &[Device]) -> String {
    let verb = if matches!(command, Command::Raw { .. }) { "Send" } else { "Do" };
    let what = format!("{verb} `{}`", printable(&command.to_string()));
    let types = counts(devices.iter().map(|device| &*device.device_type));
    let sites = counts(devices.iter().map(|device| device.site.as_deref().unwrap_or("no site")));
    let noun = if devices.len() == 1 { "device" } else { "devices" };
    format!("{what} to {} {noun}?\n  types: {types}\n  sites: {sites}\nyes or no: ", devices.len())
}

fn counts<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    let shown: Vec<String> =
        counted.into_iter().map(|(name, count)| format!("{} ({count})", printable(name))).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Address, Medium, Params};

    fn device(name: &str, device_type: &str, site: Option<&str>) -> Device {
        Device {
            name: name.into(),
            address: Address::parse("10.0.0.1", Some(23)).unwrap(),
            device_type: device_type.into(),
            site: site.map(Into::into),
            tags: Arc::default(),
            params: Params::default(),
            medium: Medium::default(),
        }
    }

    #[test]
    fn the_question_says_what_is_sent_to_whom() {
        let devices = [device("a", "lg", Some("hq")), device("b", "lg", None), device("c", "eth", Some("hq"))];
        let args = [("level".to_owned(), "30".to_owned())].into();
        let command = Command::Action { name: "volume".to_owned(), args };
        assert_eq!(
            question(&command, &devices),
            "Do `volume level=30` to 3 devices?\n  types: eth (1), lg (2)\n  sites: hq (2), no site (1)\nyes or no: "
        );
        let raw = question(&Command::raw("ka 01 01"), &devices[..1]);
        assert!(raw.starts_with("Send `ka 01 01` to 1 device?\n"), "{raw}");
    }
}
