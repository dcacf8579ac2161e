//! Where a report goes: standard output, or a file that is put in place by a rename.
//!
//! The temporary file stands beside its target and is made before anything is sent, so that a folder that does not
//! exist is known in time; a reader of the target sees the old report or the whole new one, never a part. This is the
//! only place where reports write to standard output. A closed pipe there is an error like any other.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;

use super::{Format, UnknownFormat};

/// Where a report goes.
pub enum Sink {
    /// Standard output.
    Stdout(BufWriter<io::Stdout>),
    /// A file, put in place at the end.
    File(FileSink),
    /// Any other writer.
    Writer(Box<dyn Write + Send>),
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::new(io::stdout()))
    }

    /// Makes what was written visible to whoever follows; a file stays unseen until `finish`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(_) | Self::Writer(_) => self.flush(),
            Self::File(_) => Ok(()),
        }
    }

    /// Ends the report: what was written is complete, and a file is put in place.
    ///
    /// # Errors
    /// When it cannot be written or renamed.
    pub fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(_) | Self::Writer(_) => self.flush(),
            Self::File(file) => file.commit(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out) => out.write(bytes),
            Self::Writer(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            // `BufWriter` hands its bytes to `Stdout`, which keeps a line of its own: both are flushed here.
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
            Self::Writer(out) => out.flush(),
        }
    }
}

/// A file that appears whole or not at all; dropped without `commit` it leaves nothing behind.
pub struct FileSink {
    target: PathBuf,
    /// `None` once the file is in place.
    temporary: Option<BufWriter<NamedTempFile>>,
}

impl FileSink {
    /// Makes the temporary file beside `target`.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to, or when the target is anything but a regular file.
    pub fn create(target: &Path) -> io::Result<Self> {
        let not_a_file = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, format!("the target is {what}")));
        // A file of that name was never meant, and is a flag to whoever wants to remove it.
        if target == Path::new("-") {
            return not_a_file("standard output, which has a document of its own");
        }
        match fs::symlink_metadata(target) {
            Ok(found) if found.is_dir() => return not_a_file("a folder"),
            // Through a link the rename would replace the link, and a file elsewhere would silently stay old.
            Ok(found) if found.is_symlink() => return not_a_file("a symbolic link: name the file it points to"),
            Ok(found) if !found.is_file() => return not_a_file("no regular file"),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let Some(name) = target.file_name() else { return not_a_file("a folder") };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        // Readers of reports are often other users (monitoring): the umask decides, as for any file that a program writes.
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(plain)?;
        Ok(Self { target: target.to_owned(), temporary: Some(BufWriter::new(temporary)) })
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// When what is left cannot be written, or the rename fails; then nothing is left behind.
    pub fn commit(&mut self) -> io::Result<()> {
        let Some(writer) = self.temporary.take() else { return Ok(()) };
        let temporary = writer.into_inner().map_err(|error| plain(error.into_error()))?;
        temporary.as_file().sync_all()?;
        temporary.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.temporary {
            Some(out) => out.write(bytes).map_err(plain),
            None => Err(io::Error::other("the report is already in place")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_mut().map_or(Ok(()), Write::flush).map_err(plain)
    }
}

/// Whether two paths lead to one file, which need not exist: then their folders do.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    if one.file_name() != other.file_name() && !one.is_symlink() && !other.is_symlink() {
        return false;
    }
    let end = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        path.canonicalize()
            .or_else(|_| folder.canonicalize().map(|folder| folder.join(path.file_name().unwrap_or_default())))
    };
    matches!((end(one), end(other)), (Ok(one), Ok(other)) if one == other)
}

/// Without the name of the temporary file, which says nothing to whoever named the target.
fn plain(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((text, _)) => io::Error::new(error.kind(), text.to_owned()),
        None => error,
    }
}

/// `--report FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTarget {
    /// What is written.
    pub format: Format,
    /// Where.
    pub path: PathBuf,
}

/// Why a text is no `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no `=`, or nothing after it.
    #[error("write FORMAT=PATH, such as `json=night.json`")]
    Form,
    /// The format is unknown.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
}

impl FromStr for ReportTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.split_once('=') {
            Some((format, path)) if !path.is_empty() => Ok(Self { format: format.parse()?, path: path.into() }),
            _ => Err(TargetError::Form),
        }
    }
}

impl ReportTarget {
    /// How the report is named in errors.
    pub fn label(&self) -> String {
        format!("{} to `{}`", self.format.as_str(), self.path.display())
    }

    /// Makes its temporary file.
    ///
    /// # Errors
    /// See [`FileSink::create`].
    pub fn open(&self) -> io::Result<Sink> {
        FileSink::create(&self.path).map(Sink::File)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_at_the_end_and_readable_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("r.json");
        fs::write(&target, "old").unwrap();
        let plain = fs::metadata(&target).unwrap().permissions().mode();
        let mut sink = FileSink::create(&target).unwrap();
        sink.write_all(b"new").unwrap();
        sink.flush().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        sink.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode(), plain);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_report_that_is_given_up_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = FileSink::create(&dir.path().join("r.json")).unwrap();
        sink.write_all(b"part").unwrap();
        drop(sink);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        for target in
            [dir.path(), &link, Path::new("/dev/null"), Path::new("-"), Path::new(".."), &dir.path().join("no/r.json")]
        {
            assert!(FileSink::create(target).is_err(), "{}", target.display());
        }
    }

    #[test]
    fn two_paths_are_one_file_however_they_lead_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        fs::write(path("fleet.toml"), "").unwrap();
        std::os::unix::fs::symlink("fleet.toml", path("link.toml")).unwrap();
        std::os::unix::fs::symlink("sub", path("way")).unwrap();
        for (one, other) in [("fleet.toml", "sub/../fleet.toml"), ("link.toml", "fleet.toml"), ("sub/new", "way/new")] {
            assert!(is_same_file(&path(one), &path(other)), "{one} {other}");
            assert!(is_same_file(&path(other), &path(one)), "{other} {one}");
        }
        for (one, other) in [("fleet.toml", "new"), ("new", "sub/new"), ("no/new", "sub/../no/new"), ("..", "sub")] {
            assert!(!is_same_file(&path(one), &path(other)), "{one} {other}");
        }
    }

    #[test]
    fn who_named_a_folder_that_is_not_there_hears_nothing_of_temporary_files() {
        let dir = tempfile::tempdir().unwrap();
        let error = FileSink::create(&dir.path().join("no/r.json")).err().unwrap();
        assert_eq!(error.to_string(), "No such file or directory (os error 2)");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_target_is_a_format_and_a_path() {
        let target: ReportTarget = "csv=a=b.csv".parse().unwrap();
        assert_eq!((target.format, target.path), (Format::Csv, "a=b.csv".into()));
        assert_eq!("json".parse::<ReportTarget>().unwrap_err(), TargetError::Form);
        assert_eq!("json=".parse::<ReportTarget>().unwrap_err(), TargetError::Form);
        let error = "jsno=x".parse::<ReportTarget>().unwrap_err().to_string();
        assert_eq!(error, "`jsno` is no format; did you mean `json`?");
    }
}
