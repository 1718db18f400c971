//! The source policy: listed, revised, edited, and only by those who may.
mod answers;
mod refused;
mod replicas;
mod supplements;

use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, GetSourcePolicyRequest, GetSourcePolicyResponse, Preference,
    PutSourcePolicyRequest, PutSourcePolicyResponse, SourcePolicy, SourcePolicyRevised, Table,
    WithdrawReleaseRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::client::Options;
use orewatch_runtime::Access;
use prost::Message as _;

use crate::harness::{Service, file};
use crate::units::{flows, mines};

async fn get(service: &Service) -> GetSourcePolicyResponse {
    service.client().get_source_policy(GetSourcePolicyRequest {}).await.unwrap().into_inner()
}

async fn put(service: &Service, request: PutSourcePolicyRequest) -> Result<PutSourcePolicyResponse, Failure> {
    Ok(service.client().put_source_policy(request).await?.into_inner())
}

fn asking(policy: &SourcePolicy) -> PutSourcePolicyRequest {
    PutSourcePolicyRequest { policy: Some(policy.clone()), ..PutSourcePolicyRequest::default() }
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn prefer(table: Table, datasets: &[&str]) -> Preference {
    Preference { table: table.into(), datasets: list(datasets), ..Preference::default() }
}

fn declare(dataset: &str, kind: DatasetKind, supplements: &str) -> DatasetDeclaration {
    DatasetDeclaration { dataset: dataset.to_owned(), kind: kind.into(), supplements: supplements.to_owned() }
}

fn preferring(preferences: Vec<Preference>) -> SourcePolicy {
    SourcePolicy { preferences, datasets: Vec::new() }
}

fn declaring(datasets: Vec<DatasetDeclaration>) -> SourcePolicy {
    SourcePolicy { preferences: Vec::new(), datasets }
}

const LITHIUM: &str = "2022,CHL,DEU,283691,9000,3000,";
const GRAPHITE: &str = "2024,CHN,graphite,mined,1270,kt,gross";

/// A service with some datasets of each kind.
async fn stocked() -> Service {
    let service = Service::start().await;
    for content in [
        flows("our-flows", "1", &[LITHIUM]),
        flows("baci-hs22", "1", &[LITHIUM]),
        flows("comtrade-hs22", "1", &["2022,CHL,DEU,283691,9000,3000,importer"]),
        flows("baci-hs17", "1", &[LITHIUM]),
        mines("our-survey", "1", &["2024,MOZ,graphite,mined,75,kt,gross"]),
        mines("usgs-mcs", "1", &[GRAPHITE]),
        mines("wmd", "1", &[GRAPHITE]),
    ] {
        assert!(service.take("f.csv", content).await.unwrap().is_committed());
    }
    service
}

#[tokio::test]
async fn datasets_are_listed_in_the_default_order() {
    let service = stocked().await;
    let answer = get(&service).await;
    assert_eq!((answer.revision, answer.revised_at), (0, None));
    assert_eq!(answer.policy, Some(SourcePolicy::default()));
    let ranked: Vec<_> = answer
        .datasets
        .iter()
        .map(|known| (known.table(), known.rank, known.dataset.as_str(), known.kind()))
        .collect();
    assert_eq!(
        ranked,
        [
            (Table::Trade, 1, "baci-hs22", DatasetKind::Reconciled),
            (Table::Trade, 2, "baci-hs17", DatasetKind::Reconciled),
            (Table::Trade, 3, "comtrade-hs22", DatasetKind::Declarations),
            (Table::Trade, 4, "our-flows", DatasetKind::Unspecified),
            (Table::Production, 1, "usgs-mcs", DatasetKind::Tables),
            (Table::Production, 2, "wmd", DatasetKind::Tables),
            (Table::Production, 3, "our-survey", DatasetKind::Unspecified),
        ],
        "at a tie the older comes first"
    );
    // What is withdrawn answers nothing; what a tenant has is the tenant's.
    let withdraw = WithdrawReleaseRequest {
        release: "wmd/1".to_owned(),
        reason: "wrong".to_owned(),
        actor: String::new(),
    };
    service.client().withdraw_release(withdraw).await.unwrap();
    let options = Options { tenant: "acme".to_owned(), ..Options::default() };
    let inputs = vec![file("f.csv", mines("acme-mines", "1", &[GRAPHITE]))];
    assert!(service.ingest(inputs, options).await.unwrap().is_committed());
    let names: Vec<_> = get(&service).await.datasets.into_iter().map(|known| known.dataset).collect();
    assert_eq!(names[4..], ["usgs-mcs", "our-survey"]);
    service.stop().await;
}

#[tokio::test]
async fn a_policy_is_revised_and_the_same_again_changes_nothing() {
    let service = stocked().await;
    let policy = SourcePolicy {
        preferences: vec![Preference {
            materials: list(&["lithium"]),
            stages: list(&["refined"]),
            economies: list(&["EU27", "JPN"]),
            from: "2020".to_owned(),
            until: "2024-06".to_owned(),
            ..prefer(Table::Trade, &["comtrade-hs22", "baci-hs22"])
        }],
        datasets: vec![declare("our-survey", DatasetKind::Supplement, "usgs-mcs")],
    };
    let dry = PutSourcePolicyRequest { dry_run: true, ..asking(&policy) };
    let answer = put(&service, dry.clone()).await.unwrap();
    assert_eq!((answer.revision, answer.unchanged), (0, false));
    assert_eq!(get(&service).await.revision, 0, "a dry run changes nothing");

    let request = PutSourcePolicyRequest {
        reason: "the months".to_owned(),
        actor: "desk".to_owned(),
        expected_revision: Some(0),
        ..asking(&policy)
    };
    let answer = put(&service, request.clone()).await.unwrap();
    assert_eq!((answer.revision, answer.unchanged), (1, false));
    let again = put(&service, request).await.unwrap();
    assert_eq!((again.revision, again.unchanged), (1, true), "whichever revision was expected");
    assert!(put(&service, dry).await.unwrap().unchanged);
    let held = get(&service).await;
    assert_eq!((held.policy.clone(), held.revision), (Some(policy), 1));
    assert!(held.revised_at.is_some());
    let survey = held.datasets.iter().find(|known| known.dataset == "our-survey").unwrap();
    assert_eq!((survey.kind(), survey.supplements.as_str()), (DatasetKind::Supplement, "usgs-mcs"));

    let stale = PutSourcePolicyRequest { expected_revision: Some(0), ..asking(&SourcePolicy::default()) };
    let failure = put(&service, stale).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "policy-revised"));
    let answer = put(&service, asking(&SourcePolicy::default())).await.unwrap();
    assert_eq!(answer.revision, 2);

    let recorded: Vec<_> = service.events().await;
    let revisions: Vec<_> =
        recorded.iter().filter(|event| event.kind.ends_with("SourcePolicyRevised")).collect();
    assert!(revisions.iter().all(|event| event.stream.as_str() == "observations._policy"));
    let first = SourcePolicyRevised::decode(revisions[0].data.clone()).unwrap();
    assert_eq!((first.revision, &*first.reason, &*first.actor), (1, "the months", "desk"));
    assert_eq!(revisions.len(), 2);
    service.stop().await;
}

