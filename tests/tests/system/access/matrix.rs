//! The matrix of callers and methods: every kind of caller calls every method.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Request};

use super::server::{SecuredServer, token};

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
const OUTLOOK: &str = "orewatch.exposure.v1.OutlookService";
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
    (OUTLOOK, "GetOutlook", Reader),
    (OUTLOOK, "ScoreForecasts", Reader),
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
    /// The caller has no token, or an unknown one.
    Unauthenticated,
}

/// A caller, by the name of its token, and the expected outcome of its calls by service and required role.
type Caller = (Option<&'static str>, fn(&str, Required) -> Outcome);

fn passed_if_among(granted: &[Required], required: Required) -> Outcome {
    if granted.contains(&required) { Outcome::Passed } else { Outcome::Denied }
}

const CALLERS: [Caller; 7] = [
    (None, |_, _| Outcome::Unauthenticated),
    (Some("stranger"), |_, _| Outcome::Unauthenticated),
    // A token without roles may read, and may write to ingestion: tokens had no roles once.
    (Some("unnamed"), |service, required| {
        if service == INGESTION { Outcome::Passed } else { passed_if_among(&[Reader], required) }
    }),
    (Some("acme-reader"), |_, required| passed_if_among(&[Reader], required)),
    (Some("acme-analyst"), |_, required| passed_if_among(&[Reader, Analyst], required)),
    (Some("acme-ingester"), |_, required| passed_if_among(&[Reader, Ingester], required)),
    (Some("acme-operator"), |_, _| Outcome::Passed),
];

/// Calls a method with an empty message.
async fn call(channel: &Channel, path: &str, caller: Option<&str>) -> Outcome {
    let mut request = Request::new(());
    if let Some(name) = caller {
        let header = format!("Bearer {}", token(name)).parse().expect("a token is ASCII");
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

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_open_only_to_callers_with_its_role() {
    let path = |service: &str, method: &str| format!("/{service}/{method}");
    let rows: BTreeSet<String> = METHODS.iter().map(|(service, method, _)| path(service, method)).collect();
    let contracts: BTreeSet<String> = orewatch_contracts::roles().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(rows, contracts, "give every method of the contracts a row here");

    let server = SecuredServer::start();
    let channel = server.channel();
    let mut wrong = BTreeMap::new();
    for (service, method, required) in METHODS {
        for (caller, expected) in CALLERS {
            let outcome = call(&channel, &path(service, method), caller).await;
            if outcome != expected(service, *required) {
                wrong.insert((*method, caller), outcome);
            }
        }
    }
    assert_eq!(wrong, BTreeMap::new(), "{}", server.process.process_output());
    // A method without a role is never called, because there is none of this name.
    let unknown = call(&channel, "/orewatch.alerting.v1.AlertingService/DropAllRules", Some("root")).await;
    assert_eq!(unknown, Outcome::Passed, "there is no such method, and no service to reach");
}
