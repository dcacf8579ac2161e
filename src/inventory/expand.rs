//! Makes the devices that the entries stand for: ranges expanded element by element, device over site over defaults.
//!
//! Finds what only shows then: names and units that come twice, addresses and values that a range makes wrong. A mistake
//! is reported once for an entry and cause, not for each of its devices. What many devices have is shared between them.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use super::fleet::Member;
use super::params::{Given, GivenValue};
use super::range::Pattern;
use super::resolve::Ready;
use super::schema::{Entry, Written, is_too_long};
use crate::device_type::{DeviceType, ParamSpec};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::{Address, Device, ParamValue, Params, TimingOverrides};

/// The devices of a file, as far as they can be had.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) devices: Vec<Device>,
    pub(super) members: Vec<Member>,
    pub(super) positions: HashMap<Arc<str>, u32>,
}

/// What tells the devices of one type at one gateway apart.
#[derive(PartialEq, Eq, Hash)]
struct Unit {
    address: Address,
    device_type: *const DeviceType,
    value: Option<ParamValue>,
}

/// Turns entries into devices, one after another.
pub(super) struct Expander<'a> {
    written: &'a Written<'a, 'a>,
    diagnostics: &'a mut Diagnostics,
    tags: HashMap<&'a [&'a str], Arc<[Arc<str>]>>,
    tag_texts: HashMap<&'a str, Arc<str>>,
    timings: HashMap<TimingOverrides, Arc<TimingOverrides>>,
    units: HashMap<Unit, u32>,
    /// The first device of each entry, to find a device's entry again.
    starts: Vec<(u32, &'a Entry<'a, 'a>)>,
    /// The position of the next device; those of entries with mistakes have one, too.
    next: u32,
    resolved: Resolved,
}

impl<'a> Expander<'a> {
    pub(super) fn new(written: &'a Written<'a, 'a>, total: usize, diagnostics: &'a mut Diagnostics) -> Self {
        let resolved = Resolved {
            devices: Vec::with_capacity(total),
            members: Vec::with_capacity(total),
            positions: HashMap::with_capacity(total),
        };
        Self {
            written,
            diagnostics,
            tags: HashMap::new(),
            tag_texts: HashMap::new(),
            timings: HashMap::new(),
            units: HashMap::with_capacity(total),
            starts: Vec::new(),
            next: 0,
            resolved,
        }
    }

    pub(super) fn finish(self) -> Resolved {
        self.resolved
    }

    pub(super) fn expand(&mut self, ready: &Ready<'a>) {
        let start = self.next;
        self.starts.push((start, ready.entry));
        self.next = start.saturating_add(u32::try_from(ready.count).unwrap_or(u32::MAX));
        let names = ready.name.as_ref().and_then(|pattern| self.expand_names(ready, pattern, start));
        if let (Some(names), Some(device_type), Some(address)) = (names, &ready.device_type, &ready.address) {
            self.expand_devices(ready, names, device_type, address, start);
        }
    }

