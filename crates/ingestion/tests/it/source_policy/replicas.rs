//! The source policy after a crash, and with several replicas at once.
use std::sync::Arc;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{PutSourcePolicyRequest, SourcePolicy, Table};
use orewatch_eventlog::embedded;
use orewatch_ingestion::client::Options;
use orewatch_testkit::{Fault, FaultyLog};

use super::{GRAPHITE, LITHIUM, asking, get, prefer, preferring, put};
use crate::harness::{Service, events, file};
use crate::units::{flows, id, mines, report};

/// After a crash between the append of a revision and its response, the same request leads to the same log.
#[tokio::test]
async fn a_request_repeated_after_a_crash_revises_the_policy_once() {
    for stored in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let log = embedded::open(directory.path(), "observations").unwrap();
        let faulty = FaultyLog::new(Arc::clone(&log)).on_append(move |stream, _| {
            let is_policy = stream.as_str().ends_with("._policy");
            if is_policy { Fault::Lost { stored } } else { Fault::None }
        });
        let service = Service::on(faulty.shared()).await;
        service.take("f.csv", flows("baci-hs22", "1", &[LITHIUM])).await.unwrap();
        let request = PutSourcePolicyRequest {
            expected_revision: Some(0),
            ..asking(&preferring(vec![prefer(Table::Trade, &["baci-hs22"])]))
        };
        assert_eq!(put(&service, request.clone()).await.unwrap_err().class, Class::Unavailable);
        service.stop().await;

        let later = Service::on(Arc::clone(&log)).await;
        let answer = put(&later, request).await.unwrap();
        assert_eq!((answer.revision, answer.unchanged), (1, stored));
        assert_eq!(get(&later).await.revision, 1);
        let revisions = events(&*log).await;
        assert_eq!(revisions.iter().filter(|event| event.kind.ends_with("SourcePolicyRevised")).count(), 1);
        later.stop().await;
    }
}

/// Two replicas get two policies at once: one is first and the other is refused; the same policy twice is one
/// revision.
#[tokio::test]
async fn one_of_two_replicas_revises_the_policy_first() {
    let directory = tempfile::tempdir().unwrap();
    let log = embedded::open(directory.path(), "observations").unwrap();
    let [one, other] = [Service::on(Arc::clone(&log)).await, Service::on(Arc::clone(&log)).await];
    for dataset in ["baci-hs17", "baci-hs22"] {
        assert!(one.take("f.csv", flows(dataset, "1", &[LITHIUM])).await.unwrap().is_committed());
    }
    let policy = |dataset| preferring(vec![prefer(Table::Trade, &[dataset])]);
    let expecting = |revision, dataset| PutSourcePolicyRequest {
        expected_revision: Some(revision),
        ..asking(&policy(dataset))
    };
    for round in 0..5 {
        let revision = 2 * round;
        let (first, second) = tokio::join!(
            put(&one, expecting(revision, "baci-hs17")),
            put(&other, expecting(revision, "baci-hs22"))
        );
        let (won, lost) = match (&first, &second) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => panic!("{both:?}"),
        };
        assert_eq!((won.revision, won.unchanged, &*lost.code), (revision + 1, false, "policy-revised"));
        assert_eq!(get(&one).await.policy, get(&other).await.policy);
        let both = tokio::join!(
            put(&one, asking(&SourcePolicy::default())),
            put(&other, asking(&SourcePolicy::default()))
        );
        let both = [both.0.unwrap(), both.1.unwrap()];
        assert!(both.iter().all(|answer| answer.revision == revision + 2), "{both:?}");
    }
    one.stop().await;
    other.stop().await;
}

/// Two open releases of a dataset may overlap: the gates of the second compare it with the first.
#[tokio::test]
async fn the_second_of_two_concurrent_commits_is_compared_with_the_first() {
    let service = Service::start().await;
    let held = |vintage: &str, row: &str| {
        let options = Options { hold: true, ..Options::default() };
        service.ingest(vec![file("f.csv", mines("usgs-mcs", vintage, &[row]))], options)
    };
    let first = held("1", GRAPHITE).await.unwrap();
    let second = held("2", "2024,MOZ,graphite,mined,75,kt,gross").await.unwrap();
    let commit = async |release: String| {
        let request =
            orewatch_contracts::ingestion::v1::CommitReleaseRequest { release, ..Default::default() };
        service.client().commit_release(request).await.unwrap().into_inner().release.unwrap()
    };
    let (one, other) = tokio::join!(commit(id(&first)), commit(id(&second)));
    let refused = [&one, &other].into_iter().filter(|info| !info.reason.is_empty()).collect::<Vec<_>>();
    assert_eq!(refused.len(), 1, "{one:?} {other:?}");
    assert!(refused[0].reason.contains("1 vanish"), "{}", refused[0].reason);
    service.stop().await;
}

/// The same on two replicas: both end with the same releases, and the log decides which restates which.
#[tokio::test]
async fn replicas_agree_on_concurrent_releases() {
    let directory = tempfile::tempdir().unwrap();
    let log = embedded::open(directory.path(), "observations").unwrap();
    let [one, other] = [Service::on(Arc::clone(&log)).await, Service::on(Arc::clone(&log)).await];
    let rows = ["2024,CHN,graphite,mined,1270,kt,gross", "2024,CHN,graphite,mined,1300,kt,gross"];
    let (first, second) = tokio::join!(
        one.take("f.csv", mines("usgs-mcs", "1", &rows[..1])),
        other.take("f.csv", mines("usgs-mcs", "2", &rows[1..]))
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.is_committed() && second.is_committed());
    for known in [&first, &second] {
        assert_eq!(one.find(&id(known)).await, other.find(&id(known)).await);
    }
    let third = other
        .take("f.csv", mines("usgs-mcs", "3", &["2024,CHN,graphite,mined,1301,kt,gross"]))
        .await
        .unwrap();
    let newest =
        [&first, &second].into_iter().max_by_key(|outcome| outcome.release.committed_position).unwrap();
    assert_eq!(report(&third).restates, id(newest), "the one that was committed last is restated");
    one.stop().await;
    other.stop().await;
}
