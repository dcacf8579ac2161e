//! `--save` is understood and checked before anything is sent: what is wrong costs no connection.

use crate::support::{Hubs, Workspace, looks_like_a_database, served};

/// A workspace with hubs of these names at 127.0.8.1 and on, and a folder `db`.
fn hubs_named(hubs: &Hubs, names: &[&str]) -> Workspace {
    use std::fmt::Write as _;
    let mut inventory = String::from("[defaults]\ntype = \"smart-home-hub\"\n");
    for (number, name) in names.iter().enumerate() {
        hubs.script(&format!("127.0.8.{}", number + 1), vec![served(&looks_like_a_database(1000))]);
        let (port, host) = (hubs.port(), number + 1);
        write!(inventory, "[[device]]\nname = '{name}'\naddress = \"127.0.8.{host}:{port}\"\n").unwrap();
    }
    let workspace = Workspace::with_inventory(&inventory);
    std::fs::create_dir(workspace.path("db")).unwrap();
    workspace
}

/// Runs it; a mistake of the user, said in words of which these are some, and no hub was reached.
#[track_caller]
fn expect_mistake(names: &[&str], prepare: impl FnOnce(&Workspace), arguments: &[&str], words: &[&str]) {
    let hubs = Hubs::start();
    let workspace = hubs_named(&hubs, names);
    prepare(&workspace);
    let finished = workspace.fleetctl(arguments);
    finished.expect_status(2);
    for word in words {
        assert!(finished.stderr.contains(word), "`{word}` is not said: {finished}");
    }
    assert_eq!(hubs.connections(), 0, "{finished}");
}

const FETCH: [&str; 3] = ["run", "--do", "fetch-database"];

fn saved_to(pattern: &str) -> Vec<&str> {
    [&FETCH[..], &["--save", pattern]].concat()
}

#[test]
fn a_transfer_needs_a_place_and_nothing_else_does() {
    expect_mistake(&["hub"], |_| (), &FETCH, &["--save"]);
    let inventory = "[[device]]\nname = \"tv\"\ntype = \"lg-rs232\"\naddress = \"127.0.8.1:9\"\n";
    let other = |workspace: &Workspace| workspace.write("fleet.toml", inventory);
    expect_mistake(&["hub"], other, &["run", "--do", "power-on", "--save", "db/{name}.db"], &["--save"]);
    let raw = ["run", "--cmd", "4C 00 00 00", "--save", "db/{name}.db"];
    expect_mistake(&["hub"], |_| (), &raw, &["--save"]);
}

#[test]
fn two_devices_never_share_a_file() {
    expect_mistake(&["a", "b"], |_| (), &saved_to("db/hub.db"), &["--save", "db/hub.db", "{name}"]);
    expect_mistake(&["a", "b"], |_| (), &saved_to("db/{type}.db"), &["smart-home-hub.db"]);
    expect_mistake(&["Hub", "hub"], |_| (), &saved_to("db/{name}.db"), &["Hub", "hub"]);
}

#[test]
fn two_folders_that_are_one_are_seen_through() {
    let linked = |workspace: &Workspace| {
        let device = "type = \"smart-home-hub\"\naddress = \"127.0.8";
        let inventory = format!(
            "[sites.north]\n[sites.south]\n[[device]]\nname = \"a\"\nsite = \"north\"\n{device}.1:9\"\n\
             [[device]]\nname = \"b\"\nsite = \"south\"\n{device}.2:9\"\n"
        );
        workspace.write("fleet.toml", &inventory);
        std::fs::create_dir(workspace.path("north")).unwrap();
        std::os::unix::fs::symlink("north", workspace.path("south")).unwrap();
    };
    expect_mistake(&[], linked, &saved_to("{site}/hub.db"), &["a, b", "north/hub.db"]);
}

#[test]
fn a_fetched_file_is_neither_the_inventory_nor_a_report() {
    expect_mistake(&["hub"], |_| (), &saved_to("fleet.toml"), &["fleet.toml", "the inventory"]);
    expect_mistake(&["fleet"], |_| (), &saved_to("db/../{name}.toml"), &["fleet.toml", "the inventory"]);
    let reported = [&saved_to("db/{name}.db")[..], &["--report", "json=db/../db/b.db"]].concat();
    expect_mistake(&["a", "b"], |_| (), &reported, &["db/b.db", "is fetched"]);
}

