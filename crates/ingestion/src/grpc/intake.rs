//! Files that the service reads itself.
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestFilesResponse};
use tonic::Status;

use super::{Answers, Edge, unfinished};

pub(super) async fn ingest(
    _edge: &Edge,
    _request: IngestFilesRequest,
) -> Result<Answers<IngestFilesResponse>, Status> {
    Err(unfinished("this"))
}
