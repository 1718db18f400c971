//! Amounts of unknown origin or destination: recorded as what they are, in every source of trade. Every
//! figure here is made up.
use orewatch_contracts::ingestion::v1::{DeclaredTotals, TradeColumns};
use orewatch_formats::Metadata;
use proptest::prelude::*;

use crate::harness::{BACI, Service, file, lenient};
use crate::taking::{Taken, take, take_one};

const HEADER: &str =
    "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n";

/// Rows of UN Comtrade: `528,0,M,811010,100000,100000` of 2024.
fn comtrade(rows: &[&str]) -> String {
    let rows = rows.iter().map(|row| format!("2024,{row},H6\n"));
    format!("{HEADER}{}", rows.collect::<String>())
}

fn taken(rows: &[&str]) -> Taken {
    take_one("comtrade.csv", comtrade(rows)).unwrap()
}

fn declared(taken: &Taken) -> DeclaredTotals {
    taken.totals.declared.clone().unwrap()
}

#[test]
fn unspecified_areas_stay_in_the_sum() {
    let taken = taken(&[
        "528,0,M,811010,100000,100000",
        "528,156,M,811010,40000,40000",
        "528,704,M,811010,10000,10000",
        "528,899,M,811010,50000,50000",
    ]);
    assert_eq!(
        taken.flows(),
        [
            "2024 CHN NLD 811010 40 40 importer",
            "2024 VNM NLD 811010 10 10 importer",
            "2024 OTHER:unspecified NLD 811010 50 50 importer",
        ]
    );
    let totals = declared(&taken);
    assert_eq!((totals.compared, totals.differing, totals.above), (1, 0, 0));
    assert_eq!(taken.totals.read, taken.totals.recorded);
}

/// Each kind keeps its name, on either side; the world and the Union are no residuals.
#[test]
fn every_kind_of_residual_in_comtrade_is_recognised() {
    let kinds = [
        ("129", "rest-of-caribbean"),
        ("221", "rest-of-eastern-europe"),
        ("290", "rest-of-northern-africa"),
        ("471", "rest-of-cacm"),
        ("472", "rest-of-eu-associates"),
        ("473", "rest-of-laia"),
        ("492", "rest-of-eu"),
        ("527", "rest-of-oceania"),
        ("568", "rest-of-europe"),
        ("577", "rest-of-africa"),
        ("636", "rest-of-america"),
        ("637", "rest-of-north-america"),
        ("697", "rest-of-efta"),
        ("837", "bunkers"),
        ("838", "free-zones"),
        ("839", "special"),
        ("879", "rest-of-western-asia"),
        ("899", "unspecified"),
    ];
    for flow in ["M", "X"] {
        let mut rows: Vec<_> =
            kinds.iter().map(|(number, _)| format!("528,{number},{flow},811010,1000,1000")).collect();
        rows.push(format!("528,97,{flow},811010,1000,1000"));
        rows.push(format!("528,918,{flow},811010,1000,1000"));
        rows.push(format!("528,490,{flow},811010,1000,1000"));
        rows.push(format!("528,412,{flow},811010,1000,1000"));
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let taken = taken(&rows);
        let flow = |partner: &str| match flow {
            "M" => format!("2024 {partner} NLD 811010 1 1 importer"),
            _ => format!("2024 NLD {partner} 811010 1 1 exporter"),
        };
        let mut expected: Vec<_> = kinds.iter().map(|(_, kind)| flow(&format!("OTHER:{kind}"))).collect();
        expected.extend([flow("TWN"), flow("XKX")]);
        assert_eq!(taken.flows(), expected);
        assert_eq!(taken.totals.out_of_scope, 2);
    }
}

