//! UN Comtrade, Eurostat Comext and UK customs: the first byte selects the form.
#![no_main]

const HEADERS: [&str; 8] = [
    "period,reporterCode,partnerCode,partner2Code,flowCode,classificationCode,cmdCode,customsCode,\
     motCode,netWgt,isNetWgtEstimated,primaryValue\n",
    "{\"elapsedTime\":\"0.05 secs\",\"count\":1,\"data\":[{\"typeCode\":\"C\",\"freqCode\":\"A\",\
     \"period\":\"2020\",",
    "[{\"typeCode\":\"C\",\"freqCode\":\"A\",\"period\":\"2020\",\"reporterCode\":842,",
    "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,PERIOD,VALUE_EUR,QUANTITY_KG\n",
    "Year,Trade Flow Code,Reporter Code,Partner Code,Commodity Code,Qty Unit Code,Qty,Netweight (kg),\
     Trade Value (US$)\n",
    "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n",
    "period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential\n",
    "sep=;\nperiod;reporterCode;partnerCode;flowCode;cmdCode;primaryValue;netWgt;qty;qtyUnitAbbr\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::read_below_header("trade", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
