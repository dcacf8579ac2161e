//! How fast a run goes through its fleet: starts a second, a part of the devices at a time, inrush.

use std::str::FromStr;
use std::time::Duration;

use super::Share;

/// `--rate`: how far starts are apart. A start is the write of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
}

impl Rate {
    /// A start every `interval`, which is not zero.
    pub fn every(interval: Duration) -> Self {
        Self { interval: interval.max(Duration::from_nanos(1)) }
    }

    /// The time between two starts.
    pub fn interval(self) -> Duration {
        self.interval
    }
}

/// The slowest and the fastest rate, in starts a second: one a day, a million.
const RATES: std::ops::RangeInclusive<f64> = 1.0 / 86_400.0..=1_000_000.0;

impl FromStr for Rate {
    type Err = String;

    /// Reads `5/s`, `0.5/s`, `30/m` (a minute), `100/h`; a number alone counts a second.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no rate: write devices per second, such as `5/s` or `0.5/s`, a minute (`30/m`) or an hour"
            )
        };
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number = number.trim();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(wrong());
        }
        let number: f64 = number.parse().map_err(|_| wrong())?;
        if number == 0.0 {
            return Err("a rate of 0 starts no device".to_owned());
        }
        let rate = number / seconds;
        if !RATES.contains(&rate) {
            return Err(format!("`{text}`: a rate is between one device a day and a million a second"));
        }
        Ok(Self::every(Duration::from_secs_f64(1.0 / rate)))
    }
}

/// A number of devices, or a share of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// So many.
    Count(u64),
    /// So much of all selected devices.
    Share(Share),
}

impl Portion {
    /// Of `total` devices, a share rounded up.
    pub fn rounded_up(self, total: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => share.rounded_up(total),
        }
    }

    /// Of `total` devices, a share rounded down.
    pub fn rounded_down(self, total: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => share.rounded_down(total),
        }
    }
}

impl FromStr for Portion {
    type Err = String;

    /// Reads `10`, `10%`, `2.5%`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with('%') {
            return text.parse().map(Self::Share);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let count = text.parse().ok().filter(|_| is_number);
        count
            .map(Self::Count)
            .ok_or_else(|| format!("`{text}` is neither a number of devices (`10`) nor a share of them (`10%`)"))
    }
}

/// What a device draws when its command is written, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inrush {
    /// The circuit's place in the plan.
    pub circuit: u32,
    /// In thousandths of an ampere.
    pub milliamps: u64,
    /// For how long, from the write of the command.
    pub settle: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_may_be_a_fraction_and_count_longer_spans() {
        for (text, millis) in [("5/s", 200), ("0.5/s", 2000), ("2", 500), ("30/m", 2000), ("100/h", 36_000)] {
            assert_eq!(text.parse::<Rate>().map(Rate::interval), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "/s", "-1/s", "0/s", "0", "1/d", "nan", "inf/s", "1e3/s", "5/s/s", ".", "0.00000001/s", "2000000/s"]
        {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_portion_is_a_number_or_a_share() {
        let portion = |text: &str| text.parse::<Portion>().unwrap();
        assert_eq!((portion("10").rounded_up(300), portion("10").rounded_down(3)), (10, 10));
        assert_eq!((portion("1%").rounded_up(301), portion("1%").rounded_down(301)), (4, 3));
        assert_eq!((portion("33.3333%").rounded_up(3), portion("100%").rounded_down(7)), (1, 7));
        assert_eq!((portion("0%").rounded_up(9), portion("0").rounded_down(9)), (0, 0));
        for text in ["", "-1", "120%", "%", "+3", "1.5", "ten"] {
            assert!(text.parse::<Portion>().is_err(), "{text}");
        }
    }
}
