//! Callers that do not speak gRPC, and calls from within the process.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::exposure::v1::ListScenariosRequest;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_runtime::{Access, Running, Server, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const TOKENS: &str = "[[token]]\nname = \"ann\"\ntoken = \"0123456789abcdef\"\nroles = [\"reader\"]\n";

async fn start(access: Access) -> Running {
    let server = Server {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: Vec::new(),
        clock: Arc::new(SystemClock),
        shutdown_budget: Duration::from_secs(5),
        access,
    };
    server.start(async |_, _| Ok(())).await.unwrap()
}

/// What is answered to a request over HTTP/1.1.
async fn get(running: &Running, path: &str, token: &str) -> String {
    let mut tcp = TcpStream::connect(running.address()).await.unwrap();
    let shown = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{shown}\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_refusal_is_a_problem_with_an_http_status() {
    let running = start(Access::parse(TOKENS).unwrap().for_web()).await;
    let unknown = get(&running, "/api/v1/exposures", "").await;
    assert!(unknown.starts_with("HTTP/1.1 401 "), "{unknown}");
    assert!(unknown.contains("application/problem+json") && unknown.contains("unauthenticated"), "{unknown}");
    let known = get(&running, "/api/v1/exposures", "0123456789abcdef").await;
    assert!(known.starts_with("HTTP/1.1 404 ") && known.contains("unknown-address"), "{known}");
    let open = get(&running, "/assets/none.css", "").await;
    assert!(open.starts_with("HTTP/1.1 404 "), "it needs no token: {open}");
    running.stop().await.unwrap();
}

/// Who names a method without speaking gRPC passes no check of roles by that.
#[tokio::test]
async fn a_method_is_no_page() {
    let running = start(Access::open().for_web()).await;
    for path in ["/orewatch.none.v1.Service/Method", "/a.b/c"] {
        let answer = get(&running, path, "").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_part_of_the_process_calls_its_own_services() {
    let running = start(Access::open()).await;
    let mut health = HealthClient::new(running.context().inside.channel());
    for _ in 0..3 {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
    running.stop().await.unwrap();
    assert!(health.check(HealthCheckRequest::default()).await.is_err());
}

#[tokio::test]
async fn calls_from_within_need_a_token_too() {
    let running = start(Access::parse(TOKENS).unwrap()).await;
    let mut exposure = ExposureServiceClient::new(running.context().inside.channel());
    let status = exposure.list_scenarios(ListScenariosRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    running.stop().await.unwrap();
}
