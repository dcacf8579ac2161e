//! `fleetctl inventory check|list|import`.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::Path;

use crate::cli::args::{InventoryArg, InventoryCommand};
use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, print, say, shown_path, write};
use crate::inventory::import;
use crate::report::{write_devices_json, write_devices_text};
use crate::run::{Loaded, Selecting, load, look_into, select};
use crate::schedule::{entries, plan, warn_of_unverified};

pub(in crate::cli) fn run(command: InventoryCommand, terminal: &Terminal) -> ExitStatus {
    match command {
        InventoryCommand::Check { inventory } => check(&inventory, terminal),
        InventoryCommand::List { inventory, select, format } => list(&inventory, select, &format, terminal),
        InventoryCommand::Import { file } => import_csv(&file, terminal),
    }
}

fn check(args: &InventoryArg, terminal: &Terminal) -> ExitStatus {
    // Nothing of a large fleet is freed piece by piece: the process ends here, and the system takes all of it back.
    let mut loaded = ManuallyDrop::new(load(&args.inventory, &args.types));
    check_schedules(args, &mut loaded);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some(fleet) = loaded.fleet.as_ref().filter(|_| !loaded.diagnostics.has_errors()) else {
        let errors = loaded.diagnostics.error_count();
        let mistakes = if errors == 1 { "1 mistake".to_owned() } else { format!("{errors} mistakes") };
        say(&format!("{}: {mistakes}\n", shown_path(&args.inventory)));
        return ExitStatus::Usage;
    };
    let mut gateways: Vec<_> = fleet.devices.iter().map(|device| &device.address).collect();
    gateways.sort_unstable();
    gateways.dedup();
    let counted = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    print(&format!(
        "{}: no mistakes; {} behind {}\n",
        shown_path(&args.inventory),
        counted(fleet.devices.len(), "device"),
        counted(gateways.len(), "gateway"),
    ))
}

/// Plans every schedule as its run would: what it would refuse at night is said now.
fn check_schedules(args: &InventoryArg, loaded: &mut Loaded) {
    let Some(fleet) = &loaded.fleet else { return };
    let entries = entries(fleet, &loaded.sources, &mut loaded.diagnostics);
    for entry in &entries {
        plan(entry, &args.inventory, &args.types, loaded);
    }
    warn_of_unverified(&entries, loaded);
}

fn list(args: &InventoryArg, expression: Option<String>, format: &str, terminal: &Terminal) -> ExitStatus {
    let as_json = match format {
        "json" => true,
        "table" => false,
        other => return terminal.mistake(format!("`--format {other}`: a list is `table` or `json`"), None),
    };
    let mut loaded = look_into(&args.inventory, &args.types);
    let selecting = Selecting { select: expression, ..Selecting::default() };
    let selected =
        loaded.fleet.as_ref().and_then(|fleet| select(&selecting, fleet, &mut loaded.sources, &mut loaded.diagnostics));
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some((fleet, selected)) = loaded.fleet.as_ref().zip(selected) else { return ExitStatus::Usage };
    let devices = selected.iter().filter_map(|&place| fleet.devices.get(place as usize));
    write(|out| {
        if as_json {
            write_devices_json(out, devices)
        } else {
            write_devices_text(out, devices, terminal.table(true, true))
        }
    })
}

fn import_csv(path: &Path, terminal: &Terminal) -> ExitStatus {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return terminal.mistake(format!("cannot read `{}`: {error}", path.display()), None),
    };
    match import(file) {
        Ok(text) => print(&text),
        Err(errors) => {
            for error in errors {
                terminal.mistake(format!("{}: {error}", path.display()), None);
            }
            ExitStatus::Usage
        }
    }
}
