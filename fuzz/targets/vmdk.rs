//! Any bytes as a disk that comes in as a stream, and as the text that describes one.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| switchback_fuzz::vmdk::read(bytes));
