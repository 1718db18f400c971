//! Connections that say nothing, or not enough, are closed; those that speak are served beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orewatch_runtime::{Access, Running, Server, SystemClock, client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

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
async fn a_connection_that_says_nothing_is_closed_in_time() {
    let running = serve().await;
    let silent = async { tokio::join!(lasts(&running, b""), lasts(&running, b"PRI * HTTP/2.0")) };
    let (nothing, little) = tokio::time::timeout(Duration::from_secs(30), silent).await.unwrap();
    assert!(nothing > Duration::from_secs(5) && little > Duration::from_secs(5), "{nothing:?} {little:?}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_that_speaks_is_served_beside_a_thousand_that_do_not() {
    let running = serve().await;
    let mut health =
        HealthClient::new(client::connect(&format!("http://{}", running.address())).await.unwrap());
    let mut silent = Vec::new();
    for _ in 0..1_100 {
        silent.extend(TcpStream::connect(running.address()).await);
    }
    health.check(HealthCheckRequest::default()).await.unwrap();
    // There is no place for another, and that is said at once.
    let refused = tokio::time::timeout(Duration::from_secs(5), lasts(&running, b"")).await;
    assert!(refused.unwrap() < Duration::from_secs(5));
    drop(silent);
    running.stop().await.unwrap();
}
