//! Projections: answered under their scenario, and nowhere else.

use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::common::v1::{AsAt, Estimate, Status};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, ExplainExposureRequest, Exposure, ExposureFilter, GetExposureRequest,
    ListScenariosRequest, QueryExposuresRequest, Reading, StreamExposuresRequest, Subject,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ProjectedSeries, ProjectionColumns, RowsRepaired, Side, Table};
use orewatch_contracts::{Class, Failure};

use crate::kit::{Api, House, subject};

/// A projected row: period, economy, scenario, side, tonnes (none: withheld). All are of refined graphite.
type Projected<'a> = (&'a str, &'a str, &'a str, Side, Option<f64>);

const MARKET: [&str; 2] = ["graphite", "refined"];

fn projections(rows: &[Projected<'_>]) -> Columns {
    let mut columns = ProjectionColumns::default();
    let index = |dictionary: &mut Vec<String>, text: &str| {
        let found = dictionary.iter().position(|known| known == text).unwrap_or_else(|| {
            dictionary.push(text.to_owned());
            dictionary.len() - 1
        });
        u32::try_from(found).unwrap()
    };
    for (line, (period, economy, scenario, side, tonnes)) in (2..).zip(rows) {
        let series = ProjectedSeries {
            material: MARKET[0].to_owned(),
            stage: MARKET[1].to_owned(),
            side: (*side).into(),
            scenario: (*scenario).to_owned(),
            unit: "t".to_owned(),
            basis: "gross".to_owned(),
        };
        let product = columns.series.iter().position(|known| *known == series).unwrap_or_else(|| {
            columns.series.push(series);
            columns.series.len() - 1
        });
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.product.push(u32::try_from(product).unwrap());
        columns.quantity.push(tonnes.unwrap_or(f64::NAN));
        columns.status.push(if tonnes.is_some() { Status::Known } else { Status::Withheld }.into());
        columns.line.push(line);
    }
    Columns::Projections(columns)
}

/// Supply in the base case.
fn supply<'a>(period: &'a str, economy: &'a str, tonnes: f64) -> Projected<'a> {
    (period, economy, "base", Side::Supply, Some(tonnes))
}

/// Supply of 2030 as the IEA prints it, in kilotonnes: the rest of the world also contains Germany, which is
/// named.
const TRAP: [(&str, f64); 5] =
    [("CHN", 3854.0), ("JPN", 159.0), ("DEU", 43.0), ("OTHER", 414.0), ("WLD", 4427.0)];

fn trap() -> Vec<Projected<'static>> {
    TRAP.iter().map(|(economy, amount)| supply("2030", economy, *amount)).collect()
}

fn reading_under(scenario: &str) -> Reading {
    Reading { scenario: scenario.to_owned(), ..Reading::default() }
}

fn world(measure: &str, supplier: &str) -> Subject {
    subject(["WLD", MARKET[0], MARKET[1], measure, supplier])
}

async fn get(
    api: &mut Api,
    subject: Subject,
    as_of: &str,
    scenario: &str,
    at: Option<At>,
) -> Result<Exposure, Failure> {
    let request = GetExposureRequest {
        subject: Some(subject),
        as_of: as_of.to_owned(),
        as_at: at.map(|at| AsAt { at: Some(at) }),
        reading: Some(reading_under(scenario)),
        ..GetExposureRequest::default()
    };
    Ok(api.client.get_exposure(request).await?.into_inner().exposure.expect("an exposure"))
}

async fn estimate(api: &mut Api, measure: &str, supplier: &str, as_of: &str, scenario: &str) -> Estimate {
    let exposure = get(api, world(measure, supplier), as_of, scenario, None).await.unwrap();
    exposure.estimate.unwrap()
}

fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-12 * expected.max(1.0))
}

/// Waits until the service has read the log to a position. Releases of projections publish nothing.
async fn read(api: &mut Api, position: u64) {
    api.published(position).await;
}

