//! The fault matrix says for each fault which test proves what we say of it: those tests are there.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

const ROWS: usize = 79;

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_exist_or_says_why_there_is_none() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("tests/faults/README.md")).unwrap();
    let mut files: HashMap<&str, String> = HashMap::new();
    let (mut rows, mut wrong) = (0, Vec::new());
    for line in page.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let Some(number) = cells.first().and_then(|cell| cell.parse::<usize>().ok()) else { continue };
        rows += 1;
        assert_eq!(number, rows, "rows stand in their order: {line}");
        let [_, fault, proof, open] = cells[..] else { panic!("four cells: {line}") };
        assert!(!fault.is_empty());
        let tests: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && open.len() < 20 {
            wrong.push(format!("{number}: neither a test nor a reason"));
        }
        for test in tests {
            let Some((path, name)) = test.split_once("::") else {
                wrong.push(format!("{number}: `{test}` is no path::name"));
                continue;
            };
            let text = files.entry(path).or_insert_with(|| fs::read_to_string(root.join(path)).unwrap_or_default());
            let is_test = text.split(&format!("fn {name}(")).next().is_some_and(|before| {
                let above: Vec<&str> = before.lines().rev().take(4).collect();
                before.len() < text.len() && above.iter().any(|line| line.contains("test"))
            });
            if !is_test {
                wrong.push(format!("{number}: no test `{name}` in {path}"));
            }
        }
    }
    assert_eq!(rows, ROWS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
