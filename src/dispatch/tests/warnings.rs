//! What the log says of this machine where it is at fault: once, however many devices wait or are skipped for it.

use std::io;
use std::sync::{Arc, Mutex};

use super::pacing::{acknowledges, displays, gateway};
use super::world::{Opens, World};

/// The lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The warnings of a run of three displays that open like this.
async fn warnings(opens: Opens) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time();
    let _while = tracing::subscriber::set_default(log.finish());
    let world = (1..=3).fold(World::new(&displays(3), acknowledges), |world, nth| world.opens(&gateway(nth), opens));
    world.run().await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_this_machine_does_not_allow_is_warned_of_once() {
    let warnings = warnings(Opens::Denied).await;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("WARN") && warning.contains("10.0.0.1:23: "), "{warning}");
    assert!(warning.ends_with("such devices are skipped, which is no fault of theirs"), "{warning}");
}

#[tokio::test(start_paused = true)]
async fn that_this_machine_has_no_files_left_is_warned_of_once() {
    let warnings = warnings(Opens::NoFilesFor(std::time::Duration::from_secs(1))).await;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("WARN") && warning.contains("`ulimit -n`"), "{warning}");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_fault_of_this_machine_warns_of_nothing() {
    for opens in [Opens::Yes, Opens::Refused, Opens::Never] {
        assert_eq!(warnings(opens).await, [""; 0], "{opens:?}");
    }
}
