//! A network of the test's own: loopback alone, with its own routes, host names and limits, which a test may break.
//!
//! A thread and all that it starts live in namespaces of their own (network and mounts), so nothing that happens there
//! is felt outside. Linux, and root: where that is not given the test says so and is left out, but never under `CI`.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::thread;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::Workspace;

/// The network that the calling thread lives in.
pub(crate) struct OwnNetwork(());

/// Runs a test in a network of its own. What the test starts, threads included, lives there too.
pub(crate) fn in_own_network(test: impl FnOnce(&OwnNetwork) + Send) {
    let run = || {
        match unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS) {
            Ok(()) => {}
            Err(Errno::EPERM) if std::env::var_os("CI").is_none() => return skipped(),
            Err(error) => panic!("no network of its own: {error}"),
        }
        // Else what is mounted here would be mounted outside, too.
        carry_out("mount", &["--make-rprivate", "/"]);
        let network = OwnNetwork(());
        network.ip("link set lo up");
        test(&network);
    };
    if let Err(panic) = thread::scope(|scope| scope.spawn(run).join()) {
        std::panic::resume_unwind(panic);
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was left out")]
fn skipped() {
    eprintln!("left out: a network of its own needs root");
}

impl OwnNetwork {
    /// `ip` of iproute2 with these words.
    pub(crate) fn ip(&self, words: &str) {
        self.iproute("ip", words);
    }

    /// `tc` of iproute2 with these words.
    pub(crate) fn tc(&self, words: &str) {
        self.iproute("tc", words);
    }

    fn iproute(&self, program: &str, words: &str) {
        let Self(()) = self;
        carry_out(program, &words.split_whitespace().collect::<Vec<_>>());
    }

    /// Sets a value of the network under `/proc/sys/net/ipv4`.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let Self(()) = self;
        let path = format!("/proc/sys/net/ipv4/{name}");
        std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Names and their addresses, as `/etc/hosts` has them.
    pub(crate) fn hosts(&self, workspace: &Workspace, text: &str) {
        self.put(workspace, "hosts", text);
    }

    /// A name server that answers every question by `answer`: query in, reply out; `None` says nothing.
    pub(crate) fn name_server(
        &self,
        workspace: &Workspace,
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) {
        self.put(workspace, "hosts", "127.0.0.1 localhost\n");
        self.put(workspace, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).unwrap();
        thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                if let Some(reply) = answer(&query[..length]) {
                    socket.send_to(&reply, from).ok();
                }
            }
        });
    }

    /// Lays a file over one of `/etc`.
    fn put(&self, workspace: &Workspace, name: &str, text: &str) {
        let Self(()) = self;
        workspace.write(name, text);
        let file = workspace.path(name);
        carry_out("mount", &["--bind", &file.to_string_lossy(), &format!("/etc/{name}")]);
    }
}

fn carry_out(program: &str, words: &[&str]) {
    // Debian keeps them in /usr/sbin, which is not on everybody's path.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let done = Command::new(program).args(words).env("PATH", path).output();
    let done = done.unwrap_or_else(|error| panic!("this test needs `{program}` (tests/need installs it): {error}"));
    assert!(done.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}
