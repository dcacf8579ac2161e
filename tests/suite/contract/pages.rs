//! Man pages, completions and help: what other programs and people learn of the arguments.

use std::process::Command;

use crate::support::Workspace;

const COMMANDS: [&[&str]; 34] = [
    &[],
    &["run"],
    &["report"],
    &["rerun"],
    &["history"],
    &["history", "list"],
    &["history", "show"],
    &["history", "diff"],
    &["history", "export"],
    &["history", "prune"],
    &["health"],
    &["hold"],
    &["release"],
    &["inventory"],
    &["inventory", "check"],
    &["inventory", "list"],
    &["inventory", "import"],
    &["types"],
    &["types", "list"],
    &["types", "show"],
    &["types", "check"],
    &["simulate"],
    &["doctor"],
    &["schedule"],
    &["schedule", "list"],
    &["schedule", "preview"],
    &["schedule", "run"],
    &["schedule", "install"],
    &["notify"],
    &["notify", "test"],
    &["daemon"],
    &["schema"],
    &["man"],
    &["completions"],
];

#[test]
fn the_help_of_every_command_has_examples_of_itself() {
    let workspace = Workspace::new();
    for command in COMMANDS {
        let finished = workspace.fleetctl(&[command, &["--help"]].concat());
        let (_, examples) = finished.expect_status(0).stdout.split_once("Examples:\n").expect(&finished.stdout);
        let start = ["fleetctl", &command.join(" ")].join(" ");
        assert!(examples.lines().next().unwrap().trim_start().starts_with(start.trim_end()), "{start}: {examples}");
    }
}

#[test]
fn every_command_has_a_man_page() {
    let workspace = Workspace::new();
    for command in COMMANDS {
        let finished = workspace.fleetctl(&[&["man"], command].concat());
        let page = &finished.expect_status(0).stdout;
        let name = [&["fleetctl"], command].concat().join("-");
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
        assert!(page.contains("Examples:"), "{name}: {page}");
    }
    let finished = workspace.fleetctl(&["man", "rum"]);
    assert!(finished.expect_status(2).stderr.contains("rum"), "{finished}");
    std::fs::create_dir(workspace.path("man1")).unwrap();
    workspace.fleetctl(&["man", "--output", "man1"]).expect_status(0);
    for page in ["fleetctl.1", "fleetctl-run.1", "fleetctl-inventory-list.1"] {
        assert!(workspace.read(&format!("man1/{page}")).contains(".SH NAME"), "{page}");
    }
    workspace.fleetctl(&["man", "--output", "no/such/folder"]).expect_status(4);
}

#[test]
fn a_shell_completes_commands_and_flags() {
    let workspace = Workspace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = workspace.fleetctl(&["completions", shell]);
        assert!(script.expect_status(0).stdout.contains("metrics-per-device"), "{shell}");
        workspace.write(shell, &script.stdout);
    }
    let completed = |words: &[&str]| {
        let (word, before) = (words[words.len() - 1], words[words.len() - 2]);
        let line = words.join(" ");
        let code = format!(
            "source ./bash; COMP_WORDS=({line}); COMP_CWORD={}; _fleetctl fleetctl '{word}' '{before}'; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.len() - 1
        );
        let output = Command::new("bash").args(["-c", &code]).current_dir(workspace.folder()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed(&["fleetctl", "rep"]), "report\n");
    assert_eq!(completed(&["fleetctl", "run", "--metr"]), "--metrics-per-device\n");
    let finished = workspace.fleetctl(&["completions", "tcsh"]);
    assert!(finished.expect_status(2).stderr.contains("bash"), "{finished}");
}
