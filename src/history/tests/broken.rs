//! What is wrong with a file is said, and left as it is.

use std::os::unix::fs::PermissionsExt as _;

use super::super::testing::{Place, Run, ok, silent, wait_for};
use super::super::{HistoryError, Store, find, recorded};
use crate::model::DeviceIndex;
use crate::report::Reporters;

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let place = Place::new();
    std::fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    let noise: Vec<u8> = (0..8192_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    std::fs::write(&place.path, &noise).unwrap();
    for error in [Store::open(&place.path).unwrap_err(), Store::create(&place.path).unwrap_err()] {
        assert!(matches!(error, HistoryError::Database { .. }), "{error}");
        assert!(error.chain().contains("not a database"), "{}", error.chain());
    }
    assert_eq!(std::fs::read(&place.path).unwrap(), noise);
}

#[test]
fn a_missing_or_empty_file_holds_nothing() {
    let place = Place::new();
    assert!(Store::open(&place.path).unwrap().is_none());
    std::fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    std::fs::write(&place.path, "").unwrap();
    assert!(Store::open(&place.path).unwrap().is_none());
}

#[test]
fn a_history_in_a_read_only_folder_can_be_read() {
    let place = Place::new();
    Run::new(1, 1).record(&place.path, &[(0, ok())]);
    let folder = place.path.parent().unwrap();
    let set = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&place.path, 0o400);
    set(folder, 0o500);
    let store = place.store();
    assert_eq!(find(&store, "last", None).unwrap().summary.successes(), 1);
    set(folder, 0o700);
}

#[test]
fn a_record_that_broke_off_claims_nothing_about_who_is_missing() {
    let place = Place::new();
    let run = Run::new(1, 3);
    let recorder = run.begin(&place.path);
    let intents = recorder.intents();
    // The next commit fails for good.
    place.store().connection.execute_batch("DROP TABLE batch; DROP TABLE intent").unwrap();
    let mut reporters = Reporters::default();
    reporters.add("history", Box::new(recorder));
    reporters.events(run.events(&[(0, silent())]));
    if let Some(wait) = intents.declare(DeviceIndex(1)) {
        wait_for(wait);
    }
    assert!(intents.declare(DeviceIndex(2)).is_none(), "nobody waits for a history that has failed");
    let errors = reporters.finish().errors;
    assert_eq!(errors.len(), 1, "the run is told at its end");
    let store = place.store();
    let again = "CREATE TABLE batch AS SELECT 1 id, 2 run, x'' outcomes WHERE 0;
        CREATE TABLE intent AS SELECT 1 run, 2 place WHERE 0; UPDATE run SET owner = ''";
    store.connection.execute_batch(again).unwrap();
    let report = recorded(&store, &find(&store, "last", None).unwrap()).unwrap();
    let deliveries: Vec<&str> =
        report["devices"].as_array().unwrap().iter().map(|one| one["delivery"].as_str().unwrap()).collect();
    assert_eq!(deliveries, ["unknown"; 3], "though none of them has an intent");
}

#[test]
fn processes_that_make_a_history_at_the_same_time_are_in_nobodys_way() {
    const MAKERS: usize = 6;
    for _ in 0..20 {
        let place = Place::new();
        let start = std::sync::Barrier::new(MAKERS);
        let (path, start) = (&place.path, &start);
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..MAKERS)
                .map(|_| {
                    scope.spawn(move || {
                        start.wait();
                        Store::create(path).map(|_| ()).map_err(|error| error.chain())
                    })
                })
                .collect();
            for maker in makers {
                assert_eq!(maker.join().unwrap(), Ok(()));
            }
        });
    }
}
