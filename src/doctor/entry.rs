//! A device for the inventory, made of what the examination has found to work.

use std::fmt::Write as _;
use std::time::Duration;

use super::query::{quoted, toml_value};
use super::seen::{Asked, Seen};
use super::steps::Patient;
use crate::codec::{Parity, TelnetMode};
use crate::device_type::LinkOverrides;
use crate::model::{Device, Host, KeptIn, ParamValue, Params, TimingOverrides};

/// A device as it was examined, with what its inventory says of its connection and its times: that stays, unless it was
/// found to be wrong.
pub struct Entry<'e> {
    /// The device.
    pub device: &'e Device,
    /// Its `link`.
    pub link: LinkOverrides,
    /// Its times and retries.
    pub timing: TimingOverrides,
    /// A file that holds a secret, as the new entry must write its path.
    pub file: &'e dyn Fn(&str) -> String,
}

/// The `[[device]]` entries that work: the device as it was asked, in the way that it answered, or each unit that
/// answered in its stead. `None` when none did. A secret is written as where it is kept, never as what it is.
pub fn entry(entry: &Entry<'_>, patient: &Patient, seen: &Seen) -> Option<String> {
    let device = entry.device;
    let mut link = entry.link;
    if seen.speaks_telnet() && patient.link.telnet == TelnetMode::Never {
        link.telnet = Some(TelnetMode::Always);
    }
    link.half_close = seen.half_close().or(link.half_close);
    let query = patient.query.as_ref()?;
    if let Some(dialect) = seen.dialect().and_then(|place| query.dialects.get(place)) {
        let params = device.params.overridden_by([(dialect.param.clone(), dialect.value.clone())]);
        return Some(entry.written(&device.name, &params, link, patient));
    }
    if seen.half_close().is_some() || seen.own_answer().is_some_and(Asked::is_understood) {
        return Some(entry.written(&device.name, &device.params, link, patient));
    }
    let name = patient.device_type.unit_param.as_ref()?;
    let units = seen.other_units();
    let entries: Vec<String> = units
        .iter()
        .map(|unit| {
            let params = device.params.overridden_by([(name.clone(), ParamValue::Int(*unit))]);
            let name = if units.len() == 1 { device.name.to_string() } else { format!("{}-{unit}", device.name) };
            entry.written(&name, &params, link, patient)
        })
        .collect();
    (!entries.is_empty()).then(|| entries.join("\n"))
}

/// What a device is called that has no name yet: its host.
pub fn name_of(host: &Host) -> String {
    host.to_string().trim_matches(['[', ']']).to_owned()
}

impl Entry<'_> {
    fn written(&self, name: &str, params: &Params, link: LinkOverrides, patient: &Patient) -> String {
        let device = self.device;
        let mut text = String::from("[[device]]\n");
        let mut remarks = Vec::new();
        let mut line = |key: &str, value: String| _ = writeln!(text, "{key} = {value}");
        line("name", quoted(name));
        line("address", quoted(&device.address.to_string()));
        line("type", quoted(&device.device_type));
        let params_written: Vec<String> = params
            .iter()
            .map(|(key, value)| {
                let value = toml_value(value).unwrap_or_else(|| self.secret(name, key, value, &mut remarks));
                format!("{key} = {value}")
            })
            .collect();
        if !params_written.is_empty() {
            line("params", format!("{{ {} }}", params_written.join(", ")));
        }
        let link = link_keys(&link);
        if !link.is_empty() {
            line("link", format!("{{ {} }}", link.join(", ")));
        }
        let times = [
            ("connect_timeout", self.timing.connect_timeout),
            ("reply_timeout", self.timing.reply_timeout),
            ("device_deadline", self.timing.device_deadline),
        ];
        for (key, time) in times {
            if let Some(time) = time {
                line(key, quoted(&duration(time)));
            }
        }
        if let Some(retries) = self.timing.retries {
            line("retries", retries.to_string());
        }
        // The question may do without the number of the unit; most commands do not.
        let unit = patient.device_type.unit_param.as_ref().and_then(|name| patient.device_type.param(name));
        if let Some(unit) = unit.filter(|unit| unit.default.is_none() && params.get(&unit.name).is_none()) {
            remarks.push(format!("most commands need its `{}` in `params`", unit.name));
        }
        for remark in remarks {
            _ = writeln!(text, "# {remark}");
        }
        text
    }

    /// Where a secret is kept. One that stood nowhere but in plain text gets a variable.
    fn secret(&self, name: &str, key: &str, value: &ParamValue, remarks: &mut Vec<String>) -> String {
        let kept_in = if let ParamValue::Secret(secret) = value { secret.place() } else { None };
        match kept_in {
            Some(KeptIn::Variable(variable)) => format!("{{ env = {} }}", quoted(variable)),
            Some(KeptIn::File(path)) => format!("{{ file = {} }}", quoted(&(self.file)(path))),
            None => {
                let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
                let mut variable: String = format!("{name}_{key}").chars().map(word).collect();
                if variable.starts_with(|c: char| c.is_ascii_digit()) {
                    variable.insert(0, '_');
                }
                remarks.push(format!("its {key} is not written here: put it into the environment variable {variable}"));
                format!("{{ env = {} }}", quoted(&variable))
            }
        }
    }
}

