//! The server: health, an ordered stop, and workers that hang.
use std::sync::Arc;
use std::time::{Duration, Instant};

use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Access, Context, Running, Server, SystemClock, client};
use tonic::service::RoutesBuilder;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Answer;
use tonic_health::pb::health_client::HealthClient;

const SERVICE: &str = "orewatch.test.v1.TestService";

async fn start(
    budget: Duration,
    build: impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure>,
) -> Result<Running, Failure> {
    let server = Server {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: vec![SERVICE],
        clock: Arc::new(SystemClock),
        shutdown_budget: budget,
        access: Access::open(),
    };
    server.start(build).await
}

async fn health(running: &Running) -> HealthClient<tonic::transport::Channel> {
    HealthClient::new(client::connect(&format!("http://{}", running.address())).await.unwrap())
}

fn health_request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn a_service_is_ready_when_it_reports_so() {
    let running = start(Duration::from_secs(5), async |_, _| Ok(())).await.unwrap();
    let mut health = health(&running).await;
    let before = health.check(health_request(SERVICE)).await.unwrap().into_inner().status();
    running.context().health.set_service_status(SERVICE, ServingStatus::Serving).await;
    let after = health.check(health_request(SERVICE)).await.unwrap().into_inner().status();
    assert_eq!((before, after), (Answer::NotServing, Answer::Serving));
    assert_eq!(health.check(health_request("")).await.unwrap().into_inner().status(), Answer::Serving);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_open_streams_and_waits_for_workers() {
    let running = start(Duration::from_secs(10), async |context, _| {
        let stop = context.shutdown.clone();
        context.spawn("worker", async move {
            stop.cancelled().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(())
        });
        Ok(())
    })
    .await
    .unwrap();
    let mut watch = health(&running).await.watch(health_request(SERVICE)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), Answer::NotServing);

    let begun = Instant::now();
    let context = running.context().clone();
    running.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "the open stream held the stop up");
    assert!(context.running().is_empty(), "the stop did not wait for the worker");
    while let Ok(Some(_)) = watch.message().await {}
}

#[tokio::test]
async fn a_worker_that_hangs_is_named_within_the_budget() {
    let running = start(Duration::from_millis(200), async |context, _| {
        context.spawn("stuck-worker", std::future::pending());
        Ok(())
    })
    .await
    .unwrap();
    let failure = running.stop().await.unwrap_err();
    assert_eq!((failure.class.exit_code(), failure.code.as_str()), (4, "shutdown-timeout"));
    assert!(failure.message.contains("stuck-worker"), "{failure}");
}

#[tokio::test]
async fn a_worker_that_fails_or_panics_stops_the_process() {
    let running = start(Duration::from_secs(5), async |context, _| {
        context.spawn("log-reader", async { Err(Failure::new(Class::Damaged, "log-corrupt", "damaged")) });
        Ok(())
    })
    .await
    .unwrap();
    running.context().shutdown.cancelled().await;
    assert_eq!(running.stop().await.unwrap_err().class, Class::Damaged);

    let running = start(Duration::from_secs(5), async |context, _| {
        context.spawn("clumsy", async { panic!("a defect") });
        Ok(())
    })
    .await
    .unwrap();
    running.context().shutdown.cancelled().await;
    let failure = running.stop().await.unwrap_err();
    assert_eq!(failure.class, Class::Internal);
    assert!(failure.message.contains("clumsy"), "{failure}");
}

#[tokio::test]
async fn both_versions_of_reflection_know_the_contracts() {
    use tonic_reflection::pb::{v1, v1alpha};
    let running = start(Duration::from_secs(5), async |_, _| Ok(())).await.unwrap();
    let channel = client::connect(&format!("http://{}", running.address())).await.unwrap();

    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("orewatch.alerting.v1.AlertingService"), "{answer}");

    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            "orewatch.exposure.v1.Exposure".to_owned(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("FileDescriptorResponse"), "{answer}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = start(Duration::from_secs(5), async |_, _| Ok(())).await.unwrap();
    let second = Server {
        listen: first.address(),
        services: Vec::new(),
        clock: Arc::new(SystemClock),
        shutdown_budget: Duration::from_secs(1),
        access: Access::open(),
    };
    let failure = second.start(async |_, _| Ok(())).await.unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.value.clone()),
        ("cannot-listen", first.address().to_string())
    );
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_server_is_an_error_that_says_how_to_start_one() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = client::connect(&format!("http://{free}")).await.unwrap_err();
    assert_eq!((failure.class.exit_code(), failure.code.as_str()), (4, "no-server"));
    assert!(failure.hint.contains("orewatch up"), "{failure}");
    for wrong in ["", "localhost:7070", "ftp://host", "http://"] {
        assert_eq!(client::connect(wrong).await.unwrap_err().class, Class::Invalid, "{wrong}");
    }
}
