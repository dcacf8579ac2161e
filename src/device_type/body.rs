//! From a command and a device's parameters to the body: values written as their declarations say.

use std::sync::Arc;

use super::action::Action;
use super::definition::DeviceType;
use super::format::Format;
use super::param::{ParamKind, ParamSpec};
use super::template::{Piece, Template};
use crate::model::escape;
use crate::model::{ParamValue, Params, Payload, PayloadBuilder};

/// Where a body comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandSource {
    /// `--cmd`, read by [`DeviceType::template`].
    Raw(Template),
    /// `--do`: an action of the type.
    Action(Arc<str>),
}

/// Why there are no bytes to send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The type has no such action.
    #[error("device type `{device_type}` has no action `{name}`")]
    NoAction {
        /// The type.
        device_type: Arc<str>,
        /// The action.
        name: Arc<str>,
    },
    /// A parameter or argument without a default is not given.
    #[error("`{name}` is not given")]
    MissingParam {
        /// Its name.
        name: Arc<str>,
    },
    /// A value cannot be written as the type asks.
    #[error("`{name}`: {message}")]
    DoesNotFit {
        /// Whose value.
        name: Arc<str>,
        /// What does not fit.
        message: String,
    },
    /// No command pattern says which reply answers it, and the type has no `replies.default`.
    #[error("device type `{device_type}` does not say what answers `{body}`")]
    NoReply {
        /// The type.
        device_type: Arc<str>,
        /// The body, safe for a terminal.
        body: String,
    },
}

impl DeviceType {
    /// The body of a command for a device with these parameters (over them: the action's arguments).
    ///
    /// # Errors
    /// When a value is missing or does not fit.
    pub fn body(&self, source: &CommandSource, params: &Params) -> Result<Payload, RequestError> {
        let (template, action) = match source {
            CommandSource::Raw(template) => (template, None),
            CommandSource::Action(name) => {
                let action = self
                    .action(name)
                    .ok_or_else(|| RequestError::NoAction { device_type: self.name.clone(), name: name.clone() })?;
                (&action.send, Some(action))
            }
        };
        let mut body = PayloadBuilder::default();
        for piece in template.pieces() {
            match piece {
                Piece::Literal(bytes) => body.push(bytes),
                Piece::Hole { name, format } => {
                    let (spec, value) = self.value_of(name, action, params)?;
                    self.write(&mut body, spec, value, format.as_ref(), action, params)?;
                }
            }
        }
        Ok(body.finish())
    }

    fn value_of<'a>(
        &'a self,
        name: &Arc<str>,
        action: Option<&'a Action>,
        params: &'a Params,
    ) -> Result<(&'a ParamSpec, &'a ParamValue), RequestError> {
        let missing = || RequestError::MissingParam { name: name.clone() };
        let spec = action.and_then(|action| action.arg(name)).or_else(|| self.param(name)).ok_or_else(missing)?;
        let value = params.get(name).or(spec.default.as_ref()).ok_or_else(missing)?;
        Ok((spec, value))
    }

    /// Appends a value as its template or its declaration says.
    fn write(
        &self,
        out: &mut PayloadBuilder,
        spec: &ParamSpec,
        value: &ParamValue,
        format: Option<&Format>,
        action: Option<&Action>,
        params: &Params,
    ) -> Result<(), RequestError> {
        let does_not_fit = |message| RequestError::DoesNotFit { name: spec.name.clone(), message };
        let number = |number: i64| {
            let format = format.or(spec.wire.as_ref()).unwrap_or(&Format::Text);
            let width_of = |name: &Arc<str>| match self.value_of(name, action, params) {
                Ok((_, ParamValue::Int(width))) => {
                    usize::try_from(*width).map_err(|_| format!("`{name}` is negative and no count of digits"))
                }
                Ok(_) => Err(format!("`{name}` is no count of digits")),
                Err(error) => Err(error.to_string()),
            };
            format.write(number, width_of).map_err(does_not_fit)
        };
        match value {
            ParamValue::Int(value) => out.push(number(*value)?.as_bytes()),
            ParamValue::Bool(value) => out.push(number(i64::from(*value))?.as_bytes()),
            ParamValue::Text(text) => out.push(text.as_bytes()),
            ParamValue::Bytes(bytes) => out.push(bytes),
            ParamValue::Choice(word) => {
                let ParamKind::Choice { values } = &spec.kind else {
                    return Err(does_not_fit(format!("`{word}` is no value of it")));
                };
                let Some((_, wire)) = values.iter().find(|(known, _)| known == word) else {
                    return Err(does_not_fit(format!("`{word}` is none of its words")));
                };
                out.push(&escape::parse(wire).map_err(|error| does_not_fit(error.to_string()))?);
            }
            ParamValue::Secret(secret) => out.push_secret(secret.expose().as_bytes()),
        }
        Ok(())
    }

    /// How a device's unit is written on the wire.
    pub(super) fn unit_bytes(&self, params: &Params) -> Option<Vec<u8>> {
        let (spec, value) = self.value_of(self.unit_param.as_ref()?, None, params).ok()?;
        let mut out = PayloadBuilder::default();
        self.write(&mut out, spec, value, None, None, params).ok()?;
        Some(out.bytes().to_vec())
    }
}
