//! What is true of a command, raw or by an action: may it be sent twice, is it answered, how long may that take.

use std::sync::Arc;

use super::expression::Expression;
use super::format::FieldRef;
use super::pattern::Pattern;
use crate::model::TimingOverrides;

/// What a `[[command]]` or an action says; what it does not say is left to the layer below.
#[derive(Debug, Clone, Default)]
pub struct CommandTraits {
    /// Whether it may be sent twice.
    pub idempotent: Option<bool>,
    /// Whether it only asks.
    pub query: Option<bool>,
    /// Whether it speaks to all units, so that no answer is expected.
    pub broadcast: Option<bool>,
    /// Whether it counts for circuits: the device draws its inrush once it has this command.
    pub inrush: Option<bool>,
    /// A switch among the parameters that must be true.
    pub only_if: Option<Arc<str>>,
    /// Which of the type's replies answers it.
    pub reply: Option<Arc<str>>,
    /// Fields that a reply judged ok must share with the request.
    pub echo: Option<Arc<[FieldRef]>>,
    /// How long it may take and how often it is tried.
    pub timing: TimingOverrides,
}

impl CommandTraits {
    /// These traits over `below`: what they say wins.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            idempotent: self.idempotent.or(below.idempotent),
            query: self.query.or(below.query),
            broadcast: self.broadcast.or(below.broadcast),
            inrush: self.inrush.or(below.inrush),
            only_if: self.only_if.clone().or_else(|| below.only_if.clone()),
            reply: self.reply.clone().or_else(|| below.reply.clone()),
            echo: self.echo.clone().or_else(|| below.echo.clone()),
            timing: self.timing.over(below.timing),
        }
    }

    /// Whether it only asks.
    pub fn is_query(&self) -> bool {
        self.query.unwrap_or(false)
    }

    /// Whether it may be sent twice: because it says so, or only asks.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent.unwrap_or_else(|| self.is_query())
    }

    /// Whether no answer is expected.
    pub fn is_broadcast(&self) -> bool {
        self.broadcast.unwrap_or(false)
    }

    /// Whether it counts for circuits.
    pub fn draws_inrush(&self) -> bool {
        self.inrush.unwrap_or(false)
    }
}

/// A `[[command]]`: what is true of all commands whose body a pattern matches.
#[derive(Debug)]
pub struct CommandRule {
    /// The pattern.
    pub when: Pattern,
    /// The number of the unit that such a command names, over `body`; for languages in which no one field names it.
    pub unit: Option<Expression>,
    /// What is true of them.
    pub traits: CommandTraits,
}
