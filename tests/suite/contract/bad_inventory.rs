//! Mistakes in `fleet.toml`: each with file, line and column, and with what would be right; all of them at once.

use super::refusal::Bystander;

const RUN: [&str; 5] = ["run", "--inventory", "fleet.toml", "--cmd", "ka {set_id} 01"];

/// Panics unless the message points at this line of `fleet.toml`, with a column.
#[track_caller]
fn points_at(stderr: &str, line: usize) {
    let place = format!("fleet.toml:{line}:");
    let column = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    assert!(stderr.split(&place).skip(1).any(column), "{place}COLUMN is missing in {stderr}");
}

/// What is wrong, the inventory, the lines that the message must name, and words that it must hold.
type Case = (&'static str, &'static str, &'static [usize], &'static [&'static str]);

const TV: &str = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\n";

const CASES: [Case; 36] = [
    ("bad TOML", "[fleet]\nname = \"x\n", &[2], &[]),
    ("a line without meaning", "[fleet]\nname = \"x\"\nwhat is this\n", &[3], &[]),
    ("unknown table", "[fleets]\nname = \"x\"\n", &[1], &["fleets", "fleet"]),
    ("unknown key of the run", "[run]\nconcurency = 5\n", &[2], &["concurency", "concurrency"]),
    ("unknown key of a device", "[[device]]\nadress = \"127.11.0.1:PORT\"\n", &[2], &["adress", "address"]),
    ("unknown key of the fleet", "[fleet]\nnmae = \"x\"\n", &[2], &["nmae", "name"]),
    ("unknown key of the defaults", "[defaults]\ntpye = \"lg-rs232\"\n", &[2], &["tpye", "type"]),
    ("unknown key of a site", "[sites.hq]\ntimezon = \"UTC\"\n", &[2], &["timezon", "timezone"]),
    ("unknown key of the backoff", "[run]\nretry_backoff = { inital = \"1s\" }\n", &[2], &["inital", "initial"]),
    ("text for a number", "[run]\nconcurrency = \"many\"\n", &[2], &["concurrency"]),
    ("number for a text", "[[device]]\nname = \"tv\"\naddress = 7\n", &[3], &["address"]),
    ("text for a list", "[[device]]\nname = \"tv\"\ntags = \"lobby\"\n", &[3], &["tags"]),
    ("a duration without unit", "[run]\nreply_timeout = \"300\"\n", &[2], &["reply_timeout"]),
    ("a negative count", "[run]\nretries = -1\n", &[2], &["retries"]),
    ("no lanes at all", "[run]\nconcurrency = 0\n", &[2], &["concurrency"]),
    ("no address", "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\n", &[], &["address", "tv"]),
    ("no type", "[[device]]\nname = \"tv\"\naddress = \"127.11.0.1:PORT\"\n", &[], &["type", "tv"]),
    (
        "duplicate name",
        "[defaults]\ntype = \"lg-rs232\"\n[[device]]\nname = \"tv\"\naddress = \"127.11.0.1:PORT\"\n[[device]]\nname = \"tv\"\naddress = \"127.11.0.2:PORT\"\n",
        &[7],
        &["tv", "fleet.toml:4", "4 |"],
    ),
    (
        "duplicate name within a range",
        "[defaults]\ntype = \"lg-rs232\"\n[[device]]\nname = \"tv-2\"\naddress = \"127.11.0.9:PORT\"\n[[device]]\nname = \"tv-[1-3]\"\naddress = \"127.11.0.[1-3]:PORT\"\n",
        &[7],
        &["tv-2", "4 |"],
    ),
    (
        "the same gateway and unit twice",
        "[defaults]\ntype = \"lg-rs232\"\n[[device]]\nname = \"a\"\naddress = \"127.11.0.1:PORT\"\n[[device]]\nname = \"b\"\naddress = \"127.11.0.1:PORT\"\nparams = { set_id = 1 }\n",
        &[],
        &["set_id", "4 |", "5 |"],
    ),
    (
        "ranges of different length",
        "[[device]]\nname = \"tv-[001-300]\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.[1-200]:PORT\"\n",
        &[4],
        &["300", "200"],
    ),
    (
        "a backward range",
        "[[device]]\nname = \"tv-[9-1]\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.[1-9]\"\n",
        &[2],
        &["9-1"],
    ),
    (
        "an endless range",
        "[[device]]\nname = \"tv-[1-4294967295]\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1\"\n",
        &[2],
        &["4294967295"],
    ),
    (
        "a circuit that does not exist",
        "[circuits.hall-b]\nmax_inrush_a = 32.0\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\ncircuit = \"hall-c\"\ninrush_a = 4.5\n",
        &[7],
        &["hall-c", "hall-b"],
    ),
    (
        "a device on a circuit that does not say what it draws",
        "[circuits.hall-b]\nmax_inrush_a = 32.0\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\ncircuit = \"hall-b\"\n",
        &[7],
        &["tv", "hall-b", "inrush_a"],
    ),
    ("an open bracket", "[[device]]\nname = \"tv-[1-3\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1\"\n", &[2], &[]),
    (
        "port out of range",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:70000\"\n",
        &[4],
        &["70000", "65535"],
    ),
    (
        "unknown type",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs323\"\naddress = \"127.11.0.1:PORT\"\n",
        &[3],
        &["lg-rs323", "lg-rs232"],
    ),
    (
        "unknown site",
        "[sites.head-office]\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\nsite = \"head-ofice\"\naddress = \"127.11.0.1:PORT\"\n",
        &[5],
        &["head-ofice", "head-office"],
    ),
    (
        "unknown parameter",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\nparams = { setid = 1 }\n",
        &[5],
        &["setid", "set_id"],
    ),
    (
        "a parameter out of range",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\nparams = { set_id = 1001 }\n",
        &[5],
        &["1001", "1000"],
    ),
    (
        "a parameter of a wrong kind",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\nparams = { set_id = \"one\" }\n",
        &[5],
        &["set_id"],
    ),
    (
        "a set ID with more digits than the display is told",
        "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\nparams = { set_id = 300 }\n",
        &[5],
        &["300 does not fit into 2 hex digits", "id_digits"],
    ),
    (
        "a range of set IDs with more digits than the display is told",
        "[[device]]\nname = \"tv-[1-300]\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\nparams = { set_id = \"[1-300]\" }\n",
        &[5],
        &["256 does not fit into 2 hex digits"],
    ),
    (
        "a device that draws more than its circuit carries",
        "[circuits.hall]\nmax_inrush_a = 4\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.1:PORT\"\ncircuit = \"hall\"\ninrush_a = 4.5\n",
        &[8],
        &["`tv` draws 4.5 A", "`hall` carries (4 A)"],
    ),
    ("unknown zone", "[sites.hq]\ntimezone = \"Europe/Berln\"\n", &[2], &["Europe/Berln"]),
];

#[test]
fn each_mistake_is_shown_at_its_place_with_what_would_be_right() {
    for (what, text, lines, words) in CASES {
        // A good device stands after the mistake: it must not be sent anything either.
        let with_tv =
            if text.contains("[[device]]") || what == "bad TOML" { text.to_owned() } else { format!("{text}{TV}") };
        let bystander = Bystander::with_inventory(&with_tv);
        for arguments in [&RUN[..], &["inventory", "check", "-i", "fleet.toml"]] {
            let finished = bystander.refuses(arguments, &["fleet.toml:"]);
            for line in lines {
                points_at(&finished.stderr, *line);
            }
            for word in words {
                // The other place of a clash may be a second arrow or a labelled line of the same picture.
                let place = word.ends_with(" |") || word.starts_with("fleet.toml");
                assert!(place || finished.stderr.contains(word), "{what}: `{word}` is missing in {finished}");
            }
            let places: Vec<_> =
                words.iter().filter(|word| word.ends_with(" |") || word.starts_with("fleet.toml")).collect();
            let shown = places.is_empty() || places.iter().any(|place| finished.stderr.contains(**place));
            assert!(shown, "{what}: the other place, one of {places:?}, is missing in {finished}");
            assert!(finished.stderr.contains('^'), "{what}: a caret is missing in {finished}");
        }
    }
}

#[test]
fn all_mistakes_of_a_file_are_shown_at_once() {
    let text = "[run]\nconcurency = 5\nretries = \"two\"\n[defaults]\ntype = \"lg-rs323\"\n\
                [[device]]\nname = \"tv-[1-3]\"\naddress = \"127.11.0.[1-2]:PORT\"\n\
                [[device]]\nname = \"tv-9\"\naddress = \"127.11.0.9:99999\"\n";
    let finished = Bystander::with_inventory(text).refuses(&RUN, &["concurrency", "lg-rs232", "99999"]);
    for line in [2, 3, 5, 8, 11] {
        points_at(&finished.stderr, line);
    }
}

#[test]
fn a_syntax_error_does_not_hide_behind_a_panic() {
    for text in ["\u{0}", "\u{feff}[fleet]\nname =", "[[[", "device = 5\n", &"[".repeat(2000), "a.b.c = 1\na.b = 2\n"] {
        let finished = Bystander::with_inventory(text).refuses(&RUN, &["fleet.toml"]);
        assert!(!finished.stderr.contains("panicked"), "{finished}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let bystander = Bystander::new();
    std::fs::create_dir(bystander.workspace.path("folder.toml")).unwrap();
    for name in ["missing.toml", "folder.toml"] {
        bystander.refuses(&["run", "-i", name, "--cmd", "ka 01 01"], &[name]);
    }
}

#[test]
fn text_of_the_file_is_escaped_before_a_terminal() {
    let text = "[[device]]\nname = \"tv\\u001b[31m\"\ntype = \"lg-rs\\u001b]0;x\\u0007\"\naddress = \"127.11.0.1\"\n";
    let finished = Bystander::with_inventory(text).refuses(&RUN, &[]);
    assert!(!finished.stderr.contains(['\x1b', '\x07']), "{finished}");
}

#[test]
fn an_inventory_without_devices_selects_nothing() {
    Bystander::with_inventory("[fleet]\nname = \"empty\"\n").refuses(&RUN, &[]);
}

#[test]
fn a_missing_environment_variable_is_named_at_its_place() {
    let text = "[[device]]\nname = \"tv\"\ntype = \"lg-pin\"\naddress = \"127.11.0.1:PORT\"\n\
                params = { pin = { env = \"NO_SUCH_PIN\" } }\n";
    let bystander = Bystander::with_inventory(text).with_second_type("lg-pin", Some("pin"));
    let finished = bystander.refuses(&RUN, &["NO_SUCH_PIN"]);
    points_at(&finished.stderr, 5);
}

#[test]
fn a_missing_secret_file_is_named_and_a_secret_is_never_shown() {
    let text = "[[device]]\nname = \"tv\"\ntype = \"lg-pin\"\naddress = \"127.11.0.1:PORT\"\n\
                params = { pin = { file = \"pin.txt\" } }\n";
    let bystander = Bystander::with_inventory(text).with_second_type("lg-pin", Some("pin"));
    let finished = bystander.refuses(&RUN, &["pin.txt"]);
    points_at(&finished.stderr, 5);
    bystander.workspace.write("pin.txt", "s3cr3t-pin\n");
    for arguments in
        [&["inventory", "list", "--format", "json"][..], &["run", "--do", "power-on", "--format", "json", "-v"]]
    {
        let finished = bystander.workspace.fleetctl(arguments);
        finished.expect_status(0);
        assert!(!finished.to_string().contains("s3cr3t-pin"), "{finished}");
    }
    let listed = bystander.workspace.fleetctl(&["inventory", "list", "--format", "json"]).json();
    assert!(listed["devices"][0]["params"]["pin"].is_null(), "{listed:#}");
}
