//! Claims beside figures: what agrees, with which reading, as it was known.

use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::common::v1::{AsAt, By};
use orewatch_contracts::exposure::v1::{CheckClaimsRequest, CheckedClaim, ClaimVerdict};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ClaimRow, ClaimRows, ProjectedSeries, ProjectionColumns, Side};
use orewatch_contracts::{Class, Failure};

use crate::kit::{Api, House, Output, Trade};
use crate::reference::rows;

/// China's share of refining in percent, by material: IEA Critical Minerals Dataset, May 2025.
pub(crate) const IN_2024: [(&str, f64); 5] =
    [("copper", 44.02), ("lithium", 70.23), ("cobalt", 78.41), ("graphite", 95.71), ("rare-earths", 91.28)];
const IN_2030: [(&str, f64); 5] =
    [("copper", 46.6), ("lithium", 61.6), ("cobalt", 77.4), ("graphite", 87.06), ("rare-earths", 76.0)];

/// The claim of the press about China's refining.
pub(crate) fn refining() -> ClaimRow {
    ClaimRow {
        id: "press-47-to-87".to_owned(),
        text: "China refines between 47 and 87 %".to_owned(),
        said_by: "International Energy Agency".to_owned(),
        reported_by: "the press".to_owned(),
        date: "2026-01-11".to_owned(),
        consumer: "WLD".to_owned(),
        materials: IN_2024.map(|(material, _)| material.to_owned()).to_vec(),
        stage: "refined".to_owned(),
        measure: "production-share".to_owned(),
        supplier: "CHN".to_owned(),
        low: 0.47,
        high: 0.87,
        basis: "iea-cm".to_owned(),
        tolerance: 0.005,
        ..ClaimRow::default()
    }
}

/// A claim about one share of the world's mined graphite.
pub(crate) fn graphite(low: f64, high: f64) -> ClaimRow {
    ClaimRow {
        id: "graphite".to_owned(),
        materials: vec!["graphite".to_owned()],
        stage: "mined".to_owned(),
        low,
        high,
        basis: String::new(),
        tolerance: 0.0,
        ..refining()
    }
}

/// Output of China and of the rest, 100 tonnes together.
pub(crate) fn output<'a>(year: &'a str, material: &'a str, stage: &'a str, china: f64) -> [Output<'a>; 2] {
    let row = |economy, tonnes| (year, economy, material, stage, Some(tonnes), "content");
    [row("CHN", china), row("AUS", 100.0 - china)]
}

/// Projected supply of refined materials in 2030, as the base case.
pub(crate) fn projected() -> Columns {
    let mut columns = ProjectionColumns {
        periods: vec!["2030".to_owned()],
        economies: vec!["CHN".to_owned(), "AUS".to_owned()],
        ..ProjectionColumns::default()
    };
    for (series, (material, china)) in (0..).zip(IN_2030) {
        columns.series.push(ProjectedSeries {
            material: material.to_owned(),
            stage: "refined".to_owned(),
            side: Side::Supply.into(),
            scenario: "base".to_owned(),
            unit: "t".to_owned(),
            basis: "content".to_owned(),
        });
        for (economy, tonnes) in [(0, china), (1, 100.0 - china)] {
            columns.period.push(0);
            columns.economy.push(economy);
            columns.product.push(series);
            columns.quantity.push(tonnes);
            columns.line.push(u64::from(series) * 2 + u64::from(economy) + 2);
        }
    }
    Columns::Projections(columns)
}

pub(crate) fn claims(rows: &[ClaimRow]) -> Columns {
    Columns::Claims(ClaimRows { rows: rows.to_vec() })
}

async fn check(api: &mut Api, request: CheckClaimsRequest) -> Result<Vec<CheckedClaim>, Failure> {
    Ok(api.client.check_claims(request).await?.into_inner().claims)
}

async fn check_at(api: &mut Api, release: &str) -> Vec<CheckedClaim> {
    let as_at = Some(AsAt { at: Some(At::Release(release.to_owned())) });
    check(api, CheckClaimsRequest { as_at, ..CheckClaimsRequest::default() }).await.unwrap()
}

