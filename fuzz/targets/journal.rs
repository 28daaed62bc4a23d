//! The journal of a group against full copies.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: switchback_fuzz::journal::Input| switchback_fuzz::journal::live(&input));
