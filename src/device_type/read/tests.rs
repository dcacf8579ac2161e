//! What the built-in types prove, and what type files with mistakes are told.

use std::sync::Arc;

use super::*;
use crate::device_type::{Catalog, run_vectors};
use crate::diagnostic::{Sources, render_all};

fn lg() -> Arc<DeviceType> {
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let none: [&std::path::Path; 0] = [];
    let catalog = Catalog::load(&none, &mut sources, &mut found);
    assert!(found.is_empty(), "{}", render_all(&found, &sources, false));
    catalog.get("lg-rs232").unwrap().clone()
}

#[test]
fn every_golden_vector_of_lg_is_there_and_holds() {
    let results = run_vectors(&lg());
    let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let ids: Vec<String> = results.iter().map(|result| result.id.to_string()).collect();
    let expected: Vec<String> = (1..=28).map(|number| format!("LG-{number:02}")).collect();
    assert_eq!(ids, expected);
}
