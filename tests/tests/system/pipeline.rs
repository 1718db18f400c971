//! Tests of the whole pipeline, from reference figures to exposures and alerts: results are correct, the same
//! on both logs, and kept across restarts.
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Stream;
use orewatch_contracts::alerting::v1::AlertState;
use orewatch_contracts::common::v1::{AsAt, By, Status, as_at};
use orewatch_contracts::exposure::v1::{GetExposureRequest, Subject};
use orewatch_tests::api::Api;
use orewatch_tests::state::State;
use orewatch_tests::system::{Cluster, Embedded, System, run};
use orewatch_tests::tools::{reference_tables, root, text};
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::subscribers::check_channel;

/// Puts the rules and ingests the reference figures, as `demo` does, one release after the other.
async fn load_reference_figures(system: &impl System) {
    for pack in ["crma-2030", "g7-china"] {
        let path = root().join(format!("crates/rules/packs/{pack}.yaml"));
        run(system.client(&["rules", "apply", path.to_str().expect("UTF-8")]));
    }
    for table in reference_tables() {
        run(system.client(&["ingest", &table]));
        system.api().settled().await.expect("the pipeline follows");
    }
}

fn subject(consumer: &str, material: &str, stage: &str, measure: &str, supplier: &str) -> Subject {
    let text = str::to_owned;
    Subject {
        consumer: text(consumer),
        material: text(material),
        stage: text(stage),
        supplier: text(supplier),
        measure: text(measure),
        by: By::Quantity.into(),
    }
}

fn four_digits(figure: f64) -> String {
    format!("{figure:.4}")
}

/// The best estimate of a figure, as it is now or as it was after a release.
async fn figure(api: &Api, subject: Subject, as_of: &str, as_at: Option<&str>) -> f64 {
    let as_at = as_at.map(|release| AsAt { at: Some(as_at::At::Release(release.to_owned())) });
    let request = GetExposureRequest {
        subject: Some(subject),
        as_of: as_of.to_owned(),
        as_at,
        ..GetExposureRequest::default()
    };
    let answer = api.exposure.clone().get_exposure(request).await.expect("the figure is there").into_inner();
    let estimate = answer.exposure.and_then(|exposure| exposure.estimate).expect("an estimate");
    assert!(matches!(estimate.status(), Status::Known | Status::Partial), "{estimate:?}");
    estimate.value.expect("a value")
}

/// Share of China in the imports of a consumer.
async fn china_share(api: &Api, consumer: &str, material: &str, stage: &str, as_of: &str) -> f64 {
    figure(api, subject(consumer, material, stage, "import-share", "CHN"), as_of, None).await
}

/// Checks headline figures that were computed by hand from the rows of the source.
async fn check_figures(api: &Api) {
    for (year, expected) in [
        ("2018", 0.6107),
        ("2019", 0.709),
        ("2020", 0.6026),
        ("2021", 0.616),
        ("2022", 0.617),
        ("2023", 0.512),
        ("2024", 0.6773),
    ] {
        assert!(
            (china_share(api, "G7", "rare-earths", "refined", year).await - expected).abs() < 0.0006,
            "G7 {year}"
        );
    }
    let found = [
        china_share(api, "EU27", "rare-earths", "refined", "2018").await,
        china_share(api, "EU27", "rare-earths", "refined", "2024").await,
        china_share(api, "JPN", "graphite", "mined", "2018").await,
        china_share(api, "JPN", "graphite", "mined", "2024").await,
    ];
    assert_eq!(found.map(four_digits), ["0.2917", "0.4416", "0.9510", "0.8903"]);
}

