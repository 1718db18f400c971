//! Tenants whose rows are sealed, and one that is erased: figures without them, at any time, and every answer
//! that would rest on them names them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, ErasedRelease, as_at::At};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareVintagesRequest, ExplainExposureRequest, ExposureFilter,
    GetExposureRequest, QueryExposuresRequest, Reading, StreamExposuresRequest, Subject,
};
use orewatch_contracts::ingestion::v1::{Table, TenantErased};
use orewatch_contracts::stale::Answer as _;
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::{Event, NewEvent, Position, embedded};
use orewatch_exposure::Config;
use orewatch_runtime::Access;
use orewatch_store::Location;
use orewatch_store::keys::{FORGOTTEN_AFTER, TenantKeys};
use orewatch_store::sealed::SealedLog;
use orewatch_store::snapshots::SnapshotPlace;

use crate::kit::{Api, House, subject, time, trade};

const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
const ACME: &str = "acme-purchases/1-bbbbbbbbbbbb";
const BETA: &str = "beta-purchases/1-cccccccccccc";

/// Shares of China in everyone's trade of 2022, in that of acme, and in that of beta.
const SHARES: [f64; 3] = [0.9, 0.25, 0.5];

/// Logs on which two tenants have releases that are sealed.
struct Place {
    house: House,
    /// Where the release of acme was committed.
    committed: Position,
}

impl Place {
    async fn new() -> Self {
        let house = House::new();
        std::fs::write(house.dir.path().join("keys.txt"), KEY).unwrap();
        let place = Self { house, committed: 0 };
        let sealing = SealedLog::new(Arc::clone(&place.house.observations), place.keys());
        let writer = House { observations: sealing, ..place.house.beside() };
        writer.open("baci/1-aaaaaaaaaaaa", Table::Trade).await;
        writer.record("baci/1-aaaaaaaaaaaa", 0, shares(SHARES[0])).await;
        writer.commit("baci/1-aaaaaaaaaaaa").await;
        writer.open_for("acme", ACME, Table::Trade).await;
        writer.record(ACME, 0, shares(SHARES[1])).await;
        let committed = writer.commit(ACME).await;
        writer.open_for("beta", BETA, Table::Trade).await;
        writer.record(BETA, 0, shares(SHARES[2])).await;
        writer.commit(BETA).await;
        Self { committed, ..place }
    }

    /// The keys, as a process of its own has them.
    fn keys(&self) -> TenantKeys {
        let dir = self.house.dir.path();
        TenantKeys::new(dir.join("keys.txt"), &Location::Folder(dir.join("keys"))).unwrap()
    }

    fn config(&self) -> Config {
        let [location, cache] = ["snapshots", "cache"].map(|name| self.house.dir.path().join(name));
        let place = SnapshotPlace { location: Location::Folder(location), cache };
        Config { snapshots: Some(place), keys: self.keys() }
    }

    async fn serve(&self) -> Api {
        self.house.configured(Access::open(), self.config()).await
    }

