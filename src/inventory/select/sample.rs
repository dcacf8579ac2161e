//! `--sample N|N%`: a random part of a selection, taken last, for a canary.

use std::str::FromStr;

use rand::Rng;

/// How much of a selection is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleSize {
    /// So many devices, or all where there are fewer.
    Count(usize),
    /// A share, `parts` of `whole`, rounded up: at least one device.
    Share {
        /// The numerator.
        parts: u64,
        /// The denominator.
        whole: u64,
    },
}

impl FromStr for SampleSize {
    type Err = String;

    /// Reads `10`, `10%` or `2.5%`; more than none, at most 100 %.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || format!("`{text}` is no sample: write a number of devices (`10`) or a share (`10%`, `2.5%`)");
        let Some(share) = text.strip_suffix('%') else {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            let count: usize = text.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
            return if count > 0 { Ok(Self::Count(count)) } else { Err("a sample of 0 devices is none".to_owned()) };
        };
        // Shares are compared exactly, never rounded: so they stay integers.
        let (before, after) = share.trim().split_once('.').unwrap_or((share.trim(), ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if before.is_empty() || share.trim().ends_with('.') || !digits(before) || !digits(after) || after.len() > 9 {
            return Err(wrong());
        }
        let parts: u64 = format!("{before}{after}").parse().map_err(|_| wrong())?;
        let whole = 100 * 10_u64.pow(u32::try_from(after.len()).unwrap_or(0));
        match parts {
            0 => Err("a sample of 0 % is none".to_owned()),
            _ if parts > whole => Err(format!("`{text}` is more than 100 %")),
            _ => Ok(Self::Share { parts, whole }),
        }
    }
}

impl SampleSize {
    /// How many of `total` devices that is.
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count.min(total),
            Self::Share { parts, whole } => {
                let exact = (total as u128 * u128::from(parts)).div_ceil(u128::from(whole));
                usize::try_from(exact).unwrap_or(total).min(total)
            }
        }
    }
}

/// A random part of `positions`, in their order.
pub fn sample(positions: &[u32], size: SampleSize, random: &mut impl Rng) -> Vec<u32> {
    let mut chosen = rand::seq::index::sample(random, positions.len(), size.of(positions.len())).into_vec();
    chosen.sort_unstable();
    chosen.into_iter().filter_map(|index| positions.get(index).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    #[test]
    fn a_share_rounds_up_to_at_least_one() {
        for (text, total, taken) in [
            ("10", 300, 10),
            ("10", 3, 3),
            ("10%", 300, 30),
            ("10%", 301, 31),
            ("2.5%", 300, 8),
            ("0.001%", 300, 1),
            ("100%", 7, 7),
            ("100.000%", 7, 7),
            ("0.000000001%", 300, 1),
            ("33.333333333%", 3, 1),
            ("10%", 0, 0),
        ] {
            assert_eq!(text.parse::<SampleSize>().unwrap().of(total), taken, "{text} of {total}");
        }
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for text in [
            "",
            "0",
            "0%",
            "0.0%",
            "-1",
            "-1%",
            "+1",
            "+1%",
            "1.+5%",
            "101%",
            "100.01%",
            "1.5",
            "x",
            "%",
            ".5%",
            "5.%",
            "1e2%",
            "1.0000000001%",
            "+1.5%",
        ] {
            assert!(text.parse::<SampleSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_sample_keeps_the_order_and_follows_its_random_source() {
        let positions: Vec<u32> = (0..100).map(|n| n * 3).collect();
        let take = |seed| sample(&positions, SampleSize::Count(10), &mut SmallRng::seed_from_u64(seed));
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        assert_eq!(take(3).len(), 10);
        assert!(take(3).is_sorted() && take(3).iter().all(|n| positions.contains(n)));
    }
}
