//! The long layout: one file with both tables, told apart by section.
use encoding_rs::WINDOWS_1252;
use orewatch_contracts::ingestion::v1::{ListReleasesRequest, Table};
use orewatch_formats::{Codes, Limits, Metadata, plan};
use orewatch_ingestion::client::Options;

use super::take;
use crate::harness::{Service, file};

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

/// The figures and notes are those of the Survey, shortened; the chapters are cut to two economies.
#[test]
fn notes_of_the_survey_are_kept_once_for_a_series() {
    let chapter =
        "(Data in metric tons, antimony content) -- Significant revisions were made to 2024 production.";
    let row = |country: &str, year: &str, value: &str, notes: &str| {
        format!(
            "ANTIMONY,{WORLD},Antimony,{country},Production,\"Mine production\",metric tons,\
             {year},{value},\"{notes}\",Yes,\"{chapter}\"\n"
        )
    };
    let appendix = "Estimated. -- See Appendix C for resource and reserve definitions.";
    let text = [
        format!("{LONG}\n"),
        row("China", "2024", "40000", "Estimated."),
        row("Russia", "2024", "40000", appendix),
        row("Russia", "2025", "32000", "Estimated. -- China’s imports were used."),
        row("Mexico", "2024", "600", "Reported. -- As reported by the Government."),
        row("Mexico", "2025", "600", "Estimated. -- As reported by the Government."),
        row("United States", "2025", "W", "W"),
        row("World total (rounded)", "2025", "110000", "Excludes U.S. production."),
    ]
    .concat();
    let taken = take(vec![file("data.csv", WINDOWS_1252.encode(&text).0)]).unwrap();
    let notes: Vec<_> = taken[0]
        .totals
        .notes
        .iter()
        .map(|note| {
            [&note.text, &note.material, &note.stage, &note.economy, &note.period].map(String::as_str)
        })
        .collect();
    let about = ["antimony", "mined"];
    let expected = [
        ["As reported by the Government.", about[0], about[1], "MEX", ""],
        ["China’s imports were used.", about[0], about[1], "RUS", "2025"],
        ["Significant revisions were made to 2024 production.", about[0], about[1], "", ""],
    ];
    assert_eq!(notes, expected);
}

#[test]
fn notes_are_bounded_in_number_and_length_and_show_nothing_hidden() {
    let row = |country: &str, note: &str| {
        format!(
            "COBALT,{WORLD},Cobalt,{country},Production,\"Mine production\",metric tons,2025,1,\
             \"{note}\",Yes,\n"
        )
    };
    let mut text = format!("{LONG}\n{}", row("Congo (Kinshasa)", &format!("a\u{85}b {}", "é".repeat(900))));
    text.extend((0..600).map(|number| row("Australia", &format!("Note {number:03}."))));
    let taken = take(vec![file("data.csv", text)]).unwrap();
    let notes = &taken[0].totals.notes;
    assert_eq!(notes.len(), 500, "further notes are dropped");
    let long = notes.iter().find(|note| note.economy == "COD").expect("the first note is kept");
    assert!(long.text.len() <= 1_000 && long.text.ends_with("é…"), "{}", long.text.len());
    assert!(long.text.starts_with("a b é"), "{}", long.text);
}

#[tokio::test]
async fn the_report_of_a_release_has_the_notes_and_lists_of_releases_leave_them_out() {
    let row = format!(
        "COBALT,{WORLD},Cobalt,Australia,Production,\"Mine production\",metric tons,2025,1,\
         \"Revised.\",Yes,\n"
    );
    let service = Service::start().await;
    let metadata = Metadata { table: Some("production".to_owned()), ..Metadata::default() };
    let inputs = vec![file("data.csv", format!("{LONG}\n{row}"))];
    let outcome = service.ingest(inputs, Options { metadata, ..Options::default() }).await.unwrap();
    let id = outcome.release.release.unwrap().id;
    let noted = service.find(&id).await.report.unwrap().notes;
    assert_eq!((noted.len(), noted[0].text.as_str(), noted[0].economy.as_str()), (1, "Revised.", "AUS"));
    let listed = service.client().list_releases(ListReleasesRequest::default()).await.unwrap().into_inner();
    assert!(listed.releases.iter().all(|release| release.report.as_ref().unwrap().notes.is_empty()));
    service.stop().await;
}
