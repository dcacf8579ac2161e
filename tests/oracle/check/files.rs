//! I15: what stands in place of a device that is `ok` is what that device sent, whole, to the last request; for any other
//! nothing has changed, and nothing is left that was only begun.

use sha2::{Digest as _, Sha256};

use super::Findings;
use super::case::{Case, Told};
use crate::play::Played;
use crate::shelf::{self, Saved};
use crate::told::hex;
use crate::world::{HEADER, Meaning};

/// Checks I15.
pub(super) fn check(case: &Case<'_>, played: &Played, findings: &mut Findings) {
    for device in &case.devices {
        let told = &device.report;
        let is_saved = played.saved.is_some() && told.status == "ok";
        findings.expect(told.file.is_some() == is_saved, "I15", &told.name, || {
            format!("`{}` with `file` {:?}", told.status, told.file)
        });
    }
    let Some(saved) = &played.saved else { return };
    let file_of =
        |name: &String| case.night.order.iter().any(|&one| shelf::file(&case.night.device(one).1.name) == *name);
    for name in saved.after.keys().filter(|name| !file_of(name)) {
        findings.expect(false, "I15", name, || "stands there, and is nobody's file".to_owned());
    }
    for &place in &case.night.order {
        let name = &case.night.device(place).1.name;
        match case.devices.iter().find(|device| device.who == place && device.report.status == "ok") {
            Some(device) => is_as_sent(case, device, saved, findings),
            None => is_as_before(name, saved, findings),
        }
    }
}

/// The file of a device that is `ok`.
fn is_as_sent(case: &Case<'_>, device: &Told<'_>, saved: &Saved, findings: &mut Findings) {
    let (told, name) = (&device.report, shelf::file(&device.report.name));
    let files = case
        .truth
        .messages
        .iter()
        .filter(|one| one.who == Some(device.who) && one.meaning == Meaning::File && one.is_read());
    let Some(sent) = files.max_by_key(|one| one.read_seq).map(|one| &one.bytes[HEADER..]) else {
        findings.expect(false, "I15", &told.name, || "`ok`, and it has sent no whole file".to_owned());
        return;
    };
    let stands = saved.after.get(&name);
    findings.expect(stands.is_some_and(|stands| stands == sent), "I15", &told.name, || {
        let length = stands.map(Vec::len);
        format!("its file has {length:?} bytes and is not the one of {} bytes that it sent", sent.len())
    });
    let Some(file) = &told.file else { return };
    let path = format!("{}/{name}", shelf::NAME);
    let digest = hex(&Sha256::digest(sent)).replace(' ', "");
    let is_so = file.path == path && file.bytes == sent.len() && file.sha256 == digest;
    findings.expect(is_so, "I15", &told.name, || {
        format!("told of {file:?}, it sent {} bytes with {digest} for {path}", sent.len())
    });
}

/// The file of any other.
fn is_as_before(name: &str, saved: &Saved, findings: &mut Findings) {
    let file = shelf::file(name);
    let (before, after) = (saved.before.get(&file), saved.after.get(&file));
    findings.expect(before == after, "I15", name, || {
        let (before, after) = (before.map(Vec::len), after.map(Vec::len));
        format!("it is not `ok`, and of its file {before:?} bytes stood there before, {after:?} stand there now")
    });
}
