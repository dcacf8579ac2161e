//! A night to tell of, notifications to tell it to, and servers in memory.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::super::{Occasion, Previous};
use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostics, Sources};
use crate::inventory::{self, Notification};
use crate::model::{Address, Delivery, Device, Ended, ErrorKind, Failure, Outcome, Status, UnixMillis, Value};
use crate::report::Collected;
use crate::report::test_run::{self, action, device, ok, outcome, run_of};
use crate::transport::{Connect, ConnectError};

/// The canary: it must never come out anywhere but where it belongs.
pub(super) const CANARY: &str = "Zq7kW-canary";

/// Notifications as an inventory has them.
pub(super) fn notifications(text: &str) -> Vec<Notification> {
    let inventory = format!("{text}\n[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n");
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let catalog = Catalog::load(&[] as &[&Path], &mut sources, &mut found);
    let path = Path::new("/nowhere/fleet.toml");
    let fleet = inventory::read(inventory, path, &catalog, &mut sources, &|_| None, &mut found);
    fleet.unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>())).notifications
}

pub(super) fn occasion() -> Occasion<'static> {
    Occasion {
        fleet: "field-tvs",
        schedule: Some("morning"),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        at: test_run::START.after(std::time::Duration::from_secs(5)),
    }
}

pub(super) fn refused() -> Outcome {
    outcome(Status::Unreachable, Delivery::None, 3, Some(Failure::new(ErrorKind::ConnectionRefused)))
}

pub(super) fn on() -> Outcome {
    ok(Value::Text("on".into()))
}

/// A night of displays: those of the first name list fail, those of the second obey.
pub(super) fn night(failed: &[&str], obeyed: &[&str], ended: Ended) -> Collected {
    let named =
        |name: &str, outcome: Outcome| -> (Device, Outcome) { (device(name, &format!("{name}.example")), outcome) };
    let failed = failed.iter().map(|name| named(name, refused()));
    let all = failed.chain(obeyed.iter().map(|name| named(name, on()))).collect();
    test_run::collect(run_of(action("power-on"), all, ended))
}

/// Devices that fail since so many days before [`test_run::START`].
pub(super) fn previous(days: &[(&str, i64)]) -> Previous {
    let since = |days: i64| UnixMillis(test_run::START.0 - days * 24 * 3_600_000);
    let failing: HashMap<_, _> = days.iter().map(|(name, days)| (Arc::from(*name), since(*days))).collect();
    Previous { failing }
}

/// Servers in memory, all alike: each connection plays `play`, and what it heard is noted.
#[derive(Clone)]
pub(super) struct Servers {
    play: Play,
    heard: Arc<Mutex<Vec<String>>>,
}

/// What a server in memory does.
#[derive(Clone, Copy)]
pub(super) enum Play {
    /// Says this at once, and then nothing.
    Says(&'static str),
    /// Answers these, one after the other to each connection, once it has heard a request; the last one stays.
    Answers(&'static [&'static str]),
    /// Says one byte a second for ever.
    Dribbles,
    /// Talks without end.
    Babbles,
}

impl Servers {
    pub(super) fn new(play: Play) -> Self {
        Self { play, heard: Arc::default() }
    }

    /// What each connection heard.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// What all connections heard, once nothing more is on its way.
    pub(super) async fn heard_at_last(&self) -> String {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        self.heard().concat()
    }

    async fn serve(self, number: usize, mut stream: DuplexStream) -> io::Result<()> {
        match self.play {
            Play::Says(text) => stream.write_all(text.as_bytes()).await?,
            Play::Answers(answers) => {
                self.listen(number, &mut stream).await?;
                stream.write_all(answers[number.min(answers.len() - 1)].as_bytes()).await?;
            }
            Play::Dribbles => loop {
                stream.write_all(b"2").await?;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            },
            Play::Babbles => loop {
                stream.write_all(&[b'2'; 1024]).await?;
            },
        }
        loop {
            self.listen(number, &mut stream).await?;
        }
    }

    async fn listen(&self, number: usize, stream: &mut DuplexStream) -> io::Result<()> {
        let mut heard = vec![0; 64 * 1024];
        let count = stream.read(&mut heard).await?;
        if count == 0 {
            return std::future::pending().await;
        }
        self.heard.lock().unwrap()[number].push_str(&String::from_utf8_lossy(&heard[..count]));
        Ok(())
    }
}

impl Connect for Servers {
    type Stream = DuplexStream;

    async fn connect(&self, _: &Address, _: Instant) -> Result<DuplexStream, ConnectError> {
        let (ours, theirs) = duplex(64 * 1024);
        let number = {
            let mut heard = self.heard.lock().unwrap();
            heard.push(String::new());
            heard.len() - 1
        };
        tokio::spawn(self.clone().serve(number, theirs));
        Ok(ours)
    }
}

/// Everything is sent to these servers.
macro_rules! way {
    ($servers:expr) => {
        $crate::notify::Way {
            connect: &|| $servers.clone(),
            folder: std::path::Path::new("/nowhere"),
            environment: &|name| (name == "CANARY").then(|| $crate::notify::tests::world::CANARY.to_owned()),
        }
    };
}
pub(super) use way;
