//! Fuzzes `xcron_server::fuzzing::log`: docs/fuzzing.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xcron_server::fuzzing::timed("log", bytes));
