//! Publishing of figures: crashes, replicas and restarts lead to the same log.
use std::sync::Arc;

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::exposure::v1::{ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::{Event, NewEvent, Position};
use prost::Message as _;

use crate::kit::House;

/// Three materials, two vintages, a withdrawal, a release without a difference.
async fn history() -> (House, Position) {
    let house = House::new();
    let rows = |tonnes| {
        [
            ("2023", "CHN", "DEU", "284690", 1.0, Some(tonnes)),
            ("2023", "VNM", "DEU", "284690", 2.0, Some(10.0)),
            ("2024", "CHN", "JPN", "250410", 3.0, Some(tonnes)),
            ("2024", "BRA", "JPN", "250410", 4.0, None),
            ("2024", "COD", "FIN", "260500", 5.0, Some(5.0)),
        ]
    };
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows(30.0)).await;
    let output = [
        ("2024", "CHN", "graphite", "mined", Some(90.0), "gross"),
        ("2024", "OTHER", "graphite", "mined", Some(5.0), "gross"),
    ];
    house.production("usgs-mcs/MCS2025-aaaaaaaaaaaa", &output).await;
    house.trade("baci-hs92/202601-bbbbbbbbbbbb", &rows(20.0)).await;
    house.trade("baci-hs92/202602-cccccccccccc", &rows(20.0)).await;
    let last = house.withdraw("baci-hs92/202602-cccccccccccc").await;
    let last = house.withdraw("baci-hs92/202601-bbbbbbbbbbbb").await.max(last);
    (house, last)
}

async fn undisturbed(house: &House, last: Position) -> Vec<Event> {
    let mut api = house.serve().await;
    let position = api.published(last).await;
    api.stop().await;
    let events = house.published().await;
    assert_eq!(events.last().map(|event| event.position), Some(position));
    events
}

fn as_new(event: &Event) -> NewEvent {
    let Event { id, kind, time, data, traceparent, .. } = event.clone();
    NewEvent { id, kind, time, data, traceparent }
}

#[tokio::test]
async fn a_crash_anywhere_in_the_middle_leads_to_the_same_log() {
    let (house, last) = history().await;
    let whole = undisturbed(&house, last).await;
    assert!(whole.len() > 15, "{} events", whole.len());
    for cut in 0..=whole.len() {
        let again = house.beside();
        for event in &whole[..cut] {
            let expected = again.exposures.last(&event.stream).await.unwrap();
            again.exposures.append(&event.stream, expected, vec![as_new(event)]).await.unwrap();
        }
        assert_eq!(undisturbed(&again, last).await, whole, "cut after {cut} events");
    }
}

#[tokio::test]
async fn two_replicas_at_once_publish_once() {
    let (house, last) = history().await;
    let whole = undisturbed(&house, last).await;
    let shared = Arc::new(house.beside());
    let (mut one, mut two) = tokio::join!(shared.serve(), shared.serve());
    let (at_one, at_two) = tokio::join!(one.published(last), two.published(last));
    assert_eq!(at_one, at_two);
    one.stop().await;
    two.stop().await;
    assert_eq!(shared.published().await, whole);
}

#[tokio::test]
async fn a_restart_publishes_nothing_again() {
    let (house, last) = history().await;
    let whole = undisturbed(&house, last).await;
    assert_eq!(undisturbed(&house, last).await, whole);
}

#[tokio::test]
async fn every_touched_material_says_that_a_cause_is_applied_even_without_a_difference() {
    let (house, last) = history().await;
    let whole = undisturbed(&house, last).await;
    let applied: Vec<_> = whole
        .iter()
        .filter(|event| event.kind.ends_with(".ReleaseApplied"))
        .map(|event| (event.stream.to_string(), ReleaseApplied::decode(event.data.clone()).unwrap()))
        .collect();
    let of = |stream: &str| {
        let of = applied.iter().filter(|(name, _)| name == stream);
        of.map(|(_, applied)| (applied.cause.as_ref().unwrap().kind(), applied.changed > 0))
            .collect::<Vec<_>>()
    };
    use CauseKind::{ReleaseCommitted, ReleaseRestated, ReleaseWithdrawn};
    assert_eq!(
        of("exposures.graphite"),
        [
            (ReleaseCommitted, true),
            (ReleaseCommitted, true),
            (ReleaseRestated, true),
            (ReleaseRestated, false),
            (ReleaseWithdrawn, false),
            (ReleaseWithdrawn, true),
        ]
    );
    assert_eq!(of("exposures.cobalt").len(), 5);
    let changed = whole.iter().filter(|event| event.kind.ends_with(".ExposuresChanged"));
    let figures: usize = changed
        .map(|event| ExposuresChanged::decode(event.data.clone()).unwrap().columns.unwrap().value.len())
        .sum();
    let said: u64 = applied.iter().map(|(_, applied)| applied.changed).sum();
    assert_eq!(u64::try_from(figures).unwrap(), said);
    assert!(whole.iter().all(|event| event.data.len() <= 512 * 1024));
}
