//! Projections, totals of the world, and tables that were cut: what is read and what the gates find. Every
//! figure here is made up.
use orewatch_contracts::ingestion::v1::{Table, Verdict};
use orewatch_formats::Metadata;

use crate::harness::{Service, trade};
use crate::policy::{gate, tidy};
use crate::tables::{take, take_one};

pub(crate) const PROJECTIONS: &str = "period,economy,material,stage,side,scenario,quantity,unit,basis";

/// The rest of the world also contains Australia: the parts exceed the total by its ten.
pub(crate) const COUNTED_TWICE: [&str; 4] = [
    "2040,CHN,nickel,mined,supply,base,60,kt,content",
    "2040,AUS,nickel,mined,supply,base,10,kt,content",
    "2040,OTHER,nickel,mined,supply,base,40,kt,content",
    "2040,WLD,nickel,mined,supply,base,100,kt,content",
];

/// Trade of thirty importers that buy from three suppliers each, with a line above.
pub(crate) fn cut_off(line: &str) -> String {
    const IMPORTERS: [&str; 30] = [
        "ARG", "AUT", "BEL", "BGR", "CAN", "CHE", "CHL", "COL", "CZE", "DEU", "DNK", "EGY", "ESP", "FIN",
        "FRA", "GBR", "GRC", "HUN", "IDN", "IND", "ITA", "JPN", "KOR", "MEX", "NLD", "NOR", "POL", "PRT",
        "SWE", "USA",
    ];
    let suppliers = ["AUS", "BRA", "CHN"];
    let rows = IMPORTERS
        .iter()
        .flat_map(|importer| suppliers.map(|supplier| format!("2020,{supplier},{importer},250410,1,1")));
    let rows: Vec<String> = rows.collect();
    format!("{line}{}", trade("v", &rows.iter().map(String::as_str).collect::<Vec<_>>()))
}

#[test]
fn projections_keep_side_scenario_residual_and_total() {
    let rows = [
        "2030,CHN,cobalt,mined,supply,base,1.5,kt,content",
        "2030,OTHER,cobalt,mined,supply,base,W,kt,content",
        "2030,WLD,cobalt,mined,supply,base,4,kt,content",
        "2030-06,WLD,lithium,refined,demand,steps-2024,NA,t,content",
        "2030,CHN,lithium,refined,demand,nze,5.323,t,lithium-carbonate",
        "2035,CHN,rare-earths,refined,supply,base,2,kt,content",
    ];
    let taken = take_one("p.csv", tidy("v", PROJECTIONS, &rows));
    assert_eq!(taken.release.table(), Table::Projections);
    let expected = [
        "2030,CHN,cobalt,mined,supply,base,1500,content",
        "2030,OTHER,cobalt,mined,supply,base,Withheld,content",
        "2030,WLD,cobalt,mined,supply,base,4000,content",
        "2030-06,WLD,lithium,refined,demand,steps-2024,Unavailable,content",
        "2030,CHN,lithium,refined,demand,nze,1,content",
        "2035,CHN,rare-earths,refined,supply,base,2000,content",
    ];
    let expected: Vec<_> = expected.iter().zip(6..).map(|(row, line)| format!("{row} @{line}:7")).collect();
    assert_eq!(taken.rows, expected);
    assert_eq!(taken.counts(), (6, 0, 0));
}

#[test]
fn wrong_projections_are_set_aside_with_their_reasons() {
    let cases = [
        ("2030,CHN,cobalt,mined,suply,base,1,t,content", "side,unknown-word,suply"),
        ("2030,CHN,cobalt,mined,,base,1,t,content", "side,missing-field,"),
        ("2030,CHN,cobalt,mined,supply,Stated Policies,1,t,content", "scenario,invalid-id,Stated Policies"),
        ("2030,CHN,cobalt,mined,supply,,1,t,content", "scenario,missing-field,"),
        ("2030,EU27,cobalt,mined,supply,base,1,t,content", "economy,aggregate-economy,EU27"),
        ("2030,CHN,kryptonite,mined,supply,base,1,t,content", "material,unknown-material,kryptonite"),
        ("2030,CHN,cobalt,dug,supply,base,1,t,content", "stage,unknown-stage,dug"),
        ("2030,CHN,cobalt,mined,supply,base,1,t,gross", "basis,basis-mismatch,gross"),
        ("2030,CHN,cobalt,mined,supply,base,-1,t,content", "quantity,negative-figure,-1"),
        ("next year,CHN,cobalt,mined,supply,base,1,t,content", "period,invalid-period,next year"),
    ];
    let rows: Vec<_> = cases.iter().map(|(row, _)| *row).collect();
    let taken = take_one("p.csv", tidy("v", PROJECTIONS, &rows));
    let aside = taken.aside();
    let aside: Vec<_> = aside.iter().map(|row| row.split_once(',').unwrap().1).collect();
    assert_eq!(aside, cases.map(|(_, reason)| reason));
    assert!(taken.rejections.iter().take(4).all(|row| !row.hint.is_empty()), "{:?}", taken.rejections);
}

#[test]
fn one_scenario_has_one_figure_and_several_scenarios_have_several() {
    let rows = [
        "2030,CHN,cobalt,mined,supply,base,1,t,content",
        "2030,CHN,cobalt,mined,supply,high,2,t,content",
        "2030,CHN,cobalt,mined,demand,base,3,t,content",
        "2030,CHN,cobalt,mined,supply,base,4,t,content",
    ];
    let taken = take_one("p.csv", tidy("v", PROJECTIONS, &rows));
    assert_eq!(taken.counts(), (3, 0, 1));
    assert_eq!(taken.rejections[0].code, "duplicate-key");
    assert_eq!(taken.rejections[0].value, "2030,CHN,cobalt,mined,supply,base");
}

