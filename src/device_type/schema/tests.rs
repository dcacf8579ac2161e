//! The schema of type files beside what is read of them.

use super::*;
use crate::device_type::{Origin, read_type};
use crate::diagnostic::{Diagnostics, Sources};

const LG: &str = include_str!("../../../config/device-types/lg-rs232.toml");

fn holds(text: &str) -> bool {
    let file: Value = toml::from_str(text).unwrap();
    jsonschema::validator_for(&schema()).unwrap().is_valid(&file)
}

#[test]
fn the_built_in_types_hold_against_it_and_unknown_keys_do_not() {
    assert!(holds(LG));
    for name in crate::device_type::catalog::built_in_names() {
        assert!(holds(crate::device_type::catalog::built_in_file(name).unwrap()), "{name}");
    }
    for (was, becomes) in [
        ("port = 23", "prot = 23"),
        ("gap = ", "telnett = "),
        ("verdict = \"busy\"", "verdict = \"bussy\""),
        ("[actions.power-on]\nsend", "[actions.power-on]\nverfy"),
        ("title = ", "source_title = "),
    ] {
        assert!(LG.contains(was), "{was}");
        assert!(!holds(&LG.replacen(was, becomes, 1)), "{becomes}");
    }
}

/// The keys of the table at a path of the schema.
fn keys(path: &[&str]) -> Vec<String> {
    let schema = schema();
    let table = path.iter().fold(&schema, |at, step| &at[*step]);
    table["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_reader_knows_every_key_that_it_allows() {
    for (path, before, after) in [
        (&[][..], "", ""),
        (&["properties", "link"], "link = { ", " }"),
        (&["properties", "link", "properties", "serial"], "link.serial = { ", " }"),
        (&["properties", "send"], "send = { ", " }"),
        (&["properties", "unit"], "unit = { ", " }"),
        (&["properties", "login"], "login = { ", " }"),
        (&["properties", "login", "properties", "steps", "items"], "login.steps = [{ ", " }]"),
        (&["properties", "replies", "additionalProperties"], "replies.default = { ", " }"),
        (&["properties", "command", "items"], "command = [{ ", " }]"),
        (&["properties", "actions", "additionalProperties"], "actions.go = { ", " }"),
        (&["properties", "simulate"], "simulate = { ", " }"),
        (&["properties", "simulate", "properties", "answer", "items"], "simulate.answer = [{ ", " }]"),
    ] {
        for key in keys(path) {
            // Of a kind that no key takes: the key is known, its value is wrong.
            let text = format!("{before}{key} = 1979-05-27{after}\n");
            let mut sources = Sources::default();
            let source = sources.add("x.toml", text.as_str());
            let mut found = Diagnostics::default();
            read_type(&text, source, Origin::BuiltIn, &mut found);
            let messages: Vec<&str> = found.iter().map(|one| &*one.message).collect();
            assert!(!messages.iter().any(|message| message.contains("unknown key")), "{text}: {messages:?}");
            assert!(
                messages.iter().any(|message| message.contains(&format!("`{key}` must be"))),
                "{text}: {messages:?}"
            );
        }
    }
}
