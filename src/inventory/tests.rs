//! Inventories as users write them: what comes out, and what every mistake says.

mod secrets;

use std::path::Path;
use std::time::Duration;

use super::testing::{catalog, fleet, read_text};
use crate::codec::{Parity, SerialLine, TelnetMode};
use crate::diagnostic::{Diagnostics, Sources};
use crate::model::ParamValue;

/// The inventory of product.md, without what later parts add to it.
const FIELD: &str = r#"
[fleet]
name = "field-tvs"

[run]
concurrency = 256
connect_timeout = "3s"
retries = 2
retry_backoff = { initial = "250ms", max = "5s", jitter = true }

[defaults]
type = "lg-rs232"

[sites.hq]
timezone = "Europe/Berlin"
max_concurrency = 32

[groups]
lobby = "tag:lobby and not tag:maintenance"

[[device]]
name = "tv-[001-300]"
address = "10.20.[0-2].[1-100]"
tags = ["lobby"]
site = "hq"

[[device]]
name = "wall-[1-9]"
address = "10.20.9.7:23"
params = { set_id = "[1-9]" }

[[device]]
name = "pump"
type = "devantech-eth008"
address = "relay.example"
params = { relay = 1, inverted = true, password = { env = "RELAY_PASSWORD" } }
"#;

#[test]
fn an_inventory_becomes_devices() {
    for text in [FIELD.to_owned(), format!("\u{feff}{FIELD}"), FIELD.replace('\n', "\r\n")] {
        let fleet = fleet(&text);
        assert_eq!((fleet.name.as_str(), fleet.devices.len(), fleet.members.len()), ("field-tvs", 310, 310));
        let shown = |position: usize| {
            let device = &fleet.devices[position];
            let params: Vec<String> = device.params.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!(
                "{} {} {} {:?} {:?} {}",
                device.name,
                device.address,
                device.device_type,
                device.site,
                device.tags,
                params.join(" ")
            )
        };
        assert_eq!(shown(0), "tv-001 10.20.0.1:23 lg-rs232 Some(\"hq\") [\"lobby\"] ");
        assert_eq!(shown(100), "tv-101 10.20.1.1:23 lg-rs232 Some(\"hq\") [\"lobby\"] ");
        assert_eq!(shown(301), "wall-2 10.20.9.7:23 lg-rs232 None [] set_id=2");
        assert_eq!(
            shown(309),
            "pump relay.example:17494 devantech-eth008 None [] inverted=true password=‹secret› relay=1"
        );
        assert_eq!(fleet.position("wall-2"), Some(301));
        assert_eq!(fleet.run.concurrency, Some(256));
        assert_eq!(fleet.run.timing.retries, Some(2));
        let site = fleet.site(&fleet.members[0]).unwrap();
        assert_eq!(site.timezone.as_ref().and_then(|zone| zone.iana_name()), Some("Europe/Berlin"));
        assert_eq!(site.max_concurrency, Some(32));
        assert_eq!(&*fleet.group("lobby").unwrap().text, "tag:lobby and not tag:maintenance");
        let ParamValue::Secret(secret) = fleet.devices[309].params.get("password").unwrap() else { panic!() };
        assert_eq!(secret.expose(), "apple");
    }
}

#[test]
fn a_serial_line_is_kept_unless_a_device_has_no_telnet_at_all() {
    let line = |baud| SerialLine { baud, data_bits: 8, parity: Parity::None, stop_bits: 1 };
    for (defaults, own, expected) in [
        ("", "", None),
        ("telnet = 'auto'", "", Some(TelnetMode::Auto)),
        ("telnet = 'always'", "telnet = 'never'", Some(TelnetMode::Never)),
        ("serial = { baud = 9600 }", "", Some(TelnetMode::Line(line(9600)))),
        ("serial = { baud = 9600 }", "telnet = 'always'", Some(TelnetMode::Line(line(9600)))),
        ("serial = { baud = 9600 }", "telnet = 'never'", Some(TelnetMode::Never)),
        ("serial = { baud = 9600 }", "serial = { baud = 300 }", Some(TelnetMode::Line(line(300)))),
        ("telnet = 'never'", "serial = { baud = 300 }", Some(TelnetMode::Line(line(300)))),
    ] {
        let text = format!(
            "[defaults]\nlink = {{ {defaults} }}\n[[device]]\nname = 'a'\naddress = 'a'\ntype = 'lg-rs232'\nlink = {{ {own} }}\n"
        );
        assert_eq!(fleet(&text).members[0].link.telnet, expected, "{defaults} / {own}");
    }
    // Detection in `[defaults]` is for those that can; a board of bytes keeps what its type says.
    let text = "[defaults]\nlink = { telnet = 'auto' }\n[[device]]\nname = 'a'\naddress = 'a'\ntype = 'devantech-eth008'\nparams = { relay = 1 }\n";
    let member = &fleet(text).members[0];
    assert_eq!(member.device_type.link.telnet_under(member.link.telnet), TelnetMode::Never);
    assert_eq!(member.device_type.link.telnet_under(Some(TelnetMode::Always)), TelnetMode::Always);
}

