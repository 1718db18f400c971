//! Governance indicators of the World Bank.
use super::variants::*;
use super::{Parser, Sent, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "wgi", file: "wgidataset.csv", hs: "", files: csv() },
        Parser { id: "wgi", file: "wgi_pv.csv", hs: "", files: wide() },
        Parser { id: "wgi", file: "wgi.json", hs: "", files: json() },
    ]
}

const LONG: &str =
    "code,countryname,year,indicator,estimate,stddev\nCHL,Chile,2022,pv,-0.4,0.2\nZAR,Congo,2022,cc,..,..\n";
const LONG_ROWS: &str = "= 2022,CHL,political-stability,-0.4; 2022,COD,control-of-corruption,Unavailable";

fn csv() -> Vec<Sent> {
    let row = |row: &str| {
        format!("code,countryname,year,indicator,estimate,stddev\nCHL,Chile,2022,pv,-0.4,0.2\n{row}\n")
    };
    vec![
        sent("as it is published", LONG, LONG_ROWS),
        sent("Excel's mark", bom(LONG), LONG_ROWS),
        sent("Windows", crlf(LONG), LONG_ROWS),
        sent("a program quotes everything", quoted(LONG), LONG_ROWS),
        sent("an editor adds blank lines", blank_lines(LONG), LONG_ROWS),
        sent("a German spreadsheet", separated(LONG, ";"), LONG_ROWS),
        sent("tabs", separated(LONG, "\t"), LONG_ROWS),
        sent("Excel's Unicode text", utf16(&separated(LONG, "\t")), LONG_ROWS),
        sent("names in capitals", capitals(LONG), LONG_ROWS),
        sent("row numbers of a program", numbered(LONG), LONG_ROWS),
        sent("rows that end with a comma", trailing_commas_of_rows(LONG), LONG_ROWS),
        sent(
            "the Stata file",
            ",code,countryname,year,vae,pve\n0,CHL,Chile,2022,1.5,-0.4\n",
            "= 2022,CHL,political-stability,-0.4; 2022,CHL,voice-and-accountability,1.5",
        ),
        sent(
            "years as decimals",
            row("DEU,Germany,2022.0,pv,0.7,0.2"),
            "= 2022,CHL,political-stability,-0.4; 2022,DEU,political-stability,0.7",
        ),
        sent(
            "the estimate left out",
            LONG.replace("estimate", "score"),
            "! missing-column: column `estimate` is missing",
        ),
        sent(
            "a decimal comma",
            row("DEU,Germany,2022,pv,\"0,74\",0.2"),
            "~ 2022,CHL,political-stability,-0.4 | invalid-number: decimal comma? write 0.74",
        ),
        sent(
            "a rank among the estimates",
            row("DEU,Germany,2022,pv,71.2,0.2"),
            "~ 2022,CHL,political-stability,-0.4 | out-of-range: use the column of estimates",
        ),
        sent("a group of economies", row("WLD,World,2022,pv,0.1,0.2"), "= 2022,CHL,political-stability,-0.4"),
        sent(
            "an economy of no table",
            row("XYZ,Nowhere,2022,pv,0.1,0.2"),
            "~ 2022,CHL,political-stability,-0.4 | unknown-economy: XYZ",
        ),
    ]
}

fn wide() -> Vec<Sent> {
    vec![
        sent(
            "a column a year",
            "Country/Territory,Code,2021,2022\nChile,CHL,0.1,#N/A\n",
            "= 2021,CHL,political-stability,0.1; 2022,CHL,political-stability,Unavailable",
        ),
        sent(
            "the DataBank's footer",
            "Country Name,Country Code,Series Name,Series Code,2022 [YR2022]\nChile,CHL,Political \
             Stability,PV.EST,0.1\n,,,,\n\"Data from database: Worldwide Governance Indicators\",,,,\n\"Last \
             Updated: 11/05/2024\",,,,\n",
            "= 2022,CHL,political-stability,0.1",
        ),
        sent(
            "today's codes of the DataBank",
            "Country Name,Country Code,Series Code,2022 [YR2022]\nChile,CHL,GOV_WGI_PV.EST,0.1\n",
            "= 2022,CHL,political-stability,0.1",
        ),
    ]
}

fn json() -> Vec<Sent> {
    let page = |record: &str| {
        format!(
            r#"[{{"page":1,"pages":1,"per_page":50,"total":1,"sourceid":"3","lastupdated":"2025-01-01"}},[{record}]]"#
        )
    };
    let record = |country: &str, iso3: &str, value: &str| {
        page(&format!(
            r#"{{"indicator":{{"id":"GOV_WGI_PV.EST","value":"x"}},"country":{country},"countryiso3code":"{iso3}","date":"2024","value":{value}}}"#
        ))
    };
    let chile = record(r#"{"id":"CL","value":"Chile"}"#, "CHL", "0.1");
    vec![
        sent("an answer", &chile, "= 2024,CHL,political-stability,0.1"),
        sent("Excel's mark", bom(&chile), "= 2024,CHL,political-stability,0.1"),
        sent(
            "Taiwan, which has no code",
            record(r#"{"id":"","value":"Taiwan, China"}"#, "", "0.74"),
            "= 2024,TWN,political-stability,0.74",
        ),
        sent(
            "no estimate",
            record(r#"{"id":"CL","value":"Chile"}"#, "CHL", "null"),
            "= 2024,CHL,political-stability,Unavailable",
        ),
        sent(
            "a former name",
            r#"[{"message":[{"id":"175","key":"Invalid format","value":"The indicator was not found. It may have been deleted or archived."}]}]"#,
            "! answer-is-an-error: GOV_WGI_PV.EST",
        ),
        sent(
            "no rows",
            r#"[{"page":0,"pages":0,"per_page":0,"total":0,"sourceid":null,"lastupdated":null},null]"#,
            "! no-rows: are indicator, source and years right?",
        ),
        sent("cut off", &chile[..chile.len() - 5], "! truncated-json: fetch it again"),
        sent("UTF-16", utf16(&chile), "! not-utf8: iconv -f UTF-16"),
    ]
}
