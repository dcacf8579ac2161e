//! Which devices a selector means, and whether each of its terms means something.
//!
//! Every term must match something by itself. Under `not` a name, glob, range or tag may match nothing, which is a
//! warning; an unknown group, site or type never may. A group is judged in the place where it is used. All mistakes of an
//! expression are found, with the nearest known name for the first of them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use super::nearest::{near_device, near_or_all};
use super::set::DeviceSet;
use super::{Expression, SelectError, Selector, Term};
use crate::inventory::fleet::Fleet;
use crate::inventory::range::Pattern;
use crate::inventory::select::parse::Words;
use crate::model::fold_names;

/// So many unknown names are reported by themselves, with the nearest known one; the rest in one sentence.
const UNKNOWN_NAMES_SHOWN: usize = 10;

/// How deep groups may be made of groups: deeper ones are a mistake, and would use up the stack.
const DEEPEST: usize = 100;

/// So many missing members of a range are named.
const MISSING_NAMED: usize = 10_000;

/// The devices that were selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Positions in the inventory, ascending.
    pub positions: Vec<u32>,
    /// What the user should know: members of ranges that do not exist, terms under `not` that match nothing.
    pub warnings: Vec<String>,
}

impl Selection {
    /// Every device: what is meant without a selector.
    pub fn all(fleet: &Fleet) -> Self {
        Self { positions: DeviceSet::all(fleet.devices.len()).positions(), warnings: Vec::new() }
    }
}

/// Finds the devices that `selector` means.
///
/// # Errors
/// All terms that mean nothing, and a selection without a device.
pub fn resolve(selector: &Selector, fleet: &Fleet) -> Result<Selection, Vec<SelectError>> {
    let mut search = Search {
        fleet,
        index: OnceCell::new(),
        errors: Vec::new(),
        unknown_names: Vec::new(),
        warnings: Vec::new(),
        within: Vec::new(),
        groups: HashMap::new(),
    };
    let mut selected = DeviceSet::none(fleet.devices.len());
    search.add(&selector.expression, None, false, &mut selected);
    search.report_unknown_names();
    if !search.errors.is_empty() {
        search.errors.sort_by_key(|error| error.at.start);
        return Err(search.errors);
    }
    let positions = selected.positions();
    if positions.is_empty() {
        let mut terms = Vec::new();
        selector.expression.terms(&mut terms);
        let end = terms.iter().map(|(_, at)| at.end).max().unwrap_or(0);
        let message = "the selector matches no device".to_owned();
        return Err(vec![SelectError { at: 0..end, message, help: None }]);
    }
    Ok(Selection { positions, warnings: search.warnings })
}

/// Devices by what they have besides a name.
struct Index<'f> {
    tags: HashMap<&'f str, Vec<u32>>,
    types: HashMap<&'f str, Vec<u32>>,
    sites: HashMap<&'f str, Vec<u32>>,
}

struct Search<'f> {
    fleet: &'f Fleet,
    index: OnceCell<Index<'f>>,
    errors: Vec<SelectError>,
    unknown_names: Vec<(String, Range<usize>, String)>,
    warnings: Vec<String>,
    /// The groups that are being looked into, outermost first.
    within: Vec<&'f str>,
    /// What groups mean, and whether under `not`: groups made of groups are each looked into once, however often they
    /// are named, or thirty that name the next one twice would never end.
    groups: HashMap<(&'f str, bool), DeviceSet>,
}

impl<'f> Search<'f> {
    /// Adds what `expression` means. Within a group, mistakes are reported at its `place` in the user's own expression.
    fn add(&mut self, expression: &Expression, place: Option<&Range<usize>>, negated: bool, into: &mut DeviceSet) {
        let size = self.fleet.devices.len();
        match expression {
            Expression::Any(parts) => parts.iter().for_each(|part| self.add(part, place, negated, into)),
            Expression::All(parts) => {
                let mut common = DeviceSet::all(size);
                for part in parts {
                    let mut one = DeviceSet::none(size);
                    self.add(part, place, negated, &mut one);
                    common.cut(&one);
                }
                into.join(&common);
            }
            Expression::Not(inner) => {
                let mut rest = DeviceSet::none(size);
                self.add(inner, place, true, &mut rest);
                rest.invert();
                into.join(&rest);
            }
            Expression::Term { term, at } => self.add_term(term, place.unwrap_or(at), negated, into),
        }
    }

