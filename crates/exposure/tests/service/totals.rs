//! Printed totals of output, and trade that was cut to the largest partners: shares and their bounds.

use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, Subject};
use orewatch_contracts::ingestion::v1::Table;

use crate::kit::{Api, House, Output, Trade, subject, trade};

/// The rest of the world also contains Australia: the parts exceed the printed total by its ten.
const NICKEL: [Output<'_>; 4] = [
    ("2024", "IDN", "nickel", "mined", Some(60.0), "content"),
    ("2024", "AUS", "nickel", "mined", Some(10.0), "content"),
    ("2024", "OTHER", "nickel", "mined", Some(40.0), "content"),
    ("2024", "WLD", "nickel", "mined", Some(100.0), "content"),
];

async fn share(api: &mut Api, supplier: &str) -> Option<f64> {
    api.estimate(subject(["WLD", "nickel", "mined", "production-share", supplier]), "2024").await.value
}

#[tokio::test]
async fn shares_of_output_are_of_the_printed_total() {
    let house = House::new();
    let position = house.production("iea-cm/2025-aaaaaaaaaaaa", &NICKEL).await;
    let mut api = house.serve().await;
    api.published(position).await;
    assert_eq!(share(&mut api, "IDN").await, Some(0.6));
    assert_eq!(share(&mut api, "AUS").await, Some(0.1));
    let top = api.estimate(subject(["WLD", "nickel", "mined", "production-top1", ""]), "2024").await;
    assert_eq!(top.value, Some(0.6));
    api.stop().await;
}

/// The rows of an explanation have the total where the figure uses it, and only there.
#[tokio::test]
async fn a_total_that_a_figure_uses_is_cited() {
    for (rest, is_used) in [(40.0, true), (30.0, false)] {
        let house = House::new();
        let residual = ("2024", "OTHER", "nickel", "mined", Some(rest), "content");
        let rows: Vec<_> = NICKEL.iter().map(|row| if row.1 == "OTHER" { residual } else { *row }).collect();
        let position = house.production("iea-cm/2025-aaaaaaaaaaaa", &rows).await;
        let mut api = house.serve().await;
        api.published(position).await;
        let request = ExplainExposureRequest {
            subject: Some(subject(["WLD", "nickel", "mined", "production-share", "IDN"])),
            as_of: "2024".to_owned(),
            ..ExplainExposureRequest::default()
        };
        let why = api.client.explain_exposure(request).await.unwrap().into_inner();
        let total = why.rows.iter().find(|row| row.economy == "WLD");
        let total = total.map(|row| (row.quantity, row.note.as_str()));
        assert_eq!(total, is_used.then_some((Some(100.0), "the publisher's total")));
        assert_eq!(why.rows_total, if is_used { 4 } else { 3 });
        api.stop().await;
    }
}

/// A total that is the sum of its parts changes nothing, to the bit; without one, shares are of the parts.
#[tokio::test]
async fn a_total_that_fits_changes_nothing() {
    let mut figures = Vec::new();
    for total in [None, Some(110.0)] {
        let house = House::new();
        let rows = NICKEL.iter().copied().filter(|row| row.1 != "WLD");
        let rows: Vec<_> = rows
            .chain(total.map(|total| ("2024", "WLD", "nickel", "mined", Some(total), "content")))
            .collect();
        let position = house.production("iea-cm/2025-aaaaaaaaaaaa", &rows).await;
        let mut api = house.serve().await;
        api.published(position).await;
        figures.push(share(&mut api, "IDN").await.map(f64::to_bits));
        api.stop().await;
    }
    assert_eq!(figures[0], Some((60.0_f64 / 110.0).to_bits()));
    assert_eq!(figures[0], figures[1]);
}