/// What the world holds above the partners is a flow of its own, at the line of the world.
#[test]
fn a_world_total_above_its_partners_leaves_a_residual() {
    let taken = taken(&[
        "528,156,M,811010,40000,40000",
        "528,899,M,811010,10000,10000",
        "528,0,M,811010,100000,90000",
        "528,156,X,811010,5000,4000",
        "528,0,X,811010,5000,4500",
        // Rounding is no difference.
        "276,156,M,811010,40000,40000",
        "276,0,M,811010,40000.01,40000.01",
    ]);
    assert_eq!(
        taken.flows(),
        [
            "2024 CHN NLD 811010 40 40 importer",
            "2024 OTHER:unspecified NLD 811010 10 10 importer",
            "2024 OTHER:undistributed NLD 811010 50 40 importer",
            "2024 NLD CHN 811010 5 4 exporter",
            "2024 NLD OTHER:undistributed 811010 0 0.5 exporter",
            "2024 CHN DEU 811010 40 40 importer",
        ]
    );
    assert_eq!(taken.lines(), [2, 3, 4, 5, 6, 7]);
    let totals = declared(&taken);
    assert_eq!((totals.compared, totals.differing, totals.above), (3, 0, 2));
    assert_eq!(taken.totals.read, taken.totals.recorded);
}

/// A world alone is a total of unknown origin; a second total of the same is compared with the first.
#[test]
fn a_world_total_alone_is_a_residual_and_each_of_two_is_compared() {
    let alone = taken(&["528,0,M,811010,100000,90000"]);
    assert_eq!(alone.flows(), ["2024 OTHER:undistributed NLD 811010 100 90 importer"]);
    let twice = taken(&[
        "528,0,M,811010,100000,100000",
        "528,0,M,811010,100000,120000",
        "528,156,M,811010,40000,40000",
    ]);
    assert_eq!(twice.flows()[0], "2024 OTHER:undistributed NLD 811010 60 60 importer");
    let totals = declared(&twice);
    assert_eq!((totals.compared, totals.differing, totals.above), (2, 1, 1));
    assert_eq!((totals.worst[0].declared, totals.worst[0].summed), (120.0, 100.0));
}

/// Where a part or the total is not known, what is between them is not known either, and never zero.
#[test]
fn an_unknown_part_leaves_the_rest_unknown() {
    let cases = [
        // The weight of a part is missing.
        ("40000,", "100000,100000", Some("60 -")),
        // The weight of the world is missing.
        ("40000,40000", "100000,", Some("60 -")),
        ("40000,40000", ",100000", Some("- 60")),
        // The value fits, and the weight is not known.
        ("100000,", "100000,100000", None),
        // A part is quarantined: it may be all of the rest.
        ("40000,x", "100000,100000", None),
        // The world weighs what its known partners do, or less, and value is left: the weight of what is left
        // is not known.
        ("80000,100000", "100000,100000", Some("20 -")),
        ("80000,120000", "100000,100000", Some("20 -")),
        // A weight without a value is what the source's estimates of weights leave.
        ("100000,80000", "100000,100000", Some("0 20")),
        // Parts above the world are a finding.
        ("200000,40000", "100000,100000", Some("0 60")),
        ("200000,200000", "100000,100000", None),
    ];
    for (part, world, rest) in cases {
        let taken = taken(&[&format!("528,156,M,811010,{part}"), &format!("528,0,M,811010,{world}")]);
        let found = taken.flows().into_iter().find(|flow| flow.contains("undistributed"));
        let expected = rest.map(|rest| format!("2024 OTHER:undistributed NLD 811010 {rest} importer"));
        assert_eq!(found, expected, "{part} of {world}");
        let exceeds = part.starts_with("200000") || part.ends_with("120000");
        assert_eq!(declared(&taken).differing, u64::from(exceeds), "{part} of {world}");
    }
}

/// The world stands in another file of the release than its partners.
#[test]
fn a_world_total_in_another_file_is_compared() {
    let inputs = [comtrade(&["528,0,M,811010,100000,90000"]), comtrade(&["528,156,M,811010,40000,40000"])];
    let inputs =
        inputs.iter().zip(["a.csv", "b.csv"]).map(|(content, name)| crate::taking::memory(name, content));
    let taken = take(inputs.collect(), &Metadata::default(), orewatch_formats::Limits::default());
    let taken = taken.unwrap();
    assert_eq!(
        taken.flows(),
        ["2024 OTHER:undistributed NLD 811010 60 50 importer", "2024 CHN NLD 811010 40 40 importer"]
    );
}