    fn add_term(&mut self, term: &Term, at: &Range<usize>, negated: bool, into: &mut DeviceSet) {
        match term {
            Term::Name(name) if name.is_glob() => self.add_glob(&name.text, at, negated, into),
            Term::Name(name) => match self.fleet.position(&name.text) {
                Some(position) => into.insert(position),
                None if negated => self.warn(&format!("no device is named `{}`", name.text)),
                None => self.unknown_names.push((name.text.clone(), at.clone(), self.in_group())),
            },
            Term::Range { text, pattern } => self.add_range(text, pattern, at, negated, into),
            Term::Group(name) => self.add_group(name, at, negated, into),
            Term::Tag(name) => {
                let found = find(&self.index().tags, name, into);
                let known = || self.index().tags.keys().copied().collect::<Vec<_>>();
                match found {
                    true => {}
                    false if negated => self.warn(&format!("no device has the tag `{}`", name.text)),
                    false => {
                        let help = near_or_all(&name.text, known())
                            .or_else(|| Some("no device has a tag".to_owned()).filter(|_| known().is_empty()));
                        self.fail(at, &format!("no device has the tag `{}`", name.text), help);
                    }
                }
            }
            Term::Site(name) => {
                let known: Vec<&str> = self.fleet.sites.iter().map(|site| &*site.name).collect();
                let found = find(&self.index().sites, name, into);
                self.judge_kind("site", name, &known, found, at, negated);
            }
            Term::Type(name) => {
                let known: Vec<&str> = self.fleet.known_types.iter().map(|name| &**name).collect();
                let found = find(&self.index().types, name, into);
                self.judge_kind("device type", name, &known, found, at, negated);
            }
        }
    }

    /// A site or type: one that does not exist is always a mistake, one without devices only where it selects.
    fn judge_kind(&mut self, what: &str, name: &Words, known: &[&str], found: bool, at: &Range<usize>, negated: bool) {
        if found {
            return;
        }
        let text = &name.text;
        let exists = known.iter().any(|known| if name.is_glob() { fits(text, known) } else { known == text });
        if !exists {
            let help = near_or_all(text, known.iter().copied());
            self.fail(at, &format!("unknown {what} `{text}`"), help);
        } else if negated {
            self.warn(&format!("no device has the {what} `{text}`"));
        } else {
            self.fail(at, &format!("no device has the {what} `{text}`"), None);
        }
    }

    fn add_glob(&mut self, glob: &str, at: &Range<usize>, negated: bool, into: &mut DeviceSet) {
        let mut found = false;
        for (position, device) in (0..).zip(self.fleet.devices.iter()) {
            if fits(glob, &device.name) {
                into.insert(position);
                found = true;
            }
        }
        if found {
            return;
        }
        let message = format!("no device's name matches `{glob}`");
        if negated {
            self.warn(&message);
        } else {
            let help = near_device(self.fleet, &glob.replace(['*', '?'], ""));
            self.fail(at, &message, help);
        }
    }

    fn add_range(&mut self, text: &str, pattern: &Pattern, at: &Range<usize>, negated: bool, into: &mut DeviceSet) {
        let mut missing = Vec::new();
        let mut missing_count = 0_u64;
        let mut name = String::new();
        for index in 0..pattern.count() {
            name.clear();
            pattern.write(index, &mut name);
            if let Some(position) = self.fleet.position(&name) {
                into.insert(position);
            } else {
                missing_count += 1;
                if missing.len() < MISSING_NAMED {
                    missing.push(name.clone());
                }
            }
        }
        if missing_count == 0 {
            return;
        }
        if missing_count == pattern.count() {
            let message = format!("no device of the range `{text}` exists");
            if negated {
                self.warn(&message);
            } else {
                let help = near_device(self.fleet, &pattern.member(0));
                self.fail(at, &message, help);
            }
            return;
        }
        let more = missing_count - missing.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = fold_names(missing.iter().map(String::as_str));
        self.warn(&format!("of the range `{text}` these devices do not exist: {named}{more}"));
    }

