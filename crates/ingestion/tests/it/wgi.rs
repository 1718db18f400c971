//! The World Bank's governance indicators in the forms in which it gives them.
use orewatch_formats::Metadata;
use proptest::prelude::*;

use crate::harness::gzip;
use crate::tables::{take, take_one};

const LONG: &str = "code,countryname,year,indicator,estimate,stddev,nsource,pctrank";

/// Many estimates, so that it can be told whether they are some.
fn many(header: &str, row: impl Fn(usize) -> String) -> String {
    (0..12).fold(format!("{header}\n"), |text, number| text + &row(number) + "\n")
}

#[test]
fn the_long_csv_is_read() {
    let content = format!(
        "{LONG}\nZAR,\"Congo, Dem. Rep.\",2022,pv,-2.03,0.2,8,4.2\nROM,Romania,2022,cc,-0.1,0.2,8,50\n\
         TMP,Timor-Leste,2022,rl,-0.9,0.2,8,20\nADO,Andorra,2022,va,1.1,0.2,2,90\nWBG,West Bank and \
         Gaza,2022,ge,..,..,..,..\n\
         KSV,Kosovo,2022,rq,-4e-2,0.2,8,40\nXYZ,Nowhere,2022,pv,0.1,0.2,8,50\nAND,Andorra,2022,va,1.1,0.2,2,\
         90\n\
         DEU,Germany,2022,xx,1.1,0.2,2,90\nDEU,Germany,2022,pv,71.2,0.2,2,90\nDEU,Germany,2022,cc,\"1,8\",\
         0.2,2,90\n"
    );
    let taken = take_one("wgi.csv", &content);
    assert_eq!(
        taken.rows,
        [
            "2022,COD,political-stability,-2.03 @2",
            "2022,ROU,control-of-corruption,-0.1 @3",
            "2022,TLS,rule-of-law,-0.9 @4",
            "2022,AND,voice-and-accountability,1.1 @5",
            "2022,PSE,government-effectiveness,Unavailable @6",
            "2022,XKX,regulatory-quality,-0.04 @7",
        ]
    );
    assert_eq!(
        taken.aside(),
        [
            "8,code,unknown-economy,XYZ",
            "9,,duplicate-key,2022,AND,voice-and-accountability",
            "10,indicator,unknown-indicator,xx",
            "11,estimate,out-of-range,71.2",
            "12,estimate,invalid-number,1,8",
        ]
    );
    assert_eq!(taken.counts(), (6, 0, 5));
    let said = (&*taken.release.dataset, &*taken.release.vintage, &*taken.release.parser);
    assert_eq!(said, ("wgi", "undated", "wgi/2"));
    let provenance = taken.release.provenance.as_ref().unwrap();
    assert_eq!((&*provenance.publisher, &*provenance.licence), ("World Bank", "CC-BY-4.0"));

    // The variant with an index column first, compressed, in a file of any name.
    let indexed = "codeindyr,code,countryname,year,indicator,estimate\nZARpv2022,ZAR,Congo,2022,pv,-2.03\n";
    assert_eq!(take_one("x", gzip(indexed.as_bytes())).rows, ["2022,COD,political-stability,-2.03 @2"]);
}

/// The bank's Stata file as csv: a row an economy and year, a column an indicator.
#[test]
fn tables_with_stata_names_are_read() {
    let header = ",code,countryname,year,vae,vas,van,var,pve,pvs,gee,ges,rqe,rqs,rle,rls,cce,ccs";
    let content = format!(
        "{header}\n0,ZAR,\"Congo, Dem. Rep.\",1996,-1.5,0.2,4,7.5,-1.6,0.3,-1.7,0.2,-1.8,0.2,-1.9,0.2,-2.1,\
         0.2\n\
         1,TWN,\"Taiwan, China\",2023.0,1.0,0.1,9,80,,0.2,1.4,0.2,..,0.2,9,0.2,1.1,0.2\n"
    );
    let taken = take_one("wgidataset.csv", content);
    let row = |name: &str, value: &str, column: u8| format!("1996,COD,{name},{value} @2:{column}");
    let expected = [
        row("control-of-corruption", "-2.1", 17),
        row("government-effectiveness", "-1.7", 11),
        row("political-stability", "-1.6", 9),
        row("rule-of-law", "-1.9", 15),
        row("regulatory-quality", "-1.8", 13),
        row("voice-and-accountability", "-1.5", 5),
    ];
    assert_eq!(taken.rows[..6], expected);
    assert_eq!(
        taken.rows[6..],
        [
            "2023,TWN,control-of-corruption,1.1 @3:17",
            "2023,TWN,government-effectiveness,1.4 @3:11",
            "2023,TWN,political-stability,Unavailable @3:9",
            "2023,TWN,regulatory-quality,Unavailable @3:13",
            "2023,TWN,voice-and-accountability,1 @3:5",
        ]
    );
    assert_eq!(taken.aside(), ["3,rle,out-of-range,9"]);
    assert_eq!(taken.counts(), (11, 0, 1));
}

