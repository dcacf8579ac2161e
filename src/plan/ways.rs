//! How each device type is told what to do: `--cmd` in the one language that is meant, `--do` translated by every type.
//!
//! Everything about the command line's words is checked here: the type, the action, its arguments. What comes of it for
//! a device is the planner's matter (`build.rs`).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::asked::Asked;
use crate::device_type::{CommandSource, DeviceType, ParamSpec};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use crate::inventory::Member;
use crate::model::{Device, ParamValue, fold_names};

/// How a type is told what to do.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) device_type: Arc<DeviceType>,
    pub(super) source: CommandSource,
    pub(super) args: Vec<(Arc<str>, ParamValue)>,
}

/// The types of the selected devices with their counts, in the order of their first devices.
fn types_of(selected: &[(&Device, &Member)]) -> Vec<(Arc<DeviceType>, usize)> {
    let mut types: Vec<(Arc<DeviceType>, usize)> = Vec::new();
    for (_, member) in selected {
        match types.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &member.device_type)) {
            Some((_, count)) => *count += 1,
            None => types.push((member.device_type.clone(), 1)),
        }
    }
    types
}

/// The types of the selected devices, each in the variants that its devices' parameters ask for.
fn variants_of(selected: &[(&Device, &Member)]) -> Vec<Arc<DeviceType>> {
    let mut variants: Vec<Arc<DeviceType>> = Vec::new();
    for (device, member) in selected {
        let own = member.device_type.effective(&device.params);
        if !variants.iter().any(|known| Arc::ptr_eq(known, &own)) {
            variants.push(own);
        }
    }
    variants
}

/// How `--cmd` is told to the one type that the selected devices are of.
pub(super) fn raw(
    text: &str,
    args: &BTreeMap<String, String>,
    selected: &[(&Device, &Member)],
    asked: Asked<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Way>> {
    let types = types_of(selected);
    let [(device_type, _)] = types.as_slice() else {
        let counts: Vec<String> = types.iter().map(|(one, count)| format!("{} ({count})", one.name)).collect();
        diagnostics.push(
            Diagnostic::error(format!(
                "{} speaks one device type's language, but the selected devices are of {}: {}",
                asked.cmd(),
                types.len(),
                counts.join(", ")
            ))
            .help(format!(
                "select one type ({}), or use an action that all of them know ({})",
                asked.one_type(),
                asked.action()
            )),
        );
        return None;
    };
    let before = diagnostics.error_count();
    let mut values = Vec::new();
    for (key, text) in args {
        match device_type.param(key) {
            Some(spec) => values.extend(read(spec, key, text, asked, diagnostics)),
            None => {
                let message = format!("{}: `{}` has no such parameter", asked.arg(key), device_type.name);
                diagnostics.push(unknown_key(message, key, asked, device_type.params.iter()));
            }
        }
    }
    match device_type.template(text) {
        Ok(_) if diagnostics.error_count() > before => None,
        Ok(template) => {
            let source = CommandSource::Raw(template);
            Some(vec![Way { device_type: device_type.clone(), source, args: values }])
        }
        Err(error) => {
            let place = asked.in_cmd(text, error.at..error.at + error.len, sources);
            let mistake = Diagnostic::error(error.message).at(place, "");
            diagnostics.push(match error.help {
                Some(help) => mistake.help(help),
                None => mistake,
            });
            None
        }
    }
}

/// How each type, in the variants that are needed, is told an action.
pub(super) fn action(
    name: &str,
    args: &BTreeMap<String, String>,
    selected: &[(&Device, &Member)],
    asked: Asked<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Way>> {
    let before = diagnostics.error_count();
    let types = types_of(selected);
    let lacking = selected.iter().filter(|(_, member)| member.device_type.action(name).is_none());
    let mut lacking_by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (device, member) in lacking {
        lacking_by_type.entry(&member.device_type.name).or_default().push(&device.name);
    }
    for (device_type, devices) in &lacking_by_type {
        let mistake = Diagnostic::error(format!(
            "`{device_type}` has no action `{name}`: {}",
            fold_names(devices.iter().copied())
        ));
        let known: Vec<&str> = types
            .iter()
            .filter(|(one, _)| &*one.name == *device_type)
            .flat_map(|(one, _)| one.actions().map(|action| &*action.name))
            .collect();
        diagnostics.push(match nearest(name, known.iter().copied()) {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => {
                mistake.help(format!("it has no actions: give its command with {}", asked.cmd()))
            }
            None => mistake.help(format!("its actions are {}", known.join(", "))),
        });
    }
    if diagnostics.error_count() > before {
        return None;
    }
    let mut ways = Vec::new();
    let mut known_keys: HashSet<&str> = HashSet::new();
    for device_type in &variants_of(selected) {
        let Some(action) = device_type.action(name) else { continue };
        let mut values = Vec::new();
        for (key, text) in args {
            let Some(spec) = action.args.iter().find(|spec| *spec.name == **key).or_else(|| device_type.param(key))
            else {
                continue;
            };
            known_keys.insert(key);
            values.extend(read(spec, key, text, asked, diagnostics));
        }
        let source = CommandSource::Action(action.name.clone());
        ways.push(Way { device_type: device_type.clone(), source, args: values });
    }
    for key in args.keys().filter(|key| !known_keys.contains(key.as_str())) {
        let known = types.iter().flat_map(|(one, _)| {
            let args = one.action(name).map(|action| action.args.as_slice()).unwrap_or_default();
            args.iter().chain(&one.params)
        });
        let message = format!("{}: `{name}` knows no such argument, nor the device a parameter", asked.arg(key));
        diagnostics.push(unknown_key(message, key, asked, known));
    }
    (diagnostics.error_count() == before).then_some(ways)
}

/// The value of an argument, under the name of what it stands for.
fn read(
    spec: &ParamSpec,
    key: &str,
    text: &str,
    asked: Asked<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(Arc<str>, ParamValue)> {
    match spec.read(text) {
        Ok(value) => Some((spec.name.clone(), value)),
        Err(message) => {
            let mistake = Diagnostic::error(format!("{}: {message}", asked.arg(key)));
            diagnostics.push(asked.at_arg(mistake, key, true));
            None
        }
    }
}

/// An argument that nobody knows, with those that are known.
fn unknown_key<'s>(
    message: String,
    key: &str,
    asked: Asked<'_>,
    known: impl Iterator<Item = &'s ParamSpec>,
) -> Diagnostic {
    let mistake = asked.at_arg(Diagnostic::error(message), key, false);
    let known: Vec<&str> = known.map(|spec| &*spec.name).collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => mistake.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => mistake,
        None => mistake.help(format!("known: {}", known.join(", "))),
    }
}
