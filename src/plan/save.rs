//! `--save "db/{name}.db"`: which device's file goes where, checked before anything is sent.
//!
//! A device's name is one component of a path and nothing else: it cannot lead out of the folder, hide a file or look
//! like an option. Two devices never share a file, also not one that differs in case only, since some file systems
//! cannot tell them apart. Whether a folder takes files is tried with one that has no name.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::asked::Asked;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use crate::model::{Device, fold_names};

/// The longest name that may be part of a file name, in bytes: with an ending it still fits into 255.
const MOST_NAME: usize = 200;

/// Parts of a pattern.
enum Part<'p> {
    Text(&'p str),
    Name,
    Type,
    Site,
}

/// The file of every device, or every reason why not.
pub(super) fn save_targets(
    pattern: &str,
    devices: &[Device],
    asked: Asked<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<PathBuf>> {
    let before = diagnostics.error_count();
    let parts = parse(pattern, asked, sources, diagnostics)?;
    let mut refused: Vec<&str> = Vec::new();
    let mut siteless: Vec<&str> = Vec::new();
    let mut targets = Vec::with_capacity(devices.len());
    for device in devices {
        let mut path = String::new();
        for part in &parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Name => {
                    if !is_component(&device.name) {
                        refused.push(&device.name);
                    }
                    path.push_str(&device.name);
                }
                Part::Type => path.push_str(&device.device_type),
                Part::Site => match device.site.as_deref() {
                    Some(site) if is_component(site) => path.push_str(site),
                    Some(site) => refused.push(site),
                    None => siteless.push(&device.name),
                },
            }
        }
        targets.push(PathBuf::from(path));
    }
    if !refused.is_empty() {
        diagnostics.push(
            mistake(asked, &format!("no file can be named after {}", fold_names(refused.iter().copied())))
                .help("a name that becomes part of a path has no `/`, no leading dot or dash, and at most 200 bytes"),
        );
    }
    if !siteless.is_empty() {
        let names = fold_names(siteless.iter().copied());
        diagnostics.push(mistake(asked, &format!("no site stands for `{{site}}` at {names}")));
    }
    // A path that came of a name that is refused leads to folders that nobody meant.
    let are_meant = refused.is_empty() && siteless.is_empty();
    check_owners(&targets, devices, asked, diagnostics);
    if are_meant {
        check_folders(&targets, asked, diagnostics);
    }
    (diagnostics.error_count() == before).then_some(targets)
}

/// A mistake about the place for files.
fn mistake(asked: Asked<'_>, text: &str) -> Diagnostic {
    asked.at_save(Diagnostic::error(format!("{}: {text}", asked.save())))
}

fn parse<'p>(
    pattern: &'p str,
    asked: Asked<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Part<'p>>> {
    let mut wrong = |range: Range<usize>, message: &str, help: Option<String>| {
        let place = asked.in_save(pattern, range, sources);
        let mut mistake = Diagnostic::error(format!("{}: {message}", asked.save())).at(place, "");
        mistake.help = help;
        diagnostics.push(mistake);
    };
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some((text, after)) = rest.split_once('{') {
        let at = pattern.len() - after.len() - 1;
        let Some((hole, after)) = after.split_once('}') else {
            wrong(at..pattern.len(), "the brace is not closed", None);
            return None;
        };
        parts.push(Part::Text(text));
        parts.push(match hole {
            "name" => Part::Name,
            "type" => Part::Type,
            "site" => Part::Site,
            other => {
                let known = ["name", "type", "site"];
                let help = nearest(other, known).map(|near| format!("did you mean `{{{near}}}`?"));
                let help = help.unwrap_or_else(|| "known are {name}, {type} and {site}".to_owned());
                let end = at + other.len() + 2;
                wrong(at..end, &format!("there is no `{{{other}}}`"), Some(help));
                return None;
            }
        });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Some(parts)
}

/// Whether a text may stand in a path as one component or a part of one.
fn is_component(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MOST_NAME
        && !text.starts_with(['.', '-'])
        && !text.contains(['/', '\\', '\0'])
        && !text.chars().any(char::is_control)
}

/// No two devices may have one file, however their paths lead to it.
fn check_owners(targets: &[PathBuf], devices: &[Device], asked: Asked<'_>, diagnostics: &mut Diagnostics) {
    let mut folders: HashMap<&Path, PathBuf> = HashMap::new();
    let mut owners: HashMap<String, (&Path, Vec<&str>)> = HashMap::new();
    for (target, device) in targets.iter().zip(devices) {
        let folder = target.parent().unwrap_or(target);
        // Two folders may be one, by a link. One that is not there is spoken of elsewhere.
        let real = folders.entry(folder).or_insert_with(|| folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
        let file = real.join(target.file_name().unwrap_or_default()).to_string_lossy().to_lowercase();
        owners.entry(file).or_insert_with(|| (target, Vec::new())).1.push(&device.name);
    }
    let mut shared: Vec<(&Path, Vec<&str>)> = owners.into_values().filter(|(_, names)| names.len() > 1).collect();
    shared.sort_unstable();
    for (path, names) in shared {
        let names = fold_names(names.iter().copied());
        diagnostics.push(
            mistake(asked, &format!("{names} would all be saved as `{}`", path.display()))
                .help("write `{name}` where the devices' files are to differ"),
        );
    }
}

/// Folders must be there; what is there already must be a plain file that may be replaced.
fn check_folders(targets: &[PathBuf], asked: Asked<'_>, diagnostics: &mut Diagnostics) {
    let mut folders: Vec<&Path> = targets.iter().filter_map(|target| target.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !shown.is_dir() {
            diagnostics.push(
                mistake(asked, &format!("there is no folder `{}`", shown.display()))
                    .help("make it first; nothing was sent"),
            );
        } else if let Err(error) = tempfile::tempfile_in(shown) {
            let text = format!("no file can be made in `{}`: {}", shown.display(), error.kind());
            diagnostics.push(mistake(asked, &text));
        }
    }
    for target in targets {
        let text = match std::fs::symlink_metadata(target) {
            _ if target.file_name().is_none() => "is no plain file".to_owned(),
            _ if target == Path::new("-") => "stands for standard output, which has a document of its own".to_owned(),
            Ok(found) if !found.is_file() => "is no plain file".to_owned(),
            // Without its folder, which was spoken of above, a file is not found either.
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                format!("cannot be written: {}", error.kind())
            }
            _ => continue,
        };
        diagnostics.push(mistake(asked, &format!("`{}` {text}", target.display())));
    }
}
