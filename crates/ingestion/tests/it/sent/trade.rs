//! Parsers of trade.
use super::variants::*;
use super::{Parser, Sent, comtrade, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "baci", file: "BACI_HS22_Y2022_V202501.csv", hs: "", files: baci() },
        Parser { id: "comtrade", file: "comtrade.csv", hs: "", files: comtrade::comtrade() },
        Parser { id: "comtrade", file: "comtrade.json", hs: "", files: comtrade::comtrade_json() },
        Parser { id: "comext", file: "full_v2_202403.dat", hs: "", files: comext() },
        Parser { id: "comext-sdmx", file: "estat_ds-045409.csv", hs: "", files: sdmx() },
        Parser { id: "hmrc", file: "hmrc.csv", hs: "", files: hmrc() },
    ]
}

const BACI: &str = "t,i,j,k,v,q\n2022,152,276,283691,9000,3000\n2022,156,276,283691,4000,NA\n";
const BACI_ROWS: &str = "= 2022 CHL DEU 283691 9000 3000 -; 2022 CHN DEU 283691 4000 - -";

fn baci() -> Vec<Sent> {
    [baci_forms(), baci_rows()].into_iter().flatten().collect()
}

/// A good row with another one below.
fn baci_row(row: &str) -> String {
    format!("t,i,j,k,v,q\n2022,152,276,283691,9000,3000\n{row}\n")
}

/// Files that differ in their form.
fn baci_forms() -> Vec<Sent> {
    vec![
        sent("as it is published", BACI, BACI_ROWS),
        sent("Excel's mark", bom(BACI), BACI_ROWS),
        sent("Windows", crlf(BACI), BACI_ROWS),
        sent("a program quotes everything", quoted(BACI), BACI_ROWS),
        sent("an editor adds blank lines", blank_lines(BACI), BACI_ROWS),
        sent(
            "numbers padded with blanks",
            "t,i,j,k,v,q\n2022,152,276,283691,      9000,     3000\n2022,156,276,283691,  4000,          \
             NA\n",
            BACI_ROWS,
        ),
        sent("names in capitals", capitals(BACI), BACI_ROWS),
        sent("a comma at the end of each line", trailing_commas(BACI), BACI_ROWS),
        sent(
            "a comma at the end of each row",
            trailing_commas_of_rows(BACI),
            "~  | field-count-mismatch: 7 fields, the header has 6",
        ),
        sent("a German spreadsheet", separated(BACI, ";"), "! unknown-separator: save the file with commas"),
        sent("a table pasted from a page", separated(BACI, "\t"), "! unknown-separator: separated by tabs"),
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
        sent("UTF-16 without its mark", &utf16(BACI)[2..], "! not-utf8: iconv -f UTF-16"),
        sent(
            "the list of countries beside the files",
            "country_code,country_name,country_iso2,country_iso3\n4,Afghanistan,AF,AFG\n",
            "! unknown-format: this is a list of countries",
        ),
        sent(
            "a page instead of the file",
            "<!DOCTYPE html><html><body>Sign in</body></html>",
            "! unknown-format: a web page",
        ),
    ]
}

