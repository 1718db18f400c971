//! Silent connections are closed, and calls on others are served beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orewatch_runtime::{Access, Running, Server, SystemClock, client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

/// Time for an answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

async fn serve() -> Running {
    let server = Server {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: Vec::new(),
        clock: Arc::new(SystemClock),
        shutdown_budget: Duration::from_secs(5),
        access: Access::open(),
    };
    server.start(async |_, _| Ok(())).await.unwrap()
}

/// How long a connection lasts on which `said` is said and then nothing.
async fn lasts(running: &Running, said: &[u8]) -> Duration {
    let mut connection = TcpStream::connect(running.address()).await.unwrap();
    connection.write_all(said).await.unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ended = connection.read_to_end(&mut rest).await;
    begun.elapsed()
}

#[tokio::test]
async fn a_silent_connection_is_closed_in_time() {
    let running = serve().await;
    let silent = async { tokio::join!(lasts(&running, b""), lasts(&running, b"PRI * HTTP/2.0")) };
    let (nothing, little) = tokio::time::timeout(Duration::from_secs(30), silent).await.unwrap();
    assert!(nothing > Duration::from_secs(5) && little > Duration::from_secs(5), "{nothing:?} {little:?}");
    running.stop().await.unwrap();
}

/// The greeting of HTTP/2: its preface and a frame of settings without any.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_call_is_served_beside_a_thousand_silent_connections() {
    let running = serve().await;
    let address = format!("http://{}", running.address());
    let mut before = HealthClient::new(client::connect(&address).await.unwrap());
    before.check(HealthCheckRequest::default()).await.unwrap();
    for said in [b"".as_slice(), GREETING] {
        let mut silent = Vec::new();
        for _ in 0..1_100 {
            let mut connection = TcpStream::connect(running.address()).await.unwrap();
            // It may be closed already for one that came after.
            let _written = connection.write_all(said).await;
            silent.push(connection);
        }
        let mut after = HealthClient::new(client::connect(&address).await.unwrap());
        let check = tokio::time::timeout(PATIENCE, after.check(HealthCheckRequest::default()));
        check.await.unwrap().unwrap();
        let check = tokio::time::timeout(PATIENCE, before.check(HealthCheckRequest::default()));
        check.await.unwrap().unwrap();
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn abandoned_answers_delay_no_later_call() {
    /// More than the client has room for, so that some of each answer waits on the connection when its call
    /// is left.
    const QUESTIONS: usize = 64;
    let running = serve().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", running.address())).unwrap();
    let channel = endpoint.initial_stream_window_size(64 << 10).connect().await.unwrap();
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let service = MessageRequest::FileContainingSymbol("orewatch.alerting.v1.AlertingService".to_owned());
    let request = ServerReflectionRequest { message_request: Some(service), ..Default::default() };
    for _ in 0..200 {
        let questions = tokio_stream::iter(vec![request.clone(); QUESTIONS]);
        let asked = tokio::time::timeout(PATIENCE, reflection.server_reflection_info(questions));
        let mut answers = asked.await.unwrap().unwrap().into_inner();
        tokio::time::timeout(PATIENCE, answers.message()).await.unwrap().unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut health = HealthClient::new(channel);
    let asked = tokio::time::timeout(PATIENCE, health.check(HealthCheckRequest::default()));
    asked.await.unwrap().unwrap();
    running.stop().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_call_is_served_beside_ten_thousand_idle_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const IDLE: usize = 10_000;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    assert!(
        allowed > 12_000,
        "the test needs 12000 open files, and {allowed} are allowed: raise `ulimit -n`"
    );

    let running = serve().await;
    let address = format!("http://{}", running.address());
    let mut before = HealthClient::new(client::connect(&address).await.unwrap());
    let mut idle = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        let mut connection = TcpStream::connect(running.address()).await.unwrap();
        let _written = connection.write_all(GREETING).await;
        idle.push(connection);
        if number % 1_000 == 0 {
            let check = tokio::time::timeout(PATIENCE, before.check(HealthCheckRequest::default()));
            check.await.unwrap().unwrap();
        }
    }
    let mut after = HealthClient::new(client::connect(&address).await.unwrap());
    for health in [&mut before, &mut after] {
        let check = tokio::time::timeout(PATIENCE, health.check(HealthCheckRequest::default()));
        check.await.unwrap().unwrap();
    }
    drop(idle);
    running.stop().await.unwrap();
}
