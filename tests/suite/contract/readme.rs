//! The README's examples are run: what it shows is what a reader sees.

use std::fs;
use std::path::Path;

use crate::support::Workspace;

/// A mistaken inventory that the README shows the mistakes of.
const BAD: &str = "[defaults]\ntype = \"lg-rs323\"\n\n[[device]]\nname = \"tv-[1-3]\"\naddress = \"10.20.0.[1-2]\"\n";

/// A run's last line ends with how long it took, which is never the same.
fn without_times(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" · ") {
        Some((counts, time)) if time.ends_with(" s") => counts,
        _ => line,
    });
    lines.map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The words of a command line; single quotes hold a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_example_of_the_readme_does_what_it_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let workspace = Workspace::new();
    workspace.write("bad.toml", BAD);
    for (name, place) in [("fleet.example.toml", ""), ("every-type.toml", "config/examples")] {
        workspace.write(name, &fs::read_to_string(root.join(place).join(name)).unwrap());
    }
    let mut examples = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", "");
        for example in block.split("$ fleetctl ").skip(1) {
            let (line, shown) = example.split_once('\n').unwrap();
            let words = words(line);
            let finished = workspace.fleetctl(&words.iter().map(String::as_str).collect::<Vec<_>>());
            // Progress lines go to stderr beside mistakes; an example that succeeds or fails at devices shows stdout.
            let seen = if finished.status == Some(2) { &finished.stderr } else { &finished.stdout };
            let said = if finished.status == Some(2) { format!("{seen}{}", finished.stdout) } else { seen.clone() };
            assert_eq!(without_times(&said), without_times(shown), "fleetctl {line}");
            examples += 1;
        }
    }
    assert!(examples >= 4, "{examples} examples");
}

#[test]
fn the_complete_type_of_the_language_page_checks_and_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("config/device-types/README.md")).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let workspace = Workspace::with_inventory(
        "[[device]]\nname = \"matrix-[1-2]\"\ntype = \"kramer-p3000\"\naddress = \"10.60.0.[1-2]\"\n",
    );
    let file = "device-types/kramer-p3000.toml";
    fs::create_dir(workspace.path("device-types")).unwrap();
    workspace.write(file, example);
    let checked = workspace.fleetctl(&["types", "check", file]);
    let shown: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.contains("$ fleetctl types check"))
        .skip(1)
        .map_while(|line| line.strip_prefix("    "))
        .collect();
    assert_eq!(checked.expect_status(0).stdout.lines().collect::<Vec<_>>(), shown);
    let route = ["run", "--do", "route", "--arg", "input=1", "--arg", "output=2", "--simulate", "--format", "json"];
    let report = workspace.fleetctl(&route).expect_status(0).report();
    assert_eq!(report.count("ok"), 2);
}
