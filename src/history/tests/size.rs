//! A long history stays fast: shown by how its tables are walked, never by a clock.

use rusqlite::StatementStatus;

use super::super::kept::BATCHES;
use super::super::past::RUNS;
use super::super::testing::{Place, Run, ok};
use super::super::{Filter, Window, health, list};

fn plan(place: &Place, text: &str) -> String {
    let store = place.store();
    let mut asked = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let count = asked.parameter_count();
    let none = rusqlite::params_from_iter(std::iter::repeat_n(1, count));
    let lines: Vec<String> = asked.query(none).unwrap().mapped(|row| row.get(3)).map(Result::unwrap).collect();
    lines.join("; ")
}

#[test]
fn no_question_walks_the_outcomes_of_runs_that_it_is_not_about() {
    let place = Place::new();
    drop(Run::new(1, 1).begin(&place.path));
    assert_eq!(plan(&place, BATCHES), "SEARCH batch USING INDEX batch_run (run=?)", "in their order without sorting");
    assert_eq!(plan(&place, RUNS), "SCAN run", "newest first without sorting");
    for (text, used) in [
        ("SELECT * FROM detail WHERE run = ?", "SEARCH detail USING PRIMARY KEY (run=?)"),
        ("SELECT place FROM intent WHERE run = ?", "SEARCH intent USING PRIMARY KEY (run=?)"),
        ("DELETE FROM batch WHERE run = ?", "SEARCH batch USING INDEX batch_run (run=?)"),
        ("SELECT id FROM run WHERE run_id >= ? AND run_id < ?", "SEARCH run USING COVERING INDEX"),
        ("SELECT id FROM run WHERE rerun_of = ?", "SEARCH run USING"),
    ] {
        assert!(plan(&place, text).starts_with(used), "{text}: {}", plan(&place, text));
    }
}

#[test]
fn a_list_costs_a_row_for_each_run_and_not_one_more_for_its_devices() {
    let place = Place::new();
    let outcomes: Vec<_> = (0..300).map(|place| (place, ok())).collect();
    for number in 1..=10 {
        Run::new(number, 300).record(&place.path, &outcomes);
    }
    let store = place.store();
    assert_eq!(list(&store, &Filter::default()).unwrap().len(), 10);
    let mut asked = store.connection.prepare(RUNS).unwrap();
    let all = rusqlite::named_params! { ":inventory": "/fleet.toml", ":since": 0, ":simulated": false, ":runs": -1 };
    let mut runs = asked.query(all).unwrap();
    while runs.next().unwrap().is_some() {}
    drop(runs);
    assert_eq!(asked.get_status(StatementStatus::Sort), 0);
    assert_eq!(asked.get_status(StatementStatus::FullscanStep), 9, "ten rows are nine steps");
    assert_eq!(health(&store, &Window::default()).unwrap().len(), 300);
}
