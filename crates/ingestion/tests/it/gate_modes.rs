//! Modes of gates: defaults, the configuration of a service, and requests.
use std::collections::BTreeMap;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{
    GateInfo, GateMode, GateVerdict, ListGatesRequest, ReleaseState, Verdict,
};
use orewatch_ingestion::client::{Options, Outcome};
use orewatch_ingestion::{Config, GateModes};

use crate::harness::{Service, file, trade};

/// A service whose gates are configured by a text.
async fn configured(modes: &str) -> Service {
    let gates = modes.parse().unwrap();
    Service::configured(|config| Config { gates, ..config }).await
}

fn gate<'a>(outcome: &'a Outcome, name: &str) -> &'a GateVerdict {
    let gates = &outcome.release.report.as_ref().unwrap().gates;
    gates.iter().find(|gate| gate.gate == name).unwrap()
}

/// A vintage of trade with one rejected row.
async fn with_a_reject(service: &Service, vintage: &str, options: Options) -> Outcome {
    let content = trade(vintage, &["2020,CHN,DEU,250410,1,1", "2020,CHN,ZZZ,250410,1,1"]);
    service.ingest(vec![file("a.csv", content)], options).await.unwrap()
}

fn asking(gate: &str, mode: GateMode) -> Options {
    Options { gates: BTreeMap::from([(gate.to_owned(), mode)]), ..Options::default() }
}

#[tokio::test]
async fn the_most_specific_mode_applies() {
    let service = configured("rejects=warn,unknown-codes=off,test-trade/unknown-codes=block").await;
    let outcome = with_a_reject(&service, "v1", Options::default()).await;
    assert_eq!(outcome.release.state(), ReleaseState::Refused, "the dataset's own configuration blocks");
    let [rejects, codes] = ["rejects", "unknown-codes"].map(|name| gate(&outcome, name).clone());
    assert_eq!((rejects.verdict(), rejects.mode()), (Verdict::Warn, GateMode::Warn));
    assert_eq!((codes.verdict(), codes.mode()), (Verdict::Block, GateMode::Block));

    let outcome = with_a_reject(&service, "v2", asking("unknown-codes", GateMode::Off)).await;
    assert!(outcome.is_committed(), "a request is closer than any configuration");
    let codes = gate(&outcome, "unknown-codes");
    assert_eq!(
        (codes.verdict(), codes.mode(), &*codes.message),
        (Verdict::Off, GateMode::Off, "not looked at")
    );

    let outcome = with_a_reject(&service, "v3", asking("rejects", GateMode::Block)).await;
    assert_eq!(gate(&outcome, "rejects").verdict(), Verdict::Block, "a request may be stricter as well");
    service.stop().await;
}

#[tokio::test]
async fn final_gates_cannot_be_weakened() {
    let service = Service::start().await;
    for (gate, mode) in [("duplicates", GateMode::Warn), ("lost-rows", GateMode::Off)] {
        let content = trade("v1", &["2020,CHN,DEU,250410,1,1"]);
        let failure = service.ingest(vec![file("a.csv", content)], asking(gate, mode)).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-gate"), "{failure}");
        assert!(format!("{failure}").contains("it always blocks"), "{failure}");
    }
    let content = trade("v1", &["2020,CHN,DEU,250410,1,1"]);
    let outcome =
        service.ingest(vec![file("a.csv", content)], asking("empty", GateMode::Block)).await.unwrap();
    assert!(outcome.is_committed(), "to ask for what is so anyway is no error");
    service.stop().await;
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for (text, why) in [
        ("scope-jump", "write GATE=MODE"),
        ("scope-jump=maybe", "a mode is off, warn or block"),
        ("scop-jump=off", "gates are rejects"),
        ("empty=warn", "it always blocks"),
        ("Baci/rejects=off", "no valid name of a dataset"),
        ("rejects=off,rejects=warn", "listed twice"),
    ] {
        let error = text.parse::<GateModes>().unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(text.rsplit(',').next().unwrap()), "{text}: {error}");
    }
    assert_eq!("".parse(), Ok(GateModes::default()));
}

#[tokio::test]
async fn gates_are_listed_with_their_modes_in_a_dataset() {
    let service = configured("scope-jump=warn, baci-hs92/scope-jump=off").await;
    let list = async |dataset: &str| {
        let request = ListGatesRequest { dataset: dataset.to_owned() };
        service.client().list_gates(request).await.map(|answer| answer.into_inner().gates)
    };
    let named = |gates: Vec<GateInfo>| gates.into_iter().find(|gate| gate.gate == "scope-jump").unwrap();
    let [any, baci] = [list("").await.unwrap(), list("baci-hs92").await.unwrap()].map(named);
    assert_eq!(
        (any.default_mode(), any.mode(), baci.mode()),
        (GateMode::Block, GateMode::Warn, GateMode::Off)
    );
    for gate in list("").await.unwrap() {
        assert!(gate.looks_at.ends_with('.') && gate.argument.ends_with('.'), "{gate:?}");
        assert!(!gate.r#final || gate.mode() == GateMode::Block, "{gate:?}");
    }
    assert_eq!(list("No Such").await.unwrap_err().code(), tonic::Code::InvalidArgument);
    service.stop().await;
}
