//! A cut document says what the whole one says, place for place, or it is not cut.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::toml_pairs::Held;
use crate::diagnostic::{Diagnostics, Sources, parse_toml};

/// What the document says read a table at a time: the rest, then each table, with all places; `None` when it is not cut.
fn in_pieces(text: &str) -> Option<Vec<String>> {
    let cut = TomlCut::new(text, "device")?;
    let mut said = vec![format!("{:?}", cut.rest()?)];
    for table in cut.tables() {
        said.push(format!("{:?}", tree(table?)));
    }
    Some(said)
}

/// A table as a tree has it.
fn tree(table: CutTable<'_>) -> Spanned<DeValue<'_>> {
    let map = match table.held {
        Held::List(list) => list.pairs.into_iter().collect(),
        Held::Map(map) => map,
    };
    Spanned::new(table.header, DeValue::Table(map))
}

/// The same, read from the whole document; `None` when something is wrong with it.
fn at_once(text: &str) -> Option<Vec<String>> {
    let mut found = Diagnostics::default();
    let tree = parse_toml(text, Sources::default().add("x.toml", ""), &mut found);
    if found.has_errors() {
        return None;
    }
    let mut tree = Spanned::new(tree.span(), tree.into_inner());
    let devices = tree.get_mut().remove("device");
    let mut said = vec![format!("{tree:?}")];
    if let Some(DeValue::Array(tables)) = devices.map(Spanned::into_inner) {
        said.extend(tables.iter().map(|table| format!("{table:?}")));
    }
    Some(said)
}

/// Documents that can be cut, whatever else is in them.
const CUT: [&str; 18] = [
    "[[device]]",
    "[[device]]\nname = \"a\"\naddress = 'b'\n\n[[device]]\nname = \"c\"\n",
    "\u{feff}[[device]]\nname = 'ä'\n",
    "\u{feff}[run]\r\nretries = 1\r\n\r\n[[device]]\r\nname = 'a' # [[device]]\r\n[defaults]\r\ntype = 'x'\r\n",
    "x = 1\n[sites.a]\n[[device]]\nname = 'a'\n[sites.b]\ny = { z = 2 }\n[[device]]\nname = 'b'\n[run]\nretries = [1, 2]\n",
    "  [[ device ]] # first\n\tname = 'a'\n  [[\tdevice\t]]\nname = 'b'\n",
    "[[device]]\nname = '''\n[[device]]\n'''\ntags = [\n[\n'[[device]]' ],\n# ]\n\n[ '[sites]' ]\n]\n[[device]]\nname = 'b'\n",
    "text = \"\"\"\n[[device]]\n\"\\\"\"\"\"\n[[device]]\nname = \"\"\"a\\\n  b\"\"\"\n",
    "[[device]]\nname = 'a'\n[device.params]\nset_id = 1\n[device.link.serial]\nbaud = 9600\n[[device]]\nname = 'b'\n",
    "[[device]]\nname = 'a'\n[device.link.serial]\nbaud = 9600\n[device.link]\ngap = '1s'\n",
    "[[device]]\nparams.set_id = 1\nparams.'a b' = 2\nlink.serial.baud = 3\n[[device]]\n'na\\me' = 'a'\n\"na\\u006de\" = 1\n",
    "[[device]]\nparams = { a.b = 1, c = [ { d = 1.5 }, { d = 0x1F } ] }\nat = 1979-05-27T07:32:00Z\non = true\n",
    "[[device]]\nname = 'a'\n[[device.x]]\ny = 1\n[[device.x]]\ny = 2\n[[device]]\nname = 'b'\n",
    "[devices]\n[[devicex]]\n[[x.device]]\n[[device]]\nx = inf\ny = -1_000\nz = 1e3",
    "[[x]]\n[[x.y]]\n[[device]]\na = 1\n[x.y.z]\nb = 2\n[[device]]\nc = 3\n[[x.y]]\nd = 4\n",
    "[[device]]\nparams = {\n  a = 1,\n  b = [\n [ [ ] ] ],\n}\n\n\n[groups]\n[[device]]\n",
    "[[device]]\na = [[[[[[[[[[[[[[[[[[[[[[ 1 ]]]]]]]]]]]]]]]]]]]]]]\n",
    "[[device]]\nname = 'a'\n[sites.hq]\ntimezone = '[[device]]'\n",
];

/// Documents that are read as a whole: wrong ones, and those in which a part means something by what stands far from it.
const WHOLE: [&str; 21] = [
    "",
    "# [[device]]\nx = '[[device]]'\n",
    "device = [ { name = 'a' } ]\n",
    "device.name = 1\n[[device]]\n",
    "device = 1\n[[device]]\n",
    "[device]\n[[device]]\n",
    "[[device]]\n[device]\n",
    "[[device]]\n[run]\n[device.params]\nset_id = 1\n",
    "[[\"device\"]]\nname = 'a'\n[[device]]\nname = 'b'\n",
    "[[device]]\nname = 'a'\n[[\"dev\\u0069ce\"]]\nname = 'b'\n",
    "[run]\nretries = 1\n[[device]]\nname = 'a'\n[run]\nretries = 2\n",
    "[[device]]\nname = 'a'\nname = 'b'\n",
    "[[device]]\nname = 'a'\n[device.x]\n[device.x]\n",
    "[[device]]\nparams = { a = 1 }\n[device.params]\n",
    "[[device]]\nname = 'a\n[[device]]\nname = 'b'\n",
    "[[device]]\nname = 'a' [[device]]\n",
    "[[device]\nname = 'a'\n[[device]]\n",
    "[[device]]\ntags = [ 'a'\n[[device]]\nname = 'b'\n",
    "[[device]]\ntags = [ } ]\n[[device]]\nname = 'b'\n",
    "[[device]]\nname = '''a\n[[device]]\nname = 'b'\n",
    "[[device]]\nname = 'a'\r[[device]]\n# \u{7}\n",
];

#[test]
fn a_document_in_pieces_says_what_it_says_as_a_whole() {
    for text in CUT {
        let said = in_pieces(text);
        assert!(said.is_some(), "{text}");
        assert_eq!(said, at_once(text), "{text}");
    }
}

#[test]
fn what_cannot_be_read_in_pieces_is_read_as_a_whole() {
    for text in WHOLE {
        assert_eq!(in_pieces(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_document_says_something_else_in_pieces(
        lines in proptest::collection::vec(line(), 0..14),
        start in "\u{feff}?",
        newline in prop_oneof![Just("\n"), Just("\n"), Just("\r\n")],
    ) {
        let text = format!("{start}{}", lines.join(newline));
        if let Some(said) = in_pieces(&text) {
            prop_assert_eq!(Some(said), at_once(&text), "{}", text);
        }
    }
}

/// Lines of documents, whole and broken, that bear upon each other.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("[[device]]".to_owned()),
        2 => " ?\\[\\[? ?(device|run|'device'|x)(\\.(a|b))? ?\\]?\\] ?(# c)?",
        4 => "(a|b|c|name|a\\.b|device|\"device\"|device\\.a) ?= ?(1|'v'|\"w\\\\u00e4\"|true|1\\.5|\\{ a = 1 \\}|\\[1, 'x'\\]|\\{ a\\.b = 1, c = \\[\\] \\})",
        1 => "(a|d) = (\\[|\\{|'''|\"\"\"|\"|'|)",
        1 => "(\\]|\\}|'''|\"\"\"|,|1,|\\]\\]| \\} \\]|[\\[\\]{},='\"#a.]{0,6})",
        1 => "#? ?\\PC{0,6}",
    ]
}