    /// Erases acme, as the ingestion service does. Returns the position of the event.
    async fn erase(&self) -> Position {
        self.keys().erase("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
        tokio::time::sleep(FORGOTTEN_AFTER).await;
        let erased = TenantErased { tenant: "acme".to_owned(), ..TenantErased::default() };
        self.house.append("_tenants/acme", "TenantErased", &erased).await
    }
}

fn shares(china: f64) -> orewatch_contracts::ingestion::v1::observations_recorded::Columns {
    let rest = 1.0 - china;
    trade(
        &[
            ("2022", "CHN", "DEU", "250410", china, Some(china)),
            ("2022", "MOZ", "DEU", "250410", rest, Some(rest)),
        ],
        2,
    )
}

fn share() -> Subject {
    subject(["DEU", "graphite", "mined", "import-share", "CHN"])
}

fn of(tenant: &str) -> Option<Reading> {
    Some(Reading { tenant: tenant.to_owned(), ..Reading::default() })
}

fn filter() -> Option<ExposureFilter> {
    Some(ExposureFilter {
        as_of: "2022".to_owned(),
        measures: vec!["import-share".to_owned()],
        suppliers: vec!["CHN".to_owned()],
        ..ExposureFilter::default()
    })
}

/// The figure of a tenant, and the releases that the answer names as erased.
async fn ask(api: &mut Api, tenant: &str, at: Option<At>) -> (f64, Vec<ErasedRelease>) {
    let request = GetExposureRequest {
        subject: Some(share()),
        as_of: "2022".to_owned(),
        as_at: at.map(|at| AsAt { at: Some(at) }),
        reading: of(tenant),
        ..GetExposureRequest::default()
    };
    let answer = api.client.get_exposure(request).await.unwrap().into_inner();
    let value = answer.exposure.clone().unwrap().estimate.unwrap().value.unwrap();
    (value, answer.erased().to_vec())
}

#[track_caller]
fn assert_share(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// What each kind of answer names as erased for a tenant.
async fn named(api: &mut Api, tenant: &str) -> Vec<Vec<ErasedRelease>> {
    let (subject, reading) = (Some(share()), of(tenant));
    let query = QueryExposuresRequest {
        filter: filter(),
        reading: reading.clone(),
        ..QueryExposuresRequest::default()
    };
    let explain = ExplainExposureRequest {
        subject: subject.clone(),
        as_of: "2022".to_owned(),
        reading: reading.clone(),
        ..ExplainExposureRequest::default()
    };
    let sources = CompareSourcesRequest {
        subject,
        as_of: "2022".to_owned(),
        reading: reading.clone(),
        ..CompareSourcesRequest::default()
    };
    let vintages = CompareVintagesRequest {
        filter: filter(),
        from: Some(AsAt { at: Some(At::Position(1)) }),
        reading: reading.clone(),
        ..CompareVintagesRequest::default()
    };
    let stream = StreamExposuresRequest { filter: filter(), reading, ..StreamExposuresRequest::default() };
    let mut streamed = api.client.stream_exposures(stream).await.unwrap().into_inner();
    let first = streamed.message().await.unwrap().unwrap();
    vec![
        api.client.query_exposures(query).await.unwrap().get_ref().erased().to_vec(),
        api.client.explain_exposure(explain).await.unwrap().get_ref().erased().to_vec(),
        api.client.compare_sources(sources).await.unwrap().get_ref().erased().to_vec(),
        api.client.compare_vintages(vintages).await.unwrap().get_ref().erased().to_vec(),
        first.erased().to_vec(),
    ]
}

/// Checks answers after acme's rows are gone. `erased`: what they name.
async fn assert_withheld(api: &mut Api, committed: Position, erased: &ErasedRelease) {
    let expected = vec![erased.clone()];
    for at in [None, Some(At::Position(committed))] {
        let (value, named) = ask(api, "acme", at).await;
        assert_share(value, SHARES[0]);
        assert_eq!(named, expected);
    }
    assert_eq!(named(api, "acme").await, vec![expected; 5]);
    let reading = Reading { dataset: "acme-purchases".to_owned(), ..of("acme").unwrap() };
    let request = GetExposureRequest {
        subject: Some(share()),
        as_of: "2022".to_owned(),
        reading: Some(reading),
        ..GetExposureRequest::default()
    };
    let failure = Failure::from(api.client.get_exposure(request).await.unwrap_err());
    assert_eq!(&*failure.code, "erased", "{failure}");
    for (tenant, expected) in [("", SHARES[0]), ("beta", SHARES[2])] {
        let (value, named) = ask(api, tenant, None).await;
        assert_share(value, expected);
        assert_eq!(named, [], "who reads for {tenant:?} is told nothing of acme");
    }
    assert_eq!(named(api, "beta").await, vec![Vec::new(); 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_rows_are_withheld_at_any_time_and_named_in_every_answer() {
    let place = Place::new().await;
    let mut api = place.serve().await;
    for (tenant, expected) in [("", SHARES[0]), ("acme", SHARES[1]), ("beta", SHARES[2])] {
        api.published(place.committed).await;
        let (value, named) = ask(&mut api, tenant, None).await;
        assert_share(value, expected);
        assert_eq!(named, []);
    }
    assert_eq!(named(&mut api, "acme").await, vec![Vec::new(); 5]);
    let before = place.house.published().await;

    let position = place.erase().await;
    api.published(position).await;
    let erased = ErasedRelease { release: ACME.to_owned(), erased_at: Some(timestamp(time(position))) };
    assert_withheld(&mut api, place.committed, &erased).await;
    assert_eq!(place.house.published().await, before, "figures of tenants are not published");
    api.stop().await;

    // The same after a restart, and on a replica that starts with nothing.
    let mut again = place.serve().await;
    again.published(position).await;
    assert_withheld(&mut again, place.committed, &erased).await;
    again.stop().await;
    let mut replica = place
        .house
        .beside()
        .configured(Access::open(), Config { keys: place.keys(), ..Config::default() })
        .await;
    replica.published(position).await;
    assert_withheld(&mut replica, place.committed, &erased).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_before_the_erasure_gives_nothing_back() {
    let place = Place::new().await;
    let kept = place.house.observed().await;
    let last = kept.last().unwrap().position;
    place.erase().await;

    let dir = tempfile::tempdir().unwrap();
    let observations = embedded::open(dir.path(), "observations").unwrap();
    for Event { stream, id, kind, time, data, traceparent, .. } in kept {
        let expected = observations.last(&stream).await.unwrap();
        let event = NewEvent { id, kind, time, data, traceparent };
        observations.append(&stream, expected, vec![event]).await.unwrap();
    }
    let restored = House { observations, ..place.house.beside() };
    let erased = ErasedRelease { release: ACME.to_owned(), erased_at: None };
    let mut api =
        restored.configured(Access::open(), Config { keys: place.keys(), ..Config::default() }).await;
    api.published(last).await;
    assert_withheld(&mut api, place.committed, &erased).await;
    api.stop().await;

    // Without any key nobody's rows are there, and everyone's figures are what they were.
    let mut api = restored.serve().await;
    api.published(last).await;
    for (tenant, release) in [("acme", ACME), ("beta", BETA)] {
        let (value, named) = ask(&mut api, tenant, None).await;
        assert_share(value, SHARES[0]);
        assert_eq!(named, [ErasedRelease { release: release.to_owned(), erased_at: None }]);
    }
    let (value, named) = ask(&mut api, "", None).await;
    assert_share(value, SHARES[0]);
    assert_eq!(named, []);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_missing_is_waited_for() {
    let place = Place::new().await;
    let (table, aside) = (place.house.dir.path().join("keys"), place.house.dir.path().join("aside"));
    std::fs::rename(&table, &aside).unwrap();
    let mut api = place.serve().await;
    let request = QueryExposuresRequest::default();
    let failure = Failure::from(api.client.query_exposures(request).await.unwrap_err());
    assert_eq!(failure.class, orewatch_contracts::Class::Unavailable, "{failure}");
    std::fs::rename(&aside, &table).unwrap();
    api.published(place.committed).await;
    assert_share(ask(&mut api, "acme", None).await.0, SHARES[1]);
    api.stop().await;
}
