//! `doctor` and the boards on the network: log-ins, modes, half-closed connections, and no word about serial cables.
//!
//! What a board was sent is asked of the board.

use crate::support::{Finished, Peer, Workspace};

/// Log-in with the password `apple`, and the log-out behind `between`.
fn logged_in(between: &str) -> String {
    format!("> 7A wait < 00 > 79 61 70 70 6C 65 wait < 01 {between} > 7B wait < 00 eof")
}

/// An ETH008 with these parameters; the file `pw` holds its password.
fn board(peer: &Peer, params: &str) -> Workspace {
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"{}\"\nparams = {{ relay = 3{params} }}\n",
        peer.address()
    ));
    workspace.write("pw", "apple\n");
    workspace
}

const KEPT: &str = ", password = { file = \"pw\" }";

/// Panics unless it was said, with this exit status; whatever was said, no password was.
#[track_caller]
fn says(finished: &Finished, status: i32, texts: &[&str]) {
    finished.expect_status(status);
    for text in texts {
        assert!(finished.stdout.contains(text), "no `{text}` in {finished}");
    }
    for secret in ["apple", "61 70 70", "6170"] {
        assert!(!finished.stdout.contains(secret) && !finished.stderr.contains(secret), "`{secret}` in {finished}");
    }
}

fn times(peer: &Peer, command: &str) -> usize {
    peer.heard().iter().filter(|segment| segment.starts_with(command)).count()
}

#[test]
fn a_board_with_the_right_password_is_logged_in_to_asked_and_logged_out_of() {
    let dialogue = logged_in("> 24 wait < 05");
    let peer = Peer::start(&[&dialogue]);
    let finished = board(&peer, KEPT).fleetctl(&["-vv", "doctor", "pump"]);
    says(&finished, 0, &["`79 ‹secret›` … `01`", "ask `24` … `05`", "on: 1, 3", "accepts the password", "healthy"]);
    assert_eq!(peer.only(), dialogue.replace("wait ", "").replace("eof", "> fin"));
}

#[test]
fn a_wrong_password_is_said_once_and_nothing_follows_it() {
    let peer = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 02"]);
    let workspace = board(&peer, KEPT);
    let finished = workspace.fleetctl(&["doctor", "pump", "--write", "new.toml"]);
    says(&finished, 1, &["problem: the password is wrong", "-> correct what `password`", "was not written"]);
    assert_eq!(peer.only(), "> 7A < 00 > 79 61 70 70 6C 65 < 02 > fin");
    assert!(!workspace.path("new.toml").exists());
}

#[test]
fn a_locked_board_without_a_password_in_the_inventory_is_named_by_name_and_by_address() {
    let peer = Peer::start(&["> 7A < 00"]);
    let address = peer.address();
    for arguments in [&["doctor", "pump"][..], &["doctor", &address, "--type", "devantech-eth484"]] {
        let finished = board(&peer, "").fleetctl(arguments);
        says(&finished, 1, &["wants a password", "it is locked", "-> write `params = { password = { env ="]);
    }
    assert_eq!((peer.heard().iter().filter(|segment| *segment != "fin").count(), times(&peer, "7A")), (2, 2));
}

#[test]
fn a_board_whose_protection_is_off_never_hears_the_password() {
    for (params, said) in [(KEPT, "did not want the password"), ("", "wants no password")] {
        let peer = Peer::start(&["> 7A < FF > 24 < 00"]);
        let finished = board(&peer, params).fleetctl(&["doctor", "pump"]);
        says(&finished, 0, &[said, "protection is off", "none on", "healthy"]);
        assert_eq!(peer.only(), "> 7A < FF > 24 < 00 > fin");
    }
}

#[test]
fn a_log_in_that_is_not_answered_is_named_and_not_taken_for_health() {
    for (dialogue, what) in [
        ("> 7A", "the device is silent"),
        ("> 7A < 00 > 79 61 70 70 6C 65", "the device is silent"),
        ("> 7A < 00 > 79 61 70 70 6C 65 < 05", "answered with `05`, which makes no sense"),
        ("> 7A wait fin", "hangs up at the log-in"),
    ] {
        let peer = Peer::start(&[dialogue]);
        says(&board(&peer, KEPT).fleetctl(&["doctor", "pump"]), 1, &["problem: ", what, "-> "]);
        assert_eq!(times(&peer, "24"), 0, "{:?}", peer.connections());
        assert!(times(&peer, "79") <= 1);
    }
}

#[test]
fn a_board_that_does_not_say_whether_it_is_locked_is_asked_over_another_connection() {
    let peer = Peer::start(&["> 7A", "> 24 < 00"]);
    says(&board(&peer, "").fleetctl(&["doctor", "pump"]), 0, &["nothing came", "none on", "healthy"]);
    // A late answer to the first can be taken for none to the second.
    assert_eq!(peer.connections(), [vec!["> 7A", "> fin"], vec!["> 24", "< 00", "> fin"]]);
}

