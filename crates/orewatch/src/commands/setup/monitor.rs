//! What only the monitoring port of a NATS server shows: how it writes to its disk, and its clock.
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::Finding;
use orewatch_runtime::Clock;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time for the answer of the monitoring port.
const PATIENCE: Duration = Duration::from_secs(5);

/// Upper bound on the answer, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Largest difference between the clocks that passes.
const MAX_CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(2);

/// The part of `/varz` that matters here.
#[derive(Debug, Deserialize)]
struct Varz {
    now: Timestamp,
    #[serde(default)]
    jetstream: JetStreamPart,
}

#[derive(Debug, Default, Deserialize)]
struct JetStreamPart {
    #[serde(default)]
    config: Option<JetStreamConfig>,
}

#[derive(Debug, Default, Deserialize)]
struct JetStreamConfig {
    #[serde(default)]
    sync_always: bool,
}

/// What is to be said of `sync_interval` and the clock of a server.
///
/// # Errors
/// The monitoring port does not answer, or with something else.
pub(crate) async fn findings(monitor: Option<&str>, clock: &dyn Clock) -> Result<Vec<Finding>, Failure> {
    let Some(address) = monitor else {
        let remedy = "name the monitoring port of each server with --monitor http://HOST:8222";
        return Ok(vec![
            Finding::unknown("sync_interval", "always".to_owned(), remedy),
            Finding::unknown("clock difference", within(), remedy),
        ]);
    };
    let asked = timeout(PATIENCE, varz(address)).await;
    let varz = asked.unwrap_or_else(|_| Err(silent(address, "it does not answer in time")))?;
    Ok(compare(&varz, clock.now()))
}

fn compare(varz: &Varz, now: Timestamp) -> Vec<Finding> {
    let syncs = varz.jetstream.config.as_ref().is_some_and(|config| config.sync_always);
    let difference = varz.now.duration_since(now).abs();
    vec![
        Finding::compared(
            "sync_interval",
            "always".to_owned(),
            if syncs { "always" } else { "another interval" }.to_owned(),
            syncs,
            "set jetstream { sync_interval: always }: otherwise acknowledged events are lost if the power \
             fails",
        ),
        Finding::compared(
            "clock difference",
            within(),
            format!("{:.1} s apart", difference.as_secs_f64()),
            difference <= MAX_CLOCK_DIFFERENCE,
            "synchronise the clocks of this machine and of the server",
        ),
    ]
}

fn within() -> String {
    format!("within {} s of ours", MAX_CLOCK_DIFFERENCE.as_secs())
}

fn silent(address: &str, reason: &str) -> Failure {
    Failure::new(
        Class::Unavailable,
        "log-unavailable",
        format!("the monitoring port does not answer: {reason}"),
    )
    .at("monitor", address)
    .with_hint("write http://HOST:8222, the `http` port of nats.conf")
}

/// Asks for `/varz`.
async fn varz(address: &str) -> Result<Varz, Failure> {
    let failed = |error: &dyn std::fmt::Display| silent(address, &error.to_string());
    let uri: Uri = address.parse().map_err(|error| failed(&error))?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or_else(|| silent(address, "the address is not http://HOST:PORT"))?;
    let port = uri.port_u16().unwrap_or(8222);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| failed(&error))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    let request = Request::get("/varz").header("host", host).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| failed(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        Ok::<_, Failure>(body.map_err(|error| failed(&error))?.to_bytes())
    };
    let bytes = tokio::select! {
        answer = answer => answer?,
        ended = connection => return Err(match ended {
            Ok(()) => silent(address, "it closed the connection"),
            Err(error) => failed(&error),
        }),
    };
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use orewatch_eventlog::jetstream::Verdict;

    use super::*;

    #[test]
    fn sync_and_clock_are_compared() {
        let verdicts = |text: &str, now: &str| {
            let varz: Varz = serde_json::from_str(text).unwrap();
            compare(&varz, now.parse().unwrap()).iter().map(|one| one.verdict).collect::<Vec<_>>()
        };
        let good = r#"{"now": "2026-11-30T12:00:00Z", "jetstream": {"config": {"sync_always": true}}}"#;
        assert_eq!(verdicts(good, "2026-11-30T12:00:01Z"), [Verdict::Pass, Verdict::Pass]);
        assert_eq!(verdicts(good, "2026-11-30T12:01:00Z"), [Verdict::Pass, Verdict::Fail]);
        let bare = r#"{"now": "2026-11-30T12:00:00Z", "jetstream": {}}"#;
        assert_eq!(verdicts(bare, "2026-11-30T11:59:59Z"), [Verdict::Fail, Verdict::Pass]);
    }
}
