//! Verdicts on claims as events: when there is one, what it says, and that it is the same however it came
//! about.

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged, ExposureEvent};
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_eventlog::{Event, StreamName};
use orewatch_exposure::decide::{CLAIMS, Plan, PublishedClaims, publish_claims, stream};
use orewatch_exposure::evolve::BookState;
use prost::Message as _;

use crate::claims::{IN_2024, claims, graphite, output, projected, refining};
use crate::kit::House;

fn claims_stream() -> StreamName {
    stream("exposures", CLAIMS).unwrap()
}

/// The events on the stream of claims.
async fn events(house: &House) -> Vec<Event> {
    let mut events = house.published().await;
    events.retain(|event| event.stream == claims_stream());
    events
}

fn verdict(event: &Event) -> ClaimVerdictChanged {
    match ExposureEvent::read(event) {
        Ok(Some(ExposureEvent::ClaimVerdictChanged(changed))) => changed,
        other => panic!("{other:?}"),
    }
}

/// `CLAIM BEFORE AFTER RELEASE` of each event.
async fn lines(house: &House) -> Vec<String> {
    let line = |event: &Event| {
        let changed = verdict(event);
        let word =
            |verdict: ClaimVerdict| verdict.as_str_name().trim_start_matches("CLAIM_VERDICT_").to_owned();
        let release = &changed.cause.as_ref().unwrap().release;
        format!("{} {} {} {release}", changed.claim, word(changed.before()), word(changed.after()))
    };
    events(house).await.iter().map(line).collect()
}

/// Everything that follows from the observations is published.
async fn publish(house: &House) {
    let mut api = house.serve().await;
    let head = house.observations.extent().await.unwrap().head;
    api.published(head).await;
    api.stop().await;
}

/// The claim of the press about refining, and one about the world's mined graphite, with what changes them.
async fn story() -> House {
    let house = House::new();
    house.release("press/1-aaaaaaaaaaaa", claims(&[refining(), graphite(0.8, 0.8)])).await;
    let rows: Vec<_> =
        IN_2024.iter().flat_map(|(material, china)| output("2024", material, "refined", *china)).collect();
    house.production("iea-cm/1-bbbbbbbbbbbb", &rows).await;
    house.release("iea-cm/1-cccccccccccc", projected()).await;
    house.production("survey/1-dddddddddddd", &output("2024", "graphite", "mined", 60.0)).await;
    // Nothing about any claim.
    house.production("survey/2-eeeeeeeeeeee", &output("2024", "tungsten", "mined", 60.0)).await;
    house.production("survey/3-ffffffffffff", &output("2024", "graphite", "mined", 80.0)).await;
    house.withdraw("press/1-aaaaaaaaaaaa").await;
    house
}

#[tokio::test]
async fn a_release_that_changes_a_verdict_is_told_once_and_one_that_does_not_is_not() {
    let house = story().await;
    publish(&house).await;
    let expected = [
        "graphite UNSPECIFIED CANNOT_BE_CHECKED press/1-aaaaaaaaaaaa",
        "press-47-to-87 UNSPECIFIED CANNOT_BE_CHECKED press/1-aaaaaaaaaaaa",
        "press-47-to-87 CANNOT_BE_CHECKED CONTRADICTED iea-cm/1-bbbbbbbbbbbb",
        "press-47-to-87 CONTRADICTED AGREES_ONLY_WITH iea-cm/1-cccccccccccc",
        "graphite CANNOT_BE_CHECKED CONTRADICTED survey/1-dddddddddddd",
        "graphite CONTRADICTED AGREES survey/3-ffffffffffff",
        "graphite AGREES UNSPECIFIED press/1-aaaaaaaaaaaa",
        "press-47-to-87 AGREES_ONLY_WITH UNSPECIFIED press/1-aaaaaaaaaaaa",
    ];
    assert_eq!(lines(&house).await, expected);
    let all = events(&house).await;
    let contradicted = verdict(&all[2]);
    assert_eq!(contradicted.figures, "44.0 % to 95.7 %");
    assert!(contradicted.reason.starts_with("The figures of 2024"), "{}", contradicted.reason);
    assert_eq!(contradicted.materials, IN_2024.map(|(material, _)| material));
    let ClaimVerdictChanged { consumer, stage, supplier, measure, by, .. } = &contradicted;
    let subject = [consumer.as_str(), stage, supplier, measure];
    assert_eq!((subject, *by), (["WLD", "refined", "CHN", "production-share/1"], 0));
    assert_eq!(contradicted.cause.as_ref().unwrap().kind(), CauseKind::ReleaseCommitted);
    // The figures of the cause come first.
    let before = house.published().await.into_iter().rfind(|event| event.position < all[2].position).unwrap();
    assert!(before.kind.ends_with("ReleaseApplied"));
    assert_eq!(before.time, all[2].time);
    // A restart adds nothing.
    publish(&house).await;
    assert_eq!(events(&house).await, all);
}

