//! Judges a frame: is it the answer, and does it say yes, no or later?
//!
//! In this order: fields that request and reply must share (`match`), else the frame is a stray; the rules, the first
//! that matches; for a yes the fields that the command expects back (`echo`), else it is a stray too, the late answer
//! to another command (contract.md, "Judging").

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::action::Decoding;
use super::expression::Operand;
use super::format::{Field, FieldRef, Fields, Format, field, named};
use super::pattern::Pattern;
use super::template::Template;
use super::transfer::Transfer;
use crate::codec::{FirstOf, Frame, Framing, Memo};
use crate::lie::{Lie, tells};
use crate::model::Value;
use crate::model::escape::{hex, printable, shown};

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
    /// The answer announces more bytes than the type allows.
    TooLong {
        /// How many.
        announced: u64,
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
    pub when: Pattern,
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
    /// How it is found in the stream; `None`: no reply comes.
    pub framing: Option<Arc<Framing>>,
    /// Fields that request and reply must share.
    pub match_fields: Vec<FieldRef>,
    /// The field that is the reply's value.
    pub value: Option<Arc<str>>,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
    /// What frames say by themselves, whoever was asked.
    pub(super) understood: Memo<Arc<Understood>>,
    /// Which rule speaks of a frame; made at the first stray that it takes to tell, `None` where it cannot be.
    pub(super) first_rule: OnceLock<Option<FirstOf>>,
}

/// What a frame says by itself.
#[derive(Debug)]
pub(super) struct Understood {
    /// The rule that speaks of it.
    rule: Option<usize>,
    /// Its fields: first those of the rule, then, from the given one on, those of the framing.
    fields: Box<[Place]>,
    of_framing: usize,
}

/// A field as a place in its frame.
#[derive(Debug)]
struct Place {
    name: Box<str>,
    range: Range<usize>,
    format: Format,
}

impl Place {
    fn of(field: Field<'_>, frame: &[u8]) -> Self {
        let start = field.bytes.as_ptr().addr().saturating_sub(frame.as_ptr().addr());
        Self { name: field.name.into(), range: start..start + field.bytes.len(), format: field.format }
    }

    fn field<'f>(&'f self, frame: &'f [u8]) -> Option<Field<'f>> {
        Some(Field { name: &self.name, bytes: frame.get(self.range.clone())?, format: self.format.clone() })
    }
}

impl Understood {
    /// All fields.
    fn fields<'f>(&'f self, frame: &'f [u8]) -> Vec<Field<'f>> {
        self.fields.iter().filter_map(|place| place.field(frame)).collect()
    }

    /// The bytes of a field of the framing.
    fn of_framing<'f>(&self, name: &str, frame: &'f [u8]) -> Option<&'f [u8]> {
        let place = self.fields.get(self.of_framing..)?.iter().find(|place| *place.name == *name)?;
        frame.get(place.range.clone())
    }
}

/// What the fields that frames begin with must say for a frame to be a request's answer.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    /// None is an answer.
    is_mute: bool,
    /// One for each field of the framing's lead.
    fields: Box<[Sifted]>,
}

/// What a field must say; `None`: anything will do.
#[derive(Debug)]
struct Sifted {
    /// In any answer.
    shared: Option<Own>,
    /// In a yes.
    echoed: Option<Own>,
}

/// A field of a request as replies must have it; [`FieldRef::agree`] with one side known.
#[derive(Debug)]
struct Own {
    sent: Box<[u8]>,
    number: Option<i64>,
    format: Format,
}

impl Own {
    fn differs(&self, came: &[u8]) -> bool {
        *came != *self.sent && (self.number.is_none() || self.format.read(came) != self.number)
    }
}

/// What an answer must agree with, and what its value means.
pub(super) struct Asked<'a> {
    /// The fields of the request.
    pub(super) fields: &'a Fields<'a>,
    /// Those that a yes must carry back.
    pub(super) echo: &'a [FieldRef],
    pub(super) decoding: Option<&'a Decoding>,
    pub(super) transfer: Option<&'a Transfer>,
    /// The device's parameters in expressions.
    pub(super) param: &'a dyn Fn(&str) -> Option<Operand<'a>>,
}

