//! Starts the runtime, calls the command line, returns its exit status; no logic.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One thread: the engine's lanes wait for sockets, they do not compute, and one thread costs no hand-overs.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(fleetctl::cli::main()).code()),
        Err(_) => ExitCode::from(2),
    }
}
