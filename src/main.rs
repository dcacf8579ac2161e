//! Starts the runtime, calls the command line, returns its exit status; no logic.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The oracle's own build, to which nights over sockets say what it is to lie about.
    #[cfg(planted_lies)]
    if let Ok(name) = std::env::var("PLANTED_LIE") {
        fleetctl::lie::plant_named(&name);
    }
    // One thread: the engine's lanes wait for sockets, they do not compute, and one thread costs no hand-overs.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(fleetctl::cli::main()).code()),
        Err(_) => ExitCode::from(2),
    }
}
