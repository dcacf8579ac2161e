//! Log lines for us, on stderr: `-v`, `-q` and `RUST_LOG` choose how much.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::terminal::Terminal;

pub(super) fn start(terminal: &Terminal, verbose: u8) {
    let level = match (terminal.is_quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    // Only our own lines are wanted at more than warnings: libraries have their own idea of what is worth a line.
    let own = Targets::new().with_default(Level::WARN).with_target("fleetctl", level);
    let (targets, wrong) = match std::env::var("RUST_LOG") {
        _ if terminal.is_quiet => (Targets::new().with_default(Level::ERROR), None),
        Ok(wish) => match wish.parse() {
            Ok(targets) => (targets, None),
            Err(_) => (own, Some(wish)),
        },
        Err(_) => (own, None),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(terminal.colour_err)
        .with_target(false)
        .without_time();
    _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
    if let Some(wish) = wrong {
        tracing::warn!("RUST_LOG cannot be `{}`: write levels by module, such as `debug` or `warn,fleetctl=trace`", {
            crate::model::escape::printable(&wish)
        });
    }
}
