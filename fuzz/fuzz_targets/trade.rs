//! UN Comtrade and Eurostat Comext: the first byte picks the form.
#![no_main]

const HEADERS: [&str; 4] = [
    "period,reporterCode,partnerCode,partner2Code,flowCode,classificationCode,cmdCode,customsCode,motCode,netWgt,isNetWgtEstimated,primaryValue\n",
    "{\"elapsedTime\":\"0.05 secs\",\"count\":1,\"data\":[{\"typeCode\":\"C\",\"freqCode\":\"A\",\"period\":\"2020\",",
    "[{\"typeCode\":\"C\",\"freqCode\":\"A\",\"period\":\"2020\",\"reporterCode\":842,",
    "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,PERIOD,VALUE_EUR,QUANTITY_KG\n",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    orewatch_fuzz::below("trade", HEADERS[usize::from(*first) % HEADERS.len()], rest);
});
