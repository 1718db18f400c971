//! Figures of incomplete data: imports of unknown origin, members that have not reported, weights and codes
//! that a dataset does not hold.

use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::ExplainExposureRequest;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{Table, TradeColumns};

use crate::kit::{House, Trade, reported, subject, trade};
use crate::sources::{IMPORTER, compare, declared, exposure, share};

/// Rows of trade whose exporter may be no economy.
fn unknown(rows: &[Trade<'_>]) -> Columns {
    let known: Vec<_> = rows.iter().map(|row| (row.0, "ATA", row.2, row.3, row.4, row.5)).collect();
    let Columns::Trade(columns) = declared(&known) else { unreachable!("rows of trade") };
    let mut economies = columns.economies.clone();
    let exporter = rows.iter().map(|row| {
        let index = economies.iter().position(|code| code == row.1).unwrap_or_else(|| {
            economies.push(row.1.to_owned());
            economies.len() - 1
        });
        u32::try_from(index).unwrap()
    });
    let exporter = exporter.collect();
    Columns::Trade(TradeColumns { economies, exporter, ..columns })
}

/// The same of rows that say who reports them.
pub(crate) fn unknown_of(rows: &[(Trade<'_>, i32)]) -> Columns {
    unknown(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())
}

fn band(estimate: &Estimate) -> [Option<f64>; 3] {
    [estimate.value, estimate.low, estimate.high]
}

/// What is of unknown origin stays in the sum, under its name.
#[tokio::test]
async fn imports_of_unknown_origin_bound_the_share() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "NLD", "811000", 40.0, Some(40.0)),
        ("2024", "VNM", "NLD", "811000", 10.0, Some(10.0)),
        ("2024", "OTHER:unspecified", "NLD", "811000", 30.0, Some(30.0)),
        ("2024", "OTHER:confidential", "NLD", "811000", 20.0, Some(20.0)),
    ];
    let last = house.release("comtrade-h6/1-aaaaaaaaaaaa", unknown(&rows)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let of = |measure, supplier| subject(["NLD", "antimony", "refined", measure, supplier]);
    let found = api.estimate(of("import-share", "CHN"), "2024").await;
    assert_eq!(band(&found), [Some(0.4), Some(0.4), Some(0.9)]);
    assert_eq!((found.status(), found.coverage), (Status::Partial, Some(0.5)));
    let hhi = api.estimate(of("import-hhi", ""), "2024").await;
    assert_eq!(hhi.low.map(f64::round), Some(1700.0), "spread thinly it adds nothing");
    assert_eq!(hhi.high.map(f64::round), Some(8200.0), "all of it China's");

    let request = ExplainExposureRequest {
        subject: Some(of("import-share", "CHN")),
        as_of: "2024".to_owned(),
        ..Default::default()
    };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    let unknown: Vec<_> = why
        .contributions
        .iter()
        .filter(|one| one.supplier.starts_with("OTHER"))
        .map(|one| (&*one.supplier, one.amount.as_ref().unwrap().value))
        .collect();
    assert_eq!(unknown, [("OTHER:confidential", Some(20.0)), ("OTHER:unspecified", Some(30.0))]);
    assert!(why.rows.iter().any(|row| row.economy == "OTHER:unspecified" && row.quantity == Some(30.0)));
    api.stop().await;
}

/// A bloc of which one member has reported is not that member.
#[tokio::test]
async fn a_bloc_knows_who_has_not_reported() {
    let house = House::new();
    let all = ["DEU", "FRA", "ITA", "JPN", "GBR", "USA", "CAN"];
    let before: Vec<_> = all.iter().map(|to| ("2021", "CHN", *to, "283691", 4.0, Some(4000.0))).collect();
    let now = [
        ("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)),
        ("2022", "CHN", "DEU", "283691", 3.0, Some(1000.0)),
    ];
    let first = house.release("comtrade-h6/1-aaaaaaaaaaaa", declared(&now)).await;
    let mut api = house.serve().await;
    api.published(first).await;
    let alone = exposure(&mut api, share("G7", "CHL"), "2022").await;
    let estimate = alone.estimate.unwrap();
    assert_eq!(alone.missing_members, ["CAN", "FRA", "GBR", "ITA", "JPN", "USA"]);
    assert_eq!((estimate.low, estimate.high, estimate.status()), (Some(0.0), Some(1.0), Status::Partial));
    assert!(estimate.coverage.unwrap() < 1.0);
    api.stop().await;

    // What the others imported the year before bounds what they may import now.
    let last = house.release("comtrade-h6/2-bbbbbbbbbbbb", declared(&before)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let bounded = exposure(&mut api, share("G7", "CHL"), "2022").await.estimate.unwrap();
    let most = 24_000.0 + 4000.0;
    assert_eq!((bounded.low, bounded.high), (Some(3000.0 / most), Some(27_000.0 / most)));
    api.stop().await;

    let everyone: Vec<_> =
        all[1..].iter().map(|to| ("2022", "CHN", *to, "283691", 4.0, Some(4000.0))).collect();
    let last = house.release("comtrade-h6/3-cccccccccccc", declared(&everyone)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let whole = exposure(&mut api, share("G7", "CHL"), "2022").await;
    let estimate = whole.estimate.unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(3000.0 / most), Status::Known));
    assert!(whole.missing_members.is_empty());
    api.stop().await;
}

/// Weights that are known for next to nothing of the value give no best estimate.
#[tokio::test]
async fn weights_of_next_to_nothing_give_no_best_estimate() {
    let house = House::new();
    let rows = [
        ("2019", "CAN", "FIN", "260400", 1_000_000.0, None),
        ("2019", "NOR", "FIN", "260400", 2_500.0, None),
        ("2019", "IDN", "FIN", "260400", 0.04, Some(0.066)),
        ("2019", "AUS", "FIN", "260400", 0.03, Some(0.047)),
    ];
    let last = house.release("comtrade-h4/1-aaaaaaaaaaaa", declared(&rows)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found = api.estimate(subject(["FIN", "nickel", "mined", "import-share", "IDN"]), "2019").await;
    assert_eq!((found.value, found.status()), (None, Status::Partial));
    assert!(found.low.is_some_and(|low| low < 0.001) && found.high.is_some());
    api.stop().await;
}

/// A market is a set of codes: those that the answering dataset does not hold are named, and lower its
/// coverage.
#[tokio::test]
async fn codes_that_a_dataset_does_not_hold_are_named() {
    let house = House::new();
    let id = "baci-hs92/202601-aaaaaaaaaaaa";
    house.open_with(id, Table::Trade, |release| release.hs_revision = "HS92".to_owned()).await;
    house.record(id, 0, trade(&[("2022", "CHN", "DEU", "284690", 1.0, Some(1.0))], 2)).await;
    let last = house.commit(id).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found =
        exposure(&mut api, subject(["DEU", "rare-earths", "refined", "import-share", "CHN"]), "2022").await;
    assert!(found.missing_codes.contains(&"280530".to_owned()), "{:?}", found.missing_codes);
    let estimate = found.estimate.unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(1.0), Status::Partial));
    assert!(estimate.coverage.unwrap() < 1.0);
    api.stop().await;
}

/// What members have not reported is not known, and is not nothing; and what an exporter alone reports is not
/// said twice.
#[tokio::test]
async fn differences_say_what_is_known() {
    let house = House::new();
    let rows = [(("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)), IMPORTER)];
    house.release("comtrade-h6/1-aaaaaaaaaaaa", reported(&rows)).await;
    let exporters = [
        (("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)), 2),
        (("2022", "FRA", "DEU", "283691", 9.0, Some(1000.0)), 2),
    ];
    let last = house.release("comtrade-h6/2-bbbbbbbbbbbb", reported(&exporters)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let g7 = compare(&mut api, share("G7", "CHL")).await.answers[0].differences.clone();
    assert!(
        g7.contains(&"an unknown amount of unknown origin: members that have not reported".to_owned()),
        "{g7:?}"
    );
    let germany = compare(&mut api, share("DEU", "CHL")).await.answers[0].differences.clone();
    for told in [
        "1 flow is reported by both the importer and the exporter",
        "1 flow is reported by the exporter only",
    ] {
        assert!(germany.iter().any(|one| one == told), "{told}: {germany:?}");
    }
    api.stop().await;
}
