//! Whom to tell that an inventory is broken: what can still be read of its notifications.
//!
//! An inventory with a mistake is no fleet and runs nothing, but somebody has to hear so, and who that is stands in the
//! very file. Nothing here is good for anything else; mistakes are reported by `load.rs`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::notify::{Notification, read_notifications};
use crate::diagnostic::{Diagnostics, Sources, TomlTable, parse_toml};

/// What is left of a broken inventory.
#[derive(Debug, Default)]
pub struct Salvaged {
    /// `[fleet] name`.
    pub fleet: Option<String>,
    notifications: Vec<Notification>,
    /// Schedules that say whom to tell, and whom.
    schedules: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

impl Salvaged {
    /// Whom a schedule would have told; everybody, where the schedule cannot be read: rather one mail too many.
    pub fn told_by(&self, schedule: &str) -> Vec<&Notification> {
        let named = self.schedules.iter().find(|(name, _)| **name == *schedule).map(|(_, notify)| notify);
        self.notifications.iter().filter(|one| named.is_none_or(|named| named.contains(&one.name))).collect()
    }
}

/// Reads what can be read of the inventory at `path`; of one that cannot be read at all, nothing.
pub fn salvage(path: &Path) -> Salvaged {
    std::fs::read(path).map(|bytes| salvage_text(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
}

fn salvage_text(text: &str) -> Salvaged {
    let (mut sources, mut mistakes) = (Sources::default(), Diagnostics::default());
    let source = sources.add("the inventory", text);
    let tree = parse_toml(text, source, &mut mistakes);
    let mut root = TomlTable::new(&tree, source, "the inventory");
    let fleet = root.table("fleet", "[fleet]", &mut mistakes);
    let fleet = fleet.and_then(|mut fleet| Some(fleet.text("name", &mut mistakes)?.0.to_owned()));
    let mut schedules = Vec::new();
    for value in root.array("schedule", &mut mistakes) {
        let Some(mut table) = value.table("[[schedule]]", &mut mistakes) else { continue };
        let Some((name, _)) = table.text("name", &mut mistakes) else { continue };
        let notify = table.array("notify", &mut mistakes);
        schedules.push((name.into(), notify.iter().filter_map(|one| Some(one.text(&mut mistakes)?.into())).collect()));
    }
    let mut notifications = read_notifications(&mut root, &mut mistakes).0;
    let variables = variables(text);
    for one in &mut notifications {
        one.withhold(&variables);
    }
    Salvaged { fleet, notifications, schedules }
}

/// The environment variables that may hold secrets: whatever stands behind a key `env`. Which parameters are secrets is
/// not known here, and of a file with syntax errors the tree lacks what could not be read.
fn variables(text: &str) -> Arc<[Box<str>]> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let behind = |rest: &str| {
        let value = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix('=')?.trim_start();
        let name = value.strip_prefix(['"', '\''])?;
        let name = name.get(..name.find(|c| !is_name(c)).unwrap_or(name.len()))?;
        (!name.is_empty()).then(|| name.into())
    };
    let found: BTreeSet<Box<str>> = text.split("env").skip(1).filter_map(behind).collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Channel;

    const TOLD: &str = "[fleet]\nname = \"tvs\"\n[notify.ops]\nkind = \"heartbeat\"\nurl = \"http://a/b\"\n\
                        [notify.boss]\nkind = \"heartbeat\"\nurl = \"http://a/c\"\n\
                        [[schedule]]\nname = \"morning\"\ncron = \"wrong\"\nnotify = [\"ops\"]\n";

    fn names(text: &str, schedule: &str) -> Vec<String> {
        salvage_text(text).told_by(schedule).iter().map(|one| one.name.to_string()).collect()
    }

    #[test]
    fn whom_to_tell_is_found_in_a_broken_inventory() {
        for broken in
            ["[[device]]\nname = \"tv\"\ntype = \"lg\"\n", "[[device]]\nname = \"tv\naddress = [\n", "=\n", ""]
        {
            let text = format!("{TOLD}{broken}");
            assert_eq!(names(&text, "morning"), ["ops"], "{broken}");
            let mut all = names(&text, "evening");
            all.sort();
            assert_eq!(all, ["boss", "ops"], "nothing is known of this schedule: {broken}");
            assert_eq!(salvage_text(&text).fleet.as_deref(), Some("tvs"));
        }
    }

    #[test]
    fn a_program_that_is_told_does_not_inherit_what_may_be_a_secret() {
        let text = "[notify.ops]\nkind = \"command\"\nargv = [\"tell\"]\n[[device]]\nname = \"a\"\n\
                    params = { password = { env = \"PUMP_PIN\" }, key = { \"env\"='KEY_2' } }\n[[device]]\nname = \"b\n";
        let salvaged = salvage_text(text);
        let channels: Vec<_> = salvaged.told_by("any").iter().map(|one| one.channel.clone()).collect();
        let [Channel::Command { withheld, .. }] = &channels[..] else { panic!("{channels:?}") };
        assert_eq!(withheld.iter().map(|name| &**name).collect::<Vec<_>>(), ["KEY_2", "PUMP_PIN"]);
    }

    #[test]
    fn what_cannot_be_read_names_nobody() {
        assert!(salvage(Path::new("/nowhere/fleet.toml")).told_by("morning").is_empty());
        assert!(names("\0\u{1}garbage", "morning").is_empty());
    }
}