#[tokio::test]
async fn the_printed_total_is_the_denominator() {
    let house = House::new();
    let position = house.release("iea-cm/2025-aaaaaaaaaaaa", projections(&trap())).await;
    let mut api = house.serve().await;
    read(&mut api, position).await;
    let share = get(&mut api, world("production-share", "CHN"), "2030", "iea-cm:base", None).await.unwrap();
    let found = share.estimate.clone().unwrap();
    assert!(close(found.value, 3854.0 / 4427.0), "{found:?}");
    assert_eq!((&*share.scenario, &*share.period), ("iea-cm:base", "2030"));
    assert_eq!(
        (share.releases, share.datasets),
        (vec!["iea-cm/2025-aaaaaaaaaaaa".into()], vec!["iea-cm".into()])
    );
    let top = estimate(&mut api, "production-top1", "", "2030", "iea-cm:base").await;
    assert!(close(top.value, 3854.0 / 4427.0), "{top:?}");
    let top = get(&mut api, world("production-top3", ""), "2030", "iea-cm:base", None).await.unwrap();
    assert!(close(top.estimate.unwrap().value, (3854.0 + 159.0 + 43.0) / 4427.0));
    assert_eq!(top.names, ["CHN", "JPN", "DEU"]);

    let request = ExplainExposureRequest {
        subject: Some(world("production-top3", "")),
        as_of: "2030".to_owned(),
        reading: Some(reading_under("iea-cm:base")),
        ..ExplainExposureRequest::default()
    };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    assert_eq!(why.exposure.unwrap().scenario, "iea-cm:base");
    let other = why.contributions.iter().find(|one| one.supplier == "OTHER").unwrap();
    let residual = 4427.0 - 3854.0 - 159.0 - 43.0;
    assert_eq!(other.amount.as_ref().unwrap().value, Some(residual), "the total less those that are named");
    let row = |economy: &str| why.rows.iter().find(|row| row.economy == economy).unwrap();
    assert_eq!((row("OTHER").quantity, row("OTHER").line), (Some(414.0), 5), "as it was published");
    assert_eq!((row("WLD").quantity, &*row("WLD").note), (Some(4427.0), "the publisher's total"));
    api.stop().await;
}

/// Without a total, the residual is part of the sum. With one, what is withheld lies between nothing and what
/// is left, and parts above the total leave nothing.
#[tokio::test]
async fn without_a_printed_total_the_sum_is_the_denominator() {
    let house = House::new();
    let rows = [
        supply("2030", "CHN", 60.0),
        supply("2030", "JPN", 20.0),
        supply("2030", "OTHER", 20.0),
        supply("2035", "CHN", 60.0),
        ("2035", "JPN", "base", Side::Supply, None),
        supply("2035", "WLD", 100.0),
        supply("2040", "CHN", 75.0),
        supply("2040", "JPN", 50.0),
        supply("2040", "WLD", 100.0),
    ];
    let position = house.release("iea-cm/2025-aaaaaaaaaaaa", projections(&rows)).await;
    let mut api = house.serve().await;
    read(&mut api, position).await;
    let share = estimate(&mut api, "production-share", "CHN", "2030", "iea-cm:base").await;
    assert_eq!((share.value, share.status()), (Some(0.6), Status::Known));
    let hhi = estimate(&mut api, "production-hhi", "", "2030", "iea-cm:base").await;
    assert!(close(hhi.low, 4000.0) && close(hhi.high, 4400.0) && hhi.status() == Status::Partial, "{hhi:?}");
    let share = estimate(&mut api, "production-share", "CHN", "2035", "iea-cm:base").await;
    assert_eq!((share.value, share.status()), (Some(0.6), Status::Known), "the total is known");
    let withheld = estimate(&mut api, "production-share", "JPN", "2035", "iea-cm:base").await;
    assert_eq!((withheld.value, withheld.low, withheld.high), (None, Some(0.0), Some(0.4)), "{withheld:?}");
    let above = estimate(&mut api, "production-share", "CHN", "2040", "iea-cm:base").await;
    assert_eq!((above.value, above.status()), (Some(0.6), Status::Known), "of the sum of the parts");
    let latest = get(&mut api, world("production-share", "CHN"), "", "iea-cm:base", None).await.unwrap();
    assert_eq!(latest.period, "2040", "without a period it is the last that is projected");
    api.stop().await;
}

