//! Carries out the plan: each step in a module that looks and measures, and leaves the verdict to
//! `judge`. Every wait has a deadline, so that a doctor never hangs where a service would.
mod certificate;
mod disk;
mod host;
mod logs;
mod place;
mod services;

use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_eventlog::jetstream::{Identity, JetStreamOptions};
use orewatch_runtime::{ClientTls, Clock};

use super::check::Check;
use super::found::Found;
use super::plan::Step;
use crate::commands::setup::monitor;

/// What the probes need beside the plan.
#[derive(Debug)]
pub(super) struct Means {
    /// How to connect to NATS.
    pub(super) nats: JetStreamOptions,
    /// As whom, and what that identity needs.
    pub(super) identity: Identity,
    /// Files with certificate authorities to trust beside the system's.
    pub(super) authorities: Vec<PathBuf>,
    /// TLS of connections to services.
    pub(super) tls: ClientTls,
    /// The source of the present time.
    pub(super) clock: Arc<dyn Clock>,
}

/// Carries out a step.
pub(super) async fn run(step: &Step, means: &Means) -> Found {
    match step {
        Step::File(key, path) => host::file(key, path).await.into(),
        Step::Lookup(endpoint) => host::lookup(endpoint).await.into(),
        Step::Certificate(endpoint) => {
            certificate::check(endpoint, &means.authorities, means.clock.now()).await.into()
        }
        Step::Logs(target) => Box::pin(logs::check(target, &means.nats, &means.identity)).await,
        Step::Monitor(address) => {
            let subject = address.as_deref().unwrap_or("monitoring port");
            match monitor::findings(address.as_deref(), &*means.clock).await {
                Ok(findings) => findings.iter().map(Check::of_finding).fold(Found::default(), with),
                Err(failure) => of_failure("nats", subject, &failure),
            }
        }
        Step::Place(what, location) => Box::pin(place::check(what, location, means.clock.now())).await.into(),
        Step::Space(folder) => disk::space(folder).await.into(),
        Step::Sync(folder) => disk::sync(folder).await.into(),
        Step::Services { address, services, is_named } => {
            Box::pin(services::check(address, services, *is_named, means)).await
        }
    }
}

/// What was found, and one more check.
fn with(mut found: Found, check: Check) -> Found {
    found.checks.push(check);
    found
}

fn of_failure(area: &'static str, subject: &str, failure: &Failure) -> Found {
    Check::of_failure(area, subject, failure).into()
}
