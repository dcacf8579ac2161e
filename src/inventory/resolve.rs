//! What each entry means: its type, its site, its parameters over those of `[defaults]`, and for how many devices it
//! stands.
//!
//! An entry is read and then forgotten; what is left of it is a device. No range is expanded before the counts of all
//! entries are known to fit, so from the first range on entries wait (`Ready`). A mistake in `[defaults]` is reported
//! once, not for every entry that inherits it. Which keys exist is `schema.rs`'s matter.

use std::collections::HashMap;
use std::sync::Arc;

use super::circuits::{Unsaid, exceeds, no_current};
use super::entry::{Ready, Words};
use super::expand::{Expander, Resolved};
use super::fleet::{CircuitIndex, SiteIndex};
use super::params::{self, Given};
use super::range::{MOST_DEVICES, Place};
use super::schema::{Entry, Text, Written, did_you_mean, inside};
use super::secret::Secrets;
use super::share::Shared;
use crate::codec::TelnetMode;
use crate::device_type::{Catalog, DeviceType, refuse_detection};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Span, TomlTable, TomlValue, nearest};
use crate::model::Address;

/// Turns entries into devices.
pub(super) struct Resolver<'a, 's> {
    catalog: &'a Catalog,
    written: &'a Written<'a, 'a>,
    source: &'a str,
    secrets: Secrets<'s>,
    diagnostics: &'a mut Diagnostics,
    sites: HashMap<&'a str, SiteIndex>,
    circuits: HashMap<&'a str, CircuitIndex>,
    /// Who is on the circuit of `[defaults]` without a current.
    unsaid: Unsaid,
    /// Whether `[defaults]` was found to draw more than its circuit carries.
    has_exceeded: bool,
    /// The type that was named last: most entries name the same.
    latest: Option<Arc<DeviceType>>,
    /// The types that are used, and what `[defaults] params` mean for them.
    used: Vec<(Arc<DeviceType>, Arc<[Given]>)>,
    /// What is wrong with `[defaults] params`.
    reported: Vec<Diagnostic>,
    shared: Shared<'a>,
    expander: Expander,
    waiting: Vec<Ready<'static>>,
    /// How many devices there are.
    total: u64,
    is_too_large: bool,
}

