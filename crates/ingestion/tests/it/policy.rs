//! Parameters of methods, restrictions of exports, and flows that both sides report.
use orewatch_catalog::parameter::{ItemKind, Presence};
use orewatch_catalog::{parameters, restrictions};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{Evaluation, GateVerdict, ObservationsRecorded, Reporter, Verdict};
use orewatch_ingestion::client::Outcome;
use prost::Message as _;

use crate::harness::{Service, file, lenient};

pub(crate) const PARAMETERS: &str = "period,parameter,value,economy,partner,material,stage,item";
pub(crate) const RESTRICTIONS: &str = "from,until,economy,material,stage,kind,evaluation,product,partners";
const MIRRORED: &str = "period,exporter,importer,product,value_kusd,quantity_t,reporter";

/// A tidy file with these rows.
pub(crate) fn tidy(vintage: &str, header: &str, rows: &[&str]) -> String {
    format!(
        "# dataset: test-{}\n# vintage: {vintage}\n# hs: HS17\n# published: 2023\n{header}\n{}\n",
        header.len(),
        rows.join("\n")
    )
}

pub(crate) fn gate<'a>(outcome: &'a Outcome, name: &str) -> &'a GateVerdict {
    let gates = &outcome.release.report.as_ref().unwrap().gates;
    gates.iter().find(|gate| gate.gate == name).unwrap()
}

/// The columns of the first chunk on the log.
async fn recorded(service: &Service) -> Columns {
    let events = service.events().await;
    let chunk = events.iter().find(|event| event.kind.ends_with("ObservationsRecorded")).unwrap();
    ObservationsRecorded::decode(chunk.data.clone()).unwrap().columns.unwrap()
}

#[tokio::test]
async fn parameters_are_recorded_as_they_are_written() {
    let service = Service::start().await;
    let rows = [
        "2016,eol-rir,0.22,,,cobalt,,",
        "2016,trade-parameter,1.2,,COD,cobalt,mined,",
        "2016,trade-parameter,0.8,EU27,NOR,cobalt,refined,",
        "2022,consumption,NA,EU27,,cobalt,refined,",
        "2022,stock-decrease,-80,USA,,cobalt,refined,",
        "2022,sector-value-added,27000000000000,WLD,,,,C24",
        "2022,supply-used,1,,,cobalt,mined,GS+EU",
        "2022-06,basket-purity,0.4,,,,,811292",
        "2022,basket-purity,0.4,,,,,010121",
    ];
    let outcome = service.take("p.csv", tidy("1", PARAMETERS, &rows)).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    let report = outcome.release.report.unwrap();
    assert_eq!((report.rows_recorded, report.rows_out_of_scope), (8, 1), "010121 is of no material");
    assert_eq!((&*report.first_period, &*report.last_period), ("2016", "2022-06"));

    let Columns::Parameters(found) = recorded(&service).await else { panic!("parameters") };
    assert_eq!(found.periods, ["2016", "2022", "2022-06"]);
    let who = |column: &[u32], row: usize| found.economies[usize::try_from(column[row]).unwrap()].clone();
    let sides = |row| [who(&found.economy, row), who(&found.partner, row)];
    assert_eq!([sides(0), sides(1), sides(2)], [["", ""], ["", "COD"], ["EU27", "NOR"]]);
    assert_eq!((&*who(&found.economy, 5), found.value[5]), ("WLD", 2.7e13));
    assert!(found.value[3].is_nan() && found.status().nth(3) == Some(Status::Unavailable));
    let about = |row: usize| &found.parameters[usize::try_from(found.parameter[row]).unwrap()];
    assert_eq!((&*about(0).name, &*about(0).material, &*about(0).stage), ("eol-rir", "cobalt", ""));
    assert_eq!((&*about(6).stage, &*about(6).item), ("mined", "GS+EU"));
    assert_eq!((&*about(7).material, &*about(7).item), ("", "811292"));
    assert_eq!(found.line, [6, 7, 8, 9, 10, 11, 12, 13]);
    service.stop().await;
}

/// Where no row has a partner the column is left out, and so are the columns that the file does not have.
#[tokio::test]
async fn three_columns_and_a_material_make_a_table() {
    let service = Service::start().await;
    let content = tidy("1", "material,value,parameter,period", &["tungsten,0.42,eol-rir,2016"]);
    assert!(service.take("p.csv", content).await.unwrap().is_committed());
    let Columns::Parameters(found) = recorded(&service).await else { panic!("parameters") };
    assert_eq!((found.partner.len(), &found.economies[..]), (0, &[String::new()][..]));
    service.stop().await;
}

