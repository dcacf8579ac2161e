//! Arguments that clap hears of only when their command is used.
//!
//! The derived tree has every flag of thirty commands in it, each with its help on the heap; to build it at each start was
//! half of what `fleetctl --version` computed. Man pages and completions need the whole tree (`whole`).

use std::cell::Cell;

use clap::builder::Resettable;
use clap::error::Error;
use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches, Subcommand};

thread_local! {
    /// Whether the tree is being made with all that is in it. clap hands nothing through to where that is decided.
    static IS_WHOLE: Cell<bool> = const { Cell::new(false) };
}

/// The arguments of a command, or its subcommands.
#[derive(Debug)]
pub(in crate::cli) struct Deferred<T>(pub(in crate::cli) T);

/// The whole tree of a program: nothing in it is left for later.
pub(in crate::cli) fn whole<P: CommandFactory>() -> Command {
    IS_WHOLE.set(true);
    let command = P::command();
    IS_WHOLE.set(false);
    command
}

/// Augments a command now if the whole tree is wanted, else when it is used.
fn defer(command: Command, augment: fn(Command) -> Command) -> Command {
    if IS_WHOLE.get() { augment(command) } else { command.defer(augment) }
}

/// Augments a command late; what it says of itself goes before what the type of its arguments says, as if that had
/// been there first.
fn later(command: Command, augment: fn(Command) -> Command) -> Command {
    let (about, long_about) = (command.get_about().cloned(), command.get_long_about().cloned());
    let command = augment(command);
    match about {
        Some(about) => command.about(about).long_about(Resettable::from(long_about)),
        None => command,
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        defer(command, |command| later(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        defer(command, |command| later(command, T::augment_args_for_update))
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        defer(command, |command| later(command, T::augment_subcommands))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        defer(command, |command| later(command, T::augment_subcommands_for_update))
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
