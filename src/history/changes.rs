//! What differs between two runs: new failures, recoveries, and who still fails.

use std::collections::HashMap;

use super::recorded::{Told, told};
use super::{HistoryError, RecordedRun, Store};
use crate::report::{ChangeRow, is_success};

/// The devices that changed from one run to a later one, fail in the later one, or are held in it, in its order; then
/// those that only the earlier run had.
///
/// # Errors
/// When the history cannot be read or is damaged.
pub fn changes(store: &Store, before: &RecordedRun, after: &RecordedRun) -> Result<Vec<ChangeRow>, HistoryError> {
    let (earlier, later) = (told(store, before)?, told(store, after)?);
    Ok(compare(&earlier, &later))
}

fn compare(earlier: &[Told], later: &[Told]) -> Vec<ChangeRow> {
    let before: HashMap<&str, &Told> = earlier.iter().map(|device| (&*device.name, device)).collect();
    let after: HashMap<&str, &Told> = later.iter().map(|device| (&*device.name, device)).collect();
    let changed = later.iter().filter_map(|device| row(before.get(&*device.name).copied(), Some(device)));
    let gone = earlier.iter().filter(|device| !after.contains_key(&*device.name));
    changed.chain(gone.filter_map(|device| row(Some(device), None))).collect()
}

fn row(before: Option<&Told>, after: Option<&Told>) -> Option<ChangeRow> {
    let is_held = |device: &Told| device.reason.as_deref() == Some("held");
    let succeeded = |device: &Told| is_success(&device.status);
    let change = match (before, after) {
        (_, Some(after)) if is_held(after) => "held",
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(before), Some(after)) => match (succeeded(before), succeeded(after)) {
            (true, true) => return None,
            // What was held before has not failed before.
            (false, true) if is_held(before) => return None,
            (false, true) => "recovered",
            (true, false) => "failed",
            (false, false) if is_held(before) => "failed",
            (false, false) => "still",
        },
        (None, None) => return None,
    };
    let name = after.or(before)?.name.to_string();
    let status = |device: Option<&Told>| device.map(|device| device.status.clone());
    Some(ChangeRow { name, change, before: status(before), after: status(after) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, status: &str, reason: Option<&str>) -> Told {
        Told {
            name: name.into(),
            status: status.to_owned(),
            delivery: "none".to_owned(),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn every_pair_of_outcomes_has_its_word() {
        let held = Some("held");
        let earlier = [
            told("a", "ok", None),
            told("b", "ok", None),
            told("c", "no_reply", None),
            told("d", "no_reply", None),
            told("e", "ok", None),
            told("f", "skipped", held),
            told("g", "skipped", held),
            told("h", "ok", None),
        ];
        let later = [
            told("a", "sent", None),
            told("b", "rejected", None),
            told("c", "ok", None),
            told("d", "skipped", Some("interrupted")),
            told("e", "skipped", held),
            told("f", "ok", None),
            told("g", "mismatch", None),
            told("i", "ok", None),
        ];
        let rows = compare(&earlier, &later);
        let words: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.name, row.change)).collect();
        assert_eq!(
            words,
            [
                ("b", "failed"),
                ("c", "recovered"),
                ("d", "still"),
                ("e", "held"),
                ("g", "failed"),
                ("i", "added"),
                ("h", "removed")
            ]
        );
        assert_eq!((rows[0].before.as_deref(), rows[0].after.as_deref()), (Some("ok"), Some("rejected")));
    }
}