#[test]
fn the_name_of_a_wide_csv_gives_its_indicator() {
    let content = "Country/Territory,Code,1996,1998,2000,country_code\nAruba,ABW,nan,0.99,1.3,533\n\
                   \"Congo, Dem. Rep.\",ZAR,-2.1,,..,180\nNetherlands Antilles (former),ANT,,,0.4,530\n";
    let taken = take_one("WGI_PV_Estimate_1996_2000.csv", content);
    assert_eq!(
        taken.rows,
        [
            "1996,ABW,political-stability,Unavailable @2:3",
            "1998,ABW,political-stability,0.99 @2:4",
            "2000,ABW,political-stability,1.3 @2:5",
            "1996,COD,political-stability,-2.1 @3:3",
            "1998,COD,political-stability,Unavailable @3:4",
            "2000,COD,political-stability,Unavailable @3:5",
            "1996,ANT,political-stability,Unavailable @4:3",
            "1998,ANT,political-stability,Unavailable @4:4",
            "2000,ANT,political-stability,0.4 @4:5",
        ]
    );
    assert_eq!(taken.counts(), (9, 0, 0));
    let error = take(&[("estimates.csv", content)], &Metadata::default()).unwrap_err();
    assert_eq!(error.code, "missing-indicator");
    assert!(error.hint.contains("pv for political-stability"), "{}", error.hint);
}

#[test]
fn files_of_the_data_bank_are_read() {
    let content = "Country Name,Country Code,Series Name,Series Code,2021 [YR2021],2022 [YR2022]\n\
                   Chile,CHL,Rule of Law: Estimate,RL.EST,0.9,0.8\nChile,CHL,Rule of Law: \
                   Rank,RL.PER.RNK,80,79\n\
                   World,WLD,Rule of Law: Estimate,RL.EST,..,..\nChile,CHL,Regulatory \
                   Quality,GOV_WGI_RQ.EST,-0.1,..\n\n\n\
                   Data from database: Worldwide Governance Indicators,,,,,\nLast Updated: 11/05/2024,,,,,\n";
    let taken = take_one("P_Data_Extract.csv", content);
    assert_eq!(
        taken.rows,
        [
            "2021,CHL,rule-of-law,0.9 @2:5",
            "2022,CHL,rule-of-law,0.8 @2:6",
            "2021,CHL,regulatory-quality,-0.1 @5:5",
            "2022,CHL,regulatory-quality,Unavailable @5:6",
        ]
    );
    assert_eq!(taken.counts(), (4, 4, 0));
}

#[test]
fn a_sheet_of_2025_is_read() {
    let header = "Economy (name),Economy (code),Year,Governance score (0-100),Governance estimate (approx. \
                  -2.5 to +2.5)";
    let taken = take_one("ge.csv", format!("{header}\nChile,CHL,2024,66.1,0.71\nHaiti,HTI,2024,12,-1.9\n"));
    assert_eq!(
        taken.rows,
        ["2024,CHL,government-effectiveness,0.71 @2", "2024,HTI,government-effectiveness,-1.9 @3"]
    );
}

/// Tables of scores have the bank's form and other figures.
#[test]
fn rescaled_tables_are_refused() {
    let wide = "Country/Territory,Code,2021,2022";
    let score = many(wide, |row| format!("X,CHL,0.{},0.4{row}", row + 10));
    let percent = many(LONG, |row| format!("CHL,Chile,{},pv,{}.5,0,0,0", 2000 + row, row + 40));
    for (name, content) in [("WGI_PV.csv", score), ("wgi.csv", percent)] {
        let error = take(&[(name, content)], &Metadata::default()).unwrap_err();
        assert_eq!(error.code, "rescaled-figures", "{error}");
        assert!(error.message.contains("none is negative"), "{error}");
    }
    let negative = many(wide, |row| format!("X,CHL,-0.{row}1,0.4{row}"));
    assert!(take(&[("WGI_PV.csv", negative)], &Metadata::default()).is_ok());
    let well_governed = many(LONG, |row| format!("DNK,Denmark,{},cc,2.{row},0,0,0", 2000 + row));
    assert_eq!(take_one("wgi.csv", well_governed).counts(), (12, 0, 0));
}

fn page(page: u64, pages: u64, records: &str) -> String {
    format!(
        r#"[{{"page":{page},"pages":{pages},"per_page":"2","total":4,"sourceid":"3","lastupdated":"2024-11-05"}},[{records}]]"#
    )
}

fn record(indicator: &str, iso2: &str, iso3: &str, year: &str, value: &str) -> String {
    format!(
        r#"{{"indicator":{{"id":"{indicator}","value":"x"}},"country":{{"id":"{iso2}","value":"x"}},"countryiso3code":"{iso3}","date":"{year}","value":{value},"unit":"","decimal":0}}"#
    )
}

