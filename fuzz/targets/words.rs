//! The small words of command lines and files: durations, shares, rates, currents, addresses, bytes with escapes. What is
//! read and shown is read again as the same.

use std::time::Duration;

use fleetctl::diagnostic::parse_duration;
use fleetctl::inventory::select::SampleSize;
use fleetctl::model::escape::{self, hex, is_plain, printable, shown, steers};
use fleetctl::model::{Address, Portion, Rate, Share, amperes, parse_amperes};
use fleetctl::run::Until;

/// The longest duration that is read.
const LONGEST: Duration = Duration::from_hours(10_000 * 24);

/// The target.
pub(super) fn words(data: &[u8]) {
    bytes(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(duration) = parse_duration(text) {
        assert!(duration <= LONGEST, "{text:?} is {duration:?}");
        assert_eq!(parse_duration(&format!("{}ns", duration.as_nanos())), Ok(duration), "{text:?}");
        assert!(!duration.is_zero() || text.parse::<Until>().is_err(), "{text:?} is no time to go on for");
    }
    if let Ok(share) = text.parse::<Share>() {
        assert_eq!(share.to_string().parse(), Ok(share), "{text:?}");
        let (down, up) = (share.rounded_down(1_000_003), share.rounded_up(1_000_003));
        assert!(down <= up && up <= down + 1 && up <= 1_000_003, "{text:?}: {down} to {up}");
        assert_eq!(text.parse(), Ok(Portion::Share(share)));
    }
    if let Ok(Portion::Count(count)) = text.parse::<Portion>() {
        assert_eq!(text.parse(), Ok(count), "{text:?}");
    }
    if let Ok(rate) = text.parse::<Rate>() {
        assert!(!rate.interval().is_zero() && rate.interval() <= Duration::from_hours(24), "{text:?}: {rate:?}");
    }
    if let Ok(size) = text.parse::<SampleSize>() {
        assert!(size.of(300) <= 300, "{text:?}: {}", size.of(300));
    }
    if let Ok(current) = parse_amperes(text) {
        assert_eq!(parse_amperes(&amperes(current)), Ok(current), "{text:?}");
    }
    if let Ok(address) = Address::parse(text, Some(23)) {
        let said = address.to_string();
        assert_eq!(Address::parse(&said, None).as_ref(), Ok(&address), "{text:?} is shown as {said:?}");
        let mut pushed = String::new();
        address.push_shown(&mut pushed);
        assert_eq!(pushed, said);
        assert!(address.port > 0 && !said.contains(steers), "{said:?}");
    }
    if let Ok(bytes) = escape::parse(text) {
        assert!(bytes.len() <= text.len());
        assert_eq!(escape::parse(&shown(&bytes)), Ok(bytes), "{text:?}");
    }
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    assert_eq!(is_plain(text), plain, "{text:?}");
    let safe = printable(text);
    assert!(!safe.contains(steers), "{safe:?}");
    assert!(safe == text || text.contains(steers), "{text:?} became {safe:?}");
}

/// Any bytes are shown in printable ASCII, and read again as they were.
fn bytes(data: &[u8]) {
    let text = shown(data);
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
    assert_eq!(escape::parse(&text).as_deref(), Ok(data), "{text:?}");
    let digits = hex(data);
    let back: Vec<u8> = digits.split_terminator(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    assert_eq!(back, data, "{digits}");
}
