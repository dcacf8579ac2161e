//! Whom to tell that an inventory is broken: what can still be read of its notifications.
//!
//! An inventory with a mistake is no fleet and runs nothing, but somebody has to hear so, and who that is stands in the
//! very file. Nothing here is good for anything else; mistakes are reported by `load.rs`.

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
    Salvaged { fleet, notifications: read_notifications(&mut root, &mut mistakes).0, schedules }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_cannot_be_read_names_nobody() {
        assert!(salvage(Path::new("/nowhere/fleet.toml")).told_by("morning").is_empty());
        assert!(names("\0\u{1}garbage", "morning").is_empty());
    }
}
