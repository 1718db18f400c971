//! Parsers of trade.
use super::variants::*;
use super::{Parser, Sent, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "baci", file: "BACI_HS22_Y2022_V202501.csv", hs: "", files: baci() },
        Parser { id: "comtrade", file: "comtrade.csv", hs: "", files: comtrade() },
        Parser { id: "comtrade", file: "comtrade.json", hs: "", files: comtrade_json() },
        Parser { id: "comext", file: "full_v2_202403.dat", hs: "", files: comext() },
        Parser { id: "comext-sdmx", file: "estat_ds-045409.csv", hs: "", files: sdmx() },
        Parser { id: "hmrc", file: "hmrc.csv", hs: "", files: hmrc() },
    ]
}

const BACI: &str = "t,i,j,k,v,q\n2022,152,276,283691,9000,3000\n2022,156,276,283691,4000,NA\n";
const BACI_ROWS: &str = "= 2022 CHL DEU 283691 9000 3000 -; 2022 CHN DEU 283691 4000 - -";

fn baci() -> Vec<Sent> {
    let row = |row: &str| format!("t,i,j,k,v,q\n2022,152,276,283691,9000,3000\n{row}\n");
    vec![
        sent("as it is published", BACI, BACI_ROWS),
        sent("Excel's mark", bom(BACI), BACI_ROWS),
        sent("Windows", crlf(BACI), BACI_ROWS),
        sent("a program quotes everything", quoted(BACI), BACI_ROWS),
        sent("an editor adds blank lines", blank_lines(BACI), BACI_ROWS),
        sent(
            "numbers padded with blanks",
            "t,i,j,k,v,q\n2022,152,276,283691,      9000,     3000\n2022,156,276,283691,  4000,          NA\n",
            BACI_ROWS,
        ),
        sent("names in capitals", capitals(BACI), BACI_ROWS),
        sent("a comma at the end of each line", trailing_commas(BACI), BACI_ROWS),
        sent(
            "a comma at the end of each row",
            trailing_commas_of_rows(BACI),
            "~  | field-count: 7 fields, the header 6",
        ),
        sent("a German spreadsheet", separated(BACI, ";"), "! other-separator: save the file with commas"),
        sent("a table pasted from a page", separated(BACI, "\t"), "! other-separator: separated by tabs"),
        sent("Excel's Unicode text", utf16(BACI), "! not-utf8: iconv -f UTF-16"),
        sent("row numbers of a program", numbered(BACI), "! unnamed-column: to_csv(FILE, index=False)"),
        sent(
            "a column left out",
            "t,i,j,k,v\n2022,152,276,283691,9000\n",
            "! missing-column: column `q` is missing",
        ),
        sent(
            "a column of one's own",
            "t,i,j,k,v,q,note\n2022,152,276,283691,9000,3000,x\n",
            "! unknown-column: `note`",
        ),
        sent(
            "a spreadsheet cut a zero off",
            row("2022,152,276,80510,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-product: did you mean 080510?",
        ),
        sent(
            "a decimal comma",
            row("2022,156,276,283691,\"97,63\",\"0,4\""),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-number: decimal comma? write 97.63",
        ),
        sent(
            "a decimal comma without quotes",
            row("2022,156,276,283691,97,63,0,4"),
            "~ 2022 CHL DEU 283691 9000 3000 - | field-count: A decimal comma becomes a point",
        ),
        sent(
            "points between thousands",
            row("2022,156,276,283691,\"1.270,5\",1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-number: decimal comma? write 1270.5",
        ),
        sent(
            "a comma that may be either",
            row("2022,156,276,283691,\"1,270\",1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-number: decimal comma? write 1.270; thousands separator? write 1270",
        ),
        sent(
            "nothing where NA is meant",
            row("2022,156,276,283691,1,"),
            "~ 2022 CHL DEU 283691 9000 3000 - | missing-figure: write NA",
        ),
        sent(
            "another word for nothing",
            row("2022,156,276,283691,1,n/a"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-number: write NA",
        ),
        sent(
            "a total of one's own below",
            row("Total,,,,13000,3000"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-period: a year such as `2024`",
        ),
        sent(
            "the rest of EFTA",
            row("2022,697,276,283691,1,1"),
            "= 2022 CHL DEU 283691 9000 3000 -; 2022 OTHER:rest-of-efta DEU 283691 1 1 -",
        ),
        sent(
            "letters instead of numbers",
            row("2022,CHN,276,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | unknown-economy: CHN (China)",
        ),
        sent(
            "years as decimals",
            row("2022.0,156,276,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | bad-period: write 2022",
        ),
        sent("UTF-16 without its mark", &utf16(BACI)[2..], "! not-utf8: iconv -f UTF-16"),
        sent(
            "the list of countries beside the files",
            "country_code,country_name,country_iso2,country_iso3\n4,Afghanistan,AF,AFG\n",
            "! unknown-format: this is a list of countries",
        ),
        sent(
            "a page instead of the file",
            "<!DOCTYPE html><html><body>Sign in</body></html>",
            "! unknown-format: a page of the web",
        ),
    ]
}

const COMTRADE: &str = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n\
                        2022,276,152,M,283691,12000000,3000000,H6\n2022,276,156,M,283691,4000000,1000000,H6\n";
const COMTRADE_ROWS: &str =
    "= 2022 CHL DEU 283691 12000 3000 importer; 2022 CHN DEU 283691 4000 1000 importer";

fn comtrade() -> Vec<Sent> {
    let named =
        COMTRADE.replace("classificationCode", "classificationCode,partnerDesc").replace("H6", "H6,Cura~ao");
    let cp1252: Vec<u8> = named.bytes().map(|byte| if byte == b'~' { 0xe7 } else { byte }).collect();
    let row = |row: &str| {
        format!(
            "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n2022,276,152,M,283691,12000000,3000000,H6\n{row}\n"
        )
    };
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
            "a,period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n2022,276,152,M,283691,12000000,3000000,H6,\n",
            "! misplaced-columns: the names stand one column to the right",
        ),
        sent(
            "alpha-3 codes",
            row("2022,DEU,156,M,283691,1,1,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | unknown-economy: write the number of the area: 276",
        ),
        sent(
            "a decimal comma in semicolons",
            separated(&row("2022,276,156,M,283691,@,1,H6"), ";").replace('@', "97,63"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | bad-number: decimal comma? write 97.63",
        ),
        sent(
            "codes and periods as decimals",
            row("2022.0,276.0,156.0,M,283691,4000000.0,1000000.0,H6"),
            COMTRADE_ROWS,
        ),
        sent(
            "an exponent",
            row("2022,276,156,M,283691,4e6,1000000,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | bad-number: write it as a plain decimal: 4000000",
        ),
        sent(
            "areas not specified",
            row("2022,276,899,M,283691,1000,1000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 OTHER:unspecified DEU 283691 1 1 importer",
        ),
        sent(
            "the world above its partners",
            row("2022,276,0,M,283691,16000000,3000000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 OTHER:undistributed DEU 283691 4000 - importer",
        ),
        sent(
            "Kosovo",
            row("2022,276,412,M,283691,1000,1000,H6"),
            "= 2022 CHL DEU 283691 12000 3000 importer; 2022 XKX DEU 283691 1 1 importer",
        ),
        sent(
            "a month among years",
            row("202203,276,156,M,283691,1,1,H6"),
            "! mixed-periods: years into one file",
        ),
        sent(
            "SITC",
            row("2022,276,156,M,283691,1,1,S4"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | unknown-classification: H0 to H6",
        ),
        sent(
            "nothing but SITC",
            COMTRADE.replace("H6", "S4"),
            "! unknown-classification: ask for classification HS",
        ),
        sent(
            "a zero cut off",
            row("2022,276,156,M,80510,1,1,H6"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | bad-product: did you mean 080510?",
        ),
        sent(
            "a note below the rows",
            row("Source: UN Comtrade"),
            "~ 2022 CHL DEU 283691 12000 3000 importer | field-count: 1 fields",
        ),
        sent("names in Windows-1252", cp1252, COMTRADE_ROWS),
    ]
}

fn comtrade_json() -> Vec<Sent> {
    let record = |partner: u16| {
        format!(
            r#"{{"period":"2022","reporterCode":276,"flowCode":"M","partnerCode":{partner},"classificationCode":"H6","cmdCode":"283691","netWgt":1000.0,"primaryValue":2000}}"#
        )
    };
    let whole = format!(r#"{{"elapsedTime":"0.1 secs","count":1,"data":[{}],"error":""}}"#, record(156));
    const ROW: &str = "= 2022 CHN DEU 283691 2 1 importer";
    vec![
        sent("an answer", &whole, ROW),
        sent("its records alone", format!("[{}]", record(156)), ROW),
        sent("Excel's mark", bom(&whole), ROW),
        sent(
            "snake case",
            whole
                .replace("reporterCode", "reporter_code")
                .replace("netWgt", "net_wgt")
                .replace("primaryValue", "primary_value"),
            ROW,
        ),
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
            "! answer-is-an-error: the day's calls are used up",
        ),
        sent(
            "nothing is reported",
            r#"{"elapsedTime":"0.1 secs","count":0,"data":[],"error":""}"#,
            "! no-rows: nothing is reported",
        ),
        sent("cut off", &whole[..whole.len() - 9], "! truncated-json: fetch it again"),
        sent(
            "fewer rows than it says",
            whole.replace("\"count\":1", "\"count\":2"),
            "! truncated-answer: ask for less",
        ),
        sent(
            "a list of areas",
            r#"{"results":[{"id":4,"text":"Afghanistan"}],"more":false}"#,
            "! unknown-json: its members are",
        ),
        sent(
            "a map",
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point"}}]}"#,
            "! unknown-json: this is GeoJSON",
        ),
        sent(
            "a record a line",
            format!("{}\n{}\n", record(156), record(152)).replace("flowCode", "flow"),
            "! unknown-json: as one array",
        ),
        sent(
            "Eurostat's JSON-stat",
            r#"{"version":"2.0","class":"dataset","label":"EU trade","id":["freq"]}"#,
            "! unknown-json: format=SDMX-CSV",
        ),
        sent("UTF-16", utf16(&whole), "! not-utf8: iconv -f UTF-16"),
    ]
}

const COMEXT: &str = "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,PERIOD,VALUE_EUR,QUANTITY_KG\n\
                      DE,CL,E,28369100,1,1,202403,9000,3000000\nDE,CN,E,28369100,1,1,202403,4000,1000000\n";
const COMEXT_ROWS: &str =
    "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 CHN DEU 28369100 - 1000 importer";

fn comext() -> Vec<Sent> {
    let row = |row: &str| {
        let (head, _) = COMEXT.rsplit_once("DE,CN").unwrap();
        format!("{head}{row}\n")
    };
    vec![
        sent("as it is published", COMEXT, COMEXT_ROWS),
        sent("Excel's mark", bom(COMEXT), COMEXT_ROWS),
        sent("Windows", crlf(COMEXT), COMEXT_ROWS),
        sent("a program quotes everything", quoted(COMEXT), COMEXT_ROWS),
        sent("an editor adds blank lines", blank_lines(COMEXT), COMEXT_ROWS),
        sent("a German spreadsheet", separated(COMEXT, ";"), COMEXT_ROWS),
        sent("tabs", separated(COMEXT, "\t"), COMEXT_ROWS),
        sent("Excel's Unicode text", utf16(&separated(COMEXT, "\t")), COMEXT_ROWS),
        sent("names in small letters", small(COMEXT), COMEXT_ROWS),
        sent("rows that end with a comma", trailing_commas_of_rows(COMEXT), COMEXT_ROWS),
        sent("row numbers of a program", numbered(COMEXT), COMEXT_ROWS),
        sent(
            "the quantity's column left out",
            COMEXT.replace("QUANTITY_KG", "QTY"),
            "! missing-column: column `QUANTITY_KG` is missing",
        ),
        sent(
            "Greece and the United Kingdom as Eurostat calls them",
            row("EL,UK,E,28369100,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 GBR GRC 28369100 - 1 importer",
        ),
        sent(
            "a partner that is kept secret",
            row("DE,QX,E,28369100,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 OTHER:confidential DEU 28369100 - 1 importer",
        ),
        sent(
            "a product that is kept secret",
            row("DE,CN,E,283691SS,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer",
        ),
        sent(
            "the year beside its months",
            row("DE,CN,E,28369100,1,1,202452,1,1000"),
            "! mixed-periods: month 52",
        ),
        sent(
            "a zero cut off",
            row("DE,CN,E,5040000,1,1,202403,1,1000"),
            "~ 2024-03 CHL DEU 28369100 - 3000 importer | bad-product: did you mean 05040000?",
        ),
        sent(
            "thousands",
            row("DE,CN,E,28369100,1,1,202403,1,\"1,000,000\""),
            "~ 2024-03 CHL DEU 28369100 - 3000 importer | bad-number: write it without separators: 1000000",
        ),
        sent(
            "a weight that is missing",
            row("DE,CN,E,28369100,1,1,202403,9,"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 CHN DEU 28369100 - - importer",
        ),
    ]
}

const SDMX: &str = "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n\
                    ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CL,28369100,1,QUANTITY_IN_100KG,2024,30000,\n\
                    ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CN,28369100,1,QUANTITY_IN_100KG,2024,10000,\n";
const SDMX_ROWS: &str = "= 2024 CHL DEU 28369100 - 3000 importer; 2024 CHN DEU 28369100 - 1000 importer";

fn sdmx() -> Vec<Sent> {
    let row = |row: &str| {
        let lines: Vec<_> = SDMX.lines().take(2).collect();
        format!("{}\nESTAT:DS-045409(1.0),15/09/26 11:00:00,A,{row}\n", lines.join("\n"))
    };
    vec![
        sent("as the interface gives it", SDMX, SDMX_ROWS),
        sent("Excel's mark", bom(SDMX), SDMX_ROWS),
        sent("Windows", crlf(SDMX), SDMX_ROWS),
        sent("a program quotes everything", quoted(SDMX), SDMX_ROWS),
        sent("an editor adds blank lines", blank_lines(SDMX), SDMX_ROWS),
        sent("semicolons, as the older interface gave it", separated(SDMX, ";"), SDMX_ROWS),
        sent("tabs", separated(SDMX, "\t"), SDMX_ROWS),
        sent("Excel's Unicode text", utf16(&separated(SDMX, "\t")), SDMX_ROWS),
        sent("names in capitals", capitals(SDMX), SDMX_ROWS),
        sent("row numbers of a program", numbered(SDMX), SDMX_ROWS),
        sent(
            "the indicator left out",
            SDMX.replace(",indicators", ",what"),
            "! missing-column: column `indicators` is missing",
        ),
        sent(
            "the world",
            row("DE,WORLD,28369100,1,QUANTITY_IN_100KG,2024,40000,"),
            "= 2024 CHL DEU 28369100 - 3000 importer; 2024 OTHER:undistributed DEU 28369100 - 1000 importer",
        ),
        sent(
            "confidential",
            row("DE,CN,28369100,1,QUANTITY_IN_100KG,2024,,c"),
            "= 2024 CHL DEU 28369100 - 3000 importer; 2024 CHN DEU 28369100 - - importer",
        ),
        sent(
            "only the value",
            row("DE,CN,28369100,1,VALUE_IN_EUROS,2024,5,"),
            "= 2024 CHL DEU 28369100 - 3000 importer; 2024 CHN DEU 28369100 - - importer",
        ),
        sent(
            "a decimal comma",
            row("DE,CN,28369100,1,QUANTITY_IN_100KG,2024,\"97,63\","),
            "~ 2024 CHL DEU 28369100 - 3000 importer | bad-number: decimal comma? write 97.63",
        ),
        sent(
            "quarters",
            row("DE,CN,28369100,1,QUANTITY_IN_100KG,2024-Q1,5,"),
            "~ 2024 CHL DEU 28369100 - 3000 importer | bad-period: quarters are not read",
        ),
        sent(
            "names instead of codes",
            row("DE,China,28369100,1,QUANTITY_IN_100KG,2024,5,"),
            "~ 2024 CHL DEU 28369100 - 3000 importer | unknown-economy: CHN (China)",
        ),
    ]
}

const HMRC: &str = "period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential\n\
                    202406,import,GBR,CHL,283691,28369100,9000000.0,3000000.0,False\n\
                    202406,import,GBR,CHN,283691,28369100,4000000.0,1000000.0,False\n";
const HMRC_ROWS: &str =
    "= 2024-06 CHL GBR 283691 9000 3000 importer; 2024-06 CHN GBR 283691 4000 1000 importer";

fn hmrc() -> Vec<Sent> {
    let row = |row: &str| {
        let lines: Vec<_> = HMRC.lines().take(2).collect();
        format!("{}\n{row}\n", lines.join("\n"))
    };
    vec![
        sent("as it is published", HMRC, HMRC_ROWS),
        sent("Excel's mark", bom(HMRC), HMRC_ROWS),
        sent("Windows", crlf(HMRC), HMRC_ROWS),
        sent("a program quotes everything", quoted(HMRC), HMRC_ROWS),
        sent("an editor adds blank lines", blank_lines(HMRC), HMRC_ROWS),
        sent("a German spreadsheet", separated(HMRC, ";"), HMRC_ROWS),
        sent("tabs", separated(HMRC, "\t"), HMRC_ROWS),
        sent("Excel's Unicode text", utf16(&separated(HMRC, "\t")), HMRC_ROWS),
        sent("names in capitals", capitals(HMRC), HMRC_ROWS),
        sent("row numbers of a program", numbered(HMRC), HMRC_ROWS),
        sent("rows that end with a comma", trailing_commas_of_rows(HMRC), HMRC_ROWS),
        sent(
            "a column left out",
            HMRC.replace("qty_kg", "weight"),
            "! missing-column: column `qty_kg` is missing",
        ),
        sent(
            "a partner that is kept secret",
            row("202406,import,GBR,n/a,283691,28369100,1000,1000,True"),
            "= 2024-06 CHL GBR 283691 9000 3000 importer; 2024-06 OTHER:confidential GBR 283691 1 1 importer",
        ),
        sent(
            "a partner that is not specified",
            row("202406,import,GBR,,283691,28369100,1000,1000,"),
            "= 2024-06 CHL GBR 283691 9000 3000 importer; 2024-06 OTHER:unspecified GBR 283691 1 1 importer",
        ),
        sent(
            "thousands",
            row("202406,import,GBR,CHN,283691,28369100,\"1,000.5\",1000,False"),
            "~ 2024-06 CHL GBR 283691 9000 3000 importer | bad-number: write it without separators: 1000.5",
        ),
        sent(
            "a year",
            row("2024,import,GBR,CHN,283691,28369100,1,1,False"),
            "~ 2024-06 CHL GBR 283691 9000 3000 importer | bad-period: a month such as",
        ),
    ]
}
