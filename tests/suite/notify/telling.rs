//! A night, recorded in a report, told through the notifications of an inventory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use fleetctl::device_type::Catalog;
use fleetctl::diagnostic::{Diagnostics, Sources};
use fleetctl::inventory::{self, Notification};
use fleetctl::model::{RunEvent, UnixMillis};
use fleetctl::notify::{MemorySpool, News, NotifyError, Occasion, Previous, Way, after_run};
use fleetctl::report::{Collected, KeepOutcomes, Reporters, read_report};
use fleetctl::transport::TcpConnect;
use tokio::runtime::Handle;

use crate::support::Workspace;

/// The canary: it must never come out anywhere but where it belongs.
pub(super) const CANARY: &str = "Zq7kW-canary";

/// A night of displays behind closed ports and others that obey, as the program reports it.
pub(super) fn night(workspace: &Workspace) -> Collected {
    reported(workspace, "refuse=60%")
}

/// The same displays in a night in which all obey.
pub(super) fn good_night(workspace: &Workspace) -> Collected {
    reported(workspace, "refuse=0%")
}

fn reported(workspace: &Workspace, faults: &str) -> Collected {
    workspace.write(
        "night.toml",
        "[fleet]\nname = \"field-tvs\"\n[[device]]\nname = \"tv-[1-3]\"\ntype = \"lg-rs232\"\naddress = \"10.20.0.[1-3]\"\n\
         [[device]]\nname = \"wall\"\ntype = \"lg-rs232\"\naddress = \"10.20.0.9\"\n",
    );
    let run = ["run", "-i", "night.toml", "--do", "power-on", "--simulate", "--seed", "1", "--retries", "0"];
    let refuse = ["--faults", faults, "--report", "json=night.json", "-q"];
    workspace.fleetctl(&[&run[..], &refuse].concat());
    collected(read_report(&workspace.path("night.json")).unwrap())
}

fn collected(events: Vec<RunEvent>) -> Collected {
    let mut reporters = Reporters::default();
    reporters.add("test", Box::new(KeepOutcomes));
    reporters.events(events);
    reporters.finish().run.unwrap()
}

/// Notifications as an inventory in the workspace has them.
pub(super) fn notifications(workspace: &Workspace, text: &str) -> Vec<Notification> {
    let device = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n";
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let catalog = Catalog::load(&[] as &[&Path], &mut sources, &mut found);
    let path = workspace.path("fleet.toml");
    let fleet = inventory::read(format!("{text}{device}"), &path, &catalog, &mut sources, &|_| None, &mut found);
    fleet.unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>())).notifications
}

/// Tells of a night that came after one in which `failing` devices failed.
pub(super) async fn tell(
    run: &Collected,
    to: &[Notification],
    failing: &[&str],
    workspace: &Workspace,
    spool: &mut MemorySpool,
) -> Vec<NotifyError> {
    let connect = || TcpConnect::new(Handle::current());
    let environment = |name: &str| (name == "CANARY").then(|| CANARY.to_owned());
    let way = Way { connect: &connect, folder: workspace.folder(), environment: &environment };
    let since = UnixMillis(run.info().started_at.0 - 24 * 3_600_000);
    let failing: HashMap<_, _> = failing.iter().map(|name| (Arc::from(*name), since)).collect();
    let previous = Previous { failing };
    let news = News::Finished { run, is_success: false, previous: Some(&previous), unstarted_since: None };
    let occasion = Occasion {
        fleet: "field-tvs",
        schedule: Some("morning"),
        zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        at: run.finished_at(),
    };
    after_run(&news, &occasion, &to.iter().collect::<Vec<_>>(), &way, Some(spool)).await
}
