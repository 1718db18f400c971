//! Our own tables, as csv and as Parquet.
use crate::parquet::of_text;

use super::variants::*;
use super::{Parser, Sent, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "tidy", file: "trade.csv", hs: "", files: trade() },
        Parser { id: "tidy", file: "output.csv", hs: "", files: output() },
        Parser { id: "tidy", file: "governance.csv", hs: "", files: governance() },
        Parser { id: "tidy", file: "restrictions.csv", hs: "", files: restrictions() },
        Parser { id: "tidy-parquet", file: "output.parquet", hs: "", files: parquet() },
    ]
}

const TRADE: &str = "# dataset: mine\n# vintage: 1\n# hs: \
                     HS22\nperiod,exporter,importer,product,value_kusd,quantity_t\n\
                     2022,CHL,DEU,283691,9000,3000\n2022,CHN,DEU,283691,4000,NA\n";
const TRADE_ROWS: &str = "= 2022 CHL DEU 283691 9000 3000 -; 2022 CHN DEU 283691 4000 - -";

fn trade() -> Vec<Sent> {
    [trade_forms(), trade_rows()].into_iter().flatten().collect()
}

/// The first row with another one below.
fn trade_row(row: &str) -> String {
    format!("{}{row}\n", TRADE.replace("2022,CHN,DEU,283691,4000,NA\n", ""))
}

/// Files that differ in their form.
fn trade_forms() -> Vec<Sent> {
    vec![
        sent("as it should be", TRADE, TRADE_ROWS),
        sent("Excel's mark", bom(TRADE), TRADE_ROWS),
        sent("Windows", crlf(TRADE), TRADE_ROWS),
        sent("a program quotes everything", quoted(TRADE), TRADE_ROWS),
        sent("an editor adds blank lines", blank_lines(TRADE), TRADE_ROWS),
        sent("names in capitals", capitals(TRADE), TRADE_ROWS),
        sent("a comma at the end of each line", trailing_commas(TRADE), TRADE_ROWS),
        sent("a German spreadsheet", separated(TRADE, ";"), "! unknown-separator: separated by semicolons"),
        sent("a table pasted from a page", separated(TRADE, "\t"), "! unknown-separator: separated by tabs"),
        sent("Excel's Unicode text", utf16(TRADE), "! not-utf8: iconv -f UTF-16"),
        sent("row numbers of a program", numbered(TRADE), "! unnamed-column: index=False"),
        sent(
            "a name a little off",
            TRADE.replace("value_kusd", "value_usd"),
            "! missing-column: is `value_usd` meant to be `value_kusd`?",
        ),
        sent(
            "a column of one's own",
            TRADE.replace("quantity_t\n", "quantity_t,source\n"),
            "! unknown-column: `source`",
        ),
        sent("no lines above", TRADE.replace("# dataset: mine\n", ""), "! missing-metadata-key: --dataset"),
    ]
}

