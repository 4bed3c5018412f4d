//! Fuzzes `xcron_server::fuzzing::snapshots`: docs/fuzzing.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xcron_server::fuzzing::timed("snapshots", bytes));
