//! Files of UN Comtrade, as csv and JSON.
use super::variants::*;
use super::{Sent, sent};

const COMTRADE: &str = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,\
                        classificationCode\n\
                        2022,276,152,M,283691,12000000,3000000,H6\n2022,276,156,M,283691,4000000,1000000,\
                        H6\n";
const COMTRADE_ROWS: &str =
    "= 2022 CHL DEU 283691 12000 3000 importer; 2022 CHN DEU 283691 4000 1000 importer";

pub(super) fn comtrade() -> Vec<Sent> {
    [comtrade_forms(), comtrade_rows()].into_iter().flatten().collect()
}

/// A good row with another one below.
fn comtrade_row(row: &str) -> String {
    format!(
        "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n\
         2022,276,152,M,283691,12000000,3000000,H6\n{row}\n"
    )
}

/// Files that differ in their form.
fn comtrade_forms() -> Vec<Sent> {
    let named =
        COMTRADE.replace("classificationCode", "classificationCode,partnerDesc").replace("H6", "H6,Cura~ao");
    let cp1252: Vec<u8> = named.bytes().map(|byte| if byte == b'~' { 0xe7 } else { byte }).collect();
    vec![
        sent("as programs write it", COMTRADE, COMTRADE_ROWS),
        sent("Excel's mark", bom(COMTRADE), COMTRADE_ROWS),
        sent("Windows", crlf(COMTRADE), COMTRADE_ROWS),
        sent("a program quotes everything", quoted(COMTRADE), COMTRADE_ROWS),
        sent("an editor adds blank lines", blank_lines(COMTRADE), COMTRADE_ROWS),
        sent("a German spreadsheet", separated(COMTRADE, ";"), COMTRADE_ROWS),
        sent("what it says of its separator", format!("sep=;\n{}", separated(COMTRADE, ";")), COMTRADE_ROWS),
        sent("a table pasted from a page", separated(COMTRADE, "\t"), COMTRADE_ROWS),
        sent("Excel's Unicode text", utf16(&separated(COMTRADE, "\t")), COMTRADE_ROWS),
        sent(
            "rows that end with a comma, as the site writes",
            trailing_commas_of_rows(COMTRADE),
            COMTRADE_ROWS,
        ),
        sent("names in capitals", capitals(COMTRADE), COMTRADE_ROWS),
        sent("row numbers of a program", numbered(COMTRADE), COMTRADE_ROWS),
        sent(
            "the product's column left out",
            COMTRADE.replace("cmdCode", "product"),
            "! missing-column: column `cmdCode` is missing",
        ),
        sent(
            "the classification left out",
            COMTRADE.replace("classificationCode", "class"),
            "! missing-hs-revision: --hs HS17",
        ),
        sent(
            "names one column off",
            "a,period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n2022,\
             276,152,M,283691,12000000,3000000,H6,\n",
            "! misplaced-columns: the column names are one column to the right",
        ),
        sent(
            "nothing but SITC",
            COMTRADE.replace("H6", "S4"),
            "! unknown-classification: request classification HS",
        ),
        sent("names in Windows-1252", cp1252, COMTRADE_ROWS),
    ]
}

