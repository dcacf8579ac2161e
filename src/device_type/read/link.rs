//! `[link]`: how a type's devices are connected to.

use std::time::Duration;

use super::languages::pattern;
use crate::device_type::settings::{Link, LinkOverrides};
use crate::diagnostic::{Diagnostics, TomlTable};

impl Link {
    /// What holds where a type says nothing.
    pub(super) fn plain() -> Self {
        Self {
            gap: Duration::ZERO,
            quiet: Duration::ZERO,
            busy_delay: Duration::from_secs(1),
            reuse: true,
            busy_texts: Vec::new(),
        }
    }
}

pub(super) fn read_link(table: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Link> {
    let mut link = table.table("link", "[link]", diagnostics)?;
    let said = LinkOverrides::read(&mut link, diagnostics);
    // A gateway's text is a line of its own, wherever it stands in what came.
    let busy_texts =
        link.array("busy_texts", diagnostics).into_iter().filter_map(|text| pattern(text, true, diagnostics)).collect();
    link.finish(diagnostics);
    let plain = Link::plain();
    Some(Link {
        gap: said.gap.unwrap_or(plain.gap),
        quiet: said.quiet.unwrap_or(plain.quiet),
        busy_delay: said.busy_delay.unwrap_or(plain.busy_delay),
        reuse: said.reuse.unwrap_or(plain.reuse),
        busy_texts,
    })
}