/// Cover without the largest supplier needs demand. Where it is that of the world alone, the largest
/// supplier's own demand may be anything, so there is a lower bound and nothing else.
#[tokio::test]
async fn cover_is_bounded_by_what_the_scenario_says_of_demand() {
    let house = House::new();
    let demand = |economy, scenario, tonnes| ("2030", economy, scenario, Side::Demand, Some(tonnes));
    let rows = [
        supply("2030", "CHN", 80.0),
        supply("2030", "JPN", 30.0),
        supply("2030", "WLD", 110.0),
        demand("WLD", "steps", 120.0),
        demand("CHN", "nze", 60.0),
        demand("WLD", "nze", 150.0),
    ];
    let position = house.release("iea-cm/2025-aaaaaaaaaaaa", projections(&rows)).await;
    let mut api = house.serve().await;
    read(&mut api, position).await;
    let mut cover = async |scenario: &str| estimate(&mut api, "n1-cover", "", "2030", scenario).await;
    let none = cover("iea-cm:base").await;
    assert_eq!((none.value, none.low, none.status()), (None, None, Status::NotApplicable), "{none:?}");
    assert!(none.reason.contains("no demand"), "{none:?}");
    let world_only = cover("iea-cm:base+steps").await;
    assert_eq!(
        (world_only.value, world_only.low, world_only.high),
        (None, Some(0.25), None),
        "{world_only:?}"
    );
    assert_eq!(world_only.status(), Status::Partial);
    let by_economy = cover("iea-cm:base+nze").await;
    assert!(close(by_economy.value, 30.0 / 90.0), "{by_economy:?}");
    assert_eq!(by_economy.status(), Status::Known);

    let request = QueryExposuresRequest {
        filter: Some(ExposureFilter::default()),
        reading: Some(reading_under("iea-cm:base+nze")),
        ..QueryExposuresRequest::default()
    };
    let page = api.client.query_exposures(request).await.unwrap().into_inner();
    let named = |exposure: &Exposure| exposure.subject.clone().unwrap().measure;
    assert!(page.exposures.iter().any(|exposure| named(exposure) == "n1-cover/1"), "{page:?}");
    assert!(page.exposures.iter().all(|exposure| exposure.scenario == "iea-cm:base+nze"));
    let trade = estimate(&mut api, "import-hhi", "", "2030", "iea-cm:base").await;
    assert_eq!(trade.status(), Status::NotApplicable, "{trade:?}");
    let score = estimate(&mut api, "eu-global-hhi", "", "2030", "iea-cm:base").await;
    assert_eq!(score.status(), Status::NotApplicable, "{score:?}");
    api.stop().await;
}

/// Everything that the service answers and publishes about observations is the same with and without
/// projections, whatever they are about and whenever they came.
#[tokio::test]
async fn a_projection_never_changes_an_observed_figure() {
    let mut answers = Vec::new();
    for with_projections in [false, true] {
        let house = House::new();
        // The same dataset, and a market and a period that the observations have, too.
        let projected =
            |period| [supply(period, "CHN", 1.0), supply(period, "USA", 2.0), supply(period, "WLD", 9.0)];
        if with_projections {
            house.release("iea-cm/2025-aaaaaaaaaaaa", projections(&projected("2024"))).await;
        }
        let output = |economy, tonnes| ("2024", economy, MARKET[0], MARKET[1], Some(tonnes), "gross");
        house.production("usgs-mcs/MCS2025-bbbbbbbbbbbb", &[output("CHN", 7.0), output("JPN", 3.0)]).await;
        house.production("iea-cm/2025-cccccccccccc", &[output("CHN", 8.0), output("JPN", 2.0)]).await;
        let mut last =
            house.trade("baci/1-dddddddddddd", &[("2024", "CHN", "DEU", "250410", 1.0, Some(1.0))]).await;
        if with_projections {
            last = house.release("iea-cm/2026-eeeeeeeeeeee", projections(&projected("2030"))).await;
        }
        let mut api = house.serve().await;
        api.published(last).await;
        let filter = ExposureFilter { as_of: "all".to_owned(), ..ExposureFilter::default() };
        let exposures = api.stream(filter, None).await;
        assert!(exposures.iter().all(|exposure| exposure.scenario.is_empty()));
        let published: Vec<_> = house.published().await.into_iter().map(|event| event.kind).collect();
        answers.push((exposures, published));
        api.stop().await;
    }
    let with = answers.pop().unwrap();
    let without = answers.pop().unwrap();
    assert!(!without.0.is_empty() && !without.1.is_empty());
    assert_eq!(without.0, with.0);
    assert_eq!(without.1, with.1, "nothing is published for projections");
}

