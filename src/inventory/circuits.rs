//! Circuits, and what devices draw from them: `[circuits.*]`, and the keys `circuit`, `inrush_a` and `settle` of a device.
//!
//! Currents are whole milliamperes from here on. Which command draws anything is said by the device's type.

use std::time::Duration;

use toml::de::DeValue;

use super::fleet::{Circuit, CircuitIndex, Draw};
use super::schema::{Text, is_name};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable};
use crate::model::{amperes, parse_amperes};

/// For how long a device draws its inrush where the inventory does not say.
pub(super) const SETTLE: Duration = Duration::from_secs(3);

/// What a device, or `[defaults]`, says of its inrush.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Drawing {
    /// In thousandths of an ampere.
    milliamps: Option<u64>,
    settle: Option<Duration>,
}

impl Drawing {
    pub(super) fn read(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Self {
        let milliamps = current(table, "inrush_a", diagnostics);
        Self { milliamps, settle: table.positive_duration("settle", diagnostics) }
    }

    pub(super) fn over(self, below: Self) -> Self {
        Self { milliamps: self.milliamps.or(below.milliamps), settle: self.settle.or(below.settle) }
    }

    /// Whether it says how much.
    pub(super) fn is_known(self) -> bool {
        self.milliamps.is_some()
    }

    /// What it draws, in thousandths of an ampere, where that alone is more than a circuit carries.
    pub(super) fn beyond(self, circuit: &Circuit) -> Option<u64> {
        // A circuit without a current has its own mistake.
        self.milliamps.filter(|drawn| circuit.max_milliamps > 0 && *drawn > circuit.max_milliamps)
    }

    /// What a device on a circuit draws; one that draws nothing may as well be on none.
    pub(super) fn from(self, circuit: CircuitIndex) -> Option<Draw> {
        let milliamps = self.milliamps.filter(|milliamps| *milliamps > 0)?;
        Some(Draw { circuit, milliamps, settle: self.settle.unwrap_or(SETTLE) })
    }
}

/// The current of a key, in thousandths of an ampere. One that is wrong is reported, and counts as said.
fn current(table: &mut TomlTable<'_, '_>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<u64> {
    let value = table.get(key)?;
    let read = match value.value() {
        DeValue::Float(float) => parse_amperes(float.as_str()),
        DeValue::Integer(digits) if digits.radix() == 10 => parse_amperes(digits.as_str()),
        _ => Err("write amperes as a number, such as `32` or `4.5`".to_owned()),
    };
    Some(read.unwrap_or_else(|why| {
        diagnostics.push(Diagnostic::error(format!("`{key}` must be a current: {why}")).at(value.span(), ""));
        0
    }))
}

/// `[circuits.*]`, in the order of their names.
pub(super) fn read_circuits(root: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Vec<Circuit> {
    let Some(mut circuits) = root.table("circuits", "[circuits]", diagnostics) else { return Vec::new() };
    let mut read = Vec::new();
    for (name, span, value) in circuits.entries() {
        let Some(mut table) = value.table(format!("[circuits.{name}]"), diagnostics) else { continue };
        _ = is_name("a circuit's name", &(name, span), diagnostics);
        let before = diagnostics.error_count();
        let max = current(&mut table, "max_inrush_a", diagnostics);
        match max {
            None => table.missing("max_inrush_a", diagnostics),
            Some(0) if diagnostics.error_count() == before => {
                let place = table.get("max_inrush_a").map_or_else(|| table.span(), |value| value.span());
                let mistake = Diagnostic::error(format!("circuit `{name}` carries nothing")).at(place, "");
                diagnostics.push(mistake.help("write how many amperes may be drawn at a time, such as `32.0`"));
            }
            Some(_) => {}
        }
        table.finish(diagnostics);
        // One with a mistake is there all the same: its devices are right.
        read.push(Circuit { name: name.into(), max_milliamps: max.unwrap_or(0) });
    }
    read
}

/// Devices that `[defaults]` puts on a circuit though nobody says what they draw: one mistake, however many.
#[derive(Default)]
pub(super) struct Unsaid {
    first: Option<String>,
    more: usize,
}

impl Unsaid {
    pub(super) fn note(&mut self, entry: Option<&str>) {
        if self.first.is_some() {
            self.more += 1;
        } else {
            self.first = Some(entry.unwrap_or("a device").to_owned());
        }
    }

    pub(super) fn report(self, circuit: &Text<'_>, diagnostics: &mut Diagnostics) {
        let Some(first) = self.first else { return };
        let more = match self.more {
            0 => String::new(),
            1 => " and one more entry".to_owned(),
            more => format!(" and {more} more entries"),
        };
        diagnostics.push(no_current(&format!("`{first}`{more}"), circuit.0, circuit.1.clone()));
    }
}

/// What is wrong with a device on a circuit that does not say what it draws.
pub(super) fn no_current(who: &str, circuit: &str, place: Span) -> Diagnostic {
    Diagnostic::error(format!("{who} on circuit `{circuit}` without `inrush_a`: what is drawn is not known"))
        .at(place, "")
        .help("write `inrush_a = …`, in amperes, on the device or in [defaults]; 0 for one that draws nothing")
}

/// What is wrong with a device that could never start: it alone draws more than its circuit carries.
pub(super) fn exceeds(who: &str, drawn: u64, circuit: &Circuit, place: Span) -> Diagnostic {
    let (drawn, carried, name) = (amperes(drawn), amperes(circuit.max_milliamps), &circuit.name);
    Diagnostic::error(format!("{who} draws {drawn} A, more than circuit `{name}` carries ({carried} A)"))
        .at(place, "")
        .help("such a device could never start: correct `inrush_a` or `max_inrush_a`, or put it on another circuit")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{fleet, read_text};
    use super::*;

    const HALL: &str = r#"
[defaults]
type = "lg-rs232"
inrush_a = 2
[circuits.hall-a]
max_inrush_a = 16
[circuits.hall-b]
max_inrush_a = 32.0
[[device]]
name = "tv-[1-3]"
address = "10.0.0.[1-3]"
circuit = "hall-b"
inrush_a = 4.5
settle = "1500ms"
[[device]]
name = "wall"
address = "10.0.0.4"
circuit = "hall-a"
[[device]]
name = "loose"
address = "10.0.0.5"
inrush_a = 7
[[device]]
name = "passive"
address = "10.0.0.6"
circuit = "hall-a"
inrush_a = 0
"#;

    #[test]
    fn devices_draw_from_their_circuits_and_those_on_none_draw_nothing() {
        let fleet = fleet(HALL);
        let drawn: Vec<Option<(&str, u64, u64, Duration)>> = fleet
            .members
            .iter()
            .map(|member| {
                let (draw, circuit) = fleet.circuit(member)?;
                Some((&*circuit.name, circuit.max_milliamps, draw.milliamps, draw.settle))
            })
            .collect();
        let tv = Some(("hall-b", 32_000, 4_500, Duration::from_millis(1500)));
        assert_eq!(drawn, [tv, tv, tv, Some(("hall-a", 16_000, 2_000, SETTLE)), None, None]);
    }

    #[test]
    fn devices_that_draw_the_same_share_what_they_inherit() {
        let mut text = "[circuits.c]\nmax_inrush_a = 9\n[defaults]\ntype = \"lg-rs232\"\n".to_owned();
        for number in 0..6 {
            let drawn = number % 2;
            _ = writeln!(
                text,
                "[[device]]\nname = \"tv-{number}\"\naddress = \"10.0.0.{number}\"\ncircuit = \"c\"\ninrush_a = {drawn}.0"
            );
        }
        let fleet = fleet(&text);
        let distinct: std::collections::HashSet<_> = fleet.members.iter().map(std::sync::Arc::as_ptr).collect();
        assert_eq!(distinct.len(), 2);
    }

    #[test]
    fn what_is_wrong_with_circuits_is_said_with_what_would_be_right() {
        for (was, becomes, message, help) in [
            ("circuit = \"hall-b\"", "circuit = \"hall-c\"", "unknown circuit `hall-c`", "did you mean `hall-"),
            (
                "circuit = \"hall-b\"",
                "circuit = \"north\"",
                "unknown circuit `north`",
                "write a table `[circuits.north]`",
            ),
            ("max_inrush_a = 32.0", "max_inrush = 32.0", "unknown key `max_inrush`", "did you mean `max_inrush_a`?"),
            ("max_inrush_a = 32.0", "", "[circuits.hall-b] has no `max_inrush_a`", "`max_inrush_a` is missing"),
            ("max_inrush_a = 32.0", "max_inrush_a = 0", "circuit `hall-b` carries nothing", "such as `32.0`"),
            ("max_inrush_a = 32.0", "max_inrush_a = -1", "`max_inrush_a` must be a current: `-1`", "write amperes"),
            ("max_inrush_a = 32.0", "max_inrush_a = \"32 A\"", "`max_inrush_a` must be a current", "as a number"),
            ("inrush_a = 4.5", "inrush_a = 4.5005", "`inrush_a` must be a current", "at most three decimal places"),
            ("inrush_a = 4.5", "inrush_a = nan", "`inrush_a` must be a current: `nan`", "write amperes"),
            ("settle = \"1500ms\"", "settle = \"0s\"", "`settle` must be more than nothing", "settle = \"0s\""),
            ("settle = \"1500ms\"", "settle = 3", "`settle` must be a text in quotes", "settle = 3"),
            (
                "inrush_a = 4.5",
                "inrush_a = 32.001",
                "`tv-[1-3]` draws 32.001 A, more than circuit `hall-b` carries (32 A)",
                "fleet.toml:13:",
            ),
            (
                "circuit = \"hall-a\"\n[[device]]\nname = \"loose\"",
                "circuit = \"thin\"\n[circuits.thin]\nmax_inrush_a = 1.999\n[[device]]\nname = \"loose\"",
                "`wall` draws 2 A, more than circuit `thin` carries (1.999 A)",
                "could never start",
            ),
            (
                "inrush_a = 2\n",
                "",
                "`wall` on circuit `hall-a` without `inrush_a`: what is drawn is not known",
                "write `inrush_a = …`, in amperes",
            ),
        ] {
            assert!(HALL.contains(was), "{was}");
            let (fleet, messages, drawn) = read_text(&HALL.replacen(was, becomes, 1));
            assert!(fleet.is_none() && messages.iter().any(|one| one.contains(message)), "{becomes}: {messages:?}");
            assert!(drawn.contains(help), "{becomes}: {drawn}");
        }
    }

    #[test]
    fn a_circuit_of_the_defaults_that_carries_too_little_is_one_mistake() {
        let text = "[circuits.hall]\nmax_inrush_a = 16\n[defaults]\ntype = \"lg-rs232\"\ncircuit = \"hall\"\ninrush_a = 17\n\
                    [[device]]\nname = \"tv-[1-2]\"\naddress = \"10.0.0.[1-2]\"\n\
                    [[device]]\nname = \"wall\"\naddress = \"10.0.0.3\"\n";
        let (_, messages, drawn) = read_text(text);
        assert_eq!(messages, ["a device draws 17 A, more than circuit `hall` carries (16 A)"]);
        assert!(drawn.contains("fleet.toml:6:"), "{drawn}");
    }

    #[test]
    fn a_circuit_of_the_defaults_without_a_current_is_one_mistake() {
        let text = HALL.replacen("inrush_a = 2", "circuit = \"hall-a\"", 1);
        let (_, messages, _) = read_text(&text);
        assert_eq!(messages, ["`wall` on circuit `hall-a` without `inrush_a`: what is drawn is not known"]);
        let text =
            text.replacen("circuit = \"hall-a\"\n[[device]]\nname = \"loose\"", "[[device]]\nname = \"loose\"", 1);
        let text = text.replacen("inrush_a = 7", "", 1);
        let (_, messages, drawn) = read_text(&text);
        assert_eq!(
            messages,
            ["`wall` and one more entry on circuit `hall-a` without `inrush_a`: what is drawn is not known"]
        );
        assert!(drawn.contains("fleet.toml:4:"), "{drawn}");
        let (_, messages, _) = read_text(&HALL.replacen("inrush_a = 2", "circuit = \"hall\"", 1));
        assert!(messages.iter().filter(|message| message.contains("unknown circuit")).count() == 1, "{messages:?}");
    }
}
