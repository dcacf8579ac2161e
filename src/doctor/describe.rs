//! Steps and findings in words, a line each. What devices said is escaped.

use std::time::Duration;

use super::finding::Finding;
use super::readable::readable;
use super::seen::{Answer, Asked, Heard, LineEnd, Opened};
use super::steps::Step;
use crate::device_type::{LoginVerdict, Verdict};
use crate::model::Value;
use crate::model::escape::{hex, printable};

/// How much of what came is shown, in bytes.
const SHOWN: usize = 120;

/// A step: one that begins has no line end, one that ended completes the line. `is_text` says whether the device's
/// language is text.
pub fn describe_step(step: &Step<'_>, is_text: bool) -> String {
    match step {
        Step::Connecting(address) => format!("connect to {address} … "),
        Step::Connected(opened, after) => format!("{}\n", connected(opened, *after)),
        Step::Listening(span) => format!("listen for {} s … ", span.as_secs_f32()),
        Step::Listened(heard) if heard.total == 0 && heard.end == LineEnd::Open => {
            "silent, as it should be\n".to_owned()
        }
        Step::Listened(heard) => format!("{}\n", listened(heard, is_text)),
        Step::Unanswered(heard) => format!("{}\n", listened(heard, is_text)),
        Step::LoggingIn(Some(sent)) => format!("log in: `{sent}` … "),
        Step::LoggingIn(None) => "log in: wait for the device to begin … ".to_owned(),
        Step::LoggedIn(shown, verdict, after) => format!("`{shown}` after {}{}\n", span(*after), login(verdict)),
        Step::Asking(how, sent) => format!("ask `{sent}`{how} … "),
        Step::Asked(asked) => format!("{}\n", outcome(asked, is_text)),
    }
}

/// A finding: what is so, and below it what to change.
pub fn describe_finding(finding: &Finding) -> String {
    let kind = if finding.is_problem { "problem" } else { "note" };
    let change = finding.change.as_ref().map_or_else(String::new, |change| format!("  -> {change}\n"));
    format!("{kind}: {}\n{change}", finding.what)
}

fn connected(opened: &Opened, after: Duration) -> String {
    match opened {
        Opened::Untried => "not tried".to_owned(),
        Opened::Yes => format!("open after {}", span(after)),
        Opened::NoName(why) => format!("the name does not resolve: {why}"),
        Opened::Refused => format!("refused after {}", span(after)),
        Opened::TimedOut(after) => format!("nothing answered within {}", span(*after)),
        Opened::NoRoute(words) | Opened::OwnFault(words) | Opened::Failed(words) => words.clone(),
    }
}

fn login(verdict: &LoginVerdict) -> String {
    match verdict {
        LoginVerdict::Next { message: Some(message) } => format!(": {message}"),
        LoginVerdict::Next { message: None } => String::new(),
        LoginVerdict::Done { message } => format!(": {}", message.as_deref().unwrap_or("accepted")),
        LoginVerdict::Auth { message } => format!(": {message}"),
        LoginVerdict::Malformed { .. } => ": makes no sense".to_owned(),
    }
}

fn outcome(asked: &Asked, is_text: bool) -> String {
    let Some(Answer { shown, verdict, announced, .. }) = &asked.answer else { return listened(&asked.heard, is_text) };
    let file = announced.map(|bytes| format!(": a file of {bytes} bytes follows, which is not fetched"));
    let means = file.unwrap_or_else(|| match verdict {
        Verdict::Ok { value: Some(value) } => format!(": {}", meaning(value)),
        Verdict::Ok { value: None } | Verdict::Stray => String::new(),
        Verdict::Refused { message } | Verdict::Busy { message } | Verdict::Auth { message } => format!(": {message}"),
        Verdict::Malformed { .. } => ": makes no sense".to_owned(),
        Verdict::TooLong { announced } => format!(": announces {announced} bytes, more than there may be"),
    });
    let echo = if asked.echoed { ", after an echo" } else { "" };
    let pieces = match asked.heard.pieces {
        0 | 1 => String::new(),
        pieces => format!(", in {pieces} pieces"),
    };
    format!("`{shown}` after {}{pieces}{echo}{means}", span(asked.after))
}

fn meaning(value: &Value) -> String {
    match value {
        Value::Text(text) if text.is_empty() => "an empty text".to_owned(),
        Value::Text(text) => printable(text),
        Value::Int(number) => number.to_string(),
        Value::Decimal { digits, places } => Value::decimal(*digits, *places),
        Value::List(numbers) if numbers.is_empty() => "none on".to_owned(),
        Value::List(numbers) => {
            format!("on: {}", numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

fn listened(heard: &Heard, is_text: bool) -> String {
    let end = match heard.end {
        LineEnd::Open => "",
        LineEnd::Closed => "; then it hung up",
        LineEnd::Broken => "; then the connection broke",
        LineEnd::Babbling => "; it goes on and on",
    };
    if heard.total == 0 {
        return format!("nothing came{end}");
    }
    let bytes = heard.bytes.get(..SHOWN).unwrap_or(&heard.bytes);
    let more = if heard.total > bytes.len() { format!(" … ({} bytes)", heard.total) } else { String::new() };
    if heard.negotiates() {
        let data = heard.data.get(..SHOWN).unwrap_or(&heard.data);
        let said = if data.is_empty() { String::new() } else { format!(", saying `{}`", readable(data, is_text)) };
        return format!("Telnet negotiation: {}{more}{said}{end}", hex(bytes));
    }
    format!("`{}`{more}{end}", readable(bytes, is_text))
}

fn span(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else {
        format!("{:.1} s", span.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_shown_escaped_and_cut() {
        let long = vec![b'x'; 300];
        let heard = |bytes: &[u8], end| Heard { bytes: bytes.to_vec(), total: bytes.len(), end, ..Heard::default() };
        let busy = Heard { data: b"Port".to_vec(), ..heard(b"\xff\xfb\x03Port", LineEnd::Closed) };
        for (heard, text) in [
            (heard(b"", LineEnd::Open), "silent, as it should be\n".to_owned()),
            (heard(b"", LineEnd::Closed), "nothing came; then it hung up\n".to_owned()),
            (heard(b"\x1b[2J\r", LineEnd::Broken), "`\\x1b[2J\\r`; then the connection broke\n".to_owned()),
            (busy, "Telnet negotiation: ff fb 03 50 6f 72 74, saying `Port`; then it hung up\n".to_owned()),
            (heard(&long, LineEnd::Babbling), format!("`{}` … (300 bytes); it goes on and on\n", "x".repeat(120))),
        ] {
            assert_eq!(describe_step(&Step::Listened(&heard), true), text);
        }
    }
}
