//! Judges a frame: is it the answer, and does it say yes, no or later?
//!
//! In this order: fields that request and reply must share (`match`), else the frame is a stray; the rules, the first
//! that matches; for a yes the fields that the command expects back (`echo`), else it is a stray too, the late answer
//! to another command (contract.md, "Judging").

use std::sync::Arc;

use regex::bytes::Regex;

use super::action::Decoding;
use super::format::{FieldRef, Fields, field};
use super::request::named_groups;
use super::template::Template;
use crate::codec::{Frame, Framing};
use crate::model::Value;
use crate::model::escape::{printable, shown};

/// What a frame says about the request. Messages are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Ok {
        /// What the reply carried.
        value: Option<Value>,
    },
    /// No.
    Refused {
        /// Why, as far as it says.
        message: String,
    },
    /// Not now.
    Busy {
        /// Why, as far as it says.
        message: String,
    },
    /// No, for want of a right password.
    Auth {
        /// Why, as far as it says.
        message: String,
    },
    /// Not the answer: another command's, another unit's, or one that is to be passed over.
    Stray,
    /// The answer, but it makes no sense.
    Malformed {
        /// What came.
        message: String,
    },
}

/// What a rule says of the frames that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleVerdict {
    /// Yes.
    Ok,
    /// No.
    Refused,
    /// Not now.
    Busy,
    /// No, for want of a right password.
    Auth,
    /// To be passed over.
    Skip,
}

impl RuleVerdict {
    /// Every verdict with its word in type files.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("ok", Self::Ok),
        ("refused", Self::Refused),
        ("busy", Self::Busy),
        ("auth", Self::Auth),
        ("skip", Self::Skip),
    ];
}

/// A rule of a reply.
#[derive(Debug)]
pub struct Rule {
    /// Which frames it speaks of.
    pub when: Regex,
    /// What it says of them.
    pub verdict: RuleVerdict,
    /// The message, with the frame's fields.
    pub message: Option<Template>,
}

/// `[replies.N]`: how a reply is framed and judged.
#[derive(Debug)]
pub struct ReplySpec {
    /// Its name in the file.
    pub name: Arc<str>,
    /// How it is found in the stream.
    pub framing: Arc<Framing>,
    /// Fields that request and reply must share.
    pub match_fields: Vec<FieldRef>,
    /// The field that is the reply's value.
    pub value: Option<Arc<str>>,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
}

impl ReplySpec {
    /// Judges a frame that came after a request with these fields.
    pub(super) fn judge(
        &self,
        request: &Fields<'_>,
        echo: &[FieldRef],
        decoding: Option<&Decoding>,
        frame: &Frame,
    ) -> Verdict {
        let reply = self.framing.fields(&frame.bytes);
        let shared = |asked: &FieldRef| match (field(request, &asked.name), field(&reply, &asked.name)) {
            (Some(sent), Some(came)) => asked.agree(sent, came),
            _ => false,
        };
        if !self.match_fields.iter().all(shared) {
            return Verdict::Stray;
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.when.is_match(&frame.bytes)) else {
            return Verdict::Malformed { message: shown(&frame.bytes) };
        };
        let message = || rule.message(frame, &reply);
        match rule.verdict {
            RuleVerdict::Ok => {
                // A request without the field expects nothing back.
                if !echo.iter().filter(|asked| field(request, &asked.name).is_some()).all(shared) {
                    return Verdict::Stray;
                }
                let raw = self.value.as_deref().and_then(|name| field(&reply, name));
                let value = raw.map(|raw| match decoding {
                    Some(decoding) => decoding.decode(raw),
                    None => Decoding::as_it_came(raw),
                });
                Verdict::Ok { value }
            }
            RuleVerdict::Refused => Verdict::Refused { message: message() },
            RuleVerdict::Busy => Verdict::Busy { message: message() },
            RuleVerdict::Auth => Verdict::Auth { message: message() },
            RuleVerdict::Skip => Verdict::Stray,
        }
    }
}

impl Rule {
    fn message(&self, frame: &Frame, reply: &Fields<'_>) -> String {
        let Some(message) = &self.message else { return shown(&frame.bytes) };
        // The file's own words may hold any letter; what the device sent is escaped before it goes in.
        let groups = named_groups(&self.when, &frame.bytes).unwrap_or_default();
        let escaped: Vec<(&str, String)> =
            groups.iter().chain(reply).map(|&(name, bytes)| (name, shown(bytes))).collect();
        let filled =
            message.fill(|name| escaped.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_bytes()));
        printable(&String::from_utf8_lossy(&filled))
    }
}
