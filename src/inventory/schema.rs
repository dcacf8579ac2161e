//! `fleet.toml` as it is written: tables and keys with their places, nothing inherited, nothing expanded.
//!
//! Owns the names of the keys and which table has them; wrong kinds and unknown keys are found here. What the values
//! mean together is left to `resolve.rs`.

use std::ops::Range;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::circuits::{Drawing, read_circuits};
use super::fleet::{Circuit, RunSettings, Site};
use super::notify::{Notification, read_notifications};
use super::schedule::{Schedule, read_schedules};
use super::select;
use crate::device_type::{LinkOverrides, read_timing};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, TomlTable, TomlValue, nearest};
use crate::model::TimingOverrides;

/// The key of the devices, of which there may be many.
pub(super) const DEVICE: &str = "device";

/// The most lanes at once that may be asked for.
const MOST_LANES: i64 = 1_000_000;

/// The longest name or tag, in bytes.
const LONGEST_NAME: usize = 200;

/// A text and its place.
pub(super) type Text<'t> = (&'t str, Span);

/// The whole file.
pub(super) struct Written<'t, 'i> {
    pub(super) name: Option<&'t str>,
    pub(super) run: RunSettings,
    pub(super) defaults: Layer<'t, 'i>,
    pub(super) sites: Vec<WrittenSite>,
    pub(super) circuits: Vec<Circuit>,
    pub(super) groups: Vec<WrittenGroup<'t>>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) notifications: Vec<Notification>,
    /// `[history] keep`.
    pub(super) keep_history: Option<Duration>,
    /// The `[[device]]` tables, unless they were cut off.
    pub(super) devices: Vec<TomlValue<'t, 'i>>,
}

/// What `[defaults]` and `[[device]]` both may say.
#[derive(Default)]
pub(super) struct Layer<'t, 'i> {
    pub(super) device_type: Option<Text<'t>>,
    pub(super) site: Option<Text<'t>>,
    pub(super) tags: Vec<&'t str>,
    /// Key, place of the key, value.
    pub(super) params: Vec<(&'t str, Span, TomlValue<'t, 'i>)>,
    pub(super) link: LinkOverrides,
    /// The place of `telnet` in `link`.
    pub(super) telnet: Option<Span>,
    pub(super) timing: TimingOverrides,
    pub(super) circuit: Option<Text<'t>>,
    pub(super) drawing: Drawing,
    /// Where `inrush_a` is written.
    pub(super) inrush: Option<Span>,
}

/// One `[[device]]`.
pub(super) struct Entry<'t, 'i> {
    pub(super) span: Span,
    pub(super) name: Option<Text<'t>>,
    pub(super) address: Option<Text<'t>>,
    pub(super) layer: Layer<'t, 'i>,
}

/// One `[sites.*]`.
pub(super) struct WrittenSite {
    pub(super) site: Site,
    pub(super) timing: TimingOverrides,
}

/// One line of `[groups]` whose selector can be read.
pub(super) struct WrittenGroup<'t> {
    pub(super) name: &'t str,
    pub(super) text: &'t str,
    pub(super) span: Span,
    pub(super) selector: select::Selector,
}

impl<'t, 'i> Written<'t, 'i> {
    /// Reads the file's top table; `source` is its text.
    pub(super) fn read(mut root: TomlTable<'t, 'i>, source: &str, diagnostics: &mut Diagnostics) -> Self {
        let mut name = None;
        if let Some(mut fleet) = root.table("fleet", "[fleet]", diagnostics) {
            name = fleet.text("name", diagnostics).filter(|name| is_name("the fleet's name", name, diagnostics));
            fleet.finish(diagnostics);
        }
        let mut run = RunSettings::default();
        if let Some(mut table) = root.table("run", "[run]", diagnostics) {
            run.concurrency = lanes(&mut table, "concurrency", diagnostics);
            let above = table.int_in("confirm_above", 0..=i64::from(u32::MAX), diagnostics);
            run.confirm_above = above.and_then(|devices| usize::try_from(devices).ok());
            let after = table.int_in("probe_after", 0..=1000, diagnostics);
            run.probe_after = after.and_then(|runs| u32::try_from(runs).ok());
            run.timing = read_timing(&mut table, diagnostics);
            table.finish(diagnostics);
        }
        let mut defaults = Layer::default();
        if let Some(mut table) = root.table("defaults", "[defaults]", diagnostics) {
            defaults = Layer::read(&mut table, diagnostics);
            table.finish(diagnostics);
        }
        let sites = read_sites(&mut root, diagnostics);
        let circuits = read_circuits(&mut root, diagnostics);
        let groups = read_groups(&mut root, source, diagnostics);
        let (notifications, names) = read_notifications(&mut root, diagnostics);
        let schedules = read_schedules(&mut root, source, &names, diagnostics);
        let mut keep_history = None;
        if let Some(mut table) = root.table("history", "[history]", diagnostics) {
            keep_history = table.positive_duration("keep", diagnostics);
            table.finish(diagnostics);
        }
        let devices = root.array(DEVICE, diagnostics);
        root.finish(diagnostics);
        let name = name.map(|(name, _)| name);
        Self { name, run, defaults, sites, circuits, groups, schedules, notifications, keep_history, devices }
    }
}

