//! A secret stands in no output: no format, no verbosity, no log, no message, and in no notation of its bytes.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Finished, MailServer, MailServerKind, Peer, Running, WebServer, Workspace, hex};

const SECRET: &str = "Zq7$kW";
const OK: &str = "> 7A < 00 > 79 5A 71 37 24 6B 57 < 01 > 20 03 00 < 00 > 7B < 00";

fn inventory(peer: &Peer, password: &str) -> String {
    format!(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"{}\"\n\
         params = {{ relay = 3, password = {password} }}\n",
        peer.address()
    )
}

fn start(workspace: &Workspace, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Finished {
    Running::start_with(workspace.folder(), arguments, |command| {
        command.env("RELAY_PASSWORD", SECRET);
        change(command);
    })
    .finish()
}

/// Every notation of these bytes that an output might use.
fn notations(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let each = |form: fn(&u8) -> String, between: &str| bytes.iter().map(form).collect::<Vec<_>>().join(between);
    vec![
        secret.to_owned(),
        hex(bytes),
        hex(bytes).to_lowercase(),
        each(|byte| format!("{byte:02x}"), ""),
        each(|byte| format!("{byte:02X}"), ""),
        each(|byte| format!("{byte:02x}"), ":"),
        each(|byte| format!("{byte:02x}"), ", "),
        each(|byte| format!("\\x{byte:02x}"), ""),
        each(|byte| format!("0x{byte:02x}"), ", "),
        each(u8::to_string, ", "),
        each(u8::to_string, ","),
    ]
}

#[track_caller]
fn expect_silence(text: &str, finished: &Finished) {
    for notation in notations(SECRET) {
        assert!(!text.contains(&notation), "`{notation}` leaked: {finished}");
    }
}

#[track_caller]
fn expect_no_secret(finished: &Finished) {
    expect_silence(&finished.stdout, finished);
    expect_silence(&finished.stderr, finished);
}

const OUTPUTS: [&[&str]; 14] = [
    &["--format", "table", "--all"],
    &["--format", "table", "--by", "reply"],
    &["--format", "json"],
    &["--format", "ndjson"],
    &["--format", "csv"],
    &["--format", "junit"],
    &["--format", "prometheus"],
    &["--format", "nagios"],
    &["--format", "html"],
    &["--format", "json", "-vv"],
    &["--format", "table", "--all", "-v"],
    &["--dry-run"],
    &["--dry-run", "-v"],
    &["--dry-run", "--format", "json"],
];

#[test]
fn no_format_and_no_log_shows_a_secret_from_a_variable_or_a_file() {
    for source in ["{ env = \"RELAY_PASSWORD\" }", "{ file = \"password.txt\" }", "\"Zq7$kW\""] {
        for output in OUTPUTS {
            let peer = Peer::start(&[OK]);
            let workspace = Workspace::with_inventory(&inventory(&peer, source));
            workspace.write("password.txt", "Zq7$kW\n");
            let finished = start(&workspace, &[&["run", "--do", "relay-on"], output].concat(), |command| {
                command.env("RUST_LOG", "trace");
            });
            finished.expect_status(0);
            expect_no_secret(&finished);
            if !output.contains(&"--dry-run") {
                let talk = "> 7A < 00 > 79 5A 71 37 24 6B 57 < 01 > 20 03 00 < 00 > 7B < 00 > fin";
                assert_eq!(peer.only(), talk, "{source}: the board hears it all the same");
            }
        }
    }
}

#[test]
fn a_refused_or_unanswered_password_is_not_shown() {
    for dialogue in [
        "> 7A < 00 > 79 5A 71 37 24 6B 57 < 02",
        "> 7A < 00 > 79 5A 71 37 24 6B 57",
        "> 7A < 00 > 79 5A 71 37 24 6B 57 wait fin",
        "> 7A < 00 > 79 5A 71 37 24 6B 57 < 79 5A 71 37 24 6B 57",
        "> 7A < 5A 71 37 24 6B 57 > 79 5A 71 37 24 6B 57",
    ] {
        for output in OUTPUTS {
            let peer = Peer::start(&[dialogue]);
            let workspace = Workspace::with_inventory(&inventory(&peer, "{ env = \"RELAY_PASSWORD\" }"));
            let quick = ["run", "--do", "relay-on", "--reply-timeout", "300ms", "--retries", "0"];
            let finished = start(&workspace, &[&quick[..], output].concat(), |command| {
                command.env("RUST_LOG", "trace");
            });
            expect_no_secret(&finished);
        }
    }
}

#[test]
fn a_secret_that_a_device_echoes_is_masked() {
    // The serial number has six bytes, and so has the secret.
    let dialogue = "> 7A < FF > 77 < 5A 71 37 24 6B 57";
    for output in OUTPUTS {
        let peer = Peer::start(&[dialogue]);
        let workspace = Workspace::with_inventory(&inventory(&peer, "{ env = \"RELAY_PASSWORD\" }"));
        let finished = start(&workspace, &[&["run", "--cmd", "77"], output].concat(), |command| {
            command.env("RUST_LOG", "trace");
        });
        finished.expect_status(0);
        expect_no_secret(&finished);
    }
    let peer = Peer::start(&[dialogue]);
    let workspace = Workspace::with_inventory(&inventory(&peer, "{ env = \"RELAY_PASSWORD\" }"));
    let report = start(&workspace, &["run", "--cmd", "77", "--format", "json"], |_| ()).report();
    assert_eq!(report.device("pump")["reply"], "‹secret›");
    assert!(report.device("pump")["reply_hex"].is_null(), "{:#}", report.device("pump"));
}

#[test]
fn a_secret_in_a_command_is_shown_as_one() {
    let own = "name = \"own\"\ntitle = \"own\"\nport = 9\n[params.key]\nkind = \"secret\"\n[send]\nframe = '{body}\\r'\n\
               [replies.default]\nframe = { until = ['\\r'] }\nmax = 64\nvalue = \"text\"\n\
               rules = [{ when = '^(?<text>.*)$', verdict = \"ok\" }]\n";
    for output in OUTPUTS {
        let peer = Peer::start(&["> 67 6F 20 5A 71 37 24 6B 57 0D < 67 6F 20 5A 71 37 24 6B 57 0D"]);
        let workspace = Workspace::with_inventory(&format!(
            "[[device]]\nname = \"own\"\ntype = \"own\"\naddress = \"{}\"\n\
             params = {{ key = {{ env = \"RELAY_PASSWORD\" }} }}\n",
            peer.address()
        ));
        workspace.write("device-types/own.toml", own);
        let finished = start(&workspace, &[&["run", "--cmd", "go {key}"], output].concat(), |command| {
            command.env("RUST_LOG", "trace");
        });
        finished.expect_status(0);
        expect_no_secret(&finished);
        if output == ["--format", "json"] {
            let report = finished.report();
            let device = report.device("own");
            assert_eq!(
                (device["sent"].as_str(), device["sent_hex"].as_str()),
                (Some("go ‹secret›\\r"), Some("67 6f 20 0d"))
            );
            assert!(
                device["reply"].as_str().unwrap().contains("‹secret›") && device["reply_hex"].is_null(),
                "{device:#}"
            );
        }
    }
}

#[test]
fn the_inventory_commands_show_no_secret_and_warn_of_a_plain_one() {
    let peer = Peer::start(&[OK]);
    for source in ["{ env = \"RELAY_PASSWORD\" }", "\"Zq7$kW\""] {
        let workspace = Workspace::with_inventory(&inventory(&peer, source));
        let check = start(&workspace, &["inventory", "check"], |_| ());
        check.expect_status(0);
        expect_no_secret(&check);
        let warned = (check.stdout.clone() + &check.stderr).contains("password");
        assert_eq!(warned, source.starts_with('"'), "{check}");
        for format in ["table", "json"] {
            let list = start(&workspace, &["inventory", "list", "--format", format], |_| ());
            list.expect_status(0);
            expect_no_secret(&list);
            if format == "json" {
                let device = list.json()["devices"][0].clone();
                assert!(device["params"]["password"].is_null(), "{device:#}");
                assert_eq!(device["params"]["relay"], 3);
            }
        }
    }
}

#[test]
fn a_mistake_beside_a_secret_does_not_show_it() {
    let peer = Peer::start(&[""]);
    let long = format!("\"{}\"", SECRET.repeat(6));
    for wrong in [
        inventory(&peer, "\"Zq7$kW\"").replace("relay = 3", "relay = 9"),
        inventory(&peer, "\"Zq7$kW\"").replace("relay = 3", "realy = 3"),
        inventory(&peer, "\"Zq7$kW\"").replace("relay = 3", "relay = \"x\""),
        inventory(&peer, "\"Zq7$kW\"").replace("relay = 3", "relay = 3, relay = 4"),
        inventory(&peer, "\"Zq7$kW\"").replace("password =", "pasword ="),
        inventory(&peer, &long),
    ] {
        let workspace = Workspace::with_inventory(&wrong);
        for arguments in [&["inventory", "check"][..], &["run", "--do", "relay-on"]] {
            let finished = start(&workspace, arguments, |_| ());
            finished.expect_status(2);
            expect_no_secret(&finished);
        }
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_an_error_before_anything_is_sent() {
    let peer = Peer::start(&[OK]);
    for (source, word) in
        [("{ env = \"NO_SUCH_VARIABLE\" }", "NO_SUCH_VARIABLE"), ("{ file = \"gone.txt\" }", "gone.txt")]
    {
        let workspace = Workspace::with_inventory(&inventory(&peer, source));
        let finished = start(&workspace, &["run", "--do", "relay-on"], |_| ());
        finished.expect_status(2);
        assert!(finished.stderr.contains(word), "{finished}");
    }
    assert!(peer.connections().is_empty());
}

/// Every file in a folder and below it.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn no_file_argument_list_or_told_program_has_a_secret() {
    // The serial number has six bytes, and so has the secret.
    let peer = Peer::start(&["> 7A < FF > 77 < 5A 71 37 24 6B 57"]);
    let tell = "#!/bin/sh\nenv > heard-environment\ntr '\\0' '\\n' < /proc/$PPID/cmdline > heard-arguments\ncat > heard-input\n";
    let workspace = Workspace::with_inventory(&format!(
        "{}[notify.hook]\nkind = \"command\"\nargv = [\"./tell\"]\nwhen = \"always\"\n\
         [notify.web]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9\"\nsecret = {{ env = \"WEB_SECRET\" }}\n\
         [[schedule]]\nname = \"morning\"\ncron = \"30 5 * * *\"\ntimezone = \"Etc/UTC\"\ncmd = \"77\"\nnotify = [\"hook\"]\n",
        inventory(&peer, "{ env = \"RELAY_PASSWORD\" }")
    ));
    workspace.write("tell", tell);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(workspace.path("tell"), executable).unwrap();
    let finished = start(&workspace, &["schedule", "run", "morning", "-vv"], |command| {
        command.env("RUST_LOG", "trace").env("WEB_SECRET", SECRET).env("HARMLESS", "kept");
    });
    finished.expect_status(0);
    expect_no_secret(&finished);
    assert!(peer.heard().contains(&"77".to_owned()));
    let environment = workspace.read("heard-environment");
    assert!(environment.contains("HARMLESS=kept") && environment.contains("PATH="), "{environment}");
    assert!(!environment.contains("RELAY_PASSWORD") && !environment.contains("WEB_SECRET"), "{environment}");
    assert!(workspace.read("heard-arguments").contains("morning"));
    assert!(workspace.read("heard-input").contains("‹secret›"));
    let all = files(workspace.folder());
    assert!(all.iter().any(|file| file.ends_with("history.db")), "{all:?}");
    for file in all {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for notation in notations(SECRET) {
            assert!(!text.contains(&notation), "`{notation}` stands in {}", file.display());
        }
    }
}

#[test]
fn no_mail_request_or_ping_has_a_secret_though_a_device_says_it_and_all_of_them_need_one() {
    let own = "name = \"own\"\ntitle = \"own\"\nport = 9\n[params.key]\nkind = \"secret\"\n[send]\nframe = '{body}\\r'\n\
               [replies.default]\nframe = { until = ['\\r'] }\nmax = 64\nvalue = \"text\"\n\
               rules = [{ when = '^(?<text>.*)$', verdict = \"refused\", message = \"it says {text}\" }]\n";
    let peer = Peer::start(&["> 67 6F 20 5A 71 37 24 6B 57 0D < 67 6F 20 5A 71 37 24 6B 57 0D"]);
    let (workspace, web) = (Workspace::new(), WebServer::start("200 OK"));
    let server = MailServer::start(&workspace, MailServerKind { tls: "none", login: Some(("ops", SECRET)) });
    let (url, port) = (web.url(), server.port());
    workspace.write("device-types/own.toml", own);
    workspace.write(
        "fleet.toml",
        &format!(
            "[[device]]\nname = \"own\"\ntype = \"own\"\naddress = \"{}\"\n\
             params = {{ key = {{ env = \"RELAY_PASSWORD\" }} }}\n[notify.mail]\nkind = \"email\"\nserver = \"smtp://localhost:{port}\"\ntls = \"none\"\nusername = \"ops\"\n\
             password = {{ env = \"RELAY_PASSWORD\" }}\nfrom = \"fleet@example.com\"\nto = [\"ops@example.com\"]\n\
             when = \"always\"\n\
             [notify.web]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = {{ env = \"RELAY_PASSWORD\" }}\n\
             when = \"always\"\n[notify.heart]\nkind = \"heartbeat\"\nurl = \"{url}/ping\"\n\
             [[schedule]]\nname = \"morning\"\ncron = \"30 5 * * *\"\ntimezone = \"Etc/UTC\"\ncmd = \"go {{key}}\"\n\
             notify = [\"mail\", \"web\", \"heart\"]\n",
            peer.address()
        ),
    );
    let finished = start(&workspace, &["schedule", "run", "morning", "-vv"], |command| {
        command.env("RUST_LOG", "trace");
    });
    expect_no_secret(finished.expect_status(1));
    let mail = server.wait_for(1).remove(0);
    assert_eq!(mail["login"], "ops", "the password was right");
    let data = String::from_utf8(STANDARD.decode(mail["data"].as_str().unwrap()).unwrap()).unwrap();
    let parts = data.split("base64\r\n\r\n").skip(1).map(|part| {
        let text: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    });
    let mut told: Vec<String> = parts.collect();
    assert!(told.len() == 2 && told.iter().all(|part| part.contains("it says go ‹secret›")), "{told:?}");
    told.push(data.clone());
    let requests = web.requests();
    let lines: Vec<&str> = requests.iter().map(|request| &*request.line).collect();
    for line in ["POST /hook HTTP/1.1", "POST /ping/start HTTP/1.1", "POST /ping/fail HTTP/1.1"] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert!(requests.iter().any(|request| request.head.contains("x-fleetctl-signature-256: sha256=")));
    told.extend(requests.iter().map(|request| format!("{}\n{}\n{}", request.line, request.head, request.body)));
    for text in told {
        for notation in notations(SECRET) {
            // Heads are noted in lower case.
            let is_there = text.contains(&notation) || text.contains(&notation.to_lowercase());
            assert!(!is_there, "`{notation}` was told: {text}");
        }
    }
}

#[test]
fn what_is_kept_is_its_owners_alone_whatever_the_mask() {
    use std::os::unix::fs::PermissionsExt as _;
    for mask in ["000", "022", "077"] {
        let peer = Peer::start(&[OK]);
        let workspace = Workspace::with_inventory(&inventory(&peer, "\"Zq7$kW\""));
        let script = format!("umask {mask} && exec \"$0\" \"$@\"");
        let status = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_fleetctl"), "run", "--do", "relay-on", "-q"])
            .current_dir(workspace.folder())
            .env("XDG_STATE_HOME", workspace.path(".state"))
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{mask}: {status}");
        let folder = workspace.path(".state/fleetctl");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for path in [&folder, &folder.join("locks")] {
            assert_eq!(mode(path), 0o700, "{mask}: {}", path.display());
        }
        let kept = files(&folder);
        assert!(kept.len() >= 2, "a history and a lock: {kept:?}");
        for path in kept {
            assert_eq!(mode(&path), 0o600, "{mask}: {}", path.display());
        }
    }
}

#[test]
fn who_sends_nothing_needs_no_password_and_who_may_send_does() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"127.58.0.1:1\"\n\
         params = { relay = 1, password = { env = \"NO_SUCH_PASSWORD\" } }\n\
         [[schedule]]\nname = \"s\"\ncron = \"0 5 * * *\"\ntimezone = \"UTC\"\ndo = \"power-on\"\n",
    );
    for arguments in [
        &["hold", "pump", "--until", "2099-01-01", "--why", "repair"][..],
        &["hold"],
        &["release", "pump"],
        &["inventory", "list"],
        &["schedule", "list"],
        &["schedule", "preview", "-n", "2"],
        &["schedule", "install", "s", "--output", "."],
    ] {
        let finished = workspace.fleetctl(arguments);
        assert!(!finished.expect_status(0).stdout.contains("not-set-here"), "{finished}");
    }
    for arguments in [
        &["inventory", "check"][..],
        &["run", "--do", "power-on"],
        &["run", "--do", "power-on", "--dry-run"],
        &["schedule", "run", "s"],
    ] {
        let finished = workspace.fleetctl(arguments);
        assert!(finished.expect_status(2).stderr.contains("`NO_SUCH_PASSWORD` is not set"), "{finished}");
    }
}
