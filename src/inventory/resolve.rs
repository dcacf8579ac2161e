//! What each entry means: its type, its site, its parameters over those of `[defaults]`, and for how many devices it
//! stands.
//!
//! Nothing is expanded before the counts of all entries are known to fit; then `expand.rs` makes the devices. A mistake
//! in `[defaults]` is reported once, not for every entry that inherits it. Which keys exist is `schema.rs`'s matter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::expand::{Expander, Resolved};
use super::fleet::SiteIndex;
use super::params::{self, Given};
use super::range::{MOST_DEVICES, Pattern, Place};
use super::schema::{Entry, Text, Written, did_you_mean, inside};
use super::secret::Secrets;
use crate::codec::TelnetMode;
use crate::device_type::{Catalog, DeviceType, refuse_detection};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::model::Address;

/// One entry, read but not expanded. What is `None` was a mistake.
pub(super) struct Ready<'e> {
    pub(super) entry: &'e Entry<'e, 'e>,
    pub(super) device_type: Option<Arc<DeviceType>>,
    pub(super) name: Option<Pattern>,
    pub(super) address: Option<Pattern>,
    pub(super) params: Vec<Given>,
    pub(super) site: Option<SiteIndex>,
    /// How many devices it stands for.
    pub(super) count: u64,
}

/// Turns entries into devices.
pub(super) struct Resolver<'a, 's> {
    catalog: &'a Catalog,
    written: &'a Written<'a, 'a>,
    source: &'a str,
    secrets: &'a mut Secrets<'s>,
    diagnostics: &'a mut Diagnostics,
    sites: HashMap<&'a str, SiteIndex>,
    /// What `[defaults] params` mean for a type, by the type's name.
    default_params: HashMap<Arc<str>, Vec<Given>>,
}

impl<'a, 's> Resolver<'a, 's> {
    pub(super) fn new(
        catalog: &'a Catalog,
        written: &'a Written<'a, 'a>,
        source: &'a str,
        secrets: &'a mut Secrets<'s>,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let sites = (0..).zip(&written.sites).map(|(index, site)| (&*site.site.name, SiteIndex(index)));
        let sites = sites.collect();
        Self { catalog, written, source, secrets, diagnostics, sites, default_params: HashMap::new() }
    }

    /// All devices; `None` when there are more than fit.
    pub(super) fn resolve(mut self) -> Option<Resolved> {
        self.read_defaults();
        let ready: Vec<Ready<'a>> = self.written.entries.iter().map(|entry| self.read_entry(entry)).collect();
        let mut total: u64 = 0;
        for one in &ready {
            total += one.count;
            if total > MOST_DEVICES {
                self.diagnostics.push(
                    Diagnostic::error("the inventory has more than 10 million devices")
                        .at(one.entry.span.clone(), "up to here"),
                );
                return None;
            }
        }
        let mut expander = Expander::new(self.written, usize::try_from(total).unwrap_or(0), self.diagnostics);
        for one in &ready {
            expander.expand(one);
        }
        Some(expander.finish())
    }

    /// Judges `[defaults]` by itself, so that a mistake in it is reported once.
    fn read_defaults(&mut self) {
        let defaults = &self.written.defaults;
        if let Some(site) = &defaults.site {
            self.find_site(site);
        }
        let mut used: Vec<Arc<DeviceType>> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let named = self.written.entries.iter().filter_map(|entry| entry.layer.device_type.as_ref());
        for (name, _) in defaults.device_type.iter().chain(named) {
            if seen.insert(name) {
                used.extend(self.catalog.get(name).cloned());
            }
        }
        if let Some(text) = &defaults.device_type {
            self.find_type(text);
        }
        let mut reported: Vec<Diagnostic> = Vec::new();
        for device_type in &used {
            let mut found = Diagnostics::default();
            let mut given = Vec::new();
            for (key, _, value) in &defaults.params {
                if let Some(spec) = device_type.param(key) {
                    given.extend(Given::read(spec, *value, self.secrets, &mut found));
                }
            }
            self.default_params.insert(device_type.name.clone(), given);
            for one in found.iter() {
                // Types that share a parameter find the same mistake.
                if !reported.contains(one) {
                    reported.push(one.clone());
                }
            }
        }
        for one in reported {
            self.diagnostics.push(one);
        }
        for (key, span, _) in &defaults.params {
            // Defaults serve devices of several types: one that knows the parameter is enough.
            if let Some(first) = used.first()
                && used.iter().all(|one| one.param(key).is_none())
            {
                params::unknown(key, span.clone(), first, self.diagnostics);
            }
        }
    }

