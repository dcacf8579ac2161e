//! Input that is far too much or that this machine cannot make sense of: refused or read, in bounded time and memory.

use std::time::Duration;

use crate::support::{Finished, Running, Workspace};

/// Far more than each of these takes, and far less than what they would take unbounded.
const LONGEST: Duration = Duration::from_mins(1);

fn check(workspace: &Workspace, change: impl FnOnce(&mut std::process::Command)) -> Finished {
    Running::start_with(workspace.folder(), &["inventory", "check"], change).finish_within(LONGEST)
}

#[test]
fn row_47_a_zone_that_this_machine_does_not_know_is_named() {
    let workspace = Workspace::with_inventory("[sites.hq]\ntimezone = \"Europe/Nowhere\"\n");
    let finished = check(&workspace, |_| ());
    assert!(finished.expect_status(2).stderr.contains("Europe/Nowhere"), "{finished}");
}

#[test]
fn row_68_ranges_that_multiply_without_end_are_refused_before_they_are_expanded() {
    for name in ["[0-9]".repeat(12), "[1-4294967295]".to_owned(), "[1-9999999]".repeat(3)] {
        let device = format!("[[device]]\nname = \"{name}\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n");
        let workspace = Workspace::with_inventory(&device);
        let finished = check(&workspace, |_| ());
        assert!(finished.expect_status(2).stderr.contains("10 million"), "{finished}");
    }
}

#[test]
fn row_69_a_pattern_that_would_be_huge_is_a_mistake_of_its_type() {
    for pattern in [r"^(\w{1000}){1000}$", r"^((((a{99}){99}){99}){99})$", &format!("^{}$", "(a|b)*".repeat(20_000))] {
        let workspace = Workspace::new();
        workspace.write(
            "huge.toml",
            &format!(
                "name = \"huge\"\ntitle = \"huge\"\nport = 9\n[send]\nframe = '{{body}}\\r'\n[replies.default]\n\
                 frame = {{ until = ['\\r'] }}\nmax = 64\nrules = [{{ when = '{pattern}', verdict = \"ok\" }}]\n"
            ),
        );
        let program = workspace.start(&["types", "check", "huge.toml"]);
        let finished = program.finish_within(LONGEST);
        assert!(finished.expect_status(2).stderr.contains("huge.toml:"), "{finished}");
    }
}

#[test]
fn row_70_a_huge_or_deep_file_is_read_or_refused() {
    let tv = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.0.1\"\n";
    let cases = [
        ("one long text", format!("[fleet]\nname = \"{}\"\n{tv}", "x".repeat(5_000_000)), 2),
        ("a long comment", format!("# {}\n{tv}", "x".repeat(5_000_000)), 0),
        ("deep tables", format!("{tv}params = {}1{}\n", "{ a = ".repeat(20_000), " }".repeat(20_000)), 2),
        ("deep lists in tables", format!("{tv}params = {{ a = {}{} }}\n", "[ ".repeat(20_000), "]".repeat(20_000)), 2),
        ("a deep header", format!("{tv}[{}a]\nb = 1\n", "a.".repeat(20_000)), 2),
        ("a deep key", format!("{tv}{}a = 1\n", "a.".repeat(20_000)), 2),
        ("a long list", format!("{tv}tags = [{}]\n", "\"t\", ".repeat(300_000)), 0),
        ("deep lists", format!("{tv}tags = {}{}\n", "[".repeat(200_000), "]".repeat(200_000)), 2),
        ("a NUL", format!("{tv}# \0\n"), 2),
        ("no UTF-8 in sight", format!("{tv}\u{fffd}"), 2),
    ];
    for (what, text, status) in cases {
        let workspace = Workspace::with_inventory(&text);
        let finished = check(&workspace, |_| ());
        assert_eq!(finished.status, Some(status), "{what}: {}", finished.stderr.len());
        assert!(finished.stderr.len() < 100_000, "{what}: a mistake is shown, not the file");
    }
}

#[test]
fn a_secret_without_end_is_a_mistake_and_not_a_hang() {
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"pump\"\ntype = \"devantech-eth008\"\naddress = \"127.0.0.1\"\n\
         params = { relay = 1, password = { file = \"/dev/zero\" } }\n",
    );
    let finished = check(&workspace, |_| ());
    assert!(finished.expect_status(2).stderr.contains("/dev/zero"), "{finished}");
}
