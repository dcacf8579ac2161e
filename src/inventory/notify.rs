//! `[notify.*]`: who is told of a run, as the file says it.
//!
//! Nothing is sent from here. Passwords are not looked up when the file is read: they are there where notifications are
//! sent, and a plain run needs none of them.

use std::sync::Arc;

use lettre::message::Mailbox;

use super::schedule::one_of;
use super::schema::{did_you_mean, is_name};
use super::secret::{SecretSource, read_source};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable, nearest};

/// One `[notify.*]`.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The name that schedules give.
    pub name: Arc<str>,
    /// Where its name is written.
    pub span: Span,
    /// After which runs; of no meaning to a heartbeat, which tells of each.
    pub when: When,
    /// How.
    pub channel: Channel,
}

/// After which runs somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// After each.
    Always,
    /// After each that is no success.
    #[default]
    Failure,
    /// When devices have failed that had not, or work again, since the schedule's last run.
    Change,
}

impl Notification {
    /// Keeps these environment variables from the program, where a program is told.
    pub(super) fn withhold(&mut self, variables: &Arc<[Box<str>]>) {
        if let Channel::Command { withheld, .. } = &mut self.channel {
            *withheld = Arc::clone(variables);
        }
    }
}

/// How somebody is told. Paths are as written: relative ones start at the inventory's folder.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A mail.
    Email(Box<Email>),
    /// The JSON report, posted.
    Webhook {
        /// `http://` or `https://`.
        url: Arc<str>,
        /// What signs the body.
        secret: Option<SecretSource>,
        /// Further roots of trust, PEM.
        ca_file: Option<Arc<str>>,
    },
    /// A ping at start, success and failure.
    Heartbeat {
        /// `http://` or `https://`, without a slash at its end.
        url: Arc<str>,
        /// Further roots of trust, PEM.
        ca_file: Option<Arc<str>>,
    },
    /// A program that gets the JSON report on its standard input.
    Command {
        /// The program and its arguments; at least one.
        argv: Vec<Arc<str>>,
        /// The variables in which the inventory keeps secrets: the program does not inherit them.
        withheld: Arc<[Box<str>]>,
    },
}

/// A mail and its way.
#[derive(Debug, Clone)]
pub struct Email {
    /// The server's name or address.
    pub host: Arc<str>,
    /// Its port: 465 with TLS from the first byte, 587 with STARTTLS, else 25, if nothing is written.
    pub port: u16,
    /// How the conversation is kept secret.
    pub tls: MailTls,
    /// Who logs in, and with what.
    pub login: Option<(Arc<str>, SecretSource)>,
    /// Further roots of trust, PEM.
    pub ca_file: Option<Arc<str>>,
    /// The sender.
    pub from: Arc<str>,
    /// The recipients, at least one.
    pub to: Vec<Arc<str>>,
}

/// How a mail's conversation is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// Not at all.
    None,
    /// It begins in the clear and goes on with TLS; without TLS it ends.
    StartTls,
    /// TLS from the first byte.
    Wrapper,
}

const KINDS: [&str; 4] = ["email", "webhook", "heartbeat", "command"];
const WHEN: [(&str, When); 3] = [("always", When::Always), ("failure", When::Failure), ("change", When::Change)];
const TLS: [(&str, MailTls); 3] =
    [("none", MailTls::None), ("starttls", MailTls::StartTls), ("wrapper", MailTls::Wrapper)];

/// Reads all `[notify.*]` tables. Also gives every name, those of tables with mistakes included.
pub(super) fn read_notifications<'t>(
    root: &mut TomlTable<'t, '_>,
    diagnostics: &mut Diagnostics,
) -> (Vec<Notification>, Vec<&'t str>) {
    let Some(mut tables) = root.table("notify", "[notify]", diagnostics) else { return Default::default() };
    let (mut read, mut names) = (Vec::new(), Vec::new());
    for (name, span, value) in tables.entries() {
        names.push(name);
        _ = is_name("a notification's name", &(name, span.clone()), diagnostics);
        let Some(mut table) = value.table(format!("[notify.{name}]"), diagnostics) else { continue };
        let Some(kind) = read_kind(&mut table, diagnostics) else { continue };
        let when = match kind {
            "heartbeat" => None,
            _ => one_of(&mut table, "when", &WHEN, diagnostics),
        };
        let channel = match kind {
            "email" => read_email(&mut table, diagnostics),
            "webhook" => read_webhook(&mut table, diagnostics),
            "heartbeat" => read_heartbeat(&mut table, diagnostics),
            _ => read_argv(&mut table, diagnostics),
        };
        table.finish(diagnostics);
        let when = when.unwrap_or_default();
        read.extend(channel.map(|channel| Notification { name: name.into(), span, when, channel }));
    }
    (read, names)
}

/// The kind; without it nothing else of the table can be judged.
fn read_kind(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<&'static str> {
    let (text, span) = table.required_text("kind", diagnostics)?;
    let known = KINDS.into_iter().find(|kind| *kind == text);
    if known.is_none() {
        let help = nearest(text, KINDS).map_or_else(|| format!("known: {}", KINDS.join(", ")), did_you_mean);
        diagnostics.push(Diagnostic::error(format!("unknown kind `{text}`")).at(span, "").help(help));
    }
    known
}