impl ReplySpec {
    /// The fields that this reply may have.
    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.framing.iter().flat_map(|framing| framing.field_names())
    }

    /// The same with those that its rules read.
    pub(super) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.field_names().chain(self.rules.iter().flat_map(|rule| rule.when.names()))
    }

    /// What a frame says by itself.
    fn understand(&self, framing: &Framing, frame: &[u8]) -> Arc<Understood> {
        self.understood.get(frame, || {
            let body = framing.body(frame);
            let found = self.rules.iter().enumerate().find_map(|(place, rule)| Some((place, rule.when.fields(body)?)));
            let (rule, mut fields) = found.map_or((None, Vec::new()), |(place, fields)| (Some(place), fields));
            let of_framing = fields.len();
            fields.extend(framing.fields(frame).into_iter().map(|(name, bytes)| Field::text(name, bytes)));
            Arc::new(Understood {
                rule,
                fields: fields.into_iter().map(|field| Place::of(field, frame)).collect(),
                of_framing,
            })
        })
    }

    /// How many bytes a frame that says yes announces.
    pub(super) fn announced(&self, transfer: &Transfer, frame: &Frame) -> Option<u64> {
        let understood = self.understand(self.framing.as_ref()?, &frame.bytes);
        let rule = self.rules.get(understood.rule?)?;
        if rule.verdict == RuleVerdict::Ok { transfer.announced(&understood.fields(&frame.bytes)) } else { None }
    }

    /// What tells strays from the answer to a request whose fields `sent` gives, a yes to which carries `echo`.
    pub(super) fn sieve<'a>(&self, sent: impl Fn(&str) -> Option<&'a [u8]>, echo: &[FieldRef]) -> Sieve {
        let Some(lead) = self.framing.as_ref().and_then(|framing| framing.lead()) else { return Sieve::default() };
        let own = |among: &[FieldRef], name: &str| {
            let field = among.iter().find(|one| *one.name == *name && !is_let_pass(one))?;
            let sent = sent(name)?;
            Some(Own { sent: sent.into(), number: field.format.read(sent), format: field.format.clone() })
        };
        // What a request does not say, no reply can share with it.
        let is_mute = self.match_fields.iter().any(|one| sent(&one.name).is_none());
        let sifted = |name| Sifted { shared: own(&self.match_fields, name), echoed: own(echo, name) };
        Sieve { is_mute, fields: lead.names().map(sifted).collect() }
    }

    /// Whether a frame certainly answers another request: what is judged a stray in any case. Nothing is remembered of
    /// it: most strays that differ come once.
    pub(super) fn answers_another(&self, sieve: &Sieve, frame: &[u8]) -> bool {
        let Some(lead) = self.framing.as_ref().and_then(|framing| framing.lead()) else { return false };
        let mut is_no_yes = false;
        for (sifted, came) in sieve.fields.iter().zip(lead.fields(frame)) {
            let differs = |own: &Option<Own>| own.as_ref().is_some_and(|own| own.differs(came));
            if differs(&sifted.shared) {
                return true;
            }
            is_no_yes |= differs(&sifted.echoed);
        }
        sieve.is_mute || is_no_yes && self.says_yes(frame)
    }

    /// Whether a frame of a framing by pattern, whose body is all of it, certainly says yes to somebody.
    fn says_yes(&self, frame: &[u8]) -> bool {
        let make = || FirstOf::new(self.rules.iter().map(|rule| rule.when.text()).collect::<Option<Vec<_>>>()?);
        let rule = self.first_rule.get_or_init(make).as_ref().and_then(|first| first.find(frame));
        rule.and_then(|place| self.rules.get(place)).is_some_and(|rule| rule.verdict == RuleVerdict::Ok)
    }

    /// Judges a frame that came after a request.
    pub(super) fn judge<'a>(&'a self, asked: &Asked<'a>, frame: &'a [u8]) -> Verdict {
        let Some(framing) = &self.framing else { return Verdict::Stray };
        let understood = self.understand(framing, frame);
        let came = |name: &str| understood.of_framing(name, frame);
        let shared = |one: &FieldRef| match (field(asked.fields, &one.name), came(&one.name)) {
            (Some(sent), Some(came)) => one.agree(sent, came) || is_let_pass(one),
            _ => false,
        };
        if !self.match_fields.iter().all(shared) {
            return Verdict::Stray;
        }
        let malformed = || Verdict::Malformed { message: shown(frame) };
        let Some(rule) = understood.rule.and_then(|place| self.rules.get(place)) else { return malformed() };
        let fields = understood.fields(frame);
        let message = || message(rule.message.as_ref(), &fields, frame);
        match rule.verdict {
            RuleVerdict::Skip if tells(Lie::SkippedFrameTaken) => Verdict::Ok { value: None },
            RuleVerdict::Refused if tells(Lie::RefusalTaken) => Verdict::Ok { value: None },
            RuleVerdict::Ok => {
                // A request without the field expects nothing back.
                if !asked.echo.iter().filter(|one| field(asked.fields, &one.name).is_some()).all(shared) {
                    return Verdict::Stray;
                }
                if let Some(transfer) = asked.transfer {
                    return match transfer.announced(&fields) {
                        None | Some(0) => malformed(),
                        Some(announced) if announced > transfer.max => Verdict::TooLong { announced },
                        Some(_) => Verdict::Ok { value: None },
                    };
                }
                let raw = self.value.as_deref().and_then(|name| named(&fields, name));
                let value = match asked.decoding {
                    Some(decoding) => decoding.decode(raw, &fields, &|name| (asked.param)(name)),
                    None => raw.map(Decoding::as_it_came),
                };
                Verdict::Ok { value }
            }
            RuleVerdict::Refused => Verdict::Refused { message: message() },
            RuleVerdict::Busy => Verdict::Busy { message: message() },
            RuleVerdict::Auth => Verdict::Auth { message: message() },
            RuleVerdict::Skip => Verdict::Stray,
        }
    }
}

/// Whether a field that differs is let pass by a planted lie.
fn is_let_pass(field: &FieldRef) -> bool {
    match &*field.name {
        "id" => tells(Lie::UnitNotCompared),
        "c2" => tells(Lie::CommandNotCompared),
        "data" => tells(Lie::ValueNotCompared),
        _ => false,
    }
}

/// A message with the fields of a frame, or the frame itself where there is none; safe for a terminal.
pub(super) fn message(template: Option<&Template>, fields: &Fields<'_>, frame: &[u8]) -> String {
    let Some(template) = template else { return shown(frame) };
    // The file's own words may hold any letter; what the device sent is escaped before it goes in.
    let written = |field: &Field<'_>| if field.format == Format::Text { shown(field.bytes) } else { hex(field.bytes) };
    let value = |name: &str| Some(Operand::Text(written(named(fields, name)?).into_bytes().into()));
    printable(&String::from_utf8_lossy(&template.fill(&value).unwrap_or_default()))
}
