//! Any requests to Resource Manager, one a line.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| switchback_fuzz::arm::ask(text));