/// Rows that differ from what programs write.
fn comtrade_rows() -> Vec<Sent> {
    vec![
        sent(
            "alpha-3 codes",
            comtrade_row("2022,DEU,156,M,283691,1,1,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | unknown-economy: write the number of the area: 276",
        ),
        sent(
            "a decimal comma in semicolons",
            separated(&comtrade_row("2022,276,156,M,283691,@,1,H6"), ";").replace('@', "97,63"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | invalid-number: decimal comma? write 97.63",
        ),
        sent(
            "codes and periods as decimals",
            comtrade_row("2022.0,276.0,156.0,M,283691,4000000.0,1000000.0,H6"),
            COMTRADE_ROWS,
        ),
        sent(
            "an exponent",
            comtrade_row("2022,276,156,M,283691,4e6,1000000,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | invalid-number: write it as a plain decimal: \
             4000000",
        ),
        sent(
            "areas not specified",
            comtrade_row("2022,276,899,M,283691,1000,1000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 OTHER:unspecified DEU 283691 1 1 importer",
        ),
        sent(
            "the world above its partners",
            comtrade_row("2022,276,0,M,283691,16000000,3000000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 OTHER:undistributed DEU 283691 4000 - importer",
        ),
        sent(
            "Kosovo",
            comtrade_row("2022,276,412,M,283691,1000,1000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 XKX DEU 283691 1 1 importer",
        ),
        sent(
            "a month among years",
            comtrade_row("202203,276,156,M,283691,1,1,H6"),
            "! mixed-periods: years into one file",
        ),
        sent(
            "SITC",
            comtrade_row("2022,276,156,M,283691,1,1,S4"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | unknown-classification: H0 to H6",
        ),
        sent(
            "a zero cut off",
            comtrade_row("2022,276,156,M,80510,1,1,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | invalid-product: did you mean 080510?",
        ),
        sent(
            "a note below the rows",
            comtrade_row("Source: UN Comtrade"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | field-count-mismatch: 1 fields",
        ),
    ]
}

pub(super) fn comtrade_json() -> Vec<Sent> {
    [comtrade_answers(), comtrade_other_answers()].into_iter().flatten().collect()
}

fn comtrade_record(partner: u16) -> String {
    format!(
        r#"{{"period":"2022","reporterCode":276,"flowCode":"M","partnerCode":{partner},"classificationCode":"H6",
            "cmdCode":"283691","netWgt":1000.0,"primaryValue":2000}}"#
    )
    .replace("\n            ", "")
}

/// Answers with data.
fn comtrade_answers() -> Vec<Sent> {
    let whole =
        format!(r#"{{"elapsedTime":"0.1 secs","count":1,"data":[{}],"error":""}}"#, comtrade_record(156));
    const ROW: &str = "= 2022 CHN DEU 283691 2 1 importer";
    vec![
        sent("an answer", &whole, ROW),
        sent("its records alone", format!("[{}]", comtrade_record(156)), ROW),
        sent("Excel's mark", bom(&whole), ROW),
        sent(
            "snake case",
            whole
                .replace("reporterCode", "reporter_code")
                .replace("netWgt", "net_wgt")
                .replace("primaryValue", "primary_value"),
            ROW,
        ),
        sent("cut off", &whole[..whole.len() - 9], "! truncated-json: fetch it again"),
        sent(
            "fewer rows than it says",
            whole.replace("\"count\":1", "\"count\":2"),
            "! truncated-answer: download it again, with a smaller query",
        ),
        sent(
            "a record a line",
            format!("{}\n{}\n", comtrade_record(156), comtrade_record(152)).replace("flowCode", "flow"),
            "! unknown-format: as one array",
        ),
        sent("UTF-16", utf16(&whole), "! not-utf8: iconv -f UTF-16"),
    ]
}

/// Answers without data.
fn comtrade_other_answers() -> Vec<Sent> {
    vec![
        sent(
            "too many requests",
            r#"{"statusCode":429,"message":"Rate limit is exceeded. Try again in 2 seconds."}"#,
            "! answer-is-an-error: wait some seconds",
        ),
        sent(
            "no key",
            r#"{ "statusCode": 401, "message": "Access denied due to missing subscription key." }"#,
            "! answer-is-an-error: the key is missing or wrong",
        ),
        sent(
            "the day's calls are used up",
            r#"{ "statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 04:01:13." }"#,
            "! answer-is-an-error: the calls of the day are used up",
        ),
        sent(
            "nothing is reported",
            r#"{"elapsedTime":"0.1 secs","count":0,"data":[],"error":""}"#,
            "! no-rows: nothing is reported",
        ),
        sent(
            "a list of areas",
            r#"{"results":[{"id":4,"text":"Afghanistan"}],"more":false}"#,
            "! unknown-format: its members are",
        ),
        sent(
            "a map",
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point"}}]}"#,
            "! unknown-format: this is GeoJSON",
        ),
        sent(
            "Eurostat's JSON-stat",
            r#"{"version":"2.0","class":"dataset","label":"EU trade","id":["freq"]}"#,
            "! unknown-format: format=SDMX-CSV",
        ),
    ]
}
