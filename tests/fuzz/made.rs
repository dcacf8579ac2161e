//! New inputs: kept ones changed in a few places, two of them spliced, and a few of random bytes.

use std::fmt;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

/// An input, shown as a byte string.
#[derive(Clone)]
pub(crate) struct Input(pub(crate) Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

#[derive(Debug, Clone)]
enum Change {
    Put(u8),
    Insert(Vec<u8>),
    Delete(u8),
    /// What stands here comes so many times.
    Repeat(u8, u8),
    /// A piece of another input.
    Take(Index, Index, u8),
    End,
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that mean something to one parser or another.
    let telling =
        proptest::sample::select(b"\0\r\n\t \"'\\[](){}<>,;:=#*-/.x0129aO\xAA\xFF\xFA\xFB\xFD\xF0\x2C".to_vec());
    let byte = prop_oneof![telling, any::<u8>()];
    prop_oneof![
        3 => byte.clone().prop_map(Change::Put),
        3 => proptest::collection::vec(byte, 1..6).prop_map(Change::Insert),
        2 => (1..20_u8).prop_map(Change::Delete),
        1 => (1..12_u8, 1..6_u8).prop_map(|(len, times)| Change::Repeat(len, times)),
        3 => (any::<Index>(), any::<Index>(), 1..40_u8).prop_map(|(seed, from, len)| Change::Take(seed, from, len)),
        1 => Just(Change::End),
    ]
}

/// Inputs of up to `longest` bytes, most of them near to one of `seeds`.
pub(crate) fn input(seeds: Vec<Vec<u8>>, longest: usize) -> impl Strategy<Value = Input> {
    let seeds = Arc::new(seeds);
    let changed = (any::<Index>(), proptest::collection::vec((any::<Index>(), change()), 0..8)).prop_map({
        let seeds = seeds.clone();
        move |(seed, changes)| {
            let mut data = seed.get(&seeds).clone();
            for (at, one) in changes {
                let at = at.index(data.len() + 1);
                apply(&mut data, at, one, &seeds);
            }
            data
        }
    });
    let spliced = (any::<[Index; 4]>()).prop_map(move |[one, other, end, start]| {
        let (one, other) = (one.get(&seeds), other.get(&seeds));
        let mut data = one[..end.index(one.len() + 1)].to_vec();
        data.extend_from_slice(&other[start.index(other.len() + 1)..]);
        data
    });
    let random = proptest::collection::vec(any::<u8>(), 0..80);
    prop_oneof![7 => changed, 2 => spliced, 1 => random].prop_map(move |mut data| {
        data.truncate(longest);
        Input(data)
    })
}

fn apply(data: &mut Vec<u8>, at: usize, change: Change, seeds: &[Vec<u8>]) {
    let end = |len: u8| data.len().min(at + usize::from(len));
    match change {
        Change::Put(byte) => {
            if let Some(place) = data.get_mut(at) {
                *place = byte;
            }
        }
        Change::Insert(bytes) => drop(data.splice(at..at, bytes)),
        Change::Delete(len) => drop(data.drain(at..end(len))),
        Change::Repeat(len, times) => {
            let piece = data[at..end(len)].repeat(times.into());
            data.splice(at..at, piece);
        }
        Change::Take(seed, from, len) => {
            let other = seed.get(seeds);
            let from = from.index(other.len() + 1);
            let piece = other[from..other.len().min(from + usize::from(len))].to_vec();
            data.splice(at..at, piece);
        }
        Change::End => data.truncate(at),
    }
}
