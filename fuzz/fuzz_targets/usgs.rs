//! Mineral Commodity Summaries, and the Critical Minerals Dataset of the IEA: the first byte selects the
//! layout.
#![no_main]

const HEADERS: [&str; 7] = [
    "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,Reserves_notes\n",
    "DataSource,Commodity,Year,USprod_t,Imports_t,Exports_t,Consump_t,Price_dt,Stocks_t,NIR_pct\n",
    "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024,PROD_NOTES,CAP_2023,CAP_EST_ 2024,\
     CAP_NOTES,RESERVES_2024,RESERVE_NOTES\n",
    "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,\
     Is critical mineral 2025,Other notes\n",
    "material,stage,economy,year,kt\n",
    "material,scenario,year,kt\n",
    "material,stage,year,total_kt\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("mcs.csv", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