/// What a device's `link` says, key by key.
fn link_keys(link: &LinkOverrides) -> Vec<String> {
    let mut keys = Vec::new();
    let times = [("gap", link.gap), ("quiet", link.quiet), ("busy_delay", link.busy_delay)];
    keys.extend(times.into_iter().filter_map(|(key, time)| Some(format!("{key} = {}", quoted(&duration(time?))))));
    let switches = [("reuse", link.reuse), ("half_close", link.half_close)];
    keys.extend(switches.into_iter().filter_map(|(key, is_on)| Some(format!("{key} = {}", is_on?))));
    keys.extend(link.telnet.map(telnet));
    keys
}

/// A span as the inventory writes it, to the millisecond.
fn duration(span: Duration) -> String {
    format!("{}ms", span.as_millis())
}

/// The Telnet layer as `link` says it.
fn telnet(mode: TelnetMode) -> String {
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
            device_type: lg.clone(),
            log_in: None,
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
            answer: Some(Answer {
                shown: String::new(),
                verdict: Verdict::Ok { value: None },
                announced: None,
                is_all: true,
                is_mirror: false,
            }),
            after: Duration::ZERO,
        };
        let link = LinkOverrides { telnet: said, ..LinkOverrides::default() };
        let examined = Entry { device, link, timing: TimingOverrides::default(), file: &|path| format!("/in/{path}") };
        entry(&examined, &patient, &Seen { asked: questions.iter().map(answered).collect(), ..Seen::default() })
    }

    #[test]
    fn what_works_is_written_and_no_secret() {
        let secret = ParamValue::Secret(Secret::new("apple".to_owned()));
        let kept = |place| ParamValue::Secret(Secret::new("apple".to_owned()).kept_in(Some(place)));
        let variable = kept(KeptIn::Variable("PIN".into()));
        let file = kept(KeptIn::File("pin".into()));
        let device =
            device(&[("set_id", ParamValue::Int(3)), ("password", secret), ("pin", variable), ("other", file)]);
        let line = SerialLine { baud: 9600, data_bits: 8, parity: Parity::Even, stop_bits: 1 };
        assert_eq!(
            entry_of(&device, Some(TelnetMode::Line(line)), &[Question::Own]).unwrap(),
            "[[device]]\nname = \"tv \\\"1\\\"\"\naddress = \"tv.example:23\"\ntype = \"lg-rs232\"\n\
             params = { set_id = 3, password = { env = \"TV__1__PASSWORD\" }, pin = { env = \"PIN\" }, other = { file = \"/in/pin\" } }\n\
             link = { serial = { baud = 9600, data_bits = 8, parity = \"even\", stop_bits = 1 } }\n\
             # its password is not written here: put it into the environment variable TV__1__PASSWORD\n"
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