/// Rows that differ from what is published.
fn baci_rows() -> Vec<Sent> {
    vec![
        sent(
            "a spreadsheet cut a zero off",
            baci_row("2022,152,276,80510,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-product: did you mean 080510?",
        ),
        sent(
            "a decimal comma",
            baci_row("2022,156,276,283691,\"97,63\",\"0,4\""),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: decimal comma? write 97.63",
        ),
        sent(
            "a decimal comma without quotes",
            baci_row("2022,156,276,283691,97,63,0,4"),
            "~ 2022 CHL DEU 283691 9000 3000 - | field-count-mismatch: Write decimals with a point",
        ),
        sent(
            "points between thousands",
            baci_row("2022,156,276,283691,\"1.270,5\",1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: decimal comma? write 1270.5",
        ),
        sent(
            "a comma that may be either",
            baci_row("2022,156,276,283691,\"1,270\",1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: decimal comma? write 1.270; thousands \
             separator? write 1270",
        ),
        sent(
            "nothing where NA is meant",
            baci_row("2022,156,276,283691,1,"),
            "~ 2022 CHL DEU 283691 9000 3000 - | missing-figure: write NA",
        ),
        sent(
            "another word for nothing",
            baci_row("2022,156,276,283691,1,n/a"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: write NA",
        ),
        sent(
            "a total of one's own below",
            baci_row("Total,,,,13000,3000"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-period: a year such as `2024`",
        ),
        sent(
            "the rest of EFTA",
            baci_row("2022,697,276,283691,1,1"),
            "= 2022 CHL DEU 283691 9000 3000 -; 2022 OTHER:rest-of-efta DEU 283691 1 1 -",
        ),
        sent(
            "letters instead of numbers",
            baci_row("2022,CHN,276,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | unknown-economy: CHN (China)",
        ),
        sent(
            "years as decimals",
            baci_row("2022.0,156,276,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-period: write 2022",
        ),
    ]
}

const COMEXT: &str = "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,PERIOD,VALUE_EUR,\
                      QUANTITY_KG\n\
                      DE,CL,E,28369100,1,1,202403,9000,3000000\nDE,CN,E,28369100,1,1,202403,4000,1000000\n";
const COMEXT_ROWS: &str =
    "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 CHN DEU 28369100 - 1000 importer";

/// The first row with another one below.
fn comext_row(row: &str) -> String {
    let (head, _) = COMEXT.rsplit_once("DE,CN").unwrap();
    format!("{head}{row}\n")
}

fn comext() -> Vec<Sent> {
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
            comext_row("EL,UK,E,28369100,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 GBR GRC 28369100 - 1 importer",
        ),
        sent(
            "a partner that is kept secret",
            comext_row("DE,QX,E,28369100,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 OTHER:confidential DEU 28369100 - 1 \
             importer",
        ),
        sent(
            "a product that is kept secret",
            comext_row("DE,CN,E,283691SS,1,1,202403,1,1000"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer",
        ),
        sent(
            "the year beside its months",
            comext_row("DE,CN,E,28369100,1,1,202452,1,1000"),
            "! mixed-periods: month 52",
        ),
        sent(
            "a zero cut off",
            comext_row("DE,CN,E,5040000,1,1,202403,1,1000"),
            "~ 2024-03 CHL DEU 28369100 - 3000 importer | invalid-product: did you mean 05040000?",
        ),
        sent(
            "thousands",
            comext_row("DE,CN,E,28369100,1,1,202403,1,\"1,000,000\""),
            "~ 2024-03 CHL DEU 28369100 - 3000 importer | invalid-number: write it without separators: \
             1000000",
        ),
        sent(
            "a weight that is missing",
            comext_row("DE,CN,E,28369100,1,1,202403,9,"),
            "= 2024-03 CHL DEU 28369100 - 3000 importer; 2024-03 CHN DEU 28369100 - - importer",
        ),
    ]
}

const SDMX: &str = "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,\
                    OBS_FLAG\n\
                    ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CL,28369100,1,QUANTITY_IN_100KG,2024,30000,\n\
                    ESTAT:DS-045409(1.0),15/09/26 \
                    11:00:00,A,DE,CN,28369100,1,QUANTITY_IN_100KG,2024,10000,\n";
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
            "~ 2024 CHL DEU 28369100 - 3000 importer | invalid-number: decimal comma? write 97.63",
        ),
        sent(
            "quarters",
            row("DE,CN,28369100,1,QUANTITY_IN_100KG,2024-Q1,5,"),
            "~ 2024 CHL DEU 28369100 - 3000 importer | invalid-period: quarters are not read",
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
            "~ 2024-06 CHL GBR 283691 9000 3000 importer | invalid-number: write it without separators: \
             1000.5",
        ),
        sent(
            "a year",
            row("2024,import,GBR,CHN,283691,28369100,1,1,False"),
            "~ 2024-06 CHL GBR 283691 9000 3000 importer | invalid-period: a month such as",
        ),
    ]
}