/// What is left of a total without a residual belongs to economies that are not listed.
#[tokio::test]
async fn a_total_without_a_residual_leaves_one() {
    let house = House::new();
    let rows = [
        ("2024", "IDN", "nickel", "mined", Some(60.0), "content"),
        ("2024", "WLD", "nickel", "mined", Some(100.0), "content"),
    ];
    let position = house.production("iea-cm/2025-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    assert_eq!(share(&mut api, "IDN").await, Some(0.6));
    api.stop().await;
}

/// Flows of a product by all, of which a table lists the two largest of each exporter and of each importer.
const FLOWS: [Trade<'_>; 10] = [
    ("2022", "CHN", "DEU", "280530", 600.0, None),
    ("2022", "JPN", "DEU", "280530", 200.0, None),
    ("2022", "VNM", "DEU", "280530", 30.0, None),
    ("2022", "PHL", "DEU", "280530", 20.0, None),
    ("2022", "CHN", "USA", "280530", 500.0, None),
    ("2022", "JPN", "USA", "280530", 100.0, None),
    ("2022", "VNM", "USA", "280530", 40.0, None),
    ("2022", "VNM", "KOR", "280530", 50.0, None),
    ("2022", "PHL", "KOR", "280530", 25.0, None),
    ("2022", "PHL", "THA", "280530", 22.0, None),
];

/// The flows of a product and year by value that are among the largest of their exporter or their importer.
pub(crate) fn cut_to<'a>(flows: &[Trade<'a>], partners: usize) -> Vec<Trade<'a>> {
    let is_listed = |flow: &&Trade<'_>| {
        let larger = |other: &&Trade<'_>| other.4 > flow.4;
        let of_exporter = flows.iter().filter(|other| other.1 == flow.1).filter(larger).count();
        let of_importer = flows.iter().filter(|other| other.2 == flow.2).filter(larger).count();
        of_exporter < partners || of_importer < partners
    };
    flows.iter().filter(is_listed).copied().collect()
}

fn cut(partners: usize) -> Vec<Trade<'static>> {
    cut_to(&FLOWS, partners)
}

fn china(consumer: &str) -> Subject {
    let about = subject([consumer, "rare-earths", "refined", "import-share", "CHN"]);
    Subject { by: By::Value.into(), ..about }
}

/// China's share by a table with these flows, which says that it is cut.
async fn figure(flows: &[Trade<'_>], partners: u32, consumer: &str) -> Estimate {
    let house = House::new();
    let id = "baci-hs92/2022-aaaaaaaaaaaa";
    house.open_with(id, Table::Trade, |release| release.cut_partners = partners).await;
    house.record(id, 0, trade(flows, 2)).await;
    let position = house.commit(id).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let found = api.estimate(china(consumer), "2022").await;
    api.stop().await;
    found
}

/// The bounds of a cut table hold the share of the whole one, and its best estimate is that of the listed
/// flows.
#[tokio::test]
async fn a_cut_table_bounds_what_it_leaves_out() {
    let cut = cut(2);
    assert_eq!(FLOWS.len() - cut.len(), 2, "flows of the Philippines and Viet Nam to Germany");
    let whole = figure(&FLOWS, 0, "DEU").await;
    assert_eq!((whole.value, whole.status()), (Some(600.0 / 850.0), Status::Known));
    let found = figure(&cut, 2, "DEU").await;
    assert_eq!((found.value, found.status()), (Some(600.0 / 800.0), Status::Partial));
    // At most the second largest of Viet Nam (40) and of the Philippines (22) came from each of them.
    assert_eq!(found.low, Some(600.0 / 862.0));
    let (low, high) = (found.low.unwrap(), found.high.unwrap());
    assert!((low..=high).contains(&whole.value.unwrap()), "{found:?}");
    let bloc = figure(&cut, 2, "G7").await;
    let all = figure(&FLOWS, 0, "G7").await.value.unwrap();
    assert!((bloc.low.unwrap()..=bloc.high.unwrap()).contains(&all), "{bloc:?} {all}");
}

/// A side that lists fewer flows than the table is cut to has no others.
#[tokio::test]
async fn a_side_with_few_flows_has_no_others() {
    let found = figure(&cut(2), 4, "DEU").await;
    assert_eq!((found.value, found.status()), (Some(600.0 / 800.0), Status::Known));
    let silent = figure(&cut(2), 0, "DEU").await;
    assert_eq!(silent.status(), Status::Known);
}
