//! Changes that are packed, damaged on their way, and unpacked.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: switchback_fuzz::damage::Input| switchback_fuzz::damage::travel(&input));
