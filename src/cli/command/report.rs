//! `fleetctl report FILE`: a saved report in any other format.

use crate::cli::args::ReportArgs;
use crate::cli::exit_status::ExitStatus;
use crate::cli::outputs::Outputs;
use crate::cli::terminal::Terminal;
use crate::report::read_report;

pub(in crate::cli) fn run(args: &ReportArgs, terminal: &Terminal) -> ExitStatus {
    let outputs = match Outputs::understand(&args.output) {
        Ok(outputs) => outputs,
        Err(message) => return terminal.mistake(message, None),
    };
    let events = match read_report(&args.file) {
        Ok(events) => events,
        Err(error) => {
            let cause = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
            let help = "give a report that `--report json=PATH` or `--format json` has written";
            return terminal.mistake(format!("{error}{cause}"), Some(help));
        }
    };
    let mut reporters = match outputs.open(terminal) {
        Ok(reporters) => reporters,
        Err(message) => return terminal.mistake(message, Some("name a file in a folder that exists")),
    };
    reporters.events(events);
    let finished = reporters.finish();
    match &finished.run {
        Some(run) => outputs.conclude_again(run.ended(), run.summary(), &finished.errors),
        None => terminal.mistake("the report holds no run", None),
    }
}
