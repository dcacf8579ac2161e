//! Where files go: a device's name never leads out of the folder, and nothing is sent where a file could not be put.

use std::path::Path;

use super::{Plan, action, planned, planned_with};
use crate::model::Command;

fn hubs(names: &[&str]) -> String {
    let hub = |(place, name): (usize, &&str)| {
        format!("[[device]]\nname = '{name}'\naddress = \"10.0.0.{place}:4000\"\ntype = \"smart-home-hub\"\n")
    };
    names.iter().enumerate().map(hub).collect()
}

fn saved(inventory: &str, pattern: &str) -> Result<Plan, String> {
    planned_with(inventory, &action("fetch-database"), false, Some(pattern))
}

#[track_caller]
fn refused(inventory: &str, pattern: &str, words: &str) {
    let wrong = saved(inventory, pattern).unwrap_err();
    assert!(wrong.contains(words), "{pattern}: {wrong}");
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn every_device_has_a_file_of_its_own() {
    let (_kept, folder) = folder();
    let longest = "h".repeat(200);
    let plan = saved(&hubs(&["hub-1", "b.2", &longest]), &format!("{folder}/{{name}}.{{type}}.db")).unwrap();
    for (job, name) in plan.jobs.iter().zip(["hub-1", "b.2", &longest]) {
        assert_eq!(job.save.as_deref(), Some(Path::new(&format!("{folder}/{name}.smart-home-hub.db"))));
    }
    let at_sites = format!("[sites.hq]\n[defaults]\nsite = \"hq\"\n{}", hubs(&["one"]));
    let plan = saved(&at_sites, &format!("{folder}/{{site}}-{{name}}.db")).unwrap();
    assert_eq!(plan.jobs[0].save.as_deref(), Some(Path::new(&format!("{folder}/hq-one.db"))));
    refused(&hubs(&["one"]), &format!("{folder}/{{site}}.db"), "no site stands for `{site}` at one");
    let outside = at_sites.replace("hq", "..").replace("[sites...]", "[sites.'..']");
    refused(&outside, &format!("{folder}/{{site}}-{{name}}.db"), "no file can be named after ..");
}

#[test]
fn a_name_that_is_no_plain_part_of_a_path_is_refused() {
    let (_kept, folder) = folder();
    for name in ["../up", "a/b", "a\\b", ".hidden", "-option"] {
        let wrong = saved(&hubs(&["good", name]), &format!("{folder}/{{name}}")).unwrap_err();
        assert!(wrong.contains(&format!("named after {name}")), "{wrong}");
        assert!(!wrong.contains("no folder"), "one mistake, said once: {wrong}");
    }
}

#[test]
fn no_two_devices_share_a_file() {
    let (_kept, folder) = folder();
    refused(&hubs(&["a", "b"]), &format!("{folder}/all.db"), "a, b would all be saved as");
    refused(&hubs(&["hub", "HUB"]), &format!("{folder}/{{name}}.db"), "would all be saved as");
    saved(&hubs(&["a"]), &format!("{folder}/all.db")).unwrap();
}

#[test]
fn a_place_that_takes_no_file_is_refused_before_anything_is_sent() {
    let (_kept, folder) = folder();
    let plain = format!("{folder}/there.db");
    std::fs::write(&plain, "old").unwrap();
    saved(&hubs(&["a"]), &plain).unwrap();
    assert_eq!(std::fs::read_to_string(&plain).unwrap(), "old", "nothing is touched by a plan");
    std::fs::create_dir(format!("{folder}/folder.db")).unwrap();
    refused(&hubs(&["a"]), &format!("{folder}/folder.db"), "folder.db` is no plain file");
    std::os::unix::fs::symlink(&plain, format!("{folder}/link.db")).unwrap();
    refused(&hubs(&["a"]), &format!("{folder}/link.db"), "link.db` is no plain file");
    refused(&hubs(&["a"]), "/", "is no plain file");
    refused(&hubs(&["a"]), "-", "`-` stands for standard output");
    refused(&hubs(&["a"]), &format!("{folder}/none/{{name}}.db"), &format!("there is no folder `{folder}/none`"));
    refused(&hubs(&["a"]), &format!("{plain}/{{name}}.db"), &format!("there is no folder `{plain}`"));
    let wrong = saved(&hubs(&["a"]), &format!("{folder}/none/a.db")).unwrap_err();
    assert!(!wrong.contains("cannot be written"), "one mistake, said once: {wrong}");
    refused(&hubs(&["a"]), &format!("{folder}/{}", "n".repeat(300)), "cannot be written");
}

#[test]
fn a_pattern_that_is_not_understood_is_shown_where_it_is_wrong() {
    for (pattern, words, marked) in [
        ("db/{nam}.db", "there is no `{nam}`", ("     db/", "{nam}")),
        ("db/{name}-{x}.db", "there is no `{x}`", ("     db/{name}-", "{x}")),
        ("db/{name}/{name", "the brace is not closed", ("     db/{name}/", "{name")),
    ] {
        let wrong = saved(&hubs(&["a"]), pattern).unwrap_err();
        assert!(wrong.contains(words), "{wrong}");
        let marks = wrong.lines().find(|line| line.contains('^')).unwrap();
        let (before, length) = (marks.split('^').next().unwrap(), marks.matches('^').count());
        let shown = wrong.lines().find(|line| line.contains(pattern)).unwrap();
        let place = shown.find(pattern).unwrap() + marked.0.trim_start().len();
        assert_eq!((before.len(), length), (place, marked.1.len()), "{wrong}");
    }
}

#[test]
fn a_file_needs_a_place_and_a_place_a_file() {
    let (_kept, folder) = folder();
    let wrong = planned(&hubs(&["a", "b"]), &action("fetch-database"), false).unwrap_err();
    assert!(wrong.contains("a file is fetched, but not said where to: a, b"), "{wrong}");
    let display = "[[device]]\nname = \"tv\"\naddress = \"10.0.0.9\"\ntype = \"lg-rs232\"\n";
    let command = Command::raw("ka {set_id} 01");
    let wrong = planned_with(display, &command, false, Some(&format!("{folder}/{{name}}"))).unwrap_err();
    assert!(wrong.contains("`--save`: no file comes of this command: tv"), "{wrong}");
}