#[tokio::test]
async fn the_same_events_follow_however_often_and_by_whomever_they_are_computed() {
    let house = story().await;
    publish(&house).await;
    let expected: Vec<_> = events(&house).await.into_iter().map(|event| (event.id, event.data)).collect();

    // From the observations alone, as a plain function.
    let (mut state, mut published, mut decided) =
        (BookState::default(), PublishedClaims::default(), Vec::new());
    let stream = claims_stream();
    for event in house.observed().await {
        let Some(revision) = state.evolve(&event).unwrap() else { continue };
        let events = publish_claims(&revision, &Plan::for_revision(&revision), &published, &stream);
        for event in &events {
            published.fold(ClaimVerdictChanged::decode(event.data.clone()).unwrap());
        }
        decided.extend(events.into_iter().map(|event| (event.id, event.data)));
    }
    assert_eq!(decided, expected);

    // By two replicas at once.
    let beside = house.beside();
    let (mut one, mut two) = (beside.serve().await, beside.serve().await);
    let head = house.observations.extent().await.unwrap().head;
    one.published(head).await;
    two.published(head).await;
    one.stop().await;
    two.stop().await;
    let both: Vec<_> = events(&beside).await.into_iter().map(|event| (event.id, event.data)).collect();
    assert_eq!(both, expected);
}

#[tokio::test]
async fn what_a_crash_left_unpublished_is_published_after_the_restart() {
    let house = story().await;
    publish(&house).await;
    let all = house.published().await;
    let is_claim = |event: &Event| event.stream == claims_stream();
    // Up to the first of the two last events, and up to the last figures before the second claim.
    for kept in [all.len() - 1, all.iter().position(is_claim).unwrap() + 1] {
        let beside = house.beside();
        for event in &all[..kept] {
            let expected = beside.exposures.last(&event.stream).await.unwrap();
            let copy = orewatch_eventlog::NewEvent {
                id: event.id,
                kind: event.kind.clone(),
                time: event.time,
                data: event.data.clone(),
                traceparent: event.traceparent.clone(),
            };
            beside.exposures.append(&event.stream, expected, vec![copy]).await.unwrap();
        }
        publish(&beside).await;
        assert_eq!(beside.published().await, all, "after a crash at {kept}");
    }
}

#[tokio::test]
async fn a_log_that_was_written_without_verdicts_gets_the_present_ones() {
    let house = House::new();
    house.release("press/1-aaaaaaaaaaaa", claims(&[graphite(0.8, 0.8)])).await;
    house.production("survey/1-bbbbbbbbbbbb", &output("2024", "graphite", "mined", 60.0)).await;
    publish(&house).await;
    // What an earlier version would have written: the figures only.
    let older = house.beside();
    let is_figure = |event: &Event| event.stream != claims_stream();
    for event in house.published().await.into_iter().filter(is_figure) {
        let expected = older.exposures.last(&event.stream).await.unwrap();
        let Event { id, kind, time, data, traceparent, .. } = event;
        let copy = orewatch_eventlog::NewEvent { id, kind, time, data, traceparent };
        older.exposures.append(&event.stream, expected, vec![copy]).await.unwrap();
    }
    publish(&older).await;
    assert_eq!(lines(&older).await, ["graphite UNSPECIFIED CONTRADICTED survey/1-bbbbbbbbbbbb"]);
}

#[tokio::test]
async fn a_restated_claim_is_told_although_its_verdict_stays_and_a_tenants_is_not() {
    let house = House::new();
    house.production("survey/1-aaaaaaaaaaaa", &output("2024", "graphite", "mined", 60.0)).await;
    house.release("press/1-bbbbbbbbbbbb", claims(&[graphite(0.8, 0.8)])).await;
    let text = "x".repeat(200);
    let restated = ClaimRow { text: text.clone(), said_by: "Reuters".to_owned(), ..graphite(0.9, 0.9) };
    house.release("press/2-cccccccccccc", claims(&[restated])).await;
    house.open_for("acme", "own/1-dddddddddddd", orewatch_contracts::ingestion::v1::Table::Claims).await;
    let own = ClaimRow { id: "own".to_owned(), ..graphite(0.1, 0.1) };
    house.record("own/1-dddddddddddd", 0, claims(&[own])).await;
    house.commit("own/1-dddddddddddd").await;
    publish(&house).await;
    let expected = [
        "graphite UNSPECIFIED CONTRADICTED press/1-bbbbbbbbbbbb",
        "graphite CONTRADICTED CONTRADICTED press/2-cccccccccccc",
    ];
    assert_eq!(lines(&house).await, expected);
    let last = verdict(&events(&house).await[1]);
    assert_eq!((last.text, last.said_by.as_str()), (format!("{}…", &text[..159]), "Reuters"));
}

#[tokio::test]
async fn without_claims_there_is_no_stream_of_them() {
    let house = House::new();
    house.production("survey/1-aaaaaaaaaaaa", &output("2024", "graphite", "mined", 60.0)).await;
    publish(&house).await;
    assert!(events(&house).await.is_empty());
}
