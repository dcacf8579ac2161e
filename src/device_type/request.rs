//! From a command and a device's parameters to the bytes that go out, and to everything that follows from them.
//!
//! Two steps, so that a plan can share the second among devices: `body` fills in a device's parameters, `request` adds
//! the affixes and looks up what is true of that body.

use std::ops::Range;
use std::sync::Arc;

use regex::bytes::Regex;

use super::action::Action;
use super::command::CommandTraits;
use super::definition::DeviceType;
use super::format::Format;
use super::judge::{ReplySpec, Verdict};
use super::param::{ParamKind, ParamSpec};
use super::template::{Piece, Template};
use crate::codec::{Frame, Framing};
use crate::model::escape::{self, shown};
use crate::model::{ParamValue, Params, Payload, PayloadBuilder, TimingOverrides};

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

/// A command ready to be written, with everything that follows from its bytes.
#[derive(Debug)]
pub struct Request {
    device_type: Arc<DeviceType>,
    payload: Arc<Payload>,
    /// The fields of the body, as places in the payload.
    fields: Vec<(Arc<str>, Range<usize>)>,
    understood: bool,
    traits: CommandTraits,
    /// Places in the type's lists.
    reply: Option<usize>,
    action: Option<usize>,
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

    /// Everything that follows from a body: affixes, what is true of it, how its reply is framed and judged.
    ///
    /// # Errors
    /// When nothing says what answers it.
    pub fn request(
        self: &Arc<Self>,
        source: &CommandSource,
        body: Payload,
        idempotent_override: bool,
    ) -> Result<Request, RequestError> {
        let action = match source {
            CommandSource::Raw(_) => None,
            CommandSource::Action(name) => self.actions.iter().position(|action| action.name == *name),
        };
        let mut traits = self.traits_of(action.and_then(|index| self.actions.get(index)), body.bytes());
        if idempotent_override {
            traits.idempotent = Some(true);
        }
        traits.timing = traits.timing.over(self.timing);
        let reply = self.reply_of(&traits);
        if reply.is_none() && !traits.is_broadcast() {
            return Err(RequestError::NoReply { device_type: self.name.clone(), body: body.shown() });
        }
        let offset = self.send.prefix.len();
        let groups = self.send.fields.as_ref().and_then(|pattern| Some((pattern, pattern.captures(body.bytes())?)));
        let fields = groups.as_ref().map_or_else(Vec::new, |(pattern, groups)| {
            let place = |name: &str| groups.name(name).map(|found| found.start() + offset..found.end() + offset);
            pattern.capture_names().flatten().filter_map(|name| Some((name.into(), place(name)?))).collect()
        });
        let understood = groups.is_some() || self.send.fields.is_none();
        let payload = if self.send.prefix.is_empty() && self.send.suffix.is_empty() {
            body
        } else {
            let mut framed = PayloadBuilder::default();
            framed.push(&self.send.prefix);
            framed.push_payload(&body);
            framed.push(&self.send.suffix);
            framed.finish()
        };
        Ok(Request { device_type: self.clone(), payload: Arc::new(payload), fields, understood, traits, reply, action })
    }
}

impl Request {
    /// The type whose language it is.
    pub fn device_type(&self) -> &Arc<DeviceType> {
        &self.device_type
    }

    /// What is written: the body with its affixes.
    pub fn payload(&self) -> &Arc<Payload> {
        &self.payload
    }

    /// Whether it may be sent twice.
    pub fn is_idempotent(&self) -> bool {
        self.traits.is_idempotent()
    }

    /// Whether it only asks.
    pub fn is_query(&self) -> bool {
        self.traits.is_query()
    }

    /// Whether it speaks to all units, so that no answer is expected.
    pub fn is_broadcast(&self) -> bool {
        self.traits.is_broadcast()
    }

    /// Whether the type's `send.fields` can read it. If not, no reply can be told to be its answer: each is a stray.
    pub fn is_understood(&self) -> bool {
        self.understood
    }

