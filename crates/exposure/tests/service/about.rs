//! What a figure is about: its products, the size of its market, ties for the largest supplier, and codes
//! that are absent.

use orewatch_contracts::common::v1::{By, Status};
use orewatch_contracts::exposure::v1::watch_exposures_response::Message;
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExposureFilter, MarketSize, ProductInfo, Subject, WatchExposuresRequest,
};

use crate::kit::{Api, House, purities, subject};
use crate::sources::{declared, exposure};

fn size(quantity_t: Option<f64>, value_kusd: Option<f64>) -> Option<MarketSize> {
    Some(MarketSize { quantity_t, value_kusd })
}

fn product(code: &str, name: &str, proxy: bool) -> ProductInfo {
    ProductInfo { code: code.to_owned(), name: name.to_owned(), proxy, purity: None }
}

/// The products and sizes of the changes of a consumer's shares from China, from the log.
async fn watched(api: &mut Api, consumer: &str) -> Vec<(Vec<ProductInfo>, Option<MarketSize>)> {
    let filter = ExposureFilter {
        consumers: vec![consumer.to_owned()],
        suppliers: vec!["CHN".to_owned()],
        measures: vec!["import-share".to_owned()],
        by: By::Quantity.into(),
        ..ExposureFilter::default()
    };
    let request = WatchExposuresRequest { filter: Some(filter), resume_token: "beginning".to_owned() };
    let mut stream = api.client.watch_exposures(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    loop {
        match stream.message().await.unwrap().unwrap().message.unwrap() {
            Message::Changes(changes) => all.extend(changes.changes.into_iter().map(|change| {
                let exposure = change.exposure.unwrap();
                (exposure.products, exposure.size)
            })),
            Message::CaughtUp(_) => return all,
            Message::Checkpoint(_) => {}
        }
    }
}

/// Magnesite is not magnesium: every answer names the product. The status stays that of the arithmetic.
#[tokio::test]
async fn figures_name_their_products_and_the_size_of_their_market() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "JPN", "251910", 300.0, Some(600.0)),
        ("2024", "TUR", "JPN", "251910", 100.0, Some(200.0)),
    ];
    let last = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let asked = subject(["JPN", "magnesium", "mined", "import-share", "CHN"]);
    let found = exposure(&mut api, asked.clone(), "2024").await;
    let magnesite = vec![product("251910", "magnesite", true)];
    assert_eq!((&found.products, found.size), (&magnesite, size(Some(800.0), Some(400.0))));
    let estimate = found.estimate.unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(0.75), Status::Known));

    let request = ExplainExposureRequest { subject: Some(asked), ..ExplainExposureRequest::default() };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!((&why.products, why.size), (&magnesite, size(Some(800.0), Some(400.0))));
    assert_eq!(watched(&mut api, "JPN").await, [(magnesite, size(Some(800.0), Some(400.0)))]);
    api.stop().await;

    // A purity is known beside the proxy, not instead of it.
    let last = house.release("own-purities/1-bbbbbbbbbbbb", purities(&[("2020", "251910", 0.25)])).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found = exposure(&mut api, subject(["JPN", "magnesium", "mined", "import-hhi", ""]), "2024").await;
    assert_eq!(found.products, [ProductInfo { purity: Some(0.25), ..product("251910", "magnesite", true) }]);
    api.stop().await;
}

/// Output is about the material itself, and has no value.
#[tokio::test]
async fn output_has_a_size_and_no_products() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "antimony", "mined", Some(40.0), "contained"),
        ("2024", "RUS", "antimony", "mined", Some(40.0), "contained"),
        ("2024", "TJK", "antimony", "mined", Some(20.0), "contained"),
    ];
    let last = house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let of = |measure: &str| subject(["WLD", "antimony", "mined", measure, ""]);
    let largest = exposure(&mut api, of("production-top1"), "2024").await;
    assert_eq!((largest.size, largest.products), (size(Some(100.0), None), Vec::new()));
    assert_eq!((largest.names, largest.tied), (vec!["CHN".to_owned()], vec!["RUS".to_owned()]));
    let three = exposure(&mut api, of("production-top3"), "2024").await;
    assert_eq!((three.names.len(), three.tied), (3, Vec::<String>::new()), "they are named already");
    api.stop().await;
}

