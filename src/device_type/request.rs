//! From a body to the bytes that go out, and to everything that follows from them.
//!
//! Apart from `body.rs`, which fills in one device's parameters, so that a plan can share a request among all devices
//! whose bodies are equal.

use std::ops::Range;
use std::sync::Arc;

use regex::bytes::Regex;

use super::action::Action;
use super::body::{CommandSource, RequestError};
use super::command::CommandTraits;
use super::definition::DeviceType;
use super::judge::{ReplySpec, Verdict};
use crate::codec::{Frame, Framing};
use crate::model::escape::shown;
use crate::model::{Params, Payload, PayloadBuilder, TimingOverrides};

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

#[cfg(test)]
mod tests;
