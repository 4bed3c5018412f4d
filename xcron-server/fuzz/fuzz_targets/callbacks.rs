//! Fuzzes `xcron_server::fuzzing::callbacks`: docs/fuzzing.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xcron_server::fuzzing::timed("callbacks", bytes));
