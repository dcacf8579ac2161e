//! `fleetctl simulate`: keeps a simulated fleet up for other programs, until it is stopped.

use std::io::Write as _;
use std::path::Path;

use crate::cli::args::SimulateArgs;
use crate::cli::exit_status::ExitStatus;
use crate::cli::signal::Signals;
use crate::cli::terminal::{Terminal, say, shown_path};
use crate::report::{FileSink, is_same_file};
use crate::run::load;
use crate::simulate::{SimulatedFleet, inventory_file, without_plain_secrets};
use crate::transport::raise_open_files;

pub(in crate::cli) async fn run(args: SimulateArgs, terminal: &Terminal) -> ExitStatus {
    let night = match super::run::night(&args.simulation) {
        Ok(night) => night,
        Err(message) => return terminal.mistake(message, None),
    };
    let path = &args.write_inventory;
    // What is played is another fleet: written over the real one it would be all that is left of it.
    if is_same_file(path, &args.inventory.inventory) {
        let message = format!("cannot write `{}`: that is the inventory that is played", path.display());
        return terminal.mistake(message, Some("name another file"));
    }
    let loaded = load(&args.inventory.inventory, &args.inventory.types);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some(fleet) = loaded.fleet else { return ExitStatus::Usage };
    raise_open_files();
    // Signals first: whoever waits for the file may stop us as soon as it is there.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return terminal.mistake(format!("cannot listen for signals: {error}"), None),
    };
    let devices = without_plain_secrets(&fleet.devices);
    let simulated = match SimulatedFleet::start(&devices, &fleet.members, &night) {
        Ok(simulated) => simulated,
        Err(error) => return terminal.mistake(format!("the fleet cannot be simulated: {error}"), None),
    };
    let folder = args.inventory.inventory.parent().unwrap_or(Path::new(""));
    // A folder that cannot be made absolute is at least right from here.
    let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
    let text = inventory_file(&fleet, &folder, &simulated);
    let written = FileSink::create(path).and_then(|mut sink| {
        sink.write_all(text.as_bytes())?;
        sink.commit()
    });
    if let Err(error) = written {
        return terminal.mistake(format!("cannot write `{}`: {error}", path.display()), None);
    }
    if !terminal.is_quiet {
        say(&format!(
            "{} simulated devices are up until this program is stopped; run against `{}`\n",
            fleet.devices.len(),
            shown_path(path)
        ));
    }
    ExitStatus::Signal(signals.next().await)
}
