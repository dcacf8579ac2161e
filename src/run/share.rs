//! A share such as `98%`, compared exactly: never as a rounded number.

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

    /// Whether `part` of `whole` is at least this share; of nothing, everything is.
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(WHOLE) >= u128::from(whole) * u128::from(self.millionths)
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
    fn what_is_no_share_is_refused() {
        for text in ["98", "101%", "-1%", "%", "1.%", "abc%", "99.99999%", ""] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
