//! The inventories of measured runs, the command line they are run with, and what such a run has to come to.

use std::fmt::Write as _;
use std::time::Duration;

use tempfile::TempDir;

use super::Result;
use super::devices::{Nature, Seen, gateway};
use super::schedule::Lane;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fleetctl");

/// What silent devices are waited for.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// What devices are waited for where none is silent.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two commands to a gateway: the device type's own.
pub(crate) const GAP: Duration = Duration::from_millis(100);

/// The longest chain.
const LONGEST: u32 = 9;

/// A fleet of displays on loopback.
pub(crate) struct Fleet {
    folder: TempDir,
    /// The devices behind each gateway, in the inventory's order.
    chains: Vec<u8>,
    written: Written,
}

enum Written {
    /// A table for each gateway.
    Tables,
    /// One table for all.
    Range,
}

impl Fleet {
    /// Each device behind a gateway of its own, a table each.
    pub(crate) fn of_singles(devices: u32) -> Result<Self> {
        Self::of_chains(devices, 1)
    }

    /// `chain` devices behind each gateway; 0: one to nine, in turn.
    pub(crate) fn of_chains(devices: u32, chain: u32) -> Result<Self> {
        let mut chains = Vec::new();
        let mut left = devices;
        for lane in 0.. {
            let wanted = if chain == 0 { lane % LONGEST + 1 } else { chain };
            let len = wanted.min(left);
            if len == 0 {
                break;
            }
            left -= len;
            chains.push(u8::try_from(len)?);
        }
        Ok(Self { folder: tempfile::tempdir()?, chains, written: Written::Tables })
    }

    /// Single devices in one table: as many as there are in whole rows of 1000.
    pub(crate) fn of_range(devices: u32) -> Result<Self> {
        Ok(Self { written: Written::Range, ..Self::of_singles(devices)? })
    }

    /// How many devices it has.
    pub(crate) fn devices(&self) -> u32 {
        self.chains.iter().copied().map(u32::from).sum()
    }

    /// Writes the inventory; where it is.
    pub(crate) fn file(&self, port: u16) -> Result<String> {
        let mut text = String::new();
        if let Written::Range = self.written {
            let (last, rows) = (self.devices() - 1, self.devices() / 1_000 - 1);
            writeln!(
                text,
                "[[device]]\nname = \"tv-[000000-{last:06}]\"\naddress = \"127.[0-{rows}].[0-9].[1-100]:{port}\"\ntype = \"lg-rs232\""
            )?;
        } else {
            for (number, &chain) in (0..).zip(&self.chains) {
                let (hall, row) = (number % 40, number / 40 % 100);
                let units = if chain == 1 { String::new() } else { format!("-[1-{chain}]") };
                write!(
                    text,
                    "[[device]]\nname = \"tv-{number:06}{units}\"\naddress = \"{}:{port}\"\ntype = \"lg-rs232\"\n\
                     tags = [\"hall-{hall}\", \"row-{row}\"]\n",
                    gateway(number)
                )?;
                if chain > 1 {
                    writeln!(text, "params = {{ set_id = \"[1-{chain}]\" }}")?;
                }
                text.push('\n');
            }
        }
        let path = self.folder.path().join("fleet.toml");
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// A run over all of it, with a report.
    pub(crate) fn command(&self, port: u16, concurrency: u32, timeout: Duration) -> Result<Vec<String>> {
        let report = self.folder.path().join("report.json");
        let words = [
            (PROGRAM, "run"),
            ("--inventory", &self.file(port)?),
            ("--cmd", "ka {set_id} 01"),
            ("--concurrency", &concurrency.to_string()),
            ("--connect-timeout", "10s"),
            ("--reply-timeout", &format!("{}s", timeout.as_secs())),
            ("--device-deadline", "120s"),
            ("--retries", "0"),
            ("--report", &format!("json={}", report.display())),
        ];
        Ok(words
            .into_iter()
            .flat_map(|(one, two)| [one.to_owned(), two.to_owned()])
            .chain(["-q", "--no-history"].map(str::to_owned))
            .collect())
    }

    /// The same, recorded in one history run after run, so that the second knows the first.
    pub(crate) fn recorded(&self, port: u16, concurrency: u32, timeout: Duration) -> Result<Vec<String>> {
        let mut words = self.command(port, concurrency, timeout)?;
        words.retain(|word| word != "--no-history");
        words.extend(["--history".to_owned(), self.folder.path().join("history.db").display().to_string()]);
        Ok(words)
    }

    /// Its lanes with devices of this nature.
    pub(crate) fn lanes(&self, nature: &Nature) -> Vec<Lane> {
        (0..)
            .zip(&self.chains)
            .map(|(number, &chain)| {
                let answers = (1..=chain)
                    .map(|set_id| nature.answers_after(gateway(number), set_id).unwrap_or(TIMEOUT).min(TIMEOUT));
                Lane { devices: usize::from(chain), lasts: answers.sum::<Duration>() + GAP * u32::from(chain - 1) }
            })
            .collect()
    }

    /// What its devices have to see.
    pub(crate) fn expected(&self, nature: &Nature) -> Seen {
        let devices =
            (0..).zip(&self.chains).flat_map(|(number, &chain)| (1..=chain).map(move |id| (gateway(number), id)));
        let answered = devices.filter(|&(gateway, id)| nature.answers_after(gateway, id).is_some()).count() as u64;
        Seen { answered, unanswered: u64::from(self.devices()) - answered, ..Seen::default() }
    }
}
