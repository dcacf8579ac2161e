//! Cron expressions and their instants: in order, on the days and times that the expression names, the same looked for
//! from either side. The first byte chooses the zone, the next four the instant from which on.

use std::sync::LazyLock;

use fleetctl::calendar::{Calendar, Cron};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::place::is_in;

/// So many instants are looked at.
const LOOKED_AT: usize = 6;

/// Without clock changes, with ours, with one of half an hour.
static ZONES: LazyLock<Vec<TimeZone>> = LazyLock::new(|| {
    let written =
        ["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "EST5EDT,M3.2.0,M11.1.0"];
    written.iter().map(|zone| TimeZone::posix(zone).unwrap()).collect()
});

/// The target.
pub(super) fn cron(data: &[u8]) {
    let Some((&[zone, a, b, c, d], text)) = data.split_first_chunk() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let cron = match Cron::parse(text) {
        Ok(cron) => cron,
        Err(error) => return is_in(&error.at, text, &error.message),
    };
    assert_eq!(Cron::parse(cron.as_str()).as_ref(), Ok(&cron), "{text:?} read again");
    assert!(cron.times().is_sorted_by(|one, next| one < next), "{text:?}");
    assert!(cron.times().next().is_some(), "{text:?} has no time of day");
    let zone = ZONES.get(usize::from(zone) % ZONES.len()).unwrap().clone();
    let calendar = Calendar { cron, zone, except: Vec::new() };
    // Between 1970 and 2106.
    let after = Timestamp::from_second(i64::from(u32::from_be_bytes([a, b, c, d]))).unwrap();
    let mut before = after;
    for one in calendar.after(after).take(LOOKED_AT) {
        assert!(one.at > before, "{text:?}: {} after {before}", one.at);
        assert!(calendar.cron.fits(one.planned.date()), "{text:?}: {}", one.planned);
        assert!(calendar.cron.times().any(|time| time == one.planned.time()), "{text:?}: {}", one.planned);
        let found = calendar.latest(before, one.at).map(|latest| latest.at);
        assert_eq!(found, Some(one.at), "{text:?}: looked for from behind, after {before}");
        // Between the one before and this one there is none.
        let short = one.at - SignedDuration::from_nanos(1);
        if short > before {
            assert_eq!(calendar.latest(before, short), None, "{text:?}: between {before} and {}", one.at);
        }
        before = one.at;
    }
}
