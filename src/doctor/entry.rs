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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::codec::SerialLine;
    use crate::device_type::{Catalog, Verdict};
    use crate::doctor::{Answer, Heard, Question, harmless};
    use crate::model::{Address, Secret};

    fn device(params: &[(&str, ParamValue)]) -> Device {
        Device {
            name: "tv \"1\"".into(),
            address: Address::parse("tv.example", Some(23)).unwrap(),
            device_type: "lg-rs232".into(),
            site: None,
            tags: Arc::default(),
            params: params.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect(),
            medium: crate::model::Medium::Serial,
        }
    }

    fn entry_of(device: &Device, said: Option<TelnetMode>, questions: &[Question]) -> Option<String> {
        let lg = Catalog::built_in().get("lg-rs232").unwrap().clone();
        let patient = Patient {
            address: device.address.clone(),
            link: Arc::new(lg.link.clone()),
            connect_timeout: Duration::from_secs(3),
            reply_timeout: Duration::from_secs(2),
            query: Some(harmless(&lg, &device.params).unwrap()),
            active: false,
        };
        let answered = |question: &Question| Asked {
            question: *question,
            sent: String::new(),
            heard: Heard::default(),
            echoed: false,
            garbled: false,
            answer: Some(Answer { shown: String::new(), verdict: Verdict::Ok { value: None } }),
            after: Duration::ZERO,
        };
        entry(device, said, &patient, &Seen { asked: questions.iter().map(answered).collect(), ..Seen::default() })
    }

    #[test]
    fn what_works_is_written_and_no_secret() {
        let secret = ParamValue::Secret(Secret::new("apple".to_owned()));
        let device = device(&[("set_id", ParamValue::Int(3)), ("password", secret)]);
        let line = SerialLine { baud: 9600, data_bits: 8, parity: Parity::Even, stop_bits: 1 };
        assert_eq!(
            entry_of(&device, Some(TelnetMode::Line(line)), &[Question::Own]).unwrap(),
            "[[device]]\nname = \"tv \\\"1\\\"\"\naddress = \"tv.example:23\"\ntype = \"lg-rs232\"\nparams = { set_id = 3 }\n\
             link = { serial = { baud = 9600, data_bits = 8, parity = \"even\", stop_bits = 1 } }\n\
             # its password is secret and was left out\n"
        );
    }

    #[test]
    fn each_unit_that_answered_in_the_devices_stead_is_written() {
        let written = entry_of(&device(&[]), None, &[Question::Unit(7), Question::Unit(9)]).unwrap();
        assert_eq!(written.matches("[[device]]").count(), 2);
        assert!(written.contains("-7\"\n") && written.contains("{ set_id = 9 }"), "{written}");
        assert_eq!(entry_of(&device(&[]), None, &[Question::Everyone]), None);
    }
}
