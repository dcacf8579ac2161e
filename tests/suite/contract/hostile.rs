//! Two hundred hostile texts as names, tags, reasons and replies: raw in no output, log or message, and nowhere code.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use crate::support::{Finished, Running, Workspace, hostile_name, hostile_tag, hostile_texts, is_harmless, talkers};

fn workspace(texts: &Arc<[String]>) -> Workspace {
    let port = talkers(texts);
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut inventory = "[fleet]\nname = \"=night\u{202e}\"\n".to_owned();
    for (place, text) in texts.iter().enumerate() {
        let entry = format!(
            "[[device]]\nname = {}\ntype = \"esc-cr\"\naddress = \"127.71.{}.{}:{port}\"\ntags = [{}]\n",
            quoted(&hostile_name(text, place)),
            place / 100,
            place % 100 + 1,
            quoted(&format!("t{}", hostile_tag(text))),
        );
        inventory.push_str(&entry);
    }
    Workspace::with_inventory(&inventory)
}

fn outputs_are_harmless(what: &str, finished: &Finished) {
    is_harmless(&format!("stdout of {what}"), &finished.stdout);
    is_harmless(&format!("stderr of {what}"), &finished.stderr);
}

const FORMATS: [&str; 8] = ["table", "json", "ndjson", "junit", "prometheus", "nagios", "html", "csv"];

#[test]
fn two_hundred_hostile_texts_are_raw_in_no_format_log_or_history() {
    let texts: Arc<[String]> = hostile_texts().into();
    assert_eq!(texts.len(), 200);
    let workspace = workspace(&texts);
    let reports: Vec<String> = FORMATS.iter().map(|format| format!("--report={format}=night.{format}")).collect();
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let run = ["run", "--cmd", "status", "--format", "table", "--all", "-vv", "--reply-timeout", "20s"];
    let finished = Running::start_with(workspace.folder(), &[&run[..], &reports].concat(), |command| {
        command.env("RUST_LOG", "fleetctl=trace");
    })
    .finish();
    outputs_are_harmless("run", finished.expect_status(0));
    for format in FORMATS {
        is_harmless(format, &workspace.read(&format!("night.{format}")));
    }
    reads_back(&workspace, &texts);

    let mut asked: Vec<Vec<&str>> = vec![
        vec!["history", "list"],
        vec!["history", "show", "last"],
        vec!["health"],
        vec!["inventory", "list"],
        vec!["inventory", "list", "--format", "json"],
        vec!["run", "--cmd", "status", "--dry-run"],
        vec!["run", "--cmd", "status", "--dry-run", "--format", "json"],
        vec!["hold", "tv*", "--until", "2999-12-31", "--why", "\u{1b}]0;owned\u{7}\u{202e}"],
        vec!["run", "--cmd", "status", "--format", "table", "--all", "-v"],
        vec!["release", "*"],
        vec!["report", "night.json", "--format", "table", "--by", "reply"],
    ];
    asked.extend(FORMATS.iter().map(|format| vec!["report", "last", "--format", format]));
    for arguments in asked {
        let finished = workspace.fleetctl(&arguments);
        outputs_are_harmless(&arguments.join(" "), &finished);
        assert!(!finished.stdout.is_empty(), "{arguments:?} shows something: {finished}");
    }
}

