//! Any text as a message to the SOAP surface of vSphere, or as what stands in one.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| switchback_fuzz::soap::ask(text));
