//! What comes only once among devices, and where: a hash table of positions.
//!
//! It keeps no key a second time; whoever asks shows it the key that a position has, always the same one.

use std::hash::{BuildHasher, Hash};

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Positions by their keys.
#[derive(Debug, Default)]
pub(super) struct Positions {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Positions {
    /// With room for as many.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { table: HashTable::with_capacity(count), hasher: DefaultHashBuilder::default() }
    }

    /// Makes room for `more` positions.
    pub(super) fn reserve<K: Hash>(&mut self, more: usize, key: impl Fn(u32) -> K) {
        self.table.reserve(more, |other| self.hasher.hash_one(key(*other)));
    }

    /// Adds a position unless there is one with the same key, which is then the answer.
    pub(super) fn insert<K: Hash + Eq>(&mut self, position: u32, key: impl Fn(u32) -> K) -> Option<u32> {
        let wanted = key(position);
        let hash = self.hasher.hash_one(&wanted);
        let is_same = |other: &u32| key(*other) == wanted;
        match self.table.entry(hash, is_same, |other| self.hasher.hash_one(key(*other))) {
            Entry::Occupied(taken) => Some(*taken.get()),
            Entry::Vacant(free) => {
                free.insert(position);
                None
            }
        }
    }

    /// The position with a key that `is_same`.
    pub(super) fn find<K: Hash>(&self, wanted: K, is_same: impl Fn(u32) -> bool) -> Option<u32> {
        self.table.find(self.hasher.hash_one(wanted), |other| is_same(*other)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_position_however_many_there_are() {
        let keys: Vec<String> = (0..1000_u32).map(|n| format!("tv-{}", n % 700)).collect();
        let key = |position: u32| keys.get(position as usize).map(String::as_str);
        let mut positions = Positions::with_capacity(0);
        for position in 0..1000_u32 {
            let taken = (position >= 700).then(|| position - 700);
            assert_eq!(positions.insert(position, key), taken);
        }
        let find = |name: &str| positions.find(Some(name), |position| key(position) == Some(name));
        assert_eq!((find("tv-0"), find("tv-699"), find("tv-700")), (Some(0), Some(699), None));
    }
}
