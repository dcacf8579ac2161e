//! A part of the fleet: `--sample` as a canary, `--select` by name, tag and group. Who was not meant hears nothing.

use std::collections::HashSet;

use crate::support::{FakeFleet, Workspace, device_names};

fn twenty() -> (FakeFleet, Workspace) {
    let fleet = FakeFleet::start();
    let port = fleet.port();
    let workspace = Workspace::with_inventory(&format!(
        r#"
        [defaults]
        type = "lg-rs232"
        tags = ["tv"]
        [groups]
        front = "tag:lobby and not tv-02"
        [[device]]
        name = "tv-[01-15]"
        address = "127.5.0.[1-15]:{port}"
        tags = ["lobby"]
        [[device]]
        name = "bar-[1-5]"
        address = "127.5.1.[1-5]:{port}"
        "#
    ));
    (fleet, workspace)
}

#[test]
fn a_sample_is_a_random_part_of_the_selection() {
    for (sample, size) in [("3", 3), ("10%", 2), ("1%", 1), ("100%", 15)] {
        let (fleet, workspace) = twenty();
        let arguments = ["run", "--do", "power-on", "-s", "tag:lobby", "--sample", sample, "--format", "json"];
        let report = workspace.fleetctl(&arguments).expect_status(0).report();
        assert_eq!(report.count("total"), size, "--sample {sample} of 15");
        assert_eq!(fleet.connections(), size);
        assert!(report.names().windows(2).all(|pair| pair[0] < pair[1]), "still in inventory order");
    }
}

#[test]
fn samples_differ_from_run_to_run() {
    let (_fleet, workspace) = twenty();
    let sample = || {
        let arguments = ["run", "--do", "power-on", "--sample", "5", "--dry-run", "--format", "json"];
        device_names(&workspace.fleetctl(&arguments).expect_status(0).json()).join(" ")
    };
    let seen: HashSet<String> = (0..8).map(|_| sample()).collect();
    assert!(seen.len() > 1, "eight samples of 5 in 20 were all {seen:?}");
}

#[test]
fn selectors_reach_whom_they_name() {
    let cases = [
        ("tv-03", 1),
        ("tv-*", 15),
        ("tv-[01-05]", 5),
        ("tag:lobby", 15),
        ("@front", 14),
        ("type:lg-rs232", 20),
        ("bar-1, tv-01", 2),
        ("bar-1 or tv-01", 2),
        ("tag:tv and not tag:lobby", 5),
        ("not (tv-* or bar-1)", 4),
        ("bar-? and not bar-[2-3]", 3),
        ("\"bar-5\"", 1),
    ];
    for (selector, size) in cases {
        let (fleet, workspace) = twenty();
        let report = workspace
            .fleetctl(&["run", "--do", "power-on", "-s", selector, "--format", "json"])
            .expect_status(0)
            .report();
        assert_eq!((report.count("ok"), fleet.connections()), (size, size), "{selector}");
    }
}

#[test]
fn a_range_with_missing_members_warns_and_a_term_without_any_is_an_error() {
    let (_fleet, workspace) = twenty();
    let finished = workspace.fleetctl(&["run", "--do", "power-on", "-s", "tv-[14-16]", "--format", "json"]);
    assert_eq!(finished.expect_status(0).report().names(), ["tv-14", "tv-15"]);
    assert!(finished.stderr.contains("tv-16"), "{finished}");
    for (selector, nearest) in [("tv-01 or tw-*", "tv"), ("tv-0l", "tv-01"), ("@frnt", "front"), ("tag:loby", "lobby")]
    {
        let finished = workspace.fleetctl(&["run", "--do", "power-on", "-s", selector, "--format", "json"]);
        finished.expect_status(2);
        assert!(finished.stderr.contains(nearest), "{selector}: {finished}");
        assert_eq!(finished.stdout, "");
    }
    let finished =
        workspace.fleetctl(&["run", "--do", "power-on", "-s", "bar-1 and not tag:maintenance", "--format", "json"]);
    finished.expect_status(0);
    assert!(
        finished.stderr.contains("maintenance"),
        "what `not` takes away may be missing, with a warning: {finished}"
    );
}
