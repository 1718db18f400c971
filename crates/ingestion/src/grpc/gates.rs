//! Lists gates and their modes.
use orewatch_contracts::ingestion::v1::{ListGatesRequest, ListGatesResponse};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::ids;
use tonic::Status;

use super::IngestionService;
use crate::gates;

pub(super) async fn list_gates(
    service: &IngestionService,
    request: ListGatesRequest,
) -> Result<ListGatesResponse, Status> {
    let dataset = request.dataset;
    if !dataset.is_empty() && !ids::is_dataset(&dataset) {
        return Err(Failure::new(Class::Invalid, "invalid-request", "this is no valid name of a dataset")
            .at("dataset", dataset)
            .into());
    }
    Ok(ListGatesResponse { gates: gates::list_gates(&service.repository.gate_context().modes, &dataset) })
}
