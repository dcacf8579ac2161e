//! `[link]`: how a type's devices are connected to.

use std::sync::Arc;
use std::time::Duration;

use super::languages::{regex, word};
use crate::codec::TelnetMode;
use crate::device_type::settings::{Link, LinkOverrides};
use crate::device_type::telnet::refuse_detection;
use crate::diagnostic::{Diagnostics, TomlTable};
use crate::model::Medium;

impl Link {
    /// What holds where a type says nothing.
    pub(super) fn plain(is_text: bool) -> Self {
        Self {
            gap: Duration::ZERO,
            quiet: Duration::ZERO,
            busy_delay: Duration::from_secs(1),
            reuse: true,
            telnet: if is_text { TelnetMode::Auto } else { TelnetMode::Never },
            may_detect_telnet: is_text,
            half_close: false,
            busy_texts: Arc::default(),
            medium: Medium::default(),
            clients: None,
        }
    }
}

/// Reads `[link]`; `is_text` says whether the type's language is text.
pub(super) fn read_link(table: &mut TomlTable<'_, '_>, is_text: bool, diagnostics: &mut Diagnostics) -> Link {
    let plain = Link::plain(is_text);
    let Some(mut link) = table.table("link", "[link]", diagnostics) else { return plain };
    if let (false, Some(value)) = (is_text, link.get("telnet"))
        && value.value().as_str() == Some("auto")
    {
        refuse_detection(value.span(), diagnostics);
    }
    let said = LinkOverrides::read(&mut link, diagnostics);
    // A gateway's text is a line of its own, wherever it stands in what came.
    let busy_texts =
        link.array("busy_texts", diagnostics).into_iter().filter_map(|text| regex(text, diagnostics)).collect();
    let medium = link.get("medium").and_then(|value| word(value, &Medium::WORDS, diagnostics));
    let clients = link.int_in("clients", 1..=i64::from(u16::MAX), diagnostics);
    link.finish(diagnostics);
    Link {
        gap: said.gap.unwrap_or(plain.gap),
        quiet: said.quiet.unwrap_or(plain.quiet),
        busy_delay: said.busy_delay.unwrap_or(plain.busy_delay),
        reuse: said.reuse.unwrap_or(plain.reuse),
        telnet: plain.telnet_under(said.telnet),
        may_detect_telnet: is_text,
        half_close: said.half_close.unwrap_or(plain.half_close),
        busy_texts,
        medium: medium.unwrap_or(plain.medium),
        clients: clients.and_then(|clients| u32::try_from(clients).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Sources, parse_toml};

    #[test]
    fn only_a_text_type_may_detect_telnet() {
        for (text, is_text, mode, mistakes) in [
            ("", true, TelnetMode::Auto, 0),
            ("", false, TelnetMode::Never, 0),
            ("link = {}", true, TelnetMode::Auto, 0),
            ("link = {}", false, TelnetMode::Never, 0),
            ("link = { telnet = 'never' }", true, TelnetMode::Never, 0),
            ("link = { telnet = 'always' }", false, TelnetMode::Always, 0),
            ("link = { telnet = 'auto' }", true, TelnetMode::Auto, 0),
            ("link = { telnet = 'auto' }", false, TelnetMode::Never, 1),
        ] {
            let source = Sources::default().add("x.toml", text);
            let mut found = Diagnostics::default();
            let tree = parse_toml(text, source, &mut found);
            let link = read_link(&mut TomlTable::new(&tree, source, "a device type"), is_text, &mut found);
            assert_eq!((link.telnet, found.error_count()), (mode, mistakes), "{text} {is_text}");
        }
    }
}
