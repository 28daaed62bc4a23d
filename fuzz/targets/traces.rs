//! Any bytes as a trace file, in the format they look like and in every other.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| switchback_fuzz::traces::read(bytes));
