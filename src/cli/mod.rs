//! The command line: reads arguments, calls the library, prints what people and machines are to see, and says with which
//! exit status the program ends. No decision about devices is made here.

mod args;
mod command;
mod confirm;
mod exit_status;
mod logging;
mod outputs;
mod past;
mod signal;
mod terminal;

use clap::Parser as _;

pub use exit_status::ExitStatus;

use args::{Arguments, Deferred, Subcommand};

/// Runs the program: the arguments are those of the process.
pub async fn main() -> ExitStatus {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not mistakes; clap knows which stream each belongs to.
            let status = if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
            let status = if error.print().is_err() { ExitStatus::Undelivered } else { status };
            return if wants_nagios() { outputs::for_reader(status, "nagios") } else { status };
        }
    };
    let terminal = terminal::Terminal::new(arguments.color, arguments.quiet);
    // What a daemon does is read in a journal: each run is worth a line.
    let is_daemon = matches!(arguments.command, Subcommand::Daemon(_));
    logging::start(&terminal, arguments.verbose.max(u8::from(is_daemon)));
    match arguments.command {
        Subcommand::Run(Deferred(args)) => {
            let format = args.output.format.clone();
            outputs::for_reader(command::run::run(*args, arguments.verbose, &terminal).await, &format)
        }
        Subcommand::Rerun(Deferred(args)) => {
            let format = args.output.format.clone();
            outputs::for_reader(command::rerun::run(*args, arguments.verbose, &terminal).await, &format)
        }
        Subcommand::History(Deferred(command)) => command::history::run(&command, &terminal),
        Subcommand::Health(Deferred(args)) => command::health::run(&args, &terminal),
        Subcommand::Hold(Deferred(args)) => command::hold::run(&args, &terminal),
        Subcommand::Release(Deferred(args)) => command::hold::run_release(&args, &terminal),
        Subcommand::Report(Deferred(args)) => {
            outputs::for_reader(command::report::run(&args, &terminal), &args.output.format)
        }
        Subcommand::Inventory(Deferred(args)) => command::inventory::run(args, &terminal),
        Subcommand::Types(Deferred(args)) => command::types::run(args, &terminal),
        Subcommand::Simulate(Deferred(args)) => command::simulate::run(args, &terminal).await,
        Subcommand::Doctor(Deferred(args)) => command::doctor::run(args, &terminal).await,
        Subcommand::Schedule(Deferred(command)) => command::schedule::run(command, arguments.verbose, &terminal).await,
        Subcommand::Notify(Deferred(command)) => command::notify::run(command, &terminal).await,
        Subcommand::Daemon(Deferred(args)) => command::daemon::run(args, &terminal).await,
        Subcommand::Schema { name } => command::schema::run(&name, &terminal),
        Subcommand::Man(Deferred(args)) => command::pages::man(&args, &terminal),
        Subcommand::Completions { shell } => command::pages::completions(shell),
    }
}

/// Whether arguments that could not be understood ask for a line for Nagios: it must not read 2 as critical.
fn wants_nagios() -> bool {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    arguments.iter().any(|one| one == "--format=nagios")
        || arguments.windows(2).any(|pair| matches!(pair, [flag, value] if flag == "--format" && value == "nagios"))
}
