//! Log lines for us, on stderr: `-v`, `-q` and `RUST_LOG` choose how much.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::terminal::Terminal;

pub(super) fn start(terminal: &Terminal, verbose: u8) {
    let level = match (terminal.is_quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    // Only our own lines are wanted at more than warnings: libraries have their own idea of what is worth a line.
    let filter = match std::env::var("RUST_LOG") {
        Ok(wish) => EnvFilter::new(wish),
        Err(_) => EnvFilter::new(format!("warn,fleetctl={level}")),
    };
    let filter = if terminal.is_quiet { EnvFilter::new("error") } else { filter };
    _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal.colour_err)
        .with_target(false)
        .without_time()
        .try_init();
}