/// The base year of an outlook is an observation. The statistics of the USGS answer before it, though the
/// outlook came first; asked for by name, it answers.
#[tokio::test]
async fn the_base_year_answers_below_statistics() {
    let house = House::new();
    let output = |economy, tonnes| ("2024", economy, MARKET[0], MARKET[1], Some(tonnes), "gross");
    house.production("iea-cm/2025-aaaaaaaaaaaa", &[output("CHN", 8.0), output("JPN", 2.0)]).await;
    let position =
        house.production("usgs-mcs/MCS2025-bbbbbbbbbbbb", &[output("CHN", 7.0), output("JPN", 3.0)]).await;
    let mut api = house.serve().await;
    api.published(position).await;
    assert_eq!(api.estimate(world("production-share", "CHN"), "2024").await.value, Some(0.7));
    let request = GetExposureRequest {
        subject: Some(world("production-share", "CHN")),
        as_of: "2024".to_owned(),
        reading: Some(Reading { dataset: "iea-cm".to_owned(), ..Reading::default() }),
        ..GetExposureRequest::default()
    };
    let own = api.client.get_exposure(request).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!((own.estimate.unwrap().value, &*own.scenario), (Some(0.8), ""));
    api.stop().await;
}

/// A newer release restates the markets that it has, a withdrawn one uncovers what it restated, and an
/// earlier time knows what was known then.
#[tokio::test]
async fn projections_are_restated_and_withdrawn() {
    let house = House::new();
    let (first, second) = ("iea-cm/2024-aaaaaaaaaaaa", "iea-cm/2025-bbbbbbbbbbbb");
    let rows = [supply("2030", "CHN", 9.0), supply("2030", "JPN", 1.0), supply("2035", "CHN", 1.0)];
    let known = house.release(first, projections(&rows)).await;
    let rows = [supply("2030", "CHN", 6.0), supply("2030", "JPN", 4.0)];
    let restated = house.release(second, projections(&rows)).await;
    let mut api = house.serve().await;
    read(&mut api, restated).await;
    let share = || world("production-share", "CHN");
    let at = async |api: &mut Api, as_of: &str, at: Option<At>| {
        get(api, share(), as_of, "iea-cm:base", at).await.unwrap().estimate.unwrap().value
    };
    assert_eq!(at(&mut api, "2030", None).await, Some(0.6));
    assert_eq!(at(&mut api, "2035", None).await, Some(1.0), "it covers only 2030");
    assert_eq!(at(&mut api, "2030", Some(At::Position(known))).await, Some(0.9));
    assert_eq!(at(&mut api, "2030", Some(At::Release(first.to_owned()))).await, Some(0.9));
    assert_eq!(at(&mut api, "2030", Some(At::Release("2024".to_owned()))).await, Some(0.9), "by vintage");

    house.record(second, 1, projections(&[supply("2030", "USA", 10.0)])).await;
    let repaired = house.append(second, "RowsRepaired", &RowsRepaired::default()).await;
    read(&mut api, repaired).await;
    assert_eq!(at(&mut api, "2030", None).await, Some(0.3), "a repaired row joins its release");

    let withdrawn = house.withdraw(second).await;
    read(&mut api, withdrawn).await;
    assert_eq!(at(&mut api, "2030", None).await, Some(0.9));
    assert_eq!(at(&mut api, "2030", Some(At::Position(restated))).await, Some(0.6));
    let listed = api.client.list_scenarios(ListScenariosRequest::default()).await.unwrap().into_inner();
    let [base] = &listed.scenarios[..] else { panic!("{listed:?}") };
    assert_eq!((&*base.scenario, &base.releases[..]), ("iea-cm:base", &[first.to_owned()][..]));
    let periods: Vec<_> = base.supply.iter().map(|market| &*market.period).collect();
    assert_eq!((periods, base.demand.len()), (vec!["2030", "2035"], 0));
    assert!(house.published().await.is_empty(), "nothing of a projection is published");
    api.stop().await;
}

