//! Our writer against `serde_json` with the same layout, byte for byte.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

use super::super::record;
use super::super::test_run::{self, device, outcome};
use super::*;
use crate::model::escape::steers;
use crate::model::{
    AttemptError, Command, Delivery, Device, Ended, ErrorKind, Failure, FileRecord, Outcome, ParamValue,
    PayloadBuilder, RunEvent, Secret, SkipReason, Status, Value as Decoded,
};

/// The layout as `serde_json` understands it: which of the open containers have a line per element.
#[derive(Default)]
struct Lines {
    depth: usize,
    line_per_element: Vec<bool>,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8], list: bool) -> io::Result<()> {
        self.depth += 1;
        self.line_per_element.push(self.depth == 1 || (list && self.depth == 2));
        out.write_all(bracket)
    }

    fn separate<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let own_line = self.line_per_element.last().copied().unwrap_or(false);
        match (first, own_line, self.depth) {
            (true, true, 1) => out.write_all(b"\n  "),
            (false, true, 1) => out.write_all(b",\n  "),
            (true, true, _) => out.write_all(b"\n    "),
            (false, true, _) => out.write_all(b",\n    "),
            (true, false, _) => Ok(()),
            (false, false, _) => out.write_all(b", "),
        }
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        if self.line_per_element.pop().unwrap_or(false) {
            out.write_all(if self.depth == 1 { b"\n" } else { b"\n  " })?;
        }
        self.depth -= 1;
        out.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[", true)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{", false)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Control characters below 0x20 are escaped by JSON itself; of ASCII only DEL remains.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return CompactFormatter.write_string_fragment(out, fragment);
        }
        for c in fragment.chars() {
            if steers(c) {
                write!(out, "\\u{:04x}", u32::from(c))?;
            } else {
                out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// What `serde_json` makes of a document.
fn reference(document: &impl Serialize) -> String {
    let mut out = Vec::new();
    document.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Lines::default())).unwrap();
    String::from_utf8(out).unwrap() + "\n"
}

/// The same of a line.
fn reference_line(event: &impl Serialize) -> String {
    let mut out = Vec::new();
    let layout = Lines { depth: 2, line_per_element: Vec::new() };
    event.serialize(&mut serde_json::Serializer::with_formatter(&mut out, layout)).unwrap();
    String::from_utf8(out).unwrap() + "\n"
}

fn written(document: &impl Serialize) -> String {
    let mut out = Vec::new();
    write_document(&mut out, document).unwrap();
    String::from_utf8(out).unwrap()
}

fn line(event: &impl Serialize) -> String {
    let mut out = b"what was there before".to_vec();
    make_line(&mut out, event).unwrap();
    String::from_utf8(out).unwrap()
}

fn check(document: &impl Serialize) {
    assert_eq!(written(document), reference(document));
    assert_eq!(line(document), reference_line(document));
}

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~\u{0}-\u{a0}\u{200e}\u{2028}\u{202e}ü‹]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn any_document_is_what_serde_json_makes_of_it(document in any_json()) {
        proptest::prop_assert_eq!(written(&document), reference(&document));
        proptest::prop_assert_eq!(line(&document), reference_line(&document));
    }
}

#[test]
fn every_character_is_escaped_as_serde_json_does_it() {
    for c in (0..=0x2100).chain([0xfeff, 0xffff, 0x1_0000, 0x10_ffff]).filter_map(char::from_u32) {
        check(&c);
        check(&format!("a{c}b"));
    }
}

#[test]
fn every_kind_of_value_is_what_serde_json_makes_of_it() {
    #[derive(Serialize)]
    struct Whole<'a> {
        r#type: Option<&'a str>,
        none: Option<u8>,
        unit: (),
        pair: (i8, f32),
        bytes: &'a [u8],
        floats: Vec<f64>,
        shown: Shown,
        word: Word,
        wrapped: Wrapped,
        empty: Empty,
        nothing: Nothing,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Serialize)]
    struct Empty {}
    #[derive(Serialize)]
    struct Nothing;
    #[derive(Serialize)]
    struct Wrapped(u64);
    #[derive(Serialize)]
    struct Inner {
        flat: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        InSnake,
    }
    struct Shown;
    impl Serialize for Shown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("{}\u{202e}{}", "a\"b", 7))
        }
    }
    check(&Whole {
        r#type: Some("x"),
        none: None,
        unit: (),
        pair: (-1, 0.5),
        bytes: b"\x00\xff",
        floats: vec![0.0, -0.0, 131.4, 0.1, 1e16, 1e300, f64::NAN, f64::INFINITY],
        shown: Shown,
        word: Word::InSnake,
        wrapped: Wrapped(u64::MAX),
        empty: Empty {},
        nothing: Nothing,
        inner: Inner { flat: true },
    });
}

