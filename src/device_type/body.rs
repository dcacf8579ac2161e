//! From a command and a device's parameters to the body: values written as their declarations say.

use std::borrow::Cow;
use std::sync::Arc;

use super::action::Action;
use super::definition::DeviceType;
use super::expression::{EvaluationError, Operand};
use super::format::Format;
use super::hex;
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
    /// What the template computes has no value.
    #[error("`{text}`: {message}")]
    NoValue {
        /// The expression.
        text: Arc<str>,
        /// Why.
        message: String,
    },
    /// The frame has no room for the body.
    #[error("{message}")]
    NoFrame {
        /// Why.
        message: String,
    },
    /// The body holds what none of the type's may.
    #[error("`{body}` holds a byte that would end the command for device type `{device_type}`: none may be in it")]
    EndsEarly {
        /// The body, safe for a terminal.
        body: String,
        /// The type.
        device_type: Arc<str>,
    },
    /// A switch of the device does not allow the command.
    #[error("`{body}` is sent only to a device with `{param} = true`")]
    NotAllowed {
        /// The body, safe for a terminal.
        body: String,
        /// The parameter that would have to be true.
        param: Arc<str>,
    },
    /// The raw command is part of the type's log-in.
    #[error(
        "this command is part of the log-in, which device type `{device_type}` does itself: give the device its password"
    )]
    LogIn {
        /// The type.
        device_type: Arc<str>,
    },
    /// No command pattern says which reply answers it, and the type has no `replies.default`.
    #[error("device type `{device_type}` knows no command `{body}`, so nothing could be taken for its answer")]
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
        self.fill(template, action, params)
    }

    /// The bytes of a template for a device.
    pub(super) fn fill(
        &self,
        template: &Template,
        action: Option<&Action>,
        params: &Params,
    ) -> Result<Payload, RequestError> {
        let mut body = PayloadBuilder::default();
        for piece in template.pieces() {
            match piece {
                Piece::Literal(bytes) => body.push(bytes),
                Piece::Hole { value, text, format } => match value.as_name() {
                    Some(name) => {
                        let (spec, value) = self.value_of(name, action, params)?;
                        self.write(&mut body, spec, value, format.as_ref(), action, params)?;
                    }
                    None => {
                        let number = value.number(&|name| self.operand(name, action, params));
                        let no_value = |message| RequestError::NoValue { text: text.clone(), message };
                        let number = number.map_err(|error| match error {
                            EvaluationError::Missing(name) => RequestError::MissingParam { name },
                            other => no_value(other.to_string()),
                        })?;
                        let format = format.as_ref().unwrap_or(self.plain_format());
                        let width = |name: &Arc<str>| self.width(name, action, params);
                        body.push(&format.write(number, width).map_err(no_value)?);
                    }
                },
            }
        }
        Ok(body.finish())
    }

    pub(super) fn value_of<'a>(
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
            let format = format.or(spec.wire.as_ref()).unwrap_or(self.plain_format());
            format.write(number, |name| self.width(name, action, params)).map_err(does_not_fit)
        };
        match value {
            ParamValue::Int(value) => out.push(&number(*value)?),
            ParamValue::Bool(value) => out.push(&number(i64::from(*value))?),
            ParamValue::Text(text) => out.push(text.as_bytes()),
            ParamValue::Bytes(bytes) => out.push(bytes),
            ParamValue::Choice(word) => {
                out.push(&self.wire_of(spec, word).map_err(does_not_fit)?);
            }
            ParamValue::Secret(secret) => out.push_secret(secret.expose().as_bytes()),
        }
        Ok(())
    }

    /// The first of a device's own parameters whose value has no room where the type writes it, and why. What no
    /// declaration limits, or only by a parameter that is not given, is left to the command that writes it.
    pub fn misfit(&self, params: &Params) -> Option<(Arc<str>, String)> {
        params.iter().find_map(|(name, value)| {
            let ParamValue::Int(number) = value else { return None };
            let spec = self.param(name)?;
            let wire = spec.wire.as_ref()?;
            let width = wire.width_field().map(|field| self.width(field, None, params)).transpose().ok()?;
            let why = wire.write(*number, |_| Ok(width.unwrap_or_default())).err()?;
            Some((spec.name.clone(), why))
        })
    }

    /// How a number is written where nothing says otherwise.
    fn plain_format(&self) -> &'static Format {
        if self.is_text { &Format::Text } else { &Format::U8 }
    }

    /// How many digits a field asks for.
    fn width(&self, name: &Arc<str>, action: Option<&Action>, params: &Params) -> Result<usize, String> {
        match self.value_of(name, action, params) {
            Ok((_, ParamValue::Int(width))) => {
                usize::try_from(*width).map_err(|_| format!("`{name}` is negative and no count of digits"))
            }
            Ok(_) => Err(format!("`{name}` is no count of digits")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What goes over the wire for a word of a choice.
    fn wire_of(&self, spec: &ParamSpec, word: &Arc<str>) -> Result<Vec<u8>, String> {
        let ParamKind::Choice { values } = &spec.kind else { return Err(format!("`{word}` is no value of it")) };
        let Some((_, wire)) = values.iter().find(|(known, _)| known == word) else {
            return Err(format!("`{word}` is none of its words"));
        };
        if self.is_text {
            escape::parse(wire).map_err(|error| error.to_string())
        } else {
            hex::bytes(wire).map_err(|error| error.message)
        }
    }

    /// A parameter or argument in an expression; `None` when it has no value.
    pub(super) fn operand<'v>(
        &'v self,
        name: &str,
        action: Option<&'v Action>,
        params: &'v Params,
    ) -> Option<Operand<'v>> {
        let (spec, value) = self.value_of(&Arc::from(name), action, params).ok()?;
        let bytes = |bytes: Cow<'v, [u8]>| if self.is_text { Operand::Text(bytes) } else { Operand::Bytes(bytes) };
        Some(match value {
            ParamValue::Int(value) => Operand::Int(*value),
            ParamValue::Bool(value) => Operand::Int(i64::from(*value)),
            ParamValue::Text(text) => bytes(Cow::Borrowed(text.as_bytes())),
            ParamValue::Bytes(value) => bytes(Cow::Borrowed(value)),
            ParamValue::Choice(word) => bytes(Cow::Owned(self.wire_of(spec, word).ok()?)),
            ParamValue::Secret(secret) => bytes(Cow::Borrowed(secret.expose().as_bytes())),
        })
    }

    /// How a device's unit is written on the wire.
    pub(super) fn unit_bytes(&self, params: &Params) -> Option<Vec<u8>> {
        let (spec, value) = self.value_of(self.unit_param.as_ref()?, None, params).ok()?;
        let mut out = PayloadBuilder::default();
        self.write(&mut out, spec, value, None, None, params).ok()?;
        Some(out.bytes().to_vec())
    }
}
