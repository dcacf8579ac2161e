//! A set of device positions, a bit each: joining, cutting and inverting cost one pass over a few kilobytes.

/// Positions from 0 to a fixed size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeviceSet {
    words: Vec<u64>,
    size: usize,
}

impl DeviceSet {
    /// The empty set over `size` devices.
    pub(super) fn none(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)], size }
    }

    /// The set of all `size` devices.
    pub(super) fn all(size: usize) -> Self {
        let mut set = Self::none(size);
        set.invert();
        set
    }

    pub(super) fn insert(&mut self, position: u32) {
        let position = position as usize;
        if let Some(word) = self.words.get_mut(position / 64) {
            *word |= 1 << (position % 64);
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    pub(super) fn cut(&mut self, other: &Self) {
        for (word, kept) in self.words.iter_mut().zip(&other.words) {
            *word &= kept;
        }
    }

    pub(super) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let beyond = self.size % 64;
        if beyond > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << beyond) - 1;
        }
    }

    /// The positions in it, ascending.
    pub(super) fn positions(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for (base, &word) in (0_u32..).step_by(64).zip(&self.words) {
            let mut left = word;
            while left != 0 {
                found.push(base + left.trailing_zeros());
                left &= left - 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_its_inverse_the_rest() {
        for size in [0, 1, 63, 64, 65, 130] {
            let mut set = DeviceSet::none(size);
            let inside: Vec<u32> = (0..u32::try_from(size).unwrap()).filter(|n| n % 3 == 0).collect();
            for &n in &inside {
                set.insert(n);
            }
            assert_eq!(set.positions(), inside);
            let mut rest = set.clone();
            rest.invert();
            assert_eq!(rest.positions().len() + inside.len(), size);
            rest.join(&set);
            assert_eq!(rest, DeviceSet::all(size));
            rest.cut(&set);
            assert_eq!(rest, set);
        }
    }
}
