//! Electric current as people write it: amperes with up to three decimal places, kept as whole milliamperes so that sums
//! are exact.

/// The greatest current that may be written, in thousandths of an ampere: a million amperes.
const MOST: u64 = 1_000_000_000;

/// Reads `32`, `4.5`, `0.125` as thousandths of an ampere, 0 to a million amperes.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn parse_amperes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no current: write amperes, such as `32` or `4.5`");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) {
        return Err(wrong());
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 3 {
        return Err(format!("`{text}` is finer than a thousandth of an ampere: write at most three decimal places"));
    }
    let milliamps: Option<u64> = format!("{whole}{decimals:0<3}").parse().ok();
    milliamps.filter(|milliamps| *milliamps <= MOST).ok_or_else(|| format!("`{text}` is more than a million amperes"))
}

/// So many thousandths of an ampere, in amperes: `32`, `4.5`.
pub fn amperes(milliamps: u64) -> String {
    let (whole, rest) = (milliamps / 1000, format!("{:03}", milliamps % 1000));
    match rest.trim_end_matches('0') {
        "" => whole.to_string(),
        decimals => format!("{whole}.{decimals}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_current_is_read_exactly_and_shown_as_short_as_it_can_be() {
        for (text, milliamps, shown) in [
            ("32", 32_000, "32"),
            ("32.0", 32_000, "32"),
            ("4.5", 4_500, "4.5"),
            ("0.125", 125, "0.125"),
            ("0.1", 100, "0.1"),
            ("2.50000", 2_500, "2.5"),
            ("0", 0, "0"),
            ("1000000", 1_000_000_000, "1000000"),
        ] {
            assert_eq!(parse_amperes(text), Ok(milliamps), "{text}");
            assert_eq!(amperes(milliamps), shown);
        }
    }

    #[test]
    fn what_is_no_current_is_refused() {
        for (text, why) in [
            ("-4.5", "is no current"),
            ("1e3", "is no current"),
            ("inf", "is no current"),
            ("", "is no current"),
            ("4.", "is no current"),
            ("0.0001", "at most three decimal places"),
            ("1000000.001", "more than a million"),
            ("99999999999999999999", "more than a million"),
        ] {
            let error = parse_amperes(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
