//! Records the rows of a reopened release again, from the log. Its files are not needed for that.
use std::sync::Arc;

use futures_util::StreamExt as _;
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{ObservationEvent, ReleaseState};
use orewatch_eventlog::Position;

use crate::chunk::Chunk;
use crate::decide;
use crate::decision::Decision;
use crate::events::decode_event;
use crate::evolve::{IngestionState, ReleaseRecord};
use crate::record::Recording;
use crate::work::Repository;

/// Records again what a release held before it was opened anew.
///
/// Events that are there already are recognised, so an interrupted run goes on where it stopped. A release
/// that lacks nothing is left unchanged.
pub(crate) async fn restore_rows(repository: &Arc<Repository>, id: &str) -> Result<(), Failure> {
    let stream = repository.stream(id)?;
    repository.catch_up_with(&stream).await?;
    let missing_positions = |record: &ReleaseRecord| -> Vec<Position> {
        let open = record.head.state == ReleaseState::Open
            && record.recorded_positions.len() < record.previous_positions.len();
        if open { record.previous_positions.clone() } else { Vec::new() }
    };
    let positions = repository.view(|state| state.get(id).map(missing_positions)).unwrap_or_default();
    let mut events = std::pin::pin!(repository.events(&stream, &positions));
    let mut recording = Recording::begin(repository, id).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        match decode_event(&event)? {
            ObservationEvent::ObservationsRecorded(chunk) => {
                recording.record_again(Chunk::rows(chunk.chunk, event.data)).await?;
            }
            ObservationEvent::RowsQuarantined(chunk) => {
                recording.record_again(Chunk::rejections(&chunk)).await?;
            }
            ObservationEvent::RowsRepaired(repaired) => {
                let named = id.to_owned();
                let decide = move |state: &IngestionState| -> Result<Decision, Failure> {
                    Ok(decide::repeat_repair(state.find(&named)?, &repaired))
                };
                repository.execute(&stream, decide).await?;
                recording = Recording::begin(repository, id).await?;
            }
            // Positions are kept of what holds rows or settles rejections only.
            ObservationEvent::ReleaseOpened(_)
            | ObservationEvent::ReleaseHeld(_)
            | ObservationEvent::ReleaseCommitted(_)
            | ObservationEvent::ReleaseRefused(_)
            | ObservationEvent::ReleaseWithdrawn(_)
            | ObservationEvent::SourcePolicyRevised(_)
            | ObservationEvent::TenantErased(_)
            | ObservationEvent::PollStarted(_)
            | ObservationEvent::FetchRecorded(_)
            | ObservationEvent::PollEnded(_) => {}
        }
    }
    repository.catch_up_with(&stream).await?;
    Ok(())
}
