//! The command line: reads arguments, calls the library, prints what people and machines are to see, and says with which
//! exit status the program ends. No decision about devices is made here.

mod args;
mod command;
mod confirm;
mod exit_status;
mod logging;
mod signal;
mod terminal;

use clap::Parser as _;

pub use exit_status::ExitStatus;

use args::{Arguments, Subcommand};

/// Runs the program: the arguments are those of the process.
pub async fn main() -> ExitStatus {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not mistakes; clap knows which stream each belongs to.
            let status = if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
            return if error.print().is_err() { ExitStatus::Undelivered } else { status };
        }
    };
    let terminal = terminal::Terminal::new(arguments.color, arguments.quiet);
    logging::start(&terminal, arguments.verbose);
    match arguments.command {
        Subcommand::Run(args) => command::run::run(*args, arguments.verbose, &terminal).await,
        Subcommand::Inventory(args) => command::inventory::run(args, &terminal),
        Subcommand::Types(args) => command::types::run(args, &terminal),
        Subcommand::Simulate(args) => command::simulate::run(args, &terminal).await,
        Subcommand::Doctor(args) => command::doctor::run(args, &terminal).await,
        Subcommand::Schema { name } => command::schema::run(&name, &terminal),
    }
}
