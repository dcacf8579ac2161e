//! `fleetctl schedule install NAME`: puts units of systemd, or a task of Windows, in place.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use nix::unistd::{Uid, User};

use super::schedule::{find, shown};
use crate::cli::args::InventoryArg;
use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, print, say, shown_path};
use crate::report::FileSink;
use crate::schedule::{Entry, Installed, Installing, Planned, Unit, note, plan, systemd, task_scheduler};

/// Where systemd looks for units of the administrator.
const UNITS: &str = "/etc/systemd/system";

/// So many days ahead the differences are shown: both changes of a clock are among them.
const DAYS: i64 = 400;

pub(super) fn run(
    name: &str,
    output: Option<PathBuf>,
    windows: bool,
    inventory: &InventoryArg,
    terminal: &Terminal,
) -> ExitStatus {
    let Some((mut loaded, entries)) = find(inventory, Some(name), terminal) else { return ExitStatus::Usage };
    let Some(entry) = entries.first() else { return ExitStatus::Usage };
    let planned = plan(entry, &inventory.inventory, &inventory.types, &mut loaded);
    terminal.show(&loaded.diagnostics, &loaded.sources);
    let Some(planned) = planned else { return ExitStatus::Usage };
    let (installing, user) = match installing(inventory, &planned) {
        Ok(found) => found,
        Err(error) => return terminal.mistake(format!("cannot install `{name}`: {error}"), None),
    };
    let now = Timestamp::now();
    let made = if windows {
        let today = now.to_zoned(entry.calendar.zone.clone()).strftime("%Y-%m-%d").to_string();
        task_scheduler(entry, &installing, &today)
    } else {
        systemd(entry, &installing)
    };
    let installed = match made {
        Ok(installed) => installed,
        Err(error) => return terminal.mistake(format!("cannot install `{name}`: {error}"), None),
    };
    let state = installing.state_home.join("fleetctl");
    if !windows && let Err(error) = make_for(&user, &state) {
        return terminal.mistake(format!("cannot make the state folder `{}`: {error}", state.display()), None);
    }
    let folder = output.unwrap_or_else(|| PathBuf::from(if windows { "." } else { UNITS }));
    for unit in &installed.units {
        if let Err(error) = put(&folder, unit) {
            let path = folder.join(&unit.name);
            say(&format!("error: cannot write `{}`: {error}\n", shown_path(&path)));
            if folder == Path::new(UNITS) {
                say("help: write elsewhere with `--output DIR`, or run this as root\n");
            }
            return ExitStatus::Undelivered;
        }
    }
    print(&told(entry, &installed, &folder, windows, now))
}

/// What is the same for all units: absolute paths, and whose the runs are.
fn installing(inventory: &InventoryArg, planned: &Planned) -> io::Result<(Installing, User)> {
    let path = fs::canonicalize(&inventory.inventory)?;
    let mut writes_to: Vec<PathBuf> = Vec::new();
    let reports = planned.reports.iter().map(|report| report.path.clone());
    // Of a pattern of files the folder in which all of them are.
    let saved = planned.request.save.iter().map(|pattern| PathBuf::from(pattern.split('{').next().unwrap_or_default()));
    let is_folder = |path: &Path| path.as_os_str().to_string_lossy().ends_with('/');
    for file in reports.chain(saved) {
        let folder = if is_folder(&file) { Some(file.as_path()) } else { file.parent() };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder)
            .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", folder.display())))?;
        if !writes_to.contains(&folder) {
            writes_to.push(folder);
        }
    }
    let owner = Uid::from_raw(fs::metadata(&path)?.uid());
    let user = User::from_uid(owner)?.ok_or_else(|| io::Error::other(format!("there is no user {owner}")))?;
    let state_home = state_home(&user);
    writes_to.push(state_home.join("fleetctl"));
    let installing = Installing {
        program: std::env::current_exe()?,
        inventory: path,
        types: inventory.types.iter().map(fs::canonicalize).collect::<io::Result<_>>()?,
        writes_to,
        state_home,
        user: user.name.clone(),
    };
    Ok((installing, user))
}

/// Where runs that this user starts by hand keep what they remember; of another user what their login gives them.
fn state_home(user: &User) -> PathBuf {
    let own = |name: &str| {
        let value = std::env::var_os(name).filter(|_| user.uid == Uid::effective());
        value.map(PathBuf::from).filter(|path| path.is_absolute())
    };
    let in_home = || own("HOME").unwrap_or_else(|| user.dir.clone()).join(".local/state");
    own("XDG_STATE_HOME").unwrap_or_else(in_home)
}

/// Makes a folder that belongs to a user, as if they had made it: a sandbox can only open what is there.
fn make_for(user: &User, folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|one| !one.exists()).collect();
    for one in missing.into_iter().rev() {
        fs::DirBuilder::new().mode(0o700).create(one)?;
        if !Uid::effective().is_root() {
            continue;
        }
        chown(one, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(())
}

/// Puts a file in place, whole.
fn put(folder: &Path, unit: &Unit) -> io::Result<()> {
    let mut file = FileSink::create(&folder.join(&unit.name))?;
    file.write_all(&unit.bytes)?;
    file.commit()
}

/// What was written, how the other scheduler differs, and what is left to do.
fn told(entry: &Entry, installed: &Installed, folder: &Path, windows: bool, now: Timestamp) -> String {
    let mut told = Vec::new();
    for unit in &installed.units {
        told.push(format!("wrote {}\n", shown_path(&folder.join(&unit.name))));
    }
    for remark in &installed.remarks {
        told.push(format!("note: {remark}\n"));
    }
    let end = now.checked_add((DAYS * 24).hours()).unwrap_or(Timestamp::MAX);
    let runs = entry.calendar.after(now).take_while(|run| run.at <= end);
    for run in runs.filter(|run| !windows && note(entry, run, None).is_some_and(|note| note.systemd_differs)) {
        let run = shown(entry, &run, None);
        told.push(format!("note: {}: {}\n", run.at, run.note.unwrap_or_default()));
    }
    let last = installed.units.last().map(|unit| unit.name.as_str()).unwrap_or_default();
    if windows {
        let task = last.trim_end_matches(".xml");
        told.push(format!("to start it: schtasks /Create /TN \"{task}\" /XML \"{last}\"\n"));
    } else {
        told.push(format!("to start it: systemctl daemon-reload && systemctl enable --now '{last}'\n"));
    }
    told.concat()
}
