//! The known word nearest to one that was mistyped.

/// The word of `known` that `wrong` was most likely meant to be; `None` when nothing is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    // Case, hyphen and underscore are the commonest slips and cost nothing; one other slip per three letters is allowed.
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let allowed = (wrong.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| {
            let distance =
                if plain(word) == plain(wrong) { 0 } else { strsim::osa_distance(&lower, &word.to_lowercase()) };
            (distance, word)
        })
        .filter(|&(distance, _)| distance <= allowed)
        // Of equally near words always the same one, in whatever order they are known.
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["connect_timeout", "reply_timeout", "retries", "name"];
        for (wrong, found) in [
            ("conect_timeout", Some("connect_timeout")),
            ("reply-timeout", Some("reply_timeout")),
            ("Retries", Some("retries")),
            ("nmae", Some("name")),
            ("colour", None),
        ] {
            assert_eq!(nearest(wrong, known), found, "{wrong}");
        }
    }
}
