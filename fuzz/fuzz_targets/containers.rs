//! gzip, zstd, zip and 7z: the first byte selects the magic.
#![no_main]

const MAGICS: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut content = MAGICS[usize::from(*first) % MAGICS.len()].to_vec();
    content.extend_from_slice(rest);
    orewatch_fuzz::read_file("content", &content);
});
