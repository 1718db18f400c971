//! Targets: what is recorded of them, and how far the figures are from them.
use orewatch_contracts::common::v1::{AsAt, By, Status, as_at::At};
use orewatch_contracts::exposure::v1::{
    ListTargetsRequest, Progress, TargetProgress, TargetStanding, TargetVerdict,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{Confirmation, TargetRow, TargetRows, TargetStatus};
use orewatch_contracts::{Class, Failure};

use crate::kit::{Api, House, Trade};
use crate::reference::load_trade;

/// At most 60 % of Germany's imports of rare earths from one country by 2030.
pub(crate) fn target(id: &str) -> TargetRow {
    TargetRow {
        id: id.to_owned(),
        title: "No country supplies more than 60 %".to_owned(),
        announced_by: "Germany".to_owned(),
        consumer: "DEU".to_owned(),
        material: "rare-earths".to_owned(),
        stage: "refined".to_owned(),
        measure: "import-share".to_owned(),
        line: 0.6,
        at_most: true,
        due: "2030".to_owned(),
        status: TargetStatus::Declaration.into(),
        announced: "2020-06-17".to_owned(),
        confirmation: Confirmation::Confirmed.into(),
        ..TargetRow::default()
    }
}

async fn record(house: &House, release: &str, rows: &[TargetRow]) -> u64 {
    house.release(release, Columns::Targets(TargetRows { rows: rows.to_vec() })).await
}

async fn list(api: &mut Api, request: ListTargetsRequest) -> Result<Vec<TargetStanding>, Failure> {
    Ok(api.client.list_targets(request).await?.into_inner().targets)
}

async fn list_all(api: &mut Api) -> Vec<TargetStanding> {
    list(api, ListTargetsRequest::default()).await.unwrap()
}

/// The figures of the only target, by quantity.
async fn only_target(api: &mut Api) -> TargetProgress {
    let [standing] = <[TargetStanding; 1]>::try_from(list_all(api).await).unwrap();
    standing.progress.into_iter().find(|progress| progress.by() == By::Quantity).unwrap()
}

/// Imports of Germany by year: tonnes from China, and the rest of a hundred from Vietnam, at the same value.
fn shares<'a>(tonnes: &[(&'a str, f64)]) -> Vec<Trade<'a>> {
    let rows = |(year, china): &(&'a str, f64)| -> [Trade<'a>; 2] {
        [
            (*year, "CHN", "DEU", "284690", 10.0, Some(*china)),
            (*year, "VNM", "DEU", "284690", 10.0, Some(100.0 - china)),
        ]
    };
    tonnes.iter().flat_map(rows).collect()
}

fn near(found: Option<f64>, expected: f64) {
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?} is not {expected}");
}

fn near_point(found: Option<f64>, percent: f64) {
    assert!(
        found.is_some_and(|found| (found * 100.0 - percent).abs() < 0.051),
        "{found:?} is not {percent} %"
    );
}

#[tokio::test]
async fn a_target_has_its_distance_path_pace_and_progress() {
    let house = House::new();
    let trade = shares(&[("2018", 60.0), ("2019", 90.0), ("2020", 84.0), ("2021", 66.0), ("2024", 72.0)]);
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &trade).await;
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &[target("deu-2030")]).await;
    let mut api = house.serve().await;
    api.published(last).await;

    let standing = list_all(&mut api).await.remove(0);
    assert_eq!((&*standing.release, &*standing.unit), ("targets/1-aaaaaaaaaaaa", "share"));
    assert_eq!(standing.target.unwrap().title, "No country supplies more than 60 %");
    assert_eq!(
        standing.progress.iter().map(TargetProgress::by).collect::<Vec<_>>(),
        [By::Quantity, By::Value]
    );

    let progress = only_target(&mut api).await;
    assert_eq!((&*progress.supplier, &*progress.period), ("CHN", "2024"));
    assert_eq!(progress.verdict(), TargetVerdict::Missed);
    near(progress.estimate.unwrap().value, 0.72);
    near(progress.distance, 0.12);
    near(progress.needed, -0.02);
    assert_eq!(progress.path_from, "2020", "the target was announced in 2020");
    let elapsed = f64::from(4 * 365 + 1) / f64::from(10 * 365 + 2);
    near(progress.path, 0.84 - 0.24 * elapsed);
    near(progress.pace3, 0.02);
    assert_eq!(progress.years3, None, "it moves away");
    near(progress.pace5, -0.18 / 5.0);
    near(progress.years5, 0.12 / (0.18 / 5.0));
    let none = |period: &str| Progress { period: period.to_owned(), ..Progress::default() };
    assert_eq!(progress.since[..2], [none("2007"), none("2012")], "a year without a figure has no progress");
    assert_eq!(&*progress.since[2].period, "2019");
    near(progress.since[2].value, 0.9);
    near(progress.since[2].change, -0.18);
    near(progress.since[2].made, 0.6);

    let since = ListTargetsRequest { since: vec![2021, 2018, 2021], ..ListTargetsRequest::default() };
    let since = list(&mut api, since).await.unwrap().remove(0).progress.remove(0).since;
    assert_eq!(since.iter().map(|since| &*since.period).collect::<Vec<_>>(), ["2018", "2021"]);
    assert_eq!(since[0].made, None, "the target was met: there was no way to make");
    near(since[1].made, -1.0);
    api.stop().await;
}

