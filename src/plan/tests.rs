//! What a plan says of circuits, and how long it is taken to last.

mod refused;
mod saved;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostics, Sources, render_all};
use crate::inventory;
use crate::model::{Backoff, Command, Inrush, Rate, Timing, TimingOverrides};

const HALL: &str = r#"
[circuits.unused]
max_inrush_a = 1
[circuits.hall-b]
max_inrush_a = 32.0
[circuits.hall-c]
max_inrush_a = 10
[defaults]
type = "lg-rs232"
[[device]]
name = "tv-[01-66]"
address = "10.0.0.[1-66]"
circuit = "hall-b"
inrush_a = 4.5
[[device]]
name = "loose"
address = "10.0.1.1"
inrush_a = 90
[[device]]
name = "pump"
type = "devantech-eth008"
address = "10.0.1.2"
circuit = "hall-c"
inrush_a = 9.5
settle = "500ms"
params = { relay = 1, inverted = true }
"#;

/// Each behind a gateway of its own.
const DISPLAYS: &str = "[[device]]\nname = \"tv-[1-6]\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.[1-6]\"\n";

fn planned(inventory: &str, command: &Command, verify: bool) -> Result<Plan, String> {
    planned_with(inventory, command, verify, None)
}

fn planned_with(inventory: &str, command: &Command, verify: bool, save: Option<&str>) -> Result<Plan, String> {
    let (plan, said) = plan_and_words(inventory, command, verify, save);
    plan.ok_or(said)
}

/// A plan, and all that is said of it.
fn plan_and_words(inventory: &str, command: &Command, verify: bool, save: Option<&str>) -> (Option<Plan>, String) {
    plan_of_some(inventory, None, command, verify, save)
}

/// The same of these places of the inventory; of all where none are named.
fn plan_of_some(
    inventory: &str,
    selection: Option<&[u32]>,
    command: &Command,
    verify: bool,
    save: Option<&str>,
) -> (Option<Plan>, String) {
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let catalog = Catalog::built_in();
    let fleet = inventory::read(inventory, Path::new("fleet.toml"), &catalog, &mut sources, &|_| None, &mut found);
    let fleet = fleet.unwrap_or_else(|| panic!("{}", render_all(&found, &sources, false)));
    let all: Vec<u32> = (0..).take(fleet.devices.len()).collect();
    let selection = selection.unwrap_or(&all);
    let second = Duration::from_secs(1);
    let request = PlanRequest {
        asked: Asked::CommandLine,
        fleet: &fleet,
        selection,
        command,
        flags: TimingOverrides::default(),
        idempotent: false,
        verify,
        if_needed: false,
        save,
        built_in: Timing {
            connect_timeout: second,
            reply_timeout: second,
            device_deadline: 30 * second,
            retries: 0,
            backoff: Backoff { initial: second, max: second, jitter: false },
        },
    };
    let plan = build(&request, &mut sources, &mut found);
    (plan, render_all(&found, &sources, false))
}

fn action(name: &str) -> Command {
    Command::Action { name: name.to_owned(), args: BTreeMap::new() }
}

const PACE: Pace = Pace { concurrency: 256, rate: None, batch: None, pause: Duration::ZERO };

#[test]
fn a_plan_holds_the_selected_devices_and_no_others() {
    // Two sets behind each of three gateways.
    let chains = "[[device]]\nname = \"tv-[1-6]\"\ntype = \"lg-rs232\"\n\
                  address = \"10.0.0.[1,1,2,2,3,3]\"\nparams = { set_id = \"[1-6]\" }\n";
    let (plan, said) = plan_of_some(chains, Some(&[1, 2, 3]), &Command::raw("ka {set_id} 01"), false, None);
    let plan = plan.unwrap_or_else(|| panic!("{said}"));
    let names: Vec<&str> = plan.devices.iter().map(|device| &*device.name).collect();
    assert_eq!(names, ["tv-2", "tv-3", "tv-4"]);
    let sent: Vec<&[u8]> = plan.jobs.iter().map(|job| job.request.payload().bytes()).collect();
    assert_eq!(sent, [b"ka 02 01\r", b"ka 03 01\r", b"ka 04 01\r"]);
    let lanes: Vec<Vec<u32>> = plan.lanes.iter().map(|lane| lane.iter().map(|device| device.0).collect()).collect();
    assert_eq!(lanes, [vec![0], vec![1, 2]]);
}

