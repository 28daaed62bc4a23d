//! Any text as the configuration of a machine.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| switchback_fuzz::vmx::register(text));
