//! A log that is away, damaged or replaced under running services: they go on answering and say so, nobody
//! exits, and everything goes on by itself.
use async_nats::{HeaderMap, jetstream};
use orewatch_contracts::alerting::v1::ListAlertsRequest;
use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::exposure::v1::{ExposureFilter, QueryExposuresRequest};
use orewatch_contracts::ingestion::v1::ListReleasesRequest;
use orewatch_testkit::NatsServer;
use orewatch_tests::api::{Api, eventually};
use orewatch_tests::process::Server;
use orewatch_tests::system::{SERVICES, System, run};
use orewatch_tests::tools::{output, reference_tables, text};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Full gRPC names of the services.
const NAMES: [&str; 3] = [
    "orewatch.ingestion.v1.IngestionService",
    "orewatch.exposure.v1.ExposureService",
    "orewatch.alerting.v1.AlertingService",
];

/// Three services on a NATS server, which are not ready two seconds after their log went away.
struct Services {
    nats: NatsServer,
    servers: Vec<Server>,
}

impl System for Services {
    fn addresses(&self) -> [&str; 3] {
        let mut addresses = self.servers.iter().map(Server::address);
        [(); 3].map(|()| addresses.next().unwrap_or_default())
    }

    fn kill_and_restart(&mut self, choice: usize) {
        self.servers.remove(choice).kill();
        self.servers.insert(choice, serve(SERVICES[choice], &self.nats));
    }

    fn process_output(&self) -> String {
        self.servers.iter().map(Server::process_output).collect::<Vec<_>>().join("\n---\n")
    }
}

fn serve(service: &str, nats: &NatsServer) -> Server {
    Server::start(&["serve", service, "--log", &nats.url(), "--stale-after", "2s"])
}

impl Services {
    fn start(nats: NatsServer) -> Self {
        let servers = SERVICES.iter().map(|service| serve(service, &nats)).collect();
        Self { nats, servers }
    }

    /// Ingests a reference table, and waits until everything follows from it.
    async fn ingest(&self, table: usize) {
        run(self.client(&["ingest", &reference_tables()[table]]));
        self.settle().await;
    }

    async fn settle(&self) {
        self.api().settled().await.unwrap_or_else(|status| panic!("{status}\n{}", self.process_output()));
    }

    /// Waits until what the services say of the log that they follow is as wanted.
    async fn wait_for_stale(
        &self,
        service: usize,
        wanted: impl Fn(Option<&LogState>) -> bool,
    ) -> Option<LogState> {
        let mut api = self.api();
        let found = eventually("the answer says of its log what it should", async || {
            let stale = stale(&mut api, service).await?;
            Ok(wanted(stale.as_ref()).then_some(stale))
        });
        found.await.unwrap_or_else(|status| panic!("{status}\n{}", self.process_output()))
    }

    /// Waits until a service is reported as ready, or as not ready. Returns what it says of its logs.
    async fn wait_for_health(&self, service: usize, wanted: ServingStatus) -> String {
        let mut health = HealthClient::new(channel(self.addresses()[service]));
        let found = eventually("the service has this health", async || {
            let request = HealthCheckRequest { service: NAMES[service].to_owned() };
            let response = health.check(request).await?;
            let lines = response.metadata().get_all("orewatch-log-state").iter();
            let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok().map(str::to_owned)).collect();
            Ok((response.get_ref().status() == wanted).then(|| lines.join("\n")))
        });
        found.await.unwrap_or_else(|status| panic!("{status}\n{}", self.process_output()))
    }

    async fn nats(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.nats.url()).await.expect("the server runs"))
    }

    async fn publish(&self, subject: &str, headers: HeaderMap) -> u64 {
        let nats = self.nats().await;
        let sent = nats.publish_with_headers(subject.to_owned(), headers, "oops".into()).await;
        sent.expect("published").await.expect("stored").sequence
    }

    /// All processes still run, and stop in order.
    fn stop(self) {
        for server in self.servers {
            let output = server.process_output();
            assert!(server.stop().success(), "{output}");
        }
    }
}

fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy()
}

/// What an answer of exposure (1) or alerting (2) says of the log that it rests on.
async fn stale(api: &mut Api, service: usize) -> Result<Option<LogState>, Status> {
    Ok(match service {
        1 => {
            // There are no statistics of that year, so that nothing is computed.
            let filter = ExposureFilter { as_of: "1900".to_owned(), ..ExposureFilter::default() };
            let request = QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() };
            api.exposure.query_exposures(request).await?.into_inner().stale
        }
        _ => api.alerting.list_alerts(ListAlertsRequest::default()).await?.into_inner().stale,
    })
}

