//! Inventories of restrictions of exports.
use super::variants::*;
use super::{Parser, Sent, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "gta", file: "interventions.csv", hs: "", files: gta() },
        Parser { id: "gta", file: "gta.json", hs: "", files: gta_json() },
        Parser { id: "oecd", file: "inventory.csv", hs: "", files: oecd() },
    ]
}

const GTA: &str = "State Act Title,Intervention ID,Intervention Type,GTA Evaluation,Implementing \
                   Jurisdictions,Affected Products,Date Implemented,Date Removed\n\
                   x,1,Export ban,Red,Indonesia,260400,2020-01-01,\nx,2,Export \
                   tax,Amber,Chile,283691,2021-01-01,2022-06-30\n";
const GTA_ROWS: &str = "= 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[]; \
                        2021-01-01..2022-06-30,CHL,lithium,refined,export-tax,Amber,283691,[]";
const BAN: &str = "2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[]";

fn gta() -> Vec<Sent> {
    let row = |row: &str| format!("{}{row}\n", GTA.split_inclusive('\n').take(2).collect::<String>());
    vec![
        sent("as the data centre exports it", GTA, GTA_ROWS),
        sent("Excel's mark", bom(GTA), GTA_ROWS),
        sent("Windows", crlf(GTA), GTA_ROWS),
        sent("a program quotes everything", quoted(GTA), GTA_ROWS),
        sent("an editor adds blank lines", blank_lines(GTA), GTA_ROWS),
        sent("a German spreadsheet", separated(GTA, ";"), GTA_ROWS),
        sent("tabs", separated(GTA, "\t"), GTA_ROWS),
        sent("Excel's Unicode text", utf16(&separated(GTA, "\t")), GTA_ROWS),
        sent("names in capitals", capitals(GTA), GTA_ROWS),
        sent("names with points, as R writes", header_with_points(), GTA_ROWS),
        sent("row numbers of a program", numbered(GTA), GTA_ROWS),
        sent(
            "products left out",
            GTA.replace("Affected Products", "Products affected"),
            "! missing-column: column `affected products` is missing",
        ),
        sent(
            "a zero cut off a code",
            row("x,3,Export ban,Red,Chile,81110,2020-01-01,"),
            "= 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[]",
        ),
        sent(
            "a day as a spreadsheet shows it",
            row("x,3,Export ban,Red,Chile,283691,01.02.2020,"),
            "~ 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[] | invalid-day: write year, month and \
             day",
        ),
        sent(
            "an economy of no table",
            row("x,3,Export ban,Red,Atlantis,283691,2020-01-01,"),
            "~ 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[] | unknown-economy: Atlantis",
        ),
        sent(
            "the same intervention twice",
            row("x,1,Export ban,Red,Indonesia,260400,2020-01-01,2021-01-01"),
            "~ 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[] | duplicate-key: keep one of the \
             records",
        ),
    ]
}

/// The same with the names that R makes of them.
fn header_with_points() -> String {
    let (header, rows) = GTA.split_once('\n').unwrap();
    format!("{}\n{rows}", header.replace(' ', "."))
}

fn gta_json() -> Vec<Sent> {
    let record = |products: &str| {
        format!(
            r#"[{{"intervention_id":1,"gta_evaluation":"Red","implementing_jurisdictions":[{{"id":360,"name":"Indonesia","iso":"IDN"}}],"intervention_type":"Export ban","affected_products":{products},"date_implemented":"2020-01-01","date_removed":null}}]"#
        )
    };
    let plain = record("[260400]");
    const TO_2021: &str = "= 2020-01-01..2021-12-31,IDN,nickel,mined,prohibition,Red,260400,[]";
    vec![
        sent("version 1", &plain, format_static(BAN)),
        sent(
            "version 2",
            record(
                r#"[{"product_id":260400,"prior_level":null,"new_level":null,"unit":null,"date_implemented":null,"date_removed":"2021-12-31"}]"#,
            ),
            TO_2021,
        ),
        sent("within an envelope", format!(r#"{{"count":1,"results":{plain}}}"#), format_static(BAN)),
        sent("Excel's mark", bom(&plain), format_static(BAN)),
        sent("cut off", &plain[..plain.len() - 4], "! truncated-json: fetch it again"),
        sent("UTF-16", utf16(&plain), "! not-utf8: iconv -f UTF-16"),
        sent("no answer", "[]", "! no-rows: does the query have a result?"),
        sent(
            "no key",
            r#"{"detail":"Authentication credentials were not provided."}"#,
            "! unknown-format: its members are detail",
        ),
    ]
}

/// The verdict of the ban alone.
fn format_static(row: &'static str) -> &'static str {
    assert_eq!(row, BAN);
    "= 2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[]"
}

const OECD: &str = "Country,ISO3,Year,HS6,Product,Measure type,Unit,Value\n\
                    Indonesia,IDN,2020,260400,Nickel ores,Export tax,%,10\nChina,CHN,2020,284690,Rare \
                    earths,Export quota,t,5\n";
const OECD_ROWS: &str = "= 2020-01-01..2020-12-31,IDN,nickel,mined,export-tax,Unspecified,260400,[]; \
                         2020-01-01..2020-12-31,CHN,rare-earths,refined,quota,Unspecified,284690,[]";

fn oecd() -> Vec<Sent> {
    let row = |row: &str| format!("{}{row}\n", OECD.split_inclusive('\n').take(2).collect::<String>());
    vec![
        sent("as a query exports it", OECD, OECD_ROWS),
        sent("Excel's mark", bom(OECD), OECD_ROWS),
        sent("Windows", crlf(OECD), OECD_ROWS),
        sent("a program quotes everything", quoted(OECD), OECD_ROWS),
        sent("an editor adds blank lines", blank_lines(OECD), OECD_ROWS),
        sent("a German spreadsheet", separated(OECD, ";"), OECD_ROWS),
        sent("tabs", separated(OECD, "\t"), OECD_ROWS),
        sent("Excel's Unicode text", utf16(&separated(OECD, "\t")), OECD_ROWS),
        sent("names in capitals", capitals(OECD), OECD_ROWS),
        sent("row numbers of a program", numbered(OECD), OECD_ROWS),
        sent("rows that end with a comma", trailing_commas_of_rows(OECD), OECD_ROWS),
        sent("the year left out", OECD.replace("Year", "When"), "! missing-column: column `year` is missing"),
        sent("years and codes as decimals", row("China,CHN,2020.0,284690.0,x,Export quota,t,5"), OECD_ROWS),
        sent(
            "a measure that is not known",
            row("China,CHN,2020,284690,x,Embargo,,"),
            "~ 2020-01-01..2020-12-31,IDN,nickel,mined,export-tax,Unspecified,260400,[] | \
             unknown-restriction: Embargo",
        ),
    ]
}