    fn find_type(&mut self, (name, span): &Text<'_>) -> Option<Arc<DeviceType>> {
        if let Some(found) = self.catalog.get(name) {
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

    fn find_site(&mut self, (name, span): &Text<'_>) -> Option<SiteIndex> {
        if let Some(found) = self.sites.get(name) {
            return Some(*found);
        }
        let help = nearest(name, self.sites.keys().copied())
            .map_or_else(|| format!("sites are declared: write a table `[sites.{name}]`"), did_you_mean);
        let mistake = Diagnostic::error(format!("unknown site `{name}`")).at(span.clone(), "");
        self.diagnostics.push(mistake.help(help));
        None
    }

    fn read_entry(&mut self, entry: &'a Entry<'a, 'a>) -> Ready<'a> {
        let defaults = &self.written.defaults;
        let device_type = match (&entry.layer.device_type, &defaults.device_type) {
            (Some(text), _) => self.find_type(text),
            (None, Some((name, _))) => self.catalog.get(name).cloned(),
            (None, None) => {
                let who = entry.name.as_ref().map_or_else(String::new, |(name, _)| format!(" `{name}`"));
                let mistake = Diagnostic::error(format!("[[device]]{who} has no `type`, and [defaults] names none"));
                self.diagnostics.push(mistake.at(entry.span.clone(), "`type` is missing"));
                None
            }
        };
        if let (Some(one), Some(TelnetMode::Auto), Some(span)) =
            (&device_type, entry.layer.link.telnet, &entry.layer.telnet)
            && !one.link.may_detect_telnet
        {
            refuse_detection(span.clone(), self.diagnostics);
        }
        let site = match (&entry.layer.site, &defaults.site) {
            (Some(text), _) => self.find_site(text),
            (None, Some((name, _))) => self.sites.get(name).copied(),
            (None, None) => None,
        };
        let name = entry.name.as_ref().and_then(|text| self.read_pattern(text, Place::Name));
        let address = entry.address.as_ref().and_then(|text| self.read_pattern(text, Place::Address));
        if device_type.is_none() {
            self.check_address(entry, address.as_ref());
        }
        let params = device_type.as_ref().map(|one| self.read_params(entry, one)).unwrap_or_default();
        let mut ready = Ready { entry, device_type, name, address, params, site, count: 0 };
        ready.count = self.count(&mut ready);
        ready
    }

    /// Without a type no device is made, but what can be seen to be no address is said all the same.
    fn check_address(&mut self, entry: &Entry<'_, '_>, pattern: Option<&Pattern>) {
        let Some(((_, span), pattern)) = entry.address.as_ref().zip(pattern) else { return };
        if let Err(wrong) = Address::parse(&pattern.member(0), Some(1)) {
            self.diagnostics.push(Diagnostic::error(wrong.to_string()).at(span.clone(), ""));
        }
    }

    fn read_pattern(&mut self, (text, span): &Text<'_>, place: Place) -> Option<Pattern> {
        match Pattern::parse(text, place) {
            Ok(pattern) => Some(pattern),
            Err(wrong) => {
                let at = inside(span, text, wrong.at, self.source);
                self.diagnostics.push(Diagnostic::error(wrong.message).at(at, ""));
                None
            }
        }
    }

    fn read_params(&mut self, entry: &Entry<'_, '_>, device_type: &DeviceType) -> Vec<Given> {
        let mut all = self.default_params.get(&device_type.name).cloned().unwrap_or_default();
        for (key, span, value) in &entry.layer.params {
            let Some(spec) = device_type.param(key) else {
                params::unknown(key, span.clone(), device_type, self.diagnostics);
                continue;
            };
            all.retain(|given| given.name != spec.name);
            all.extend(Given::read(spec, *value, self.secrets, self.diagnostics));
        }
        all
    }

    /// How many devices an entry stands for; fields whose counts differ are reported, and then none.
    fn count(&mut self, ready: &mut Ready<'_>) -> u64 {
        let entry = ready.entry;
        let mut fields: Vec<(String, &str, u64, Span)> = Vec::new();
        if let (Some(pattern), Some((_, span))) = (&ready.name, &entry.name) {
            fields.push(("name".to_owned(), "names", pattern.count(), span.clone()));
        }
        if let (Some(pattern), Some((_, span))) = (&ready.address, &entry.address) {
            fields.push(("address".to_owned(), "addresses", pattern.count(), span.clone()));
        }
        for given in &ready.params {
            if given.count() > 1 {
                fields.push((given.name.to_string(), "values", given.count(), given.span.clone()));
            }
        }
        let mut ranged = fields.iter().filter(|(_, _, count, _)| *count > 1);
        let Some((first, plural, count, span)) = ranged.next() else { return 1 };
        let mut same = true;
        for (field, their_plural, theirs, their_span) in ranged.filter(|(_, _, theirs, _)| theirs != count) {
            same = false;
            self.diagnostics.push(
                Diagnostic::error(format!("`{first}` expands to {count} devices, `{field}` to {theirs}"))
                    .at(their_span.clone(), format!("{theirs} {their_plural}"))
                    .at(span.clone(), format!("{count} {plural}"))
                    .help("give both ranges the same count, or fix one value"),
            );
        }
        let count = *count;
        if !same {
            // Names alone can still be compared with those of other entries.
            ready.address = None;
            return ready.name.as_ref().map_or(0, Pattern::count);
        }
        count
    }
}
