//! Bytes of a disk, read back as the writes that put them there.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: switchback_fuzz::image::Input| switchback_fuzz::image::read_back(&input));