#[tokio::test]
async fn scenarios_that_are_not_there_are_refused_with_those_that_are() {
    let house = House::new();
    let position = house.release("iea-cm/2025-aaaaaaaaaaaa", projections(&trap())).await;
    let mut api = house.serve().await;
    read(&mut api, position).await;
    for scenario in
        ["iea-cm:bas", "iea-cm:base+nze", "iea-cm", "usgs:base", "iea-cm:", ":base", "iea-cm:a+b+c"]
    {
        let error = get(&mut api, world("production-hhi", ""), "2030", scenario, None).await.unwrap_err();
        assert_eq!((error.class, &*error.code), (Class::Invalid, "unknown-scenario"), "{scenario}");
        assert_eq!((&*error.field, &*error.value), ("reading.scenario", scenario));
        assert!(error.hint.contains("iea-cm:base"), "{scenario}: {}", error.hint);
    }
    let request = StreamExposuresRequest {
        filter: Some(ExposureFilter::default()),
        reading: Some(reading_under("iea-cm:high")),
        ..StreamExposuresRequest::default()
    };
    let refused = api.client.stream_exposures(request).await.map(|_| ()).unwrap_err();
    assert_eq!(&*Failure::from(refused).code, "unknown-scenario");
    let reading = Reading { dataset: "iea-cm".to_owned(), ..reading_under("iea-cm:base") };
    let request = GetExposureRequest {
        subject: Some(world("production-hhi", "")),
        reading: Some(reading),
        ..GetExposureRequest::default()
    };
    let refused = api.client.get_exposure(request).await.unwrap_err();
    assert_eq!(&*Failure::from(refused).code, "unexpected-dataset");
    let request = CompareSourcesRequest {
        subject: Some(world("production-hhi", "")),
        as_of: "2030".to_owned(),
        reading: Some(reading_under("iea-cm:base")),
        ..CompareSourcesRequest::default()
    };
    let refused = api.client.compare_sources(request).await.unwrap_err();
    assert_eq!(&*Failure::from(refused).code, "unexpected-scenario");
    let observed = api.get(world("production-share", "CHN"), "2030", None).await.unwrap();
    assert_eq!(observed.estimate.unwrap().status(), Status::Unavailable, "nobody observed 2030");
    api.stop().await;
}

/// A tenant's projections are its own, like its observations.
#[tokio::test]
async fn a_tenants_projections_are_its_own() {
    let house = House::new();
    let id = "house-view/1-aaaaaaaaaaaa";
    house.open_for("acme", id, Table::Projections).await;
    house.record(id, 0, projections(&[supply("2030", "CHN", 1.0), supply("2030", "JPN", 3.0)])).await;
    let position = house.commit(id).await;
    let mut api = house.serve().await;
    read(&mut api, position).await;
    let mut ask = async |tenant: &str| {
        let reading = Reading { tenant: tenant.to_owned(), ..reading_under("house-view:base") };
        let request = GetExposureRequest {
            subject: Some(world("production-share", "CHN")),
            as_of: "2030".to_owned(),
            reading: Some(reading),
            ..GetExposureRequest::default()
        };
        let answer = api.client.get_exposure(request).await.map_err(Failure::from);
        answer.map(|answer| answer.into_inner().exposure.unwrap().estimate.unwrap().value)
    };
    assert_eq!(ask("acme").await.unwrap(), Some(0.25));
    assert_eq!(&*ask("").await.unwrap_err().code, "unknown-scenario");
    let listed = api.client.list_scenarios(ListScenariosRequest::default()).await.unwrap().into_inner();
    assert!(listed.scenarios.is_empty(), "{listed:?}");
    api.stop().await;
}
