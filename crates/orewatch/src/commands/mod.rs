//! The commands, one module each, and what they share.
pub(crate) mod acknowledge;
pub(crate) mod alerts;
pub(crate) mod changes;
pub(crate) mod cite;
pub(crate) mod claims;
pub(crate) mod concordance;
pub(crate) mod deliveries;
pub(crate) mod download;
pub(crate) mod drill;
pub(crate) mod errors;
pub(crate) mod explain;
pub(crate) mod exposure;
pub(crate) mod gates;
pub(crate) mod ingest;
pub(crate) mod inhibitions;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod measures;
pub(crate) mod outlook;
pub(crate) mod policy;
pub(crate) mod poll;
pub(crate) mod receivers;
pub(crate) mod refusal;
pub(crate) mod rejections;
pub(crate) mod releases;
pub(crate) mod repair;
pub(crate) mod revisions;
pub(crate) mod rules;
pub(crate) mod scenarios;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod silences;
pub(crate) mod sources;
pub(crate) mod subscriptions;
pub(crate) mod targets;
pub(crate) mod units;
pub(crate) mod verify;
pub(crate) mod withdraw;

mod as_at;
mod shared;

use orewatch_contracts::Failure;

use crate::options::ClientOptions;
use crate::render::to_stderr;
use crate::session::{Client, Session};

/// Runs a command with a client, and stops the services afterwards if they run inside this process.
pub(crate) async fn with_client(
    session: Session,
    options: &ClientOptions,
    command: impl AsyncFnOnce(&Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let client = Box::pin(session.client(options)).await?;
    let outcome = Box::pin(command(&client)).await;
    Box::pin(client.close(outcome)).await
}

/// Prints a message for the person on standard error.
#[allow(clippy::print_stderr, reason = "messages for people go to standard error")]
pub(crate) fn print_message(text: &str) {
    eprint!("{}", to_stderr(text));
}