/// A dataset that was withdrawn after the policy named it does not prevent edits of the rest of the policy; a
/// name that never existed does.
#[tokio::test]
async fn a_policy_is_edited_after_a_withdrawal() {
    let service = stocked().await;
    let named = SourcePolicy {
        preferences: vec![
            Preference { materials: list(&["graphite"]), ..prefer(Table::Production, &["wmd", "usgs-mcs"]) },
            prefer(Table::Trade, &["comtrade-hs22", "baci-hs22"]),
        ],
        datasets: vec![declare("our-survey", DatasetKind::Supplement, "wmd")],
    };
    put(&service, asking(&named)).await.unwrap();
    for release in ["wmd/1", "comtrade-hs22/1"] {
        let withdraw = WithdrawReleaseRequest {
            release: release.to_owned(),
            reason: "wrong".to_owned(),
            actor: String::new(),
        };
        service.client().withdraw_release(withdraw).await.unwrap();
    }
    let mut edited = named.clone();
    edited.preferences[0].datasets.reverse();
    edited.preferences[1].economies = list(&["JPN"]);
    assert_eq!(put(&service, asking(&edited)).await.unwrap().revision, 2);
    edited.preferences[1].datasets.push("comtrade-hs2".to_owned());
    let failure = put(&service, asking(&edited)).await.unwrap_err();
    assert_eq!((&*failure.code, &*failure.value), ("unknown-dataset", "comtrade-hs2"));
    // What the policy no longer names is as unknown as what was never there.
    put(&service, asking(&SourcePolicy::default())).await.unwrap();
    let failure = put(&service, asking(&named)).await.unwrap_err();
    assert_eq!((&*failure.code, &*failure.value), ("unknown-dataset", "wmd"));
    service.stop().await;
}

/// Callers that may write public data may revise the policy; everybody may read it.
#[tokio::test]
async fn only_writers_of_public_data_may_revise_the_policy() {
    let tokens = "[[token]]\nname = \"acme\"\ntoken = \"token-of-acme-0001\"\nwrite = [\"acme\"]\n";
    let service = Service::guarded(Access::parse(tokens).unwrap()).await;
    let mut request = tonic::Request::new(asking(&SourcePolicy::default()));
    request.metadata_mut().insert("authorization", "Bearer token-of-acme-0001".parse().unwrap());
    let failure: Failure = service.client().put_source_policy(request).await.unwrap_err().into();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "not-permitted"));
    let mut request = tonic::Request::new(GetSourcePolicyRequest {});
    request.metadata_mut().insert("authorization", "Bearer token-of-acme-0001".parse().unwrap());
    assert_eq!(service.client().get_source_policy(request).await.unwrap().into_inner().revision, 0);
    service.stop().await;
}
