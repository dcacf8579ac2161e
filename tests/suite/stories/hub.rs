//! The integrator: the database of every hub, complete and byte for byte.

use std::path::Path;
use std::time::Duration;

use crate::support::{
    Expected, Gate, Hubs, Step, Workspace, announced, database, inspected, looks_like_a_database, served, sha256sum,
};

const OK: Expected = Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 };
const FETCH: [&str; 7] = ["run", "--do", "fetch-database", "--save", "db/{name}.db", "--format", "json"];

/// A folder with an inventory of one hub at 127.0.4.1, and a place for its file.
fn one_hub(hubs: &Hubs) -> Workspace {
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"127.0.4.1:{}\"\n",
        hubs.port()
    ));
    std::fs::create_dir(workspace.path("db")).unwrap();
    workspace
}

/// The names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_real_database_arrives_byte_for_byte_and_opens() {
    let hubs = Hubs::start();
    let workspace = one_hub(&hubs);
    let made = database(workspace.folder(), 5000);
    hubs.script("127.0.4.1", vec![served(&made)]);
    let finished = workspace.fleetctl(&FETCH);
    let report = finished.expect_status(0).report();
    let device = report.expect("hub", OK);
    let file = workspace.path("db/hub.db");
    assert_eq!(std::fs::read(&file).unwrap(), made);
    assert_eq!(inspected(&file), "ok 5000");
    assert_eq!(device["file"]["path"], "db/hub.db");
    assert_eq!(device["file"]["bytes"], made.len());
    assert_eq!(device["file"]["sha256"], sha256sum(&file));
    assert!(device["value"].is_null(), "{device:#}");
    assert_eq!(device["sent_hex"], "4c 00 00 00");
    assert_eq!(device["reply_hex"].as_str().unwrap().get(..11), Some("43 00 00 00"));
    assert_eq!(hubs.requests("127.0.4.1"), [[0x4c, 0, 0, 0]]);
    assert_eq!(names_in(&workspace.path("db")), ["hub.db"]);
}

#[test]
fn the_file_arrives_however_it_is_cut_and_is_done_at_its_last_byte() {
    let file = looks_like_a_database(3000);
    let whole = [&[0x43, 0, 0, 0, 0xb8, 0x0b, 0, 0], &file[..]].concat();
    let pause = |time| Step::Pause(Duration::from_millis(time));
    let one_segment = vec![Step::Send(whole.clone())];
    let dribbled = whole.chunks(100).flat_map(|piece| [Step::Send(piece.to_vec()), pause(5)]).collect();
    let byte_by_byte = whole[..40]
        .iter()
        .flat_map(|byte| [Step::Send(vec![*byte]), pause(2)])
        .chain([Step::Send(whole[40..].to_vec())]);
    let and_more = vec![Step::Send([&whole[..], &[0xaa, 0xbb]].concat())];
    let and_closed = vec![Step::Send(whole.clone()), Step::Close];
    for steps in [one_segment, dribbled, byte_by_byte.collect(), and_more, and_closed] {
        let hubs = Hubs::start();
        let workspace = one_hub(&hubs);
        hubs.script("127.0.4.1", vec![steps]);
        let finished = workspace.fleetctl(&FETCH);
        let report = finished.expect_status(0).report();
        assert_eq!(report.expect("hub", OK)["file"]["bytes"], 3000);
        assert_eq!(std::fs::read(workspace.path("db/hub.db")).unwrap(), file);
        assert!(finished.wall < Duration::from_secs(4), "the hub stays connected: its end is not waited for");
    }
}

#[test]
fn another_attempt_starts_over_on_a_connection_of_its_own() {
    let hubs = Hubs::start();
    let workspace = one_hub(&hubs);
    let file = looks_like_a_database(100_000);
    let cut = vec![announced(file.len()), Step::Send(file[..50_000].to_vec()), Step::Close];
    hubs.script("127.0.4.1", vec![cut, served(&file)]);
    workspace.write("db/hub.db", "last week's");
    let report = workspace.fleetctl(&FETCH).expect_status(0).report();
    let device = report.expect("hub", Expected { attempts: 2, ..OK });
    assert_eq!(device["earlier_errors"][0]["kind"], "connection_closed");
    assert_eq!(std::fs::read(workspace.path("db/hub.db")).unwrap(), file, "the old file is replaced, as a whole");
    assert_eq!(hubs.connections(), 2);
    assert_eq!(names_in(&workspace.path("db")), ["hub.db"]);
}

