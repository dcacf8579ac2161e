//! The least that a client can do: connect, write, read to the end of the reply, close. What fleetctl is set beside.
//!
//! One current-thread runtime, a task for each device once a semaphore has a place for it. It reads no inventory, judges
//! by two letters and reports one line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Result;
use super::devices::address;

/// What this program is called with to be the client: `client PORT DEVICES CONCURRENCY`.
pub(crate) const CLIENT: &str = "client";

/// As fleetctl is told.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Commands so many devices; an error where one of them does not obey.
pub(crate) fn run(port: &str, devices: &str, concurrency: &str) -> Result<()> {
    let (port, devices, concurrency): (u16, u32, usize) = (port.parse()?, devices.parse()?, concurrency.parse()?);
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let obeyed = runtime.block_on(async {
        let places = Arc::new(Semaphore::new(concurrency));
        let mut tasks = JoinSet::new();
        let mut obeyed = 0;
        for device in 0..devices {
            let place = places.clone().acquire_owned().await?;
            tasks.spawn(async move {
                let exchanged = tokio::time::timeout(TIMEOUT, exchange(address(device, port))).await;
                drop(place);
                matches!(exchanged, Ok(Ok(true)))
            });
            while let Some(done) = tasks.try_join_next() {
                obeyed += u32::from(done?);
            }
        }
        while let Some(done) = tasks.join_next().await {
            obeyed += u32::from(done?);
        }
        Ok::<u32, Box<dyn std::error::Error>>(obeyed)
    })?;
    if obeyed == devices { Ok(()) } else { Err(format!("only {obeyed} of {devices} devices obeyed").into()) }
}

async fn exchange(device: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(device).await?;
    stream.write_all(b"ka 01 01\r").await?;
    let mut reply = Vec::with_capacity(64);
    while !reply.ends_with(b"x") {
        if stream.read_buf(&mut reply).await? == 0 {
            return Ok(false);
        }
    }
    Ok(reply.windows(2).any(|two| two == b"OK"))
}
