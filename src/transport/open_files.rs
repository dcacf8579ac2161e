//! How many connections this process may hold open at once.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files that are open besides connections: standard streams, reports, the runtime, the resolver. Of a small limit half
/// is left for them, but what no run does without.
const OTHER_FILES: u64 = 64;
const FEWEST_OTHER_FILES: u64 = 16;

/// The open files that this process may have.
#[derive(Debug, Clone, Copy)]
pub struct OpenFiles {
    limit: u64,
}

/// Raises the limit on open files to the hard limit; where that fails the present one stays.
pub fn raise_open_files() -> OpenFiles {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft }
    });
    OpenFiles { limit }
}

impl OpenFiles {
    /// How many lanes fit when each needs `files_per_lane` files (2 where the other end is in this process too).
    pub fn lanes(self, files_per_lane: u64) -> usize {
        let others = (self.limit / 2).clamp(FEWEST_OTHER_FILES, OTHER_FILES);
        usize::try_from((self.limit.saturating_sub(others) / files_per_lane).max(1)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_fit_into_what_is_left_of_the_limit() {
        assert_eq!(OpenFiles { limit: 1064 }.lanes(1), 1000);
        assert_eq!(OpenFiles { limit: 1064 }.lanes(2), 500);
        assert_eq!(OpenFiles { limit: 64 }.lanes(1), 32);
        assert_eq!(OpenFiles { limit: 10 }.lanes(1), 1);
    }
}
