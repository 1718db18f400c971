//! Publishers' interfaces: on demand, and what became of it.
use orewatch_contracts::ingestion::v1::{
    IngestFilesResponse, ListConnectorsRequest, ListConnectorsResponse, ListFetchesRequest,
    ListFetchesResponse, PollRequest,
};
use tonic::Status;

use super::{Answers, Edge, unfinished};

pub(super) async fn poll(
    _edge: &Edge,
    _request: PollRequest,
) -> Result<Answers<IngestFilesResponse>, Status> {
    Err(unfinished("this"))
}

pub(super) async fn list(
    _edge: &Edge,
    _request: ListConnectorsRequest,
) -> Result<ListConnectorsResponse, Status> {
    Err(unfinished("this"))
}

pub(super) async fn fetches(
    _edge: &Edge,
    _request: ListFetchesRequest,
) -> Result<ListFetchesResponse, Status> {
    Err(unfinished("this"))
}
