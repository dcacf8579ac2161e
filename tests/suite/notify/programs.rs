//! A program of the operator's own: what it is told, and what becomes of one that fails or does not end.

use fleetctl::model::UnixMillis;
use fleetctl::notify::{MemorySpool, Spool as _};

use super::telling::{night, notifications, tell};
use crate::support::Workspace;

fn script(workspace: &Workspace, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    workspace.write("hooks/tell", &format!("#!/bin/sh\n{text}\n"));
    let path = workspace.path("hooks/tell");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    "[notify.hook]\nkind = \"command\"\nargv = [\"hooks/tell\", \"a b\", \"$HOME; x\"]\nwhen = \"always\"\n".to_owned()
}

#[tokio::test]
async fn a_program_gets_the_report_on_its_input_and_no_shell_reads_its_arguments() {
    let workspace = Workspace::new();
    let inventory = script(&workspace, "cat > heard.json; printf '%s|' \"$@\" > arguments; echo noise");
    let to = notifications(&workspace, &inventory);
    let errors = tell(&night(&workspace), &to, &[], &workspace, &mut MemorySpool::default()).await;
    assert!(errors.is_empty(), "{errors:?}");
    let heard: serde_json::Value = serde_json::from_str(&workspace.read("heard.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&workspace.read("night.json")).unwrap();
    assert_eq!((heard, workspace.read("arguments").as_str()), (saved, "a b|$HOME; x|"));
}

#[tokio::test]
async fn a_program_that_hears_nothing_and_succeeds_is_told() {
    let workspace = Workspace::new();
    let to = notifications(&workspace, &script(&workspace, "exec 0<&-; exit 0"));
    let errors = tell(&night(&workspace), &to, &[], &workspace, &mut MemorySpool::default()).await;
    assert!(errors.is_empty(), "{errors:?}");
}

#[tokio::test]
async fn a_program_that_fails_is_tried_again() {
    let workspace = Workspace::new();
    let to = notifications(&workspace, &script(&workspace, "echo x >> tries; test $(wc -l < tries) -ge 2"));
    let errors = tell(&night(&workspace), &to, &[], &workspace, &mut MemorySpool::default()).await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(workspace.read("tries"), "x\nx\n");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_at_once() {
    let workspace = Workspace::new();
    let to = notifications(&workspace, &script(&workspace, "").replace("hooks/tell", "hooks/none"));
    let mut spool = MemorySpool::default();
    let errors = tell(&night(&workspace), &to, &[], &workspace, &mut spool).await;
    assert!(errors[0].to_string().contains("`hooks/none` does not start"), "{errors:?}");
    assert_eq!(spool.due(UnixMillis(i64::MAX)).unwrap().len(), 1);
}

#[tokio::test]
async fn a_program_that_does_not_end_is_ended_with_its_children() {
    let workspace = Workspace::new();
    let forever = "echo $$ > parent; sleep 1000 & echo $! > child; wait";
    let to = notifications(&workspace, &script(&workspace, forever));
    let run = night(&workspace);
    let told = async {
        let errors = tell(&run, &to, &[], &workspace, &mut MemorySpool::default()).await;
        assert!(errors[0].to_string().contains("it took longer than 30 s"), "{errors:?}");
    };
    let paused = async {
        // The script has to come so far in real time; from then on nothing happens but the clock.
        while !workspace.path("child").exists() || workspace.read("child").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        tokio::time::pause();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = told => {}
        () = paused => {}
    }
    for name in ["parent", "child"] {
        let id = workspace.read(name);
        let is_alive = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
            state.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
        };
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while is_alive() {
            assert!(std::time::Instant::now() < limit, "the {name} lives on");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}