#[test]
fn pages_of_the_interface_make_one_release() {
    let first = [
        record("PV.EST", "NA", "", "2022", "0.48"),
        record("PV.EST", "CD", "COD", "2022", "-2.0312345678901234"),
        record("PV.EST", "ZH", "AFE", "2022", "null"),
    ];
    let second = [
        record("PV.PER.RNK", "CL", "CHL", "2022", "55.2"),
        record("GOV_WGI_VA.EST", "CL", "CHL", "2022", "null"),
        record("PV.EST", "CL", "CHL", "2022", "\"high\""),
        record("PV.EST", "QQ", "", "2022", "0.1"),
        r#"{"country":{"id":"CL"},"date":"2022","value":1}"#.to_owned(),
    ];
    let files = [("1.json", page(1, 2, &first.join(","))), ("2.json", page(2, 2, &second.join(",")))];
    let taken = take(&files, &Metadata::default()).unwrap();
    assert_eq!(
        taken.rows,
        [
            "2022,NAM,political-stability,0.48 @2",
            "2022,COD,political-stability,-2.0312345678901234 @3",
            "2022,CHL,voice-and-accountability,Unavailable @3",
        ]
    );
    assert_eq!(
        taken.aside(),
        [
            "4,value,invalid-number,high",
            "5,country.id,unknown-economy,QQ",
            "6,indicator.id,unknown-indicator,"
        ]
    );
    assert_eq!(taken.counts(), (3, 2, 3));
    assert_eq!(taken.release.vintage, "2024-11-05");
    assert!(taken.notes.is_empty(), "{:?}", taken.notes);

    let incomplete = take(&files[..1], &Metadata::default()).unwrap();
    assert!(incomplete.notes[0].starts_with("incomplete: page 2 of 2"), "{:?}", incomplete.notes);
}

/// Economies to which the bank gives no code go by their names.
#[test]
fn economies_without_a_code_are_found_by_name() {
    let record = |country: &str| {
        format!(
            r#"{{"indicator":{{"id":"GOV_WGI_PV.EST","value":"x"}},"country":{country},"countryiso3code":"","date":"2024","value":0.74}}"#
        )
    };
    let records = [
        record(r#"{"id":"","value":"Taiwan, China"}"#),
        record(r#"{"id":"XK","value":"Kosovo"}"#),
        record(r#"{"id":"","value":"Atlantis"}"#),
        record(r#"{"id":"","value":""}"#),
    ];
    let taken = take_one("a.json", page(1, 1, &records.join(",")));
    assert_eq!(taken.rows, ["2024,TWN,political-stability,0.74 @2", "2024,XKX,political-stability,0.74 @3"]);
    assert_eq!(
        taken.aside(),
        ["4,country.value,unknown-economy,Atlantis", "5,country.value,unknown-economy,"]
    );
}

#[test]
fn responses_without_data_are_refused_with_advice() {
    let excuse =
        r#"[{"message":[{"id":"120","key":"Invalid value","value":"The indicator was not found."}]}]"#;
    let cut = page(1, 1, &record("PV.EST", "CL", "CHL", "2022", "0.1"));
    let cut = &cut[..cut.len() - 9];
    let deep = page(1, 1, &format!(r#"{{"indicator":{}"#, "[".repeat(10_000)));
    let long = page(1, 1, &format!(r#"{{"indicator":{{"id":"{}"}}}}"#, "x".repeat(5 << 20)));
    for (content, code, message) in [
        (excuse, "answer-is-an-error", "The indicator was not found."),
        (
            r#"[{"page":0,"pages":0,"per_page":0,"total":0,"sourceid":null,"lastupdated":null},null]"#,
            "no-rows",
            "no rows",
        ),
        (cut, "truncated-json", "EOF"),
        (&deep, "invalid-json", "recursion"),
        (&long, "record-too-long", "4194304 bytes"),
        (&page(1, 1, "").replace("]]", "]] tail"), "invalid-json", "trailing"),
    ] {
        let error = take(&[("a.json", content)], &Metadata::default()).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(message), "{error}");
    }
}

proptest! {
    /// Whatever stands in a file of this form: it is read or refused, and what is read adds up.
    #[test]
    fn nothing_is_lost(rows in prop::collection::vec("(CHL|ZAR|XX|)(,[a-z\"0-9.-]{0,6}){0,8}\n?", 0..20)) {
        for header in [LONG, "Country/Territory,Code,2020,2021"] {
            let content = format!("{header}\n{}", rows.join("\n"));
            if let Ok(taken) = take(&[("pv.csv", content)], &Metadata::default()) {
                taken.counts();
            }
        }
    }

    #[test]
    fn nothing_of_an_answer_is_lost(records in prop::collection::vec("(\\{\"indicator\":\\{\"id\":\"PV.EST\"\\},\"date\":\"20[0-9]{1,2}\",\"value\":(1|null|-0.1|\"\")\\}|\\{\\}|\\[\\]|1|\\{)", 0..6)) {
        let content = page(1, 1, &records.join(","));
        if let Ok(taken) = take(&[("pv.json", content)], &Metadata::default()) {
            taken.counts();
        }
    }
}
