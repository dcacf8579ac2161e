//! Logging in: what is said to a device once per connection before its first command, and what it answers.
//!
//! A log-in is a pure value: equal for devices whose type and passwords are equal, so that a lane can tell whether a
//! connection serves two of them. A session carries it out. It belongs to the type: a raw command that is part of it is
//! refused before anything is sent.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::body::{CommandSource, RequestError};
use super::definition::DeviceType;
use super::expression::Expression;
use super::judge::message;
use super::pattern::Pattern;
use super::template::{Piece, Template};
use crate::codec::{Frame, Framing};
use crate::model::escape::shown;
use crate::model::{Params, Payload};

/// `[login]` of a type.
#[derive(Debug)]
pub(super) struct LoginSpec {
    /// Whether a device needs it; always without one.
    pub(super) needed: Option<Expression>,
    pub(super) steps: Vec<StepSpec>,
}

/// A step of `[login]`.
#[derive(Debug)]
pub(super) struct StepSpec {
    pub(super) send: Option<Template>,
    pub(super) framing: Arc<Framing>,
    pub(super) rules: Arc<[LoginRule]>,
    pub(super) logout: Option<(Template, Arc<Framing>)>,
}

/// A rule of a step: what follows from a reply.
#[derive(Debug)]
pub(super) struct LoginRule {
    pub(super) when: Pattern,
    pub(super) then: LoginThen,
    pub(super) message: Option<Template>,
}

/// What a rule of a step says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginThen {
    Next,
    Done,
    Auth,
}

impl LoginThen {
    /// Each with its word in type files.
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("next", Self::Next), ("done", Self::Done), ("auth", Self::Auth)];
}

/// A log-in, ready to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login {
    /// In order.
    pub steps: Vec<LoginStep>,
}

/// A step of a log-in.
#[derive(Debug, Clone)]
pub struct LoginStep {
    /// What is written; `None`: the device speaks first.
    pub send: Option<Arc<Payload>>,
    /// How its reply is found in the stream.
    pub framing: Arc<Framing>,
    /// What is done before the connection closes, once this step was carried out.
    pub logout: Option<Logout>,
    rules: Arc<[LoginRule]>,
}

/// The end of a session; its reply is read and not judged.
#[derive(Debug, Clone)]
pub struct Logout {
    /// What is written.
    pub payload: Arc<Payload>,
    /// How its reply is found in the stream.
    pub framing: Arc<Framing>,
}

/// What a reply to a step says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginVerdict {
    /// The next step follows.
    Next {
        /// What the type's rule says of it, if it says anything.
        message: Option<String>,
    },
    /// The log-in is over: the command may follow.
    Done {
        /// What the type's rule says of it, if it says anything.
        message: Option<String>,
    },
    /// The password is refused.
    Auth {
        /// Why, as far as it says.
        message: String,
    },
    /// The reply makes no sense.
    Malformed {
        /// What came.
        message: String,
    },
}

impl PartialEq for LoginStep {
    fn eq(&self, other: &Self) -> bool {
        // Rules and framings belong to the type and are shared.
        self.send == other.send && Arc::ptr_eq(&self.rules, &other.rules)
    }
}

impl Eq for LoginStep {}

impl Hash for LoginStep {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.send.hash(state);
        Arc::as_ptr(&self.rules).cast::<()>().hash(state);
    }
}

impl LoginStep {
    /// What a frame says that came after this step.
    pub fn judge(&self, frame: &Frame) -> LoginVerdict {
        let body = self.framing.body(&frame.bytes);
        let Some(rule) = self.rules.iter().find(|rule| rule.when.is_match(body)) else {
            return LoginVerdict::Malformed { message: shown(&frame.bytes) };
        };
        let fields = rule.when.fields(body).unwrap_or_default();
        let said = || rule.message.as_ref().map(|template| message(Some(template), &fields, &frame.bytes));
        match rule.then {
            LoginThen::Next => LoginVerdict::Next { message: said() },
            LoginThen::Done => LoginVerdict::Done { message: said() },
            LoginThen::Auth => LoginVerdict::Auth { message: message(rule.message.as_ref(), &fields, &frame.bytes) },
        }
    }
}

