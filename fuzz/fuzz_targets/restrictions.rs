//! Export restrictions of the OECD and Global Trade Alert: the first byte selects the form.
#![no_main]

const HEADERS: [&str; 4] = [
    "Country,ISO3,Year,HS6,Product,Measure type,Unit,Value,Notes\n",
    "STRUCTURE,REF_AREA,Reference area,MEASURE,Measure,COMMODITY,Commodity,TIME_PERIOD,OBS_VALUE\n",
    "Intervention ID,GTA Evaluation,Implementing Jurisdictions,Intervention Type,Affected Products,\
     Date Implemented,Date Removed\n",
    "[{\"intervention_id\":1,\"gta_evaluation\":\"Red\",",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("restrictions", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
