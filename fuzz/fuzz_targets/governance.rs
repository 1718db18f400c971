//! Worldwide Governance Indicators and World Mining Data: the first byte selects the layout.
#![no_main]

const HEADERS: [&str; 5] = [
    "code,countryname,year,indicator,estimate,stddev,nsource,pctrank\n",
    "Country/Territory,Code,1996,1998,2000,2002,country_code\n",
    "[{\"page\":1,\"pages\":1,\"per_page\":50,\"total\":1},[",
    "material,Country,Country_Code,Country_ISO,2018,2019,2020,unit,data_source\n",
    ",code,countryname,year,vae,vas,pve,pvs,gee,rqe,rle,cce\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("wgi_pv.csv", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
