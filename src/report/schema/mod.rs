//! JSON Schemas of what fleetctl writes and reads: `fleetctl schema NAME`.
//!
//! Those of documents are derived from the types that write them, so they cannot differ from what is written. Those of
//! users' files are kept by hand, for editors that complete and check TOML: `inventory.rs` and `nightly.rs` here, that of
//! type files beside their reader. What only holds for a file as a whole is left to the readers.

mod inventory;
mod nightly;
mod settings;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::document::{Line, Report};
use super::dry_run::PlanDocument;
use super::listing::{DevicesDocument, TypesDocument};
use super::past::{ChangesDocument, HealthDocument, RunsDocument};
use super::timetable::ScheduleDocument;

/// The names that `schema` knows.
pub const SCHEMA_NAMES: [&str; 11] = [
    "report",
    "event",
    "plan",
    "devices",
    "types",
    "runs",
    "health",
    "changes",
    "schedule",
    "inventory",
    "device-type",
];

/// The schema of a name; `None` for a name that is not one of [`SCHEMA_NAMES`].
pub fn schema(name: &str) -> Option<Value> {
    Some(match name {
        "report" => written::<Report<'static, ()>>(),
        "event" => written::<Line<'static>>(),
        "plan" => written::<PlanDocument<()>>(),
        "devices" => written::<DevicesDocument<()>>(),
        "types" => written::<TypesDocument<'static>>(),
        "runs" => written::<RunsDocument<'static>>(),
        "health" => written::<HealthDocument<'static>>(),
        "changes" => written::<ChangesDocument<'static>>(),
        "schedule" => written::<ScheduleDocument<'static>>(),
        "inventory" => read::<inventory::Inventory>(),
        "device-type" => crate::device_type::schema(),
        _ => return None,
    })
}

/// The schema of a document that fleetctl writes.
fn written<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema of a TOML file that fleetctl reads.
fn read<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

