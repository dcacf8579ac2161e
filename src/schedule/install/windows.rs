//! A task for the Task Scheduler of Windows, version 1.2 of its XML, in UTF-16 as `schtasks /Create /XML` reads it.
//!
//! A task has no time zone of its own: its times are those of the machine's clock, which whoever installs it is told.

use quick_xml::escape::escape;

use super::{InstallError, Installed, Installing, Unit, text};
use crate::calendar::Cron;
use crate::inventory::{Missed, Overlap};
use crate::schedule::Entry;

/// The most triggers that a task may have.
const MOST_TRIGGERS: usize = 48;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The task of an entry. `start` is a date before its first run: `2026-11-21`.
///
/// # Errors
/// When the expression needs more triggers than a task may have, or a path is no text.
pub fn task_scheduler(entry: &Entry, installing: &Installing, start: &str) -> Result<Installed, InstallError> {
    let schedule = &entry.schedule;
    let triggers = triggers(&schedule.cron, start, schedule.jitter.as_secs())?;
    let arguments: Vec<String> = installing.arguments(entry.name())?.iter().map(|word| quoted(word)).collect();
    let folder = text(installing.inventory.parent().unwrap_or(&installing.inventory))?;
    let instances = match schedule.overlap {
        Overlap::Skip => "IgnoreNew",
        Overlap::Wait => "Queue",
    };
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         <RegistrationInfo><Description>{}</Description></RegistrationInfo>\r\n\
         <Triggers>\r\n{triggers}</Triggers>\r\n\
         <Principals><Principal id=\"Author\"><LogonType>S4U</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\r\n\
         <Settings><MultipleInstancesPolicy>{instances}</MultipleInstancesPolicy>\
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\
         <StartWhenAvailable>{}</StartWhenAvailable>\
         <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>\
         <ExecutionTimeLimit>PT0S</ExecutionTimeLimit></Settings>\r\n\
         <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>{}</Arguments>\
         <WorkingDirectory>{}</WorkingDirectory></Exec></Actions>\r\n\
         </Task>\r\n",
        escape(format!("fleetctl schedule {}: {} ({})", schedule.name, schedule.cron.as_str(), entry.zone_name())),
        matches!(schedule.missed, Missed::RunWithin(_)),
        escape(text(&installing.program)?),
        escape(arguments.join(" ")),
        escape(folder),
    );
    let name: String = schedule.name.chars().map(|c| if r#"<>:"/\|?*"#.contains(c) { '_' } else { c }).collect();
    let bytes = std::iter::once(0xfeff).chain(xml.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mut remarks =
        vec![format!("a task goes by the machine's clock: set its time zone to the one of {}", entry.zone_name())];
    if !schedule.except.is_empty() {
        remarks.push("the task starts on dates of `except` too, and then does nothing".to_owned());
    }
    Ok(Installed { units: vec![Unit { name: format!("fleetctl-{name}.xml"), bytes }], remarks })
}

/// A trigger for each time of a day and each way to say the day; an even rhythm through the day is one.
fn triggers(cron: &Cron, start: &str, jitter: u64) -> Result<String, InstallError> {
    let times: Vec<String> = cron.times().map(|time| time.strftime("%H:%M:%S").to_string()).collect();
    let days = days(cron);
    let rhythm = rhythm(cron);
    let starts = if rhythm.is_some() { times.get(..1).unwrap_or_default() } else { times.as_slice() };
    let needed = starts.len() * days.len();
    if needed > MOST_TRIGGERS {
        return Err(InstallError::TooManyTriggers { cron: cron.as_str().to_owned(), needed });
    }
    let repetition = rhythm.map_or_else(String::new, |minutes| {
        format!("<Repetition><Interval>PT{minutes}M</Interval><Duration>P1D</Duration></Repetition>")
    });
    let delay = if jitter > 0 { format!("<RandomDelay>PT{jitter}S</RandomDelay>") } else { String::new() };
    let mut written = String::new();
    for time in starts {
        for day in &days {
            // The order of the elements is that of the schema.
            let trigger = format!(
                "<CalendarTrigger>{repetition}<StartBoundary>{start}T{time}</StartBoundary><Enabled>true</Enabled>\
                 {delay}{day}</CalendarTrigger>\r\n"
            );
            written.push_str(&trigger);
        }
    }
    Ok(written)
}

/// The minutes between runs that go evenly through the whole day.
fn rhythm(cron: &Cron) -> Option<u64> {
    let minutes = cron.shortest_gap().as_secs() / 60;
    let count = u64::try_from(cron.times().count()).ok()?;
    let first = cron.times().next()?;
    let is_even = count > 1 && minutes * count == 24 * 60 && first.hour() == 0;
    is_even.then_some(minutes)
}

/// The ways to say the days.
fn days(cron: &Cron) -> Vec<String> {
    let all_months: Vec<i8> = (1..=12).collect();
    let months = elements(&cron.months().unwrap_or(all_months), 1, &MONTHS);
    let by_month = |days: &[i8]| {
        let days: Vec<String> = days.iter().map(|day| format!("<Day>{day}</Day>")).collect();
        let days = days.concat();
        format!("<ScheduleByMonth><DaysOfMonth>{days}</DaysOfMonth><Months>{months}</Months></ScheduleByMonth>")
    };
    let by_week = |days: &[i8]| {
        let days = elements(days, 0, &WEEKDAYS);
        if cron.months().is_none() {
            return format!(
                "<ScheduleByWeek><DaysOfWeek>{days}</DaysOfWeek><WeeksInterval>1</WeeksInterval></ScheduleByWeek>"
            );
        }
        let weeks = "<Week>1</Week><Week>2</Week><Week>3</Week><Week>4</Week><Week>Last</Week>";
        format!(
            "<ScheduleByMonthDayOfWeek><Weeks>{weeks}</Weeks><DaysOfWeek>{days}</DaysOfWeek>\
             <Months>{months}</Months></ScheduleByMonthDayOfWeek>"
        )
    };
    let every_day: Vec<i8> = (1..=31).collect();
    match (cron.days(), cron.weekdays()) {
        (None, None) if cron.months().is_none() => {
            vec!["<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>".to_owned()]
        }
        (None, None) => vec![by_month(&every_day)],
        (None, Some(weekdays)) if !cron.is_either_day() => vec![by_week(&weekdays)],
        (None, Some(_)) => vec![by_month(&every_day)],
        (Some(days), None) if !cron.is_either_day() => vec![by_month(&days)],
        (Some(_), None) => vec![by_month(&every_day)],
        // Both must fit, which no trigger says: the run itself looks (`--due`).
        (Some(days), Some(_)) if !cron.is_either_day() => vec![by_month(&days)],
        (Some(days), Some(weekdays)) => vec![by_month(&days), by_week(&weekdays)],
    }
}

fn elements(values: &[i8], first: i8, names: &[&str]) -> String {
    let name = |value: &i8| usize::try_from(value - first).ok().and_then(|place| names.get(place)).copied();
    let elements: Vec<String> = values.iter().filter_map(name).map(|name| format!("<{name} />")).collect();
    elements.concat()
}

/// A word of a command line, by the rules that C programs of Windows read it with.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for c in word.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                quoted.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(c);
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::entry_in;
    use super::*;

    fn installing() -> Installing {
        Installing {
            program: r"C:\Program Files\fleetctl.exe".into(),
            inventory: "/fleets/a & b/fleet.toml".into(),
            types: Vec::new(),
            writes_to: Vec::new(),
            state_home: "/".into(),
            user: "daemon".to_owned(),
        }
    }

    fn task(lines: &str) -> Result<String, InstallError> {
        let entry = entry_in("Europe/Berlin", lines);
        let installed = task_scheduler(&entry, &installing(), "2026-11-21")?;
        assert!(installed.remarks[0].contains("Europe/Berlin"));
        let units: Vec<u16> =
            installed.units[0].bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Ok(String::from_utf16(&units).unwrap())
    }

    /// The texts of all elements of a name; the document must be well-formed.
    fn elements_of(xml: &str, wanted: &str) -> Vec<String> {
        let mut reader = quick_xml::Reader::from_str(xml.trim_start_matches('\u{feff}'));
        let (mut found, mut inside) = (Vec::new(), false);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(tag) if tag.name().as_ref() == wanted => {
                    inside = true;
                    found.push(String::new());
                }
                quick_xml::events::Event::Empty(tag) if inside => {
                    found.last_mut().unwrap().push_str(tag.name().as_ref());
                    found.last_mut().unwrap().push(' ');
                }
                quick_xml::events::Event::Text(text) if inside => {
                    found.last_mut().unwrap().push_str(text.as_ref());
                }
                quick_xml::events::Event::End(tag) if tag.name().as_ref() == wanted => inside = false,
                quick_xml::events::Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn a_task_has_the_entry_s_times_days_and_rules() {
        let xml = task("cron = \"30 5,17 * * mon-fri\"\nmissed = \"run-within 2h\"\njitter = \"90s\"").unwrap();
        assert!(xml.starts_with("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?>"));
        assert_eq!(elements_of(&xml, "StartBoundary"), ["2026-11-21T05:30:00", "2026-11-21T17:30:00"]);
        assert_eq!(elements_of(&xml, "DaysOfWeek")[0], "Monday Tuesday Wednesday Thursday Friday ");
        assert_eq!(elements_of(&xml, "StartWhenAvailable"), ["true"]);
        assert_eq!(elements_of(&xml, "MultipleInstancesPolicy"), ["IgnoreNew"]);
        assert_eq!(elements_of(&xml, "RandomDelay"), ["PT90S", "PT90S"]);
        assert_eq!(elements_of(&xml, "Command"), [r"C:\Program Files\fleetctl.exe"]);
        assert!(xml.contains("schedule run s --due --inventory &quot;/fleets/a &amp; b/fleet.toml&quot;"), "{xml}");
        let waiting = task("cron = \"0 0 13 jan fri\"\noverlap = \"wait\"").unwrap();
        assert_eq!(elements_of(&waiting, "MultipleInstancesPolicy"), ["Queue"]);
        assert_eq!(elements_of(&waiting, "Months"), ["January ", "January "]);
        assert_eq!(elements_of(&waiting, "StartWhenAvailable"), ["false"]);
    }

    #[test]
    fn an_even_rhythm_is_one_trigger_and_too_many_are_refused() {
        let even = task("cron = \"*/5 * * * *\"").unwrap();
        assert_eq!(elements_of(&even, "Interval"), ["PT5M"]);
        assert_eq!(elements_of(&even, "StartBoundary").len(), 1);
        let refused = task("cron = \"*/5 8-18 * * *\"").unwrap_err();
        assert_eq!(refused.to_string(), "Windows allows 48 triggers a task, `*/5 8-18 * * *` needs 132");
    }

    #[test]
    fn words_of_a_command_line_are_read_back_as_they_were() {
        for (word, expected) in [
            ("plain", "plain"),
            ("two words", "\"two words\""),
            ("a \"b\"", "\"a \\\"b\\\"\""),
            (r"C:\a b\", r#""C:\a b\\""#),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
