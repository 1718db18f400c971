//! As many alerts handed to Alertmanager over HTTP as our service opens by itself.
use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{PATIENCE, PAUSE, Peer, version};
use crate::service::{self, Filled, WAIT_SECONDS};
use crate::{Options, head, line};

/// Alerts of a request.
const AT_ONCE: usize = 1_000;
/// Alerts of a message that are told one by one, as ours has.
const TOLD: usize = 50;

pub(super) async fn tell(options: &Options) {
    let (open, name) = (options.open, format!("Alertmanager {}", version("prometheus-alertmanager")));
    let theirs = measure(open).await;
    let ours = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        service::filled(folder.path(), open)
    });
    let ours = ours.await.expect("it is done");
    head(&format!("{open} alerts taken in"), &["CPU s", "open, s", "listed, s", "message, s", "peak MiB"]);
    row("orewatch: exposures evaluated, alerts on disk", &ours);
    row(&format!("{name}: alerts posted, in memory"), &theirs);
    println!(
        "  Seconds of the wall until all are open, all are listed, and the first message is planned or sent; CPU until listed."
    );
}

fn row(what: &str, taken: &Filled) {
    let Filled { open, listed, planned, cpu, peak } = taken;
    let seconds = [cpu, open, listed, planned].map(|seconds| format!("{seconds:.2}"));
    line(what, &[seconds.as_slice(), &[format!("{peak:.0}")]].concat());
}

async fn measure(open: usize) -> Filled {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (receiver, told) = receiver().await;
    let config = format!(
        "route: {{receiver: all, group_wait: {WAIT_SECONDS}s, group_interval: 5m}}\n\
         receivers: [{{name: all, webhook_configs: [{{url: '{receiver}', max_alerts: {TOLD}}}]}}]\n"
    );
    fs::write(folder.path().join("alertmanager.yml"), config).expect("there is room");
    let args = [
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        // No cluster.
        "--cluster.listen-address=",
        "--log.level=warn",
    ];
    let alertmanager = Peer::start("prometheus-alertmanager", &args, folder.path()).await;
    let batches: Vec<Vec<u8>> = (0..open).step_by(AT_ONCE).map(|begin| batch(begin, open)).collect();
    let (began, cpu) = (Instant::now(), alertmanager.cpu());
    for batch in batches {
        alertmanager.post("/api/v2/alerts", batch).await;
    }
    while alertmanager.metric("alertmanager_alerts_received_total").await < open as f64 {
        assert!(began.elapsed() < PATIENCE, "all alerts are received");
        tokio::time::sleep(PAUSE).await;
    }
    let taken = began.elapsed().as_secs_f64();
    let alerts = alertmanager.get("/api/v2/alerts").await;
    let (listed, cpu) = (began.elapsed().as_secs_f64(), alertmanager.cpu() - cpu);
    let alerts: Vec<Value> = serde_json::from_slice(&alerts).expect("a list of alerts");
    assert_eq!(alerts.len(), open, "all of them are open and listed");
    let told = timeout(PATIENCE, told).await.expect("a message in time").expect("a message");
    let planned = told.duration_since(began).as_secs_f64();
    Filled { open: taken, listed, planned, cpu, peak: alertmanager.peak() }
}

/// A request with the alerts from a number on.
fn batch(begin: usize, open: usize) -> Vec<u8> {
    let alert = |k: usize| {
        json!({
            "labels": {
                "alertname": "high", "severity": "warning", "stage": "refined",
                "material": format!("m{}", k / 10_000),
                "consumer": format!("c{}", k / 100 % 100), "supplier": format!("s{}", k % 100),
            },
            "annotations": { "summary": "More than half from one supplier" },
        })
    };
    let alerts: Vec<Value> = (begin..(begin + AT_ONCE).min(open)).map(alert).collect();
    serde_json::to_vec(&alerts).expect("JSON")
}

/// Where messages go, and when the first one comes. Each connection is answered once, when its request is there.
async fn receiver() -> (String, oneshot::Receiver<Instant>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut tell = Some(tell);
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut byte = [0];
            if !matches!(connection.read(&mut byte).await, Ok(1)) {
                continue;
            }
            if tell.take().is_some_and(|tell| tell.send(Instant::now()).is_err()) {
                // Nobody waits for it any more.
                return;
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(connection.write_all(answer).await);
            // The rest of the request is taken, so that its writer is not cut off.
            let mut rest = Vec::new();
            drop(timeout(PAUSE, connection.read_to_end(&mut rest)).await);
        }
    });
    (url, told)
}