impl<'a, 's> Resolver<'a, 's> {
    /// `text` is that of `source`, `entries` about how many entries are to come.
    pub(super) fn new(
        catalog: &'a Catalog,
        written: &'a Written<'a, 'a>,
        (source, text): (SourceId, &'a str),
        secrets: Secrets<'s>,
        entries: usize,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let sites = (0..).zip(&written.sites).map(|(index, site)| (&*site.site.name, SiteIndex(index)));
        let circuits = (0..).zip(&written.circuits).map(|(index, one)| (&*one.name, CircuitIndex(index)));
        let mut resolver = Self {
            catalog,
            written,
            source: text,
            secrets,
            diagnostics,
            sites: sites.collect(),
            circuits: circuits.collect(),
            unsaid: Unsaid::default(),
            has_exceeded: false,
            latest: None,
            used: Vec::new(),
            reported: Vec::new(),
            shared: Shared::new(&written.defaults, &written.sites),
            expander: Expander::new(source, entries),
            waiting: Vec::new(),
            total: 0,
            is_too_large: false,
        };
        resolver.read_defaults();
        resolver
    }

    /// The table that a value is to be; what is none is reported.
    pub(super) fn table<'t, 'i>(&mut self, value: TomlValue<'t, 'i>, what: &'static str) -> Option<TomlTable<'t, 'i>> {
        value.table(what, self.diagnostics)
    }

    /// Takes a `[[device]]`.
    pub(super) fn take(&mut self, table: TomlTable<'_, '_>) {
        let entry = Entry::read(table, self.diagnostics);
        let ready = self.read_entry(&entry);
        self.total = self.total.saturating_add(ready.count);
        if self.total > MOST_DEVICES && !self.is_too_large {
            self.is_too_large = true;
            let mistake = Diagnostic::error("the inventory has more than 10 million devices");
            self.diagnostics.push(mistake.at(entry.span.clone(), "up to here"));
        }
        if self.waiting.is_empty() && ready.count <= 1 {
            self.expander.expand(&ready, self.diagnostics);
        } else {
            self.waiting.push(ready.into_owned());
        }
    }

    /// All devices; `None` when there are more than fit.
    pub(super) fn finish(mut self) -> Option<Resolved> {
        self.judge_default_params();
        if let Some(circuit) = &self.written.defaults.circuit {
            std::mem::take(&mut self.unsaid).report(circuit, self.diagnostics);
        }
        if self.is_too_large {
            return None;
        }
        self.expander.reserve(usize::try_from(self.total).unwrap_or(0));
        for ready in self.waiting {
            self.expander.expand(&ready, self.diagnostics);
        }
        Some(self.expander.finish())
    }

    /// Judges `[defaults]` by itself, so that a mistake in it is reported once.
    fn read_defaults(&mut self) {
        let defaults = &self.written.defaults;
        if let Some(site) = &defaults.site {
            self.find_site(site);
        }
        if let Some(circuit) = &defaults.circuit {
            self.find_circuit(circuit);
        }
        if let Some(text) = &defaults.device_type
            && let Some(device_type) = self.find_type(text)
        {
            self.default_params(&device_type);
        }
    }

    /// What `[defaults] params` mean for a type.
    fn default_params(&mut self, device_type: &Arc<DeviceType>) -> Arc<[Given]> {
        if let Some((_, given)) = self.used.iter().find(|(one, _)| Arc::ptr_eq(one, device_type)) {
            return given.clone();
        }
        let mut found = Diagnostics::default();
        let mut given = Vec::new();
        for (key, _, value) in &self.written.defaults.params {
            if let Some(spec) = device_type.param(key) {
                given.extend(Given::read(spec, *value, &mut self.secrets, &mut found));
            }
        }
        for one in found.iter() {
            // Types that share a parameter find the same mistake.
            if !self.reported.contains(one) {
                self.reported.push(one.clone());
                self.diagnostics.push(one.clone());
            }
        }
        let given: Arc<[Given]> = given.into();
        self.used.push((device_type.clone(), given.clone()));
        given
    }

    /// Defaults serve devices of several types: one that knows the parameter is enough.
    fn judge_default_params(&mut self) {
        for (key, span, _) in &self.written.defaults.params {
            if let Some((first, _)) = self.used.first()
                && self.used.iter().all(|(one, _)| one.param(key).is_none())
            {
                params::unknown(key, span.clone(), first, self.diagnostics);
            }
        }
    }

    fn find_type(&mut self, (name, span): &Text<'_>) -> Option<Arc<DeviceType>> {
        if let Some(latest) = self.latest.as_ref().filter(|latest| *latest.name == **name) {
            return Some(latest.clone());
        }
        if let Some(found) = self.catalog.get(name) {
            self.latest = Some(found.clone());
            return Some(found.clone());
        }
        let help = nearest(name, self.catalog.names()).map_or_else(
            || format!("known types: {}", self.catalog.names().collect::<Vec<_>>().join(", ")),
            did_you_mean,
        );
        let mistake = Diagnostic::error(format!("unknown device type `{name}`")).at(span.clone(), "");
        self.diagnostics.push(mistake.help(help));
        None
    }

    fn find_site(&mut self, name: &Text<'_>) -> Option<SiteIndex> {
        declared("site", &self.sites, name, self.diagnostics)
    }

    fn find_circuit(&mut self, name: &Text<'_>) -> Option<CircuitIndex> {
        declared("circuit", &self.circuits, name, self.diagnostics)
    }

    /// The circuit that an entry's devices are on; they must say what they draw from it.
    fn circuit_of(&mut self, entry: &Entry<'_, '_>) -> Option<CircuitIndex> {
        let (layer, defaults) = (&entry.layer, &self.written.defaults);
        let (name, place) = layer.circuit.as_ref().or(defaults.circuit.as_ref())?;
        let drawing = layer.drawing.over(defaults.drawing);
        let is_known = drawing.is_known();
        let who = entry.name.as_ref().map(|(name, _)| *name);
        let declared = self.circuits.get(name).and_then(|circuit| self.written.circuits.get(circuit.get()));
        if let Some((drawn, circuit)) = declared.and_then(|one| Some((drawing.beyond(one)?, one))) {
            let named = || who.map_or_else(|| "a device".to_owned(), |name| format!("`{name}`"));
            let own = layer.inrush.as_ref().or(layer.circuit.as_ref().map(|(_, place)| place));
            match own {
                Some(place) => self.diagnostics.push(exceeds(&named(), drawn, circuit, place.clone())),
                // What all of them inherit is said once.
                None if self.has_exceeded => {}
                None => {
                    self.has_exceeded = true;
                    let place = defaults.inrush.clone().unwrap_or_else(|| place.clone());
                    self.diagnostics.push(exceeds("a device", drawn, circuit, place));
                }
            }
        }
        match &layer.circuit {
            Some(text) => {
                let circuit = self.find_circuit(text)?;
                if !is_known {
                    let who = who.map_or_else(|| "a device".to_owned(), |name| format!("`{name}`"));
                    self.diagnostics.push(no_current(&who, name, place.clone()));
                }
                Some(circuit)
            }
            None => {
                let circuit = self.circuits.get(name).copied()?;
                if !is_known {
                    self.unsaid.note(who);
                }
                Some(circuit)
            }
        }
    }

    fn read_entry<'t>(&mut self, entry: &Entry<'t, '_>) -> Ready<'t> {
        let defaults = &self.written.defaults;
        let layer = &entry.layer;
        let device_type = match (&layer.device_type, &defaults.device_type) {
            (Some(text), _) => self.find_type(text),
            (None, Some((name, _))) => self.catalog.get(name).cloned(),
            (None, None) => {
                let who = entry.name.as_ref().map_or_else(String::new, |(name, _)| format!(" `{name}`"));
                let mistake = Diagnostic::error(format!("[[device]]{who} has no `type`, and [defaults] names none"));
                self.diagnostics.push(mistake.at(entry.span.clone(), "`type` is missing"));
                None
            }
        };
        if let (Some(one), Some(TelnetMode::Auto), Some(span)) = (&device_type, layer.link.telnet, &layer.telnet)
            && !one.link.may_detect_telnet
        {
            refuse_detection(span.clone(), self.diagnostics);
        }
        let site = match (&layer.site, &defaults.site) {
            (Some(text), _) => self.find_site(text),
            (None, Some((name, _))) => self.sites.get(name).copied(),
            (None, None) => None,
        };
        let circuit = self.circuit_of(entry);
        let name = entry.name.as_ref().and_then(|text| self.read_words(text, Place::Name));
        let address = entry.address.as_ref().and_then(|text| self.read_words(text, Place::Address));
        if device_type.is_none() {
            self.check_address(address.as_ref());
        }
        let params = device_type.as_ref().map(|one| self.read_params(entry, one)).unwrap_or_default();
        let member = device_type.map(|one| self.shared.member(&one, site, circuit, layer));
        let site = site.and_then(|site| self.written.sites.get(site.get())).map(|site| site.site.name.clone());
        let mut ready = Ready { name, address, member, site, tags: self.shared.tags(&layer.tags), params, count: 0 };
        ready.count = self.count(&mut ready);
        ready
    }

    /// Without a type no device is made, but what can be seen to be no address is said all the same.
    fn check_address(&mut self, address: Option<&(Words<'_>, Span)>) {
        let Some((words, span)) = address else { return };
        if let Err(wrong) = Address::parse(&words.first(), Some(1)) {
            self.diagnostics.push(Diagnostic::error(wrong.to_string()).at(span.clone(), ""));
        }
    }

    fn read_words<'t>(&mut self, (text, span): &Text<'t>, place: Place) -> Option<(Words<'t>, Span)> {
        match Words::read(text, place) {
            Ok(words) => Some((words, span.clone())),
            Err(wrong) => {
                let at = inside(span, text, wrong.at, self.source);
                self.diagnostics.push(Diagnostic::error(wrong.message).at(at, ""));
                None
            }
        }
    }

    fn read_params(&mut self, entry: &Entry<'_, '_>, device_type: &Arc<DeviceType>) -> Arc<[Given]> {
        let defaults = self.default_params(device_type);
        if entry.layer.params.is_empty() {
            return defaults;
        }
        let mut all = defaults.to_vec();
        for (key, span, value) in &entry.layer.params {
            let Some(spec) = device_type.param(key) else {
                params::unknown(key, span.clone(), device_type, self.diagnostics);
                continue;
            };
            all.retain(|given| given.name != spec.name);
            all.extend(Given::read(spec, *value, &mut self.secrets, self.diagnostics));
        }
        all.into()
    }

    /// How many devices an entry stands for; fields whose counts differ are reported, and then none.
    fn count(&mut self, ready: &mut Ready<'_>) -> u64 {
        let mut fields: Vec<(&str, &str, u64, &Span)> = Vec::new();
        for (field, plural, text) in [("name", "names", &ready.name), ("address", "addresses", &ready.address)] {
            if let Some((words, span)) = text
                && words.count() > 1
            {
                fields.push((field, plural, words.count(), span));
            }
        }
        let params = ready.params.iter().filter(|given| given.count() > 1);
        fields.extend(params.map(|given| (&*given.name, "values", given.count(), &given.span)));
        let mut ranged = fields.into_iter();
        let Some((first, plural, count, span)) = ranged.next() else { return 1 };
        let mut same = true;
        for (field, their_plural, theirs, their_span) in ranged.filter(|(_, _, theirs, _)| *theirs != count) {
            same = false;
            self.diagnostics.push(
                Diagnostic::error(format!("`{first}` expands to {count} devices, `{field}` to {theirs}"))
                    .at(their_span.clone(), format!("{theirs} {their_plural}"))
                    .at(span.clone(), format!("{count} {plural}"))
                    .help("give both ranges the same count, or fix one value"),
            );
        }
        if !same {
            // Names alone can still be compared with those of other entries.
            ready.address = None;
            return ready.name.as_ref().map_or(0, |(words, _)| words.count());
        }
        count
    }
}

/// What a table of the inventory declares under a name; `what` is what it is: `site`.
fn declared<Index: Copy>(
    what: &str,
    known: &HashMap<&str, Index>,
    (name, span): &Text<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Index> {
    if let Some(found) = known.get(name) {
        return Some(*found);
    }
    let help = nearest(name, known.keys().copied())
        .map_or_else(|| format!("{what}s are declared: write a table `[{what}s.{name}]`"), did_you_mean);
    diagnostics.push(Diagnostic::error(format!("unknown {what} `{name}`")).at(span.clone(), "").help(help));
    None
}
