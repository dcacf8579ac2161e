//! The bad night: which simulated device has which fault.
//!
//! A fault is a function of the seed and of whom it concerns alone, so a night can be played again with any selection, and a
//! device has the same fault whatever else is in the fleet. It concerns a device by its name; and a gateway by its address,
//! with all that is behind it, if it refuses connections or is one board, whose relays are silent or slow together. A share
//! is a chance, drawn for each of them by itself: of 300 displays 5% are silent as often as such coins fall.

use std::str::FromStr;
use std::time::Duration;

use crate::diagnostic::{nearest, parse_duration};

/// What is wrong with a simulated device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers nothing.
    Silent,
    /// Its gateway refuses connections.
    Refuse,
    /// It answers no.
    Reject,
    /// It answers half a second to three seconds late.
    Slow,
    /// Its connection ends in the middle of the reply.
    Cut,
}

const NAMES: [(&str, Fault); 5] = [
    ("silent", Fault::Silent),
    ("refuse", Fault::Refuse),
    ("reject", Fault::Reject),
    ("slow", Fault::Slow),
    ("cut", Fault::Cut),
];

/// How common the faults are: `silent=5%,refuse=2%,boot=38s`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// Shares from 0 to 1 that come to at most 1: a device has one fault at most.
    shares: Vec<(Fault, f64)>,
    /// How long a device boots after it was switched on, instead of what its type says.
    boot: Option<Duration>,
}

/// A night with a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Night {
    /// The faults that are played.
    pub faults: Faults,
    /// What the draws depend on.
    pub seed: u64,
}

impl Night {
    /// Whether a gateway refuses connections.
    pub fn refuses(&self, gateway: &str) -> bool {
        self.draw(gateway, "gateway") < self.faults.share_of(Fault::Refuse)
    }

    /// The fault of whoever answers behind a gateway: a display by its name, a board by the gateway's address.
    pub fn fault_of(&self, gateway: &str, who: &str) -> Option<Fault> {
        if self.refuses(gateway) {
            return Some(Fault::Refuse);
        }
        // The other faults have their shares of all devices, though only those that can be reached may have them.
        let mut drawn = self.draw(who, "fault") * (1.0 - self.faults.share_of(Fault::Refuse));
        for &(fault, share) in self.faults.shares.iter().filter(|(fault, _)| *fault != Fault::Refuse) {
            if drawn < share {
                return Some(fault);
            }
            drawn -= share;
        }
        None
    }

    /// How late somebody who is slow answers.
    pub fn delay_of(&self, who: &str) -> Duration {
        Duration::from_millis(500) + Duration::from_millis(2500).mul_f64(self.draw(who, "delay"))
    }

    /// How long devices boot, where that is not left to their type.
    pub fn boot(&self) -> Option<Duration> {
        self.faults.boot
    }

