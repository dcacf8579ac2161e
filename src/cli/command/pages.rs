//! `fleetctl man` and `fleetctl completions`: what other programs know about this one's arguments.

use clap::Command;
use clap_complete::Shell;

use crate::cli::args::{Arguments, ManArgs, whole};
use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, say, shown_path, write};

pub(in crate::cli) fn completions(shell: Shell) -> ExitStatus {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole::<Arguments>(), "fleetctl", &mut script);
    write(|out| std::io::Write::write_all(out, &script))
}

pub(in crate::cli) fn man(args: &ManArgs, terminal: &Terminal) -> ExitStatus {
    let mut command = whole::<Arguments>();
    command.build();
    if let Some(folder) = &args.output {
        return match clap_mangen::generate_to(command, folder) {
            Ok(()) => ExitStatus::Success,
            Err(error) => {
                say(&format!("error: the pages cannot be written to `{}`: {error}\n", shown_path(folder)));
                ExitStatus::Undelivered
            }
        };
    }
    let mut page: &Command = &command;
    for name in &args.command {
        match page.find_subcommand(name) {
            Some(found) => page = found,
            None => {
                let message = format!("there is no command `{}`", args.command.join(" "));
                return terminal.mistake(message, Some("`fleetctl --help` lists the commands"));
            }
        }
    }
    let page = clap_mangen::Man::new(page.clone());
    write(|out| page.render(out))
}
