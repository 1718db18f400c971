//! No figure of a file is lost, and none makes reading it fail badly, whatever its cells say.
use proptest::prelude::*;

use super::long::{LONG, SALIENT, WORLD, long_file};
use super::{Taken, take, take_one};
use crate::harness::file;

/// Cells that tables have, and any other text.
fn cell() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "W",
        "NA",
        "—",
        "s",
        "XX",
        "E",
        ">50",
        "<25",
        "Large",
        "50–300",
        "10,000 - 15,000",
        "1,230",
        "e150",
        "88.5",
        "(1/2 unit)",
        "2021–24",
        "2022",
        "1\u{a0}000",
        "-1",
        "1e9",
        "99999999999999",
        "½",
    ]);
    let any = "[^\"\0]{1,12}".prop_filter("a blank cell is none", |text| !text.trim().is_empty());
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any]
}

fn named() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "China",
        "Japane",
        "Other countries6",
        "World total (rounded)",
        "United\u{a0}States",
        "Atlantis",
        "Korea",
        "e",
        "6",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => cell()]
}

fn kind() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "Mine production",
        "Mine production, lithium content",
        "Refinery production, copper",
        "Reserves",
        "Imports for consumption: Ores",
        "Plant production, silicon metal",
        "Consumption, apparent",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => cell()]
}

fn quoted(cells: &[String]) -> String {
    cells.iter().map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_figure_of_a_table_of_years_is_lost(
        rows in prop::collection::vec((named(), kind(), cell(), cell(), cell()), 1..20),
        wide in any::<bool>(),
    ) {
        let header = if wide { "SOURCE,COUNTRY,TYPE,COMMODITY,UNIT_MEAS,PROD_2022,PROD_EST_ \
                                2023,RESERVES_2023" }
            else { "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Reserves_t" };
        let mut text = format!("{header}\n");
        for (country, kind, one, two, three) in &rows {
            let mut cells = vec!["MCS2024".to_owned(), country.clone(), kind.clone()];
            if wide {
                cells.extend(["Lithium".to_owned(), "metric tons".to_owned()]);
            }
            cells.extend([one.clone(), two.clone(), three.clone()]);
            text.push_str(&format!("{}\n", quoted(&cells)));
        }
        prop_assert_eq!(usize::try_from(take_one(text).figures()).unwrap(), 3 * rows.len());
    }

    #[test]
    fn no_statistic_is_lost(rows in prop::collection::vec((kind(), cell(), cell(), cell()), 1..20)) {
        let mut text = "DataSource,Commodity,Year,Imports_Ores_kt,NIR_pct,Price_x\n".to_owned();
        for (kind, one, two, three) in &rows {
            let commodity = if kind.len() % 2 == 0 { "Copper".to_owned() } else { kind.clone() };
            let cells = ["MCS2024".to_owned(), commodity, "2023".to_owned(), one.clone(), two.clone(),
                three.clone()];
            text.push_str(&format!("{}\n", quoted(&cells)));
        }
        prop_assert_eq!(usize::try_from(take_one(text).figures()).unwrap(), 3 * rows.len());
    }

    #[test]
    fn no_row_of_the_long_file_is_lost(
        rows in prop::collection::vec((named(), kind(), cell(), cell(), 0_usize..5), 1..20),
    ) {
        let statistics = ["Production", "Import", "Net import reliance", "Consumption", "Stock"];
        let cells: Vec<_> = rows.iter().map(|(country, kind, year, value, at)| {
            let section = if *at == 0 { WORLD } else { SALIENT };
            let year = if at % 2 == 0 { "2025" } else { year.as_str() };
            [section, "Lithium", country, statistics[*at], kind, "metric tons", year, value, ""]
        }).collect();
        let first = [SALIENT, "Tin", "United States", "Import", "Imports", "metric tons", "2025", "1", ""];
        let all: Vec<_> = [first].into_iter().chain(cells).collect();
        let taken = take(vec![file("f.csv", long_file(&all))]).unwrap();
        let figures: u64 = taken.iter().map(Taken::figures).sum();
        prop_assert_eq!(usize::try_from(figures).unwrap(), all.len());
    }

    #[test]
    fn nothing_below_a_header_makes_it_fail_badly(
        which in 0_usize..4,
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let header = [
            LONG,
            "Source,Country,Type,Prod_t_2022,Prod_t_est_2023",
            "DataSource,Commodity,Year,Imports_t",
            "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024",
        ][which];
        let mut content = header.as_bytes().to_vec();
        content.push(b'\n');
        content.extend(rest);
        if let Ok(taken) = take(vec![file("f.csv", content)]) {
            taken.iter().for_each(|taken| { taken.figures(); });
        }
    }
}
