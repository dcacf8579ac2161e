//! The fuzz targets on a stable compiler: each over every input that is kept, and over what proptest makes of those.
//!
//! `fuzz/README.md` says what a target is and how to keep what one finds. `kept.rs` reads the corpora, `made.rs` makes new
//! inputs of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod kept;
mod made;
/// The targets, which cargo-fuzz runs too.
#[path = "../../fuzz/targets/lib.rs"]
pub mod targets;

use std::fs;
use std::panic;
use std::path::Path;

use proptest::test_runner::{Config, TestRunner};

use targets::TARGETS;

/// So many inputs are made for each target, unless `CASES` says how many.
const MADE: u32 = 300;

fn holds_for_what_is_kept(name: &str) {
    let kept = kept::inputs(name);
    assert!(!kept.is_empty(), "fuzz/corpus/{name} has no input");
    for (path, data) in kept {
        let outcome = panic::catch_unwind(|| targets::run(name, &data));
        assert!(outcome.is_ok(), "{} has failed, see above", path.display());
    }
}

fn holds_for_what_is_made_of_it(name: &'static str) {
    let seeds = kept::inputs(name).into_iter().map(|(_, data)| data).collect();
    let longest = TARGETS.iter().find(|(known, _, _)| *known == name).map(|(_, longest, _)| *longest).unwrap();
    let cases = std::env::var("CASES").map_or(MADE, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&made::input(seeds, longest), |input| {
        targets::run(name, &input.0);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}\nkeep it: fuzz/README.md, \"A failure\"");
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            #[test]
            fn holds_for_what_is_kept() {
                super::holds_for_what_is_kept(stringify!($name));
            }

            #[test]
            fn holds_for_what_is_made_of_it() {
                super::holds_for_what_is_made_of_it(stringify!($name));
            }
        })*
    };
}

targets! {
    reply_lg reply_esc_cr reply_devantech reply_ncd reply_hub framing telnet
    range selector cron words
    type_file type_languages toml_table inventory
    report csv_import guard
}

#[test]
fn every_target_is_run_here_and_by_cargo_fuzz() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(names, NAMES);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for name in names {
        let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\", data)")), "{program}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not in fuzz/Cargo.toml");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), NAMES.len());
}

#[test]
fn what_is_kept_is_small_and_belongs_to_a_target() {
    let mut total = 0;
    for kind in kept::KINDS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind);
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(NAMES.contains(&name.as_str()), "fuzz/{kind}/{name} belongs to no target");
        }
    }
    for name in NAMES {
        for (path, data) in kept::inputs(name) {
            assert!(data.len() <= 64 * 1024, "{} is large", path.display());
            total += data.len();
        }
    }
    assert!(total <= 1024 * 1024, "{total} bytes are kept");
}
