//! Queries: what is answered, what says why it has no figure, pages and streams.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, By, Status, as_at::At};
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExposureFilter, QueryExposuresRequest, Subject,
};

use crate::kit::{House, subject, time};

/// Rare-earth compounds (284690, refined) of two years.
const FLOWS: &[crate::kit::Trade<'_>] = &[
    ("2023", "CHN", "DEU", "284690", 100.0, Some(60.0)),
    ("2023", "FRA", "DEU", "284690", 80.0, Some(40.0)),
    ("2023", "CHN", "JPN", "284690", 50.0, Some(20.0)),
    ("2024", "CHN", "DEU", "284690", 90.0, Some(30.0)),
    ("2024", "VNM", "DEU", "280530", 60.0, Some(10.0)),
    ("2024", "VNM", "JPN", "284690", 70.0, Some(40.0)),
];

fn share(consumer: &str, supplier: &str) -> Subject {
    subject([consumer, "rare-earths", "refined", "import-share", supplier])
}

async fn house() -> (House, u64) {
    let house = House::new();
    let position = house.trade("baci-hs92/202501-aaaaaaaaaaaa", FLOWS).await;
    (house, position)
}

#[tokio::test]
async fn blocs_leave_out_the_trade_between_their_members() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;

    assert_eq!(api.estimate(share("DEU", "CHN"), "2023").await.value, Some(0.6));
    assert_eq!(api.estimate(share("EU27", "CHN"), "2023").await.value, Some(1.0));
    assert_eq!(api.estimate(share("G7", "CHN"), "2024").await.value, Some(0.375));
    assert_eq!(api.estimate(share("WLD", "CHN"), "2023").await.value, Some(80.0 / 120.0));
    let by_value = Subject { by: By::Value.into(), ..share("DEU", "CHN") };
    assert_eq!(api.estimate(by_value, "2024").await.value, Some(0.6));
    let inside = api.estimate(share("EU27", "FRA"), "2023").await;
    assert_eq!((inside.status(), inside.value), (Status::NotApplicable, None));

    let top = subject(["DEU", "rare-earths", "refined", "import-top3", ""]);
    let top = api.get(top, "2023", None).await.unwrap();
    assert_eq!(top.names, ["CHN", "FRA"]);
    assert_eq!(top.estimate.unwrap().value, Some(1.0));
    assert_eq!(top.releases, ["baci-hs92/202501-aaaaaaaaaaaa"]);
    let hhi = subject(["DEU", "rare-earths", "refined", "import-hhi/1", ""]);
    assert_eq!(api.estimate(hhi, "2023").await.value, Some(10_000.0 * (0.6 * 0.6 + 0.4 * 0.4)));
    api.stop().await;
}

