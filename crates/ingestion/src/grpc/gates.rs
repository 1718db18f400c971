//! What the gates may do.
use orewatch_contracts::ingestion::v1::{ListGatesRequest, ListGatesResponse};
use orewatch_runtime::{Class, Failure};
use tonic::Status;

use super::Edge;
use crate::{gates, ids};

pub(super) async fn list(edge: &Edge, request: ListGatesRequest) -> Result<ListGatesResponse, Status> {
    let dataset = request.dataset;
    if !dataset.is_empty() && !ids::is_dataset(&dataset) {
        return Err(Failure::new(Class::Invalid, "invalid-request", "this cannot name a dataset")
            .at("dataset", dataset)
            .into());
    }
    Ok(ListGatesResponse { gates: gates::list(&edge.keeper.judging().modes, &dataset) })
}
