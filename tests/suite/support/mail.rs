//! A real mail server, aiosmtpd, that keeps every mail it gets.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::Workspace;

/// How a mail server wants to be spoken to.
#[derive(Clone, Copy)]
pub(crate) struct MailServerKind {
    /// `none`, `starttls` or `wrapper`.
    pub(crate) tls: &'static str,
    /// User and password that it asks for.
    pub(crate) login: Option<(&'static str, &'static str)>,
}

/// A mail server; ended when dropped.
pub(crate) struct MailServer {
    child: Child,
    port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    /// Starts one with the certificate that `write_authority` has put into the workspace.
    pub(crate) fn start(workspace: &Workspace, kind: MailServerKind) -> Self {
        // Made by `tests/need-python`, beside the folder for temporary files that cargo gives its tests.
        let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/mail_server.py");
        let (user, password) = kind.login.unwrap_or_default();
        let mut command = Command::new(&python);
        command.arg(script).args([kind.tls, user, password, "server.pem", "server.key"]);
        command.current_dir(workspace.folder()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{}: {error}: `tests/run` makes it", python.display()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(port)) = lines.next() else { panic!("no mail server: `tests/need-python aiosmtpd==1.4.6`") };
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port: port.parse().unwrap(), mails }
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Every mail that has come so far. A mail is noted before the client is told so, but read by a thread.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().unwrap().clone()
    }

    /// The mails, once there are so many.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Value> {
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while self.mails().len() < count {
            assert!(std::time::Instant::now() < limit, "{count} mails never came: {:?}", self.mails());
            thread::sleep(std::time::Duration::from_millis(5));
        }
        self.mails()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