#[tokio::test]
async fn nothing_imported_no_data_and_an_unknown_name_are_three_answers() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;

    assert_eq!(api.estimate(share("PER", "CHN"), "2024").await.status(), Status::NotApplicable);
    let missing = api.estimate(share("DEU", "CHN"), "1999").await;
    assert_eq!((missing.status(), missing.value), (Status::Unavailable, None));
    assert!(!missing.reason.is_empty());
    let empty = subject(["DEU", "gallium", "refined", "import-share", "CHN"]);
    assert_eq!(api.estimate(empty, "").await.status(), Status::Unavailable);
    assert_eq!(
        api.estimate(share("DEU", "PER"), "2024").await.value,
        Some(0.0),
        "it imports, and nothing from there"
    );

    let unknown: [(Subject, &str, &str, &str); 5] = [
        (share("ZAR", "CHN"), "", "unknown-consumer", "COD"),
        (share("DEU", "UK"), "", "unknown-economy", "GBR"),
        (
            subject(["DEU", "rare-earth", "refined", "import-share", "CHN"]),
            "",
            "unknown-material",
            "rare-earths",
        ),
        (
            subject(["DEU", "rare-earths", "refined", "import-shar", "CHN"]),
            "",
            "unknown-measure",
            "import-share",
        ),
        (share("DEU", "CHN"), "20222", "invalid-period", "2018..2024"),
    ];
    for (subject, as_of, code, suggestion) in unknown {
        let failure = api.get(subject, as_of, None).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.hint.contains(suggestion), "{failure}");
        assert!(!failure.field.is_empty() && !failure.value.is_empty(), "{failure:?}");
    }
    let failure =
        api.get(subject(["DEU", "rare-earths", "refined", "import-hhi", "CHN"]), "", None).await.unwrap_err();
    assert_eq!(failure.code, "unexpected-supplier");
    api.stop().await;
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;

    let reason = async |api: &mut crate::kit::Api, path: [&str; 5], as_of: &str| {
        let estimate = api.estimate(subject(path), as_of).await;
        assert_eq!((estimate.value, estimate.low, estimate.high), (None, None, None), "{path:?}");
        (estimate.status(), estimate.reason)
    };
    let of = |consumer, measure| [consumer, "rare-earths", "refined", measure, ""];
    let (status, why) = reason(&mut api, of("PER", "import-hhi"), "2024").await;
    assert_eq!(status, Status::NotApplicable);
    assert!(why.contains("imports nothing"), "{why}");
    // The Minerals Security Partnership was founded in June 2022.
    let early =
        house.trade("baci-hs92/201801-aaaaaaaaaaaa", &[("2018", "CHN", "DEU", "284690", 1.0, None)]).await;
    api.published(early).await;
    let (status, why) = reason(&mut api, of("MSP", "import-hhi"), "2018").await;
    assert_eq!(status, Status::NotApplicable);
    assert!(why.contains("no members"), "{why}");
    let later = api.estimate(subject(of("MSP", "import-hhi")), "2023").await;
    assert_eq!(later.value, Some(10_000.0), "two members buy from China, one from another");
    let (status, why) = reason(&mut api, of("DEU", "import-hhi"), "2011").await;
    assert_eq!(status, Status::Unavailable);
    assert!(why.contains("no release"), "{why}");
    let (status, why) = reason(&mut api, of("WLD", "production-hhi"), "2024").await;
    assert_eq!(status, Status::Unavailable);
    assert!(why.contains("output"), "{why}");
    let (status, why) = reason(&mut api, of("DEU", "net-import-reliance"), "2024").await;
    assert_eq!(status, Status::Unavailable);
    assert!(why.contains("output"), "{why}");
    api.stop().await;
}

