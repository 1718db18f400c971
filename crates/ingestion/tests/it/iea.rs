//! The Critical Minerals Dataset of the IEA: what its rows become. The layout is that of published copies;
//! every figure is made up.
use orewatch_contracts::ingestion::v1::{Table, Verdict};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::Options;
use proptest::prelude::*;

use crate::harness::{Service, file};
use crate::policy::gate;
use crate::tables::{Taken, take, take_all};

const SUPPLY: &str = "material,stage,economy,year,kt\n\
                      Nickel,mining,IDN,2024,60\nNickel,mining,AUS,2024,10\nNickel,mining,OTHER,2024,40\n\
                      Nickel,mining,IDN,2030,80\nNickel,mining,AUS,2030,5.5\nNickel,mining,OTHER,2030,20\n\
                      Rare Earth Elements,refining,CHN,2030,2\n";
const DEMAND: &str = "material,scenario,year,kt\nNickel,base,2024,95\nNickel,STEPS,2030,110\n\
                      Rare Earth Elements,NZE,2030,3\n";
const TOTALS: &str = "material,stage,year,total_kt,published_top3\nNickel,mining,2024,100,0.9\n\
                      Nickel,mining,2030,105.5,0.9\n";

fn read(files: &[(&str, &str)]) -> Vec<Taken> {
    take_all(files, &Metadata::default()).unwrap()
}

fn rows(taken: &Taken) -> Vec<&str> {
    taken.rows.iter().map(|row| row.split(" @").next().unwrap()).collect()
}

#[test]
fn a_file_has_its_base_year_and_projections() {
    let taken = read(&[("supply.csv", SUPPLY), ("demand.csv", DEMAND), ("totals.csv", TOTALS)]);
    let [production, projections, parameters] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(production.release.table(), Table::Production);
    assert_eq!(
        rows(production),
        [
            "2024,IDN,nickel,mined,60000,content",
            "2024,AUS,nickel,mined,10000,content",
            "2024,OTHER,nickel,mined,40000,content",
            "2024,WLD,nickel,mined,100000,content",
        ]
    );
    assert_eq!(projections.release.table(), Table::Projections);
    assert_eq!(
        rows(projections),
        [
            "2030,IDN,nickel,mined,supply,base,80000,content",
            "2030,AUS,nickel,mined,supply,base,5500,content",
            "2030,OTHER,nickel,mined,supply,base,20000,content",
            "2030,CHN,rare-earths,refined,supply,base,2000,content",
            "2030,WLD,nickel,refined,demand,steps,110000,content",
            "2030,WLD,rare-earths,refined,demand,nze,3000,content",
            "2030,WLD,nickel,mined,supply,base,105500,content",
        ]
    );
    assert_eq!(parameters.release.table(), Table::Parameters);
    assert_eq!(rows(parameters), ["2024,consumption,95000,WLD,nickel,refined"]);
    for taken in &taken {
        let release = &taken.release;
        assert_eq!((&*release.dataset, &*release.vintage), ("iea-cm", "2025-05"));
        let from = release.provenance.clone().unwrap();
        assert_eq!((&*from.publisher, &*from.licence), ("International Energy Agency", "CC-BY-4.0"));
        assert_eq!(from.published, "2025-05");
        assert!(from.title.starts_with("Critical Minerals Dataset, May 2025: "), "{}", from.title);
        assert_eq!(taken.counts().2, 0);
    }
    assert_eq!(production.rows[0], "2024,IDN,nickel,mined,60000,content @2:5");
}

/// One file has two releases of one dataset.
#[test]
fn the_parts_of_a_file_are_different_releases() {
    let taken = read(&[("supply.csv", SUPPLY)]);
    assert_eq!(taken.len(), 2);
    assert_ne!(taken[0].release.id, taken[1].release.id);
}

