//! Sends as many alerts to Alertmanager over HTTP as our service opens itself.
use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{PATIENCE, PAUSE, Peer, version};
use crate::service::{self, Filled, WAIT_SECONDS};
use crate::{Options, print_head, print_row};

/// Number of alerts in a request.
const AT_ONCE: usize = 1_000;
/// Number of alerts that a message lists, as in our messages.
const MAX_LISTED: usize = 50;

pub(super) async fn report(options: &Options) {
    let (open, name) = (options.open, format!("Alertmanager {}", version("prometheus-alertmanager")));
    let theirs = measure(open).await;
    let ours = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        service::fill_in_child(folder.path(), open)
    });
    let ours = ours.await.expect("it is done");
    print_head(
        &format!("{open} alerts taken in"),
        &["CPU s", "open, s", "listed, s", "message, s", "peak MiB"],
    );
    row("orewatch: exposures evaluated, alerts on disk", &ours);
    row(&format!("{name}: alerts posted, in memory"), &theirs);
    println!(
        "  Wall seconds until all are open, until all are listed, and until the first message is planned or \
         sent; CPU until listed."
    );
}

fn row(what: &str, taken: &Filled) {
    let Filled { open, listed, planned, cpu, peak } = taken;
    let seconds = [cpu, open, listed, planned].map(|seconds| format!("{seconds:.2}"));
    print_row(what, &[seconds.as_slice(), &[format!("{peak:.0}")]].concat());
}

async fn measure(open: usize) -> Filled {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (receiver, arrival) = start_receiver().await;
    let config = format!(
        "route: {{receiver: all, group_wait: {WAIT_SECONDS}s, group_interval: 5m}}\n\
         receivers: [{{name: all, webhook_configs: [{{url: '{receiver}', max_alerts: {MAX_LISTED}}}]}}]\n"
    );
    fs::write(folder.path().join("alertmanager.yml"), config).expect("there is room");
    let args = [
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        // Without a cluster.
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
    let arrived = timeout(PATIENCE, arrival).await.expect("a message in time").expect("a message");
    let planned = arrived.duration_since(began).as_secs_f64();
    Filled { open: taken, listed, planned, cpu, peak: alertmanager.peak() }
}

/// A request with alerts, starting at a number.
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

/// Starts a receiver. Returns its URL, and when the first message arrives. Each connection gets one response.
async fn start_receiver() -> (String, oneshot::Receiver<Instant>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (sender, arrival) = oneshot::channel();
    tokio::spawn(async move {
        let mut sender = Some(sender);
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut byte = [0];
            if !matches!(connection.read(&mut byte).await, Ok(1)) {
                continue;
            }
            if sender.take().is_some_and(|sender| sender.send(Instant::now()).is_err()) {
                // The other side may have stopped waiting.
                return;
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(connection.write_all(answer).await);
            // Reads the rest of the request, so that the sender is not interrupted.
            let mut rest = Vec::new();
            drop(timeout(PAUSE, connection.read_to_end(&mut rest)).await);
        }
    });
    (url, arrival)
}