#[test]
fn a_device_wins_over_its_site_and_its_site_over_the_defaults() {
    let fleet = fleet(
        r#"
        [run]
        retries = 9
        [defaults]
        type = "lg-rs232"
        site = "hq"
        tags = ["all", "x"]
        params = { set_id = 7, relay = 3 }
        link = { gap = "1s", quiet = "2s" }
        retries = 1
        connect_timeout = "1s"
        retry_backoff = { initial = "1s", max = "9s" }
        [sites.hq]
        retries = 2
        reply_timeout = "2s"
        retry_backoff = { max = "8s" }
        [sites.lab]
        [[device]]
        name = "a"
        address = "a"
        tags = ["own", "all"]
        params = { label = "[left]" }
        link = { gap = "3s" }
        reply_timeout = "3s"
        retry_backoff = { jitter = false }
        [[device]]
        name = "b"
        address = "b"
        site = "lab"
        type = "devantech-eth008"
        "#,
    );
    let (a, b) = (&fleet.members[0], &fleet.members[1]);
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!((a.timing.connect_timeout, a.timing.reply_timeout, a.timing.retries), (seconds(1), seconds(3), Some(2)));
    assert_eq!((a.timing.backoff_initial, a.timing.backoff_max), (seconds(1), seconds(8)));
    assert_eq!((a.timing.backoff_jitter, a.timing.device_deadline), (Some(false), None));
    assert_eq!((a.link.gap, a.link.quiet), (seconds(3), seconds(2)));
    assert_eq!((b.timing.retries, b.timing.backoff_max, b.link.gap), (Some(1), seconds(9), seconds(1)));
    let tags: Vec<&str> = fleet.devices[0].tags.iter().map(|tag| &**tag).collect();
    assert_eq!(tags, ["all", "x", "own"]);
    let params =
        |n: usize| fleet.devices[n].params.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    assert_eq!((params(0), params(1)), ("set_id=7 label=[left]".to_owned(), "relay=3".to_owned()));
}

/// What an inventory of one device says when a line is put into it.
fn mistakes(text: &str) -> Vec<String> {
    let (fleet, messages, drawn) = read_text(text);
    assert!(fleet.is_none(), "{text}");
    assert!(drawn.contains("fleet.toml:"), "{drawn}");
    messages
}

