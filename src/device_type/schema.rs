//! The JSON Schema of a type file, for editors: `fleetctl schema device-type`.
//!
//! Written by hand beside the reader (`read/`), which says more than a schema can; a test holds the two together. It
//! accepts no key that the reader does not know.

use serde_json::{Map, Value, json};

/// The JSON Schema of a type file.
pub fn schema() -> Value {
    let mut file = object(&keys(), &["name", "title"]);
    extend(&mut file, times());
    // A variant may say again all that a type says.
    let mut own = keys();
    own.push(("when", expression()));
    let mut variant = object(&own, &["when"]);
    extend(&mut variant, times());
    extend(&mut file, vec![("variant", array_of(&variant)), ("base", text("A built-in type to start from."))]);
    if let Value::Object(file) = &mut file {
        file.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        file.insert("title".to_owned(), json!("A device type of fleetctl"));
    }
    file
}

/// What a type and a variant of it say, times apart. What may come from a base is nowhere required.
fn keys() -> Vec<(&'static str, Value)> {
    vec![
        ("name", name()),
        ("title", text("One line for people.")),
        ("source", text("The manual and section it was written from.")),
        ("unconfirmed", text("What of it no source confirms, for people.")),
        ("text", flag()),
        ("probe", text("An action that only asks, for finding out whether a device is well.")),
        ("port", json!({ "type": "integer", "minimum": 1, "maximum": 65535 })),
        ("params", table_of(&param())),
        ("unit", object(&[("param", text("")), ("field", text("A field of a request, `id:hex`."))], &[])),
        ("link", link()),
        (
            "send",
            object(&[("frame", text("A template with `{body}`.")), ("fields", pattern()), ("never", pattern())], &[]),
        ),
        ("login", login()),
        ("replies", table_of(&reply())),
        ("command", array_of(&command(&[("when", pattern()), ("unit", expression())], &["when"]))),
        ("actions", table_of(&action())),
        ("simulate", simulate()),
        ("vector", array_of(&vector())),
    ]
}