/// By quantity China is the largest supplier, by value Vietnam. Neither counts that is a member of the bloc.
#[tokio::test]
async fn each_basis_is_about_its_largest_supplier_outside_the_bloc() {
    let house = House::new();
    let trade: [Trade<'_>; 4] = [
        ("2024", "CHN", "USA", "284690", 30.0, Some(65.0)),
        ("2024", "VNM", "DEU", "284690", 50.0, Some(30.0)),
        ("2024", "AUS", "JPN", "280530", 20.0, Some(5.0)),
        ("2024", "DEU", "USA", "284690", 900.0, Some(900.0)),
    ];
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &trade).await;
    let of_g7 = TargetRow { consumer: "G7".to_owned(), ..target("g7") };
    let of_australia =
        TargetRow { supplier: "AUS".to_owned(), ..TargetRow { id: "g7-aus".to_owned(), ..of_g7.clone() } };
    let by_value = TargetRow { id: "g7-value".to_owned(), by: By::Value.into(), ..of_g7.clone() };
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &[of_g7, of_australia, by_value]).await;
    let mut api = house.serve().await;
    api.published(last).await;

    let figures = |standing: &TargetStanding| {
        let figure = |progress: &TargetProgress| {
            let value = progress.estimate.as_ref().unwrap().value.unwrap();
            (progress.by(), progress.supplier.clone(), (value * 1e6).round() / 1e6, progress.verdict())
        };
        standing.progress.iter().map(figure).collect::<Vec<_>>()
    };
    let found: Vec<_> = list_all(&mut api).await.iter().map(figures).collect();
    let (missed, met) = (TargetVerdict::Missed, TargetVerdict::Met);
    let by_quantity = (By::Quantity, "CHN".to_owned(), 0.65, missed);
    let by_value = (By::Value, "VNM".to_owned(), 0.5, met);
    assert_eq!(found[0], [by_quantity, by_value.clone()]);
    assert_eq!(
        found[1],
        [(By::Quantity, "AUS".to_owned(), 0.05, met), (By::Value, "AUS".to_owned(), 0.2, met)]
    );
    assert_eq!(found[2], [by_value], "the source states its basis");
    api.stop().await;
}

/// A flow without a quantity may be any amount: what the best estimates say is not confirmed.
#[tokio::test]
async fn bounds_around_the_threshold_confirm_nothing() {
    let house = House::new();
    let trade: [Trade<'_>; 6] = [
        ("2023", "CHN", "DEU", "284690", 10.0, Some(70.0)),
        ("2023", "VNM", "DEU", "284690", 10.0, Some(30.0)),
        ("2023", "AUS", "DEU", "284690", 10.0, None),
        ("2024", "CHN", "DEU", "284690", 10.0, Some(55.0)),
        ("2024", "VNM", "DEU", "284690", 10.0, Some(45.0)),
        ("2024", "AUS", "DEU", "284690", 100.0, None),
    ];
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &trade[..3]).await;
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &[target("deu")]).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let progress = only_target(&mut api).await;
    assert_eq!(progress.verdict(), TargetVerdict::MissedNotConfirmed);
    let estimate = progress.estimate.clone().unwrap();
    assert_eq!(estimate.status(), Status::Partial);
    assert!(estimate.low.unwrap() < 0.6 && estimate.value.unwrap() > 0.6, "{estimate:?}");

    // China is below the line within its bounds, and what Australia sold for ten times as much may be beyond
    // it.
    let last = house.trade("baci-hs92/202602-bbbbbbbbbbbb", &trade[3..]).await;
    api.published(last).await;
    let progress = only_target(&mut api).await;
    assert_eq!(progress.verdict(), TargetVerdict::MetNotConfirmed, "{progress:?}");
    assert!(progress.estimate.unwrap().high.unwrap() < 0.6);
    api.stop().await;
}

