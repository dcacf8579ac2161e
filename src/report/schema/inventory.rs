//! `fleet.toml` as a schema.

#![expect(
    dead_code,
    reason = "these types are only described, never filled: the readers collect mistakes with their places"
)]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::nightly::{History, Notification, Schedule};
use super::settings::{Link, Span, Timing};

/// The devices of a fleet and how runs over them behave.
#[derive(JsonSchema)]
#[schemars(rename = "inventory", deny_unknown_fields)]
pub(super) struct Inventory {
    fleet: Option<Fleet>,
    /// How runs behave unless the command line says otherwise.
    run: Option<Run>,
    /// What every device inherits.
    defaults: Option<Layer>,
    /// Places, by name.
    sites: Option<BTreeMap<String, Site>>,
    /// Breakers, by name.
    circuits: Option<BTreeMap<String, Circuit>>,
    /// Named selectors.
    groups: Option<BTreeMap<String, String>>,
    /// What is to run when.
    schedule: Option<Vec<Schedule>>,
    /// Who is told of runs, by name.
    notify: Option<BTreeMap<String, Notification>>,
    history: Option<History>,
    device: Option<Vec<Device>>,
}

/// The fleet as a whole.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Fleet {
    /// Stands in every report.
    name: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Run {
    /// Gateways that are talked to at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    concurrency: Option<u32>,
    /// A run over more devices asks first on a terminal, and elsewhere needs `--yes`.
    confirm_above: Option<u32>,
    /// A device that failed so many runs in a row (3 where nothing is said) is first tried once, with a short time to
    /// connect; 0: never.
    #[schemars(range(max = 1000))]
    probe_after: Option<u32>,
    #[schemars(flatten)]
    timing: Timing,
}

/// A place.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Site {
    /// An IANA name: `Europe/Berlin`.
    timezone: Option<String>,
    /// Gateways that are talked to at once at this site.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_concurrency: Option<u32>,
    #[schemars(flatten)]
    timing: Timing,
}

/// A breaker.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Circuit {
    /// The most that may be drawn from it at a time, in amperes.
    #[schemars(range(min = 0.001, max = 1_000_000))]
    max_inrush_a: f64,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Layer {
    #[schemars(flatten)]
    inherited: Inherited,
}

/// One device, or as many as its ranges say.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Device {
    /// Unique; `tv-[001-300]` is three hundred.
    name: String,
    /// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`, with ranges.
    address: String,
    #[schemars(flatten)]
    inherited: Inherited,
}

/// What a device may say or inherit.
#[derive(JsonSchema)]
struct Inherited {
    /// The name of a device type.
    r#type: Option<String>,
    /// The name of a site.
    site: Option<String>,
    /// They add up.
    tags: Option<Vec<String>>,
    /// The parameters that the device type declares.
    params: Option<BTreeMap<String, Value>>,
    link: Option<DeviceLink>,
    /// The name of a circuit; its devices say what they draw.
    circuit: Option<String>,
    /// What is drawn for `settle` after a power-on, in amperes.
    #[schemars(range(min = 0, max = 1_000_000))]
    inrush_a: Option<f64>,
    /// For how long it is drawn (3 s).
    settle: Option<Span>,
    #[schemars(flatten)]
    timing: Timing,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DeviceLink {
    #[schemars(flatten)]
    link: Link,
}

/// A parameter's value.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
    Environment(FromEnvironment),
    File(FromFile),
}

/// A secret in an environment variable.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FromEnvironment {
    /// Its name.
    env: String,
}

/// A secret in a file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FromFile {
    /// Its path, relative to the inventory.
    file: String,
}