/// A table of exactly these keys.
fn object(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Adds keys to a table.
fn extend(table: &mut Value, keys: Vec<(&'static str, Value)>) {
    if let Some(properties) = table.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(keys.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
}

/// A table whose keys are names.
fn table_of(value: &Value) -> Value {
    json!({ "type": "object", "propertyNames": name(), "additionalProperties": value })
}

fn array_of(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]*$" })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn pattern() -> Value {
    text("A regular expression over bytes; in binary types hex, `20 {relay} ??`.")
}

fn expression() -> Value {
    text("An expression: 64-bit integers, names, Rust's operators.")
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn duration() -> Value {
    text("A number with a unit: `250ms`, `3s`, `1h 30m`.")
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn fields() -> Value {
    array_of(&text("A field, perhaps with a format: `id:hex`."))
}

/// A value of a parameter.
fn scalar() -> Value {
    json!({ "type": ["string", "integer", "boolean"] })
}

/// The `[run]` keys that concern one device.
fn times() -> Vec<(&'static str, Value)> {
    let backoff = object(&[("initial", duration()), ("max", duration()), ("jitter", flag())], &[]);
    vec![
        ("connect_timeout", duration()),
        ("reply_timeout", duration()),
        ("device_deadline", duration()),
        ("retries", json!({ "type": "integer", "minimum": 0, "maximum": 1000 })),
        ("retry_backoff", backoff),
    ]
}

fn param() -> Value {
    let number = || json!({ "type": "integer" });
    object(
        &[
            ("kind", words(&["int", "bool", "text", "bytes", "choice", "secret"])),
            ("min", number()),
            ("max", number()),
            ("step", json!({ "type": "integer", "minimum": 1 })),
            ("max_len", json!({ "type": "integer", "minimum": 1, "maximum": 65535 })),
            ("len", json!({ "type": "integer", "minimum": 1, "maximum": 65535 })),
            ("values", json!({ "type": "object", "additionalProperties": text("What goes over the wire.") })),
            ("default", scalar()),
            ("wire", text("The format of a number: `dec`, `hex2`, `hex{id_digits}`.")),
        ],
        &[],
    )
}

fn link() -> Value {
    object(
        &[
            ("gap", duration()),
            ("quiet", duration()),
            ("busy_delay", duration()),
            ("reuse", flag()),
            ("telnet", words(&["auto", "always", "never"])),
            ("serial", serial()),
            ("half_close", flag()),
            ("busy_texts", array_of(&pattern())),
            ("medium", words(&crate::model::Medium::WORDS.map(|(word, _)| word))),
            ("clients", json!({ "type": "integer", "minimum": 1, "maximum": 65535 })),
        ],
        &[],
    )
}

fn serial() -> Value {
    let parities = crate::codec::Parity::WORDS.map(|(word, _)| word);
    object(
        &[
            ("baud", json!({ "type": "integer", "minimum": 50, "maximum": 4_000_000 })),
            ("data_bits", json!({ "type": "integer", "minimum": 5, "maximum": 8 })),
            ("parity", words(&parities)),
            ("stop_bits", json!({ "type": "integer", "minimum": 1, "maximum": 2 })),
        ],
        &["baud"],
    )
}

fn reply() -> Value {
    let verdicts: Vec<&str> = super::judge::RuleVerdict::WORDS.iter().map(|(word, _)| *word).collect();
    let rule = object(
        &[("when", pattern()), ("verdict", words(&verdicts)), ("message", text("A template."))],
        &["when", "verdict"],
    );
    object(
        &[
            ("frame", frame()),
            ("max", json!({ "type": "integer", "minimum": 1, "maximum": 65536 })),
            ("noise_max", json!({ "type": "integer", "minimum": 0, "maximum": 1_048_576 })),
            ("match", fields()),
            ("value", text("The field that is shown.")),
            ("rules", array_of(&rule)),
        ],
        &[],
    )
}

/// How a reply is found in the stream.
fn frame() -> Value {
    let table = object(
        &[
            ("pattern", text("A regular expression, found anywhere.")),
            ("until", array_of(&text("Bytes that end a reply."))),
            ("or_eof", flag()),
            ("strip", flag()),
            ("length", json!({ "type": "integer", "minimum": 1, "maximum": 65536 })),
            ("template", text("`AA {len} {body} {sum8}`.")),
        ],
        &[],
    );
    json!({ "anyOf": [{ "const": "none" }, table] })
}

fn login() -> Value {
    let thens: Vec<&str> = super::login::LoginThen::WORDS.iter().map(|(word, _)| *word).collect();
    let rule =
        object(&[("when", pattern()), ("then", words(&thens)), ("message", text("A template."))], &["when", "then"]);
    let logout = object(&[("send", text("A template.")), ("frame", frame())], &["send", "frame"]);
    let step = object(
        &[("send", text("A template.")), ("frame", frame()), ("rules", array_of(&rule)), ("logout", logout)],
        &["frame"],
    );
    object(&[("if", expression()), ("steps", array_of(&step))], &[])
}

/// What a command and an action share, with keys of their own.
fn command(own: &[(&str, Value)], required: &[&str]) -> Value {
    let mut table = object(own, required);
    extend(
        &mut table,
        vec![
            ("idempotent", flag()),
            ("query", flag()),
            ("broadcast", flag()),
            ("inrush", flag()),
            ("only_if", text("A bool parameter that must be true.")),
            ("reply", text("Which of `replies` answers it.")),
            ("echo", fields()),
        ],
    );
    extend(&mut table, times());
    table
}

fn action() -> Value {
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let value = object(
        &[
            ("map", map),
            ("as", words(&["dec", "hex"])),
            ("expr", expression()),
            ("scale", json!({ "type": "number" })),
            ("bits", text("A field whose set bits are listed.")),
        ],
        &[],
    );
    let transfer = object(
        &[
            ("length", text("The field with the announced length.")),
            ("max", json!({ "type": "integer", "minimum": 1 })),
            ("magic", text("Hex.")),
            ("idle_timeout", duration()),
        ],
        &["length", "max"],
    );
    let verify = object(
        &[
            ("ask", text("The action that asks for the state.")),
            ("expect", text("The value that it then gives; {name} stands for an argument or parameter.")),
            ("after", duration()),
            ("every", duration()),
            ("within", duration()),
        ],
        &["ask", "expect"],
    );
    let own = [
        ("send", text("A template of the body.")),
        ("args", table_of(&param())),
        ("value", value),
        ("transfer", transfer),
        ("verify", verify),
    ];
    command(&own, &[])
}

fn simulate() -> Value {
    let template = || text("A template.");
    let expressions = || json!({ "type": "object", "additionalProperties": expression() });
    let size = json!({ "type": "integer", "minimum": super::simulated::LEAST_DATABASE, "maximum": 1_073_741_824 });
    let answer = object(
        &[
            ("when", pattern()),
            ("if", expression()),
            ("set", expressions()),
            ("key", template()),
            ("store", template()),
            ("unset", text("What is read under the key before anything was stored.")),
            ("reply", template()),
            ("boots", duration()),
        ],
        &["when"],
    );
    object(
        &[
            ("per", words(&["unit", "gateway"])),
            ("state", expressions()),
            ("payload", object(&[("sqlite", size)], &["sqlite"])),
            ("unset", text("What is read before anything was stored.")),
            ("refused", template()),
            ("booting", template()),
            ("answer", array_of(&answer)),
        ],
        &[],
    )
}

fn vector() -> Value {
    let statuses = crate::model::Status::ALL.map(crate::model::Status::as_str);
    let kinds = crate::model::ErrorKind::ALL.map(crate::model::ErrorKind::as_str);
    let repeated = object(
        &[("repeat", text("Bytes.")), ("times", json!({ "type": "integer", "minimum": 1, "maximum": 16_777_216 }))],
        &["repeat", "times"],
    );
    let segments = array_of(&json!({ "anyOf": [text("A segment."), repeated] }));
    let step = object(&[("sends", text("Bytes; none: the device speaks first.")), ("replies", segments.clone())], &[]);
    let values = || json!({ "type": "object", "additionalProperties": scalar() });
    object(
        &[
            ("id", text("")),
            ("params", values()),
            ("cmd", text("A raw command.")),
            ("do", text("An action.")),
            ("args", values()),
            ("sends", text("Text with escapes, or hex.")),
            ("replies", segments),
            ("steps", array_of(&step)),
            ("then", words(&["silence", "close", "reset"])),
            ("wire", text("Bytes to which the simulated device stays silent.")),
            ("status", words(&statuses)),
            ("kind", words(&kinds)),
            ("value", json!({ "type": ["string", "number", "array"], "items": { "type": "integer" } })),
        ],
        &["id", "status"],
    )
}

#[cfg(test)]
mod tests;