async fn check_all(api: &mut Api) -> Vec<CheckedClaim> {
    check(api, CheckClaimsRequest::default()).await.unwrap()
}

async fn check_draft(api: &mut Api, draft: ClaimRow) -> Result<CheckedClaim, Failure> {
    let request = CheckClaimsRequest { draft: Some(draft), ..CheckClaimsRequest::default() };
    let mut claims = check(api, request).await?;
    assert_eq!(claims.len(), 1);
    Ok(claims.remove(0))
}

/// The period, source and vintage of each reading that agrees.
fn agreeing(claim: &CheckedClaim) -> Vec<[&str; 3]> {
    let agreeing = claim.readings.iter().filter(|reading| reading.agrees);
    agreeing.map(|reading| [reading.period.as_str(), &reading.source, &reading.vintage]).collect()
}

#[tokio::test]
async fn a_figure_of_a_projection_is_not_mistaken_for_the_present() {
    let house = House::new();
    let rows: Vec<_> =
        IN_2024.iter().flat_map(|(material, china)| output("2024", material, "refined", *china)).collect();
    house.production("iea-cm/2025-aaaaaaaaaaaa", &rows).await;
    house.release("iea-cm/2025-bbbbbbbbbbbb", projected()).await;
    let position = house.release("press/1-cccccccccccc", claims(&[refining()])).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let found = check_all(&mut api).await;
    let [claim] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(claim.verdict(), ClaimVerdict::AgreesOnlyWith, "{}", claim.reason);
    assert_eq!(claim.release, "press/1-cccccccccccc");
    let first = &claim.readings[0];
    assert_eq!((first.period.as_str(), first.source.as_str(), first.agrees), ("2024", "iea-cm", false));
    assert_eq!(first.figures.len(), 5);
    assert_eq!(first.figures[0].releases, ["iea-cm/2025-aaaaaaaaaaaa"]);
    assert_eq!(agreeing(claim), [["2030", "iea-cm:base", ""]]);
    for part in
        ["2030, iea-cm:base", "46.6 % for copper to 87.1 % for graphite", "44.0 % for copper to 95.7 %"]
    {
        assert!(claim.reason.contains(part), "{}", claim.reason);
    }
    let scenario = ClaimRow { basis: "iea-cm:base".to_owned(), period: "2030".to_owned(), ..refining() };
    assert_eq!(check_draft(&mut api, scenario).await.unwrap().verdict(), ClaimVerdict::Agrees);
    api.stop().await;
}

/// The base case of the reference table, as recorded: of supply, with the printed totals.
fn base_case() -> Columns {
    let mut columns = ProjectionColumns::default();
    let index = |texts: &mut Vec<String>, text: &str| {
        let known = texts.iter().position(|known| known == text);
        let index = known.unwrap_or_else(|| {
            texts.push(text.to_owned());
            texts.len() - 1
        });
        u32::try_from(index).unwrap()
    };
    let records = rows("projections-iea-cm");
    let base = records.iter().filter(|row| (&row[4], &row[5]) == ("supply", "base"));
    for (line, row) in (2..).zip(base) {
        let series = ProjectedSeries {
            material: row[2].to_owned(),
            stage: row[3].to_owned(),
            side: Side::Supply.into(),
            scenario: "base".to_owned(),
            unit: "t".to_owned(),
            basis: row[8].to_owned(),
        };
        let known = columns.series.iter().position(|known| *known == series);
        let product = known.unwrap_or_else(|| {
            columns.series.push(series);
            columns.series.len() - 1
        });
        columns.period.push(index(&mut columns.periods, &row[0]));
        columns.economy.push(index(&mut columns.economies, &row[1]));
        columns.product.push(u32::try_from(product).unwrap());
        columns.quantity.push(row[6].parse().unwrap());
        columns.line.push(line);
    }
    Columns::Projections(columns)
}