#[tokio::test]
async fn restrictions_are_recorded_as_they_are_written() {
    let service = Service::start().await;
    let rows = [
        "2023-08-01,,CHN,gallium,refined,licensing,red,811292,",
        "2020-01-01,2022-12-31,IDN,nickel,mined,prohibition,amber,,USA EU27 USA",
        "2020-01-01,,IDN,nickel,mined,export-tax,,,",
        "2019-02-01,2019-02-01,COD,cobalt,mined,quota,green,,",
        "2019-02-01,,COD,cobalt,mined,quota,green,010121,",
    ];
    let outcome = service.take("r.csv", tidy("1", RESTRICTIONS, &rows)).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    let report = outcome.release.report.clone().unwrap();
    assert_eq!((report.rows_recorded, report.rows_out_of_scope), (4, 1));
    assert_eq!((&*report.first_period, &*report.last_period), ("2019", "2023"));
    assert_eq!(gate(&outcome, "later-periods").verdict(), Verdict::Pass);

    let Columns::Restrictions(found) = recorded(&service).await else { panic!("restrictions") };
    let day = |column: &[u32], row: usize| found.days[usize::try_from(column[row]).unwrap()].as_str();
    assert_eq!((day(&found.from, 0), day(&found.until, 0)), ("2023-08-01", ""));
    assert_eq!((day(&found.from, 1), day(&found.until, 1)), ("2020-01-01", "2022-12-31"));
    assert_eq!(day(&found.from, 3), day(&found.until, 3));
    assert_eq!(
        (&found.partners[..], &found.partner[..]),
        (&["".to_owned(), "EU27,USA".to_owned()][..], &[0, 1, 0, 0][..])
    );
    let product = |row: usize| &found.products[usize::try_from(found.product[row]).unwrap()];
    assert_eq!((&*product(0).code, product(0).proxy), ("811292", true));
    assert_eq!(
        (&*product(1).code, &*product(1).material, found.product[1]),
        ("", "nickel", found.product[2])
    );
    assert_eq!(found.kinds, ["licensing", "prohibition", "export-tax", "quota"]);
    let judged: Vec<_> = found.evaluation().collect();
    assert_eq!(judged, [Evaluation::Red, Evaluation::Amber, Evaluation::Unspecified, Evaluation::Green]);
    service.stop().await;
}

/// What importer and exporter report of one flow are two observations; the same side twice is a duplicate.
#[tokio::test]
async fn both_sides_of_a_flow_are_kept() {
    let service = Service::start().await;
    let rows = [
        "2022,CHN,DEU,250410,10,5,importer",
        "2022,CHN,DEU,250410,12,6,exporter",
        "2022,CHN,DEU,250410,12,6,exporter",
        "2022,CHN,FRA,250410,1,1,",
        "2022,CHN,ITA,250410,1,1,Importer",
        "2022,CHN,DEU,250410,11,5,",
        "2022,CHN,FRA,250410,2,1,exporter",
    ];
    let inputs = vec![file("t.csv", tidy("1", MIRRORED, &rows))];
    let outcome = service.ingest(inputs, lenient()).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    assert!(gate(&outcome, "duplicates").message.starts_with("3 rows quarantined"));
    let rejections = service.rejections("1").await;
    assert_eq!(
        rejections.iter().map(|row| &*row.code).collect::<Vec<_>>(),
        ["duplicate-key", "unknown-reporter", "duplicate-key", "duplicate-key"]
    );
    assert_eq!(rejections[0].value, "2022,CHN,DEU,250410,exporter");
    assert_eq!(rejections[1].hint, "did you mean importer?");
    assert!(rejections[2].reason.contains("t.csv, line 6, and only one"), "{}", rejections[2].reason);
    assert!(rejections[3].reason.contains("t.csv, line 9, and only one"), "{}", rejections[3].reason);
    let Columns::Trade(found) = recorded(&service).await else { panic!("trade") };
    let reporters: Vec<_> = found.reporter().collect();
    assert_eq!(reporters, [Reporter::Importer, Reporter::Exporter, Reporter::Unspecified]);
    service.stop().await;
}

