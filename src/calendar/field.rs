//! One field of a cron expression: `*`, `5`, `1-5`, `mon-fri`, `*/15`, `8-18/2`, and lists of these.

use std::ops::Range;

/// What a field counts.
pub(super) struct Kind {
    /// Its name in messages.
    pub(super) what: &'static str,
    pub(super) min: u8,
    pub(super) max: u8,
    /// Names of its values, from `min` on.
    pub(super) names: &'static [&'static str],
}

pub(super) const MINUTE: Kind = Kind { what: "minute", min: 0, max: 59, names: &[] };
pub(super) const HOUR: Kind = Kind { what: "hour", min: 0, max: 23, names: &[] };
pub(super) const DAY: Kind = Kind { what: "day of the month", min: 1, max: 31, names: &[] };
pub(super) const MONTH: Kind = Kind {
    what: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0 and 7.
pub(super) const WEEKDAY: Kind =
    Kind { what: "day of the week", min: 0, max: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] };

/// A field that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// A bit for each value.
    pub(super) bits: u64,
    /// It begins with `*`, so it restricts nothing by itself.
    pub(super) is_star: bool,
    /// There is a `*` or a step in it.
    pub(super) is_rhythm: bool,
}

/// A mistake: the bytes of the field that are wrong, what is wrong, what would be right.
pub(super) type Wrong = (Range<usize>, String, Option<String>);

impl Field {
    pub(super) fn parse(text: &str, kind: &Kind) -> Result<Self, Wrong> {
        let mut field = Self { bits: 0, is_star: text.starts_with('*'), is_rhythm: text.contains(['*', '/']) };
        let mut at = 0;
        for element in text.split(',') {
            let place = at..at + element.len();
            field.bits |= bits(element, kind).map_err(|(message, help)| (place, message, help))?;
            at += element.len() + 1;
        }
        Ok(field)
    }

    /// The values, ascending.
    pub(super) fn values(self) -> impl Iterator<Item = i8> + Clone {
        (0..64_i8).filter(move |value| self.bits >> value & 1 == 1)
    }
}

/// The values of one element of the list.
fn bits(element: &str, kind: &Kind) -> Result<u64, (String, Option<String>)> {
    let (range, step) = match element.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (element, None),
    };
    let (first, last) = match range.split_once('-') {
        None if range == "*" => (kind.min, kind.max),
        None => {
            let value = value(range, kind)?;
            if step.is_some() {
                let help = format!("write `{range}-{}/{}`", kind.max, step.unwrap_or_default());
                return Err((format!("`{element}`: a step follows `*` or a range"), Some(help)));
            }
            (value, value)
        }
        Some((first, last)) => {
            let (from, to) = (value(first, kind)?, value(last, kind)?);
            // A week that ends with its Sunday: `fri-sun`.
            let to = if to == 0 && kind.max == 7 && from > 0 { 7 } else { to };
            if from > to {
                let help = format!("write `{first}-{},{}-{last}`", name(kind, kind.max), name(kind, kind.min));
                return Err((format!("`{range}` runs backwards"), Some(help)));
            }
            (from, to)
        }
    };
    let step = match step.map(|step| (step, step.parse::<u8>())) {
        None => 1,
        Some((_, Ok(step @ 1..))) if step <= kind.max => step,
        Some((step, _)) => return Err((format!("`{step}` is no step: 1 to {}", kind.max), None)),
    };
    Ok((first..=last).step_by(step.into()).fold(0, |bits, value| bits | 1 << value))
}

fn value(text: &str, kind: &Kind) -> Result<u8, (String, Option<String>)> {
    let is_number = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse::<u16>().ok()).flatten();
    if let Some(value) = number.and_then(|number| u8::try_from(number).ok())
        && (kind.min..=kind.max).contains(&value)
    {
        return Ok(value);
    }
    if let Some(place) = kind.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(kind.min + u8::try_from(place).unwrap_or(0));
    }
    let names = match kind.names {
        [first, .., last] if kind.max == 12 => format!(", or {first} to {last}"),
        [_, first, .., last] => format!(", or {first} to {last}"),
        _ => String::new(),
    };
    let help = format!("write {} to {}{names}", kind.min, kind.max);
    Err((format!("`{text}` is no {}", kind.what), Some(help)))
}

fn name(kind: &Kind, value: u8) -> String {
    let place = usize::from(value - kind.min);
    kind.names.get(place).map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, kind: &Kind) -> Vec<i8> {
        Field::parse(text, kind).unwrap().values().collect()
    }

    #[test]
    fn elements_are_numbers_names_ranges_and_steps() {
        assert_eq!(values("5", &MINUTE), [5]);
        assert_eq!(values("*/20", &MINUTE), [0, 20, 40]);
        assert_eq!(values("8-18/5,7", &HOUR), [7, 8, 13, 18]);
        assert_eq!(values("Mon-FRI", &WEEKDAY), [1, 2, 3, 4, 5]);
        assert_eq!(values("fri-sun", &WEEKDAY), [5, 6, 7]);
        assert_eq!(values("jan,dec", &MONTH), [1, 12]);
        assert_eq!(values("*/10", &DAY), [1, 11, 21, 31]);
    }

    #[test]
    fn a_mistake_says_where_and_what_would_be_right() {
        let wrong = |text: &str, kind: &Kind| Field::parse(text, kind).unwrap_err();
        let (at, message, help) = wrong("1,60", &MINUTE);
        assert_eq!((at, message.as_str(), help.as_deref()), (2..4, "`60` is no minute", Some("write 0 to 59")));
        assert_eq!(wrong("5/10", &MINUTE).2.as_deref(), Some("write `5-59/10`"));
        assert_eq!(wrong("sat-mon", &WEEKDAY).2.as_deref(), Some("write `sat-sun,sun-mon`"));
        assert_eq!(wrong("nov-feb", &MONTH).2.as_deref(), Some("write `nov-dec,jan-feb`"));
        assert_eq!(wrong("mn", &WEEKDAY).2.as_deref(), Some("write 0 to 7, or mon to sun"));
        for text in ["", "-", "1-", "*/0", "*/x", "*/60", "1--2", "+5", "99999", "1/2/3", "**"] {
            assert!(Field::parse(text, &MINUTE).is_err(), "{text}");
        }
    }
}
