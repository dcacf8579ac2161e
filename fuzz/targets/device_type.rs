//! Type files: whatever is wrong with one has its place, and what is accepted works: its vectors run, its actions make
//! bytes, its replies are the same in every cut, its simulation answers.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fleetctl::codec::Frame;
use fleetctl::device_type::{CommandSource, DeviceType, Origin, Simulated, read_type, run_vectors};
use fleetctl::diagnostic::{Diagnostics, Sources};
use fleetctl::model::{ParamValue, Params};

use super::place::are_sound;
use super::stream::read;

/// Replies that are played to types whose file says nothing of them.
const STREAM: &[u8] = b"a 01 OK01x\r\n\xAA\x01\x55\x00OK\r\n\0\x01";

/// The target for whole files.
pub(super) fn type_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A vector of megabytes only costs the fuzzer its speed.
    if text.contains("times") || text.contains("sqlite") {
        return;
    }
    if let Some(device_type) = read_sound(text) {
        run_vectors(&device_type);
        works(&device_type, "", STREAM);
    }
}

fn read_sound(text: &str) -> Option<Arc<DeviceType>> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let source = sources.add("type.toml", text);
    let read = read_type(text, source, Origin::File(PathBuf::from("type.toml")), &mut found);
    are_sound(&found, &sources, text);
    assert!(read.is_some() || found.has_errors(), "nothing is wrong with {text:?}, and it is no type");
    read.filter(|_| !found.has_errors()).map(Arc::new)
}

/// A word of a line and the key whose text it is, in a text type and in a binary one.
const SLOTS: [(&str, &str, &str); 12] = [
    ("send", "ka {set_id} 01", "20 {relay} {ms / 100}"),
    ("affix", "{body}\\r", "AA {len} {body} {sum8}"),
    ("fields", "^(?<c1>.)(?<c2>.) (?<id>\\w+)( (?<data>.*))?$", "{c} {relay} {rest*}"),
    ("pattern", "(?<c2>[a-z]) (?<id>\\w+) (OK|NG)(?<data>\\w*?)x", ""),
    ("template", "", "AA {len} {body} {sum8}"),
    ("when", "OK", "55"),
    ("refused", "NG(?<code>..)", "{code} {more*}"),
    ("message", "the device says {code}", "the board says {code}"),
    ("expr", "set_id + 1", "set_id << 2 & 0xff"),
    ("variant", "set_id == 3", "set_id > 2 || has(set_id)"),
    ("wire", "hex2", "u8"),
    ("reply", "a {set_id} OK01x", "55"),
];

/// The target for the small languages: lines of a slot's word and its text (`send ka {set_id}`), a leading line `binary`
/// for a binary type; after an empty line a command of the user's (`--cmd`) and, on the next, what the device says.
pub(super) fn type_languages(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\x0b');
    let head = parts.next().and_then(|head| std::str::from_utf8(head).ok());
    let stream = parts.next().unwrap_or(STREAM);
    let Some(head) = head else { return };
    let (slots, command) = head.split_once("\n\n").unwrap_or((head, ""));
    let is_text = !slots.starts_with("binary");
    let slot = |word: &str| {
        let line = slots.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let (_, text, binary) = SLOTS.iter().find(|(known, _, _)| *known == word).unwrap();
        let text = line.unwrap_or(if is_text { text } else { binary });
        // A pattern of thousands of states costs the fuzzer its speed.
        toml::Value::String(text.chars().take(80).collect()).to_string()
    };
    let frame =
        if is_text { format!("pattern = {}", slot("pattern")) } else { format!("template = {}", slot("template")) };
    let text = format!(
        r#"
        name = "fuzzed"
        title = "a type of the fuzzer's"
        text = {is_text}
        port = 1
        params.set_id = {{ kind = "int", min = 1, max = 3, default = 1, wire = {wire} }}
        params.relay = {{ kind = "int", min = 1, max = 8, default = 2 }}
        params.secret = {{ kind = "secret", max_len = 9 }}
        send = {{ frame = {affix}, fields = {fields} }}
        simulate = {{ per = "gateway", answer = [{{ when = {simulated}, reply = {reply} }}] }}
        [[variant]]
        when = {variant}
        title = "another one"
        [replies.default]
        frame = {{ {frame} }}
        max = 32
        noise_max = 64
        rules = [
          {{ when = {when}, verdict = "ok" }},
          {{ when = {refused}, verdict = "refused", message = {message} }},
        ]
        [actions.act]
        send = {send}
        args.ms = {{ kind = "int", min = 0, max = 900, default = 100 }}
        value = {{ expr = {expr} }}
        "#,
        wire = slot("wire"),
        affix = slot("affix"),
        fields = slot("fields"),
        simulated = if is_text { "'.'" } else { "'{all*}'" },
        reply = slot("reply"),
        variant = slot("variant"),
        when = slot("when"),
        refused = slot("refused"),
        message = slot("message"),
        send = slot("send"),
        expr = slot("expr"),
    );
    if let Some(device_type) = read_sound(&text) {
        works(&device_type, command, stream);
    }
}

/// Everything that a run does with a type, for each of its actions and one command of the user's.
fn works(device_type: &Arc<DeviceType>, command: &str, stream: &[u8]) {
    for number in [1, 3, 255] {
        let given = ["set_id", "relay"].map(|name| (Arc::from(name), ParamValue::Int(number)));
        let known = given.into_iter().filter(|(name, _)| device_type.param(name).is_some());
        let params: Params = known.collect();
        let device_type = device_type.effective(&params);
        let raw = device_type.template(command).ok().map(CommandSource::Raw);
        let actions = device_type.actions().take(4).map(|action| CommandSource::Action(action.name.clone()));
        for source in raw.into_iter().chain(actions.collect::<Vec<_>>()) {
            ask(&device_type, &source, &params, stream);
        }
    }
}

fn ask(device_type: &Arc<DeviceType>, source: &CommandSource, params: &Params, stream: &[u8]) {
    let Ok(body) = device_type.body(source, params) else { return };
    let sent = body.bytes().to_vec();
    if device_type.check(source, &body, params).is_err() {
        return;
    }
    let Ok(request) = device_type.request(source, body, false) else { return };
    assert!(request.payload().bytes().len() >= sent.len(), "affixes take something away from {sent:02X?}");
    if let Some(framing) = request.framing() {
        for bytes in read(framing, stream.get(..200).unwrap_or(stream)).frames {
            let frame = Frame { bytes: Bytes::from(bytes) };
            assert_eq!(request.judge(&frame, params), request.judge(&frame, params), "{frame:?}");
        }
    }
    if let Some(mut gateway) = Simulated::new(device_type, [params]) {
        let mut received = BytesMut::from(request.payload().bytes());
        while let Some(body) = device_type.send.cut(&mut received) {
            gateway.answer(&body);
        }
        let mut noise = BytesMut::from(stream);
        while let Some(body) = device_type.send.cut(&mut noise) {
            gateway.answer(&body);
        }
    }
}
