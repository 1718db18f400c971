//! Anything at all: formats, containers, encodings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orewatch_fuzz::read_file("file", data));