#[test]
fn one_device_needs_no_hole() {
    let hubs = Hubs::start();
    let workspace = hubs_named(&hubs, &["a", "b"]);
    workspace.fleetctl(&[&saved_to("only.db")[..], &["--select", "b"]].concat()).expect_status(0);
    assert_eq!(std::fs::read(workspace.path("only.db")).unwrap(), looks_like_a_database(1000));
    assert!(hubs.requests("127.0.8.1").is_empty());
}

#[test]
fn a_pattern_is_understood_or_refused() {
    expect_mistake(&["hub"], |_| (), &saved_to("db/{nmae}.db"), &["{nmae}", "{name}"]);
    expect_mistake(&["hub"], |_| (), &saved_to("db/{name.db"), &["--save"]);
    expect_mistake(&["hub"], |_| (), &saved_to("db/{}.db"), &["--save"]);
    expect_mistake(&["hub"], |_| (), &saved_to("db/{site}.db"), &["--save", "no site", "at hub"]);
    expect_mistake(&["hub"], |_| (), &saved_to(""), &["--save"]);
}

#[test]
fn a_place_that_cannot_be_taken_is_found_out_first() {
    expect_mistake(&["hub"], |_| (), &saved_to("nowhere/{name}.db"), &["nowhere"]);
    expect_mistake(&["hub"], |_| (), &saved_to("db/"), &["--save"]);
    expect_mistake(&["hub"], |_| (), &saved_to("db/.."), &["--save"]);
    expect_mistake(&["hub"], |_| (), &saved_to("fleet.toml/{name}.db"), &["fleet.toml"]);
    let folder = |workspace: &Workspace| std::fs::create_dir(workspace.path("db/hub.db")).unwrap();
    expect_mistake(&["hub"], folder, &saved_to("db/{name}.db"), &["db/hub.db"]);
    let link = |workspace: &Workspace| {
        workspace.write("precious", "");
        std::os::unix::fs::symlink("../precious", workspace.path("db/hub.db")).unwrap();
    };
    expect_mistake(&["hub"], link, &saved_to("db/{name}.db"), &["db/hub.db"]);
    let dangling = |workspace: &Workspace| {
        std::os::unix::fs::symlink("nowhere", workspace.path("db/hub.db")).unwrap();
    };
    expect_mistake(&["hub"], dangling, &saved_to("db/{name}.db"), &["db/hub.db"]);
    // Nobody makes files there, not even root.
    expect_mistake(&["hub"], |_| (), &saved_to("/proc/{name}.db"), &["/proc"]);
    let long = "h".repeat(150);
    expect_mistake(&[&long], |_| (), &saved_to("db/{name}{name}.db"), &["--save"]);
}

#[test]
fn a_name_cannot_lead_out_of_its_folder_or_hide() {
    for name in ["../hub", "a/b", "/etc/hub", "..", ".hidden", "-rf", "a\\b"] {
        expect_mistake(&[name], |_| (), &saved_to("db/{name}.db"), &[name]);
    }
    expect_mistake(&["../hub"], |_| (), &saved_to("{name}"), &["../hub"]);
    let site = |workspace: &Workspace| {
        let inventory = "[sites.\"../up\"]\n[[device]]\nname = \"hub\"\ntype = \"smart-home-hub\"\naddress = \"127.0.8.1:9\"\nsite = \"../up\"\n";
        workspace.write("fleet.toml", inventory);
    };
    expect_mistake(&["hub"], site, &saved_to("db/{site}-{name}.db"), &[]);
}

#[test]
fn a_gateway_has_one_hub() {
    let hubs = Hubs::start();
    let workspace = Workspace::with_inventory(&format!(
        "[[device]]\nname = \"hub-[1-2]\"\ntype = \"smart-home-hub\"\naddress = \"127.0.8.1:{}\"\n",
        hubs.port()
    ));
    let finished = workspace.fleetctl(&saved_to("{name}.db"));
    finished.expect_status(2);
    assert_eq!(hubs.connections(), 0);
}

#[test]
fn a_dry_run_checks_the_same_and_makes_nothing() {
    expect_mistake(&["a", "b"], |_| (), &[&saved_to("db/hub.db")[..], &["--dry-run"]].concat(), &["db/hub.db"]);
    let hubs = Hubs::start();
    let workspace = hubs_named(&hubs, &["a", "b"]);
    let finished = workspace.fleetctl(&[&saved_to("db/{name}.db")[..], &["--dry-run"]].concat());
    assert!(finished.expect_status(0).stdout.contains("4c 00 00 00"), "{finished}");
    assert_eq!(std::fs::read_dir(workspace.path("db")).unwrap().count(), 0);
    assert_eq!(hubs.connections(), 0);
}