fn read_email(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Channel> {
    let server = table.required_text("server", diagnostics);
    let tls = one_of(table, "tls", &TLS, diagnostics);
    let tls_span = table.get("tls").map(|value| value.span());
    let username = table.text("username", diagnostics);
    let password = table.get("password");
    let secret = password.and_then(|value| read_source(value, diagnostics));
    match (&username, &password) {
        (Some((_, span)), None) => {
            diagnostics.push(Diagnostic::error("`username` without `password`").at(span.clone(), ""));
        }
        (None, Some(value)) => {
            diagnostics.push(Diagnostic::error("`password` without `username`").at(value.span(), ""));
        }
        _ => {}
    }
    let ca_file = table.text("ca_file", diagnostics).map(|(path, _)| path.into());
    let from = table.required_text("from", diagnostics).filter(|one| is_mailbox(one, diagnostics));
    if table.get("to").is_none() {
        table.missing("to", diagnostics);
    }
    let written = table.array("to", diagnostics);
    if let (true, Some(value)) = (written.is_empty(), table.get("to")) {
        diagnostics.push(Diagnostic::error("`to` names nobody").at(value.span(), ""));
    }
    let to: Vec<Arc<str>> = written
        .iter()
        .filter_map(|value| Some((value.text(diagnostics)?, value.span())))
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|one| is_mailbox(one, diagnostics))
        .map(|(one, _)| one.into())
        .collect();
    let (server, span) = server?;
    let has_login = username.is_some();
    let Some((wraps, host, port)) = parse_server(server) else {
        let mistake = Diagnostic::error(format!("`server`: `{server}` is no mail server")).at(span, "");
        diagnostics.push(mistake.help("write `smtp://mail.example:587` or `smtps://mail.example`"));
        return None;
    };
    if let (true, Some(MailTls::None | MailTls::StartTls), Some(at)) = (wraps, tls, tls_span) {
        let mistake = Diagnostic::error("`smtps://` is TLS from the first byte, `tls` says otherwise");
        diagnostics.push(mistake.at(at, "").help("write `smtp://`, or leave `tls` out"));
    }
    let tls = tls.unwrap_or(match (wraps, has_login) {
        (true, _) => MailTls::Wrapper,
        (false, true) => MailTls::StartTls,
        (false, false) => MailTls::None,
    });
    if has_login && tls == MailTls::None {
        diagnostics
            .push(Diagnostic::warning("the password of this mail server goes over the wire in the clear").at(span, ""));
    }
    let port = port.unwrap_or(match tls {
        MailTls::Wrapper => 465,
        MailTls::StartTls => 587,
        MailTls::None => 25,
    });
    let login = username.map(|(name, _)| name.into()).zip(secret);
    Some(Channel::Email(Box::new(Email { host: host.into(), port, tls, login, ca_file, from: from?.0.into(), to })))
}

/// Whether it is TLS from the first byte; host and port.
fn parse_server(text: &str) -> Option<(bool, &str, Option<u16>)> {
    let (scheme, rest) = text.split_once("://")?;
    let wraps = match scheme {
        "smtp" => false,
        "smtps" => true,
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'@' | b'?'));
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
    };
    is_host.then_some((wraps, host, port))
}

/// Whether something is a mail address, with or without a name before it, as the mail that goes to it will be read; if
/// not, that is reported.
fn is_mailbox((text, span): &(&str, Span), diagnostics: &mut Diagnostics) -> bool {
    let is_one = |text: &str| !text.chars().any(char::is_control) && text.parse::<Mailbox>().is_ok();
    if is_one(text) {
        return true;
    }
    // A name with a comma or a dot is one that quotes would mend.
    let quoted = text.split_once('<').map(|(name, rest)| format!("\"{}\" <{rest}", name.trim().replace('"', "")));
    let help = match quoted.filter(|quoted| is_one(quoted)) {
        Some(quoted) => format!("put the name in quotes: `'{quoted}'`"),
        None => "write `ops@example.com`, or `Ops <ops@example.com>`; each one is a text of its own".to_owned(),
    };
    let mistake = Diagnostic::error(format!("`{}` is no mail address", text.escape_debug())).at(span.clone(), "");
    diagnostics.push(mistake.help(help));
    false
}

fn read_webhook(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Channel> {
    let url = read_url(table, diagnostics);
    let secret = table.get("secret").and_then(|value| read_source(value, diagnostics));
    let ca_file = table.text("ca_file", diagnostics).map(|(path, _)| path.into());
    Some(Channel::Webhook { url: url?, secret, ca_file })
}

fn read_heartbeat(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Channel> {
    let url = read_url(table, diagnostics);
    let ca_file = table.text("ca_file", diagnostics).map(|(path, _)| path.into());
    Some(Channel::Heartbeat { url: url?.trim_end_matches('/').into(), ca_file })
}

fn read_url(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Arc<str>> {
    let (url, span) = table.required_text("url", diagnostics)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_one = rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty())
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_one {
        let mistake = Diagnostic::error("`url` is no address of the web").at(span, "");
        diagnostics.push(mistake.help("write `https://host/path`"));
    }
    is_one.then(|| url.into())
}

fn read_argv(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Channel> {
    let Some(value) = table.get("argv") else {
        table.missing("argv", diagnostics);
        return None;
    };
    let argv: Vec<Arc<str>> =
        value.array(diagnostics).iter().filter_map(|one| Some(one.text(diagnostics)?.into())).collect();
    if argv.first().is_none_or(|program| program.is_empty()) {
        let mistake = Diagnostic::error("`argv` names no program").at(value.span(), "");
        diagnostics.push(mistake.help("write `argv = [\"/usr/local/bin/tell\", \"--from\", \"fleet\"]`"));
        return None;
    }
    Some(Channel::Command { argv, withheld: Arc::default() })
}

#[cfg(test)]
mod tests;
