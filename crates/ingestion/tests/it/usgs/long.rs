//! The long layout: one file with both tables, told apart by section.
use encoding_rs::WINDOWS_1252;
use orewatch_contracts::ingestion::v1::Table;
use orewatch_formats::{Codes, Limits, Metadata, plan};

use super::take;
use crate::harness::file;

/// Names of the columns.
pub(super) const LONG: &str = "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,\
                    Is critical mineral 2025,Other notes";
/// The sections of the two tables.
pub(super) const SALIENT: &str = "Salient Statistics—United States";
pub(super) const WORLD: &str = "World Mine Production and Reserves";

/// The long layout in Windows-1252: section, commodity, country, statistic, detail, unit, year, value, notes.
pub(super) fn long_file(rows: &[[&str; 9]]) -> Vec<u8> {
    let mut text = format!("{LONG}\n");
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| format!("\"{cell}\"")).collect();
        text.push_str(&format!("CHAPTER,{},Yes,\"(Data in metric tons)\"\n", cells.join(",")));
    }
    WINDOWS_1252.encode(&text).0.into_owned()
}

/// Rows of the long layout, their cells separated by `|`.
const LONG_ROWS: &str = include_str!("long.txt");

fn long_row(line: &str) -> [&str; 9] {
    line.split('|').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_long_file_holds_two_tables() {
    let rows = LONG_ROWS.lines().map(long_row).collect::<Vec<_>>();
    let taken = take(vec![file("data.csv", long_file(&rows))]).unwrap();
    let [output, statistics] = taken.as_slice() else { panic!("two tables") };
    let named = [output, statistics].map(|taken| (taken.dataset.as_str(), taken.vintage.as_str()));
    assert_eq!(named, [("usgs-mcs", "MCS2027"), ("usgs-mcs-salient", "MCS2027")], "newest year + 1");
    assert_eq!(
        output.rows,
        [
            "cobalt mined content 2025 COD 220000 e @12:9",
            "cobalt mined content 2026 AUS 0 @13:9",
            "cobalt mined content 2026 USA W @14:9",
            "cobalt mined content 2026 OTHER NA @15:9",
            "silicon refined content 2026 CHN 4000000 e @20:9",
        ]
    );
    assert_eq!(output.codes(), [(21, "unknown-unit", "metric pounds")]);
    assert_eq!(
        statistics.rows,
        [
            "imports cobalt  all 2026 USA 9500 @2:9",
            "stocks cobalt  industry 2026 USA 1500 @3:9",
            "imports zinc mined ores 2026 USA 0 @5:9",
            "printed-reliance zinc mined net-exporter 2026 USA 0 @6:9",
            "printed-reliance zinc refined figure 2026 USA 0.73 @7:9",
            "printed-reliance zirconium mined below 2026 USA 0.25 @8:9",
        ]
    );
    assert_eq!(statistics.codes(), [(10, "invalid-period", "2021–24")]);
    assert!(statistics.aside[0].reason.contains("several years"), "{:?}", statistics.aside[0]);
    assert_eq!(usize::try_from(output.figures() + statistics.figures()).unwrap(), rows.len());
}

#[test]
fn only_the_requested_table_is_read() {
    let row = [
        SALIENT,
        "Cobalt",
        "United States",
        "Import",
        "Imports for consumption",
        "metric tons",
        "2025",
        "9,500",
        "",
    ];
    let given = Metadata { table: Some("parameters".to_owned()), ..Metadata::default() };
    let inputs = vec![file("data.csv", long_file(&[row]))];
    let plans = plan(inputs, &given, &Codes::default(), Limits::default(), &mut |_| {}).unwrap();
    assert_eq!(plans.len(), 1);
    assert_eq!((plans[0].release.table(), plans[0].release.vintage.as_str()), (Table::Parameters, "MCS2026"));
    assert_eq!(plans[0].release.parser, "usgs-mcs/1");

    let given = Metadata { dataset: Some("mine".to_owned()), ..Metadata::default() };
    let both = plan(
        vec![file("data.csv", long_file(&[row]))],
        &given,
        &Codes::default(),
        Limits::default(),
        &mut |_| {},
    );
    assert_eq!(both.unwrap_err().code, "mixed-tables", "two tables cannot have one name");
}
