//! Alerts on figures with products and sizes, and rules with a floor for the size.
use orewatch_contracts::alerting::v1::AlertState;
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, MarketSize, ProductInfo};
use orewatch_eventlog::StreamName;

use crate::kit::{Desk, Service, china_rule};

/// A year with China's share in Germany's imports, and the size of these, if it is known.
type Year = (u16, f64, Option<[f64; 2]>);

/// Appends years of gallium, refined: a proxy.
async fn publish(desk: &Desk, service: &mut Service, release: &str, years: &[Year]) {
    let stream = StreamName::new("exposures.gallium").unwrap();
    let expected = desk.exposures.last(&stream).await.unwrap();
    let kind = CauseKind::ReleaseCommitted.into();
    let cause = Cause { kind, release: release.to_owned(), position: expected + 1, time: None };
    let change = |(year, share, size): &Year| {
        let [quantity, value] = size.unwrap_or_default();
        let columns = ExposureColumns {
            consumers: vec!["DEU".to_owned()],
            suppliers: vec![String::new(), "CHN".to_owned()],
            measures: vec!["import-share/1".to_owned()],
            consumer: vec![0],
            supplier: vec![1],
            measure: vec![0],
            value: vec![*share],
            size_quantity: vec![f64::NAN, quantity],
            size_value: vec![f64::NAN, value],
            size: vec![u32::from(size.is_some())],
            ..ExposureColumns::default()
        };
        let [material, stage, period] = ["gallium".to_owned(), "refined".to_owned(), year.to_string()];
        ExposuresChanged {
            market: Some(Market { material, stage, period }),
            cause: Some(cause.clone()),
            columns: Some(columns),
            releases: vec![release.to_owned()],
            products: vec![product()],
            ..ExposuresChanged::default()
        }
    };
    let position = desk.append(&stream, expected, years.iter().map(change).collect(), cause.clone()).await;
    service.evaluated(position).await;
}

fn product() -> ProductInfo {
    ProductInfo {
        code: "811292".to_owned(),
        name: "gallium and other rare metals".to_owned(),
        proxy: true,
        purity: None,
    }
}

async fn begun(terms: &str) -> (Desk, Service) {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", terms)).await;
    (desk, service)
}

async fn events(desk: &Desk) -> Vec<String> {
    let all = desk.transitions().await;
    all.into_iter().map(|line| line.replace("r/DEU/gallium/refined/CHN ", "")).collect()
}

#[tokio::test]
async fn an_alert_names_its_products_and_the_size_of_its_market() {
    let (desk, mut service) = begun("").await;
    publish(&desk, &mut service, "a", &[(2023, 0.7, Some([10.0, 500.0])), (2024, 0.8, None)]).await;
    assert_eq!(events(&desk).await, ["Fired 2023 CROSSED"]);
    let alert = service.all().await.remove(0);
    assert_eq!((alert.products, alert.size), (vec![product()], None), "the newest figure has no size");
    publish(&desk, &mut service, "b", &[(2024, 0.8, Some([641.0, 1200.0]))]).await;
    let alert = service.all().await.remove(0);
    assert_eq!(alert.size, Some(MarketSize { quantity_t: Some(641.0), value_kusd: Some(1200.0) }));
    service.stop().await;
}

#[tokio::test]
async fn a_market_below_the_floor_neither_fires_nor_keeps_firing() {
    let (desk, mut service) = begun("min_quantity: 100\nmin_value: 1000").await;
    publish(&desk, &mut service, "a", &[(2021, 0.9, Some([12.0, 5000.0]))]).await;
    assert_eq!(events(&desk).await, [""; 0], "too few tonnes");
    publish(&desk, &mut service, "b", &[(2022, 0.9, Some([200.0, 999.0]))]).await;
    assert_eq!(events(&desk).await, [""; 0], "too little value");
    publish(&desk, &mut service, "c", &[(2023, 0.9, Some([100.0, 1000.0]))]).await;
    assert_eq!(events(&desk).await, ["Fired 2023 CROSSED"], "the floor itself is enough");
    publish(&desk, &mut service, "d", &[(2024, 0.95, Some([99.0, 1000.0]))]).await;
    assert_eq!(events(&desk).await[1..], ["Resolved 2024 SMALL_MARKET"]);
    let alert = service.history("r/DEU/gallium/refined/CHN").await.pop().unwrap();
    let alert = orewatch_rules::alert::alert_of(&alert).unwrap().clone();
    assert_eq!(alert.finding, "the market is 99.0 t, below the floor of 100 t of the rule");
    assert_eq!(alert.state(), AlertState::Resolved);
    publish(&desk, &mut service, "e", &[(2025, 0.9, None)]).await;
    assert_eq!(events(&desk).await[2..], ["Fired 2025 CROSSED"], "an unknown size is not small");
    service.stop().await;
}

#[tokio::test]
async fn keep_firing_holds_below_the_floor_and_a_correction_of_the_size_decides_anew() {
    let (desk, mut service) = begun("min_quantity: 100\nkeep_firing: {periods: 1}").await;
    publish(&desk, &mut service, "a", &[(2022, 0.9, Some([200.0, 1.0])), (2023, 0.9, Some([50.0, 1.0]))])
        .await;
    assert_eq!(events(&desk).await, ["Fired 2022 CROSSED"]);
    publish(&desk, &mut service, "b", &[(2024, 0.9, Some([50.0, 1.0]))]).await;
    assert_eq!(events(&desk).await[1..], ["Resolved 2024 SMALL_MARKET"]);
    service.stop().await;

    let (desk, mut service) = begun("min_quantity: 100").await;
    publish(&desk, &mut service, "a", &[(2024, 0.9, Some([50.0, 1.0]))]).await;
    assert_eq!(events(&desk).await, [""; 0]);
    publish(&desk, &mut service, "b", &[(2024, 0.9, Some([500.0, 1.0]))]).await;
    let told = events(&desk).await;
    assert!(told.iter().any(|line| line.starts_with("Fired 2024")), "{told:?}");
    service.stop().await;
}
