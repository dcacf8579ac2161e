//! A real gateway: ser2net on a pseudo-terminal, a display in raw mode on the other end of the line.
//!
//! Bytes that we did not invent. Needs the Debian packages ser2net and socat (`tests/run` installs them); without them
//! these tests fail, they are never skipped.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Expected, Workspace};

/// ser2net with one serial line; both programs end with it.
struct Gateway {
    workspace: Workspace,
    port: u16,
    line_saw: Arc<Mutex<Vec<u8>>>,
    /// The speed of the gateway's end of the line when each command came.
    speeds: Arc<Mutex<Vec<String>>>,
    programs: Vec<Child>,
}

impl Gateway {
    /// A gateway in raw mode.
    fn start() -> Self {
        Self::in_mode("tcp", "")
    }

    /// A gateway whose port is of ser2net's kind `accepter`, and a display with more keys of its own.
    fn in_mode(accepter: &str, device: &str) -> Self {
        let workspace = Workspace::new();
        let (ours, theirs) = (workspace.path("display"), workspace.path("gateway"));
        let pty = |path: &PathBuf| format!("PTY,link={},raw,echo=0", path.display());
        let mut programs = vec![spawn("socat", &[&pty(&ours), &pty(&theirs)])];
        wait_for("socat's pseudo-terminals", || ours.exists() && theirs.exists());

        let line = OpenOptions::new().read(true).write(true).open(&ours).unwrap();
        let line_saw = Arc::new(Mutex::new(Vec::new()));
        let speeds = Arc::new(Mutex::new(Vec::new()));
        // Opened before ser2net claims it for itself.
        let gateways_end = OpenOptions::new().read(true).write(true).open(&theirs).unwrap();
        let (seen, at) = (Arc::clone(&line_saw), Arc::clone(&speeds));
        thread::spawn(move || display(line, &seen, || at.lock().unwrap().push(speed(&gateways_end))));

        let port = free_port();
        // `10240`-byte buffers and the rest are ser2net's own; only the line is set.
        let configuration = format!(
            "%YAML 1.1\n---\nconnection: &tv\n  accepter: {accepter},127.0.0.1,{port}\n  connector: serialdev,{},9600n81,local\n",
            theirs.display()
        );
        workspace.write("ser2net.yaml", &configuration);
        let path = workspace.path("ser2net.yaml");
        programs.push(spawn("ser2net", &["-n", "-d", "-c", path.to_str().unwrap()]));
        wait_for("ser2net's port", || listens(port));
        workspace.write(
            "fleet.toml",
            &format!("[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1:{port}\"\n{device}\n"),
        );
        Self { workspace, port, line_saw, speeds, programs }
    }

    fn line_saw(&self) -> String {
        String::from_utf8_lossy(&self.line_saw.lock().unwrap()).into_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // One that died already is reported by the test that missed it.
            program.kill().ok();
            program.wait().ok();
        }
    }
}

/// An LG display with set ID 1 on a serial line: acts on CR, answers in two pieces.
fn display(mut line: File, seen: &Mutex<Vec<u8>>, on_command: impl Fn()) {
    let mut power = "00".to_owned();
    let mut request = Vec::new();
    let mut byte = [0];
    while let Ok(1) = line.read(&mut byte) {
        seen.lock().unwrap().push(byte[0]);
        if byte[0] != b'\r' {
            request.push(byte[0]);
            continue;
        }
        on_command();
        let text = String::from_utf8_lossy(&request).into_owned();
        request.clear();
        let reply = match text.strip_prefix("ka 01 ") {
            Some("ff") => format!("a 01 OK{power}x"),
            Some(state @ ("00" | "01")) => {
                state.clone_into(&mut power);
                format!("a 01 OK{power}x")
            }
            _ => "a 01 NG00x".to_owned(),
        };
        let (first, second) = reply.split_at(7);
        line.write_all(first.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(20));
        line.write_all(second.as_bytes()).unwrap();
    }
}

/// The speed of a serial line, as the kernel has it.
fn speed(line: &File) -> String {
    let shown = Command::new("stty").arg("speed").stdin(line.try_clone().unwrap()).output().unwrap();
    String::from_utf8_lossy(&shown.stdout).trim().to_owned()
}