/// A key that may be left out is no key that may be `null`: TOML has no such value.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str) -> Result<(), String> {
        let file: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        let file = serde_json::to_value(file).map_err(|error| format!("{error}"))?;
        let validator = jsonschema::draft202012::new(&schema(name).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    const INVENTORY: &str = r#"
        fleet = { name = "field-tvs" }
        groups = { lobby = "tag:lobby and not tag:maintenance" }
        [run]
        concurrency = 256
        connect_timeout = "3s"
        retries = 2
        retry_backoff = { initial = "250ms", max = "5s", jitter = true }
        [defaults]
        type = "lg-rs232"
        link = { gap = "100ms", reuse = true }
        [sites.hq]
        timezone = "Europe/Berlin"
        max_concurrency = 32
        reply_timeout = "1m 5s"
        [circuits.hall-b]
        max_inrush_a = 32.0
        [[device]]
        name = "tv-[001-300]"
        circuit = "hall-b"
        inrush_a = 4.5
        settle = "3s"
        address = "10.20.[0-2].[1-100]"
        tags = ["lobby"]
        site = "hq"
        [[device]]
        name = "pump"
        address = "relay.example"
        params = { relay = 1, inverted = true, password = { env = "RELAY_PASSWORD" }, other = { file = "x" } }
        retries = 0
        [history]
        keep = "400d"
        [[schedule]]
        name = "morning"
        cron = "30 5 * * 1-5"
        timezone = "Europe/Berlin"
        select = "site:hq"
        do = "power-on"
        args = { level = 30 }
        verify = true
        until = "06:30"
        missed = "run-within 2h"
        overlap = "skip"
        jitter = "30s"
        except = ["2026-12-25"]
        notify = ["ops-mail", "uptime"]
        reports = ["prometheus=fleet.prom"]
        [notify.ops-mail]
        kind = "email"
        server = "smtp://mail.example:587"
        username = "fleet"
        password = { env = "SMTP_PASSWORD" }
        from = "fleetctl@example.com"
        to = ["ops@example.com"]
        when = "change"
        [notify.uptime]
        kind = "heartbeat"
        url = "https://hc.example/ping/x"
    "#;

    const DEVICE_TYPE: &str = r#"
        name = "lg-rs232"
        title = "LG displays"
        source = "manual"
        port = 23
        unit = { param = "set_id", field = "id:hex" }
        link = { gap = "100ms", quiet = "100ms", busy_delay = "1s", busy_texts = ["^Port"], medium = "serial", clients = 1 }
        params.set_id = { kind = "int", min = 1, max = 1000, default = 1, wire = "hex{id_digits}" }
        params.password = { kind = "secret", max_len = 31 }
        send = { frame = "{body}\r", fields = '^(?<c1>.)$' }
        command = [{ when = '^ka', idempotent = true, echo = ["data:hex"], reply_timeout = "8s" }]
        vector = [
            { id = "1", cmd = "ka 01 01", sends = "ka 01 01\r", replies = ["a"], status = "ok", value = "01" },
            { id = "2", do = "volume", args = { level = 3 }, sends = "x", status = "no_reply", kind = "reply_timeout", then = "close" },
            { id = "3", wire = "ka", status = "no_reply" },
        ]
        [replies.default]
        frame = { pattern = 'x' }
        match = ["c2", "id:hex"]
        value = "data"
        rules = [{ when = 'x$', verdict = "busy", message = "wait" }]
        [actions]
        power-on = { send = "ka {set_id} 01" }
        power-status = { send = "ka {set_id} ff", value = { map = { "00" = "off" } } }
        volume = { send = "kf", args.level = { kind = "int", min = 0, max = 100, wire = "hex2" }, value = { as = "hex" }, retries = 1 }
        [simulate]
        per = "unit"
        unset = "00"
        refused = "no"
        answer = [{ when = "x", key = "{cmd}", store = "{data}", reply = "y" }]
    "#;

    #[test]
    fn every_name_has_a_schema_that_is_one() {
        for name in SCHEMA_NAMES {
            jsonschema::draft202012::new(&schema(name).unwrap()).unwrap();
        }
        assert!(schema("reprot").is_none());
    }

    #[test]
    fn files_that_the_readers_take_fit() {
        assert_eq!(check("inventory", INVENTORY), Ok(()));
        assert_eq!(check("device-type", DEVICE_TYPE), Ok(()));
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, folder) in [("device-type", "config/device-types"), ("inventory", "config/examples")] {
            // Folders that this version does not have hold no file that could be wrong.
            let Ok(files) = std::fs::read_dir(root.join(folder)) else { continue };
            for path in
                files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|x| x == "toml"))
            {
                let fits = check(name, &std::fs::read_to_string(&path).unwrap());
                assert_eq!(fits, Ok(()), "{}", path.display());
            }
        }
    }

    #[test]
    fn mistakes_that_the_readers_find_do_not_fit() {
        for (right, wrong) in [
            ("concurrency = 256", "concurency = 256"),
            ("connect_timeout = \"3s\"", "connect_timeout = 3"),
            ("connect_timeout = \"3s\"", "connect_timeout = \"3\""),
            ("max_concurrency = 32", "max_concurrency = 0"),
            ("max_inrush_a = 32.0", "max_inrush = 32.0"),
            ("max_inrush_a = 32.0", "max_inrush_a = 0"),
            ("inrush_a = 4.5", "inrush_a = \"4.5\""),
            ("inrush_a = 4.5", "inrush_a = -4.5"),
            ("settle = \"3s\"", "settle = 3"),
            ("name = \"pump\"", "nmae = \"pump\""),
            ("{ env = \"RELAY_PASSWORD\" }", "{ env = \"A\", file = \"b\" }"),
            ("initial = \"250ms\"", "inital = \"250ms\""),
            ("keep = \"400d\"", "keep = 400"),
            ("cron = \"30 5 * * 1-5\"", "cron = \"30 5 * *\""),
            ("missed = \"run-within 2h\"", "missed = \"later\""),
            ("overlap = \"skip\"", "overlap = \"skp\""),
            ("verify = true", "verfy = true"),
            ("kind = \"email\"", "kind = \"mail\""),
            ("when = \"change\"", "when = \"changes\""),
            ("url = \"https://hc.example/ping/x\"", "uri = \"https://hc.example/ping/x\""),
            ("to = [\"ops@example.com\"]", "to = []"),
        ] {
            assert!(
                INVENTORY.contains(right) && check("inventory", &INVENTORY.replace(right, wrong)).is_err(),
                "{wrong}"
            );
        }
        for (right, wrong) in [
            ("title = \"LG displays\"", "tilte = \"LG displays\""),
            ("port = 23", "port = 70000"),
            ("kind = \"int\", min = 1", "kind = \"integer\", min = 1"),
            ("verdict = \"busy\"", "verdict = \"bussy\""),
            ("idempotent = true", "idempotent = 1"),
            ("per = \"unit\"", "per = \"device\""),
            ("frame = { pattern = 'x' }", "frame = { size = 1 }"),
        ] {
            let text = DEVICE_TYPE.replace(right, wrong);
            assert!(DEVICE_TYPE.contains(right) && check("device-type", &text).is_err(), "{wrong}");
        }
    }
}
