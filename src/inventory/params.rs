//! Parameters as they are written, read by what the device type declares about them.
//!
//! A text may hold ranges and then has a value per device; everything else has one value for all devices of its entry.
//! The text of a secret is taken as it stands: a password may well have brackets in it.

use std::sync::Arc;

use toml::de::DeValue;

use super::range::{Pattern, Place};
use super::schema::did_you_mean;
use super::secret::Secrets;
use crate::device_type::{DeviceType, ParamKind, ParamSpec};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlValue, nearest};
use crate::model::ParamValue;

/// A parameter of an entry.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) value: GivenValue,
}

/// One value for all devices of the entry, or one for each.
#[derive(Debug, Clone)]
pub(super) enum GivenValue {
    Fixed(ParamValue),
    Ranged(Pattern),
}

impl Given {
    /// Reads the value of a declared parameter; mistakes go to `diagnostics`.
    pub(super) fn read(
        spec: &ParamSpec,
        value: TomlValue<'_, '_>,
        secrets: &mut Secrets<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let span = value.span();
        let name = spec.name.clone();
        let mut kept_in = None;
        let text = if matches!(spec.kind, ParamKind::Secret { .. }) {
            let (text, place) = secrets.read(value, diagnostics)?;
            kept_in = place;
            text
        } else {
            match value.value() {
                DeValue::String(text) => match Pattern::parse(text, Place::Param) {
                    Ok(pattern) if pattern.count() > 1 => {
                        return Some(Self { name, span, value: GivenValue::Ranged(pattern) });
                    }
                    Ok(pattern) => pattern.member(0),
                    Err(wrong) => {
                        diagnostics.push(Diagnostic::error(format!("`{name}`: {wrong}")).at(span, ""));
                        return None;
                    }
                },
                DeValue::Integer(_) => value.int(diagnostics)?.to_string(),
                DeValue::Boolean(switch) => switch.to_string(),
                _ => {
                    diagnostics.push(
                        Diagnostic::error(format!("`{name}` must be an integer, true or false, or a text"))
                            .at(span, ""),
                    );
                    return None;
                }
            }
        };
        match spec.read(&text) {
            Ok(ParamValue::Secret(secret)) => {
                let value = GivenValue::Fixed(ParamValue::Secret(secret.kept_in(kept_in)));
                Some(Self { name, span, value })
            }
            Ok(value) => Some(Self { name, span, value: GivenValue::Fixed(value) }),
            Err(why) => {
                diagnostics.push(Diagnostic::error(format!("`{name}` {why}")).at(span, ""));
                None
            }
        }
    }

    /// How many values it has.
    pub(super) fn count(&self) -> u64 {
        match &self.value {
            GivenValue::Fixed(_) => 1,
            GivenValue::Ranged(pattern) => pattern.count(),
        }
    }

    /// The value for the device at `index` of the entry.
    ///
    /// # Errors
    /// A sentence fragment that says why the text that the range gives there is no value of the parameter.
    pub(super) fn at(&self, index: u64, spec: &ParamSpec) -> Result<ParamValue, String> {
        match &self.value {
            GivenValue::Fixed(value) => Ok(value.clone()),
            GivenValue::Ranged(pattern) => spec.read(&pattern.member(index)),
        }
    }
}

/// Reports a parameter that the type does not have.
pub(super) fn unknown(name: &str, span: Span, device_type: &DeviceType, diagnostics: &mut Diagnostics) {
    let known: Vec<&str> = device_type.params.iter().map(|param| &*param.name).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => did_you_mean(near),
        None if known.is_empty() => format!("`{}` has no parameters", device_type.name),
        None => format!("parameters of `{}`: {}", device_type.name, known.join(", ")),
    };
    let message = format!("`{name}` is no parameter of the device type `{}`", device_type.name);
    diagnostics.push(Diagnostic::error(message).at(span, "").help(help));
}