impl DeviceType {
    /// What a device with these parameters is told before its first command; `None` when it needs no log-in.
    ///
    /// # Errors
    /// When a value is missing or does not fit.
    pub fn login(self: &Arc<Self>, params: &Params) -> Result<Option<Arc<Login>>, RequestError> {
        let Some(spec) = &self.login else { return Ok(None) };
        if let Some(needed) = &spec.needed {
            let value = needed.number(&|name| self.operand(name, None, params));
            let no_value = |message| RequestError::NoValue { text: "login.if".into(), message };
            if value.map_err(|error| no_value(error.to_string()))? == 0 {
                return Ok(None);
            }
        }
        let payload = |template: &Template| {
            let body = self.fill(template, None, params)?;
            Ok(Arc::new(self.framed(&body)?))
        };
        let step = |step: &StepSpec| {
            let logout = match &step.logout {
                Some((template, framing)) => Some(Logout { payload: payload(template)?, framing: framing.clone() }),
                None => None,
            };
            let send = step.send.as_ref().map(payload).transpose()?;
            Ok(LoginStep { send, framing: step.framing.clone(), logout, rules: step.rules.clone() })
        };
        Ok(Some(Arc::new(Login { steps: spec.steps.iter().map(step).collect::<Result<_, RequestError>>()? })))
    }

    /// The beginning of the log-in that says nothing of the device's own: what may be asked of a device whose password
    /// is not known, to learn whether it wants one. `None` where the type's log-in begins otherwise.
    ///
    /// # Errors
    /// When its frame has no room for it.
    pub fn login_opening(self: &Arc<Self>) -> Result<Option<Arc<Login>>, RequestError> {
        let Some(spec) = &self.login else { return Ok(None) };
        let is_plain = |step: &&StepSpec| {
            step.send.as_ref().is_none_or(|send| matches!(send.pieces(), [Piece::Literal(_)])) && step.logout.is_none()
        };
        let opening = spec.steps.iter().take_while(is_plain).map(|step| {
            let send = match &step.send {
                Some(template) => {
                    let body = self.fill(template, None, &Params::default())?;
                    Some(Arc::new(self.framed(&body)?))
                }
                None => None,
            };
            Ok(LoginStep { send, framing: step.framing.clone(), logout: None, rules: step.rules.clone() })
        });
        let steps = opening.collect::<Result<Vec<_>, RequestError>>()?;
        Ok((!steps.is_empty() && steps.len() < spec.steps.len()).then(|| Arc::new(Login { steps })))
    }

    /// Checks what only holds for one device: a command that one of its switches must allow, and that no raw command is
    /// part of the log-in.
    ///
    /// # Errors
    /// When the command may not be sent.
    pub fn check(&self, source: &CommandSource, body: &Payload, params: &Params) -> Result<(), RequestError> {
        if let (CommandSource::Raw(_), Some(login)) = (source, &self.login)
            && login.is_part(body.bytes())
        {
            return Err(RequestError::LogIn { device_type: self.name.clone() });
        }
        if !self.has_conditions {
            return Ok(());
        }
        let action = if let CommandSource::Action(name) = source { self.action(name) } else { None };
        let Some(param) = self.traits_of(action, body.bytes()).only_if else { return Ok(()) };
        let is_true = self.operand(&param, action, params).and_then(|value| value.number()) == Some(1);
        if is_true { Ok(()) } else { Err(RequestError::NotAllowed { body: self.shown(body), param }) }
    }
}

impl LoginSpec {
    /// Whether a body is one that the log-in or its end would send, whatever the password.
    fn is_part(&self, body: &[u8]) -> bool {
        let of_step = |step: &StepSpec| {
            step.send.iter().chain(step.logout.iter().map(|(template, _)| template)).any(|send| begins(send, body))
        };
        self.steps.iter().any(of_step)
    }
}

/// Whether a template could make `body`, judged by the bytes before its first hole.
fn begins(template: &Template, body: &[u8]) -> bool {
    match template.pieces() {
        [Piece::Literal(whole)] => **whole == *body,
        [Piece::Literal(first), Piece::Hole { .. }, ..] => body.starts_with(first),
        _ => false,
    }
}
