//! BACI, below its header.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    orewatch_fuzz::read_below_header("BACI_HS92_Y2022_V202401b.csv", "t,i,j,k,v,q\n", data);
});