/// A flow between two residuals is of nobody.
#[test]
fn one_side_of_a_flow_is_an_economy() {
    let from_comtrade = taken(&["568,899,M,811010,1,1", "568,156,M,811010,1000,1000"]);
    assert_eq!(from_comtrade.flows(), ["2024 CHN OTHER:rest-of-europe 811010 1 1 importer"]);
    assert_eq!(from_comtrade.reasons(), ["2 partnerCode 899 no-economy"]);
    let baci = "t,i,j,k,v,q\n2022,697,156,250410,1.5,2\n2022,697,577,250410,1.5,2\n2022,697,697,250410,1,\
                1\n2022,0,156,250410,1,1\n";
    let from_baci = take_one(BACI, baci).unwrap();
    assert_eq!(from_baci.flows(), ["2022 OTHER:rest-of-efta CHN 250410 1.5 2 -"]);
    assert_eq!(from_baci.reasons(), ["3 j 577 no-economy", "4 j 697 no-economy", "5 i 0 aggregate-economy"]);
    let tidy = "# dataset: d\n# vintage: v\n# hs: \
                HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n\
                2020,OTHER:bunkers,OTHER,250410,1,1\n2020,OTHER,DEU,250410,1,1\n2020,DEU,OTHER:unspecified,\
                250410,2,2\n\
                2020,OTHER:unlisted,DEU,250410,1,1\n2020,OTHER:nobody,DEU,250410,1,1\n2020,WLD,DEU,250410,1,\
                1\n";
    let from_tidy = take_one("t.csv", tidy).unwrap();
    assert_eq!(
        from_tidy.flows(),
        ["2020 OTHER:unlisted DEU 250410 1 1 -", "2020 DEU OTHER:unspecified 250410 2 2 -"]
    );
    assert_eq!(
        from_tidy.reasons(),
        [
            "5 importer OTHER no-economy",
            "8  2020,OTHER:unlisted,DEU,250410 duplicate-key",
            "9 exporter OTHER:nobody unknown-economy",
            "10 exporter WLD aggregate-economy",
        ]
        .map(str::to_owned)
        .to_vec()
    );
}

/// Comext's codes: stores and provisions, not specified, and not specified for commercial or military
/// reasons.
#[test]
fn partners_of_comext_without_an_economy_are_residuals() {
    const HEADER: &str = "REPORTER,PARTNER,PRODUCT_NC,FLOW,STAT_PROCEDURE,PERIOD,VALUE_EUR,QUANTITY_KG\n";
    let codes = ["QP", "QQ", "QR", "QS", "QU", "QV", "QW", "QX", "QY", "QZ", "XC", "XL"];
    let rows: String = codes.iter().map(|code| format!("DE,{code},25041000,1,1,202403,5,1000\n")).collect();
    let taken = take_one("full202403.dat", format!("{HEADER}{rows}ES,XL,25041000,2,1,202403,5,5\n")).unwrap();
    assert_eq!(
        taken.flows(),
        [
            "2024-03 OTHER:special DEU 25041000 - 1 importer",
            "2024-03 OTHER:bunkers DEU 25041000 - 3 importer",
            "2024-03 OTHER:unspecified DEU 25041000 - 3 importer",
            "2024-03 OTHER:confidential DEU 25041000 - 3 importer",
            "2024-03 ESP DEU 25041000 - 2 importer",
        ]
    );
    assert_eq!(taken.totals.out_of_scope, 1, "Melilla is of Spain");
}

fn is_apart(columns: &TradeColumns) -> bool {
    let residual = |side: &u32| columns.economies[*side as usize].starts_with("OTHER");
    let rows = columns.exporter.iter().zip(&columns.importer);
    let found: Vec<_> = rows.map(|(from, to)| residual(from) || residual(to)).collect();
    found.iter().all(|residual| *residual == found[0])
}