    /// Times and retries: of the action, over those of the command pattern, over those of the type.
    pub fn timing(&self) -> TimingOverrides {
        self.traits.timing
    }

    /// How its reply is found in the stream; `None` when no answer is expected.
    pub fn framing(&self) -> Option<&Arc<Framing>> {
        self.reply_spec().map(|reply| &reply.framing)
    }

    /// Whether replies name the request that they answer, so that a late one cannot be taken for another's.
    pub fn matches_replies(&self) -> bool {
        self.reply_spec().is_some_and(|reply| !reply.match_fields.is_empty())
    }

    fn reply_spec(&self) -> Option<&ReplySpec> {
        if self.is_broadcast() {
            return None;
        }
        self.reply.and_then(|index| self.device_type.replies.get(index))
    }

    /// What a frame says about this request.
    pub fn judge(&self, frame: &Frame) -> Verdict {
        let Some(reply) = self.reply_spec() else { return Verdict::Stray };
        let decoding = self.action.and_then(|index| self.device_type.actions.get(index)).and_then(|a| a.value.as_ref());
        reply.judge(&self.fields(), self.traits.echo.as_deref().unwrap_or_default(), decoding, frame)
    }

    /// The unit it names, when that is another one than the device's own; a broadcast means no unit in particular.
    pub fn unit_named(&self, params: &Params) -> Option<String> {
        let device_type = &*self.device_type;
        let field = device_type.unit_field.as_ref()?;
        if self.is_broadcast() {
            return None;
        }
        let named = super::format::field(&self.fields(), &field.name)?;
        let own = device_type.unit_bytes(params)?;
        (!field.agree(named, &own)).then(|| shown(named))
    }

    fn fields(&self) -> Vec<(&str, &[u8])> {
        let bytes = self.payload.bytes();
        self.fields.iter().filter_map(|(name, place)| Some((&**name, bytes.get(place.clone())?))).collect()
    }
}

impl DeviceType {
    /// What is true of a body: what the action says, over the first command pattern that matches.
    pub(super) fn traits_of(&self, action: Option<&Action>, body: &[u8]) -> CommandTraits {
        let pattern = self.commands.iter().find(|rule| rule.when.is_match(body)).map(|rule| &rule.traits);
        match (action.map(|action| &action.traits), pattern) {
            (Some(own), Some(pattern)) => own.over(pattern),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => CommandTraits::default(),
        }
    }

    /// Which of the replies answers a command of which this is true.
    pub(super) fn reply_of(&self, traits: &CommandTraits) -> Option<usize> {
        let name = traits.reply.as_deref().unwrap_or("default");
        self.replies.iter().position(|reply| &*reply.name == name)
    }

    /// How a device's unit is written on the wire.
    pub(super) fn unit_bytes(&self, params: &Params) -> Option<Vec<u8>> {
        let (spec, value) = self.value_of(self.unit_param.as_ref()?, None, params).ok()?;
        let mut out = PayloadBuilder::default();
        self.write(&mut out, spec, value, None, None, params).ok()?;
        Some(out.bytes().to_vec())
    }

    /// The fields of a body.
    pub(super) fn fields_of<'b>(&self, body: &'b [u8]) -> Option<Vec<(&str, &'b [u8])>> {
        let pattern = self.send.fields.as_ref()?;
        named_groups(pattern, body)
    }
}

/// The names of a pattern's groups.
pub(super) fn named_group_names(pattern: &Regex) -> impl Iterator<Item = &str> {
    pattern.capture_names().flatten()
}

/// The named groups that take part in a match; `None` when nothing matches.
pub(super) fn named_groups<'p, 'b>(pattern: &'p Regex, bytes: &'b [u8]) -> Option<Vec<(&'p str, &'b [u8])>> {
    let groups = pattern.captures(bytes)?;
    Some(named_group_names(pattern).filter_map(|name| Some((name, groups.name(name)?.as_bytes()))).collect())
}