#[test]
fn three_hundred_hubs_at_once() {
    let hubs = Hubs::start();
    let workspace = Workspace::with_inventory(&format!(
        "[defaults]\ntype = \"smart-home-hub\"\nsite = \"houses\"\n[sites.houses]\n\
         [[device]]\nname = \"house-[001-150]\"\naddress = \"127.0.5.[1-150]:{0}\"\n\
         [[device]]\nname = \"house-[151-300]\"\naddress = \"127.0.6.[1-150]:{0}\"\n",
        hubs.port()
    ));
    std::fs::create_dir(workspace.path("houses")).unwrap();
    // Each hub has a file of its own, so that a mix-up shows.
    let file = |number: usize| looks_like_a_database(40_000 + number);
    let address = |number: usize| {
        if number <= 150 { format!("127.0.5.{number}") } else { format!("127.0.6.{}", number - 150) }
    };
    for number in 1..=300 {
        hubs.script(&address(number), vec![served(&file(number))]);
    }
    let arguments = ["run", "--do", "fetch-database", "--save", "{site}/{name}.db", "--format", "json"];
    let report = workspace.fleetctl(&[&arguments[..], &["--concurrency", "300"]].concat()).expect_status(0).report();
    assert_eq!(report.count("ok"), 300);
    for number in 1..=300 {
        let name = format!("house-{number:03}");
        let path = format!("houses/{name}.db");
        assert_eq!(report.device(&name)["file"]["path"], path);
        assert!(std::fs::read(workspace.path(&path)).unwrap() == file(number), "{path} is another hub's");
        assert_eq!(hubs.requests(&address(number)).len(), 1);
    }
    assert_eq!(names_in(&workspace.path("houses")).len(), 300);
}

#[test]
fn a_file_of_64_mib_does_not_grow_the_program_by_its_size() {
    const MIB: usize = 1024 * 1024;
    let hubs = Hubs::start();
    let workspace = one_hub(&hubs);
    let file = looks_like_a_database(64 * MIB);
    let gate = Gate::closed();
    let (most, rest) = file.split_at(63 * MIB);
    let steps =
        vec![announced(file.len()), Step::Send(most.to_vec()), Step::Wait(gate.clone()), Step::Send(rest.to_vec())];
    hubs.script("127.0.4.1", vec![steps]);
    let program = workspace.start(&[&FETCH[..], &["--device-deadline", "100s"]].concat());
    let folder = workspace.path("db");
    let written = || {
        let entries = std::fs::read_dir(&folder).unwrap().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum::<u64>()
    };
    program.wait_for("63 MiB on disk", || written() >= (63 * MIB) as u64);
    assert!(!workspace.path("db/hub.db").exists(), "it stands in its place only when it is whole");
    let peak = program.peak_memory_kib();
    assert!(peak < 48 * 1024, "{peak} KiB");
    gate.open();
    let report = program.finish().expect_status(0).report();
    let device = report.expect("hub", OK);
    assert_eq!(device["file"]["bytes"], file.len());
    assert!(std::fs::read(workspace.path("db/hub.db")).unwrap() == file);
    assert_eq!(device["file"]["sha256"], sha256sum(&workspace.path("db/hub.db")));
}

#[test]
fn the_readers_of_other_formats_see_where_the_file_is() {
    let hubs = Hubs::start();
    let workspace = one_hub(&hubs);
    hubs.script("127.0.4.1", vec![served(&looks_like_a_database(1000))]);
    let arguments = ["run", "--do", "fetch-database", "--save", "db/{name}.db", "--format", "ndjson"];
    let finished = workspace.fleetctl(&arguments);
    let lines = finished.expect_status(0).stdout.lines();
    let lines: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let device = lines.iter().find(|line| line["event"] == "device_finished").unwrap();
    assert_eq!(device["device"]["file"]["path"], "db/hub.db");
    assert_eq!(device["device"]["file"]["bytes"], 1000);
}