fn spawn(program: &str, arguments: &[&str]) -> Child {
    // Debian keeps ser2net in /usr/sbin, which is not on everybody's path.
    let path = format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = command.spawn();
    started.unwrap_or_else(|error| {
        panic!("{program} does not start ({error}): `tests/run` installs it, or `apt-get install ser2net socat`")
    })
}

fn wait_for(what: &str, has_come: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !has_come() {
        assert!(Instant::now() < limit, "{what} never came");
        thread::sleep(Duration::from_millis(10));
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Whether something listens, asked of the kernel: connecting would take the only place.
fn listens(port: u16) -> bool {
    let wanted = format!("0100007F:{port:04X} 00000000:0000 0A");
    std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&wanted)
}

#[test]
fn a_display_behind_ser2net_is_powered_on() {
    let gateway = Gateway::start();
    let run = |action: &str| {
        // The gateway may still be letting go of the client before.
        let arguments = ["run", "--do", action, "--retries", "10", "--format", "json"];
        gateway.workspace.fleetctl(&arguments).expect_status(0).report()
    };
    let report = run("power-on");
    report.expect("tv", Expected { status: "ok", kind: None, delivery: "confirmed", attempts: 1 });
    assert_eq!(gateway.line_saw(), "ka 01 01\r", "the serial line saw exactly the command");
    assert_eq!(run("power-status").device("tv")["value"], "on");
    assert_eq!(gateway.line_saw(), "ka 01 01\rka 01 ff\r");
}

#[test]
fn a_second_client_that_holds_the_port_makes_the_gateway_busy() {
    let gateway = Gateway::start();
    let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, gateway.port)).unwrap();
    // An answer proves that ser2net has taken it in.
    other.write_all(b"ka 01 ff\r").unwrap();
    let mut answer = [0; 10];
    other.read_exact(&mut answer).unwrap();
    let arguments =
        ["run", "--do", "power-on", "--retries", "1", "--retry-backoff-initial", "50ms", "--format", "json"];
    let report = gateway.workspace.fleetctl(&arguments).expect_status(1).report();
    let kind = Some("gateway_busy");
    report.expect("tv", Expected { status: "unreachable", kind, delivery: "none", attempts: 2 });
    assert_eq!(gateway.line_saw(), "ka 01 ff\r", "nothing of ours reached the line");

    drop(other);
    let arguments = ["run", "--do", "power-on", "--retries", "10", "--format", "json"];
    gateway.workspace.fleetctl(&arguments).expect_status(0);
    assert_eq!(gateway.line_saw(), "ka 01 ff\rka 01 01\r");
}

/// Powers the display on and asks for its state, and says what the device's report holds.
fn power_on_and_ask(gateway: &Gateway) {
    for action in ["power-on", "power-status"] {
        let arguments = ["run", "--do", action, "--retries", "10", "--format", "json"];
        let report = gateway.workspace.fleetctl(&arguments).expect_status(0).report();
        let device = report.device("tv");
        assert_eq!((&device["status"], &device["delivery"]), (&"ok".into(), &"confirmed".into()), "{device:#}");
        assert_eq!(device["reply"], "a 01 OK01x", "no negotiation in what is shown: {device:#}");
        assert_eq!(device["attempts"], 1, "{device:#}");
    }
    assert_eq!(gateway.line_saw(), "ka 01 01\rka 01 ff\r", "the serial line saw exactly the commands");
}

#[test]
fn a_gateway_in_telnet_mode_needs_no_setting_and_takes_any() {
    for accepter in ["telnet,tcp", "telnet(rfc2217),tcp"] {
        for device in ["", "link = { telnet = \"auto\" }", "link = { telnet = \"always\" }"] {
            power_on_and_ask(&Gateway::in_mode(accepter, device));
        }
    }
}

#[test]
fn without_the_layer_negotiation_is_noise_that_is_shown_as_what_came() {
    let gateway = Gateway::in_mode("telnet,tcp", "link = { telnet = \"never\" }");
    power_on_and_ask(&gateway);
}

#[test]
fn the_layer_may_lie_over_a_gateway_in_raw_mode() {
    power_on_and_ask(&Gateway::in_mode("tcp", "link = { telnet = \"always\" }"));
}