/// A total in disguise is looked for among the rows of one reporter: the other's figures would hide it.
#[tokio::test]
async fn a_total_is_found_among_the_rows_of_one_reporter() {
    let service = Service::start().await;
    let mut rows = Vec::new();
    for importer in ["DEU", "FRA", "ITA"] {
        for (exporter, amount) in [("CHN", 600), ("MOZ", 300), ("BRA", 77), ("KOR", 977)] {
            rows.push(format!("2020,{exporter},{importer},250410,{amount},1,importer"));
            rows.push(format!("2020,{exporter},{importer},250410,{},1,exporter", amount / 7 + 3));
        }
    }
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = service.take("t.csv", tidy("1", MIRRORED, &rows)).await.unwrap();
    let found = gate(&outcome, "partner-sums");
    assert_eq!(found.verdict(), Verdict::Block, "{found:?}");
    assert!(found.message.contains("KOR is the sum of all others in 3 of"), "{}", found.message);
    service.stop().await;
}

/// Row, column, value, code, part of the reason, part of the hint.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// Rows that are quarantined, after a good one in line 6.
async fn check_rejected(header: &str, good: &str, cases: &[Case]) {
    let service = Service::start().await;
    let rows: Vec<_> = std::iter::once(good).chain(cases.iter().map(|(row, ..)| *row)).collect();
    let inputs = vec![file("t.csv", tidy("1", header, &rows))];
    let outcome = service.ingest(inputs, lenient()).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    let report = outcome.release.report.unwrap();
    assert_eq!((report.rows_recorded, report.rows_rejected), (1, u64::try_from(cases.len()).unwrap()));
    let rejections = service.rejections("1").await;
    assert_eq!(rejections.len(), cases.len());
    for (line, (found, (row, column, value, code, reason, hint))) in (7..).zip(rejections.iter().zip(cases)) {
        assert_eq!(found.line, line, "{row:?}");
        assert_eq!((&*found.column, &*found.value, &*found.code), (*column, *value, *code), "{row:?}");
        assert!(include_str!("../../README.md").contains(&format!("`{code}`")), "{code} is documented");
        assert!(found.reason.contains(reason), "{row:?}: {}", found.reason);
        assert!(found.hint.contains(hint), "{row:?}: {}", found.hint);
    }
    service.stop().await;
}

