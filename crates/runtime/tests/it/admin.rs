//! The admin port, and that the public port does not serve what it serves.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use orewatch_runtime::{Access, Running, SERVICE_STATE, Server, SystemClock, admin, client};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const SERVICE: &str = "orewatch.alerting.v1.AlertingService";

async fn start() -> (Running, SocketAddr) {
    let server = Server {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: vec![SERVICE],
        clock: Arc::new(SystemClock),
        shutdown_budget: Duration::from_secs(5),
        access: Access::open(),
    };
    let running = server.start(async |_, _| Ok(())).await.unwrap();
    let admin = admin::listen(running.context(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    (running, admin)
}

/// Sends one request. Returns the status and the body.
async fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer));
    read.await.unwrap().unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

#[tokio::test]
async fn metrics_and_status_are_served_until_the_stop_is_over() {
    let (running, admin) = start().await;
    let (status, page) = ask(admin, "GET /metrics").await;
    assert_eq!(status, 200);
    assert!(page.contains("# TYPE orewatch_evaluation_seconds histogram"), "{page}");
    assert_eq!(ask(admin, "GET /healthz").await, (200, "ok\n".to_owned()));
    let (status, body) = ask(admin, "GET /readyz").await;
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &value["ready"], &value["state"]), (200, &Value::from(true), &Value::from("ready")));

    let context = running.context().clone();
    context.shutdown.cancel();
    let (status, body) = ask(admin, "GET /readyz").await;
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &value["state"]), (503, &Value::from("stopping")));
    assert_eq!(ask(admin, "POST /dump").await.0, 200);
    running.stop().await.unwrap();
    // The socket is closed by a task that hears of the end of the stop.
    while TcpStream::connect(admin).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn other_requests_are_refused() {
    let (running, admin) = start().await;
    for (request, expected) in
        [("GET /", 404), ("GET /metrics/x", 404), ("POST /metrics", 405), ("GET /dump", 405)]
    {
        let (status, body) = ask(admin, request).await;
        assert_eq!(status, expected, "{request}");
        assert!(body.contains("/metrics"), "{request}: {body}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_public_port_says_where_metrics_are() {
    let (running, _) = start().await;
    for path in ["/metrics", "/healthz", "/readyz", "/status", "/dump"] {
        let (status, body) = ask(running.address(), &format!("GET {path}")).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("--admin") && !body.contains("orewatch_"), "{path}: {body}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_status() {
    let (running, admin) = start().await;
    let channel = client::connect(&format!("http://{}", running.address())).await.unwrap();
    let mut health = HealthClient::new(channel);
    let request = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let response = health.check(request("")).await.unwrap();
    assert_eq!(response.metadata().get(SERVICE_STATE).unwrap(), "ready");
    health.check(request("no.such.Service")).await.unwrap_err();
    let counted = |page: &str, code: &str| {
        let method = "grpc.health.v1.Health/Check";
        let line = format!("orewatch_rpc_calls_total{{method=\"{method}\",code=\"{code}\"}} 1\n");
        page.contains(&line)
    };
    // A call counts when the server has sent all of its answer.
    loop {
        let (_, page) = ask(admin, "GET /metrics").await;
        if counted(&page, "OK") && counted(&page, "NOT_FOUND") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let (running, admin) = start().await;
    let mut slow = TcpStream::connect(admin).await.unwrap();
    slow.write_all(b"GET /metrics HTT").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is still open");
    running.stop().await.unwrap();
}