#[tokio::test]
async fn every_measure_of_the_catalogue_has_an_answer_that_is_a_figure_or_says_why_not() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;
    for method in orewatch_measures::methods() {
        for consumer in ["DEU", "EU27", "WLD", "PER"] {
            let supplier = if method.has_supplier { "CHN" } else { "" };
            let asked = Subject {
                by: By::Unspecified.into(),
                ..subject([consumer, "rare-earths", "refined", method.id, supplier])
            };
            let exposure = api.get(asked, "2024", None).await.unwrap();
            let estimate = exposure.estimate.unwrap();
            let known = estimate.status() == Status::Known;
            assert_eq!(known, estimate.reason.is_empty(), "{} of {consumer}: {estimate:?}", method.id);
            assert!(!known || estimate.value.is_some(), "{} of {consumer}: {estimate:?}", method.id);
            let numbers = [estimate.value, estimate.low, estimate.high, estimate.coverage];
            assert!(numbers.into_iter().flatten().all(f64::is_finite), "{}: {estimate:?}", method.id);
            assert_eq!(exposure.lines.len(), method.lines.len());
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_met_names_field_value_and_what_to_do() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;

    let by_value = Subject {
        by: By::Value.into(),
        ..subject(["DEU", "rare-earths", "refined", "net-import-reliance", ""])
    };
    let cases = [
        (
            subject(["DEU", "gallium", "mined", "import-hhi", ""]),
            "unknown-market",
            "stage",
            "mined",
            "refined",
        ),
        (by_value, "unsupported-by", "by", "BY_VALUE", "quantity"),
    ];
    for (subject, code, field, value, hint) in cases {
        let failure = api.get(subject.clone(), "", None).await.unwrap_err();
        assert_eq!((&*failure.code, &*failure.field, &*failure.value), (code, field, value), "{failure:?}");
        assert!(failure.hint.contains(hint), "{failure}");
        let request = ExplainExposureRequest { subject: Some(subject), ..ExplainExposureRequest::default() };
        let explained = Failure::from(api.client.explain_exposure(request).await.unwrap_err());
        assert_eq!(explained.code, code);
    }
    let request = ExplainExposureRequest {
        subject: Some(share("DEU", "CHN")),
        max_routes: 100_000,
        ..ExplainExposureRequest::default()
    };
    let failure = Failure::from(api.client.explain_exposure(request).await.unwrap_err());
    assert_eq!((&*failure.code, &*failure.field, &*failure.value), ("too-many", "max_routes", "100000"));
    api.stop().await;
}

#[tokio::test]
async fn a_restatement_leaves_old_answers_where_they_were() {
    let (house, first) = house().await;
    let restated = [
        ("2024", "CHN", "DEU", "284690", 90.0, Some(10.0)),
        ("2024", "VNM", "DEU", "284690", 9.0, Some(30.0)),
    ];
    let second = house.trade("baci-hs92/202601-bbbbbbbbbbbb", &restated).await;
    let third = house.withdraw("baci-hs92/202601-bbbbbbbbbbbb").await;
    let mut api = house.serve().await;
    api.published(third).await;

    let mut value = async |as_of: &str, at: Option<At>| {
        let exposure = api.get(share("DEU", "CHN"), as_of, at).await.unwrap();
        (exposure.estimate.unwrap().value, exposure.releases.len())
    };
    let position = |at| Some(At::Position(at));
    assert_eq!(value("2024", position(first)).await, (Some(0.75), 1));
    assert_eq!(value("2024", position(second)).await, (Some(0.25), 1));
    assert_eq!(
        value("2023", position(second)).await,
        (Some(0.6), 1),
        "a year that the release does not cover stays"
    );
    assert_eq!(value("2024", position(third)).await, (Some(0.75), 1));
    assert_eq!(value("2024", None).await, (Some(0.75), 1));
    assert_eq!(value("2024", position(first - 1)).await, (None, 0));
    let at = |position| {
        let time = time(position);
        Some(At::Time(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 }))
    };
    assert_eq!(value("2024", at(second)).await, (Some(0.25), 1));
    assert_eq!(value("2024", at(second - 1)).await, (Some(0.75), 1));
    let release = |text: &str| Some(At::Release(text.to_owned()));
    assert_eq!(value("2024", release("202601")).await, (Some(0.25), 1));
    assert_eq!(value("2024", release("baci-hs92/202501-aaaaaaaaaaaa")).await, (Some(0.75), 1));

    let failure = api.get(share("DEU", "CHN"), "", release("202701")).await.unwrap_err();
    assert_eq!(failure.code, "unknown-release");
    assert!(failure.hint.contains("baci-hs92/202601-bbbbbbbbbbbb"));
    api.stop().await;
}

#[tokio::test]
async fn a_vintage_of_two_releases_is_ambiguous() {
    let (house, _) = house().await;
    let last = house.trade("baci-hs92/202501-bbbbbbbbbbbb", &FLOWS[..1]).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let at = Some(At::Release("202501".to_owned()));
    let failure = api.get(share("DEU", "CHN"), "", at).await.unwrap_err();
    assert_eq!(failure.code, "ambiguous-release");
    assert!(failure.hint.contains("aaaaaaaaaaaa") && failure.hint.contains("bbbbbbbbbbbb"));
    api.stop().await;
}

#[tokio::test]
async fn rows_are_invisible_before_the_commit_and_after_a_refusal() {
    let (house, first) = house().await;
    let id = "baci-hs92/202601-cccccccccccc";
    house.open(id, orewatch_contracts::ingestion::v1::Table::Trade).await;
    house.record(id, 0, crate::kit::trade(&[("2024", "CHN", "DEU", "284690", 1.0, Some(1.0))], 2)).await;
    let mut api = house.serve().await;
    api.published(first + 2).await;
    assert_eq!(api.estimate(share("DEU", "CHN"), "2024").await.value, Some(0.75));
    let refused = house.refuse(id).await;
    let published = api.published(refused).await;
    assert_eq!(api.estimate(share("DEU", "CHN"), "2024").await.value, Some(0.75));
    assert_eq!(published, house.exposures.extent().await.unwrap().head);
    api.stop().await;
}