#[test]
fn what_is_no_json_is_an_error() {
    struct NumberAsKey;
    impl Serialize for NumberAsKey {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry(&[1], "x")?;
            map.end()
        }
    }
    #[derive(Serialize)]
    enum Variant {
        Content(u8),
    }
    assert!(write_document(&mut Vec::new(), &NumberAsKey).is_err());
    assert!(write_document(&mut Vec::new(), &Variant::Content(1)).is_err());
}

#[test]
fn a_long_document_is_passed_on_piece_by_piece() {
    struct Pieces(Vec<usize>);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let document = vec!["x".repeat(1000); 1000];
    let mut pieces = Pieces(Vec::new());
    write_document(&mut pieces, &document).unwrap();
    assert_eq!(pieces.0.iter().sum::<usize>(), reference(&document).len());
    assert!(pieces.0.iter().all(|&len| len < FULL + 2000), "{:?}", pieces.0);
}

#[test]
fn a_document_has_a_line_per_field_and_per_element_of_its_list() {
    let document =
        serde_json::json!({ "a": { "x": [1, 2] }, "b": [{ "c": "ü\u{7f}\u{202e}\u{1b}", "d": [] }, 2], "e": [] });
    let mut out = Vec::new();
    write_document(&mut out, &document).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        "{\n  \"a\": {\"x\": [1, 2]},\n  \"b\": [\n    {\"c\": \"ü\\u007f\\u202e\\u001b\", \"d\": []},\n    2\n  ],\n  \"e\": [\n  ]\n}\n"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), document);
    let mut line = Vec::new();
    make_line(&mut line, &document).unwrap();
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).unwrap(), document);
}

#[test]
fn a_report_of_awkward_devices_is_what_serde_json_makes_of_it() {
    const AWKWARD: &str = "a\"b\\c/\u{0}\u{8}\t\n\u{c}\r\u{1b}\u{7f}\u{9b}\u{202e}\u{2066}\u{2028}ü‹ß›中😀";
    let mut sent = PayloadBuilder::default();
    sent.push(b"login \"");
    sent.push_secret(b"sesame");
    sent.push(b"\r\n\0\x7f\xff\\");
    let sent = Arc::new(sent.finish());
    let awkward = Device {
        device_type: AWKWARD.into(),
        site: None,
        tags: [AWKWARD, "", "plain"].map(Arc::from).into(),
        params: [(Arc::from("pin"), ParamValue::Secret(Secret::new("hunter2".to_owned())))].into_iter().collect(),
        ..device(AWKWARD, "relay.example:1")
    };
    let failure = |kind| Failure::new(kind).detail(AWKWARD).received(7).waited(Duration::from_millis(1500));
    let earlier =
        [1, 2].map(|attempt| AttemptError { attempt, failure: failure(ErrorKind::ReplyTimeout).detail("sesame") });
    let values = [
        Some(Decoded::Text(AWKWARD.into())),
        Some(Decoded::Text("".into())),
        Some(Decoded::Int(i64::MIN)),
        Some(Decoded::Decimal { digits: -5, places: 2 }),
        Some(Decoded::List([].into())),
        Some(Decoded::List([1, -3].into())),
        None,
    ];
    let replies: [&[u8]; 4] = [b"sesame? hunter2", b"", AWKWARD.as_bytes(), &[0xff; 3000]];
    let mut all = Vec::new();
    for (n, value) in values.into_iter().enumerate() {
        for (reply, micros) in replies.iter().zip([0, 49, 131_400, 86_400_000_049]) {
            let file = FileRecord { path: AWKWARD.into(), bytes: u64::MAX, sha256: "0f".into() };
            let outcome = Outcome {
                sent: (n != 1).then(|| sent.clone()),
                reply: (n != 2).then(|| (*reply).into()),
                value: value.clone(),
                file: (n == 3).then(|| Box::new(file)),
                elapsed: Duration::from_micros(micros),
                earlier_errors: if n == 4 { earlier.clone().into() } else { Box::default() },
                ..outcome(Status::Rejected, Delivery::Unknown, micros, Some(failure(ErrorKind::Refused)))
            };
            all.push((awkward.clone(), outcome.clone()));
            all.push((device("plain", "[::1]"), outcome));
        }
        all.push((device("later", "10.0.0.1"), Outcome::skipped(SkipReason::Deadline)));
    }
    let mut events = test_run::run_of(test_run::raw(), all, Ended::Completed);
    check(&record::report(&test_run::collect(events.clone())));
    if let RunEvent::RunStarted { run, .. } = &mut events[0] {
        let run = Arc::make_mut(run);
        AWKWARD.clone_into(&mut run.fleet);
        let args = [(AWKWARD.to_owned(), AWKWARD.to_owned()), (String::new(), "1".to_owned())].into();
        run.command = Command::Action { name: AWKWARD.to_owned(), args };
    }
    check(&record::report(&test_run::collect(events)));
}
