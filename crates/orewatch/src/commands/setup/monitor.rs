//! What only the monitoring port of a NATS server shows: how it writes to its disk, and its clock.
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::Finding;
use orewatch_runtime::Clock;
use serde::Deserialize;

use crate::plain_http;

/// Usual monitoring port of NATS.
const DEFAULT_PORT: u16 = 8222;

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
    Ok(compare(&varz(address).await?, clock.now()))
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
    let asked = plain_http::request(Method::GET, address, DEFAULT_PORT, "/varz").await;
    let (_, body) = asked.map_err(|reason| silent(address, &reason))?;
    serde_json::from_slice(&body).map_err(|error| silent(address, &error.to_string()))
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