/// The edition follows from the base year, or from what the user says.
#[test]
fn an_unknown_edition_has_projections_alone() {
    let file = [("supply.csv", "material,stage,economy,year,kt\nCopper,mining,CHL,2027,5\n")];
    let unknown = take(&file, &Metadata::default()).unwrap();
    assert_eq!((unknown.release.table(), &*unknown.release.vintage), (Table::Projections, "undated"));
    let given = Metadata { vintage: Some("2028-06".to_owned()), ..Metadata::default() };
    let known = take(&file, &given).unwrap();
    assert_eq!((known.release.table(), &*known.release.vintage), (Table::Production, "2028-06"));
}

#[test]
fn wrong_rows_are_set_aside_with_their_codes() {
    let cases = [
        ("Unobtanium,mining,CHL,2024,5", "material,unknown-material,Unobtanium"),
        ("Copper,smelting,CHL,2024,5", "stage,unknown-word,smelting"),
        ("Copper,mining,Chili,2024,5", "economy,unknown-economy,Chili"),
        ("Copper,mining,CHL,2024,-5", "kt,negative-figure,-5"),
        ("Copper,mining,CHL,2024,about 5", "kt,invalid-number,about 5"),
        ("Copper,mining,CHL,later,5", "year,invalid-period,later"),
        ("Copper,mining,CHL", ",field-count-mismatch,\"Copper,mining,CHL\""),
        ("Copper,mining,PER,2024,6", ",duplicate-key,\"2024,PER,copper,mined\""),
    ];
    let rows: String = cases.iter().map(|(row, _)| format!("{row}\n")).collect();
    let content = format!("material,stage,economy,year,kt\nCopper,mining,PER,2024,5\n{rows}");
    let taken = take(&[("supply.csv", content)], &Metadata::default()).unwrap();
    assert_eq!(taken.release.table(), Table::Production);
    assert_eq!(taken.counts(), (1, 0, u64::try_from(cases.len()).unwrap()));
    let found = taken.rejections.iter().map(|row| {
        let quoted = if row.value.contains(',') { format!("\"{}\"", row.value) } else { row.value.clone() };
        format!("{},{},{quoted}", row.column, row.code)
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    let mut expected = cases.map(|(_, reason)| reason.to_owned());
    expected.sort();
    assert_eq!(found, expected);
}

/// Rows are in one part each, and none is lost, whatever its year.
#[test]
fn no_row_is_lost() {
    let strategy = proptest::collection::vec((0_usize..5, 0_usize..3, 0_u32..1_000), 1..40);
    proptest!(ProptestConfig::with_cases(64), |(figures in strategy)| {
        const YEARS: [&str; 5] = ["2024", "2023", "2030", "2040", "soon"];
        const MATERIALS: [&str; 3] = ["Copper", "Lithium", "Mud"];
        let row = |(number, (year, material, amount)): (usize, &(usize, usize, u32))| {
            let economy = ["CHL", "PER", "CHN", "AUS", "USA", "CAN", "OTHER"][number % 7];
            format!("{},mining,{economy},{},{amount}\n", MATERIALS[*material], YEARS[*year])
        };
        let rows: String = figures.iter().enumerate().map(row).collect();
        let content = format!("material,stage,economy,year,kt\n{rows}");
        let taken = take_all(&[("supply.csv", content)], &Metadata::default()).unwrap();
        let read: u64 = taken.iter().map(|taken| taken.totals.read).sum();
        prop_assert_eq!(read, u64::try_from(figures.len()).unwrap());
    });
}

/// The service commits all parts, and names the cells in which an economy is counted twice.
#[tokio::test]
async fn the_parts_are_committed_together() {
    let service = Service::start().await;
    let inputs = vec![file("supply.csv", SUPPLY), file("demand.csv", DEMAND), file("totals.csv", TOTALS)];
    let outcomes =
        orewatch_ingestion::client::ingest(service.channel.clone(), inputs, Options::default(), |_| {}).await;
    let outcomes = outcomes.unwrap();
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.iter().all(|outcome| outcome.is_committed()), "{outcomes:?}");
    let found = gate(&outcomes[0], "rest-of-world-double-count");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert!(found.message.contains("nickel mined 2024: AUS"), "{found:?}");
    assert_eq!(gate(&outcomes[1], "rest-of-world-double-count").verdict(), Verdict::Pass);
    service.stop().await;
}