#[test]
fn every_mistake_of_a_device_says_what_is_wrong() {
    for (device, message) in [
        ("name = 'a'", "[[device]] `a` has no `address`"),
        ("address = 'a'", "[[device]] has no `name`"),
        ("name = ''\naddress = 'a'", "a device's name is empty"),
        ("name = \"a\\u0007\"\naddress = 'a'", "a device's name has a control character in it"),
        ("name = 3\naddress = 'a'", "`name` must be a text in quotes"),
        ("name = 'a'\naddress = 'a:70000'", "`70000` is no port: a port is a number from 1 to 65535"),
        ("name = 'a'\naddress = 'a:0'", "`0` is no port: a port is a number from 1 to 65535"),
        ("name = 'a-[1-3]'\naddress = '10.0.0.[255-257]'", "`10.0.0.256`: `10.0.0.256` is no host name or IP address"),
        ("name = 'a'\naddress = ''", "the host is missing"),
        ("name = 'a'\naddress = 'a'\ntype = 'lg-rs323'", "unknown device type `lg-rs323`"),
        ("name = 'a'\naddress = 'a'\nsite = 'hw'", "unknown site `hw`"),
        (
            "name = 'a'\naddress = 'a'\ntype = 'smart-home-hub'",
            "the port is missing, and this device type has no default port",
        ),
        ("name = 'a'\naddress = 'a'\nadress = 'b'", "unknown key `adress` in [[device]] `a`"),
        ("name = 'a'\naddress = 'a'\ncircuit = 'b'", "unknown circuit `b`"),
        ("name = 'a'\naddress = 'a'\nfuse = 'b'", "unknown key `fuse` in [[device]] `a`"),
        ("name = 'a'\naddress = 'a'\nparams = { setid = 1 }", "`setid` is no parameter of the device type `lg-rs232`"),
        ("name = 'a'\naddress = 'a'\nparams = { set_id = 0 }", "`set_id` must be an integer from 1 to 1000, not `0`"),
        (
            "name = 'a'\naddress = 'a'\nparams = { set_id = 1.5 }",
            "`set_id` must be an integer, true or false, or a text",
        ),
        (
            "name = 'a-[1-3]'\naddress = 'a'\nparams = { set_id = '[999-1001]' }",
            "`set_id` must be an integer from 1 to 1000, not `1001`",
        ),
        ("name = 'a'\naddress = 'a'\nlink = { gap = '1s', telnett = 1 }", "unknown key `telnett` in `link`"),
        ("name = 'a'\naddress = 'a'\nlink = { telnet = 'on' }", "`telnet` cannot be `on`"),
        ("name = 'a'\naddress = 'a'\nlink = { serial = { parity = 'odd' } }", "`serial` has no `baud`"),
        (
            "name = 'a'\naddress = 'a'\ntype = 'devantech-eth008'\nlink = { telnet = 'auto' }",
            "`telnet = \"auto\"` is for text types: a binary reply may begin with the byte FF itself",
        ),
        ("name = 'a'\naddress = 'a'\ntags = ['']", "a tag is empty"),
        ("name = 'a'\naddress = 'a'\ntags = 'x'", "`tags` must be an array"),
        ("name = 'a-[3-1]'\naddress = 'a'", "the range `3-1` runs backward"),
        ("name = 'a-[1-3]'\naddress = 'a[1-2]'", "`name` expands to 3 devices, `address` to 2"),
        (
            "name = 'a-[1-3]'\naddress = 'a'\nparams = { set_id = '[1-2]' }",
            "`name` expands to 3 devices, `set_id` to 2",
        ),
        ("name = 'a'\naddress = 'a[1-2]'", "`a` would be the name of all 2 devices of this entry"),
        ("name = 'a-[1,2,1]'\naddress = 'a[1-3]'", "two devices have the name `a-1`"),
        ("name = 'a-[1-3]'\naddress = 'a'", "`a-2` is a second device at `a:23` with `set_id` 1"),
        ("name = 'a-[1-10000001]'\naddress = 'a'", "the range has more than 10 million members"),
        (
            "name = 'a-[1-9000000]'\naddress = 'a'\n[[device]]\nname = 'b-[1-1000001]'\naddress = 'b'",
            "the inventory has more than 10 million devices",
        ),
        ("name = 'a'\naddress = 'a'\n[[device]]\nname = 'a'\naddress = 'b'", "two devices have the name `a`"),
        (
            "name = 'a'\naddress = 'X'\n[[device]]\nname = 'b'\naddress = 'x:23'\nparams = { set_id = 1 }",
            "`b` is a second device at `x:23` with `set_id` 1",
        ),
    ] {
        assert_eq!(
            mistakes(&format!("[defaults]\ntype = 'lg-rs232'\n[sites.hq]\n[[device]]\n{device}\n")),
            [message],
            "{device}"
        );
    }
    let long = format!("[[device]]\nname = '{}'\naddress = 'a'\ntype = 'lg-rs232'", "n".repeat(201));
    assert_eq!(mistakes(&long), ["a device's name is 201 bytes long; at most 200 fit"]);
}