#[test]
fn a_connection_that_is_opened_again_is_logged_in_again() {
    let peer = Peer::start(&["> 7A < 00 > 79 61 70 70 6C 65 < 01 > 24 wait fin", &logged_in("> 24 < 00")]);
    says(&board(&peer, KEPT).fleetctl(&["doctor", "pump"]), 0, &["then it hung up", "only the second", "healthy"]);
    assert_eq!((times(&peer, "79"), times(&peer, "24"), times(&peer, "7B")), (2, 2, 1));
}

#[test]
fn the_entry_of_a_board_works_and_says_where_the_password_is_kept() {
    let peer = Peer::start(&[&logged_in("> 24 < 05"), &logged_in("> 24 < 05"), &logged_in("> 20 03 00 < 00")]);
    let workspace = board(&peer, KEPT);
    workspace.write("other/readme", "");
    says(&workspace.fleetctl(&["doctor", "pump", "--write", "new.toml"]), 0, &["wrote `new.toml`"]);
    says(&workspace.fleetctl(&["doctor", "pump", "--write", "other/new.toml"]), 0, &["wrote `other/new.toml`"]);
    assert!(workspace.read("new.toml").contains("password = { file = \"pw\" }"), "{}", workspace.read("new.toml"));
    for file in ["new.toml", "other/new.toml"] {
        let run = workspace.fleetctl(&["run", "-i", file, "--do", "relay-on", "--format", "json"]);
        assert_eq!(run.expect_status(0).report().device("pump")["status"], "ok", "{}", workspace.read(file));
    }
}

#[test]
fn a_password_that_stood_in_clear_is_not_written_in_clear() {
    let peer = Peer::start(&[&logged_in("> 24 < 05")]);
    let workspace = board(&peer, ", password = \"apple\"");
    says(&workspace.fleetctl(&["doctor", "pump", "--write", "new.toml"]), 0, &["wrote `new.toml`"]);
    let written = workspace.read("new.toml");
    assert!(written.contains("password = { env = \"PUMP_PASSWORD\" }") && !written.contains("apple"), "{written}");
}

#[test]
fn a_password_that_a_device_echoes_is_not_shown() {
    let peer = Peer::start(&["> 61 70 70 6C 65 0D < 61 70 70 6C 65 3F 0A"]);
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"box\"\ntype = \"prompting\"\naddress = \"{}\"\nparams = {{ password = {{ file = \"pw\" }} }}\n",
        peer.address()
    ));
    workspace.write("pw", "apple\n");
    workspace.write(
        "device-types/prompting.toml",
        r#"
name = "prompting"
title = "A box with a log-in of text"
port = 23
params.password = { kind = "secret" }
send.frame = "{body}\r"
replies.default = { frame = { until = ["\n"] }, rules = [{ when = "OK", verdict = "ok" }] }
actions.status = { send = "status", query = true }
login.steps = [{ send = "{password}", frame = { until = ["\n"] }, rules = [{ when = "welcome", then = "done" }] }]
"#,
    );
    says(
        &workspace.fleetctl(&["doctor", "box"]),
        1,
        &["log in: `‹secret›\\r`", "answered with `‹secret›?", "no sense"],
    );
}

fn ncd(peer: &Peer, arguments: &[&str]) -> Finished {
    let address = peer.address();
    let all = [&["doctor", &address, "--type", "ncd-proxr"][..], arguments].concat();
    Workspace::new().fleetctl(&all)
}

#[test]
fn a_board_that_speaks_the_other_mode_is_found_out_and_the_entry_works() {
    let silent = "> AA 02 FE 21 CB > AA 02 FE 21 CB > FE 21 < 55";
    let peer = Peer::start(&[silent, "> FE 6C 01 < 55"]);
    let workspace = Workspace::new();
    let address = peer.address();
    let arguments = ["doctor", &address, "--type", "ncd-proxr", "--param", "relay=1", "--write", "lamp.toml"];
    let what = "does not answer with `mode = \"api\"`, but does with `mode = \"standard\"`";
    says(&workspace.fleetctl(&arguments), 1, &[what, "-> write `params = { mode = \"standard\" }`", "wrote"]);
    workspace.fleetctl(&["run", "-i", "lamp.toml", "--do", "relay-on"]).expect_status(0);
    let heard: Vec<String> = peer.heard().into_iter().filter(|segment| segment != "fin").collect();
    assert_eq!(heard, ["AA 02 FE 21 CB", "AA 02 FE 21 CB", "FE 21", "FE 6C 01"]);

    let peer = Peer::start(&["> FE 21 > FE 21 > AA 02 FE 21 CB < AA 01 55 00"]);
    let finished = ncd(&peer, &["--param", "mode=standard"]);
    says(&finished, 1, &["-> write `params = { mode = \"api\" }`"]);
}

#[test]
fn a_board_in_configuration_mode_is_named_in_either_mode() {
    for (dialogue, mode) in [("> AA 02 FE 21 CB < AA 01 56 01", "mode=api"), ("> FE 21 < 56", "mode=standard")] {
        let peer = Peer::start(&[dialogue]);
        let said = ["problem: ", "the board is in configuration mode", "-> connection and language are right"];
        says(&ncd(&peer, &["--param", mode]), 1, &said);
        assert_eq!(peer.only(), format!("{dialogue} > fin"));
    }
}

