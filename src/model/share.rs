//! A share such as `98%`, compared exactly: never as a rounded number.

use std::fmt;
use std::str::FromStr;

/// A percentage with up to four decimal places, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// In ten-thousandths of a percent.
    millionths: u64,
}

/// Parts of a whole.
const WHOLE: u64 = 1_000_000;

impl Share {
    /// Everything.
    pub const ALL: Self = Self { millionths: WHOLE };

    /// Nothing.
    pub const NONE: Self = Self { millionths: 0 };

    /// A share of so many percent; more than 100 are all.
    pub const fn percent(percent: u64) -> Self {
        Self { millionths: if percent < 100 { percent * (WHOLE / 100) } else { WHOLE } }
    }

    /// The share that `part` is of `whole`, rounded down to a ten-thousandth of a percent: for showing, not for judging.
    pub fn of(part: u64, whole: u64) -> Self {
        let millionths = (u128::from(part) * u128::from(WHOLE)).checked_div(u128::from(whole)).unwrap_or(0);
        Self { millionths: u64::try_from(millionths).unwrap_or(WHOLE).min(WHOLE) }
    }

    /// Whether `part` of `whole` is more than this share; of nothing, nothing is.
    pub fn is_exceeded(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(WHOLE) > u128::from(whole) * u128::from(self.millionths)
    }

    /// So many of `total`, a part of one counted as one.
    pub fn rounded_up(self, total: u64) -> u64 {
        let exact = (u128::from(total) * u128::from(self.millionths)).div_ceil(u128::from(WHOLE));
        u64::try_from(exact).unwrap_or(total)
    }

    /// So many of `total`, a part of one left out.
    pub fn rounded_down(self, total: u64) -> u64 {
        let exact = u128::from(total) * u128::from(self.millionths) / u128::from(WHOLE);
        u64::try_from(exact).unwrap_or(total)
    }

    /// Whether `part` of `whole` is at least this share; of nothing, everything is.
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(WHOLE) >= u128::from(whole) * u128::from(self.millionths)
    }
}

impl fmt::Display for Share {
    /// As it is written: `98%`, `99.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.millionths / 10_000, format!("{:04}", self.millionths % 10_000));
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}%"),
            decimals => write!(f, "{whole}.{decimals}%"),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is no share: write a percentage from 0% to 100%, such as `98%` or `99.5%`");
        let number = text.strip_suffix('%').ok_or_else(wanted)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) || decimals.len() > 4 {
            return Err(wanted());
        }
        let digits: u64 = format!("{whole}{decimals:0<4}").parse().map_err(|_| wanted())?;
        if digits > WHOLE { Err(wanted()) } else { Ok(Self { millionths: digits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_compared_exactly() {
        let share: Share = "98%".parse().unwrap();
        assert!(share.is_reached(294, 300));
        assert!(!share.is_reached(293, 300));
        assert!("33.3333%".parse::<Share>().unwrap().is_reached(1, 3));
        assert!(!"33.3334%".parse::<Share>().unwrap().is_reached(1, 3));
        assert!(Share::ALL.is_reached(0, 0));
        assert!("0%".parse::<Share>().unwrap().is_reached(0, 5));
    }

    #[test]
    fn a_share_is_exceeded_only_by_more() {
        let tenth = Share::percent(10);
        assert!(!tenth.is_exceeded(30, 300));
        assert!(tenth.is_exceeded(31, 300));
        assert!(Share::NONE.is_exceeded(1, 100_000) && !Share::NONE.is_exceeded(0, 100_000));
        assert!(!Share::NONE.is_exceeded(0, 0) && !Share::ALL.is_exceeded(5, 5));
        let third: Share = "33.3333%".parse().unwrap();
        assert!(third.is_exceeded(1, 3));
    }

    #[test]
    fn a_share_of_a_whole_is_rounded_down_and_never_more_than_all() {
        for (part, whole, shown) in
            [(1, 3, "33.3333%"), (2, 3, "66.6666%"), (0, 7, "0%"), (3, 3, "100%"), (9, 3, "100%")]
        {
            assert_eq!(Share::of(part, whole).to_string(), shown);
        }
        assert_eq!(Share::of(1, 0), Share::NONE, "of nothing");
        for (percent, shown) in [(0, "0%"), (99, "99%"), (100, "100%"), (101, "100%")] {
            assert_eq!(Share::percent(percent).to_string(), shown);
        }
    }

    #[test]
    fn a_share_is_shown_as_it_is_written() {
        for text in ["0%", "98%", "99.5%", "33.3333%", "0.0001%", "100%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["98", "101%", "-1%", "%", "1.%", "abc%", "99.99999%", ""] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
