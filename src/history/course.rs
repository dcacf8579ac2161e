//! How a run went for each of its devices, in four bytes a device: what the next run must know of it, read at once.
//!
//! The rows of `outcome` say the same and much more, but 30,000 of them take longer to read than a run has time for
//! before it starts.

/// What became of a device, and how long that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) is_success: bool,
    /// From the start of its first attempt to its outcome, in tenths of a millisecond; at most a day.
    pub(super) tenths: u32,
}

/// The two highest bits: nothing where a device was skipped or has no outcome.
const SUCCESS: u32 = 1 << 30;
const FAILURE: u32 = 1 << 31;
/// What the others can say: 29 hours.
const MOST_TENTHS: u32 = SUCCESS - 1;

/// The devices of a run in its order.
#[derive(Debug, Clone)]
pub(super) struct Course(Vec<u8>);

impl Course {
    /// So many devices of which nothing is known yet.
    pub(super) fn new(devices: usize) -> Self {
        Self(vec![0; devices * 4])
    }

    /// As it was kept.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As it is kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Says what became of a device; `tenths`: of a millisecond.
    pub(super) fn set(&mut self, place: usize, is_success: bool, tenths: i64) {
        let tenths = u32::try_from(tenths.max(0)).unwrap_or(u32::MAX).min(MOST_TENTHS);
        let word = tenths | if is_success { SUCCESS } else { FAILURE };
        if let Some(bytes) = self.0.chunks_exact_mut(4).nth(place) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// What became of each; `None`: it was skipped, or nothing is known.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<Fate>> {
        self.0.chunks_exact(4).map(|bytes| {
            let word = bytes.try_into().map_or(0, u32::from_le_bytes);
            let fate = |is_success| Fate { is_success, tenths: word & MOST_TENTHS };
            match (word & SUCCESS != 0, word & FAILURE != 0) {
                (true, _) => Some(fate(true)),
                (_, true) => Some(fate(false)),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_of_a_device_is_read_back_and_what_was_not_is_unknown() {
        let mut course = Course::new(4);
        course.set(0, true, 1_314);
        course.set(2, false, i64::MAX);
        course.set(3, false, -1);
        course.set(9, true, 1);
        let read: Vec<Option<Fate>> = Course::from_bytes(course.bytes()).iter().collect();
        let fate = |is_success, tenths| Some(Fate { is_success, tenths });
        assert_eq!(read, [fate(true, 1_314), None, fate(false, MOST_TENTHS), fate(false, 0)]);
        assert_eq!(Course::from_bytes(&[1, 2, 3]).iter().count(), 0, "what is cut short says nothing");
    }
}
