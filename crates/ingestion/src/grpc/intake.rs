//! Files that the service reads itself.
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestFilesResponse};
use orewatch_runtime::{Failure, Identity};
use tokio::sync::mpsc;
use tonic::Status;

use super::{Answers, Edge};
use crate::work::stopping;

/// Answers that wait to be sent. A caller who is slow to listen misses how far it is; half of the room is kept for the rest, of
/// which there is little.
pub(super) const QUEUE: usize = 512;

/// Reads files. What was begun is carried to its end whether anybody listens or not, so that a lost connection leaves no
/// half-recorded release behind; a dry run ends when nobody listens any more.
pub(super) async fn ingest(
    edge: &Edge,
    who: Arc<Identity>,
    request: IngestFilesRequest,
) -> Result<Answers<IngestFilesResponse>, Status> {
    let (sender, receiver) = mpsc::channel::<Result<IngestFilesResponse, Failure>>(QUEUE);
    let (intake, stop) = (Arc::clone(&edge.intake), edge.keeper.stopping());
    let dry_run = request.dry_run;
    let work = async move {
        let ingesting = intake.ingest_as(&who, request, teller(&sender));
        let outcome = tokio::select! {
            outcome = ingesting => outcome.map(drop),
            () = stop.cancelled() => Err(stopping()),
            () = sender.closed(), if dry_run => Ok(()),
        };
        if let Err(failure) = outcome {
            drop(sender.try_send(Err(failure)));
        }
    };
    edge.keeper.tasks().spawn(work);
    Ok(told(receiver))
}

/// Tells who listens. Of those who are slow to, how far it is is kept back.
pub(super) fn teller(
    sender: &mpsc::Sender<Result<IngestFilesResponse, Failure>>,
) -> impl FnMut(IngestFilesResponse) + Send + use<> {
    let sender = sender.clone();
    move |answer| {
        let spared = matches!(answer.said, Some(Said::Progress(_)));
        if !spared || sender.capacity() > QUEUE / 2 {
            drop(sender.try_send(Ok(answer)));
        }
    }
}

/// What is told, as answers.
pub(super) fn told(
    receiver: mpsc::Receiver<Result<IngestFilesResponse, Failure>>,
) -> Answers<IngestFilesResponse> {
    let answers = stream::unfold(receiver, async |mut receiver| {
        let answer = receiver.recv().await?;
        Some((answer.map_err(Status::from), receiver))
    });
    answers.boxed()
}
