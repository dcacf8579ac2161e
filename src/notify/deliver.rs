//! Sends one letter, and tries again until a minute is over.
//!
//! Every attempt has a limit of its own, so that a server that hangs once does not use up the whole minute.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use super::web::{Post, host_of, post};
use super::{Letter, Ping, SendError, email, hook};
use crate::inventory::{Channel, Notification, SecretSource};
use crate::model::Secret;
use crate::transport::Connect;

/// All attempts together take no longer.
pub(super) const LONGEST: Duration = Duration::from_mins(1);
/// One attempt takes no longer, a program apart.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The wait after the first attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What everything is sent over.
pub struct Way<'a, C> {
    /// Makes what opens connections, anew for each attempt: a resolver remembers what it did not find, and a name
    /// server that was away is back a moment later.
    pub connect: &'a (dyn Fn() -> C + Sync),
    /// The inventory's folder, at which relative paths start.
    pub folder: &'a Path,
    /// The environment that secrets are looked up in.
    pub environment: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl<C> Way<'_, C> {
    fn secret(&self, source: Option<&SecretSource>) -> Result<Option<Secret>, SendError> {
        source.map(|source| source.read(self.environment, self.folder)).transpose().map_err(SendError::Secret)
    }
}

/// Sends a letter, trying again for as long as `longest` lasts.
pub(super) async fn deliver<C>(
    notification: &Notification,
    letter: &Letter,
    way: &Way<'_, C>,
    longest: Duration,
) -> Result<(), SendError>
where
    C: Connect,
    C::Stream: Sync,
{
    let end = Instant::now() + longest;
    let mut wait = FIRST_WAIT;
    loop {
        let error = match attempt(notification, letter, way, end).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        debug!("notification `{}`: {error}", notification.name);
        if !error.may_pass() || Instant::now() + wait >= end {
            return Err(error);
        }
        sleep(wait).await;
        wait *= 2;
    }
}

/// Tries once, before `end`.
pub(super) async fn attempt<C>(
    notification: &Notification,
    letter: &Letter,
    way: &Way<'_, C>,
    end: Instant,
) -> Result<(), SendError>
where
    C: Connect,
    C::Stream: Sync,
{
    let limit = match &notification.channel {
        Channel::Command { .. } => end,
        _ => end.min(Instant::now() + ATTEMPT),
    };
    match &notification.channel {
        Channel::Email(email) => {
            let secret = way.secret(email.login.as_ref().map(|(_, secret)| secret))?;
            let host = format!("{}:{}", email.host, email.port);
            in_time(Box::pin(email::send(email, letter, secret, way, limit)), limit, host).await
        }
        Channel::Webhook { url, secret, ca_file } => {
            let Letter::Document { json } = letter else { return Err(SendError::OtherKind) };
            let request = Post {
                url,
                suffix: "",
                ca_file: ca_file.as_deref(),
                content_type: "application/json",
                secret: way.secret(secret.as_ref())?,
                body: Bytes::copy_from_slice(json.as_bytes()),
            };
            in_time(Box::pin(post(&request, way, limit)), limit, host_of(url)).await
        }
        Channel::Heartbeat { url, ca_file } => {
            let Letter::Ping { ping, body } = letter else { return Err(SendError::OtherKind) };
            let suffix = match ping {
                Ping::Start => "/start",
                Ping::Success => "",
                Ping::Failure => "/fail",
            };
            let request = Post {
                url,
                suffix,
                ca_file: ca_file.as_deref(),
                content_type: "text/plain; charset=utf-8",
                secret: None,
                body: Bytes::copy_from_slice(body.as_bytes()),
            };
            in_time(Box::pin(post(&request, way, limit)), limit, host_of(url)).await
        }
        Channel::Command { argv, withheld } => {
            let Letter::Document { json } = letter else { return Err(SendError::OtherKind) };
            hook::run(argv, withheld, way.folder, json, limit).await
        }
    }
}

async fn in_time(
    sending: impl Future<Output = Result<(), SendError>>,
    limit: Instant,
    host: String,
) -> Result<(), SendError> {
    timeout_at(limit, sending).await.unwrap_or(Err(SendError::TimedOut { host }))
}
