//! Makes the devices that the entries stand for: ranges expanded element by element.
//!
//! Finds what only shows then: names and units that come twice, addresses and values that a range makes wrong. A mistake
//! is reported once for an entry and cause, not for each of its devices. After a mistake there may be fewer devices than
//! names; without one their positions are the same.

use std::ops::Range;
use std::sync::Arc;

use smol_str::SmolStr;

use super::entry::{Ready, Words};
use super::fleet::Member;
use super::params::{Given, GivenValue};
use super::positions::Positions;
use super::schema::is_too_long;
use crate::device_type::{DeviceType, ParamSpec};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Span};
use crate::model::{Address, Device, ParamValue, Params};

/// The devices of a file, as far as they can be had.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) devices: Vec<Device>,
    pub(super) members: Vec<Arc<Member>>,
    pub(super) positions: Positions,
}

/// The first name and the first device of an entry, to find a device's entry again, and where both are written.
struct Origin {
    first_name: u32,
    first_device: u32,
    name: Range<usize>,
    address: Range<usize>,
}

/// Turns entries into devices, one after another.
pub(super) struct Expander {
    source: SourceId,
    /// All names, those of entries with mistakes too.
    names: Vec<SmolStr>,
    units: Positions,
    origins: Vec<Origin>,
    /// Parameters that have been put together last: entries without their own share those of `[defaults]`.
    params: Option<(Arc<[Given]>, Params)>,
    resolved: Resolved,
}

impl Expander {
    /// `entries` is about how many there are.
    pub(super) fn new(source: SourceId, entries: usize) -> Self {
        let resolved = Resolved {
            devices: Vec::with_capacity(entries),
            members: Vec::with_capacity(entries),
            positions: Positions::with_capacity(entries),
        };
        Self {
            source,
            names: Vec::with_capacity(entries),
            units: Positions::with_capacity(entries),
            origins: Vec::with_capacity(entries),
            params: None,
            resolved,
        }
    }

    /// Makes room for `total` devices in all.
    pub(super) fn reserve(&mut self, total: usize) {
        let more = total.saturating_sub(self.names.len());
        self.names.reserve(more);
        self.resolved.devices.reserve(more);
        self.resolved.members.reserve(more);
        let (names, resolved) = (&self.names, &mut self.resolved);
        resolved.positions.reserve(more, |place| names.get(place as usize));
        let resolved = &self.resolved;
        self.units.reserve(more, |place| unit(resolved, place));
    }

    pub(super) fn finish(self) -> Resolved {
        self.resolved
    }

    pub(super) fn expand(&mut self, ready: &Ready<'_>, diagnostics: &mut Diagnostics) {
        let Some((name, name_span)) = &ready.name else { return };
        let address_span = ready.address.as_ref().map_or(0..0, |(_, span)| span.range.clone());
        let first_name = self.names.len();
        self.origins.push(Origin {
            first_name: position(first_name),
            first_device: position(self.resolved.devices.len()),
            name: name_span.range.clone(),
            address: address_span,
        });
        let is_named = self.expand_names(name, name_span, ready.count, diagnostics);
        if let (true, Some(member), Some((address, span))) = (is_named, &ready.member, &ready.address) {
            self.expand_devices(ready, first_name, member, address, span, diagnostics);
        }
    }

    /// Names an entry's devices; whether all of them can be had.
    fn expand_names(&mut self, words: &Words<'_>, span: &Span, count: u64, diagnostics: &mut Diagnostics) -> bool {
        if words.count() == 1 && count > 1 {
            let name = words.first();
            diagnostics.push(
                Diagnostic::error(format!("`{name}` would be the name of all {count} devices of this entry"))
                    .at(span.clone(), "")
                    .help(format!("give the name a range, too: `{name}-[1-{count}]`")),
            );
            return false;
        }
        let mut each = words.each();
        let mut double: Option<(u32, u32)> = None;
        let mut doubles = 0_usize;
        for _ in 0..count {
            let name = each.advance();
            if is_too_long(name) {
                let message = format!("a device's name is {} bytes long; at most 200 fit", name.len());
                diagnostics.push(Diagnostic::error(message).at(span.clone(), ""));
                return false;
            }
            let place = position(self.names.len());
            self.names.push(name.into());
            let names = &self.names;
            if let Some(other) = self.resolved.positions.insert(place, |place| names.get(place as usize)) {
                doubles += 1;
                double.get_or_insert((place, other));
            }
        }
        let Some((place, other)) = double else { return true };
        let name = self.names.get(place as usize).map_or("", |name| name);
        let more = if doubles > 1 { format!(", and {} more names with it", doubles - 1) } else { String::new() };
        let mut mistake =
            Diagnostic::error(format!("two devices have the name `{name}`{more}")).at(span.clone(), "the second");
        let origin = self.origins.partition_point(|origin| origin.first_name <= other);
        if let Some(first) = self.origin_before(origin).map(|origin| self.span(&origin.name))
            && first != *span
        {
            mistake = mistake.at(first, "the first");
        }
        diagnostics.push(mistake.help("every device needs a name of its own"));
        false
    }

