//! Rows that are mended.
use orewatch_contracts::ingestion::v1::{RepairRowsRequest, RepairRowsResponse};
use tonic::Status;

use super::{Edge, unfinished};

pub(super) async fn rows(_edge: &Edge, _request: RepairRowsRequest) -> Result<RepairRowsResponse, Status> {
    Err(unfinished("this"))
}