    fn entry_of(&self, position: u32) -> Option<&'a Entry<'a, 'a>> {
        let after = self.starts.partition_point(|(start, _)| *start <= position);
        self.starts.get(after.checked_sub(1)?).map(|(_, entry)| *entry)
    }

    /// The names of an entry's devices, `None` when one of them cannot be.
    fn expand_names(&mut self, ready: &Ready<'a>, pattern: &Pattern, start: u32) -> Option<Vec<Arc<str>>> {
        let (_, span) = ready.entry.name.as_ref()?;
        if pattern.count() == 1 && ready.count > 1 {
            let message =
                format!("`{}` would be the name of all {} devices of this entry", pattern.member(0), ready.count);
            self.diagnostics.push(Diagnostic::error(message).at(span.clone(), "").help(format!(
                "give the name a range, too: `{}-[1-{}]`",
                pattern.member(0),
                ready.count
            )));
            return None;
        }
        let mut names = Vec::with_capacity(usize::try_from(ready.count).unwrap_or(0));
        let mut text = String::new();
        let mut double: Option<(Arc<str>, u32)> = None;
        let mut doubles = 0_usize;
        for (index, position) in (0..ready.count).zip(start..) {
            text.clear();
            pattern.write(index, &mut text);
            if is_too_long(&text) {
                let message = format!("a device's name is {} bytes long; at most 200 fit", text.len());
                self.diagnostics.push(Diagnostic::error(message).at(span.clone(), ""));
                return None;
            }
            let name: Arc<str> = text.as_str().into();
            match self.resolved.positions.entry(name.clone()) {
                Slot::Vacant(free) => _ = free.insert(position),
                Slot::Occupied(taken) => {
                    doubles += 1;
                    double.get_or_insert((name.clone(), *taken.get()));
                }
            }
            names.push(name);
        }
        let Some((name, first)) = double else { return Some(names) };
        let more = if doubles > 1 { format!(", and {} more names with it", doubles - 1) } else { String::new() };
        let mut mistake =
            Diagnostic::error(format!("two devices have the name `{name}`{more}")).at(span.clone(), "the second");
        if let Some((_, other)) = self.entry_of(first).and_then(|entry| entry.name.as_ref())
            && other != span
        {
            mistake = mistake.at(other.clone(), "the first");
        }
        self.diagnostics.push(mistake.help("every device needs a name of its own"));
        None
    }

    fn expand_devices(
        &mut self,
        ready: &Ready<'a>,
        names: Vec<Arc<str>>,
        device_type: &Arc<DeviceType>,
        address: &Pattern,
        start: u32,
    ) {
        let entry = ready.entry;
        let Some((_, address_span)) = &entry.address else { return };
        let given: Vec<(&Given, &ParamSpec)> =
            ready.params.iter().filter_map(|one| Some((one, device_type.param(&one.name)?))).collect();
        let unit = UnitSource::of(device_type, &given);
        let ranged = given.iter().any(|(one, _)| matches!(one.value, GivenValue::Ranged(_)));
        let mut shared = Params::default();
        if !ranged && !given.is_empty() {
            shared = self.params_at(0, &given).unwrap_or_default();
        }
        let tags = self.tags_of(entry);
        let member = self.member_of(ready, device_type);
        let site = member.site.and_then(|site| self.written.sites.get(site.get())).map(|site| site.site.name.clone());

        let medium = device_type.link.medium_under(member.link.telnet);
        let mut text = String::new();
        let mut taken: Option<(u32, u32)> = None;
        for ((index, position), name) in (0..).zip(start..).zip(names) {
            text.clear();
            address.write(index, &mut text);
            let address = match Address::parse(&text, device_type.port) {
                Ok(address) => address,
                Err(wrong) => {
                    let which = if address.count() > 1 { format!("`{text}`: ") } else { String::new() };
                    self.diagnostics.push(Diagnostic::error(format!("{which}{wrong}")).at(address_span.clone(), ""));
                    return;
                }
            };
            let params = if ranged {
                let Some(params) = self.params_at(index, &given) else { return };
                params
            } else {
                shared.clone()
            };
            let key =
                Unit { address: address.clone(), device_type: Arc::as_ptr(device_type), value: unit.value(&params) };
            match self.units.entry(key) {
                Slot::Vacant(free) => _ = free.insert(position),
                Slot::Occupied(other) => _ = taken.get_or_insert((position, *other.get())),
            }
            self.resolved.devices.push(Device {
                name,
                address,
                device_type: device_type.name.clone(),
                site: site.clone(),
                tags: tags.clone(),
                params,
                medium,
            });
            self.resolved.members.push(member.clone());
        }
        if let Some((position, other)) = taken {
            self.report_taken(position, other, start, device_type, address_span);
        }
    }

    /// Two devices that nothing on the wire could tell apart.
    fn report_taken(&mut self, position: u32, other: u32, start: u32, device_type: &DeviceType, span: &Span) {
        let written = self.resolved.devices.len().saturating_sub((self.next - start) as usize);
        let Some(device) = self.resolved.devices.get(written + (position - start) as usize) else { return };
        let gateway = &device.address;
        let name = &device.name;
        let unit = device_type.unit_param.as_ref().and_then(|param| {
            let default = device_type.param(param).and_then(|spec| spec.default.as_ref());
            Some((param, device.params.get(param).or(default)?))
        });
        let message = match unit {
            Some((param, value)) => format!("`{name}` is a second device at `{gateway}` with `{param}` {value}"),
            None => format!("`{name}` is a second device at `{gateway}`"),
        };
        let help = match &device_type.unit_param {
            Some(param) => format!("devices that share a gateway need a `{param}` each: params = {{ {param} = … }}"),
            None => format!("a gateway has one device of type `{}`", device_type.name),
        };
        let mut mistake = Diagnostic::error(message).at(span.clone(), "the second");
        if let Some((_, first)) = self.entry_of(other).and_then(|entry| entry.address.as_ref())
            && first != span
        {
            mistake = mistake.at(first.clone(), "the first");
        }
        self.diagnostics.push(mistake.help(help));
    }

    fn params_at(&mut self, index: u64, given: &[(&Given, &ParamSpec)]) -> Option<Params> {
        let mut values = Vec::with_capacity(given.len());
        for (one, spec) in given {
            match one.at(index, spec) {
                Ok(value) => values.push((one.name.clone(), value)),
                Err(why) => {
                    self.diagnostics.push(Diagnostic::error(format!("`{}` {why}", one.name)).at(one.span.clone(), ""));
                    return None;
                }
            }
        }
        Some(values.into_iter().collect())
    }

    fn tags_of(&mut self, entry: &'a Entry<'a, 'a>) -> Arc<[Arc<str>]> {
        let own: &'a [&'a str] = &entry.layer.tags;
        if let Some(known) = self.tags.get(own) {
            return known.clone();
        }
        let mut all: Vec<Arc<str>> = Vec::new();
        for tag in self.written.defaults.tags.iter().chain(own) {
            let tag = self.tag_texts.entry(tag).or_insert_with(|| (*tag).into());
            if !all.contains(tag) {
                all.push(tag.clone());
            }
        }
        let all: Arc<[Arc<str>]> = all.into();
        self.tags.insert(own, all.clone());
        all
    }

    fn member_of(&mut self, ready: &Ready<'_>, device_type: &Arc<DeviceType>) -> Member {
        let layer = &ready.entry.layer;
        let defaults = &self.written.defaults;
        let site = ready.site.and_then(|site| self.written.sites.get(site.get()));
        let timing = layer.timing.over(site.map(|site| site.timing).unwrap_or_default()).over(defaults.timing);
        let timing = self.timings.entry(timing).or_insert_with(|| Arc::new(timing)).clone();
        Member { device_type: device_type.clone(), timing, link: layer.link.over(defaults.link), site: ready.site }
    }
}

/// Where the unit of a device comes from.
struct UnitSource<'d> {
    param: Option<&'d str>,
    default: Option<&'d ParamValue>,
}

impl<'d> UnitSource<'d> {
    fn of(device_type: &'d DeviceType, given: &[(&Given, &ParamSpec)]) -> Self {
        let param = device_type.unit_param.as_deref();
        let is_given = given.iter().any(|(one, _)| Some(&*one.name) == param);
        let default = param.and_then(|name| device_type.param(name)).and_then(|spec| spec.default.as_ref());
        Self { param: param.filter(|_| is_given), default }
    }

    fn value(&self, params: &Params) -> Option<ParamValue> {
        self.param.and_then(|name| params.get(name)).or(self.default).cloned()
    }
}