/// A projection in a table of observations, and an observation in one of projections, are refused.
#[tokio::test]
async fn projections_and_observations_are_kept_apart() {
    let service = Service::start().await;
    let published = |content: String| content.replace("published: 2023", "published: 2025-05");
    let projections = |row: &str| published(tidy("1", PROJECTIONS, &[row]));
    let past = service.take("p.csv", projections("2024,CHN,cobalt,mined,supply,base,1,t,content")).await;
    let past = past.unwrap();
    let found = gate(&past, "past-projections");
    assert_eq!(found.verdict(), Verdict::Block);
    assert!(found.message.contains("projects an earlier period: 2024"), "{found:?}");
    let ahead = service.take("p.csv", projections("2025,CHN,cobalt,mined,supply,base,1,t,content")).await;
    assert!(ahead.unwrap().is_committed());

    let header = "period,economy,material,stage,quantity,unit,basis";
    let output = published(tidy("2", header, &["2030,CHN,cobalt,mined,1,t,content"]));
    let later = service.take("o.csv", output).await.unwrap();
    let found = gate(&later, "later-periods");
    assert_eq!(found.verdict(), Verdict::Block);
    assert!(found.message.ends_with("belong into a table of projections"), "{found:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_rest_of_the_world_that_contains_a_listed_economy_is_named() {
    let service = Service::start().await;
    let twice = service.take("p.csv", tidy("1", PROJECTIONS, &COUNTED_TWICE)).await.unwrap();
    let found = gate(&twice, "rest-of-world-double-count");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert!(found.message.contains("in 1 of 1 markets"), "{found:?}");
    assert!(found.message.contains("supply:base nickel mined 2040: AUS"), "{found:?}");
    assert!(twice.is_committed(), "shares are of the printed total");
    let whole: Vec<_> = COUNTED_TWICE.iter().map(|row| row.replace("base,40", "base,30")).collect();
    let whole: Vec<_> = whole.iter().map(String::as_str).collect();
    let once = service.take("p.csv", tidy("2", PROJECTIONS, &whole)).await.unwrap();
    assert_eq!(gate(&once, "rest-of-world-double-count").verdict(), Verdict::Pass);
    service.stop().await;
}

#[tokio::test]
async fn a_market_is_on_one_basis() {
    let service = Service::start().await;
    let rows = [
        "2040,CHN,rare-earths,refined,supply,base,2,kt,content",
        "2040,MYS,rare-earths,refined,supply,base,2,kt,rare-earth-oxide",
    ];
    let mixed = service.take("p.csv", tidy("1", PROJECTIONS, &rows)).await.unwrap();
    let found = gate(&mixed, "mixed-bases");
    assert_eq!(found.verdict(), Verdict::Block);
    assert_eq!(found.message, "figures on several bases: rare-earths refined");
    service.stop().await;
}

/// Output has totals of the world as well. One that is called a total is none in disguise.
#[tokio::test]
async fn output_may_have_a_printed_total() {
    let service = Service::start().await;
    let header = "period,economy,material,stage,quantity,unit,basis";
    let row =
        |economy: &str, year: u32, amount: u32| format!("{year},{economy},cobalt,mined,{amount},t,content");
    let years = 2018..2023;
    let parts = [("COD", 4), ("CHN", 3), ("CUB", 2), ("AUS", 1), ("WLD", 10)];
    let rows: Vec<_> =
        years.flat_map(|year| parts.map(|(economy, amount)| row(economy, year, amount))).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = service.take("o.csv", tidy("1", header, &rows)).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    assert_eq!(gate(&outcome, "partner-sums").verdict(), Verdict::Pass);
    service.stop().await;
}

#[tokio::test]
async fn a_cut_table_says_so_or_is_told() {
    let service = Service::start().await;
    let silent = service.take("t.csv", cut_off("")).await.unwrap();
    let found = gate(&silent, "looks-cut");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert!(found.message.contains("30 importers of a product have exactly 3 partners"), "{found:?}");
    assert!(found.message.ends_with("say so with `# cut: 3`"), "{found:?}");
    let frank = service.take("t.csv", cut_off("# cut: 3\n").replace("# vintage: v", "# vintage: w")).await;
    let frank = frank.unwrap();
    assert_eq!(gate(&frank, "looks-cut").verdict(), Verdict::Pass);
    assert_eq!(frank.release.release.unwrap().cut_partners, 3);
    service.stop().await;
}

#[test]
fn a_cut_is_a_number_of_partners_of_trade() {
    let refused = |content: String| take(&[("t.csv", content)], &Metadata::default()).map(drop).unwrap_err();
    for (wrong, code) in [
        ("six", "invalid-count"),
        ("-1", "invalid-count"),
        ("", "invalid-count"),
        ("0", "out-of-range"),
        ("301", "out-of-range"),
    ] {
        let error = refused(cut_off(&format!("# cut: {wrong}\n")));
        assert_eq!((error.code, &*error.column), (code, "cut"), "{wrong}: {error}");
    }
    let projections = format!("# cut: 6\n{}", tidy("v", PROJECTIONS, &COUNTED_TWICE));
    assert_eq!(refused(projections).code, "unexpected-field");
}