#[test]
fn every_mistake_of_the_other_tables_says_what_is_wrong() {
    for (text, message) in [
        ("[run]\nconcurrency = 0", "`concurrency` is 0, out of range"),
        ("[run]\nconcurrency = 1000001", "`concurrency` is 1000001, out of range"),
        ("[run]\nconfirm_above = -1", "`confirm_above` is -1, out of range"),
        ("[run]\nreply_timeout = 3", "`reply_timeout` must be a text in quotes"),
        ("[run]\nconnect_timeout = '0s'", "`connect_timeout` must be more than nothing"),
        (
            "[defaults]\nreply_timeout = '500000000000y'",
            "`reply_timeout`: `500000000000y` is too long: at most 10,000 days",
        ),
        ("[schedule]", "`schedule` must be an array"),
        ("[fleet]\nname = ''", "the fleet's name is empty"),
        ("[sites.hq]\ntimezone = 'Europe/Berlni'", "unknown time zone `Europe/Berlni`"),
        ("[sites.hq]\nmax_concurrency = 0", "`max_concurrency` is 0, out of range"),
        ("[defaults]\ntype = 'lg-rs233'", "unknown device type `lg-rs233`"),
        ("[defaults]\nsite = 'hq'", "unknown site `hq`"),
        (
            "[defaults]\ntype = 'lg-rs232'\nparams = { relay = 1 }",
            "`relay` is no parameter of the device type `lg-rs232`",
        ),
        (
            "[defaults]\ntype = 'lg-rs232'\nparams = { set_id = 0 }",
            "`set_id` must be an integer from 1 to 1000, not `0`",
        ),
        ("[groups]\nx = 'a b'", "group `x` is no selector: `and`, `or` or a comma is missing before this"),
        ("[groups]\nx = '@x'", "group `x` is made of itself"),
        ("[[device]]\nname = 'a'\naddress = 'b'", "[[device]] `a` has no `type`, and [defaults] names none"),
        (
            "[[device]]\nname = 'a'\naddress = 'b'\ntype = 'devantech-eth008'\nparams = { password = { env = 'X' } }",
            "`password`: the environment variable `X` is not set",
        ),
    ] {
        let found = mistakes(text);
        assert_eq!(found.iter().filter(|one| !one.starts_with("warning")).collect::<Vec<_>>(), [message], "{text}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_found_at_once_and_shown_with_their_places() {
    let (_, _, drawn) = read_text(
        "[defaults]\ntype = \"lg-rs323\"\n\n[[device]]\nname = \"tv-[1-3]\"\naddress = \"10.0.0.[1-2]\"\ntype = \"lg-rs232\"\n\n\
         [[device]]\nname = \"tv-1\"\naddress = \"x\"\nsite = \"hq\"\ntyp = \"lg-rs232\"\n",
    );
    let expected = "\
error: unknown device type `lg-rs323`
 --> fleet.toml:2:8
  |
2 | type = \"lg-rs323\"
  |        ^^^^^^^^^^
  |
  = help: did you mean `lg-rs232`?

error: `name` expands to 3 devices, `address` to 2
 --> fleet.toml:6:11
  |
5 | name = \"tv-[1-3]\"
  |        ---------- 3 names
6 | address = \"10.0.0.[1-2]\"
  |           ^^^^^^^^^^^^^^ 2 addresses
  |
  = help: give both ranges the same count, or fix one value

error: two devices have the name `tv-1`
  --> fleet.toml:10:8
   |
 5 | name = \"tv-[1-3]\"
   |        ---------- the first
...
10 | name = \"tv-1\"
   |        ^^^^^^ the second
   |
   = help: every device needs a name of its own

error: unknown site `hq`
  --> fleet.toml:12:8
   |
12 | site = \"hq\"
   |        ^^^^
   |
   = help: sites are declared: write a table `[sites.hq]`

error: unknown key `typ` in [[device]] `tv-1`
  --> fleet.toml:13:1
   |
13 | typ = \"lg-rs232\"
   | ^^^
   |
   = help: did you mean `type`?

";
    assert_eq!(drawn, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"[fleet]\nname = \"b\xfcro\"\n").unwrap();
    for (path, message) in [(&*folder.path().join("none.toml"), "cannot read the inventory"), (&*latin, "see line 2")] {
        let mut found = Diagnostics::default();
        let fleet = super::load(path, &catalog(), &mut Sources::default(), &|_| None, &mut found);
        assert!(fleet.is_none());
        assert!(found.iter().next().unwrap().message.contains(message), "{path:?}");
    }
    let secret = folder.path().join("secret.toml");
    std::fs::write(folder.path().join("pw"), "pear\n").unwrap();
    std::fs::write(
        &secret,
        "[[device]]\nname='a'\naddress='b'\ntype='devantech-eth008'\nparams={password={file='pw'}}",
    )
    .unwrap();
    let mut found = Diagnostics::default();
    let fleet = super::load(Path::new(&secret), &catalog(), &mut Sources::default(), &|_| None, &mut found).unwrap();
    assert!(matches!(fleet.devices[0].params.get("password"), Some(ParamValue::Secret(s)) if s.expose() == "pear"));
    assert_eq!(fleet.name, "secret");
}

#[test]
fn groups_are_judged_for_circles_at_once_and_for_names_with_a_warning() {
    let (fleet, messages, _) = read_text("[groups]\na = 'site:hq or @c or type:lg-rs233'\n");
    assert!(fleet.is_some());
    assert_eq!(
        messages,
        [
            "warning: the inventory has no `[[device]]`",
            "warning: group `a` names the unknown site `hq`",
            "warning: group `a` names the unknown group `c`",
            "warning: group `a` names the unknown device type `lg-rs233`",
        ]
    );
    let found = mistakes("[groups]\na = '@b'\nb = 'x or not @c'\nc = '@a'\nd = '@a'\n");
    assert_eq!(found.len(), 4, "{found:?}");
}
