//! Published measures through the service: reliance, criticality, benchmarks and tests of dependency.

use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExplainExposureResponse, Exposure, ExposureFilter, Standing, Subject,
};

use crate::kit::{Api, Governed, House, Parametric, subject};

/// Natural graphite (250410, mined), weighed gross like its output.
const FLOWS: &[crate::kit::Trade<'_>] = &[
    ("2024", "CHN", "DEU", "250410", 60.0, Some(60.0)),
    ("2024", "MOZ", "FRA", "250410", 30.0, Some(30.0)),
    ("2024", "DEU", "FRA", "250410", 9.0, Some(9.0)),
    ("2024", "DEU", "USA", "250410", 10.0, Some(10.0)),
];

const OUTPUT: &[crate::kit::Output<'_>] = &[
    ("2024", "CHN", "graphite", "mined", Some(80.0), "gross"),
    ("2024", "DEU", "graphite", "mined", Some(20.0), "gross"),
    ("2024", "MOZ", "graphite", "mined", Some(100.0), "gross"),
];

const INDICATORS: [&str; 6] = [
    "control-of-corruption",
    "government-effectiveness",
    "political-stability",
    "regulatory-quality",
    "rule-of-law",
    "voice-and-accountability",
];

/// Governance of 5, 2 and 6 on the scale of the EU's assessment, for the five years up to 2024.
fn governed() -> Vec<Governed<'static>> {
    let mut rows = Vec::new();
    for year in ["2020", "2021", "2022", "2023", "2024"] {
        for (economy, estimate) in [("CHN", 0.0), ("DEU", 1.5), ("MOZ", -0.5)] {
            rows.extend(INDICATORS.map(|indicator| (year, economy, indicator, estimate)));
        }
    }
    rows
}

const RISK: &[Parametric<'_>] = &[
    ("2016", "eol-rir", Some(0.2), ["", "", "graphite", "", ""]),
    ("2016", "substitution-supply-risk", Some(0.9), ["", "", "graphite", "", ""]),
    ("2016", "trade-parameter", Some(1.1), ["", "CHN", "graphite", "mined", ""]),
    ("2016", "trade-parameter", Some(1.5), ["EU27", "MOZ", "graphite", "mined", ""]),
];

