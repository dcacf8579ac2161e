//! `fleetctl notify test`.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;

use crate::cli::args::{InventoryArg, NotifyCommand};
use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, print, say};
use crate::diagnostic::nearest;
use crate::model::UnixMillis;
use crate::model::escape::printable;
use crate::notify::{Occasion, Way, send_test};
use crate::run::load;
use crate::transport::TcpConnect;

pub(in crate::cli) async fn run(command: NotifyCommand, terminal: &Terminal) -> ExitStatus {
    match command {
        NotifyCommand::Test { name, inventory } => test(&name, &inventory, terminal).await,
    }
}

async fn test(name: &str, args: &InventoryArg, terminal: &Terminal) -> ExitStatus {
    let loaded = load(&args.inventory, &args.types);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some(fleet) = &loaded.fleet else { return ExitStatus::Usage };
    let Some(notification) = fleet.notifications.iter().find(|one| *one.name == *name) else {
        let names = || fleet.notifications.iter().map(|one| &*one.name);
        let help = match (nearest(name, names()), names().collect::<Vec<_>>().join(", ")) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, known) if known.is_empty() => "the inventory has no `[notify.*]`".to_owned(),
            (None, known) => format!("known: {known}"),
        };
        return terminal.mistake(format!("unknown notification `{}`", printable(name)), Some(&help));
    };
    let connect = || TcpConnect::new(Handle::current());
    let environment = |name: &str| std::env::var(name).ok();
    let folder = args.inventory.parent().unwrap_or(Path::new(""));
    let way = Way { connect: &connect, folder, environment: &environment };
    let at = UnixMillis(Timestamp::now().as_millisecond());
    let occasion = Occasion { fleet: &fleet.name, schedule: None, zone: TimeZone::system(), at };
    match send_test(notification, &occasion, &way).await {
        Ok(()) => print(&format!("`{name}` was told\n")),
        Err(error) => {
            say(&format!("error: {error}\n"));
            ExitStatus::Undelivered
        }
    }
}
