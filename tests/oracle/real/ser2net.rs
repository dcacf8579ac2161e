//! ser2net between the program and the displays of a night: each gateway a port of it, and a pseudo-terminal whose other
//! end socat hands to the world as a connection that is always there.
//!
//! Bytes, delays and refusals of a gateway that we did not invent. Needs the Debian packages ser2net and socat.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::sockets::bound;
use crate::night::Night;

/// The programs between, which end with it.
pub(crate) struct Lines {
    folder: TempDir,
    programs: Vec<Child>,
    addresses: Vec<(String, u16)>,
}

impl Lines {
    /// Puts ser2net before the doors of a night, whose gateways get its ports.
    pub(crate) fn between(night: &mut Night) -> Self {
        let folder = tempfile::Builder::new().prefix("fleetctl-lines-").tempdir().unwrap();
        let (mut programs, mut addresses) = (Vec::new(), Vec::new());
        let mut configuration = "%YAML 1.1\n---\n".to_owned();
        for (number, gateway) in night.gateways.iter_mut().enumerate() {
            let line = pty(folder.path(), number);
            let ours = format!("PTY,link={},raw,echo=0", line.display());
            programs.push(spawn("socat", &[&ours, &format!("TCP:{}:{}", gateway.host, gateway.port)]));
            // Another address, so that a connection past ser2net would be seen for what it is.
            let host = gateway.host.replacen(".1.", ".201.", 1);
            let (socket, port) = bound(&host, None);
            drop(socket);
            let line = line.display();
            _ = writeln!(
                configuration,
                "connection: &line{number}\n  accepter: tcp,{host},{port}\n  connector: serialdev,{line},9600n81,local"
            );
            addresses.push((host.clone(), port));
            (gateway.host, gateway.port) = (host, port);
        }
        fs::write(folder.path().join("ser2net.yaml"), configuration).unwrap();
        Self { folder, programs, addresses }
    }

    /// Starts ser2net once the lines are there, and waits until it listens.
    pub(crate) async fn wait_until_they_stand(&mut self) -> Vec<File> {
        let folder = self.folder.path().to_owned();
        let mut kept = Vec::new();
        for number in 0..self.addresses.len() {
            let line = pty(&folder, number);
            wait_for("socat's pseudo-terminal", || line.exists()).await;
            // While somebody has the line open, socat keeps it when ser2net lets go of it.
            kept.push(OpenOptions::new().read(true).write(true).open(&line).unwrap());
        }
        let configuration = folder.join("ser2net.yaml");
        self.programs.push(spawn("ser2net", &["-n", "-d", "-c", &configuration.display().to_string()]));
        for (host, port) in &self.addresses {
            wait_for("ser2net's port", || listens(host, *port)).await;
        }
        kept
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        for program in &mut self.programs {
            program.kill().ok();
            program.wait().ok();
        }
    }
}

fn pty(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("line{number}"))
}

fn spawn(program: &str, arguments: &[&str]) -> Child {
    // Debian keeps ser2net in /usr/sbin, which is not on everybody's path.
    let path = format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{program} does not start ({error}): tests/need ser2net socat"))
}

async fn wait_for(what: &str, has_come: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !has_come() {
        assert!(Instant::now() < limit, "{what} never came");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether something listens there, asked of the kernel: connecting would take the only place.
fn listens(host: &str, port: u16) -> bool {
    let address: std::net::Ipv4Addr = host.parse().unwrap();
    let wanted = format!("{:08X}:{port:04X} 00000000:0000 0A", u32::from_le_bytes(address.octets()));
    fs::read_to_string("/proc/net/tcp").unwrap().contains(&wanted)
}