async fn house(parameters: &[Parametric<'_>]) -> (House, u64) {
    let house = House::new();
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", FLOWS).await;
    house.governance("wgi/2024-aaaaaaaaaaaa", &governed()).await;
    let mut position = house.production("usgs-mcs/MCS2025-aaaaaaaaaaaa", OUTPUT).await;
    if !parameters.is_empty() {
        position = house.parameters("study/2023-aaaaaaaaaaaa", parameters).await;
    }
    (house, position)
}

fn graphite(consumer: &str, measure: &str) -> Subject {
    subject([consumer, "graphite", "mined", measure, ""])
}

async fn explain(api: &mut Api, subject: Subject) -> ExplainExposureResponse {
    let request = ExplainExposureRequest {
        subject: Some(subject),
        as_of: "2024".to_owned(),
        as_at: None,
        max_rows: 100,
        max_routes: 0,
        ..ExplainExposureRequest::default()
    };
    api.client.explain_exposure(request).await.unwrap().into_inner()
}

fn terms(why: &ExplainExposureResponse) -> Vec<(&str, Option<f64>)> {
    why.terms.iter().map(|term| (&*term.symbol, term.estimate.as_ref().unwrap().value)).collect()
}

fn near(estimate: &Estimate, expected: f64) -> bool {
    estimate.value.is_some_and(|value| (value - expected).abs() < 1e-12)
}

fn standing(exposure: &Exposure) -> Standing {
    exposure.lines[0].standing()
}

#[tokio::test]
async fn scrap_and_stocks_enter_net_import_reliance_where_they_are_recorded() {
    let (house, position) = house(&[]).await;
    let mut api = house.serve().await;
    api.published(position).await;
    // Germany: 20 t of output, 60 t of imports, 19 t of exports.
    let plain = api.get(graphite("DEU", "net-import-reliance"), "2024", None).await.unwrap();
    assert!(near(&plain.estimate.unwrap(), 41.0 / 61.0));

    let rows = [
        ("2024", "secondary-production", Some(10.0), ["DEU", "", "graphite", "mined", ""]),
        ("2024", "stock-decrease", Some(-1.0), ["DEU", "", "graphite", "mined", ""]),
        ("2023", "stock-decrease", Some(30.0), ["FRA", "", "graphite", "mined", ""]),
        ("2024", "secondary-production", None, ["USA", "", "graphite", "mined", ""]),
    ];
    let position = house.parameters("study/2023-bbbbbbbbbbbb", &rows).await;
    api.published(position).await;
    let with = api.get(graphite("DEU", "net-import-reliance"), "2024", None).await.unwrap();
    assert!(near(&with.estimate.unwrap(), 40.0 / 70.0));
    assert!(with.releases.contains(&"study/2023-bbbbbbbbbbbb".to_owned()), "{:?}", with.releases);
    let eu = api.estimate(graphite("DEU", "eu-import-reliance"), "2024").await;
    assert!(near(&eu, 41.0 / 61.0), "the EU leaves scrap and stocks out");
    let france = api.estimate(graphite("FRA", "net-import-reliance"), "2024").await;
    assert_eq!(france.value, Some(1.0), "a change of stocks is not carried forward");
    let usa = api.estimate(graphite("USA", "net-import-reliance"), "2024").await;
    assert_eq!(
        (usa.status(), usa.low, usa.high),
        (Status::Partial, Some(0.0), Some(1.0)),
        "scrap is withheld"
    );

    let why = explain(&mut api, graphite("DEU", "net-import-reliance")).await;
    let expected =
        [("N", 40.0), ("C", 70.0), ("I", 60.0), ("E", 19.0), ("D", -1.0), ("P", 20.0), ("S", 10.0)];
    assert_eq!(terms(&why), expected.map(|(symbol, value)| (symbol, Some(value))));
    assert!(why.formula.contains("N is below 0"), "{}", why.formula);
    assert_eq!(why.rows_total, 6, "an import, two exports, output, scrap, stocks");
    let exporter = explain(&mut api, graphite("MOZ", "net-import-reliance")).await;
    assert_eq!(terms(&exporter)[0], ("N", Some(-30.0)), "a net exporter shows by its net imports");
    api.stop().await;
}

#[tokio::test]
async fn supply_risk_follows_from_its_terms_for_the_eu() {
    let (house, position) = house(RISK).await;
    let mut api = house.serve().await;
    api.published(position).await;

    // The world: China 40 %, Germany 10 %, Mozambique 50 %; Germany is a member, China restricts.
    let global = 0.16 * 5.0 * 1.1 + 0.01 * 2.0 * 0.8 + 0.25 * 6.0;
    let estimate = api.estimate(graphite("EU27", "eu-global-hhi"), "2024").await;
    assert!(near(&estimate, global), "{estimate:?}");
    let world = api.estimate(graphite("WLD", "eu-global-hhi"), "2024").await;
    assert!(near(&world, global + 0.01 * 2.0 * 0.2), "the world has no members");

    // The EU: 20 t of its own, 60 t from China, 30 t from Mozambique, and what it holds against Mozambique.
    let share = |t: f64| (t / 110.0) * (t / 110.0);
    let sourcing = share(60.0) * 5.0 + share(20.0) * 2.0 * 0.8 + share(30.0) * 6.0 * 1.5;
    assert!(near(&api.estimate(graphite("EU27", "eu-sourcing-hhi"), "2024").await, sourcing));

    let reliance = 80.0 / 100.0;
    let risk = (global * reliance / 2.0 + sourcing * (1.0 - reliance / 2.0)) * 0.8 * 0.9;
    let exposure = api.get(graphite("EU27", "eu-supply-risk"), "2024", None).await.unwrap();
    let estimate = exposure.estimate.clone().unwrap();
    assert!(near(&estimate, risk), "{estimate:?} {risk}");
    assert_eq!((estimate.status(), standing(&exposure)), (Status::Known, Standing::Crossed));

    let why = explain(&mut api, graphite("EU27", "eu-supply-risk")).await;
    let symbols: Vec<_> = terms(&why).iter().map(|(symbol, _)| *symbol).collect();
    assert_eq!(symbols, ["H_GS", "IR", "H_EU", "EoL_RIR", "SI_SR"]);
    assert_eq!(why.contributions[0].supplier, "MOZ", "it adds most to the world's concentration");
    let releases: Vec<_> = why.releases.iter().map(|release| &*release.dataset).collect();
    assert_eq!(releases, ["baci-hs92", "wgi", "usgs-mcs", "study"]);
    api.stop().await;
}

#[tokio::test]
async fn supply_risk_without_recycling_has_bounds_and_no_value() {
    let (house, position) = house(&RISK[1..]).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let estimate = api.estimate(graphite("EU27", "eu-supply-risk"), "2024").await;
    assert_eq!((estimate.value, estimate.low, estimate.status()), (None, Some(0.0), Status::Unavailable));
    assert!(estimate.high.is_some() && estimate.reason.contains("recycling"), "{estimate:?}");
    api.stop().await;
}

#[tokio::test]
async fn the_assessment_can_look_at_the_worlds_supply_alone() {
    let mut rows = RISK.to_vec();
    rows.push(("2017", "supply-used", Some(1.0), ["", "", "graphite", "mined", "GSonly"]));
    rows.push(("2016", "supply-used", Some(1.0), ["", "", "graphite", "mined", "GS+EU"]));
    let (house, position) = house(&rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let global = 0.16 * 5.0 * 1.1 + 0.01 * 2.0 * 0.8 + 0.25 * 6.0;
    let estimate = api.estimate(graphite("EU27", "eu-supply-risk"), "2024").await;
    assert!(near(&estimate, global * 0.8 * 0.9), "the newest row wins: {estimate:?}");
    api.stop().await;
}

#[tokio::test]
async fn benchmarks_name_the_third_country_and_the_distance_to_the_line() {
    let (house, position) = house(&[]).await;
    let mut api = house.serve().await;
    api.published(position).await;

    // The EU: 20 t of output, 90 t of imports, 10 t of exports: 100 t of consumption.
    let third = api.get(graphite("EU27", "crma-third-country"), "2024", None).await.unwrap();
    assert_eq!((third.names.as_slice(), standing(&third)), (["CHN".to_owned()].as_slice(), Standing::Clear));
    assert!(near(third.estimate.as_ref().unwrap(), 0.6));
    assert!((third.lines[0].beyond.unwrap() + 0.05).abs() < 1e-12, "{:?}", third.lines);
    let own = api.get(graphite("EU27", "crma-extraction"), "2024", None).await.unwrap();
    assert!(near(own.estimate.as_ref().unwrap(), 0.2));
    assert_eq!((standing(&own), own.lines[0].above), (Standing::Clear, false), "above the 10 %");
    let processing = api.estimate(graphite("EU27", "crma-processing"), "2024").await;
    assert_eq!(processing.status(), Status::NotApplicable);
    let recycling = api.estimate(graphite("EU27", "crma-recycling"), "2024").await;
    assert_eq!((recycling.value, recycling.status()), (None, Status::Unavailable));

    let rows = [("2024", "consumption", Some(80.0), ["EU27", "", "graphite", "mined", ""])];
    let position = house.parameters("study/2023-bbbbbbbbbbbb", &rows).await;
    api.published(position).await;
    let third = api.get(graphite("EU27", "crma-third-country"), "2024", None).await.unwrap();
    assert!(near(third.estimate.as_ref().unwrap(), 0.75));
    assert_eq!(standing(&third), Standing::Crossed);
    let why = explain(&mut api, graphite("EU27", "crma-third-country")).await;
    assert_eq!(terms(&why), [("max(I_c)", Some(60.0)), ("C", Some(80.0))]);
    api.stop().await;
}

#[tokio::test]
async fn benchmarks_are_refused_where_bases_differ_unless_consumption_is_recorded() {
    let house = House::new();
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", &[("2024", "ZAF", "DEU", "260200", 1.0, Some(30.0))]).await;
    let output = [("2024", "DEU", "manganese", "mined", Some(5.0), "content")];
    house.production("usgs-mcs/MCS2025-aaaaaaaaaaaa", &output).await;
    let rows = [("2024", "consumption", Some(20.0), ["DEU", "", "manganese", "mined", ""])];
    let position = house.parameters("study/2023-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let manganese = |consumer, measure| subject([consumer, "manganese", "mined", measure, ""]);
    assert_eq!(api.estimate(manganese("DEU", "crma-extraction"), "2024").await.value, Some(0.25));
    for (consumer, measure) in [
        ("DEU", "crma-third-country"),
        ("EU27", "crma-extraction"),
        ("DEU", "eu-import-reliance"),
        ("DEU", "eu-sourcing-hhi"),
        ("WLD", "n1-cover"),
    ] {
        let estimate = api.estimate(manganese(consumer, measure), "2024").await;
        assert_eq!((estimate.value, estimate.status()), (None, Status::Unavailable), "{measure}");
        assert!(estimate.reason.contains("basis"), "{measure}: {}", estimate.reason);
    }
    api.stop().await;
}

#[tokio::test]
async fn cover_without_the_largest_supplier_uses_recorded_or_apparent_demand() {
    let (house, position) = house(&[]).await;
    let mut api = house.serve().await;
    api.published(position).await;
    // Mozambique makes 100 t and keeps 70 t; the others make 100 t and use 130 t.
    let cover = api.get(graphite("WLD", "n1-cover"), "2024", None).await.unwrap();
    assert_eq!(cover.names, ["MOZ"]);
    assert!(near(cover.estimate.as_ref().unwrap(), 100.0 / 130.0), "{cover:?}");
    let why = explain(&mut api, graphite("WLD", "n1-cover")).await;
    let expected = [("S", 200.0), ("S1", 100.0), ("D", 200.0), ("D1", 70.0)];
    assert_eq!(terms(&why), expected.map(|(symbol, value)| (symbol, Some(value))));
    assert_eq!(api.estimate(graphite("DEU", "n1-cover"), "2024").await.status(), Status::NotApplicable);
    api.stop().await;
}

fn by_value(consumer: &str, measure: &str) -> Subject {
    Subject { by: By::Value.into(), ..subject([consumer, "rare-earths", "refined", measure, ""]) }
}

#[tokio::test]
async fn a_dependence_needs_two_of_three_years() {
    let house = House::new();
    let year = |year| {
        [
            (year, "CHN", "DEU", "284690", 80.0, Some(8.0)),
            (year, "FRA", "DEU", "284690", 20.0, Some(2.0)),
            (year, "DEU", "JPN", "284690", 10.0, Some(1.0)),
        ]
    };
    let mut rows: Vec<_> = ["2022", "2023", "2024"].into_iter().flat_map(year).collect();
    rows.push(("2023", "DEU", "USA", "284690", 500.0, Some(50.0)));
    let position = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;

    // In 2023 Germany exports more than it imports.
    let geodep = api.get(by_value("DEU", "geodep-years"), "2024", None).await.unwrap();
    assert_eq!(geodep.estimate.as_ref().unwrap().value, Some(2.0));
    assert_eq!(standing(&geodep), Standing::Crossed);
    let before = api.get(by_value("DEU", "geodep-years"), "2023", None).await.unwrap();
    let estimate = before.estimate.as_ref().unwrap();
    assert_eq!((estimate.value, estimate.low, estimate.high), (Some(1.0), Some(1.0), Some(2.0)));
    assert_eq!(standing(&before), Standing::ClearNotConfirmed, "2021 has no figures");

    let extra = api.estimate(by_value("EU27", "extra-import-share"), "2024").await;
    assert_eq!(extra.value, Some(0.8));
    let ratio = api.estimate(by_value("DEU", "import-export-ratio"), "2024").await;
    assert_eq!(ratio.value, Some(10.0));
    assert_eq!(api.estimate(by_value("JPN", "import-export-ratio"), "2024").await.value, Some(9999.0));
    let exports = api.estimate(by_value("WLD", "export-hhi"), "2024").await;
    assert!(near(
        &exports,
        (80.0_f64.powi(2) + 20.0_f64.powi(2) + 10.0_f64.powi(2)) / 110.0_f64.powi(2) * 1e4
    ));
    let ec = api.estimate(by_value("EU27", "ec-dependency-years"), "2024").await;
    assert_eq!((ec.value, ec.status()), (Some(2.0), Status::Known));
    let nobody = api.estimate(by_value("PER", "geodep-years"), "2024").await;
    assert_eq!((nobody.value, nobody.status()), (Some(0.0), Status::Known), "it imports nothing");

    let why = explain(&mut api, by_value("DEU", "ec-dependency-years")).await;
    let latest: Vec<_> = terms(&why).into_iter().filter(|(symbol, _)| *symbol == "CDI1").collect();
    assert_eq!(latest.len(), 3, "a term a year");
    assert!((latest[0].1.unwrap() - 6800.0).abs() < 1e-9);
    api.stop().await;
}

#[tokio::test]
async fn economic_importance_takes_sectors_from_parameters() {
    let rows = [
        ("2020", "end-use-share", Some(0.5), ["", "", "graphite", "", "C24"]),
        ("2020", "end-use-share", Some(0.5), ["", "", "graphite", "", "C27"]),
        ("2020", "sector-value-added", Some(100.0), ["EU27", "", "", "", "C24"]),
        ("2020", "sector-value-added", Some(60.0), ["EU27", "", "", "", "C27"]),
        ("2020", "sector-value-added", Some(200.0), ["EU27", "", "", "", "C29"]),
        ("2020", "substitution-economic-importance", Some(0.9), ["", "", "graphite", "", ""]),
    ];
    let (house, position) = house(&rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let figure = api.get(graphite("EU27", "eu-economic-importance"), "2024", None).await.unwrap();
    assert!(near(figure.estimate.as_ref().unwrap(), 80.0 * 10.0 / 200.0 * 0.9));
    assert_eq!(standing(&figure), Standing::Crossed);
    let nobody = api.estimate(graphite("DEU", "eu-economic-importance"), "2024").await;
    assert_eq!((nobody.value, nobody.status()), (None, Status::Unavailable));
    api.stop().await;
}

#[tokio::test]
async fn what_is_answered_is_what_is_published() {
    let mut rows = RISK.to_vec();
    rows.push(("2024", "secondary-production", Some(4.0), ["EU27", "", "graphite", "mined", ""]));
    rows.push(("2024", "consumption", Some(80.0), ["EU27", "", "graphite", "mined", ""]));
    let (house, position) = house(&rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let all =
        api.stream(ExposureFilter { as_of: "2024".to_owned(), ..ExposureFilter::default() }, None).await;
    for measure in [
        "crma-extraction/1",
        "crma-recycling/1",
        "crma-third-country/1",
        "ec-dependency-years/1",
        "eu-global-hhi/1",
        "eu-import-reliance/1",
        "eu-sourcing-hhi/1",
        "eu-supply-risk/1",
        "eu-supply-risk-max/1",
        "export-hhi/1",
        "extra-import-share/1",
        "geodep-years/1",
        "import-export-ratio/1",
        "n1-cover/1",
        "net-import-reliance/2",
    ] {
        let of: Vec<_> = all
            .iter()
            .filter(|one| one.subject.as_ref().is_some_and(|subject| subject.measure == measure))
            .collect();
        assert!(!of.is_empty(), "{measure} is not published");
        for one in of {
            let again = api.get(one.subject.clone().unwrap(), "2024", None).await.unwrap();
            assert_eq!((&again.estimate, &again.names), (&one.estimate, &one.names), "{measure}");
        }
    }
    api.stop().await;
}