#[tokio::test]
async fn a_target_is_restated_withdrawn_and_known_as_at_a_time() {
    let house = House::new();
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &shares(&[("2024", 55.0)])).await;
    let strict = TargetRow { line: 0.5, ..target("deu") };
    let first = record(&house, "targets/1-aaaaaaaaaaaa", &[target("deu"), target("other")]).await;
    let second = record(&house, "targets/2-bbbbbbbbbbbb", &[strict]).await;
    let mut api = house.serve().await;
    api.published(second).await;

    let lines = |standings: Vec<TargetStanding>| -> Vec<(String, f64, String)> {
        let line = |standing: TargetStanding| {
            let target = standing.target.unwrap();
            (target.id, target.line, standing.release)
        };
        standings.into_iter().map(line).collect()
    };
    let row = |id: &str, line: f64, release: &str| (id.to_owned(), line, release.to_owned());
    let (one, two) = ("targets/1-aaaaaaaaaaaa", "targets/2-bbbbbbbbbbbb");
    let now = lines(list_all(&mut api).await);
    assert_eq!(now, [row("deu", 0.5, two), row("other", 0.6, one)], "what is not mentioned stays");
    let as_at =
        |at| ListTargetsRequest { as_at: Some(AsAt { at: Some(at) }), ..ListTargetsRequest::default() };
    let then = lines(list(&mut api, as_at(At::Position(first))).await.unwrap());
    assert_eq!(then, [row("deu", 0.6, one), row("other", 0.6, one)]);
    assert!(list(&mut api, as_at(At::Position(first - 1))).await.unwrap().is_empty());

    let withdrawn = house.withdraw(two).await;
    api.published(withdrawn).await;
    assert_eq!(lines(list_all(&mut api).await), [row("deu", 0.6, one), row("other", 0.6, one)]);
    let before = lines(list(&mut api, as_at(At::Release(two.to_owned()))).await.unwrap());
    assert_eq!(before, [row("deu", 0.5, two), row("other", 0.6, one)]);
    api.stop().await;

    let events = house.published().await;
    let changed = events.iter().filter(|event| event.kind.ends_with(".ExposuresChanged"));
    assert_eq!(changed.count(), 1, "only the release of trade changes figures");
}

#[tokio::test]
async fn a_target_without_a_figure_is_neither_met_nor_missed() {
    let house = House::new();
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &shares(&[("2024", 55.0)])).await;
    let rows = [
        TargetRow { stage: "manufactured".to_owned(), ..target("no-data") },
        TargetRow { consumer: "MEX".to_owned(), ..target("no-imports") },
        TargetRow { measure: "measure-of-later/9".to_owned(), by: By::Value.into(), ..target("of-later") },
        TargetRow {
            measure: "crma-third-country".to_owned(),
            consumer: "EU27".to_owned(),
            ..target("one-basis")
        },
    ];
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found = list_all(&mut api).await;
    assert_eq!(found.iter().map(|one| one.progress.len()).collect::<Vec<_>>(), [2, 2, 1, 1]);
    for progress in found.iter().flat_map(|standing| &standing.progress) {
        let estimate = progress.estimate.as_ref().unwrap();
        assert_eq!(
            (progress.verdict(), estimate.value, progress.distance),
            (TargetVerdict::Unknown, None, None)
        );
        assert!(!estimate.reason.is_empty() && progress.since.is_empty() && progress.period.is_empty());
    }
    assert_eq!((&*found[2].unit, found[2].progress[0].by()), ("", By::Value));
    api.stop().await;
}