/// A claim of the reference table.
fn shipped(id: &str) -> ClaimRow {
    let records = rows("claims-orewatch");
    let row = records.iter().find(|row| &row[0] == id).expect("the claim");
    ClaimRow {
        id: row[0].to_owned(),
        date: row[4].to_owned(),
        consumer: row[5].to_owned(),
        materials: row[6].split(' ').map(str::to_owned).collect(),
        stage: row[7].to_owned(),
        measure: row[8].to_owned(),
        supplier: row[9].to_owned(),
        low: row[10].parse().unwrap(),
        high: row[11].parse().unwrap(),
        period: row[13].to_owned(),
        basis: row[14].to_owned(),
        tolerance: row[16].parse().unwrap_or(0.0),
        ..ClaimRow::default()
    }
}

#[tokio::test]
async fn the_claim_of_the_press_is_the_base_case_of_2030_in_the_reference_tables() {
    let house = House::new();
    let records = rows("production-iea-cm");
    // Tonnes in place of kilotonnes: shares are the same.
    let output: Vec<Output<'_>> = records
        .iter()
        .map(|row| (&row[0], &row[1], &row[2], &row[3], row[4].parse().ok(), &row[6]))
        .collect();
    house.production("iea-cm/2025-05-aaaaaaaaaaaa", &output).await;
    house.release("iea-cm/2025-05-bbbbbbbbbbbb", base_case()).await;
    let shipped = [shipped("reuters-47-to-87"), shipped("iea-2026-rare-earths-table")];
    let position = house.release("orewatch/1-cccccccccccc", claims(&shipped)).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let found = check_all(&mut api).await;
    let [rare_earths, press] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(press.verdict(), ClaimVerdict::AgreesOnlyWith, "{}", press.reason);
    assert_eq!(agreeing(press), [["2030", "iea-cm:base", ""]]);
    for part in ["46.6 % for copper to 87.1 % for graphite", "44.0 % for copper to 95.7 % for graphite"] {
        assert!(press.reason.contains(part), "{}", press.reason);
    }
    // 91.3 % in 2024: the table on page 39 agrees with the year before, the chart on page 31 would not.
    assert_eq!(rare_earths.verdict(), ClaimVerdict::AgreesOnlyWith, "{}", rare_earths.reason);
    assert_eq!(agreeing(rare_earths), [["2024", "", ""]]);
    api.stop().await;
}

