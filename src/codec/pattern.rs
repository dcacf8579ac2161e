//! Regular expressions over bytes, as all patterns of type files are: ASCII classes, linear time, bounded size.

use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled pattern may be, in bytes; a larger one is a mistake in its file.
const COMPILED_MAX: usize = 64 * 1024;

/// Why a text is no usable pattern, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// Compiles a pattern. With `any_line`, `^` and `$` hold at each line, else only at the ends of the whole.
///
/// # Errors
/// The regex crate's reason, in one line.
pub fn compile_pattern(text: &str, any_line: bool) -> Result<Regex, PatternError> {
    RegexBuilder::new(text).unicode(false).multi_line(any_line).size_limit(COMPILED_MAX).build().map_err(|error| {
        PatternError(match error {
            // The crate draws a picture of several lines; its last one holds the reason.
            regex::Error::Syntax(picture) => {
                let reason = picture.lines().last().unwrap_or_default();
                reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
            }
            regex::Error::CompiledTooBig(limit) => format!("compiled it is larger than {limit} bytes"),
            other => other.to_string().replace('\n', " "),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pattern_says_why_in_one_line() {
        assert_eq!(compile_pattern("a(b", false).unwrap_err().to_string(), "unclosed group");
        assert_eq!(
            compile_pattern("(a{1000}){100}", false).unwrap_err().to_string(),
            "compiled it is larger than 65536 bytes"
        );
    }
}