impl<'t, 'i> Layer<'t, 'i> {
    fn read(table: &mut TomlTable<'t, 'i>, diagnostics: &mut Diagnostics) -> Self {
        let device_type = table.text("type", diagnostics);
        let site = table.text("site", diagnostics);
        let mut tags = Vec::new();
        for value in table.array("tags", diagnostics) {
            if let Some(tag) = value.text(diagnostics)
                && is_name("a tag", &(tag, value.span()), diagnostics)
            {
                tags.push(tag);
            }
        }
        // Most devices of a large fleet have no more than that.
        if table.is_read() {
            return Self { device_type, site, tags, ..Self::default() };
        }
        let params = table.table("params", "`params`", diagnostics).map(|mut params| params.entries());
        let mut link = LinkOverrides::default();
        let mut telnet = None;
        if let Some(mut inner) = table.table("link", "`link`", diagnostics) {
            telnet = inner.get("telnet").map(|value| value.span());
            link = LinkOverrides::read(&mut inner, diagnostics);
            inner.finish(diagnostics);
        }
        let timing = read_timing(table, diagnostics);
        let circuit = table.text("circuit", diagnostics);
        let drawing = Drawing::read(table, diagnostics);
        let inrush = if drawing.is_known() { table.get("inrush_a").map(|value| value.span()) } else { None };
        let params = params.unwrap_or_default();
        Self { device_type, site, tags, params, link, telnet, timing, circuit, drawing, inrush }
    }
}

impl<'t, 'i> Entry<'t, 'i> {
    /// Reads one `[[device]]`.
    pub(super) fn read(table: TomlTable<'t, 'i>, diagnostics: &mut Diagnostics) -> Self {
        let mut table = table.named_by("name");
        let name = table.required_text("name", diagnostics);
        let name = name.filter(|name| is_name("a device's name", name, diagnostics));
        let address = table.required_text("address", diagnostics);
        let layer = Layer::read(&mut table, diagnostics);
        let span = table.span();
        table.finish(diagnostics);
        Self { span, name, address, layer }
    }
}

fn lanes(table: &mut TomlTable<'_, '_>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<usize> {
    table.int_in(key, 1..=MOST_LANES, diagnostics).and_then(|lanes| usize::try_from(lanes).ok())
}

fn read_sites(root: &mut TomlTable<'_, '_>, diagnostics: &mut Diagnostics) -> Vec<WrittenSite> {
    let Some(mut sites) = root.table("sites", "[sites]", diagnostics) else { return Vec::new() };
    let mut read = Vec::new();
    for (name, span, value) in sites.entries() {
        let Some(mut table) = value.table(format!("[sites.{name}]"), diagnostics) else { continue };
        _ = is_name("a site's name", &(name, span), diagnostics);
        let timezone = table.text("timezone", diagnostics).and_then(|zone| timezone(&zone, diagnostics));
        let max_concurrency = lanes(&mut table, "max_concurrency", diagnostics);
        let timing = read_timing(&mut table, diagnostics);
        table.finish(diagnostics);
        read.push(WrittenSite { site: Site { name: name.into(), timezone, max_concurrency }, timing });
    }
    read
}

pub(super) fn timezone((name, span): &Text<'_>, diagnostics: &mut Diagnostics) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name)
        && !name.is_empty()
    {
        return Some(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let near = nearest(name, known.iter().map(String::as_str));
    let help = near.map_or("write an IANA name such as `Europe/Berlin`".to_owned(), did_you_mean);
    diagnostics.push(Diagnostic::error(format!("unknown time zone `{name}`")).at(span.clone(), "").help(help));
    None
}

fn read_groups<'t>(root: &mut TomlTable<'t, '_>, source: &str, diagnostics: &mut Diagnostics) -> Vec<WrittenGroup<'t>> {
    let Some(mut groups) = root.table("groups", "[groups]", diagnostics) else { return Vec::new() };
    let mut read = Vec::new();
    for (name, span, value) in groups.entries() {
        let Some(text) = value.text(diagnostics) else { continue };
        _ = is_name("a group's name", &(name, span), diagnostics);
        match select::parse(text) {
            Ok(selector) => read.push(WrittenGroup { name, text, span: value.span(), selector }),
            Err(wrong) => {
                let place = inside(&value.span(), text, wrong.at, source);
                let mut mistake =
                    Diagnostic::error(format!("group `{name}` is no selector: {}", wrong.message)).at(place, "");
                mistake.help = wrong.help;
                diagnostics.push(mistake);
            }
        }
    }
    read
}

/// Whether a name can be one; if not, that is reported. Brackets are left to whoever reads ranges.
pub(super) fn is_name(what: &str, (name, span): &Text<'_>, diagnostics: &mut Diagnostics) -> bool {
    let wrong = if name.chars().all(char::is_whitespace) {
        format!("{what} is empty")
    } else if (!name.bytes().all(|b| matches!(b, b' '..=b'~'))) && name.chars().any(char::is_control) {
        format!("{what} has a control character in it")
    } else if name.len() > LONGEST_NAME && !name.contains('[') {
        format!("{what} is {} bytes long; at most {LONGEST_NAME} fit", name.len())
    } else {
        return true;
    };
    diagnostics.push(Diagnostic::error(wrong).at(span.clone(), ""));
    false
}

/// Whether an expanded name is longer than a name may be.
pub(super) fn is_too_long(name: &str) -> bool {
    name.len() > LONGEST_NAME
}

pub(super) fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

/// The place of a part of a text; of the whole value where the file writes the text with escapes.
pub(super) fn inside(value: &Span, text: &str, part: Range<usize>, source: &str) -> Span {
    let start = value.range.start + 1;
    if source.get(start..start + text.len()) == Some(text) {
        return Span { source: value.source, range: start + part.start..start + part.end };
    }
    value.clone()
}
