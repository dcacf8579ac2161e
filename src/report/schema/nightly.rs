//! What `fleet.toml` says of the nights, as a schema: schedules, notifications, history.

#![expect(
    dead_code,
    reason = "these types are only described, never filled: the readers collect mistakes with their places"
)]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::inventory::{FromEnvironment, FromFile};
use super::settings::Span;

/// What is to run when. It has either `do` or `cmd`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Schedule {
    /// Unique among the schedules.
    name: String,
    /// Minute, hour, day of the month, month, day of the week: `30 5 * * mon-fri`.
    #[schemars(regex(pattern = r"^\s*\S+\s+\S+\s+\S+\s+\S+\s+\S+\s*$"))]
    cron: String,
    /// An IANA name; without it all selected devices must have sites of one zone.
    timezone: Option<String>,
    /// A selector; without it every device is meant.
    select: Option<String>,
    /// An action.
    r#do: Option<String>,
    /// A raw command.
    cmd: Option<String>,
    /// Arguments of the action, or parameters in the place of the devices' own.
    args: Option<BTreeMap<String, Argument>>,
    /// Where a transfer's files go, such as `db/{name}.db`, relative to the inventory.
    save: Option<String>,
    /// Ask each device for its state afterwards.
    verify: Option<bool>,
    /// Ask each device first, and leave alone what is already right.
    if_needed: Option<bool>,
    /// How long further passes go on: a time of day at most 12 h ahead, or a duration.
    until: Option<String>,
    /// What becomes of a run whose time passed while the machine was off: `skip`, or `run-within 2h`.
    #[schemars(regex(pattern = r"^(skip|run-within .+)$"))]
    missed: Option<String>,
    /// What becomes of a run whose predecessor is still under way.
    overlap: Option<Overlap>,
    /// A start is put off by a part of this.
    jitter: Option<Span>,
    /// Dates without runs.
    except: Option<Vec<Day>>,
    /// Names of `[notify.*]` tables.
    notify: Option<Vec<String>>,
    /// `FORMAT=PATH`, relative to the inventory.
    reports: Option<Vec<String>>,
}

/// An argument of an action.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Argument {
    Text(String),
    Int(i64),
    Bool(bool),
}

/// What becomes of a run whose predecessor is still under way.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Overlap {
    Skip,
    Wait,
}

/// A date: `2026-12-25`, as a text or as a date of TOML.
struct Day;

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Programs that read TOML hand its dates on as texts, or as objects with one in it.
        json_schema!({ "type": ["string", "object"], "pattern": r"^\d{4}-\d\d-\d\d$" })
    }
}

/// Who is told of a run.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Notification {
    /// One mail a run.
    Email {
        /// `smtp://host:port` or `smtps://host:port`.
        #[schemars(regex(pattern = r"^smtps?://"))]
        server: String,
        /// `starttls` is the default for `smtp://` with a user name, `wrapper` for `smtps://`.
        tls: Option<MailTls>,
        username: Option<String>,
        password: Option<Secret>,
        /// Further roots of trust, PEM, relative to the inventory.
        ca_file: Option<String>,
        from: String,
        #[schemars(length(min = 1))]
        to: Vec<String>,
        when: Option<When>,
    },
    /// The JSON report, posted.
    Webhook {
        #[schemars(regex(pattern = r"^https?://"))]
        url: String,
        /// Signs the body.
        secret: Option<Secret>,
        /// Further roots of trust, PEM, relative to the inventory.
        ca_file: Option<String>,
        when: Option<When>,
    },
    /// A ping at start, success and failure.
    Heartbeat {
        #[schemars(regex(pattern = r"^https?://"))]
        url: String,
        /// Further roots of trust, PEM, relative to the inventory.
        ca_file: Option<String>,
    },
    /// A program that gets the JSON report on its standard input.
    Command {
        /// The program and its arguments.
        #[schemars(length(min = 1))]
        argv: Vec<String>,
        when: Option<When>,
    },
}

/// How a mail's conversation is kept secret.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum MailTls {
    None,
    Starttls,
    Wrapper,
}

/// After which runs somebody is told: `change` means new failures and recoveries.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum When {
    Always,
    Failure,
    Change,
}

/// A secret: where it is kept, or itself.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Secret {
    Environment(FromEnvironment),
    File(FromFile),
    Text(String),
}

/// What is remembered of runs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct History {
    /// Older runs are forgotten.
    keep: Option<Span>,
}
