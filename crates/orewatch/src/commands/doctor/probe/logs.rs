//! The logs: on NATS with server, streams and permissions, or as files.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_eventlog::EventLog;
use orewatch_eventlog::jetstream::{self, Identity, JetStream, JetStreamOptions, LEASES};
use orewatch_runtime::{LogStore, LogTarget};

use super::super::check::Check;
use super::super::found::{Found, LogPosition};
use crate::commands::setup::LOGS;

/// Time for the server to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the logs.
pub(super) async fn check(target: &LogTarget, options: &JetStreamOptions, identity: &Identity) -> Found {
    match target {
        LogTarget::Nats(servers) => on_nats(servers, options, identity).await,
        LogTarget::Embedded(folder) => {
            let mut found = positions(&LogStore::Embedded(folder.clone()), &LOGS).await;
            if found.checks.is_empty() {
                let remedy = "start `orewatch up --data DIR`, or name the directory that it uses";
                let subject = folder.display().to_string();
                found.checks.push(Check::warn("log", subject, "there are no logs", remedy));
            }
            found
        }
    }
}

async fn on_nats(servers: &str, options: &JetStreamOptions, identity: &Identity) -> Found {
    let options = JetStreamOptions {
        // Where and how often logs are stored is the administrator's business, and a doctor makes nothing.
        makes_streams: false,
        opening_patience: PATIENCE,
        patience: PATIENCE,
        ..options.clone()
    };
    let nats = match jetstream::connect(servers, options).await {
        Ok(nats) => nats,
        Err(error) => return failed("nats", "connection", error.into()),
    };
    let mut found = Found::from(Check::pass("nats", "connection", format!("as {}", identity.name)));
    found.add(server(&nats, identity).await);
    let names: Vec<&str> = identity.reads.iter().map(String::as_str).collect();
    found.add(positions(&LogStore::JetStream(Box::new(nats)), &names).await);
    found
}

/// Settings of the server and of the streams, and what it permits.
async fn server(nats: &JetStream, identity: &Identity) -> Found {
    let names: Vec<&str> = identity.reads.iter().map(String::as_str).collect();
    let mut found = Found::default();
    match nats.check(&names).await {
        Ok(findings) => found.checks.extend(findings.iter().map(Check::of_finding)),
        Err(error) => found.add(failed("nats", "settings of the streams", error.into())),
    }
    if identity.holds_leases {
        match nats.check_stream(LEASES).await {
            Ok(findings) => found.checks.extend(findings.iter().map(Check::of_finding)),
            Err(error) => found.add(failed("nats", "settings of the leases", error.into())),
        }
    }
    match nats.permissions(identity).await {
        Ok(findings) => found.checks.extend(findings.iter().map(Check::of_finding)),
        Err(error) => found.add(failed("nats", "permissions", error.into())),
    }
    found
}

/// Where the logs end that are there.
async fn positions(store: &LogStore, names: &[&str]) -> Found {
    let mut found = Found::default();
    for name in names {
        match position(store, name).await {
            Ok(None) => {}
            Ok(Some(position)) => {
                let LogPosition { oldest, head, .. } = position;
                let shown = if head < oldest { "empty".to_owned() } else { format!("{oldest} to {head}") };
                found.checks.push(Check::pass("log", *name, format!("positions: {shown}")));
                found.positions.push(position);
            }
            Err(failure) => found.add(failed("log", name, failure)),
        }
    }
    found
}

async fn position(store: &LogStore, name: &str) -> Result<Option<LogPosition>, Failure> {
    let log: Option<Arc<dyn EventLog>> = store.open_to_read(name).await?;
    let Some(log) = log else { return Ok(None) };
    let extent = log.extent().await?;
    Ok(Some(LogPosition { log: name.to_owned(), oldest: extent.oldest, head: extent.head }))
}

fn failed(area: &'static str, subject: &str, failure: Failure) -> Found {
    Check::of_failure(area, subject, &failure).into()
}
