//! How many connections this process may hold open at once.
//!
//! The limit (`ulimit -n`) holds for a table of open files, which the threads of a process usually share. On Linux a
//! thread can have one of its own (`unshare(2)`, `CLONE_FILES`; needs no privilege, but some containers forbid it): so
//! a process may hold several times the limit.

use std::io;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files that are open besides connections: standard streams, reports, the runtime, the resolver. Of a small limit half
/// is left for them, but what no run does without.
const OTHER_FILES: u64 = 64;
const FEWEST_OTHER_FILES: u64 = 16;

/// The most tables that one run uses: each is a thread.
const MOST_TABLES: usize = 64;

/// The open files that this process may have.
#[derive(Debug, Clone, Copy)]
pub struct OpenFiles {
    limit: u64,
}

/// What fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Lanes at once.
    pub lanes: usize,
    /// Tables of open files that hold them, each of a thread.
    pub tables: usize,
}

/// Raises the limit on open files to the hard limit; where that fails the present one stays.
pub fn raise_open_files() -> OpenFiles {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft }
    });
    OpenFiles { limit }
}

/// Gives the calling thread a table of open files of its own: a copy of what is open now.
///
/// # Errors
/// `Unsupported` but on Linux; else the system's reason.
pub fn own_file_table() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES)?);
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes the calling thread's table of open files large enough for so many more. Linux doubles a table when it is full, and
/// where several threads share it each time waits until no processor looks at the old one any more: some 10 ms in which
/// nothing is sent. Best called before there are threads. What does not succeed is left to the system.
pub fn reserve_files(count: u64) {
    if let Ok(last) = i32::try_from(OTHER_FILES.saturating_add(count))
        && let Ok(file) = fcntl(std::io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(last))
    {
        _ = nix::unistd::close(file);
    }
}

/// Whether threads can have such tables here: asked on a thread that ends at once.
fn has_own_tables() -> bool {
    std::thread::spawn(|| own_file_table().is_ok()).join().unwrap_or(false)
}

impl OpenFiles {
    /// How many of the `wanted` lanes fit, when each needs `files_per_lane` files (2 where the other end is in this
    /// process too); in one table where possible, and else, if they `may_split`, in several.
    pub fn fit(self, wanted: usize, files_per_lane: u64, may_split: bool) -> Fit {
        let in_one = self.lanes(files_per_lane);
        if wanted <= in_one {
            return Fit { lanes: wanted, tables: 1 };
        }
        if !may_split || !has_own_tables() {
            return Fit { lanes: in_one, tables: 1 };
        }
        let tables = wanted.div_ceil(in_one).min(MOST_TABLES);
        Fit { lanes: wanted.min(in_one.saturating_mul(tables)), tables }
    }

    fn lanes(self, files_per_lane: u64) -> usize {
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

    #[test]
    fn what_does_not_fit_into_one_table_is_split_where_that_is_possible() {
        let files = OpenFiles { limit: 1064 };
        assert_eq!(files.fit(1000, 1, true), Fit { lanes: 1000, tables: 1 });
        assert_eq!(files.fit(2500, 1, false), Fit { lanes: 1000, tables: 1 });
        let split = if has_own_tables() { Fit { lanes: 2500, tables: 3 } } else { Fit { lanes: 1000, tables: 1 } };
        assert_eq!(files.fit(2500, 1, true), split);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn room_is_made_for_all_files_at_once() {
        let size = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
            line.trim().parse::<usize>().unwrap()
        };
        std::thread::spawn(move || {
            own_file_table().unwrap();
            let (before, open) = (size(), std::fs::read_dir("/proc/thread-self/fd").unwrap().count());
            reserve_files(before as u64);
            assert!(size() > before, "{} after {before}", size());
            assert_eq!(std::fs::read_dir("/proc/thread-self/fd").unwrap().count(), open);
        })
        .join()
        .unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_with_its_own_table_closes_its_own_files_alone() {
        use std::os::fd::{AsRawFd as _, IntoRawFd as _};
        let shared = std::fs::File::open("/dev/null").unwrap();
        let number = shared.as_raw_fd();
        std::thread::spawn(move || {
            own_file_table().unwrap();
            nix::unistd::close(number).unwrap();
            assert!(shared.metadata().is_err(), "closed in this thread's table");
            _ = shared.into_raw_fd();
        })
        .join()
        .unwrap();
        assert_eq!(nix::unistd::close(number), Ok(()), "still open in the process's table");
    }
}