    fn expand_devices(
        &mut self,
        ready: &Ready<'_>,
        first_name: usize,
        member: &Arc<Member>,
        address: &Words<'_>,
        address_span: &Span,
        diagnostics: &mut Diagnostics,
    ) {
        let device_type = &member.device_type;
        let given: Vec<(&Given, &ParamSpec)> =
            ready.params.iter().filter_map(|one| Some((one, device_type.param(&one.name)?))).collect();
        let ranged = given.iter().any(|(one, _)| matches!(one.value, GivenValue::Ranged(_)));
        let shared = if ranged { None } else { self.params_of_all(&ready.params, &given, device_type, diagnostics) };
        let medium = device_type.link.medium_under(member.link.telnet);
        let mut each = address.each();
        let mut taken: Option<(u32, u32)> = None;
        for (index, name) in (0..ready.count).zip(first_name..) {
            let written = each.advance();
            let gateway = match Address::parse(written, device_type.port) {
                Ok(gateway) => gateway,
                Err(wrong) => {
                    let which = if address.count() > 1 { format!("`{written}`: ") } else { String::new() };
                    diagnostics.push(Diagnostic::error(format!("{which}{wrong}")).at(address_span.clone(), ""));
                    return;
                }
            };
            let params = match &shared {
                Some(params) => params.clone(),
                None => match params_at(index, &given) {
                    Ok(params) => match misfit(device_type, &params, &ready.params) {
                        Some(mistake) => return diagnostics.push(mistake),
                        None => params,
                    },
                    Err(mistake) => return diagnostics.push(mistake),
                },
            };
            let Some(name) = self.names.get(name).cloned() else { return };
            let place = position(self.resolved.devices.len());
            self.resolved.members.push(member.clone());
            self.resolved.devices.push(Device {
                name,
                address: gateway,
                device_type: device_type.name.clone(),
                site: ready.site.clone(),
                tags: ready.tags.clone(),
                params,
                medium,
            });
            if let Some(other) = self.units.insert(place, |place| unit(&self.resolved, place)) {
                taken.get_or_insert((place, other));
            }
        }
        if let Some((place, other)) = taken {
            self.report_taken(place, other, device_type, address_span, diagnostics);
        }
    }

    /// The parameters of an entry without ranges among them.
    fn params_of_all(
        &mut self,
        all: &Arc<[Given]>,
        given: &[(&Given, &ParamSpec)],
        device_type: &DeviceType,
        diagnostics: &mut Diagnostics,
    ) -> Option<Params> {
        if let Some((known, params)) = &self.params
            && Arc::ptr_eq(known, all)
        {
            return Some(params.clone());
        }
        let params = params_at(0, given).ok()?;
        if let Some(mistake) = misfit(device_type, &params, all) {
            diagnostics.push(mistake);
        }
        self.params = Some((all.clone(), params.clone()));
        Some(params)
    }

    /// Two devices that nothing on the wire could tell apart.
    fn report_taken(
        &self,
        place: u32,
        other: u32,
        device_type: &DeviceType,
        span: &Span,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(device) = self.resolved.devices.get(place as usize) else { return };
        let (name, gateway) = (&device.name, &device.address);
        let message = match device_type.unit_param.as_ref().zip(unit_value(device, device_type)) {
            Some((param, value)) => format!("`{name}` is a second device at `{gateway}` with `{param}` {value}"),
            None => format!("`{name}` is a second device at `{gateway}`"),
        };
        let help = match &device_type.unit_param {
            Some(param) => format!("devices that share a gateway need a `{param}` each: params = {{ {param} = … }}"),
            None => format!("a gateway has one device of type `{}`", device_type.name),
        };
        let mut mistake = Diagnostic::error(message).at(span.clone(), "the second");
        let origin = self.origins.partition_point(|origin| origin.first_device <= other);
        if let Some(first) = self.origin_before(origin).map(|origin| self.span(&origin.address))
            && first != *span
        {
            mistake = mistake.at(first, "the first");
        }
        diagnostics.push(mistake.help(help));
    }

    fn origin_before(&self, after: usize) -> Option<&Origin> {
        self.origins.get(after.checked_sub(1)?)
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span { source: self.source, range: range.clone() }
    }
}

/// A place in a list that has at most [`super::MOST_DEVICES`].
fn position(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn params_at(index: u64, given: &[(&Given, &ParamSpec)]) -> Result<Params, Diagnostic> {
    if given.is_empty() {
        return Ok(Params::default());
    }
    given
        .iter()
        .map(|(one, spec)| match one.at(index, spec) {
            Ok(value) => Ok((one.name.clone(), value)),
            Err(why) => Err(Diagnostic::error(format!("`{}` {why}", one.name)).at(one.span.clone(), "")),
        })
        .collect()
}

/// A value that the type could not write to the device.
fn misfit(device_type: &DeviceType, params: &Params, given: &[Given]) -> Option<Diagnostic> {
    let (name, why) = device_type.misfit(params)?;
    let mistake = Diagnostic::error(format!("`{name}`: {why}"));
    Some(match given.iter().find(|one| one.name == name) {
        Some(one) => mistake.at(one.span.clone(), ""),
        None => mistake,
    })
}

/// What tells the devices of one type at one gateway apart.
fn unit(resolved: &Resolved, place: u32) -> Option<(&Address, *const DeviceType, Option<&ParamValue>)> {
    let device = resolved.devices.get(place as usize)?;
    let device_type = &resolved.members.get(place as usize)?.device_type;
    Some((&device.address, Arc::as_ptr(device_type), unit_value(device, device_type)))
}

/// The device's value of its type's unit parameter.
fn unit_value<'d>(device: &'d Device, device_type: &'d DeviceType) -> Option<&'d ParamValue> {
    let param = device_type.unit_param.as_deref()?;
    device.params.get(param).or_else(|| device_type.param(param)?.default.as_ref())
}
