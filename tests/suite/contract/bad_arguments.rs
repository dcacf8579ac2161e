//! Mistakes on the command line: refused before anything is sent, with the word that would be right.

use super::refusal::Bystander;

#[test]
fn mistakes_of_the_command_line_send_nothing() {
    let cases: [(&[&str], &[&str]); 50] = [
        (&["run"], &["--cmd", "--do"]),
        (&["run", "--cmd", "ka 01 01", "--do", "power-on"], &["--cmd", "--do"]),
        (&["rum", "--do", "power-on"], &["run"]),
        (&["run", "--do", "power-on", "--concurency", "5"], &["--concurrency"]),
        (&["run", "--do", "power-on", "-c", "0"], &["concurrency"]),
        (&["run", "--do", "power-on", "--format", "jsn"], &["json"]),
        (&["run", "--do", "power-on", "--report", "jsn=r.json"], &["json"]),
        (&["run", "--do", "power-on", "--report", "r.json"], &["--report"]),
        (&["run", "--do", "power-on", "--report", "json=no/such/folder/r.json"], &["no/such/folder"]),
        (&["run", "--do", "power-on", "--report", "json=-"], &["`-`", "the target is standard output"]),
        (&["run", "--do", "power-on", "--reply-timeout", "300"], &["reply-timeout"]),
        (&["run", "--do", "power-on", "--deadline", "0s"], &["deadline"]),
        (&["run", "--do", "power-on", "--ok-if", "120%"], &["ok-if"]),
        (&["run", "--do", "power-on", "--sample", "0"], &["sample"]),
        (&["run", "--do", "power-on", "--retries", "-1"], &[]),
        (&["run", "--do", "power-onn"], &["power-onn", "power-on"]),
        (&["run", "--do", "power-on", "-s", "tv-l"], &["tv-l", "tv-1"]),
        (&["run", "--do", "power-on", "-s", "@loby"], &["lobby"]),
        (&["run", "--do", "power-on", "-s", "tag:loby"], &["lobby"]),
        (&["run", "--do", "power-on", "-s", "type:lg-rs323"], &["lg-rs232"]),
        (&["run", "--do", "power-on", "-s", "type:lg"], &["lg-rs232"]),
        (&["run", "--do", "power-on", "-s", "@night"], &["known: lobby"]),
        (&["run", "--do", "volume"], &["`volume` needs `--arg level=…` (integer from 0 to 100)", "tv-1"]),
        (&["run", "--do", "power-on", "--report", "json=r.json", "--report", "csv=./r.json"], &["same file"]),
        (&["run", "--do", "power-on", "-s", "site:hq"], &["hq"]),
        (&["run", "--do", "power-on", "-s", "tv-1 and wall-1"], &[]),
        (&["run", "--do", "power-on", "-s", "tv-1 and (wall-1"], &[]),
        (&["run", "--do", "power-on", "-s", "tv-1 and"], &[]),
        (&["run", "--do", "power-on", "-s", ""], &[]),
        (&["run", "--cmd", "ka {set_di} 01"], &["set_di", "set_id"]),
        (&["run", "--cmd", r"ka 01 01\q"], &["\\q"]),
        (&["run", "--cmd", r"ka 01 \x4"], &["\\x"]),
        (&["run", "--cmd", "ka {set_id 01"], &["{"]),
        (&["run", "--do", "power-on", "--failed-from", "missing.json"], &["missing.json"]),
        (&["run", "--do", "power-on", "--rate", "-1/s"], &["`-1/s` is no rate", "5/s"]),
        (&["run", "--do", "power-on", "--rate", "0/s"], &["a rate of 0 starts no device"]),
        (&["run", "--do", "power-on", "--rate", "5/d"], &["`5/d` is no rate"]),
        (&["run", "--do", "power-on", "--batch", "0"], &["a batch of nothing never ends"]),
        (&["run", "--do", "power-on", "--batch", "0%"], &["a batch of nothing never ends"]),
        (&["run", "--do", "power-on", "--batch", "120%"], &["120%", "from 0% to 100%"]),
        (&["run", "--do", "power-on", "--batch", "-3"], &["`-3` is neither a number of devices"]),
        (&["run", "--do", "power-on", "--pause", "3s"], &["--batch"]),
        (&["run", "--do", "power-on", "--batch", "1", "--pause", "0s"], &["more than nothing"]),
        (&["run", "--do", "power-on", "--batch", "1", "--pause", "3"], &["`3` has no unit"]),
        (&["run", "--do", "power-on", "--max-failures", "-1"], &["`-1` is neither a number of devices"]),
        (&["run", "--do", "power-on", "--max-failures", "101%"], &["from 0% to 100%"]),
        (&["run", "--do", "power-on", "--until", "0s"], &["cannot go on until it begins"]),
        (&["run", "--do", "power-on", "--until", "-5m"], &["`-5m` is no duration", "06:30"]),
        (&["run", "--do", "power-on", "--until", "25:00"], &["`25:00` is no time of day"]),
        (&["run", "--do", "power-on", "--until", "tomorrow"], &["or a time of day, `06:30`"]),
    ];
    for (arguments, words) in cases {
        Bystander::new().refuses(arguments, words);
    }
}

#[test]
fn the_same_raw_command_for_two_displays_of_one_gateway_is_refused() {
    let bystander = Bystander::new();
    let finished = bystander.refuses(&["run", "--cmd", "ka 01 01"], &["wall-[1-2]", "wall-2", "{set_id}"]);
    assert!(!finished.stderr.contains("tv-1"), "{finished}");
    bystander.workspace.fleetctl(&["run", "--cmd", "ka {set_id} 01", "--dry-run"]).expect_status(0);
}

