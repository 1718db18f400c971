//! Connectors: polls on demand, and lists of connectors and fetches.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::common::v1::Blame;
use orewatch_contracts::ingestion::v1::{
    IngestFilesResponse, ListConnectorsRequest, ListConnectorsResponse, ListFetchesRequest,
    ListFetchesResponse, PollRequest,
};
use orewatch_contracts::{Class, Failure};
use tokio::sync::mpsc;
use tonic::Status;
use tracing::Instrument as _;

use super::intake::{MAX_QUEUED_RESPONSES, progress_sender, response_stream};
use super::{IngestionService, PageRange, ResponseStream};
use crate::connectors::{EndedPoll, PollResult, to_the_second};

/// Time for the last message of a poll to be taken by a slow client.
const LAST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Polls a connector. A poll that was begun is finished whether or not the client still listens.
pub(super) async fn start_poll(
    service: &IngestionService,
    request: PollRequest,
) -> Result<ResponseStream<IngestFilesResponse>, Status> {
    let (sender, receiver) = mpsc::channel::<Result<IngestFilesResponse, Failure>>(MAX_QUEUED_RESPONSES);
    let connectors = Arc::clone(&service.connectors);
    let polling = async move {
        let run = connectors.poll(&request.connector, request.force, &mut progress_sender(&sender)).await;
        if let Err(failure) = run.and_then(|run| poll_conclusion(&request.connector, run)) {
            // The client should learn how the poll ended, even if it is slow to listen.
            drop(tokio::time::timeout(LAST_MESSAGE_TIMEOUT, sender.send(Err(failure))).await);
        }
    };
    service.repository.tasks().spawn(polling.in_current_span());
    Ok(response_stream(receiver))
}

/// Turns a poll that did not succeed into a failure for the caller.
fn poll_conclusion(name: &str, run: PollResult) -> Result<(), Failure> {
    match run {
        PollResult::Ended(EndedPoll { problem, class, .. }) if !problem.is_empty() => {
            let code = if class.blame() == Blame::User { "poll-refused" } else { "poll-failed" };
            Err(Failure::new(class, code, format!("{name}: {problem}"))
                .with_hint("`orewatch fetches` shows the calls and the responses"))
        }
        PollResult::Ended(_) => Ok(()),
        PollResult::Paused(until, why) => Err(Failure::new(
            Class::Exhausted,
            "poll-waits",
            format!("{name} waits until {}: {why}", to_the_second(until)),
        )
        .with_hint(
            "it continues where it stopped: on its schedule, or when it is polled again; --force begins a \
             new poll now",
        )),
    }
}

pub(super) async fn list_connectors(
    service: &IngestionService,
    _request: ListConnectorsRequest,
) -> Result<ListConnectorsResponse, Status> {
    Ok(service.connectors.list().await?)
}

pub(super) async fn list_fetches(
    service: &IngestionService,
    request: ListFetchesRequest,
) -> Result<ListFetchesResponse, Status> {
    // A token is the position of the last fetch on the page before, so new fetches do not shift pages.
    let PageRange { from, size } = PageRange::requested(request.page_size, &request.page_token)?;
    let before =
        if request.page_token.is_empty() { u64::MAX } else { u64::try_from(from).unwrap_or(u64::MAX) };
    let mut found = service.connectors.fetches(&request.connector, before, size.saturating_add(1)).await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next_page_token = last.map(|(position, _)| position.to_string()).unwrap_or_default();
    let fetches = found.into_iter().map(|(_, fetch)| fetch).collect();
    Ok(ListFetchesResponse { fetches, next_page_token })
}
