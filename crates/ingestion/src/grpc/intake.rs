//! Ingests files of the archive.
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestFilesResponse};
use orewatch_runtime::Identity;
use tokio::sync::mpsc;
use tonic::Status;
use tracing::Instrument as _;

use super::{IngestionService, ResponseStream};
use crate::work::stopping_failure;

/// Upper bound on responses that wait to be sent. Half of the queue is kept for notes and outcomes, which are
/// few: a client that is slow to listen misses progress only.
pub(super) const MAX_QUEUED_RESPONSES: usize = 512;

/// Ingests files. An ingest that was begun is finished whether or not the client still listens, so that a
/// lost connection leaves no half-recorded release behind. A dry run ends when the client is gone.
pub(super) async fn ingest_files(
    service: &IngestionService,
    identity: Arc<Identity>,
    request: IngestFilesRequest,
) -> Result<ResponseStream<IngestFilesResponse>, Status> {
    let (sender, receiver) = mpsc::channel::<Result<IngestFilesResponse, Failure>>(MAX_QUEUED_RESPONSES);
    let (intake, stop) = (Arc::clone(&service.intake), service.repository.shutdown_token());
    let dry_run = request.dry_run;
    let work = async move {
        let ingesting = intake.ingest_as(&identity, request, progress_sender(&sender));
        let outcome = tokio::select! {
            outcome = ingesting => outcome.map(drop),
            () = stop.cancelled() => Err(stopping_failure()),
            () = sender.closed(), if dry_run => Ok(()),
        };
        if let Err(failure) = outcome {
            drop(sender.try_send(Err(failure)));
        }
    };
    // In the span of the call, which its events carry on.
    service.repository.tasks().spawn(work.in_current_span());
    Ok(response_stream(receiver))
}

/// Sends messages to the client. If it is slow to listen, progress is dropped.
pub(super) fn progress_sender(
    sender: &mpsc::Sender<Result<IngestFilesResponse, Failure>>,
) -> impl FnMut(IngestFilesResponse) + Send + use<> {
    let sender = sender.clone();
    move |answer| {
        let is_droppable = matches!(answer.said, Some(Said::Progress(_)));
        if !is_droppable || sender.capacity() > MAX_QUEUED_RESPONSES / 2 {
            drop(sender.try_send(Ok(answer)));
        }
    }
}

/// The messages as a response stream.
pub(super) fn response_stream(
    receiver: mpsc::Receiver<Result<IngestFilesResponse, Failure>>,
) -> ResponseStream<IngestFilesResponse> {
    let answers = stream::unfold(receiver, async |mut receiver| {
        let answer = receiver.recv().await?;
        Some((answer.map_err(Status::from), receiver))
    });
    answers.boxed()
}
