//! Tidy csv: the first byte selects the table.
#![no_main]

const HEADERS: [&str; 9] = [
    "period,exporter,importer,product,value_kusd,quantity_t,reporter\n",
    "period,economy,material,stage,quantity,unit,basis,estimated\n",
    "period,economy,indicator,value\n",
    "period,parameter,value,economy,partner,material,stage,item\n",
    "from,until,economy,material,stage,kind,evaluation,product,partners\n",
    "nomenclature,code,material,stage,purity,proxy,note\n",
    "period,economy,material,stage,side,scenario,quantity,unit,basis\n",
    "id,title,announced_by,consumer,material,stage,measure,line,direction,status,source,announced,\
     confirmation,supplier,by,due,url,in_force\n",
    "id,text,said_by,date,consumer,materials,stage,measure,low,high,source,confirmation,reported_by,supplier,\
     by,period,basis,vintage,tolerance,url\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("tidy.csv", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