#[test]
fn a_command_that_counts_draws_what_its_device_says_from_its_circuit() {
    let plan = planned(HALL, &action("power-on"), false).unwrap();
    let circuits: Vec<(&str, u64)> = plan.circuits.iter().map(|one| (&*one.name, one.max_milliamps)).collect();
    assert_eq!(circuits, [("hall-b", 32_000), ("hall-c", 10_000)]);
    let tv = Inrush { circuit: 0, milliamps: 4_500, settle: Duration::from_secs(3) };
    let pump = Inrush { circuit: 1, milliamps: 9_500, settle: Duration::from_millis(500) };
    assert_eq!(plan.inrushes, [tv, pump]);
    let drawn: Vec<Option<&Inrush>> = plan.jobs.iter().map(|job| plan.inrush(job)).collect();
    assert_eq!(drawn[..66], [Some(&tv); 66]);
    assert_eq!(drawn[66..], [None, Some(&pump)]);
}

#[test]
fn a_command_that_does_not_count_draws_nothing() {
    for name in ["power-off", "power-status"] {
        let plan = planned(HALL, &action(name), false).unwrap();
        assert!(plan.circuits.is_empty() && plan.inrushes.is_empty(), "{name}");
        assert!(plan.jobs.iter().all(|job| job.inrush.is_none()), "{name}");
    }
}

#[test]
fn a_raw_command_counts_by_the_types_patterns() {
    let displays = HALL.split("[[device]]\nname = \"pump\"").next().unwrap();
    for (text, draws) in [("ka {set_id} 01", true), ("ka {set_id} 00", false), ("kf {set_id} 10", false)] {
        let plan = planned(displays, &Command::raw(text), false).unwrap();
        assert_eq!(plan.jobs.iter().filter(|job| job.inrush.is_some()).count(), if draws { 66 } else { 0 }, "{text}");
    }
}

#[test]
fn an_estimate_says_how_it_goes_at_each_circuit() {
    let plan = planned(HALL, &action("power-on"), false).unwrap();
    let found = estimate(&plan, PACE);
    let [hall_b, hall_c] = &found.circuits[..] else { panic!("{found:?}") };
    let second = Duration::from_secs(1);
    assert_eq!((hall_b.devices, hall_b.milliamps, hall_b.together), (66, 297_000, 7));
    assert_eq!((hall_b.last_start, hall_b.on), (27 * second, 30 * second));
    assert_eq!((hall_c.devices, hall_c.together, hall_c.on), (1, 1, second / 2));
    assert_eq!(found.duration, 27 * second + second * 15 / 100, "the last one still answers");
    assert_eq!(found.batches, None);
}

#[test]
fn an_estimate_is_that_of_the_tightest_limit() {
    let off = planned(HALL, &action("power-off"), false).unwrap();
    let exchange = Duration::from_millis(150);
    assert_eq!(estimate(&off, PACE).duration, exchange);
    let one_by_one = estimate(&off, Pace { concurrency: 1, ..PACE }).duration;
    assert_eq!(one_by_one, exchange * 68);
    let rate = Some("2/s".parse::<Rate>().unwrap());
    assert_eq!(estimate(&off, Pace { rate, ..PACE }).duration, Duration::from_millis(500) * 67 + exchange);
    let batches = Pace { batch: Some(10), pause: Duration::from_secs(5), ..PACE };
    let found = estimate(&off, batches);
    assert_eq!((found.batches, found.duration), (Some(7), Duration::from_secs(5) * 6 + exchange * 7));
    let both = estimate(&off, Pace { rate, ..batches }).duration;
    assert_eq!(both, Duration::from_secs(5) * 6 + Duration::from_millis(4650) * 6 + Duration::from_millis(3650));
}

#[test]
fn a_circuit_goes_on_drawing_into_the_next_batch() {
    let plan = planned(HALL, &action("power-on"), false).unwrap();
    let found = estimate(&plan, Pace { batch: Some(7), pause: Duration::from_secs(1), ..PACE });
    // Ten batches draw from it, each when the one before has settled.
    let (last, seven) = (&found.circuits[0].last_start, found.circuits[0].together);
    assert_eq!((*last, seven), (Duration::from_secs(27), 7));
}

#[test]
fn an_estimate_counts_the_questions() {
    let plan = planned(HALL, &action("power-off"), true).unwrap();
    // LG: a second after the acknowledgement; its gap and the question are shorter than that.
    assert_eq!(estimate(&plan, PACE).duration, Duration::from_millis(1300));
}

#[test]
fn an_estimate_counts_the_question_after_each_command_where_one_lane_runs_at_a_time() {
    let plan = planned(DISPLAYS, &action("power-off"), true).unwrap();
    let exchange = Duration::from_millis(150);
    let each = exchange + plan.jobs[0].link.gap + exchange;
    assert_eq!(estimate(&plan, Pace { concurrency: 1, ..PACE }).duration, each * 6);
}

#[test]
fn an_estimate_counts_that_no_more_run_at_once_at_a_site_than_may() {
    let capped = format!("[sites.hall]\nmax_concurrency = 2\n{DISPLAYS}site = \"hall\"\n");
    let at = |inventory: &str| estimate(&planned(inventory, &action("power-off"), false).unwrap(), PACE).duration;
    assert_eq!((at(DISPLAYS), at(&capped)), (Duration::from_millis(150), Duration::from_millis(450)));
}

