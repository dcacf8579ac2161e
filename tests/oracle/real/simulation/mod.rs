//! Nights over the fleet that the program simulates itself: `--simulated`. They keep `--faults` honest, and the report of it.
//!
//! `fleetctl simulate --faults … --seed N` keeps a fleet up; taps (`tap.rs`) stand before its gateways and write down every byte
//! both ways, and `fleetctl run` goes through them. `wire.rs` reads from that what happened, in words of the oracle's own
//! (`dialect.rs`), and the same `check/` judges the report by it. `honest.rs` holds the simulation against what `--faults` and
//! `--seed` promise (`draws.rs`), on the wire and in a `run --simulate` of the same inventory in one process, whose report is
//! held against itself as well.

mod dialect;
mod draws;
mod honest;
mod tap;
mod wire;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::{SETTLE, began, program};
use crate::check::{Finding, consistent};
use crate::night::Night;
use crate::play::Played;
use crate::request::password_file;
use crate::world::World;
use draws::Draws;
use tap::Taps;

/// How long a simulated fleet may take to stand.
const STANDS: Duration = Duration::from_secs(30);

/// A night's play, which its slack is found out beside.
pub(super) struct Play {
    pub(super) played: Played,
    in_process: Played,
    wire: wire::Wire,
    draws: Draws,
    refusing: Vec<bool>,
}

impl Play {
    /// What is wrong with the simulation, and with what a run in one process tells.
    pub(super) fn findings(&self, night: &Night) -> Vec<Finding> {
        let seen = honest::Seen { night, truth: &self.played.truth, wire: &self.wire, draws: &self.draws };
        let mut findings = honest::on_the_wire(&seen, &self.refusing);
        findings.extend(consistent(night, &self.in_process));
        findings.extend(honest::in_process(night, &self.draws, &self.in_process.json));
        findings
    }
}

/// Plays a night over the program's simulation, and once more in one process.
pub(super) async fn play(night: &mut Night) -> Play {
    let draws = Draws::of(night);
    let home = program::folder(night);
    let fleet = home.path().join("fleet");
    fs::create_dir(&fleet).unwrap();
    for (place, gateway) in night.gateways.iter().enumerate() {
        let Some((word, _)) = &gateway.password else { continue };
        let file = home.path().join(password_file(place));
        fs::write(&file, word).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let seed = draws.seed.to_string();
    let faults: [&str; 4] = ["--faults", &draws.faults, "--seed", &seed];
    let mut simulation = Simulation::start(&home, &faults);
    let text = simulation.inventory(&fleet.join("simulated.toml")).await;
    let (taps, text) = tapped(night, &text);
    fs::write(fleet.join("fleet.toml"), text).unwrap();
    let (book, refusing) = (taps.book(), taps.refusing());
    let (world, other) = (World::new(night), World::new(night));
    let runs = async {
        let more = [&["--simulate"], &faults[..]].concat();
        let both = (program::run(night, &world, &fleet, &[]), program::run(night, &other, home.path(), &more));
        let told = tokio::join!(both.0, both.1);
        sleep(SETTLE).await;
        told
    };
    let (told, in_process) = tokio::select! {
        told = runs => told,
        () = taps.serve(world.clone()) => unreachable!("taps hand on for ever"),
    };
    simulation.end().await;
    let began_at = [began(&world), began(&other)];
    let signals = world.truth();
    let mut wire = wire::read(night, &book.entries(), (signals.first_signal, signals.second_signal));
    let truth = std::mem::take(&mut wire.truth);
    let played = told.played(truth, began_at[0]);
    Play { played, in_process: in_process.played(other.truth(), began_at[1]), wire, draws, refusing }
}

/// The inventory of a simulated fleet with taps before its gateways.
fn tapped(night: &Night, inventory: &str) -> (Taps, String) {
    let key = "address = \"";
    let addresses: Vec<&str> = inventory.lines().filter_map(|line| line.strip_prefix(key)?.strip_suffix('"')).collect();
    assert_eq!(addresses.len(), night.order.len(), "one address a device: {inventory}");
    let mut gateways = Vec::new();
    for place in 0..night.gateways.len() {
        let first = night.order.iter().position(|(gateway, _)| *gateway == place);
        let to: SocketAddr = first.map_or("127.0.0.1:9".parse().unwrap(), |first| addresses[first].parse().unwrap());
        gateways.push((format!("127.{}.{}.{}", 64 + night.seed % 128, place / 200, place % 200 + 1), to));
    }
    let (taps, ports) = Taps::before(&gateways);
    let mut places = night.order.iter().map(|place| place.0);
    let line = |line: &str| {
        if !line.starts_with(key) {
            return format!("{line}\n");
        }
        let place = places.next().unwrap();
        format!("{key}{}:{}\"\n", gateways[place].0, ports[place])
    };
    let text = inventory.lines().map(line).collect();
    (taps, text)
}

/// `fleetctl simulate`.
struct Simulation(Child);

impl Simulation {
    fn start(home: &TempDir, faults: &[&str]) -> Self {
        let mut command = program::program(home.path());
        command.args(["simulate", "--write-inventory", "fleet/simulated.toml"]).args(faults);
        command.stderr(fs::File::create(home.path().join("fleet/simulation")).unwrap());
        Self(command.spawn().unwrap())
    }

    /// The inventory that it writes once it stands.
    async fn inventory(&mut self, path: &Path) -> String {
        let limit = Instant::now() + STANDS;
        loop {
            if let Ok(text) = fs::read_to_string(path) {
                return text;
            }
            let said = || fs::read_to_string(path.with_file_name("simulation")).unwrap_or_default();
            assert!(self.0.try_wait().unwrap().is_none(), "the simulation has ended: {}", said());
            assert!(Instant::now() < limit, "the simulation does not stand: {}", said());
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(&mut self) {
        if let Some(pid) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            kill(Pid::from_raw(pid), Signal::SIGINT).ok();
        }
        let ended = timeout(STANDS, self.0.wait()).await;
        assert!(ended.is_ok(), "the simulation does not end when it is told to");
    }
}