#[test]
fn a_healthy_board_is_shown_in_hex_and_asked_once() {
    let peer = Peer::start(&["> AA 02 FE 21 CB < AA 01 55 00"]);
    says(&ncd(&peer, &[]), 0, &["ask `aa 02 fe 21 cb` … `aa 01 55 00`", "healthy"]);
    assert_eq!(peer.only(), "> AA 02 FE 21 CB < AA 01 55 00 > fin");
}

#[test]
fn what_only_comes_back_is_no_board() {
    let peer = Peer::start(&["> AA 02 FE 21 CB < AA 02 FE 21 CB > AA 02 FE 21 CB < AA 02 FE 21 CB > FE 21 < FE 21"]);
    says(&ncd(&peer, &[]), 1, &["comes back and nothing else", "-> check the address and the port"]);
    let peer = Peer::start(&["> 7A < 7A > 24 < 24 > 24 < 24"]);
    says(&board(&peer, KEPT).fleetctl(&["doctor", "pump"]), 1, &["comes back and nothing else"]);
}

const STATUS: &str = "> 1B 73 74 61 74 75 73 0D";

/// An `esc-cr` device with a question that does no harm.
fn label(peer: &Peer) -> Workspace {
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"label\"\ntype = \"label\"\naddress = \"{}\"\n",
        peer.address()
    ));
    workspace.write(
        "device-types/label.toml",
        "name = \"label\"\ntitle = \"A label printer\"\nbase = \"esc-cr\"\nprobe = \"status\"\n\
         [actions.status]\nsend = \"status\"\nquery = true\n",
    );
    workspace
}

#[test]
fn our_side_is_closed_behind_the_question_where_a_run_closes_it() {
    for (reply, shown) in [("< 4F 4B 00", "`OK\\0`"), ("< 4F 4B fin", "`OK`")] {
        let peer = Peer::start(&[&format!("{STATUS} eof {reply}")]);
        says(&label(&peer).fleetctl(&["doctor", "label"]), 0, &["ask `\\x1bstatus\\r` …", shown, "healthy"]);
        assert_eq!(peer.heard(), ["1B 73 74 61 74 75 73 0D", "fin"]);
    }
}

#[test]
fn a_device_that_takes_the_early_close_for_a_client_that_left_is_found_out_and_the_entry_works() {
    let hangs_up = format!("{STATUS} eof fin");
    let peer = Peer::start(&[&hangs_up, &hangs_up, &format!("{STATUS} wait < 4F 4B 00")]);
    let workspace = label(&peer);
    let finished = workspace.fleetctl(&["doctor", "label", "--write", "new.toml"]);
    says(&finished, 1, &["keep our side open", "only when our side of the connection is open", "half_close = false"]);
    let run = workspace.fleetctl(&["run", "-i", "new.toml", "--do", "status", "--format", "json"]);
    assert_eq!(run.expect_status(0).report().device("label")["value"], "OK", "{}", workspace.read("new.toml"));
}

#[test]
fn a_type_without_a_harmless_question_is_only_listened_to_and_that_is_said() {
    let peer = Peer::start(&[""]);
    let finished = Workspace::new().fleetctl(&["doctor", &peer.address(), "--type", "esc-cr"]);
    says(&finished, 0, &["knows no harmless question", "-> to have it asked", "was not asked"]);
    assert!(peer.heard().iter().all(|segment| segment == "fin"), "{:?}", peer.connections());
}

#[test]
fn a_hub_says_how_long_its_file_is_and_the_file_is_not_fetched() {
    let reply = "< 43 00 00 00 10 00 00 00 53 51 4C 69 74 65 20 66 6F 72 6D 61 74 20 33 00";
    let peer = Peer::start(&[&format!("> 4C 00 00 00 {reply}")]);
    let finished = Workspace::new().fleetctl(&["doctor", &peer.address(), "--type", "smart-home-hub"]);
    says(&finished, 0, &["ask `4c 00 00 00` … `43 00 00 00 10 00 00 00`", "a file of 16 bytes follows", "healthy"]);
    assert_eq!(peer.heard().first().map(String::as_str), Some("4C 00 00 00"));
}

#[test]
fn no_board_on_the_network_is_told_to_check_a_serial_line() {
    let silent = Peer::start(&[""]);
    let occupied = Peer::start(&["wait fin"]);
    let workspace = Workspace::new();
    let types = ["devantech-eth002", "devantech-eth8020", "devantech-ds", "ncd-proxr", "smart-home-hub"];
    let running: Vec<_> = [&silent, &occupied]
        .into_iter()
        .flat_map(|peer| types.map(|name| (peer.address(), name)))
        .map(|(address, name)| workspace.start(&["doctor", &address, "--type", name]))
        .collect();
    for program in running {
        let finished = program.finish();
        says(&finished, 1, &["problem: ", "-> "]);
        for word in ["cable", "baud", "parity", "RS-232", "gateway", "serial"] {
            assert!(!finished.stdout.contains(word), "`{word}` in {finished}");
        }
    }
}
