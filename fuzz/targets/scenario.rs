//! Any text as a scenario file.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| switchback_fuzz::scenario::read(text));