    /// A number from 0 to 1 for a device or a gateway.
    fn draw(&self, who: &str, what: &str) -> f64 {
        // FNV-1a over the names, then the finish of SplitMix64: the standard library's hashers may change between
        // versions, and a night should be the same next year.
        let named = who
            .bytes()
            .chain([0])
            .chain(what.bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut mixed = named ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The upper 32 bits as a fraction: a draw needs no more, and an f64 holds them exactly.
        f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
    }
}

impl Faults {
    fn share_of(&self, wanted: Fault) -> f64 {
        self.shares.iter().filter(|(fault, _)| *fault == wanted).map(|(_, share)| share).sum()
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(format!("`{part}`: write FAULT=SHARE, such as `silent=5%`"));
            };
            let (name, value) = (name.trim(), value.trim());
            if name == "boot" {
                faults.boot = Some(parse_duration(value).map_err(|message| format!("`boot`: {message}"))?);
                continue;
            }
            let Some(&(_, fault)) = NAMES.iter().find(|(known, _)| *known == name) else {
                let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).chain(["boot"]).collect();
                return Err(match nearest(name, known.iter().copied()) {
                    Some(near) => format!("unknown fault `{name}`; did you mean `{near}`?"),
                    None => format!("unknown fault `{name}`; known are {}", known.join(", ")),
                });
            };
            let percent = value.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
            match percent {
                Some(percent) if (0.0..=100.0).contains(&percent) => faults.shares.push((fault, percent / 100.0)),
                _ => return Err(format!("`{name}={value}`: write a percentage from 0% to 100%")),
            }
        }
        if faults.shares.iter().map(|(_, share)| share).sum::<f64>() > 1.000_001 {
            return Err("the faults come to more than 100%: a device has one at most".to_owned());
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(faults: &str, seed: u64) -> Night {
        Night { faults: faults.parse().unwrap(), seed }
    }

    #[test]
    fn a_seed_draws_the_same_night_again_and_another_seed_another_one() {
        let faults = |night: &Night| {
            (0..1000).map(|n| night.fault_of(&format!("10.0.0.{n}:23"), &format!("tv-{n}"))).collect::<Vec<_>>()
        };
        let first = faults(&night("silent=5%,refuse=2%", 7));
        assert_eq!(first, faults(&night("silent=5%,refuse=2%", 7)));
        assert_ne!(first, faults(&night("silent=5%,refuse=2%", 8)));
        let silent = first.iter().filter(|fault| **fault == Some(Fault::Silent)).count();
        assert!((25..=80).contains(&silent), "{silent} of 1000 are silent");
        assert!(faults(&night("slow=100%", 1)).iter().all(|fault| *fault == Some(Fault::Slow)));
        assert!(faults(&night("", 1)).iter().all(Option::is_none));
    }

    /// The draws of devices and of nights are independent: over many nights of a fleet each fault has its share, and the
    /// counts of the nights scatter as those of coins do.
    #[test]
    fn each_fault_has_its_share_of_devices_and_no_night_or_device_is_favoured() {
        const NIGHTS: u32 = 400;
        const DEVICES: u32 = 300;
        let faults = "silent=5%,refuse=2%,reject=1%,slow=10%,cut=1%";
        let drawn: Vec<Vec<Option<Fault>>> = (0..u64::from(NIGHTS))
            .map(|seed| {
                (1..=DEVICES)
                    .map(|n| night(faults, seed).fault_of(&format!("10.0.0.{n}:23"), &format!("tv-{n:03}")))
                    .collect()
            })
            .collect();
        for (fault, share) in night(faults, 0).faults.shares {
            let is_one = |one: &&Option<Fault>| **one == Some(fault);
            let count = |found: usize| u32::try_from(found).unwrap();
            let by_night: Vec<u32> = drawn.iter().map(|night| count(night.iter().filter(is_one).count())).collect();
            let by_device =
                (0..DEVICES as usize).map(|place| count(drawn.iter().filter(|night| is_one(&&night[place])).count()));
            // Of 120,000 draws: five standard deviations either way.
            let (all, of) = (f64::from(by_night.iter().sum::<u32>()), f64::from(NIGHTS * DEVICES));
            assert!((all - of * share).abs() <= 5.0 * (of * share * (1.0 - share)).sqrt(), "{fault:?}: {all} of {of}");
            // Chi-squared over nights, then over devices, as a normal distribution: five standard deviations, too.
            let scatter = |counts: &[u32], draws: u32| {
                let expected = f64::from(draws) * share;
                let squares = counts.iter().map(|&count| (f64::from(count) - expected).powi(2));
                let freedom = f64::from(count(counts.len()));
                let chi = squares.sum::<f64>() / (expected * (1.0 - share));
                (chi - freedom) / (2.0 * freedom).sqrt()
            };
            let (nights, devices) = (scatter(&by_night, DEVICES), scatter(&by_device.collect::<Vec<_>>(), NIGHTS));
            assert!(nights.abs() <= 5.0, "{fault:?} by night: {nights}");
            assert!(devices.abs() <= 5.0, "{fault:?} by device: {devices}");
        }
    }

    #[test]
    fn what_is_no_fault_says_what_would_be() {
        for (text, message) in [
            ("silnt=5%", "unknown fault `silnt`; did you mean `silent`?"),
            ("silent=5", "`silent=5`: write a percentage from 0% to 100%"),
            ("silent", "`silent`: write FAULT=SHARE, such as `silent=5%`"),
            ("silent=60%,cut=41%", "the faults come to more than 100%: a device has one at most"),
        ] {
            assert_eq!(text.parse::<Faults>(), Err(message.to_owned()));
        }
        assert_eq!(night("boot=38s", 1).boot(), Some(Duration::from_secs(38)));
    }
}
