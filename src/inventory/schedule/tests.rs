//! `[[schedule]]` tables without a mistake, and with every one that a table shows by itself.

use jiff::civil::{date, time};

use super::*;
use crate::inventory::testing::{fleet, read_text};

const DEVICE: &str = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.1\"\n";

/// The mistakes of an entry with these lines.
fn mistakes(lines: &str) -> Vec<String> {
    read_text(&format!("{DEVICE}[[schedule]]\n{lines}\n")).1
}

#[test]
fn an_entry_says_everything_that_its_keys_mean() {
    let read = fleet(&format!(
        "{DEVICE}[notify.ops]\nkind = \"heartbeat\"\nurl = \"https://hc.example/x\"\n\
         [history]\nkeep = \"400d\"\n\
         [[schedule]]\nname = \"morning\"\ncron = \"30 5 * * 1-5\"\ntimezone = \"Europe/Berlin\"\nselect = \"tv\"\n\
         do = \"volume\"\nargs = {{ level = 30, source = \"hdmi1\" }}\nverify = true\nif_needed = true\n\
         until = \"06:30\"\nmissed = \"run-within 2h\"\noverlap = \"wait\"\njitter = \"30s\"\n\
         except = [\"2027-01-01\", 2026-12-25]\nnotify = [\"ops\"]\nreports = [\"json=night.json\"]\n\
         [[schedule]]\nname = \"plain\"\ncron = \"0 0 * * *\"\ncmd = \"ka 01 01\"\nuntil = \"30m\"\n"
    ));
    assert_eq!(read.keep_history, Some(Duration::from_hours(400 * 24)));
    let [morning, plain] = read.schedules.as_slice() else { panic!("{:?}", read.schedules) };
    let args = [("level", "30"), ("source", "hdmi1")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(morning.command, Command::Action { name: "volume".to_owned(), args });
    assert_eq!(&*morning.name, "morning");
    assert_eq!(morning.cron.as_str(), "30 5 * * 1-5");
    assert_eq!(morning.timezone.as_ref().unwrap().iana_name(), Some("Europe/Berlin"));
    assert_eq!(&*morning.select.as_ref().unwrap().text, "tv");
    assert!(morning.verify && morning.if_needed);
    assert_eq!(morning.until, Some(Until::TimeOfDay(time(6, 30, 0, 0))));
    assert_eq!(morning.missed, Missed::RunWithin(Duration::from_hours(2)));
    assert_eq!((morning.overlap, morning.jitter), (Overlap::Wait, Duration::from_secs(30)));
    assert_eq!(morning.except, [date(2026, 12, 25), date(2027, 1, 1)]);
    assert_eq!(morning.notify, ["ops".into()]);
    assert_eq!(morning.reports[0].0, "json=night.json");
    assert_eq!(plain.command, Command::raw("ka 01 01"));
    assert_eq!((plain.missed, plain.overlap), (Missed::Skip, Overlap::Skip));
    assert_eq!(plain.until, Some(Until::For(Duration::from_mins(30))));
    assert!(!plain.verify && plain.timezone.is_none() && plain.select.is_none());
}

#[test]
fn a_raw_command_has_arguments_too() {
    let read = fleet(&format!(
        "{DEVICE}[[schedule]]\nname = \"x\"\ncron = \"0 8 * * *\"\ncmd = \"ka {{set_id}} 01\"\nargs = {{ set_id = 5 }}\n"
    ));
    let args = [("set_id".to_owned(), "5".to_owned())].into();
    assert_eq!(read.schedules[0].command, Command::Raw { text: "ka {set_id} 01".to_owned(), args });
}

#[test]
fn every_mistake_of_an_entry_is_found_at_once() {
    let found = mistakes(
        "name = \"\"\ncron = \"61 5 * * *\"\ntimezone = \"Europe/Berln\"\nselect = \"tv and\"\ndo = 1\n\
         verfy = true\nuntil = \"6:30\"\nmissed = \"run-within\"\noverlap = \"skp\"\njitter = \"5\"\n\
         except = [\"25.12.2026\"]\nnotify = [\"mail\"]\nreports = [1]",
    );
    assert_eq!(
        found,
        [
            "a schedule's name is empty",
            "`cron`: `61` is no minute",
            "unknown time zone `Europe/Berln`",
            "`select` is no selector: something to select is missing at the end",
            "`do` must be a text in quotes",
            "`until`: `6:30` is no time of day",
            "`missed`: `run-within` is not known",
            "`overlap`: `skp` is not known",
            "`jitter`: `5` has no unit; write a number with a unit: `250ms`, `3s`, `5m`, `1h 30m`",
            "`25.12.2026` is no date",
            "unknown notification `mail`",
            "`reports` must be a text in quotes",
            "unknown key `verfy` in [[schedule]] ``",
        ]
    );
}

#[test]
fn what_cannot_be_meant_together_is_a_mistake() {
    let start = "name = \"x\"\ncron = \"0 8 * * *\"\n";
    for (lines, message) in [
        ("do = \"power-on\"\ncmd = \"ka 01 01\"", "a schedule has either `do` or `cmd`, not both"),
        ("", "a schedule needs `do` or `cmd`: what is to be done?"),
        ("cmd = \"\"", "`cmd` is empty"),
        ("cmd = \"ka\"\nverify = true", "`verify` needs `do`: only an action says how its effect is asked for"),
        ("do = \"power-on\"\nuntil = \"07:30\"", "`until`: 07:30 is 23 h 30 min after the run at 08:00"),
        ("do = \"power-on\"\nuntil = \"08:00\"", "`until`: 08:00 is 24 h 0 min after the run at 08:00"),
        ("do = \"power-on\"\nuntil = \"0s\"", "`until`: must be more than nothing"),
        ("do = \"power-on\"\njitter = \"24h\"", "`jitter` is as long as the time from one run to the next"),
        ("do = \"power-on\"\nmissed = \"run-within 0s\"", "`missed`: must be more than nothing"),
    ] {
        assert_eq!(mistakes(&format!("{start}{lines}")), [message], "{lines}");
    }
    assert_eq!(mistakes("do = \"power-on\""), ["[[schedule]] has no `name`", "[[schedule]] has no `cron`"]);
    let (_, twice, drawn) = read_text(&format!(
        "{DEVICE}[[schedule]]\nname = \"x\"\ncron = \"0 8 * * *\"\ndo = \"a\"\n\
         [[schedule]]\nname = \"x\"\ncron = \"0 9 * * *\"\ndo = \"a\"\n"
    ));
    assert_eq!(twice, ["two schedules are named `x`"]);
    assert!(drawn.contains("the first") && drawn.contains("fleet.toml:10:8"), "{drawn}");
}

#[test]
fn a_mistake_in_a_cron_expression_is_underlined_in_it() {
    let drawn = read_text(&format!("{DEVICE}[[schedule]]\nname = \"x\"\ncron = \"0 5 * * mon,fry\"\ndo = \"a\"\n")).2;
    assert!(drawn.contains("fleet.toml:7:21"), "{drawn}");
    assert!(drawn.contains("                    ^^^\n"), "{drawn}");
}