    fn add_group(&mut self, name: &str, at: &Range<usize>, negated: bool, into: &mut DeviceSet) {
        let fleet = self.fleet;
        let Some((name, group)) = fleet.groups.get_key_value(name) else {
            let help = near_or_all(name, fleet.groups.keys().map(|name| &**name))
                .or_else(|| Some("the inventory has no [groups]".to_owned()).filter(|_| fleet.groups.is_empty()));
            self.fail(at, &format!("unknown group `{name}`"), help);
            return;
        };
        if self.within.contains(&&**name) {
            self.fail(at, &format!("group `{name}` is made of itself"), None);
            return;
        }
        if self.within.len() == DEEPEST {
            self.fail(at, &format!("group `{name}` stands more than {DEEPEST} groups deep"), None);
            return;
        }
        if let Some(known) = self.groups.get(&(&**name, negated)) {
            into.join(known);
            return;
        }
        let mut meant = DeviceSet::none(fleet.devices.len());
        self.within.push(name);
        self.add(&group.selector.expression, Some(at), negated, &mut meant);
        self.within.pop();
        into.join(&meant);
        self.groups.insert((name, negated), meant);
    }

    fn index(&self) -> &Index<'f> {
        self.index.get_or_init(|| {
            let mut index = Index { tags: HashMap::new(), types: HashMap::new(), sites: HashMap::new() };
            for (position, device) in (0..).zip(self.fleet.devices.iter()) {
                index.types.entry(&device.device_type).or_default().push(position);
                for tag in device.tags.iter() {
                    index.tags.entry(tag).or_default().push(position);
                }
                if let Some(site) = &device.site {
                    index.sites.entry(site).or_default().push(position);
                }
            }
            index
        })
    }

    fn in_group(&self) -> String {
        self.within.last().map_or_else(String::new, |group| format!("in group `{group}`: "))
    }

    fn warn(&mut self, message: &str) {
        let message = format!("{}{message}", self.in_group());
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }

    fn fail(&mut self, at: &Range<usize>, message: &str, help: Option<String>) {
        let message = format!("{}{message}", self.in_group());
        self.errors.push(SelectError { at: at.clone(), message, help });
    }

    fn report_unknown_names(&mut self) {
        let mut unknown = std::mem::take(&mut self.unknown_names);
        let rest = unknown.split_off(unknown.len().min(UNKNOWN_NAMES_SHOWN));
        for (name, at, group) in unknown {
            let help = near_device(self.fleet, &name);
            self.errors.push(SelectError { at, message: format!("{group}no device is named `{name}`"), help });
        }
        if let (Some((_, first, _)), Some((_, last, _))) = (rest.first(), rest.last()) {
            let named = fold_names(rest.iter().map(|(name, _, _)| name.as_str()));
            let message = format!("nor are there devices with these {} names: {named}", rest.len());
            self.errors.push(SelectError { at: first.start..last.end.max(first.end), message, help: None });
        }
    }
}

/// Adds the devices under a name, or under all that a glob fits; whether there is one.
fn find(index: &HashMap<&str, Vec<u32>>, name: &Words, into: &mut DeviceSet) -> bool {
    let mut found = false;
    let mut add = |positions: &[u32]| {
        for &position in positions {
            into.insert(position);
        }
        found |= !positions.is_empty();
    };
    if name.is_glob() {
        index.iter().filter(|(known, _)| fits(&name.text, known)).for_each(|(_, positions)| add(positions));
    } else if let Some(positions) = index.get(name.text.as_str()) {
        add(positions);
    }
    found
}

/// Whether a glob fits a whole text: `*` any text, `?` one character.
fn fits(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    // After a star: the rest of the glob, and where in the text it is tried next.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = text.clone();
        match glob.clone().next() {
            Some('*') => {
                glob.next();
                retry = Some((glob.clone(), text.clone()));
                continue;
            }
            Some(wanted) if ahead.next().is_some_and(|c| wanted == '?' || wanted == c) => {
                glob.next();
                text = ahead;
                continue;
            }
            None if text.as_str().is_empty() => return true,
            _ => {}
        }
        let Some((rest, start)) = &mut retry else { return false };
        if start.next().is_none() {
            return false;
        }
        glob = rest.clone();
        text = start.clone();
    }
}
