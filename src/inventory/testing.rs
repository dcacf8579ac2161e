//! What the tests of this module share: device types built by hand, and an inventory read from a text.

use std::path::Path;
use std::sync::Arc;

use super::{Fleet, read};
use crate::codec::TelnetMode;
use crate::device_type::{Catalog, DeviceType, Origin, ParamKind, ParamSpec, read_type};
use crate::diagnostic::{Diagnostics, Severity, Sources, render_all};
use crate::model::ParamValue;

/// The one place that builds a device type.
fn device_type(name: &str, port: Option<u16>, unit: Option<&str>, params: Vec<ParamSpec>) -> DeviceType {
    let text = format!("name = \"{name}\"\ntitle = \"a device of these tests\"\n");
    let mut found = Diagnostics::default();
    let source = Sources::default().add("type.toml", text.as_str());
    let bare = read_type(&text, source, Origin::BuiltIn, &mut found).expect("a type without mistakes");
    let mut made = bare;
    (made.port, made.params, made.unit_param) = (port, params, unit.map(Arc::from));
    if name.starts_with("devantech") {
        // Its language is bytes.
        (made.link.telnet, made.link.may_detect_telnet) = (TelnetMode::Never, false);
    }
    made
}

fn param(name: &str, kind: ParamKind, default: Option<ParamValue>) -> ParamSpec {
    ParamSpec { name: name.into(), kind, default, wire: None }
}

/// A display, a relay board, a hub.
pub(super) fn catalog() -> Catalog {
    let int = |min, max| ParamKind::Int { min, max, step: 1 };
    let set_id = param("set_id", int(1, 1000), Some(ParamValue::Int(1)));
    let label = param("label", ParamKind::Text { max_len: 20 }, None);
    let relay = param("relay", int(1, 8), None);
    let inverted = param("inverted", ParamKind::Bool, Some(ParamValue::Bool(false)));
    let password = param("password", ParamKind::Secret { max_len: 31 }, None);
    Catalog::new([
        device_type("lg-rs232", Some(23), Some("set_id"), vec![set_id, label]),
        device_type("devantech-eth008", Some(17494), Some("relay"), vec![relay, inverted, password]),
        device_type("smart-home-hub", None, None, vec![]),
    ])
}

/// Reads an inventory; gives the fleet, the messages of mistakes and warnings, and how they are drawn.
pub(super) fn read_text(text: &str) -> (Option<Fleet>, Vec<String>, String) {
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let environment = |name: &str| (name == "RELAY_PASSWORD").then(|| "apple".to_owned());
    let fleet = read(text, Path::new("fleet.toml"), &catalog(), &mut sources, &environment, &mut found);
    let messages = found
        .iter()
        .map(|one| match one.severity {
            Severity::Error => one.message.clone(),
            Severity::Warning => format!("warning: {}", one.message),
        })
        .collect();
    (fleet, messages, render_all(&found, &sources, false))
}

/// Reads an inventory that has no mistake.
pub(super) fn fleet(text: &str) -> Fleet {
    let (fleet, messages, drawn) = read_text(text);
    assert!(messages.iter().all(|message| message.starts_with("warning")), "{drawn}");
    fleet.expect("an inventory without mistakes")
}