/// Checks antimony in 2024: above one half on the vintage of 2025, but not on that of 2026. Both can be
/// queried.
async fn check_restatement(api: &Api) {
    let antimony = || subject("WLD", "antimony", "mined", "production-top1", "");
    assert_eq!(four_digits(figure(api, antimony(), "2024", Some("MCS2025")).await), "0.5771");
    assert_eq!(four_digits(figure(api, antimony(), "2024", None).await), "0.3362");

    let alert = "world-production-concentration/WLD/antimony/mined/-";
    let alerts = api.alerts().await.expect("the alerts can be read");
    let found = alerts.iter().find(|found| found.id == alert).expect("antimony was evaluated");
    assert_ne!(found.state(), AlertState::Firing, "{found:#?}");
    assert!(alerts.iter().any(|alert| alert.state() == AlertState::Firing), "nothing fires");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_has_correct_figures_and_alerts_and_keeps_them_after_a_restart() {
    let mut system = Embedded::start();
    load_reference_figures(&system).await;
    check_figures(&system.api()).await;
    check_restatement(&system.api()).await;
    let before = State::read(&system.api()).await.expect("everything can be read");

    let stopping = Instant::now();
    system.stop();
    assert!(stopping.elapsed() < Duration::from_secs(20), "the stop took {:?}", stopping.elapsed());

    system.restart();
    let after = State::read(&system.api()).await.expect("everything can be read");
    assert_eq!(before.difference(&after), None);

    // Ingesting the same files again changes nothing, and the command says so.
    for table in reference_tables() {
        let again = run(system.client(&["ingest", &table]));
        let message = text(&again.stdout) + &text(&again.stderr);
        assert!(message.contains("already"), "{message}");
    }
    let again = State::read(&system.api()).await.expect("everything can be read");
    assert_eq!(before.difference(&again), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_on_nats_have_the_same_alerts_as_one_process() {
    let (one, three) = (Embedded::start(), Cluster::start());
    tokio::join!(load_reference_figures(&one), load_reference_figures(&three));
    check_figures(&three.api()).await;
    check_restatement(&three.api()).await;

    let ours = State::read(&one.api()).await.expect("everything can be read");
    let theirs = State::read(&three.api()).await.expect("everything can be read");
    assert_eq!(ours.difference(&theirs), None);
    assert!(!ours.alerts.is_empty());
    let bytes = |state: &State| state.alerts.iter().map(prost::Message::encode_to_vec).collect::<Vec<_>>();
    assert_eq!(bytes(&ours), bytes(&theirs));

    check_cloud_events(&three).await;
    let (_nats, servers) = three.into_servers();
    for server in servers {
        assert!(server.stop().success());
    }
}

/// Checks what NATS clients read: CloudEvents in binary mode, whose payload is the message that `ce-type`
/// names.
async fn check_cloud_events(system: &Cluster) {
    let contracts = DescriptorPool::decode(orewatch_contracts::DESCRIPTORS).expect("descriptors");
    let nats = async_nats::connect(system.nats()).await.expect("NATS answers");
    let context = async_nats::jetstream::new(nats);
    let mut fired = 0;
    for name in ["OBSERVATIONS", "EXPOSURES", "ALERTS"] {
        fired +=
            check_stream(&context.get_stream(name).await.expect("the log is a stream"), &contracts).await;
    }
    assert!(fired > 0, "no alert fired");
}

/// Checks every message of a stream against the contracts and the AsyncAPI document. Returns the number of
/// alerts that fired.
async fn check_stream(stream: &Stream, contracts: &DescriptorPool) -> u32 {
    let last = stream.cached_info().state.last_sequence;
    assert!(last > 0, "no event is on the log");
    let mut fired = 0;
    for sequence in 1..=last {
        let message = stream.get_raw_message(sequence).await.expect("the message is there");
        let found = |name: &str| message.headers.get(name).map(|value| value.as_str().to_owned());
        let header = |name: &str| found(name).unwrap_or_default();
        check_channel(&message.subject, found);
        let kind = header("ce-type");
        let descriptor = contracts
            .get_message_by_name(&kind)
            .unwrap_or_else(|| panic!("{kind:?} is not in the contracts"));
        DynamicMessage::decode(descriptor, message.payload.clone()).expect("the payload decodes");
        fired += u32::from(kind == "orewatch.alerting.v1.AlertFired");
    }
    fired
}