/// Machines get every text whole, and nothing in it counts as theirs.
fn reads_back(workspace: &Workspace, texts: &[String]) {
    let names: Vec<String> = texts.iter().enumerate().map(|(place, text)| hostile_name(text, place)).collect();
    let report: Value = serde_json::from_str(&workspace.read("night.json")).unwrap();
    for ((device, text), name) in report["devices"].as_array().unwrap().iter().zip(texts).zip(&names) {
        assert_eq!(
            (&device["name"], &device["tags"][0]),
            (&name.as_str().into(), &format!("t{}", hostile_tag(text)).into())
        );
        assert_eq!(device["status"], "ok", "{device:#}");
    }
    let ndjson = workspace.read("night.ndjson");
    assert!(ndjson.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));

    let mut csv = csv::Reader::from_path(workspace.path("night.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 200);
    let formula = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(formula)), "no cell is a formula");

    let page = workspace.read("night.html");
    for text in texts.iter().filter(|text| text.contains(['<', '"', '\''])) {
        assert!(!page.contains(text.as_str()), "{text:?} is markup");
    }
    assert_eq!(page.matches("<script").count(), workspace_scripts(workspace), "no script but the page's own");

    let junit = workspace.read("night.junit");
    let mut reader = quick_xml::Reader::from_str(&junit);
    let mut cases = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == "testcase");
                tag.attributes().for_each(|attribute| drop(attribute.unwrap()));
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(cases, 200);

    let metrics = workspace.read("night.prometheus");
    let sample = regex::Regex::new(r#"^[a-z_]+\{([a-z]+="([^"\\\n]|\\["\\n])*",?)*\} [0-9.e+-]+$"#).unwrap();
    assert!(metrics.lines().all(|line| line.starts_with('#') || sample.is_match(line)), "{metrics}");
    assert_eq!(metrics.matches("\nfleetctl_device_ok{").count(), 200);
    let nagios = workspace.read("night.nagios");
    let first = nagios.lines().next().unwrap();
    assert_eq!(first.matches('|').count(), 1, "what is behind the bar are numbers: {first}");
}

/// How many scripts the page of a harmless run has.
fn workspace_scripts(workspace: &Workspace) -> usize {
    workspace.write("plain.toml", "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.71.9.1\"\n");
    let run = ["run", "-i", "plain.toml", "--do", "power-on", "--simulate", "--format", "html"];
    workspace.fleetctl(&run).expect_status(0).stdout.matches("<script").count()
}

#[test]
fn a_hostile_text_of_the_command_line_is_raw_in_no_message() {
    let device = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.71.8.1\"\n";
    let workspace = Workspace::with_inventory(device);
    for text in hostile_texts().iter().filter(|text| !text.contains('\0')) {
        for arguments in [
            vec!["run", "--do", text, "--dry-run"],
            vec!["run", "--cmd", text, "--dry-run"],
            vec!["run", "--do", "power-on", "--dry-run", "-s", text],
            vec!["inventory", "check", "-i", text],
        ] {
            // A leading dash is a flag that nobody knows, which is a mistake like any other.
            outputs_are_harmless(&format!("{arguments:?}"), &workspace.fleetctl(&arguments));
        }
    }
}

#[test]
fn no_hostile_name_leads_a_file_anywhere_but_into_its_folder() {
    let texts = hostile_texts();
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("db")).unwrap();
    for (place, text) in texts.iter().enumerate() {
        let name = text.replace(['[', ']'], "(");
        let quoted = toml::Value::String(name.clone()).to_string();
        let inventory =
            format!("[[device]]\nname = {quoted}\ntype = \"smart-home-hub\"\naddress = \"127.71.8.2:{}\"\n", place + 1);
        workspace.write("fleet.toml", &inventory);
        let fetch = ["run", "--do", "fetch-database", "--save", "db/{name}.db", "--dry-run"];
        let finished = workspace.fleetctl(&fetch);
        outputs_are_harmless(&format!("{name:?}"), &finished);
        let is_bad =
            name.starts_with(['.', '-']) || name.contains(['/', '\\', '\0']) || name.contains(char::is_control);
        let expected = if is_bad { Some(2) } else { Some(0) };
        assert_eq!(finished.status, expected, "{name:?}: {finished}");
    }
    let made = Command::new("ls").arg("-A").arg(workspace.folder()).output().unwrap().stdout;
    assert_eq!(String::from_utf8(made).unwrap().lines().filter(|file| !file.starts_with(".state")).count(), 2);
}
