//! From a body to the bytes that go out, and to everything that follows from them.
//!
//! Apart from `body.rs`, which fills in one device's parameters, so that a plan can share a request among all devices
//! whose bodies are equal.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::action::{Action, Decoding};
use super::body::{CommandSource, RequestError};
use super::command::{CommandRule, CommandTraits};
use super::definition::DeviceType;
use super::expression::Operand;
use super::format::{Field, FieldRef, Format};
use super::judge::{Asked, ReplySpec, Sieve, Verdict};
use super::transfer::Transfer;
use crate::codec::{Frame, Framing, Memo};
use crate::model::escape::{hex, shown};
use crate::model::{Params, Payload, PayloadBuilder, TimingOverrides};

/// A command ready to be written, with everything that follows from its bytes.
#[derive(Debug)]
pub struct Request {
    device_type: Arc<DeviceType>,
    payload: Arc<Payload>,
    body: Payload,
    /// The fields of the body, as places in it.
    fields: Vec<(Arc<str>, Range<usize>, Format)>,
    understood: bool,
    traits: CommandTraits,
    /// Places in the type's lists.
    reply: Option<usize>,
    action: Option<usize>,
    /// What was said of the frame that came last: most devices of a fleet answer a command alike.
    judged: Memo<Verdict, 1>,
    /// Made at the first stray.
    sieve: OnceLock<Sieve>,
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
        if self.send.never.as_ref().is_some_and(|never| never.is_match(body.bytes())) {
            return Err(RequestError::EndsEarly { device_type: self.name.clone(), body: self.shown(&body) });
        }
        let action = match source {
            CommandSource::Raw(_) => None,
            CommandSource::Action(name) => self.actions.position(name),
        };
        let mut traits = self.traits_of(action.and_then(|index| self.actions.get(index, self)), body.bytes());
        if idempotent_override {
            traits.idempotent = Some(true);
        }
        traits.timing = traits.timing.over(self.timing);
        let reply = self.reply_of(&traits);
        if reply.is_none() && !traits.is_broadcast() {
            return Err(RequestError::NoReply { device_type: self.name.clone(), body: self.shown(&body) });
        }
        let found = self.fields_of(body.bytes());
        let understood = found.is_some() || self.send.fields.is_none();
        let fields = found.unwrap_or_default().into_iter().filter_map(|field| {
            let start = field.bytes.as_ptr().addr().checked_sub(body.bytes().as_ptr().addr())?;
            Some((Arc::from(field.name), start..start + field.bytes.len(), field.format))
        });
        let fields = fields.collect();
        let payload = Arc::new(self.framed(&body)?);
        let (device_type, judged, sieve) = (self.clone(), Memo::default(), OnceLock::new());
        Ok(Request { device_type, payload, body, fields, understood, traits, reply, action, judged, sieve })
    }

    /// A body with what surrounds it on the wire; its secrets stay marked.
    pub(super) fn framed(&self, body: &Payload) -> Result<Payload, RequestError> {
        let layout = &self.send.layout;
        if layout.is_bare() {
            return Ok(body.clone());
        }
        let mut framed = PayloadBuilder::default();
        let written = layout.write(body.bytes(), |bytes, of_body| match of_body {
            None => framed.push(bytes),
            Some(range) if range.len() == body.bytes().len() => framed.push_payload(body),
            Some(_) if body.has_secret() => framed.push_secret(bytes),
            Some(_) => framed.push(bytes),
        });
        written.map_err(|error| RequestError::NoFrame { message: error.to_string() })?;
        Ok(framed.finish())
    }

    /// A body for people: text with escapes, or hex.
    pub(super) fn shown(&self, body: &Payload) -> String {
        if self.is_text { body.shown() } else { body.shown_hex() }
    }

    /// Bytes of the type's language for people: text with escapes, or hex.
    pub(super) fn readable(&self, bytes: &[u8]) -> String {
        if self.is_text { shown(bytes) } else { hex(bytes) }
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

    /// Whether it counts for circuits: the device draws its inrush once it has this command.
    pub fn draws_inrush(&self) -> bool {
        self.traits.draws_inrush()
    }

    /// Whether an answer is expected.
    pub fn expects_reply(&self) -> bool {
        self.framing().is_some()
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
        self.reply_spec()?.framing.as_ref()
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

    fn action(&self) -> Option<&Action> {
        self.action.and_then(|index| self.device_type.actions.get(index, &self.device_type))
    }

    /// What a frame says about this request, to a device with these parameters (over them: the action's arguments).
    pub fn judge(&self, frame: &Frame, params: &Params) -> Verdict {
        self.judge_bytes(&frame.bytes, params)
    }

    /// Whether a frame is judged a stray. Most of those that are need no judging for it: they name another command or unit,
    /// or carry another value, where it can be told without a search.
    pub fn is_stray(&self, frame: &[u8], params: &Params) -> bool {
        let Some(reply) = self.reply_spec() else { return true };
        let sent = |name: &str| {
            let (_, place, _) = self.fields.iter().find(|(one, ..)| **one == *name)?;
            self.body.bytes().get(place.clone())
        };
        let sieve = self.sieve.get_or_init(|| reply.sieve(sent, self.echo()));
        reply.answers_another(sieve, frame) || self.judge_bytes(frame, params) == Verdict::Stray
    }

    fn judge_bytes(&self, frame: &[u8], params: &Params) -> Verdict {
        let Some(reply) = self.reply_spec() else { return Verdict::Stray };
        let action = self.action();
        let decoding = action.and_then(|action| action.value.as_ref());
        let judge = || {
            let asked = Asked {
                fields: &self.fields(),
                echo: self.echo(),
                decoding,
                transfer: self.transfer(),
                param: &|name| self.device_type.operand(name, action, params),
            };
            reply.judge(&asked, frame)
        };
        if decoding.is_some_and(Decoding::asks_the_device) { judge() } else { self.judged.get(frame, judge) }
    }

    /// The fields that a yes must carry back.
    fn echo(&self) -> &[FieldRef] {
        self.traits.echo.as_deref().unwrap_or_default()
    }

    /// The file that follows a reply that is judged ok, when one does.
    pub fn transfer(&self) -> Option<&Transfer> {
        self.action()?.transfer.as_ref()
    }

    /// How many bytes of the file a reply that was judged ok announces.
    pub fn announced(&self, frame: &Frame) -> Option<u64> {
        self.reply_spec()?.announced(self.transfer()?, frame)
    }

    /// The unit it names, when that is another one than the device's own; a broadcast means no unit in particular.
    pub fn unit_named(&self, params: &Params) -> Option<String> {
        let device_type = &*self.device_type;
        if self.is_broadcast() {
            return None;
        }
        let Some(field) = device_type.unit_field.as_ref() else {
            let bytes = Cow::Borrowed(self.body.bytes());
            let body = if device_type.is_text { Operand::Text(bytes) } else { Operand::Bytes(bytes) };
            let unit = device_type.rule_of(self.body.bytes())?.unit.as_ref()?;
            let named = unit.number(&|name| (name == "body").then(|| body.clone())).ok()?;
            let own = device_type.operand(device_type.unit_param.as_ref()?, None, params)?.number()?;
            return (named != own).then(|| named.to_string());
        };
        let named = super::format::field(&self.fields(), &field.name)?;
        let own = device_type.unit_bytes(params)?;
        (!field.agree(named, &own)).then(|| shown(named))
    }

    fn fields(&self) -> Vec<Field<'_>> {
        let bytes = self.body.bytes();
        self.fields
            .iter()
            .filter_map(|(name, place, format)| {
                Some(Field { name, bytes: bytes.get(place.clone())?, format: format.clone() })
            })
            .collect()
    }
}

impl DeviceType {
    /// What is true of a body: what the action says, over the first command pattern that matches.
    pub(super) fn traits_of(&self, action: Option<&Action>, body: &[u8]) -> CommandTraits {
        let pattern = self.rule_of(body).map(|rule| &rule.traits);
        match (action.map(|action| &action.traits), pattern) {
            (Some(own), Some(pattern)) => own.over(pattern),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => CommandTraits::default(),
        }
    }

    /// The first command pattern that matches a body.
    fn rule_of(&self, body: &[u8]) -> Option<&CommandRule> {
        self.commands.iter().find(|rule| rule.when.is_match(body))
    }

    /// Which of the replies answers a command of which this is true.
    pub(super) fn reply_of(&self, traits: &CommandTraits) -> Option<usize> {
        let name = traits.reply.as_deref().unwrap_or("default");
        self.replies.iter().position(|reply| &*reply.name == name)
    }

    /// The fields of a body.
    pub(super) fn fields_of<'b>(&'b self, body: &'b [u8]) -> Option<Vec<Field<'b>>> {
        self.send.fields.as_ref()?.fields(body)
    }
}

#[cfg(test)]
mod tests;
