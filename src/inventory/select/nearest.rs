//! What was meant by a term that means nothing: the same word as a term of another kind, or the nearest known one.

use crate::diagnostic::nearest;
use crate::inventory::fleet::Fleet;

/// So many known words or fewer are listed where none is near.
const KNOWN_SHOWN: usize = 12;

/// What a word that no device is named by may have been meant to be: a group, site, tag or type of that name, the device
/// whose name is nearest, or, where none is near, the one that begins alike.
pub(super) fn near_device(fleet: &Fleet, wrong: &str) -> Option<String> {
    let names = || fleet.devices.iter().map(|device| &*device.name);
    other_kind(fleet, wrong).or_else(|| near(wrong, names())).or_else(|| {
        let alike = |name: &str| name.chars().zip(wrong.chars()).take_while(|(a, b)| a == b).count();
        // Of several the first: `max_by_key` alone would give the last.
        let best = names().rev().max_by_key(|name| alike(name)).filter(|name| alike(name) >= 2)?;
        Some(did_you_mean(best))
    })
}

/// The term that `lobby` or `site=lobby` was meant to be, where such a group, site, tag or type is known.
fn other_kind(fleet: &Fleet, wrong: &str) -> Option<String> {
    let (asked, name) = wrong.split_once('=').map_or((None, wrong), |(kind, name)| (Some(kind), name));
    if name.contains(char::is_whitespace) {
        return None;
    }
    let kinds: [(&str, &str, &dyn Fn() -> bool); 4] = [
        ("group", "@", &|| fleet.groups.contains_key(name)),
        ("site", "site:", &|| fleet.sites.iter().any(|site| &*site.name == name)),
        ("tag", "tag:", &|| fleet.devices.iter().any(|device| device.tags.iter().any(|tag| &**tag == name))),
        ("type", "type:", &|| fleet.known_types.iter().any(|known| &**known == name)),
    ];
    let is_meant = |kind: &str| asked.is_none_or(|asked| asked == kind);
    let (_, sign, _) = kinds.iter().find(|(kind, _, is_known)| is_meant(kind) && is_known())?;
    Some(did_you_mean(&format!("{sign}{name}")))
}

/// The nearest known word; where none is near and there are few, all of them.
pub(super) fn near_or_all<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    near(wrong, known.clone()).or_else(|| {
        let mut all: Vec<&str> = known.into_iter().collect();
        all.sort_unstable();
        (1..=KNOWN_SHOWN).contains(&all.len()).then(|| format!("known: {}", all.join(", ")))
    })
}

fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, known).map(did_you_mean)
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}
