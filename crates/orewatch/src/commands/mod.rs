//! The commands.
pub(crate) mod acknowledge;
pub(crate) mod alerts;
pub(crate) mod backtest;
pub(crate) mod concordance;
pub(crate) mod deliveries;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod exposure;
pub(crate) mod fetch;
pub(crate) mod gates;
pub(crate) mod ingest;
pub(crate) mod inhibitions;
pub(crate) mod measures;
pub(crate) mod mend;
pub(crate) mod policy;
pub(crate) mod poll;
pub(crate) mod receivers;
pub(crate) mod releases;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod silences;
pub(crate) mod sources;
pub(crate) mod subscriptions;
pub(crate) mod verify;
pub(crate) mod withdraw;

mod absent;
mod compared;
mod point;
mod progress;
mod trial;
mod why;

use orewatch_runtime::Failure;

use crate::options::ClientOptions;
use crate::render::{Out, Row, one_line, plain};
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
    eprintln!("{}", plain(text, false));
}

/// A row as a page: the first field as its head, a text below, what is empty left out.
pub(crate) fn fields<R: Row>(out: &Out, row: &R) -> String {
    let mut text = String::new();
    for (k, (name, cell)) in R::COLUMNS.iter().zip(row.cells()).enumerate() {
        let value = cell.shown();
        match (k, *name, value.as_str()) {
            (_, _, "") => {}
            (0, _, id) => text.push_str(&format!("{}\n", out.style.bold(&one_line(id)))),
            (_, "text", words) => text.push_str(&format!("\n  {}\n", words.replace('\n', "\n  "))),
            (_, name, value) => {
                text.push_str(&format!("  {:<17} {}\n", name.replace('_', " "), one_line(value)))
            }
        }
    }
    text
}
