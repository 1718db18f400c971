//! The matrix of callers and methods: every kind of caller calls every method.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Request};

use super::server::{SecuredServer, token};
use super::tls::TlsServer;

/// The role that a method requires. The table below repeats what the contracts say, on purpose: a change of
/// the contracts must be confirmed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Required {
    Reader,
    Analyst,
    Ingester,
    Operator,
}

use Required::{Analyst, Ingester, Operator, Reader};

const INGESTION: &str = "orewatch.ingestion.v1.IngestionService";
const EXPOSURE: &str = "orewatch.exposure.v1.ExposureService";
const ALERTING: &str = "orewatch.alerting.v1.AlertingService";
const NOTIFICATION: &str = "orewatch.alerting.v1.NotificationService";
const DELIVERY: &str = "orewatch.alerting.v1.DeliveryService";

/// Every method of every service.
const METHODS: &[(&str, &str, Required)] = &[
    (INGESTION, "OpenRelease", Ingester),
    (INGESTION, "RecordObservations", Ingester),
    (INGESTION, "CommitRelease", Ingester),
    (INGESTION, "WithdrawRelease", Ingester),
    (INGESTION, "ListReleases", Reader),
    (INGESTION, "GetRelease", Reader),
    (INGESTION, "ListRejections", Reader),
    (INGESTION, "RepairRows", Ingester),
    (INGESTION, "UploadFile", Ingester),
    (INGESTION, "DownloadFile", Reader),
    (INGESTION, "IngestFiles", Ingester),
    (INGESTION, "ListGates", Reader),
    (INGESTION, "GetSourcePolicy", Reader),
    (INGESTION, "PutSourcePolicy", Operator),
    (INGESTION, "EraseTenant", Operator),
    (INGESTION, "Poll", Operator),
    (INGESTION, "ListConnectors", Reader),
    (INGESTION, "ListFetches", Reader),
    (EXPOSURE, "GetExposure", Reader),
    (EXPOSURE, "QueryExposures", Reader),
    (EXPOSURE, "StreamExposures", Reader),
    (EXPOSURE, "WatchExposures", Reader),
    (EXPOSURE, "ExplainExposure", Reader),
    (EXPOSURE, "CompareSources", Reader),
    (EXPOSURE, "ListScenarios", Reader),
    (EXPOSURE, "ListTargets", Reader),
    (EXPOSURE, "CheckClaims", Reader),
    (EXPOSURE, "ListRevisions", Reader),
    (EXPOSURE, "CompareVintages", Reader),
    (ALERTING, "PutRule", Analyst),
    (ALERTING, "PutRules", Analyst),
    (ALERTING, "GetRule", Reader),
    (ALERTING, "ListRules", Reader),
    (ALERTING, "RemoveRule", Analyst),
    (ALERTING, "BacktestRule", Analyst),
    (ALERTING, "GetAlert", Reader),
    (ALERTING, "ListAlerts", Reader),
    (ALERTING, "SubscribeAlerts", Reader),
    (NOTIFICATION, "PutSubscription", Analyst),
    (NOTIFICATION, "ListSubscriptions", Reader),
    (NOTIFICATION, "RemoveSubscription", Analyst),
    (NOTIFICATION, "PutSilence", Analyst),
    (NOTIFICATION, "ListSilences", Reader),
    (NOTIFICATION, "EndSilence", Analyst),
    (NOTIFICATION, "PutInhibition", Analyst),
    (NOTIFICATION, "ListInhibitions", Reader),
    (NOTIFICATION, "RemoveInhibition", Analyst),
    (NOTIFICATION, "AcknowledgeAlert", Analyst),
    (NOTIFICATION, "UnacknowledgeAlert", Analyst),
    (NOTIFICATION, "ListHolds", Reader),
    (NOTIFICATION, "RunDrill", Operator),
    (NOTIFICATION, "ExplainAlert", Reader),
    (DELIVERY, "PutReceiver", Operator),
    (DELIVERY, "ListReceivers", Reader),
    (DELIVERY, "RemoveReceiver", Operator),
    (DELIVERY, "EnableReceiver", Operator),
    (DELIVERY, "ListDeliveries", Reader),
    (DELIVERY, "GetDelivery", Reader),
    (DELIVERY, "ReplayDeliveries", Operator),
];