/// Headers of an event of ours whose other headers are missing.
fn damaged(log: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-source", format!("/orewatch/{log}"));
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_on_while_nats_is_away_and_say_so() {
    let mut services = Services::start(NatsServer::start());
    services.ingest(0).await;
    for service in [1, 2] {
        services.wait_for_stale(service, |stale| stale.is_none()).await;
        services.wait_for_health(service, ServingStatus::Serving).await;
    }

    services.nats.kill();
    for (service, logs) in [(1, &["observations"][..]), (2, &["alerts", "exposures"][..])] {
        let state = services.wait_for_stale(service, |stale| stale.is_some()).await.expect("it says so");
        assert!(logs.contains(&state.log.as_str()) && state.position > 0, "{state:?}");
        assert!(state.behind_since.is_some() && state.reason.contains("unavailable"), "{state:?}");
        let details = services.wait_for_health(service, ServingStatus::NotServing).await;
        assert!(details.contains(&state.log) && details.contains("unavailable"), "{details}");
        // Not ready, and answering all the same.
        services.wait_for_stale(service, |stale| stale.is_some()).await;
    }
    let rules = run(services.client(&["rules", "list"]));
    assert!(text(&rules.stderr).contains("Answered as of position"), "{}", text(&rules.stderr));
    services.wait_for_health(0, ServingStatus::NotServing).await;
    let refused = services.api().ingestion.list_releases(ListReleasesRequest::default()).await;
    let refused = refused.expect_err("its log is away");
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.metadata().contains_key("grpc-retry-pushback-ms"), "{refused:?}");
    let ingest = output(&mut services.client(&["ingest", &reference_tables()[1]]));
    assert_eq!(ingest.status.code(), Some(4), "{}", text(&ingest.stderr));
    assert!(text(&ingest.stderr).contains("log observations is unavailable"), "{}", text(&ingest.stderr));

    services.nats.restart();
    for service in [1, 2] {
        services.wait_for_stale(service, |stale| stale.is_none()).await;
        services.wait_for_health(service, ServingStatus::Serving).await;
    }
    services.ingest(1).await;
    services.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_without_nats_become_ready_when_it_comes() {
    let mut nats = NatsServer::start();
    nats.kill();
    let mut services = Services::start(nats);
    for service in [0, 1, 2] {
        services.wait_for_health(service, ServingStatus::NotServing).await;
    }
    services.nats.restart();
    for service in [0, 1, 2] {
        services.wait_for_health(service, ServingStatus::Serving).await;
    }
    services.ingest(0).await;
    services.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn four_bytes_of_somebody_else_stop_nothing() {
    let services = Services::start(NatsServer::start());
    services.ingest(0).await;
    for log in ["observations", "exposures", "alerts"] {
        services.publish(&format!("orewatch.{log}.x.y"), HeaderMap::new()).await;
    }
    services.ingest(1).await;
    for (service, log) in [(0, "observations"), (1, "observations"), (2, "exposures")] {
        let details = services.wait_for_health(service, ServingStatus::Serving).await;
        assert!(details.contains(&format!("1 messages of other programs on log {log}")), "{details}");
    }
    services.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_event_stops_its_fold_and_nothing_else() {
    let mut services = Services::start(NatsServer::start());
    services.ingest(0).await;
    let position = services.publish("orewatch.exposures.x", damaged("exposures")).await;
    let reason = format!("damaged at position {position}");
    let is_named = |stale: Option<&LogState>| stale.is_some_and(|state| state.reason.contains(&reason));
    let state = services.wait_for_stale(2, is_named).await.expect("it says so");
    assert_eq!((state.log.as_str(), state.position), ("exposures", position - 1));
    // Exposures do not rest on their own log, and go on.
    services.wait_for_stale(1, |stale| stale.is_none()).await;
    let details = services.wait_for_health(2, ServingStatus::NotServing).await;
    assert!(details.contains(&reason), "{details}");
    // A restart does not make it worse.
    services.kill_and_restart(2);
    services.wait_for_stale(2, is_named).await;

    let position = services.publish("orewatch.observations.x", damaged("observations")).await;
    let reason = format!("damaged at position {position}");
    services.wait_for_stale(1, |stale| stale.is_some_and(|state| state.reason.contains(&reason))).await;
    services.kill_and_restart(1);
    services.wait_for_stale(1, |stale| stale.is_some_and(|state| state.reason.contains(&reason))).await;
    services.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_deleted_is_named_and_published_anew() {
    let services = Services::start(NatsServer::start());
    services.ingest(0).await;
    let before = services.api().alerting.list_alerts(ListAlertsRequest::default()).await.expect("alerts");
    let context = services.nats().await;
    let config = context.get_stream("EXPOSURES").await.expect("it is there").cached_info().config.clone();
    context.delete_stream("EXPOSURES").await.expect("deleted");
    services.wait_for_stale(2, |stale| stale.is_some_and(|state| state.reason.contains("deleted"))).await;
    context.create_stream(config).await.expect("made anew");
    services.wait_for_stale(2, |stale| stale.is_none()).await;
    let after = services.api().alerting.list_alerts(ListAlertsRequest::default()).await.expect("alerts");
    assert_eq!(after.into_inner().alerts, before.into_inner().alerts);
    services.ingest(1).await;
    services.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_logs_is_folded_anew() {
    let mut services = Services::start(NatsServer::start());
    services.ingest(0).await;
    let known = services.api().releases().await.expect("releases").len();
    services.nats.keep_copy();
    services.settle().await;
    services.ingest(1).await;
    services.nats.restore_copy();
    let api = services.api();
    eventually("the release of the newer log is gone", async || {
        let releases = api.releases().await?;
        Ok((releases.len() == known).then_some(()))
    })
    .await
    .unwrap_or_else(|status| panic!("{status}\n{}", services.process_output()));
    services.ingest(1).await;
    for service in [1, 2] {
        services.wait_for_stale(service, |stale| stale.is_none()).await;
    }
    services.stop();
}