#[tokio::test]
async fn an_unknown_quantity_bounds_the_shares() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "DEU", "284690", 10.0, Some(10.0)),
        ("2024", "VNM", "DEU", "284690", 60.0, Some(30.0)),
        ("2024", "USA", "DEU", "284690", 20.0, None),
    ];
    let position = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    // The cheapest known tonne costs 1 kUSD: the unknown flow is at most 20 t.
    let vietnam = api.estimate(share("DEU", "VNM"), "").await;
    assert_eq!((vietnam.status(), vietnam.value), (Status::Partial, Some(0.75)));
    assert_eq!((vietnam.low, vietnam.high, vietnam.coverage), (Some(0.5), Some(0.75), Some(40.0 / 60.0)));
    let usa = api.estimate(share("DEU", "USA"), "").await;
    assert_eq!((usa.status(), usa.value), (Status::Partial, None));
    assert_eq!((usa.low, usa.high), (Some(0.0), Some(20.0 / 60.0)));
    let by_value = Subject { by: By::Value.into(), ..share("DEU", "USA") };
    assert_eq!(api.estimate(by_value, "").await.status(), Status::Known);
    api.stop().await;
}

#[tokio::test]
async fn net_import_reliance_needs_one_basis_and_bounds_the_unlisted() {
    let house = House::new();
    let flows = [
        ("2024", "CHN", "DEU", "250410", 1.0, Some(30.0)),
        ("2024", "DEU", "FRA", "250410", 1.0, Some(10.0)),
        ("2024", "CHN", "AUT", "260200", 1.0, Some(30.0)),
    ];
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", &flows).await;
    let output = [
        ("2024", "CHN", "graphite", "mined", Some(90.0), "gross"),
        ("2024", "DEU", "graphite", "mined", Some(20.0), "gross"),
        ("2024", "OTHER", "graphite", "mined", Some(10.0), "gross"),
        ("2024", "ZAF", "manganese", "mined", Some(10.0), "content"),
        ("2024", "USA", "manganese", "mined", None, "content"),
    ];
    let position = house.production("usgs-mcs/MCS2025-aaaaaaaaaaaa", &output).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let mut reliance = async |consumer: &str, material: &str| {
        let subject = subject([consumer, material, "mined", "net-import-reliance", ""]);
        api.estimate(subject, "2024").await
    };
    let germany = reliance("DEU", "graphite").await;
    assert_eq!((germany.status(), germany.value), (Status::Known, Some(0.5)));
    assert_eq!(reliance("CHN", "graphite").await.value, Some(0.0), "a net exporter");
    let france = reliance("FRA", "graphite").await;
    assert_eq!((france.status(), france.low, france.high), (Status::Partial, Some(0.5), Some(1.0)));
    assert_eq!(reliance("AUT", "manganese").await.status(), Status::Unavailable);
    assert_eq!(reliance("AUT", "cobalt").await.status(), Status::Unavailable);
    assert_eq!(reliance("WLD", "graphite").await.status(), Status::NotApplicable);

    let withheld = subject(["WLD", "manganese", "mined", "production-share", "USA"]);
    let withheld = api.estimate(withheld, "").await;
    assert_eq!((withheld.status(), withheld.value), (Status::Withheld, None));
    let top = subject(["WLD", "graphite", "mined", "production-top1", ""]);
    let top = api.get(top, "", None).await.unwrap();
    assert_eq!((top.names, top.estimate.unwrap().value), (vec!["CHN".to_owned()], Some(0.75)));
    api.stop().await;
}