/// Rows with one thing wrong or unusual.
fn trade_rows() -> Vec<Sent> {
    vec![
        sent(
            "a decimal comma",
            trade_row("2022,CHN,DEU,283691,\"0,4\",1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: decimal comma? write 0.4",
        ),
        sent(
            "names of economies",
            trade_row("2022,China,DEU,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | unknown-economy: did you mean CHN",
        ),
        sent(
            "small letters",
            trade_row("2022,chn,DEU,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | unknown-economy: did you mean CHN",
        ),
        sent(
            "an origin that is not listed",
            trade_row("2022,OTHER,DEU,283691,1,1"),
            "= 2022 CHL DEU 283691 9000 3000 -; 2022 OTHER:unlisted DEU 283691 1 1 -",
        ),
        sent(
            "a kind a little off",
            trade_row("2022,OTHER:unspecifed,DEU,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | unknown-economy: did you mean OTHER:unspecified?",
        ),
        sent(
            "the world",
            trade_row("2022,WLD,DEU,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | aggregate-economy: OTHER:unspecified",
        ),
        sent(
            "a month in another way",
            trade_row("2022M03,CHN,DEU,283691,1,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-period: write 2022-03",
        ),
        sent(
            "an exponent",
            trade_row("2022,CHN,DEU,283691,4e3,1"),
            "~ 2022 CHL DEU 283691 9000 3000 - | invalid-number: write it as a plain decimal: 4000",
        ),
    ]
}

const OUTPUT: &str = "# dataset: mine\n# vintage: 1\nperiod,economy,material,stage,quantity,unit,basis\n\
                      2024,COD,cobalt,mined,220,kt,content\n2024,OTHER,cobalt,mined,W,t,content\n";
const OUTPUT_ROWS: &str = "= 2024,COD,cobalt,mined,220000,content; 2024,OTHER,cobalt,mined,Withheld,content";

fn output() -> Vec<Sent> {
    let row = |row: &str| format!("{}{row}\n", OUTPUT.replace("2024,OTHER,cobalt,mined,W,t,content\n", ""));
    vec![
        sent("as it should be", OUTPUT, OUTPUT_ROWS),
        sent("Excel's mark and Windows", bom(&crlf(OUTPUT)), OUTPUT_ROWS),
        sent(
            "a German spreadsheet",
            separated(OUTPUT, ";"),
            "! unknown-separator: change decimal commas to points",
        ),
        sent(
            "a material of another name",
            row("2024,COD,Cobalt,mined,1,t,content"),
            "~ 2024,COD,cobalt,mined,220000,content | unknown-material: cobalt",
        ),
        sent(
            "a unit of another name",
            row("2024,CHN,cobalt,mined,1,tons,content"),
            "~ 2024,COD,cobalt,mined,220000,content | unknown-unit: a short ton is 0.907185 t",
        ),
        sent(
            "thousands",
            row("2024,CHN,cobalt,mined,\"1,234,567\",t,content"),
            "~ 2024,COD,cobalt,mined,220000,content | invalid-number: write it without separators: 1234567",
        ),
        sent(
            "a bound",
            row("2024,CHN,cobalt,mined,>50,t,content"),
            "~ 2024,COD,cobalt,mined,220000,content | bounded-figure: NA if only a bound",
        ),
        sent(
            "a mark for nothing",
            row("2024,CHN,cobalt,mined,-,t,content"),
            "~ 2024,COD,cobalt,mined,220000,content | invalid-number: write NA",
        ),
    ]
}

fn governance() -> Vec<Sent> {
    let whole = |value: &str| {
        format!(
            "# dataset: mine\n# vintage: 1\nperiod,economy,indicator,value\n2024,DEU,political-stability,\
             {value}\n"
        )
    };
    vec![
        sent("as it should be", whole("-0.4"), "= 2024,DEU,political-stability,-0.4"),
        sent(
            "a decimal comma below zero",
            whole("\"-0,4\""),
            "~  | invalid-number: decimal comma? write -0.4",
        ),
        sent(
            "a minus sign of its own",
            whole("\u{2212}0.4"),
            "~  | invalid-number: write it with a hyphen: -0.4",
        ),
        sent(
            "a name of its own",
            whole("1").replace("political-stability", "Political Stability"),
            "~  | unknown-indicator: such as political-stability",
        ),
        sent(
            "a share in per cent",
            whole("97.63%"),
            "~  | invalid-number: a share is a fraction: write 0.9763",
        ),
    ]
}

fn restrictions() -> Vec<Sent> {
    let whole = |from: &str| {
        format!(
            "# dataset: mine\n# vintage: 1\nfrom,until,economy,material,stage,kind,evaluation\n{from},,IDN,\
             nickel,mined,prohibition,red\n"
        )
    };
    vec![
        sent("as it should be", whole("2020-01-01"), "= 2020-01-01..,IDN,nickel,mined,prohibition,Red,,[]"),
        sent(
            "a day as a spreadsheet shows it",
            whole("01/02/2020"),
            "~  | invalid-day: write year, month and day: 2010-07-01",
        ),
        sent(
            "a day as a spreadsheet counts it",
            whole("43831"),
            "~  | invalid-day: is this a spreadsheet's number of a day",
        ),
        sent("a month", whole("2020-01"), "~  | invalid-day: write a day: 2020-01-01 or 2020-01-31"),
    ]
}

const KEYS: &[(&str, &str)] = &[("dataset", "mine"), ("vintage", "1")];

fn parquet() -> Vec<Sent> {
    [parquet_rows(), parquet_tables()].into_iter().flatten().collect()
}

/// A file with one row of output.
fn parquet_output(period: &'static str, economy: &'static str, quantity: &'static str) -> Vec<u8> {
    of_text(
        KEYS,
        &[
            ("period", &[period]),
            ("economy", &[economy]),
            ("material", &["cobalt"]),
            ("stage", &["mined"]),
            ("quantity", &[quantity]),
            ("unit", &["t"]),
            ("basis", &["content"]),
        ],
    )
}

/// Rows of output as they come.
fn parquet_rows() -> Vec<Sent> {
    vec![
        sent(
            "as it should be",
            parquet_output("2024", "COD", "220.5"),
            "= 2024,COD,cobalt,mined,220.5,content",
        ),
        sent("withheld", parquet_output("2024", "COD", "W"), "= 2024,COD,cobalt,mined,Withheld,content"),
        sent("the residual", parquet_output("2024", "OTHER", "5"), "= 2024,OTHER,cobalt,mined,5,content"),
        sent(
            "a decimal comma",
            parquet_output("2024", "COD", "97,63"),
            "~  | invalid-number: decimal comma? write 97.63",
        ),
        sent(
            "a period of another form",
            parquet_output("202403", "COD", "1"),
            "~  | invalid-period: write 2024-03",
        ),
        sent("a name", parquet_output("2024", "Congo (Kinshasa)", "1"), "~  | unknown-economy: COD"),
        sent("nothing", parquet_output("2024", "COD", ""), "~  | missing-figure: write NA"),
        sent(
            "cut off",
            {
                let mut whole = parquet_output("2024", "COD", "1");
                whole.truncate(90);
                whole
            },
            "! damaged-parquet: download or write the file again",
        ),
    ]
}

/// The columns of BACI, as a table of ours must not have them.
const BACI_COLUMNS: [(&str, &[&str]); 6] =
    [("t", &["2022"]), ("i", &["152"]), ("j", &["276"]), ("k", &["283691"]), ("v", &["1"]), ("q", &["1"])];

/// Tables with other columns than they should have.
fn parquet_tables() -> Vec<Sent> {
    let wide: Vec<(String, [&str; 1])> = (0..24).map(|number| (format!("column{number}"), ["1"])).collect();
    let wide: Vec<(&str, &[&str])> = wide.iter().map(|(name, text)| (name.as_str(), &text[..])).collect();
    let flows: [(&str, &[&str]); 6] = [
        ("period", &["2022"]),
        ("exporter", &["OTHER:bunkers"]),
        ("importer", &["DEU"]),
        ("product", &["283691"]),
        ("value_kusd", &["1"]),
        ("quantity_t", &["2"]),
    ];
    let of_hs = [KEYS, &[("hs", "HS22")]].concat();
    vec![
        sent(
            "names in capitals",
            of_text(
                KEYS,
                &[
                    ("PERIOD", &["2024"]),
                    ("ECONOMY", &["COD"]),
                    ("INDICATOR", &["rule-of-law"]),
                    ("VALUE", &["1"]),
                ],
            ),
            "= 2024,COD,rule-of-law,1",
        ),
        sent("flows of unknown origin", of_text(&of_hs, &flows), "= 2022 OTHER:bunkers DEU 283691 1 2 -"),
        sent("BACI", of_text(KEYS, &BACI_COLUMNS), "! unknown-format: no tidy table: t, i, j, k, v, q"),
        sent(
            "BACI, what to do",
            of_text(KEYS, &BACI_COLUMNS),
            "! unknown-format: BACI is read as csv, not as Parquet",
        ),
        sent(
            "a table of others",
            of_text(KEYS, &[("country", &["x"]), ("tonnes", &["1"])]),
            "! unknown-format: no tidy table: country, tonnes",
        ),
        sent("as wide as Comtrade's", of_text(KEYS, &wide), "! too-many-columns: column0, column1"),
        sent(
            "a column left out",
            of_text(KEYS, &[("period", &["2024"]), ("economy", &["COD"]), ("indicator", &["x"])]),
            "! missing-column: column `value` is missing",
        ),
        sent(
            "no keys",
            of_text(
                &[],
                &[("period", &["2024"]), ("economy", &["COD"]), ("indicator", &["x"]), ("value", &["1"])],
            ),
            "! missing-metadata-key: --dataset",
        ),
    ]
}
