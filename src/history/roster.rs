//! The devices of a run as they are kept: once for all runs over the same devices.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::model::{Device, SharedDevices};

/// A device as it was: name, address, type, site, tags.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Entry(
    pub(super) Arc<str>,
    pub(super) String,
    pub(super) Arc<str>,
    pub(super) Option<Arc<str>>,
    pub(super) Vec<Arc<str>>,
);

impl Entry {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.0
    }
}

/// Devices as entries, each made when it is written.
struct Listed<'d>(&'d [Device]);

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|device| {
            let Device { name, address, device_type, site, tags, .. } = device;
            (name.as_str(), address.to_string(), device_type, site, tags)
        }))
    }
}

/// Keeps the devices of a run, which have this digest, and gives the number under which they are found.
pub(super) fn keep(connection: &Connection, devices: &[Device], digest: &Digest) -> rusqlite::Result<i64> {
    let known = "SELECT id FROM roster WHERE digest = ?1";
    let found = connection.query_row(known, [digest.as_slice()], |row| row.get(0)).optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let text = serde_json::to_string(&Listed(devices))
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection.execute("INSERT INTO roster (digest, devices) VALUES (?1, ?2)", (digest.as_slice(), text))?;
    Ok(connection.last_insert_rowid())
}

/// By what the same devices are known again: SHA-256 of everything that an entry says, a NUL behind each text, as no name
/// has one in it, and the end of a line behind each device. An earlier version took that of the JSON, which is more to
/// write than to hash; what it kept is kept a second time.
pub(super) fn digest(devices: &[Device]) -> Digest {
    let mut hash = Sha256::new();
    let mut text = String::with_capacity(PIECE + 1024);
    for device in devices {
        text.push_str(&device.name);
        text.push('\0');
        device.address.push_shown(&mut text);
        text.push('\0');
        let (kind, site) = (&*device.device_type, device.site.as_deref().unwrap_or_default());
        for part in [kind, site].into_iter().chain(device.tags.iter().map(|tag| &**tag)) {
            text.push_str(part);
            text.push('\0');
        }
        text.push('\n');
        if text.len() >= PIECE {
            hash.update(&text);
            text.clear();
        }
    }
    hash.update(&text);
    hash.finalize().into()
}

/// See [`digest`].
pub(super) type Digest = [u8; 32];

/// The digest of the devices that were asked about last: a run looks for its devices before it starts, and keeps the same
/// ones when it does.
#[derive(Debug, Default)]
pub(super) struct Digested(RefCell<Option<(SharedDevices, Digest)>>);

impl Digested {
    /// The digest of these.
    pub(super) fn of(&self, devices: &SharedDevices) -> Digest {
        let mut last = self.0.borrow_mut();
        match &*last {
            Some((same, digest)) if Arc::ptr_eq(same, devices) => *digest,
            _ => last.insert((devices.clone(), digest(devices))).1,
        }
    }
}

/// So many bytes are hashed at once.
const PIECE: usize = 16 * 1024;

/// Reads rosters, each once.
#[derive(Default)]
pub(super) struct Rosters(HashMap<i64, Arc<[Entry]>>);

impl Rosters {
    /// The devices of this number; none where they cannot be read.
    pub(super) fn get(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Arc<[Entry]>> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let asked = "SELECT devices FROM roster WHERE id = ?1";
        let text: Option<String> = connection.query_row(asked, [id], |row| row.get(0)).optional()?;
        let text = text.unwrap_or_else(|| "[]".to_owned());
        let entries: Vec<Entry> = serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
        let entries: Arc<[Entry]> = entries.into();
        self.0.insert(id, entries.clone());
        Ok(entries)
    }
}

/// Of an entry, its name alone.
#[derive(Deserialize)]
struct Named<'a>(#[serde(borrow)] Cow<'a, str>, IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny);

/// Where the devices of a roster stand among others.
pub(super) enum Places {
    /// They are the same, in the same order.
    Same,
    /// By place in the roster; `None`: they do not have it.
    Each(Vec<Option<u32>>),
}

impl Places {
    /// The place of the device that is at this one in the roster.
    pub(super) fn of(&self, place: usize) -> Option<usize> {
        match self {
            Self::Same => Some(place),
            Self::Each(places) => places.get(place).copied().flatten().map(|place| place as usize),
        }
    }
}

/// Finds the devices of a roster, by their names, among others, which have this digest; `by_name` is asked only where they
/// differ.
pub(super) fn places<'m>(
    connection: &Connection,
    id: i64,
    devices: &[Device],
    digest: &Digest,
    by_name: impl FnOnce() -> &'m HashMap<&'m str, u32>,
) -> rusqlite::Result<Places> {
    let is_same = "SELECT digest = ?2 FROM roster WHERE id = ?1";
    match connection.query_row(is_same, (id, digest.as_slice()), |row| row.get(0)).optional()? {
        Some(true) => return Ok(Places::Same),
        Some(false) => {}
        None => return Ok(Places::Each(Vec::new())),
    }
    let mut asked = connection.prepare_cached("SELECT devices FROM roster WHERE id = ?1")?;
    let mut rows = asked.query([id])?;
    let Some(row) = rows.next()? else { return Ok(Places::Each(Vec::new())) };
    let names: Vec<Named<'_>> = serde_json::from_str(row.get_ref(0)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
    if names.len() == devices.len() && names.iter().zip(devices).all(|(name, device)| *name.0 == *device.name) {
        return Ok(Places::Same);
    }
    let known = by_name();
    Ok(Places::Each(names.iter().map(|name| known.get(&*name.0).copied()).collect()))
}
