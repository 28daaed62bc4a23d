//! Any bytes as the body of a frame or a segment of a journal, under the checksum that belongs to them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| switchback_fuzz::packed::unpack(bytes));
