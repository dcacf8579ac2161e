//! A small memory of what was found out about the same bytes.
//!
//! A fleet gives few different replies, and what a pattern says of one depends on its bytes alone: so it is worked out
//! once and then remembered. Bounded: a slot for each value of a hash, the last one wins; long texts are not remembered.

use std::sync::{Mutex, PoisonError, TryLockError};

/// How many answers are remembered where nothing else is said.
const SLOTS: usize = 64;

/// The longest text that is remembered, in bytes: the replies that come by the thousand are short.
const LONGEST: usize = 64;

/// Remembers a value for each of a few byte strings, at most as many as it has slots.
#[derive(Debug)]
pub struct Memo<V, const COUNT: usize = SLOTS> {
    /// Empty until the first is remembered.
    slots: Mutex<Vec<Option<Known<V>>>>,
}

#[derive(Debug)]
struct Known<V> {
    bytes: Box<[u8]>,
    value: V,
}

impl<V, const COUNT: usize> Default for Memo<V, COUNT> {
    fn default() -> Self {
        Self { slots: Mutex::new(Vec::new()) }
    }
}

impl<V: Clone, const COUNT: usize> Memo<V, COUNT> {
    /// What `find_out` says of `bytes`, which must depend on nothing else.
    pub fn get(&self, bytes: &[u8], find_out: impl FnOnce() -> V) -> V {
        if bytes.len() > LONGEST {
            return find_out();
        }
        let slot = hash(bytes) as usize % COUNT;
        // Another thread at work here is not waited for.
        let mut slots = match self.slots.try_lock() {
            Ok(slots) => slots,
            Err(TryLockError::WouldBlock) => return find_out(),
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
        };
        if let Some(Some(known)) = slots.get(slot)
            && *known.bytes == *bytes
        {
            return known.value.clone();
        }
        let value = find_out();
        if slots.is_empty() {
            slots.resize_with(COUNT, || None);
        }
        if let Some(place) = slots.get_mut(slot) {
            *place = Some(Known { bytes: bytes.into(), value: value.clone() });
        }
        value
    }
}

/// FNV-1a (Fowler, Noll, Vo), 32 bits, folded: a few instructions a byte.
fn hash(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_found_out_once_and_others_each_for_themselves() {
        let memo: Memo<_> = Memo::default();
        let mut asked = 0;
        for round in 0..3 {
            for text in ["a 01 OK01x", "a 01 OK00x", ""] {
                let value = memo.get(text.as_bytes(), || {
                    asked += 1;
                    text.to_owned()
                });
                assert_eq!(value, text, "round {round}");
            }
        }
        assert_eq!(asked, 3);
    }

    #[test]
    fn bytes_that_share_a_slot_do_not_share_an_answer() {
        let (memo, last): (Memo<_>, Memo<_, 1>) = (Memo::default(), Memo::default());
        for number in (0..5_000_u32).chain(0..5_000) {
            assert_eq!(memo.get(&number.to_be_bytes(), || number), number);
            assert_eq!(last.get(&number.to_be_bytes(), || number), number);
            assert_eq!(last.get(&number.to_be_bytes(), || 0), number, "with one slot, the last is remembered");
        }
    }

    #[test]
    fn what_is_long_is_found_out_each_time() {
        let memo: Memo<_> = Memo::default();
        let long = [b'x'; LONGEST + 1];
        assert_eq!([memo.get(&long, || 1), memo.get(&long, || 2)], [1, 2]);
    }
}
