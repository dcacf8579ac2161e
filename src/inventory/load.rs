//! From a path to a fleet: reads the file, has it understood, and puts the result together.
//!
//! Touches files only here and in `secret.rs`. Every mistake of the file is collected; with one there is no fleet.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::expand::Resolved;
use super::fleet::{Fleet, Group};
use super::resolve::Resolver;
use super::schema::{DEVICE, Written, WrittenGroup, did_you_mean, inside};
use super::secret::{PlainSecrets, Secrets};
use super::select::{Expression, Term};
use crate::device_type::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, Pairs, SourceId, Sources, TomlCut, TomlTable, nearest, parse_toml};

/// What the whole file is called in messages.
const WHAT: &str = "the inventory";

/// What a device's table is called.
const TABLE: &str = "[[device]]";

/// Reads the inventory at `path`. `None` when there is an error among the `diagnostics`; warnings may be there anyway.
pub fn load(
    path: &Path,
    catalog: &Catalog,
    sources: &mut Sources,
    environment: &dyn Fn(&str) -> Option<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Fleet> {
    let text = match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes().iter().take(valid).filter(|&&byte| byte == b'\n').count();
                let message = format!("the inventory `{}` is no UTF-8 text: see line {line}", path.display());
                diagnostics.push(Diagnostic::error(message).help("save it as UTF-8"));
                return None;
            }
        },
        Err(error) => {
            let message = format!("cannot read the inventory `{}`: {error}", path.display());
            diagnostics.push(Diagnostic::error(message).help("name it with `--inventory FILE`"));
            return None;
        }
    };
    read(text, path, catalog, sources, environment, diagnostics)
}

/// Reads an inventory from its text; `path` names it in messages, and relative paths in it start at its folder.
pub fn read(
    text: impl Into<String>,
    path: &Path,
    catalog: &Catalog,
    sources: &mut Sources,
    environment: &dyn Fn(&str) -> Option<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Fleet> {
    let text = Arc::new(text.into());
    let source = sources.add_shared(path.display().to_string(), text.clone());
    let reading = Reading { text: &text, path, source, catalog, environment };
    let mut read = reading.cut().unwrap_or_else(|| reading.whole());
    for notification in read.fleet.iter_mut().flat_map(|fleet| &mut fleet.notifications) {
        notification.withhold(&read.variables);
    }
    sources.blot_out(source, &read.plain_secrets);
    diagnostics.extend(read.found);
    read.fleet
}

/// A text being read.
struct Reading<'a> {
    text: &'a str,
    path: &'a Path,
    source: SourceId,
    catalog: &'a Catalog,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

/// What a text says.
struct Read {
    fleet: Option<Fleet>,
    found: Diagnostics,
    /// What no picture of the text may show.
    plain_secrets: Vec<Range<usize>>,
    /// The environment variables in which secrets are kept.
    variables: Arc<[Box<str>]>,
}

impl Read {
    fn new(fleet: Option<Fleet>, found: Diagnostics, mut secrets: PlainSecrets<'_>) -> Self {
        Self { fleet, found, variables: secrets.variables(), plain_secrets: secrets.found() }
    }
}

impl Reading<'_> {
    /// Reads one device at a time; `None` when the text cannot be cut, and nothing is known of it then.
    fn cut(&self) -> Option<Read> {
        let cut = TomlCut::new(self.text, DEVICE)?;
        let rest = cut.rest()?;
        let mut plain_secrets = PlainSecrets::new(self.catalog);
        plain_secrets.visit(Pairs::Mapped(rest.get_ref()));
        let mut found = Diagnostics::default();
        let written = Written::read(TomlTable::new(&rest, self.source, WHAT), self.text, &mut found);
        let mut resolver = self.resolver(&written, cut.about(), &mut found);
        for table in cut.tables() {
            let table = table?;
            plain_secrets.visit(table.pairs());
            resolver.take(TomlTable::of_cut(&table, self.source, TABLE));
        }
        let resolved = resolver.finish();
        let fleet = self.fleet(written, resolved, &mut found);
        Some(Read::new(fleet, found, plain_secrets))
    }

    /// Reads the whole text at once.
    fn whole(&self) -> Read {
        let mut found = Diagnostics::default();
        let tree = parse_toml(self.text, self.source, &mut found);
        let mut plain_secrets = PlainSecrets::new(self.catalog);
        plain_secrets.visit(Pairs::Mapped(tree.get_ref()));
        if found.has_errors() {
            // What could not be read would be missed, and reported, a second time.
            plain_secrets.search(self.text);
            return Read::new(None, found, plain_secrets);
        }
        let mut written = Written::read(TomlTable::new(&tree, self.source, WHAT), self.text, &mut found);
        let devices = std::mem::take(&mut written.devices);
        let mut resolver = self.resolver(&written, devices.len(), &mut found);
        let mut is_empty = true;
        for device in devices {
            if let Some(table) = resolver.table(device, TABLE) {
                resolver.take(table);
                is_empty = false;
            }
        }
        let resolved = resolver.finish();
        if is_empty {
            found.push(Diagnostic::warning("the inventory has no `[[device]]`"));
        }
        let fleet = self.fleet(written, resolved, &mut found);
        Read::new(fleet, found, plain_secrets)
    }

    fn resolver<'r>(
        &'r self,
        written: &'r Written<'r, 'r>,
        entries: usize,
        found: &'r mut Diagnostics,
    ) -> Resolver<'r, 'r> {
        let secrets = Secrets::new(self.environment, self.path.parent().unwrap_or(Path::new("")));
        Resolver::new(self.catalog, written, (self.source, self.text), secrets, entries, found)
    }

    /// The fleet, if nothing is wrong with it.
    fn fleet(&self, written: Written<'_, '_>, resolved: Option<Resolved>, found: &mut Diagnostics) -> Option<Fleet> {
        judge_groups(&written, self.catalog, self.text, found);
        let resolved = resolved.filter(|_| !found.has_errors())?;
        let stem = self.path.file_stem().map_or("fleet".into(), |stem| stem.to_string_lossy());
        Some(Fleet {
            name: written.name.map_or_else(|| stem.into_owned(), str::to_owned),
            run: written.run,
            groups: written
                .groups
                .into_iter()
                .map(|WrittenGroup { name, text, span, selector }| {
                    (name.into(), Group { text: text.into(), span, selector })
                })
                .collect(),
            sites: written.sites.into_iter().map(|site| site.site).collect(),
            circuits: written.circuits,
            schedules: written.schedules,
            notifications: written.notifications,
            keep_history: written.keep_history,
            devices: resolved.devices.into(),
            members: resolved.members,
            positions: resolved.positions,
            known_types: self.catalog.names().map(Arc::from).collect(),
        })
    }
}