#[tokio::test]
async fn pages_and_stream_give_the_same_in_the_documented_order() {
    let (house, position) = house().await;
    house
        .production(
            "usgs-mcs/MCS2025-aaaaaaaaaaaa",
            &[("2025", "CHN", "rare-earths", "refined", Some(1.0), "gross")],
        )
        .await;
    let mut api = house.serve().await;
    api.published(position + 3).await;

    let filter = ExposureFilter { as_of: "all".to_owned(), ..ExposureFilter::default() };
    let streamed = api.stream(filter.clone(), None).await;
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let request = QueryExposuresRequest {
            filter: Some(filter.clone()),
            page_size: 7,
            page_token: token,
            as_at: None,
            trend: false,
            ..QueryExposuresRequest::default()
        };
        let page = api.client.query_exposures(request).await.unwrap().into_inner();
        assert!(page.exposures.len() <= 7);
        paged.extend(page.exposures);
        token = page.next_page_token;
        // What is committed between pages does not move them.
        if paged.len() == 7 {
            let later = house.withdraw("baci-hs92/202501-aaaaaaaaaaaa").await;
            api.published(later).await;
        }
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, streamed);
    assert!(paged.len() > 50);
    let key = |exposure: &orewatch_contracts::exposure::v1::Exposure| {
        let subject = exposure.subject.clone().unwrap();
        (
            subject.material,
            subject.stage,
            exposure.period.clone(),
            subject.measure,
            subject.by,
            subject.consumer,
        )
    };
    for pair in paged.windows(2) {
        assert!(key(&pair[0]) <= key(&pair[1]));
        if key(&pair[0]) == key(&pair[1]) {
            let value = |index: usize| pair[index].estimate.as_ref().unwrap().value.unwrap();
            assert!(value(0) >= value(1));
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn a_token_that_no_page_gave_is_refused() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;
    let request = QueryExposuresRequest { page_token: "x".to_owned(), ..QueryExposuresRequest::default() };
    let failure = Failure::from(api.client.query_exposures(request).await.unwrap_err());
    assert_eq!((failure.code.as_str(), failure.field.as_str()), ("invalid-token", "page_token"));
    api.stop().await;
}

#[tokio::test]
async fn the_latest_period_is_that_of_each_table() {
    let (house, _) = house().await;
    let output = [("2025", "CHN", "rare-earths", "refined", Some(1.0), "gross")];
    let position = house.production("usgs-mcs/MCS2025-aaaaaaaaaaaa", &output).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let filter = ExposureFilter { consumers: vec!["WLD".to_owned()], ..ExposureFilter::default() };
    let latest = api.stream(filter, None).await;
    let period = |prefix: &str| {
        let of =
            latest.iter().filter(|exposure| exposure.subject.as_ref().unwrap().measure.starts_with(prefix));
        of.map(|exposure| exposure.period.as_str()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(period("import-").into_iter().collect::<Vec<_>>(), ["2024"]);
    assert_eq!(period("production-").into_iter().collect::<Vec<_>>(), ["2025"]);
    api.stop().await;
}

#[tokio::test]
async fn an_explanation_names_terms_suppliers_rows_and_releases() {
    let (house, position) = house().await;
    let mut api = house.serve().await;
    api.published(position).await;
    let request = ExplainExposureRequest {
        subject: Some(share("DEU", "CHN")),
        as_of: "2024".to_owned(),
        as_at: Some(AsAt { at: Some(At::Position(position)) }),
        max_rows: 1,
        max_routes: 0,
        ..ExplainExposureRequest::default()
    };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    assert_eq!(why.formula, "a_i / sum(a)");
    assert!(!why.citation.is_empty());
    let terms: Vec<_> =
        why.terms.iter().map(|term| (&*term.symbol, term.estimate.as_ref().unwrap().value)).collect();
    assert_eq!(terms, [("a_i", Some(30.0)), ("sum(a)", Some(40.0))]);
    let suppliers: Vec<_> = why.contributions.iter().map(|part| &*part.supplier).collect();
    assert_eq!(suppliers, ["CHN", "VNM"]);
    assert_eq!(why.rows_total, 2);
    let row = &why.rows[0];
    assert_eq!(
        (&*row.economy, &*row.partner, &*row.product, row.quantity),
        ("CHN", "DEU", "284690", Some(30.0))
    );
    assert_eq!((&*row.file, row.line, &*row.period), ("baci-hs92.csv", 5, "2024"));
    assert_eq!(why.releases[0].id, "baci-hs92/202501-aaaaaaaaaaaa");
    assert_eq!(why.exposure.unwrap().estimate.unwrap().value, Some(0.75));
    api.stop().await;
}
