//! Tidy csv: the first byte selects the table.
#![no_main]

const HEADERS: [&str; 6] = [
    "period,exporter,importer,product,value_kusd,quantity_t,reporter\n",
    "period,economy,material,stage,quantity,unit,basis,estimated\n",
    "period,economy,indicator,value\n",
    "period,parameter,value,economy,partner,material,stage,item\n",
    "from,until,economy,material,stage,kind,evaluation,product,partners\n",
    "nomenclature,code,material,stage,purity,proxy,note\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("tidy.csv", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