/// What access control does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The call reaches the service.
    Passed,
    /// The caller lacks the role.
    Denied,
    /// The caller shows nothing, or something that is not accepted.
    Unauthenticated,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    /// A token of the file of tokens, by its name.
    Token(&'static str),
    /// A token of the issuer, by its subject and group.
    Signed(&'static str, &'static str),
    /// A client certificate, by its name.
    Certificate(&'static str),
}

/// A caller, and the expected outcome of its calls by service and required role.
type Caller = (Shown, fn(&str, Required) -> Outcome);

fn passed_if_among(granted: &[Required], required: Required) -> Outcome {
    if granted.contains(&required) { Outcome::Passed } else { Outcome::Denied }
}

const CALLERS: [Caller; 10] = [
    (Shown::Nothing, |_, _| Outcome::Unauthenticated),
    (Shown::Token("stranger"), |_, _| Outcome::Unauthenticated),
    // A token without roles may read, and may write to ingestion: tokens had no roles once.
    (Shown::Token("unnamed"), |service, required| {
        if service == INGESTION { Outcome::Passed } else { passed_if_among(&[Reader], required) }
    }),
    (Shown::Token("acme-reader"), |_, required| passed_if_among(&[Reader], required)),
    (Shown::Token("acme-analyst"), |_, required| passed_if_among(&[Reader, Analyst], required)),
    (Shown::Token("acme-ingester"), |_, required| passed_if_among(&[Reader, Ingester], required)),
    (Shown::Token("acme-operator"), |_, _| Outcome::Passed),
    (Shown::Signed("ann", ""), |_, required| passed_if_among(&[Reader], required)),
    (Shown::Signed("bob", "analysts"), |_, required| passed_if_among(&[Reader, Analyst], required)),
    (Shown::Signed("mallory", "guests"), |_, _| Outcome::Unauthenticated),
];

/// Callers that show a certificate, or none, and no token.
const CERTIFIED_CALLERS: [Caller; 4] = [
    (Shown::Nothing, |_, _| Outcome::Unauthenticated),
    (Shown::Certificate("spiffe://cluster/dashboard"), |_, required| passed_if_among(&[Reader], required)),
    (Shown::Certificate("setup.example"), |_, _| Outcome::Passed),
    (Shown::Certificate("mallory.example"), |_, _| Outcome::Unauthenticated),
];

/// Calls a method with an empty message.
async fn call(channel: &Channel, path: &str, token: Option<&str>) -> Outcome {
    let mut request = Request::new(());
    if let Some(token) = token {
        let header = format!("Bearer {token}").parse().expect("a token is ASCII");
        request.metadata_mut().insert("authorization", header);
    }
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.expect("the server listens");
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = path.parse().expect("a path");
    let status = match grpc.server_streaming(request, path, codec).await {
        Err(status) => Some(status),
        Ok(response) => {
            let mut messages = response.into_inner();
            // Some streams are silent until something happens.
            let first = tokio::time::timeout(Duration::from_millis(200), messages.message()).await;
            first.ok().and_then(Result::err)
        }
    };
    match status.map(|status| status.code()) {
        Some(Code::PermissionDenied) => Outcome::Denied,
        Some(Code::Unauthenticated) => Outcome::Unauthenticated,
        _ => Outcome::Passed,
    }
}

fn path(service: &str, method: &str) -> String {
    format!("/{service}/{method}")
}

/// Calls every method as a caller. Returns the outcomes that are not as expected, by method.
async fn wrong_outcomes(
    channel: &Channel,
    token: Option<&str>,
    expected: fn(&str, Required) -> Outcome,
) -> BTreeMap<&'static str, Outcome> {
    let mut wrong = BTreeMap::new();
    for (service, method, required) in METHODS {
        let outcome = call(channel, &path(service, method), token).await;
        if outcome != expected(service, *required) {
            wrong.insert(*method, outcome);
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_open_only_to_callers_with_its_role() {
    let rows: BTreeSet<String> = METHODS.iter().map(|(service, method, _)| path(service, method)).collect();
    let contracts: BTreeSet<String> = orewatch_contracts::roles().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(rows, contracts, "give every method of the contracts a row here");

    let server = SecuredServer::start();
    let channel = server.channel();
    for (caller, expected) in CALLERS {
        let token = match caller {
            Shown::Nothing | Shown::Certificate(_) => None,
            Shown::Token(name) => Some(token(name)),
            Shown::Signed(subject, group) => Some(server.signed_token(subject, &[group])),
        };
        let wrong = wrong_outcomes(&channel, token.as_deref(), expected).await;
        assert_eq!(wrong, BTreeMap::new(), "{caller:?}\n{}", server.process.process_output());
    }
    // A method without a role is never called, because there is none of this name.
    let root = token("root");
    let unknown = call(&channel, "/orewatch.alerting.v1.AlertingService/DropAllRules", Some(&root)).await;
    assert_eq!(unknown, Outcome::Passed, "there is no such method, and no service to reach");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_open_only_to_certificates_with_its_role() {
    let server = TlsServer::start();
    for (caller, expected) in CERTIFIED_CALLERS {
        let name = match caller {
            Shown::Certificate(name) => Some(name),
            Shown::Nothing | Shown::Token(_) | Shown::Signed(..) => None,
        };
        let channel = server.channel(name).await;
        let wrong = wrong_outcomes(&channel, None, expected).await;
        assert_eq!(wrong, BTreeMap::new(), "{caller:?}\n{}", server.secured.process.process_output());
    }
}