#[test]
fn who_was_never_measured_is_expected_to_take_the_median_of_its_type() {
    let mut plan = planned(DISPLAYS, &action("power-off"), false).unwrap();
    for (measured, median) in [(&[500, 100, 900, 300, 200][..], 300), (&[500, 100, 900, 300], 500), (&[700], 700)] {
        let mut times: Vec<_> = measured.iter().map(|&millis| Some(Duration::from_millis(millis))).collect();
        times.resize(6, None);
        plan.expect(&times);
        assert_eq!(plan.expected[5], Duration::from_millis(median), "of {measured:?}, of two the upper");
    }
}

#[test]
fn an_estimate_takes_what_was_measured_for_what_is_to_come() {
    let ms = Duration::from_millis;
    let mut plan = planned(HALL, &action("power-off"), false).unwrap();
    plan.expect(&[None; 68]);
    assert!(plan.expected.is_empty(), "nothing was measured");
    // Displays take 300 ms, but for one that hangs; the pump was never measured, and of its type nobody was.
    let mut measured = vec![Some(ms(300)); 67];
    measured[3] = Some(ms(4000));
    measured[66] = None;
    plan.expect(&measured);
    assert_eq!((plan.expected[3], plan.expected[66], plan.expected[67]), (ms(4000), ms(300), ms(300)));
    assert_eq!(estimate(&plan, PACE).duration, ms(4000));
    let one_by_one = estimate(&plan, Pace { concurrency: 1, ..PACE }).duration;
    assert_eq!(one_by_one, ms(300) * 67 + ms(4000));
}

#[test]
fn a_device_that_is_believed_to_be_dead_is_expected_to_cost_one_attempt() {
    let mut plan = planned(HALL, &action("power-off"), false).unwrap();
    plan.probe(|device| &*device.name == "tv-02");
    plan.expect(&[Some(Duration::from_secs(90)); 68]);
    let timing = &plan.jobs[1].timing;
    assert_eq!(plan.expected[1], timing.connect_timeout + timing.reply_timeout);
    assert!(plan.expected[1] < Duration::from_secs(90) && plan.expected[2] == Duration::from_secs(90));
}

#[test]
fn a_lane_takes_as_long_as_its_devices_and_the_gaps_between_them() {
    let wall = "[[device]]\nname = \"wall-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.0.0.7\"\nparams = { set_id = \"[1-3]\" }\n";
    let mut plan = planned(wall, &action("power-off"), false).unwrap();
    assert_eq!(plan.expected_of(plan.lanes.get(0)), Duration::ZERO);
    plan.expect(&[Some(Duration::from_millis(200)); 3]);
    let gap = plan.jobs[0].link.gap;
    assert!(!gap.is_zero());
    assert_eq!(plan.expected_of(plan.lanes.get(0)), Duration::from_millis(600) + gap * 2);
}

#[test]
fn who_is_held_stands_in_no_lane_and_stays_in_the_plan() {
    let mut plan = planned(HALL, &action("power-off"), false).unwrap();
    assert!(plan.held.is_empty() && !plan.lanes.is_empty());
    plan.hold(|device| &*device.name == "tv-02" || &*device.name == "pump");
    assert_eq!(plan.held.iter().map(|device| device.get()).collect::<Vec<_>>(), [1, 67]);
    assert_eq!((plan.devices.len(), plan.lanes.len()), (68, 66));
    assert!(plan.lanes.iter().flatten().all(|device| !plan.held.contains(device)));
    plan.hold(|_| true);
    assert!(plan.lanes.is_empty());
}

#[test]
fn an_estimate_is_one_of_those_who_are_told() {
    let mut plan = planned(HALL, &action("power-on"), false).unwrap();
    let paced = Pace { rate: Some("1/s".parse().unwrap()), batch: Some(4), pause: Duration::from_secs(9), ..PACE };
    let exchange = Duration::from_millis(150);
    // Four displays are left, which start together on their circuit; of the other one nobody is.
    plan.hold(|device| !["tv-01", "tv-02", "tv-03", "tv-04"].contains(&&*device.name));
    let found = estimate(&plan, PACE);
    assert_eq!(found.duration, exchange);
    let [hall] = &found.circuits[..] else { panic!("{found:?}") };
    assert_eq!((hall.devices, hall.milliamps, hall.together, hall.last_start), (4, 18_000, 4, Duration::ZERO));
    let found = estimate(&plan, paced);
    assert_eq!((found.batches, found.duration), (Some(1), Duration::from_secs(3) + exchange));
    plan.hold(|_| true);
    let nobody = estimate(&plan, paced);
    assert_eq!((nobody.duration, nobody.batches, nobody.circuits), (Duration::ZERO, Some(0), Vec::new()));
}
