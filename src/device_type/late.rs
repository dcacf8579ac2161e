//! What of a built-in type is read only when it is asked for: each action, and what a simulated device does.
//!
//! A run needs one of a display's eighty actions. To read the others was half of what a run over one device computed. The
//! file of a type of the program has no mistakes (tests read each of them whole, and compare), so nothing is lost by
//! reading its parts apart; a user's file is read at once, for all of its mistakes.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use memchr::memmem;

use super::action::Action;
use super::definition::DeviceType;
use super::read::{read_late_action, read_late_simulation};
use super::simulated::Simulation;

/// The actions of a type, in the order of its file.
#[derive(Debug, Default)]
pub(super) struct Actions(Vec<LateAction>);

#[derive(Debug)]
struct LateAction {
    name: Arc<str>,
    /// What the file says of it alone; empty when it has been read.
    text: &'static str,
    /// Whether that is a line of `[actions]`, not a table with its own header.
    is_line: bool,
    action: OnceLock<Option<Box<Action>>>,
}

impl Actions {
    /// Actions that have been read.
    pub(super) fn of(list: Vec<Action>) -> Self {
        let read = |one: Action| LateAction {
            name: one.name.clone(),
            text: "",
            is_line: false,
            action: Some(Box::new(one)).into(),
        };
        Self(list.into_iter().map(read).collect())
    }

    /// The place of a name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|action| *action.name == *name)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The action at a place; `of` is the type that it belongs to.
    pub(super) fn get(&self, place: usize, of: &DeviceType) -> Option<&Action> {
        let late = self.0.get(place)?;
        let read = || {
            let headed = if late.is_line { Cow::Owned(format!("[actions]\n{}", late.text)) } else { late.text.into() };
            read_late_action(of, &headed).map(Box::new)
        };
        late.action.get_or_init(read).as_deref()
    }
}

/// What a simulated device does.
#[derive(Debug, Default)]
pub(super) struct LateSimulation {
    text: &'static str,
    simulation: OnceLock<Option<Simulation>>,
}

impl LateSimulation {
    /// One that has been read.
    pub(super) fn of(simulation: Option<Simulation>) -> Self {
        Self { text: "", simulation: simulation.into() }
    }

    /// It; `of` is the type that it belongs to.
    pub(super) fn get(&self, of: &DeviceType) -> Option<&Simulation> {
        self.simulation.get_or_init(|| read_late_simulation(of, self.text)).as_ref()
    }
}

/// The text of a type file in parts.
#[derive(Default)]
pub(super) struct Parts {
    /// What is read at once.
    pub(super) core: String,
    pub(super) actions: Actions,
    pub(super) simulation: LateSimulation,
    /// Whether a command or an action may have an `only_if`.
    pub(super) has_conditions: bool,
}

/// Where a line of a type file belongs.
enum Part<'t> {
    Core,
    /// `[actions]`: a line for each.
    Lines,
    /// `[actions.NAME]`, `[actions.NAME.…]`
    Action(&'t str),
    Simulation,
}

impl Parts {
    /// Cuts the text of a built-in type at its headers; `None` for one that has to be put together first. There a line that
    /// begins with a bracket is a header, a line of `[actions]` is an action, and what belongs together stands together.
    pub(super) fn of(text: &'static str) -> Option<Self> {
        let bytes = text.as_bytes();
        let has = |wanted: &[u8]| memmem::find(bytes, wanted).is_some();
        if has(b"\n[[variant]]") || has(b"\nbase = ") {
            return None;
        }
        let mut parts = Self { has_conditions: has(b"only_if"), ..Self::default() };
        let mut part = Part::Core;
        let mut end = 0;
        while end < text.len() {
            let at = end;
            end = memchr::memchr(b'\n', bytes.get(at..)?).map_or(text.len(), |newline| at + newline + 1);
            let line = text.get(at..end)?;
            if line.starts_with('[') {
                part = part_of(line);
            }
            // What belongs to one thing stands together: its text so far, and this line.
            let with = |so_far: &str| text.get(at.checked_sub(so_far.len())?..end);
            match part {
                Part::Core => parts.core.push_str(line),
                Part::Simulation => parts.simulation.text = with(parts.simulation.text)?,
                Part::Action(name) => match parts.actions.0.last_mut() {
                    Some(last) if *last.name == *name => last.text = with(last.text)?,
                    _ => parts.actions.0.push(LateAction::new(name, line, false)),
                },
                Part::Lines => {
                    let blank = memchr::memchr(b' ', line.as_bytes()).unwrap_or_default();
                    if let Some(name) = line.get(..blank).filter(|name| !matches!(*name, "" | "#")) {
                        parts.actions.0.push(LateAction::new(name, line, true));
                    }
                }
            }
        }
        Some(parts)
    }
}

impl LateAction {
    fn new(name: &str, text: &'static str, is_line: bool) -> Self {
        Self { name: name.into(), text, is_line, action: OnceLock::new() }
    }
}

fn part_of(header: &str) -> Part<'_> {
    let name = header.trim_start_matches('[').split([']', ' ']).next().unwrap_or_default();
    let mut words = name.split('.');
    match (words.next(), words.next()) {
        (Some("simulate"), _) => Part::Simulation,
        (Some("actions"), Some(name)) => Part::Action(name),
        (Some("actions"), None) => Part::Lines,
        _ => Part::Core,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::device_type::Catalog;

    fn shown(parts: &[&dyn Debug]) -> Vec<String> {
        parts.iter().map(|part| format!("{part:?}")).collect()
    }

    #[test]
    fn a_built_in_type_that_is_read_in_parts_is_what_it_is_as_a_whole() {
        let in_parts = Catalog::built_in();
        for whole in Catalog::built_in_with_proof() {
            let late = in_parts.get(&whole.name).unwrap();
            let of = |one: &DeviceType| {
                shown(&[
                    &(&one.title, &one.source, &one.unconfirmed, one.is_text, &one.probe, one.port, one.has_conditions),
                    &(&one.params, &one.unit_param, &one.unit_field, &one.link, &one.timing),
                    &(&one.send, &one.replies, &one.commands, &one.login),
                    &one.variants.len(),
                    &one.simulation(),
                    &one.actions().collect::<Vec<_>>(),
                ])
            };
            for (part, (late, whole)) in of(late).into_iter().zip(of(&whole)).enumerate() {
                assert_eq!(late, whole, "part {part}");
            }
            let names: Vec<&str> = whole.actions().map(|action| &*action.name).collect();
            assert!(names.iter().all(|name| late.action(name).is_some_and(|action| *action.name == **name)));
            assert!(late.action("no-such-action").is_none());
        }
    }

    #[test]
    fn an_action_is_read_when_it_is_asked_for_and_no_other() {
        let catalog = Catalog::built_in();
        let display = catalog.get("lg-rs232").unwrap();
        let read = |display: &DeviceType| display.actions.0.iter().filter(|one| one.action.get().is_some()).count();
        assert_eq!(read(display), 0);
        assert!(display.action("power-on").is_some());
        assert_eq!(read(display), 1);
        assert!(display.simulation.simulation.get().is_none());
    }
}
