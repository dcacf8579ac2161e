//! What one channel gets: ready texts, so that to send them later needs nothing but the inventory.

use serde::{Deserialize, Serialize};

use super::page::Page;
use super::{html, text};
use crate::inventory::{Channel, Notification};

/// What is sent, in the form in which it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// A mail.
    Mail {
        /// The same at every try, so that a mail that arrives twice is shown once.
        id: String,
        /// When what it tells of happened, in milliseconds since 1970, UTC.
        at: i64,
        /// One line.
        subject: String,
        /// The plain part.
        text: String,
        /// The HTML part.
        html: String,
    },
    /// A heartbeat.
    Ping {
        /// Which of its addresses.
        ping: Ping,
        /// The summary line.
        body: String,
    },
    /// A JSON document, for a webhook or a program.
    Document {
        /// The document.
        json: String,
    },
}

/// What a heartbeat says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ping {
    /// A run begins.
    Start,
    /// It was a success.
    Success,
    /// It was not, or could not start.
    Failure,
}

impl Letter {
    /// The letter for a notification's channel; `json` makes the document.
    pub(super) fn of(
        notification: &Notification,
        page: &Page,
        at: i64,
        json: impl FnOnce() -> Option<String>,
    ) -> Option<Self> {
        Some(match &notification.channel {
            Channel::Email(_) => Self::Mail {
                id: format!("{}.{}", page.id, notification.name),
                at,
                subject: page.subject.clone(),
                text: text::write(page),
                html: html::write(page),
            },
            Channel::Heartbeat { .. } => {
                let ping = if page.is_good { Ping::Success } else { Ping::Failure };
                Self::Ping { ping, body: page.summary.clone() }
            }
            Channel::Webhook { .. } | Channel::Command { .. } => Self::Document { json: json()? },
        })
    }
}