/// Rows of parameters that are rejected.
const PARAMETERS_REJECTED: &[Case] = &[
    (
        "2016,EoL_RIR,0.22,,,cobalt,,",
        "parameter",
        "EoL_RIR",
        "unknown-parameter",
        "unknown",
        "did you mean eol-rir?",
    ),
    (
        "2016,luck,0.22,,,cobalt,,",
        "parameter",
        "luck",
        "unknown-parameter",
        "unknown",
        "one of basket-purity, ",
    ),
    ("2016,eol-rir,22 %,,,tin,,", "value", "22 %", "invalid-number", "per cent sign", "0.22"),
    (
        "2016,gross-domestic-product,1.000.000,USA,,,,",
        "value",
        "1.000.000",
        "invalid-number",
        "thousands separators",
        "1000000",
    ),
    ("2016,,0.22,,,cobalt,,", "parameter", "", "unknown-parameter", "", ""),
    ("2016,eol-rir,22,,,cobalt,,", "value", "22", "out-of-range", "0 to 1", "22 % is 0.22"),
    ("2016,eol-rir,-0.1,,,cobalt,,", "value", "-0.1", "out-of-range", "0 to 1", ""),
    ("2016,trade-parameter,11,,COD,cobalt,mined,", "value", "11", "out-of-range", "0 to 5", ""),
    ("2016,supply-used,0,,,cobalt,mined,GS+EU", "value", "0", "out-of-range", "is 1", ""),
    ("2016,eol-rir,,,,tin,,", "value", "", "missing-figure", "empty", "NA"),
    ("2016,eol-rir,NaN,,,tin,,", "value", "NaN", "invalid-number", "a mark", "NA"),
    (
        "2016,gross-domestic-product,1e13,USA,,,,",
        "value",
        "1e13",
        "invalid-number",
        "exponent",
        "10000000000000",
    ),
    ("2016,eol-rir,0.1,,,,,", "material", "", "missing-field", "`eol-rir` needs a material", ""),
    ("2016,consumption,1,,,cobalt,mined,", "economy", "", "missing-field", "needs an economy", ""),
    ("2016,trade-parameter,1,,,cobalt,mined,", "partner", "", "missing-field", "needs a partner", ""),
    ("2016,end-use-share,1,,,cobalt,,", "item", "", "missing-field", "needs an item", "sector"),
    ("2016,eol-rir,0.1,,,tin,mined,", "stage", "mined", "unexpected-field", "has no stage", "empty"),
    ("2016,eol-rir,0.1,DEU,,tin,,", "economy", "DEU", "unexpected-field", "has no economy", "empty"),
    (
        "2016,conversion-yield,0.1,,,tin,mined,",
        "stage",
        "mined",
        "unexpected-field",
        "nothing is converted",
        "produced",
    ),
    ("2016,supply-used,1,,,cobalt,mined,EU", "item", "EU", "invalid-item", "`supply-used`", "GSonly"),
    ("2016,basket-purity,1,,,,,81129", "item", "81129", "invalid-item", "`basket-purity`", "six digits"),
    ("2016,end-use-share,1,,,tin,,C 24", "item", "C 24", "invalid-item", "", "C24"),
    ("2016,eol-rir,0.1,,,Tin metal,,", "material", "Tin metal", "unknown-material", "", ""),
    ("2016,trade-parameter,1,,COD,cobalt,ore,", "stage", "ore", "unknown-stage", "", ""),
    ("2016,trade-parameter,1,,EU27,cobalt,mined,", "partner", "EU27", "aggregate-economy", "EU27", ""),
    ("2016,trade-parameter,1,,XYZ,cobalt,mined,", "partner", "XYZ", "unknown-economy", "XYZ", ""),
    ("2016,consumption,1,eu27,,cobalt,mined,", "economy", "eu27", "unknown-economy", "eu27", "EU27"),
    ("2016,consumption,1,ZAR,,cobalt,mined,", "economy", "ZAR", "unknown-economy", "ZAR", "COD"),
    ("2016,freedom-score,1,G7,,,,", "economy", "G7", "aggregate-economy", "about one economy", "each"),
    ("2016,bilateral-trade,1,USA,USA,,,", "partner", "USA", "self-partner", "the same", ""),
    ("20161,eol-rir,0.1,,,tin,,", "period", "20161", "invalid-period", "1900 to 2100", ""),
    (
        "2016,eol-rir,0.3,,,cobalt,,",
        "",
        "2016,eol-rir,cobalt",
        "duplicate-key",
        "line 6, with other figures",
        "keep one",
    ),
    (
        "2016,eol-rir,0.22,,,cobalt,",
        "",
        "2016,eol-rir,0.22,,,cobalt,",
        "field-count-mismatch",
        "7 fields",
        "",
    ),
];

#[tokio::test]
async fn each_wrong_parameter_is_rejected_with_its_code() {
    check_rejected(PARAMETERS, "2016,eol-rir,0.22,,,cobalt,,", PARAMETERS_REJECTED).await;
}