#[test]
fn the_serial_line_is_set_before_the_command() {
    let device = "link = { serial = { baud = 19200, data_bits = 8, parity = \"none\", stop_bits = 1 } }";
    let gateway = Gateway::in_mode("telnet(rfc2217),tcp", device);
    power_on_and_ask(&gateway);
    assert_eq!(*gateway.speeds.lock().unwrap(), ["19200", "19200"], "ser2net itself opens the line with 9600");
}

#[test]
fn a_gateway_that_cannot_set_its_line_gets_no_command() {
    for (accepter, why) in [("telnet,tcp", "the gateway refuses RFC 2217"), ("tcp", "does not answer RFC 2217")] {
        let gateway = Gateway::in_mode(accepter, "link = { serial = { baud = 9600 } }");
        let arguments = ["run", "--do", "power-on", "--retries", "0", "--format", "json"];
        let report = gateway.workspace.fleetctl(&arguments).expect_status(1).report();
        let kind = Some("io");
        let device = report.expect("tv", Expected { status: "unreachable", kind, delivery: "none", attempts: 1 });
        let message = device["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{accepter}: {message}");
        assert!(!gateway.line_saw().contains("ka"), "{accepter}: {:?}", gateway.line_saw());
    }
}

#[test]
fn a_second_client_of_a_gateway_in_telnet_mode_is_told_so() {
    for device in ["", "link = { telnet = \"always\" }", "link = { serial = { baud = 9600 } }"] {
        let gateway = Gateway::in_mode("telnet(rfc2217),tcp", device);
        let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, gateway.port)).unwrap();
        // An answer after its greeting proves that ser2net has taken it in.
        other.write_all(b"ka 01 ff\r").unwrap();
        other.read_exact(&mut [0; 21 + 10]).unwrap();
        let arguments = ["run", "--do", "power-on", "--retries", "0", "--format", "json"];
        let report = gateway.workspace.fleetctl(&arguments).expect_status(1).report();
        let kind = Some("gateway_busy");
        report.expect("tv", Expected { status: "unreachable", kind, delivery: "none", attempts: 1 });
        assert_eq!(gateway.line_saw(), "ka 01 ff\r", "{device}: nothing of ours reached the line");
    }
}

#[test]
fn the_doctor_names_a_gateway_in_telnet_mode_and_asks_the_display_behind_it() {
    for (link, status, said) in [
        ("", 0, &["speaks Telnet", "takes care of that", "healthy"][..]),
        (
            "link = { telnet = \"never\" }",
            1,
            &["problem: the gateway speaks Telnet", "-> write `link = { telnet = \"always\" }`"],
        ),
    ] {
        let gateway = Gateway::in_mode("telnet,tcp", link);
        let finished = gateway.workspace.fleetctl(&["doctor", "tv", "--write", "new.toml"]);
        finished.expect_status(status);
        for text in [&["Telnet negotiation: ff fb 03", "`a 01 OK"], said].concat() {
            assert!(finished.stdout.contains(text), "no `{text}` in {finished}");
        }
        assert_eq!(gateway.line_saw(), "ka 01 ff\r", "the line saw the question and no negotiation");
        gateway.workspace.fleetctl(&["run", "-i", "new.toml", "--do", "power-on"]).expect_status(0);
    }
}

#[test]
fn the_doctor_names_another_client_of_a_real_gateway() {
    let gateway = Gateway::start();
    let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, gateway.port)).unwrap();
    other.write_all(b"ka 01 ff\r").unwrap();
    other.read_exact(&mut [0; 10]).unwrap();
    let finished = gateway.workspace.fleetctl(&["doctor", "tv"]);
    finished.expect_status(1);
    assert!(finished.stdout.contains("occupied by another client; it says `Port already in use`"), "{finished}");
    assert_eq!(gateway.line_saw(), "ka 01 ff\r", "nothing of ours reached the line");
}

#[test]
fn the_byte_ff_of_a_command_reaches_the_line_once() {
    let gateway = Gateway::in_mode("telnet,tcp", "link = { telnet = \"always\" }");
    let arguments = ["run", "--cmd", "A\\xffB", "--retries", "0", "--reply-timeout", "300ms", "--format", "json"];
    let report = gateway.workspace.fleetctl(&arguments).report();
    assert_eq!(report.device("tv")["sent_hex"], "41 ff 42 0d", "as the device gets it, not as the layer writes it");
    assert_eq!(*gateway.line_saw.lock().unwrap(), b"A\xffB\r");
}