#[tokio::test]
async fn a_claim_that_names_no_basis_is_read_by_quantity_and_by_value() {
    let flows: [Trade<'_>; 2] = [
        ("2024", "CHN", "DEU", "280530", 50.7, Some(67.7)),
        ("2024", "VNM", "DEU", "280530", 49.3, Some(32.3)),
    ];
    let house = House::new();
    let position = house.trade("baci-hs92/1-aaaaaaaaaaaa", &flows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let at_most = |high, by: By| ClaimRow {
        consumer: "DEU".to_owned(),
        materials: vec!["rare-earths".to_owned()],
        measure: "import-top1".to_owned(),
        supplier: String::new(),
        low: 0.0,
        high,
        by: by.into(),
        basis: String::new(),
        ..refining()
    };
    let verdict = async |api: &mut Api, claim| check_draft(api, claim).await.unwrap();
    let open = verdict(&mut api, at_most(0.6, By::Unspecified)).await;
    assert_eq!(open.verdict(), ClaimVerdict::AgreesOnlyWith, "{}", open.reason);
    assert!(open.reason.contains("by value (50.7 %)") && open.reason.contains("by quantity (67.7 %)"));
    assert!(open.reason.contains("at most 60.0 %"), "{}", open.reason);
    let by_value = verdict(&mut api, at_most(0.6, By::Value)).await;
    assert_eq!(by_value.verdict(), ClaimVerdict::Agrees, "it states the basis that agrees");
    let by_quantity = verdict(&mut api, at_most(0.6, By::Quantity)).await;
    assert_eq!(by_quantity.verdict(), ClaimVerdict::AgreesOnlyWith);
    let both = verdict(&mut api, at_most(0.7, By::Unspecified)).await;
    assert_eq!(both.verdict(), ClaimVerdict::Agrees, "{}", both.reason);
    let neither = verdict(&mut api, at_most(0.4, By::Unspecified)).await;
    assert_eq!(neither.verdict(), ClaimVerdict::Contradicted);
    assert!(neither.reason.contains("50.7 %") && neither.reason.contains("67.7 %"), "{}", neither.reason);
    api.stop().await;
}

#[tokio::test]
async fn claims_are_restated_withdrawn_and_answered_as_they_were_known() {
    let house = House::new();
    house.production("usgs-mcs/1-aaaaaaaaaaaa", &output("2024", "graphite", "mined", 80.0)).await;
    let other = ClaimRow { id: "other".to_owned(), ..graphite(0.8, 0.8) };
    house.release("press/1-bbbbbbbbbbbb", claims(&[graphite(0.7, 0.7), other])).await;
    house.release("press/2-cccccccccccc", claims(&[graphite(0.8, 0.8)])).await;
    let withdrawn = house.release("press/3-dddddddddddd", claims(&[graphite(0.9, 0.9)])).await;
    let mut api = house.serve().await;
    api.published(withdrawn).await;
    let verdicts = |found: Vec<CheckedClaim>| -> Vec<(String, ClaimVerdict)> {
        found.iter().map(|one| (one.claim.clone().unwrap().id, one.verdict())).collect()
    };
    let of = |graphite| vec![("graphite".to_owned(), graphite), ("other".to_owned(), ClaimVerdict::Agrees)];
    assert_eq!(verdicts(check_all(&mut api).await), of(ClaimVerdict::Contradicted), "0.9 is stated last");
    let position = house.withdraw("press/3-dddddddddddd").await;
    api.published(position).await;
    assert_eq!(verdicts(check_all(&mut api).await), of(ClaimVerdict::Agrees), "0.8 again");
    assert_eq!(
        verdicts(check_at(&mut api, "press/1-bbbbbbbbbbbb").await),
        of(ClaimVerdict::Contradicted),
        "0.7 was stated first"
    );
    assert_eq!(verdicts(check_at(&mut api, "usgs-mcs/1-aaaaaaaaaaaa").await), []);
    api.stop().await;
}

#[tokio::test]
async fn a_release_changes_the_verdict_and_the_earlier_vintage_is_named() {
    let house = House::new();
    house.release("press/1-aaaaaaaaaaaa", claims(&[graphite(0.8, 0.8)])).await;
    house.production("usgs-mcs/MCS2025-bbbbbbbbbbbb", &output("2024", "graphite", "mined", 80.0)).await;
    let position =
        house.production("usgs-mcs/MCS2026-cccccccccccc", &output("2024", "graphite", "mined", 75.0)).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let before = check_at(&mut api, "press/1-aaaaaaaaaaaa").await;
    assert_eq!(before[0].verdict(), ClaimVerdict::CannotBeChecked, "{}", before[0].reason);
    let with_the_first = check_at(&mut api, "MCS2025").await;
    assert_eq!(with_the_first[0].verdict(), ClaimVerdict::Agrees);
    let now = check_all(&mut api).await;
    assert_eq!(now[0].verdict(), ClaimVerdict::AgreesOnlyWith, "{}", now[0].reason);
    assert_eq!(agreeing(&now[0]), [["2024", "", "MCS2025"]]);
    let named = ClaimRow { vintage: "MCS2025".to_owned(), ..graphite(0.8, 0.8) };
    let named = check_draft(&mut api, named).await.unwrap();
    assert_eq!(named.verdict(), ClaimVerdict::Agrees, "{}", named.reason);
    let unknown = ClaimRow { vintage: "MCS2019".to_owned(), ..graphite(0.8, 0.8) };
    let unknown = check_draft(&mut api, unknown).await.unwrap();
    assert!(unknown.readings[0].figures[0].estimate.as_ref().unwrap().value.is_none());
    api.stop().await;
}

#[tokio::test]
async fn the_last_period_before_the_date_counts_and_neighbours_are_tried() {
    let house = House::new();
    let rows = [
        output("2023", "graphite", "mined", 70.0),
        output("2024", "graphite", "mined", 80.0),
        output("2025", "graphite", "mined", 90.0),
    ];
    let position = house.production("usgs-mcs/1-aaaaaaaaaaaa", &rows.concat()).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let said_in_2025 = |low| ClaimRow { date: "2025-06-01".to_owned(), ..graphite(low, low) };
    let agrees = check_draft(&mut api, said_in_2025(0.8)).await.unwrap();
    assert_eq!((agrees.verdict(), agrees.readings[0].period.as_str()), (ClaimVerdict::Agrees, "2024"));
    let earlier = check_draft(&mut api, said_in_2025(0.7)).await.unwrap();
    assert_eq!(earlier.verdict(), ClaimVerdict::AgreesOnlyWith);
    assert_eq!(agreeing(&earlier), [["2023", "", ""]]);
    let no_year = ClaimRow { period: "2026".to_owned(), ..graphite(0.9, 0.9) };
    let no_year = check_draft(&mut api, no_year).await.unwrap();
    assert_eq!(no_year.verdict(), ClaimVerdict::AgreesOnlyWith, "{}", no_year.reason);
    let differs = ClaimRow { period: "2026".to_owned(), ..graphite(0.1, 0.1) };
    let differs = check_draft(&mut api, differs).await.unwrap();
    assert_eq!(differs.verdict(), ClaimVerdict::CannotBeChecked, "other years prove nothing about 2026");
    api.stop().await;
}

#[tokio::test]
async fn a_withheld_output_leaves_a_claim_open() {
    let house = House::new();
    let rows: [Output<'_>; 3] = [
        ("2024", "CHN", "graphite", "mined", Some(80.0), "content"),
        ("2024", "AUS", "graphite", "mined", Some(20.0), "content"),
        ("2024", "USA", "graphite", "mined", None, "content"),
    ];
    let position = house.production("usgs-mcs/1-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let best = check_draft(&mut api, graphite(0.8, 0.8)).await.unwrap();
    assert_eq!(best.verdict(), ClaimVerdict::Agrees);
    assert!(best.reason.contains("not confirmed"), "{}", best.reason);
    let possible = check_draft(&mut api, graphite(0.5, 0.5)).await.unwrap();
    assert_eq!(possible.verdict(), ClaimVerdict::CannotBeChecked);
    assert!(possible.reason.contains("neither confirms nor excludes 50.0 %"), "{}", possible.reason);
    let impossible = check_draft(&mut api, graphite(0.9, 0.95)).await.unwrap();
    assert_eq!(impossible.verdict(), ClaimVerdict::Contradicted, "the withheld part only lowers the share");
    api.stop().await;
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_says_what_is_wrong_with_it() {
    let house = House::new();
    let position =
        house.production("usgs-mcs/1-aaaaaaaaaaaa", &output("2024", "graphite", "mined", 80.0)).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let without_date = ClaimRow { date: String::new(), ..graphite(0.8, 0.8) };
    let cases = [
        (without_date, "missing-field", "date"),
        (ClaimRow { date: "soon".to_owned(), ..graphite(0.8, 0.8) }, "invalid-day", "date"),
        (graphite(0.9, 0.8), "end-before-start", "high"),
        (graphite(f64::NAN, 0.8), "invalid-number", "low"),
        (ClaimRow { tolerance: -0.1, ..graphite(0.8, 0.8) }, "invalid-number", "tolerance"),
        (ClaimRow { materials: Vec::new(), ..graphite(0.8, 0.8) }, "missing-field", "materials"),
        (
            ClaimRow { materials: vec!["grafite".to_owned()], ..graphite(0.8, 0.8) },
            "unknown-material",
            "material",
        ),
        (ClaimRow { supplier: String::new(), ..graphite(0.8, 0.8) }, "missing-field", "supplier"),
        (ClaimRow { measure: "output-share".to_owned(), ..graphite(0.8, 0.8) }, "unknown-measure", "measure"),
        (ClaimRow { period: "lately".to_owned(), ..graphite(0.8, 0.8) }, "invalid-period", "period"),
        (ClaimRow { by: By::Value.into(), ..graphite(0.8, 0.8) }, "unsupported-by", "by"),
    ];
    for (draft, code, field) in cases {
        let failure = check_draft(&mut api, draft).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.field.as_str()), (code, field), "{failure}");
    }
    let request =
        CheckClaimsRequest { claims: vec!["nobody-said".to_owned()], ..CheckClaimsRequest::default() };
    let failure = check(&mut api, request).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Class::NotFound, "unknown-claim"));
    api.stop().await;
}