/// What is wrong with groups whatever the selection: circles are errors. Names that nothing has are warnings here, as a
/// group is judged when it is used.
fn judge_groups(written: &Written<'_, '_>, catalog: &Catalog, source: &str, diagnostics: &mut Diagnostics) {
    let by_name: HashMap<&str, &WrittenGroup<'_>> = written.groups.iter().map(|group| (group.name, group)).collect();
    let sites: Vec<&str> = written.sites.iter().map(|site| &*site.site.name).collect();
    let types: Vec<&str> = catalog.names().collect();
    let groups: Vec<&str> = written.groups.iter().map(|group| group.name).collect();
    let near_circles = near_circles(&by_name);
    for group in &written.groups {
        let mut terms = Vec::new();
        group.selector.expression.terms(&mut terms);
        for (term, at) in terms {
            let (what, name, known) = match term {
                Term::Group(name) => ("group", name, &groups),
                Term::Site(name) if !name.is_glob() => ("site", &name.text, &sites),
                Term::Type(name) if !name.is_glob() => ("device type", &name.text, &types),
                _ => continue,
            };
            if by_name.contains_key(name.as_str()) && what == "group" || known.contains(&name.as_str()) {
                continue;
            }
            let place = inside(&group.span, group.text, at.clone(), source);
            let mut warning =
                Diagnostic::warning(format!("group `{}` names the unknown {what} `{name}`", group.name)).at(place, "");
            warning.help = nearest(name, known.iter().copied()).map(did_you_mean);
            diagnostics.push(warning);
        }
        if near_circles.contains(group.name) && leads_to(&group.selector.expression, group.name, &by_name) {
            diagnostics.push(
                Diagnostic::error(format!("group `{}` is made of itself", group.name)).at(group.span.clone(), ""),
            );
        }
    }
}

/// The groups that are part of a circle or lead into one: those that are left when groups that are made of no other are
/// taken away, again and again. Nearly every inventory has none, and so its groups are walked once.
fn near_circles<'w>(groups: &HashMap<&'w str, &'w WrittenGroup<'w>>) -> HashSet<&'w str> {
    let mut made_of: HashMap<&str, usize> = groups.keys().map(|name| (*name, 0)).collect();
    let mut makes: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, group) in groups {
        let mut terms = Vec::new();
        group.selector.expression.terms(&mut terms);
        for (term, _) in terms {
            if let Term::Group(other) = term
                && groups.contains_key(other.as_str())
            {
                makes.entry(other).or_default().push(name);
                *made_of.entry(name).or_default() += 1;
            }
        }
    }
    let mut left: HashSet<&'w str> = groups.keys().copied().collect();
    let mut bare: Vec<&str> = groups.keys().copied().filter(|name| made_of.get(name) == Some(&0)).collect();
    while let Some(name) = bare.pop() {
        left.remove(name);
        for user in makes.remove(name).unwrap_or_default() {
            let count = made_of.entry(user).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 {
                bare.push(user);
            }
        }
    }
    left
}

/// Whether `wanted` is among the groups that `start` is made of, directly or through others.
fn leads_to(start: &Expression, wanted: &str, groups: &HashMap<&str, &WrittenGroup<'_>>) -> bool {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut waiting = vec![start];
    while let Some(expression) = waiting.pop() {
        let mut terms = Vec::new();
        expression.terms(&mut terms);
        for (term, _) in terms {
            let Term::Group(name) = term else { continue };
            if name == wanted {
                return true;
            }
            if let Some(group) = groups.get(name.as_str())
                && seen.insert(group.name)
            {
                waiting.push(&group.selector.expression);
            }
        }
    }
    false
}
