//! The oracle's command line.

use crate::night::Over;

/// What is to be done.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Arguments {
    /// The first seed.
    pub(crate) seed: u64,
    /// So many nights at the most.
    pub(crate) nights: u64,
    /// So many device-nights, roughly.
    pub(crate) devices: u64,
    pub(crate) threads: usize,
    /// Go on after what fails.
    pub(crate) goes_on: bool,
    /// Print each night, its truth and its report.
    pub(crate) tells: bool,
    /// Plant all lies, or this one.
    pub(crate) plants: bool,
    pub(crate) lie: Option<String>,
    /// What nights are played over.
    pub(crate) over: Over,
    /// Cargo asks which tests there are.
    pub(crate) is_list: bool,
}

/// What is said of a mistake.
const USAGE: &str = "oracle [--seed S] [--nights N] [--devices N] [--threads N] [--go-on] [--tell] [--lies | --lie NAME] [--real | --ser2net | --simulated]";

/// Device-nights of a plain `cargo test`: enough to find most planted lies, in seconds.
const FEW: u64 = 2000;

/// Nights of the real binary where nothing else is said, and how many are played at once.
const FEW_REAL: u64 = 40;
const AT_ONCE: usize = 12;

impl Arguments {
    /// Reads the command line; a new seed where none is given.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut read = Self {
            seed: now.as_secs() * 1_000_000,
            nights: u64::MAX,
            devices: u64::MAX,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            goes_on: false,
            tells: false,
            plants: false,
            lie: None,
            over: Over::Memory,
            is_list: false,
        };
        let number = |words: &mut dyn Iterator<Item = String>| {
            words.next().and_then(|word| word.replace('_', "").parse::<u64>().ok()).ok_or(USAGE.to_owned())
        };
        while let Some(word) = words.next() {
            match &*word {
                "--seed" => read.seed = number(&mut words)?,
                "--nights" => read.nights = number(&mut words)?,
                "--devices" => read.devices = number(&mut words)?,
                "--threads" => read.threads = usize::try_from(number(&mut words)?).unwrap_or(1).max(1),
                "--go-on" => read.goes_on = true,
                "--tell" => (read.tells, read.threads) = (true, 1),
                "--real" => read.over = Over::Sockets,
                "--ser2net" => read.over = Over::Ser2net,
                "--simulated" => read.over = Over::Simulation,
                "--lies" => read.plants = true,
                "--lie" => (read.plants, read.lie) = (true, Some(words.next().ok_or(USAGE)?)),
                "--list" => read.is_list = true,
                // What is meant for the tests of the standard harness: a name is none of ours.
                "--nocapture" | "--show-output" | "--quiet" | "-q" | "--include-ignored" => {}
                _ if word.starts_with("--test-threads=") || word.starts_with("--format=") => {}
                "--test-threads" | "--format" | "--skip" => _ = words.next(),
                "--ignored" | "--exact" => read.is_list = true,
                _ if !word.starts_with('-') => read.is_list = true,
                _ => return Err(format!("`{word}` is not understood: {USAGE}")),
            }
        }
        if read.over != Over::Memory {
            // They wait more than they compute.
            read.threads = if read.tells { 1 } else { read.threads.max(AT_ONCE) };
            read.nights = if read.nights == u64::MAX { FEW_REAL } else { read.nights };
        } else if (read.nights, read.devices) == (u64::MAX, u64::MAX) {
            read.devices = FEW;
        }
        Ok(read)
    }
}
