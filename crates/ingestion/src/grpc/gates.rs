//! What the gates may do.
use orewatch_contracts::ingestion::v1::{ListGatesRequest, ListGatesResponse};
use tonic::Status;

use super::{Edge, unfinished};

pub(super) async fn list(_edge: &Edge, _request: ListGatesRequest) -> Result<ListGatesResponse, Status> {
    Err(unfinished("this"))
}