/// Rows with a residual are in chunks of their own, whichever way the lines are read.
#[test]
fn residuals_of_different_kinds_are_kept_apart() {
    let line = |year: u32, who: &str| format!("{year},{who},842,250410,{}.5,1.5\n", year % 7);
    let lines = (1950..2022).flat_map(|year| [line(year, "156"), line(year, "697"), line(year, " 577")]);
    let taken = take_one(BACI, format!("t,i,j,k,v,q\n{}", lines.collect::<String>())).unwrap();
    assert_eq!(taken.flows().len(), 3 * 72);
    assert!(taken.trade.len() > 1 && taken.trade.iter().all(is_apart));
    let counts = |kind: &str| taken.flows().iter().filter(|flow| flow.contains(kind)).count();
    assert_eq!([counts("CHN"), counts("rest-of-efta"), counts("rest-of-africa")], [72; 3]);
}

/// The service records them, counts their keys, and says what is undistributed.
#[tokio::test]
async fn the_service_records_residuals() {
    let service = Service::start().await;
    let rows =
        ["528,156,M,811010,40000,40000", "528,899,M,811010,10000,10000", "528,0,M,811010,100000,90000"];
    let outcome = service.ingest(vec![file("c.csv", comtrade(&rows))], lenient()).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    let report = outcome.release.report.clone().unwrap();
    assert_eq!((report.rows_read, report.rows_recorded), (3, 3));
    assert_eq!(report.totals.unwrap().above, 1);
    let twice = [rows[0], rows[1], rows[1], rows[2]];
    let outcome = service.ingest(vec![file("d.csv", comtrade(&twice))], lenient()).await.unwrap();
    let rejections = service.rejections(&outcome.release.release.unwrap().id).await;
    let reasons: Vec<_> = rejections.iter().map(|found| (found.line, &*found.code, &*found.value)).collect();
    assert_eq!(reasons, [(4, "duplicate-key", "2024,OTHER:unspecified,NLD,811010,importer")]);
    service.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Named, residual and undistributed amounts together are the declared total, and no row of unknown
    /// origin ever makes the rest of the world smaller than what is known to be outside of it.
    #[test]
    fn everything_adds_up_to_the_world(parts in prop::collection::vec((prop::sample::select(&["156",
        "704", "899", "837", "568"]), 1_u32..1000), 0..5), above in 0_u32..500) {
        let mut seen = std::collections::BTreeSet::new();
        let parts: Vec<_> = parts.into_iter().filter(|(partner, _)| seen.insert(*partner)).collect();
        let sum: u32 = parts.iter().map(|(_, weight)| weight).sum();
        let mut rows: Vec<_> =
            parts.iter().map(|(partner, weight)| format!("528,{partner},M,811010,{weight}000,\
                                                          {weight}000")).collect();
        rows.push(format!("528,0,M,811010,{0}000,{0}000", sum + above));
        let taken = taken(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let weight = |flow: &String| flow.split(' ').nth(5).unwrap().parse::<f64>().unwrap();
        let flows = taken.flows();
        let total: f64 = flows.iter().map(weight).sum();
        prop_assert!((total - f64::from(sum + above)).abs() < 1e-9, "{:?}", flows);
        prop_assert_eq!(flows.iter().any(|flow| flow.contains("undistributed")), above > 0);
        prop_assert_eq!(declared(&taken).differing, 0);
    }
}

/// Totals below their parts do not hide those above them, and figures say their unit.
#[tokio::test]
async fn totals_above_and_below_their_parts_are_reported() {
    let service = Service::start().await;
    let content = comtrade(&[
        "528,156,M,811010,50000,50000",
        "528,0,M,811010,40000,50000",
        "276,156,M,811010,40000,40000",
        "276,0,M,811010,60000,60000",
        "251,156,M,811010,40000,40000",
        "251,0,M,811010,60000,60000",
    ]);
    let outcome = service.take("comtrade.csv", content).await.unwrap();
    let found = crate::policy::gate(&outcome, "declared-totals");
    assert_eq!(
        found.message,
        "1 of 3 declared totals differ from the sum of their parts: 2024, imports of NLD, 811010, value in \
         thousand US \
         dollars: 40 declared, 1 parts add up to 50; 2 of 3 declared totals are above the sum of their \
         parts: what they hold \
         beyond them is recorded as OTHER:undistributed"
    );
    service.stop().await;
}