#[tokio::test]
async fn a_request_selects_targets_and_refuses_what_is_not_there() {
    let house = House::new();
    let graphite = TargetRow { material: "graphite".to_owned(), ..target("graphite") };
    let of_japan = TargetRow { consumer: "JPN".to_owned(), ..target("jpn") };
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &[target("deu"), graphite, of_japan]).await;
    let mut api = house.serve().await;
    api.published(last).await;

    let text = |text: &str| vec![text.to_owned()];
    let none = ListTargetsRequest::default;
    for (request, expected) in [
        (ListTargetsRequest { consumers: text("JPN"), ..none() }, "jpn"),
        (ListTargetsRequest { materials: text("graphite"), ..none() }, "graphite"),
        (ListTargetsRequest { targets: text("deu"), ..none() }, "deu"),
    ] {
        let found = list(&mut api, request).await.unwrap();
        let ids: Vec<_> = found.into_iter().map(|standing| standing.target.unwrap().id).collect();
        assert_eq!(ids, [expected]);
    }
    for (request, class, code, hint) in [
        (
            ListTargetsRequest { targets: text("graphit"), ..none() },
            Class::NotFound,
            "unknown-target",
            "graphite",
        ),
        (
            ListTargetsRequest { materials: text("graphit"), ..none() },
            Class::NotFound,
            "unknown-material",
            "graphite",
        ),
        (
            ListTargetsRequest { since: vec![2012, 20_122], ..none() },
            Class::Invalid,
            "invalid-period",
            "2012",
        ),
    ] {
        let failure = list(&mut api, request).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (class, code), "{failure}");
        assert!(failure.hint.contains(hint), "{failure}");
    }
    api.stop().await;
}

/// BACI 202601, HS92 280530 and 2846, imports of the G7 from outside of it. By weight China's share was
/// 82.0 % in 2007, 63.6 % in 2012, 70.9 % in 2019 and 67.7 % in 2024; by value 91.9, 73.3, 50.9 and 50.7 %.
/// By weight two thirds of the way have been made since 2007, less than nothing since 2012, and a third
/// since 2019.
#[tokio::test]
async fn the_target_of_the_g7_is_missed_by_quantity_and_met_by_value() {
    let house = House::new();
    load_trade(&house, "baci-hs92/202601-aaaaaaaaaaaa").await;
    let g7 = TargetRow { consumer: "G7".to_owned(), announced: "2026-06-17".to_owned(), ..target("g7-2030") };
    let last = record(&house, "targets/1-aaaaaaaaaaaa", &[g7]).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let standing = list_all(&mut api).await.remove(0);
    let [by_quantity, by_value] = <[TargetProgress; 2]>::try_from(standing.progress).unwrap();
    for progress in [&by_quantity, &by_value] {
        assert_eq!((&*progress.supplier, &*progress.period, &*progress.path_from), ("CHN", "2024", "2024"));
    }
    near_point(by_quantity.estimate.as_ref().unwrap().value, 67.7);
    near_point(by_value.estimate.as_ref().unwrap().value, 50.7);
    assert_eq!(by_quantity.verdict(), TargetVerdict::Missed);
    assert_eq!(by_value.verdict(), TargetVerdict::Met);
    near_point(by_quantity.distance, 7.7);
    near_point(by_value.distance, -9.3);
    near_point(by_quantity.path, 67.7);
    near_point(by_quantity.needed, -1.3);
    near_point(by_quantity.pace3, 2.05);
    near_point(by_quantity.pace5, -0.63);
    assert_eq!((by_quantity.years3, by_value.needed, by_value.years5), (None, None, None));
    assert!((by_quantity.years5.unwrap() - 12.2).abs() < 0.1, "{by_quantity:?}");
    for (since, value, made) in [(0, 82.0, 64.9), (1, 63.6, -113.5), (2, 70.9, 29.1)] {
        near_point(by_quantity.since[since].value, value);
        let found = by_quantity.since[since].made.unwrap() * 100.0;
        assert!((found - made).abs() < 1.0, "{since}: {found} is not {made} %");
    }
    for (since, value) in [(0, 91.9), (1, 73.3), (2, 50.9)] {
        near_point(by_value.since[since].value, value);
    }
    assert!(by_value.since[0].made.unwrap() > 1.0 && by_value.since[1].made.unwrap() > 1.0);
    assert_eq!(by_value.since[2].made, None, "the target was met in 2019");
    api.stop().await;
}
