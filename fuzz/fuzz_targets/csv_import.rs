#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fleetctl_targets::run("csv_import", data));
