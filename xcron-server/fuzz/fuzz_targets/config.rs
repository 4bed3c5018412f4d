//! Fuzzes `xcron_server::fuzzing::config`: docs/fuzzing.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xcron_server::fuzzing::timed("config", bytes));