/// As large to the bit is a tie; almost as large is none.
#[tokio::test]
async fn ties_for_the_largest_supplier_are_exact() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "DEU", "283691", 7.0, Some(30.0)),
        ("2024", "CHL", "DEU", "283691", 8.0, Some(30.0)),
        ("2024", "ARG", "DEU", "283691", 9.0, Some(29.999_999)),
        ("2024", "USA", "DEU", "283691", 9.0, None),
    ];
    let last = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let asked = subject(["DEU", "lithium", "refined", "import-top1", ""]);
    let found = exposure(&mut api, asked.clone(), "2024").await;
    assert_eq!((found.names, found.tied), (vec!["CHL".to_owned()], vec!["CHN".to_owned()]));
    let by_value = Subject { by: By::Value.into(), ..asked };
    let found = exposure(&mut api, by_value, "2024").await;
    assert_eq!((found.names, found.tied), (vec!["ARG".to_owned()], vec!["USA".to_owned()]));
    api.stop().await;
}

/// No row of the refined codes is no data, and never 0 %: the codes are named.
#[tokio::test]
async fn codes_that_are_in_no_release_give_no_zero() {
    let house = House::new();
    let rows = [("2024", "TUR", "JPN", "251910", 100.0, Some(200.0))];
    let output = [("2024", "CHN", "magnesium", "refined", Some(900.0), "gross")];
    house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", &output).await;
    let last = house.trade("baci-hs92/202501-bbbbbbbbbbbb", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let refined = |measure, supplier| subject(["JPN", "magnesium", "refined", measure, supplier]);
    for (asked, period) in [
        (refined("import-share", "CHN"), "2024"),
        (refined("import-share", "CHN"), ""),
        (refined("import-hhi", ""), "2024"),
        (refined("import-share", "CHN"), "2023"),
    ] {
        let found = exposure(&mut api, asked, period).await;
        let estimate = found.estimate.unwrap();
        let bounds = [estimate.value, estimate.low, estimate.high];
        assert_eq!((bounds, estimate.status()), ([None; 3], Status::Unavailable), "{estimate:?}");
        assert!(estimate.reason.ends_with("no rows of product codes 810411, 810419, 810430"), "{estimate:?}");
        assert_eq!(found.missing_codes, ["810411", "810419", "810430"]);
        assert_eq!((found.products, found.size), (Vec::new(), None));
    }
    // A measure of output has nothing to do with codes.
    let found = exposure(&mut api, refined("production-hhi", ""), "2024").await;
    assert!(found.missing_codes.is_empty() && !found.estimate.unwrap().reason.contains("810411"));
    api.stop().await;
}

/// What is not known is not part of a size, and is not zero.
#[tokio::test]
async fn a_size_leaves_out_what_is_not_known() {
    let house = House::new();
    let rows = [
        ("2024", "CAN", "FIN", "260400", 1_000_000.0, None),
        ("2024", "IDN", "FIN", "260400", 0.04, Some(0.066)),
        ("2024", "CAN", "SWE", "260400", 40.0, None),
        ("2024", "IDN", "SWE", "260400", 60.0, Some(30.0)),
        ("2024", "CAN", "NOR", "260400", 40.0, None),
    ];
    let last = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let mut found = Vec::new();
    for consumer in ["FIN", "SWE", "NOR", "DEU"] {
        let asked = subject([consumer, "nickel", "mined", "import-share", "IDN"]);
        found.push(exposure(&mut api, asked, "2024").await.size);
    }
    let expected =
        [size(None, Some(1_000_000.04)), size(Some(30.0), Some(100.0)), size(None, Some(40.0)), None];
    assert_eq!(found, expected);
    api.stop().await;

    // An economy that has not reported has no size.
    let reported = [("2024", "IDN", "DEU", "260400", 40.0, Some(10.0))];
    let house = House::new();
    let last = house.release("comtrade-h6/1-aaaaaaaaaaaa", declared(&reported)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let asked = subject(["FRA", "nickel", "mined", "import-share", "IDN"]);
    assert_eq!(exposure(&mut api, asked, "2024").await.size, None);
    api.stop().await;
}

/// A share that stays while its market grows is published again: rules with a floor look at the size.
#[tokio::test]
async fn a_change_of_size_alone_is_published() {
    let house = House::new();
    let rows = |tonnes| [("2024", "CHN", "DEU", "283691", 10.0, Some(tonnes))];
    let first = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows(30.0)).await;
    let mut api = house.serve().await;
    api.published(first).await;
    let last = house.trade("baci-hs92/202601-bbbbbbbbbbbb", &rows(3_000.0)).await;
    api.published(last).await;
    let carbonate = vec![product("283691", "lithium carbonate", false)];
    let sized = |tonnes| (carbonate.clone(), size(Some(tonnes), Some(10.0)));
    assert_eq!(watched(&mut api, "DEU").await, [sized(30.0), sized(3_000.0)]);
    api.stop().await;
}
