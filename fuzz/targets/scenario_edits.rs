//! Shipped scenarios with the mistakes that people make.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: switchback_fuzz::edits::Input<'_>| switchback_fuzz::scenario::read(
    &input.text()
));
