//! Sorted runs of sectors against a list of sectors.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: switchback_fuzz::extents::Input| switchback_fuzz::extents::compare(
    &input
));
