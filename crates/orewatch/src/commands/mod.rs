//! The commands.
pub(crate) mod alerts;
pub(crate) mod backtest;
pub(crate) mod concordance;
pub(crate) mod explain;
pub(crate) mod exposure;
pub(crate) mod fetch;
pub(crate) mod gates;
pub(crate) mod ingest;
pub(crate) mod measures;
pub(crate) mod mend;
pub(crate) mod poll;
pub(crate) mod releases;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod sources;
pub(crate) mod verify;
pub(crate) mod withdraw;

mod absent;
mod point;
mod progress;
mod trial;

use orewatch_runtime::Failure;

use crate::options::ClientOptions;
use crate::session::{Client, Session};

/// Runs a command that asks services, and ends them in order if they are in this process.
pub(crate) async fn ask(
    session: Session,
    options: &ClientOptions,
    command: impl AsyncFnOnce(&Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let client = Box::pin(session.client(options)).await?;
    let outcome = Box::pin(command(&client)).await;
    Box::pin(client.close(outcome)).await
}

/// Says something to the person, not to the program behind the pipe.
#[allow(clippy::print_stderr, reason = "standard error is where talk goes")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
