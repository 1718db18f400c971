//! Tidy tables as Parquet, and what looks like it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut content = b"PAR1".to_vec();
    content.extend_from_slice(data);
    content.extend_from_slice(b"PAR1");
    orewatch_fuzz::read_file("tidy.parquet", &content);
});