/// Rows of restrictions that are rejected.
const RESTRICTIONS_REJECTED: &[Case] = &[
    (
        "2020-01-01,2021-01-01,IDN,nickel,mined,prohibition,red,,",
        "",
        "2020-01-01,IDN,nickel,mined,prohibition",
        "duplicate-key",
        "line 6, with another end or evaluation",
        "",
    ),
    (
        "2020-01-01,,IDN,nickel,mined,prohibition,red,,",
        "",
        "2020-01-01,IDN,nickel,mined,prohibition",
        "duplicate-key",
        "with the same end and evaluation",
        "",
    ),
    (",,IDN,nickel,mined,quota,red,,", "from", "", "missing-field", "empty", "2010-01-01"),
    (
        "2020,,IDN,nickel,mined,quota,red,,",
        "from",
        "2020",
        "invalid-day",
        "no day",
        "2020-01-01 or 2020-12-31",
    ),
    ("2020-02-30,,IDN,nickel,mined,quota,red,,", "from", "2020-02-30", "invalid-day", "no day", ""),
    ("1492-02-03,,IDN,nickel,mined,quota,red,,", "from", "1492-02-03", "invalid-day", "1900 to 2100", ""),
    ("20200101,,IDN,nickel,mined,quota,red,,", "from", "20200101", "invalid-day", "no day", ""),
    (
        "2020-01-02,2020-01-01,IDN,nickel,mined,quota,red,,",
        "until",
        "2020-01-01",
        "end-before-start",
        "ends before it begins",
        "still in force",
    ),
    ("2020-01-01,31.12.2021,IDN,nickel,mined,quota,red,,", "until", "31.12.2021", "invalid-day", "", ""),
    ("2020-01-01,,EU27,nickel,mined,quota,red,,", "economy", "EU27", "aggregate-economy", "EU27", ""),
    ("2020-01-01,,,nickel,mined,quota,red,,", "economy", "", "unknown-economy", "", ""),
    ("2020-01-01,,IDN,nickle,mined,quota,red,,", "material", "nickle", "unknown-material", "", "nickel"),
    ("2020-01-01,,IDN,nickel,ores,quota,red,,", "stage", "ores", "unknown-stage", "", ""),
    ("2020-01-01,,IDN,nickel,mined,ban,red,,", "kind", "ban", "unknown-restriction", "ban", "prohibition"),
    (
        "2020-01-01,,IDN,nickel,mined,quota,Amber,,",
        "evaluation",
        "Amber",
        "unknown-evaluation",
        "no evaluation",
        "did you mean amber?",
    ),
    (
        "2020-01-01,,IDN,nickel,mined,quota,3,,",
        "evaluation",
        "3",
        "unknown-evaluation",
        "",
        "red, amber or green",
    ),
    (
        "2020-01-01,,IDN,nickel,mined,quota,red,2604,",
        "product",
        "2604",
        "invalid-product",
        "not a code",
        "six digits",
    ),
    (
        "2020-01-01,,IDN,nickel,refined,quota,red,260400,",
        "product",
        "260400",
        "product-mismatch",
        "of nickel mined, not of nickel refined",
        "leave the product empty",
    ),
    ("2020-01-01,,IDN,nickel,mined,quota,red,,JPN QQQ", "partners", "QQQ", "unknown-economy", "QQQ", ""),
    ("2020-01-01,,IDN,nickel,mined,quota,red,,g7", "partners", "g7", "unknown-economy", "g7", "G7"),
    (
        "2020-01-01,,IDN,nickel,mined,quota,red,,WLD",
        "partners",
        "WLD",
        "aggregate-economy",
        "the world",
        "empty",
    ),
    ("2020-01-01,,IDN,nickel,mined,quota,red,,IDN", "partners", "IDN", "self-partner", "itself", ""),
    (
        "2020-01-01,,IDN,nickel,mined,quota,red,,\"JPN,KOR\"",
        "partners",
        "JPN,KOR",
        "unknown-economy",
        "JPN,KOR",
        "",
    ),
];

#[tokio::test]
async fn each_wrong_restriction_is_rejected_with_its_code() {
    check_rejected(RESTRICTIONS, "2020-01-01,,IDN,nickel,mined,prohibition,red,,", RESTRICTIONS_REJECTED)
        .await;
}

/// The tables of the documentation are those of the catalogue.
#[test]
fn parameters_and_kinds_are_documented() {
    let text = include_str!("../../README.md");
    for parameter in parameters() {
        let line = text.lines().find(|line| line.starts_with(&format!("| `{parameter}` |")));
        let line = line.unwrap_or_else(|| panic!("{parameter} is not documented"));
        let about = line.split('|').nth(2).unwrap();
        for (field, takes) in [
            ("economy", parameter.economy),
            ("partner", parameter.partner),
            ("material", parameter.material),
            ("stage", parameter.stage),
        ] {
            assert_eq!(about.contains(field), takes != Presence::Never, "{line}");
            let optional = about.contains(&format!("[{field}"));
            assert_eq!(optional, takes == Presence::Optional, "{line}");
        }
        assert_eq!(about.contains("or bloc"), parameter.allows_blocs, "{line}");
        assert_eq!(about.contains("sector"), parameter.item == ItemKind::Sector, "{line}");
        assert!(line.contains(&format!("{},", parameter.unit)), "{line}");
    }
    for kind in restrictions() {
        let line = text.lines().find(|line| line.starts_with(&format!("| {} |", kind.severity)));
        assert!(line.unwrap().contains(&format!("`{kind}`")), "{kind} is not documented");
    }
}
