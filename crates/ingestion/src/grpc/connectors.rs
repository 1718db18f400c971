//! Publishers' interfaces: on demand, and what became of it.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::{
    IngestFilesResponse, ListConnectorsRequest, ListConnectorsResponse, ListFetchesRequest,
    ListFetchesResponse, PollRequest,
};
use orewatch_runtime::{Class, Failure};
use tokio::sync::mpsc;
use tonic::Status;

use super::intake::{QUEUE, teller, told};
use super::{Answers, Edge, Page};
use crate::connectors::{Ended, Run, to_the_second};

/// How long the last word waits to be heard.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls. What was begun is carried to its end whether anybody listens or not.
pub(super) async fn poll(edge: &Edge, request: PollRequest) -> Result<Answers<IngestFilesResponse>, Status> {
    let (sender, receiver) = mpsc::channel::<Result<IngestFilesResponse, Failure>>(QUEUE);
    let connectors = Arc::clone(&edge.connectors);
    edge.keeper.tasks().spawn(async move {
        let run = connectors.poll(&request.connector, request.force, &mut teller(&sender)).await;
        if let Err(failure) = run.and_then(|run| concluded(&request.connector, run)) {
            // How it ended is worth some patience with who is slow to listen.
            drop(tokio::time::timeout(PATIENCE, sender.send(Err(failure))).await);
        }
    });
    Ok(told(receiver))
}

/// What did not end well is an error to who asked for it.
fn concluded(name: &str, run: Run) -> Result<(), Failure> {
    match run {
        Run::Ended(Ended { problem, class, .. }) if !problem.is_empty() => {
            Err(Failure::new(class, "poll-failed", format!("{name}: {problem}"))
                .with_hint("`orewatch requests` shows what was asked and what came"))
        }
        Run::Ended(_) => Ok(()),
        Run::Paused(until, why) => {
            Err(Failure::new(Class::Exhausted, "poll-waits", format!("{name} waits until {}: {why}", to_the_second(until)))
                .with_hint("it goes on where it stopped: by itself in a service that polls, or when it is asked for again; --force begins anew now"))
        }
    }
}

pub(super) async fn list(
    edge: &Edge,
    _request: ListConnectorsRequest,
) -> Result<ListConnectorsResponse, Status> {
    Ok(edge.connectors.list().await?)
}

pub(super) async fn fetches(edge: &Edge, request: ListFetchesRequest) -> Result<ListFetchesResponse, Status> {
    // A token is the position of the last request that was given: what comes meanwhile does not move the pages.
    let Page { from, size } = Page::of(request.page_size, &request.page_token)?;
    let before =
        if request.page_token.is_empty() { u64::MAX } else { u64::try_from(from).unwrap_or(u64::MAX) };
    let mut found = edge.connectors.fetches(&request.connector, before, size.saturating_add(1)).await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next_page_token = last.map(|(position, _)| position.to_string()).unwrap_or_default();
    let fetches = found.into_iter().map(|(_, fetch)| fetch).collect();
    Ok(ListFetchesResponse { fetches, next_page_token })
}