#[test]
fn an_argument_that_gives_two_displays_of_one_gateway_the_same_set_id_is_refused() {
    let bystander = Bystander::new();
    let all = ["run", "--do", "power-on", "--arg", "set_id=2"];
    bystander.refuses(&all, &["wall-[1-2]", "--arg set_id"]);
    let one = [&all[..], &["-s", "wall-1", "--dry-run"]].concat();
    bystander.workspace.fleetctl(&one).expect_status(0);
}

/// So many minutes from now, as a clock in UTC shows it.
fn clock(minutes_from_now: i64) -> String {
    let minute = jiff::Timestamp::now().as_second().div_euclid(60) + minutes_from_now;
    let of_day = minute.rem_euclid(24 * 60);
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

#[test]
fn a_time_of_day_that_is_over_is_refused_with_both_times() {
    let text = "[sites.hq]\ntimezone = \"Etc/UTC\"\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\n\
                address = \"127.11.0.1:PORT\"\nsite = \"hq\"\n";
    let bystander = Bystander::with_inventory(text);
    let over = clock(-30);
    let until = ["run", "--do", "power-on", "--until", &over];
    bystander.refuses(&until, &["in the past", &over, "Etc/UTC", "comes again in 23 h", "`--until 14h`"]);
    let ahead = clock(30);
    let finished = bystander.workspace.fleetctl(&["run", "--do", "power-on", "--until", &ahead, "--dry-run"]);
    let line = format!("until {ahead} Etc/UTC (");
    assert!(finished.expect_status(0).stdout.contains(&line), "{finished}");
}

#[test]
fn a_time_of_day_needs_one_clock() {
    let text = "[defaults]\ntype = \"lg-rs232\"\n[sites.hq]\ntimezone = \"Europe/Berlin\"\n\
                [sites.quay]\ntimezone = \"Europe/Lisbon\"\n\
                [[device]]\nname = \"a\"\naddress = \"127.11.0.1:PORT\"\nsite = \"hq\"\n\
                [[device]]\nname = \"b\"\naddress = \"127.11.0.2:PORT\"\nsite = \"quay\"\n";
    let bystander = Bystander::with_inventory(text);
    let ahead = clock(180);
    let run = ["run", "--do", "power-on", "--until", &ahead];
    bystander.refuses(&run, &["two zones", "Europe/Berlin (hq)", "Europe/Lisbon (quay)", "`--until 30m`"]);
    let one = [&run[..], &["-s", "site:hq", "--dry-run"]].concat();
    assert!(bystander.workspace.fleetctl(&one).expect_status(0).stdout.contains("Europe/Berlin ("));
    bystander.workspace.fleetctl(&["run", "--do", "power-on", "--until", "30m", "--dry-run"]).expect_status(0);
}

#[test]
fn a_raw_command_never_reaches_a_device_of_another_type() {
    let text = "[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"127.11.0.[1-3]:PORT\"\n\
                [[device]]\nname = \"other\"\ntype = \"lg-copy\"\naddress = \"127.11.0.9:PORT\"\n";
    let bystander = Bystander::with_inventory(text).with_second_type("lg-copy", None);
    bystander.refuses(&["run", "--cmd", "ka 01 01"], &["lg-rs232", "lg-copy", "3", "1"]);
    bystander.workspace.fleetctl(&["run", "--do", "power-on", "--format", "json"]).expect_status(0);
    assert_eq!(bystander.fleet.commands(), 4, "an action speaks every type's language");
}

#[test]
fn an_unwritable_report_is_found_before_anything_is_sent() {
    let bystander = Bystander::new();
    std::fs::create_dir(bystander.workspace.path("taken")).unwrap();
    bystander.refuses(&["run", "--do", "power-on", "--report", "json=taken"], &["taken"]);
    let mut files: Vec<_> =
        std::fs::read_dir(bystander.workspace.folder()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["fleet.toml", "taken"], "no temporary file is left");
}

#[test]
fn a_report_never_takes_the_place_of_what_the_run_lives_on() {
    let bystander = Bystander::new();
    let workspace = &bystander.workspace;
    let inventory = workspace.read("fleet.toml");
    std::fs::create_dir(workspace.path("sub")).unwrap();
    std::os::unix::fs::symlink("fleet.toml", workspace.path("link.toml")).unwrap();
    let run = ["run", "--do", "power-on"];
    for more in [
        &["--report", "json=fleet.toml"][..],
        &["--report", "csv=sub/../fleet.toml"],
        &["--report", "table=fleet.toml", "-i", "link.toml"],
        &["--report", "json=fleet.toml", "--simulate"],
        &["--report", "json=fleet.toml", "--dry-run"],
    ] {
        bystander.refuses(&[&run[..], more].concat(), &["fleet.toml", "the inventory", "name another file"]);
        assert_eq!(workspace.read("fleet.toml"), inventory, "{more:?}");
    }
    let history = ["--history", "sub/h.db", "--report", "json=sub/h.db"];
    bystander.refuses(&[&run[..], &history].concat(), &["sub/h.db", "the history"]);
    workspace.fleetctl(&[&run[..], &["-s", "tv-1", "--report", "json=sub/fleet.toml"]].concat()).expect_status(0);
}

#[test]
fn help_and_version_are_no_errors() {
    let bystander = Bystander::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"], &["inventory", "--help"], &["types", "-h"]] {
        let finished = bystander.workspace.fleetctl(arguments);
        assert!(!finished.expect_status(0).stdout.is_empty(), "{finished}");
    }
}
