//! `fleetctl hold` and `fleetctl release`: who is kept out of runs, until when, and why.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::args::{HoldArgs, InventoryArg, ReleaseArgs};
use crate::cli::exit_status::ExitStatus;
use crate::cli::past;
use crate::cli::terminal::{Terminal, print};
use crate::history::{HistoryError, Hold, Store, hold, holds, release};
use crate::inventory::Fleet;
use crate::model::escape::printable;
use crate::model::{UnixMillis, fold_names};
use crate::run::{Selecting, canonical, look_into, select, told};

pub(in crate::cli) fn run(args: &HoldArgs, terminal: &Terminal) -> ExitStatus {
    let (Some(text), Some(until), Some(why)) = (&args.select, &args.until, &args.why) else {
        return list(args, terminal);
    };
    let day: Date = match until.parse() {
        Ok(day) => day,
        Err(_) => {
            let until = printable(until);
            return terminal.mistake(format!("`--until {until}` is no day"), Some("write it as 2026-12-24"));
        }
    };
    if why.trim().is_empty() {
        return terminal.mistake("`--why` is empty", Some("whoever misses the device in a report will want to know"));
    }
    let Some((fleet, places)) = selected(text, &args.inventory, terminal) else { return ExitStatus::Usage };
    let now = UnixMillis(Timestamp::now().as_millisecond());
    let mut held = Vec::new();
    for place in places {
        let (Some(device), Some(end)) = (fleet.devices.get(place), end_of(day, &fleet, place)) else {
            return terminal.mistake(format!("{day} is no day that a clock could reach"), None);
        };
        if end <= now {
            return terminal.mistake(format!("{day} is over"), Some("give today or a later day"));
        }
        let (until_day, why) = (day.to_string(), why.clone());
        held.push(Hold { device: device.name.clone().into(), until: end, until_day, why });
    }
    let written = past::asked(&args.history)
        .and_then(|path| Store::create(&path))
        .and_then(|mut store| hold(&mut store, &canonical(&args.inventory.inventory), &held, now));
    match written {
        Ok(()) => print_held(&held),
        Err(error) => terminal.mistake(format!("nothing is held: {}", error.chain()), None),
    }
}

pub(in crate::cli) fn run_release(args: &ReleaseArgs, terminal: &Terminal) -> ExitStatus {
    let Some((fleet, places)) = selected(&args.select, &args.inventory, terminal) else { return ExitStatus::Usage };
    let names: Vec<&str> = places.iter().filter_map(|&place| Some(&*fleet.devices.get(place)?.name)).collect();
    let now = UnixMillis(Timestamp::now().as_millisecond());
    let open = || -> Result<Vec<String>, HistoryError> {
        match Store::open(&past::asked(&args.history)?)? {
            Some(mut store) => release(&mut store, &canonical(&args.inventory.inventory), &names, now),
            None => Ok(Vec::new()),
        }
    };
    match open() {
        Ok(released) if released.is_empty() => print("none of them was held\n"),
        Ok(released) => print(&format!("released: {}\n", printable(&fold_names(released.iter().map(String::as_str))))),
        Err(error) => terminal.mistake(format!("nothing is released: {}", error.chain()), None),
    }
}

/// Who is held now.
fn list(args: &HoldArgs, terminal: &Terminal) -> ExitStatus {
    let now = UnixMillis(Timestamp::now().as_millisecond());
    let inventory = &args.inventory.inventory;
    let open = || {
        let store = Store::open(&past::asked(&args.history)?)?;
        past::must_be_known(inventory, store.as_ref())?;
        match store {
            Some(store) => holds(&store, &canonical(inventory), now),
            None => Ok(Vec::new()),
        }
    };
    match open() {
        Ok(held) if held.is_empty() => print("no device is held\n"),
        Ok(held) => print_held(&held),
        Err(error) => terminal.mistake(error.chain(), None),
    }
}

fn print_held(held: &[Hold]) -> ExitStatus {
    let lines = told(&held.iter().collect::<Vec<_>>());
    print(&format!("held {}\n", lines.join("\nheld ")))
}

/// The selected devices of an inventory, by their places; what is wrong is shown.
fn selected(text: &str, inventory: &InventoryArg, terminal: &Terminal) -> Option<(Fleet, Vec<usize>)> {
    let mut loaded = look_into(&inventory.inventory, &inventory.types);
    let selecting = Selecting { select: Some(text.to_owned()), ..Selecting::default() };
    let fleet = loaded.fleet.take();
    let places =
        fleet.as_ref().and_then(|fleet| select(&selecting, fleet, &mut loaded.sources, &mut loaded.diagnostics));
    terminal.show(&loaded.diagnostics, &loaded.sources);
    Some((fleet?, places?.into_iter().map(|place| place as usize).collect()))
}

/// The end of a day where a device is.
fn end_of(day: Date, fleet: &Fleet, place: usize) -> Option<UnixMillis> {
    let site = fleet.members.get(place).and_then(|member| fleet.site(member));
    let zone = site.and_then(|site| site.timezone.clone()).unwrap_or_else(TimeZone::system);
    let end = day.tomorrow().ok()?.to_zoned(zone).ok()?;
    Some(UnixMillis(end.timestamp().as_millisecond()))
}
