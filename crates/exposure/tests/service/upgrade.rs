//! What becomes of a log that a version with fewer measures wrote.

use std::collections::BTreeMap;

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::{Event, NewEvent, Position};
use orewatch_exposure::columns;
use orewatch_measures::methods;
use prost::Message as _;

use crate::kit::House;

/// Two materials in two vintages.
async fn history() -> (House, Position) {
    let house = House::new();
    let rows = |tonnes| {
        [
            ("2024", "CHN", "DEU", "284690", 1.0, Some(tonnes)),
            ("2024", "VNM", "DEU", "284690", 2.0, Some(10.0)),
            ("2024", "BRA", "JPN", "250410", 4.0, Some(7.0)),
        ]
    };
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows(30.0)).await;
    let last = house.trade("baci-hs92/202601-bbbbbbbbbbbb", &rows(20.0)).await;
    (house, last)
}

async fn served(house: &House, last: Position) -> Vec<Event> {
    let mut api = house.serve().await;
    api.published(last).await;
    api.stop().await;
    house.published().await
}

/// The event as a version would have written it that had only the measures of imports' concentration.
fn older(event: &Event) -> NewEvent {
    let had = |measure: &str| measure.starts_with("import-hhi") || measure.starts_with("import-top");
    let data = if event.kind.ends_with(".ReleaseApplied") {
        let mut applied = ReleaseApplied::decode(event.data.clone()).unwrap();
        applied.measures.retain(|measure| had(measure));
        applied.encode_to_vec()
    } else {
        let mut changed = ExposuresChanged::decode(event.data.clone()).unwrap();
        changed.columns = changed.columns.map(|columns| only_measures(columns, had));
        changed.encode_to_vec()
    };
    let Event { id, kind, time, traceparent, .. } = event.clone();
    NewEvent { id, kind, time, data: data.into(), traceparent }
}

fn only_measures(columns: ExposureColumns, had: impl Fn(&str) -> bool) -> ExposureColumns {
    let wanted: Vec<bool> = columns
        .measure
        .iter()
        .map(|index| had(&columns.measures[usize::try_from(*index).unwrap()]))
        .collect();
    fn keep<T: Clone>(column: &[T], wanted: &[bool]) -> Vec<T> {
        column.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(entry, _)| entry.clone()).collect()
    }
    ExposureColumns {
        consumer: keep(&columns.consumer, &wanted),
        supplier: keep(&columns.supplier, &wanted),
        measure: keep(&columns.measure, &wanted),
        by: keep(&columns.by, &wanted),
        value: keep(&columns.value, &wanted),
        low: keep(&columns.low, &wanted),
        high: keep(&columns.high, &wanted),
        coverage: keep(&columns.coverage, &wanted),
        status: keep(&columns.status, &wanted),
        reason: keep(&columns.reason, &wanted),
        name: keep(&columns.name, &wanted),
        old_value: keep(&columns.old_value, &wanted),
        old_status: keep(&columns.old_status, &wanted),
        gone: keep(&columns.gone, &wanted),
        size: keep(&columns.size, &wanted),
        ..columns
    }
}

async fn append(house: &House, event: NewEvent, like: &Event) {
    let expected = house.exposures.last(&like.stream).await.unwrap();
    house.exposures.append(&like.stream, expected, vec![event]).await.unwrap();
}

/// Every figure that a log says last, by market and key.
fn figures(events: &[Event]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind.ends_with(".ExposuresChanged")) {
        let changed = ExposuresChanged::decode(event.data.clone()).unwrap();
        let columns = changed.columns.unwrap();
        for row in columns::rows(&columns).map(Option::unwrap) {
            let key = format!(
                "{:?} {} {} {} {:?}",
                changed.market, row.measure, row.consumer, row.supplier, row.by
            );
            match row.gone {
                true => all.remove(&key),
                false => all.insert(key, format!("{:?} {}", row.estimate, row.names)),
            };
        }
    }
    all
}

/// A log as the older version left it.
async fn left_by_an_older_version(house: &House, whole: &[Event]) -> House {
    let old = house.beside();
    for event in whole {
        append(&old, older(event), event).await;
    }
    old
}

#[tokio::test]
async fn a_log_of_a_version_with_fewer_measures_gets_the_others_once() {
    let (house, last) = history().await;
    let whole = served(&house, last).await;
    let old = left_by_an_older_version(&house, &whole).await;
    assert_ne!(figures(&old.published().await), figures(&whole));

    let upgraded = served(&old, last).await;
    assert_eq!(figures(&upgraded), figures(&whole));
    let added = &upgraded[whole.len()..];
    let done: Vec<_> = added
        .iter()
        .filter(|event| event.kind.ends_with(".ReleaseApplied"))
        .map(|event| ReleaseApplied::decode(event.data.clone()).unwrap())
        .collect();
    assert_eq!(done.len(), 2, "one a material");
    assert!(done.iter().all(|applied| applied.cause.as_ref().unwrap().kind() == CauseKind::MeasuresAdded));
    assert!(done.iter().all(|applied| applied.measures.len() == methods().len()));
    assert_eq!(served(&old, last).await, upgraded, "a restart adds nothing");
}

#[tokio::test]
async fn a_crash_while_measures_are_added_leads_to_the_same_log() {
    let (house, last) = history().await;
    let whole = served(&house, last).await;
    let old = left_by_an_older_version(&house, &whole).await;
    let upgraded = served(&old, last).await;
    for cut in whole.len()..upgraded.len() {
        let again = house.beside();
        for event in &upgraded[..cut] {
            let Event { id, kind, time, data, traceparent, .. } = event.clone();
            append(&again, NewEvent { id, kind, time, data, traceparent }, event).await;
        }
        assert_eq!(served(&again, last).await, upgraded, "cut after {cut} events");
    }
}

#[tokio::test]
async fn measures_are_added_before_a_release_that_came_while_the_service_was_down() {
    let (house, last) = history().await;
    let whole = served(&house, last).await;
    let old = left_by_an_older_version(&house, &whole).await;
    let rows = [("2024", "CHN", "DEU", "284690", 1.0, Some(5.0))];
    let last = house.trade("baci-hs92/202602-cccccccccccc", &rows).await;
    let (fresh, upgraded) = (served(&house.beside(), last).await, served(&old, last).await);
    assert_eq!(figures(&upgraded), figures(&fresh));
    let kinds: Vec<_> = upgraded[whole.len()..]
        .iter()
        .filter(|event| {
            event.stream.as_str() == "exposures.rare-earths" && event.kind.ends_with(".ReleaseApplied")
        })
        .map(|event| ReleaseApplied::decode(event.data.clone()).unwrap().cause.unwrap().kind())
        .collect();
    assert_eq!(kinds, [CauseKind::MeasuresAdded, CauseKind::ReleaseRestated]);
}
