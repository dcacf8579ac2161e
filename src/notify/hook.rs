//! A program of the operator's own, told on its standard input.
//!
//! Started without a shell, in the inventory's folder, in a process group of its own, so that its children end with it
//! when it takes too long. What it prints on stdout is dropped (ours carries a document), its stderr is ours. It inherits
//! our environment without the variables in which the inventory keeps secrets: it is told of a run, not of passwords.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

use super::SendError;

/// A program that takes longer is ended.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// The processes of a program; ended when dropped, unless the program has come to its own end.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        // It may have ended meanwhile, which is what is wanted.
        _ = self.0.map(|group| killpg(group, Signal::SIGKILL));
    }
}

/// Runs the program with `body` on its standard input and without the variables `withheld`, at most until `deadline` and
/// at most [`LONGEST`].
pub(super) async fn run(
    argv: &[Arc<str>],
    withheld: &[Box<str>],
    folder: &Path,
    body: &str,
    deadline: Instant,
) -> Result<(), SendError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(SendError::Internal("a command without a program".to_owned()));
    };
    let begun = Instant::now();
    let until = deadline.min(begun + LONGEST);
    let mut child = start(program, arguments, withheld, folder)
        .map_err(|source| SendError::Start { program: program.to_string(), source })?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let input = child.stdin.take();
    let tell = async {
        if let Some(mut input) = input {
            match input.write_all(body.as_bytes()).await {
                // One that has heard enough is no mistake: its exit status tells.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                Err(error) => tracing::debug!("`{program}` could not be told all: {error}"),
                Ok(()) => {}
            }
        }
        // Its end is waited for, not that of whoever else holds its input.
        std::future::pending::<()>().await;
    };
    let status = tokio::select! {
        status = timeout_at(until, child.wait()) => status,
        () = tell => return Err(SendError::Internal("an endless wait ended".to_owned())),
    };
    match status {
        Ok(Ok(status)) => {
            group.0 = None;
            if status.success() { Ok(()) } else { Err(SendError::Failed { program: program.to_string(), status }) }
        }
        Ok(Err(source)) => Err(SendError::Start { program: program.to_string(), source }),
        Err(_) => {
            let seconds = (until - begun).as_secs();
            Err(SendError::TooLong { program: program.to_string(), seconds })
        }
    }
}

fn start(program: &str, arguments: &[Arc<str>], withheld: &[Box<str>], folder: &Path) -> std::io::Result<Child> {
    // A path is meant from the inventory's folder, a bare name from PATH. It is made absolute: from which folder a
    // relative one is looked for would be the system's secret once the child has a folder of its own.
    let folder = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    let path = if program.contains('/') { folder.join(program) } else { program.into() };
    let mut command = Command::new(path);
    command.args(arguments.iter().map(|one| &**one)).current_dir(&folder);
    for variable in withheld {
        command.env_remove(&**variable);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.process_group(0).kill_on_drop(true).spawn()
}
