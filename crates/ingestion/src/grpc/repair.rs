//! Repairs rejected rows of a release.
use std::io::Cursor;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Rejection, Release, RepairRowsRequest, RepairRowsResponse, SourceFile,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::codes::Codes;
use orewatch_formats::ids;
use orewatch_formats::{Limits, RepairSheet};
use tonic::Status;

use super::IngestionService;
use crate::commands;
use crate::decide::{self, RepairCommand};
use crate::gates::GateRequest;
use crate::tally::{self, Tally};
use crate::{blocking, scope, validate};

/// Reads repaired rows of a release and records them, all or none. The caller may change the release.
pub(super) async fn repair_rows(
    service: &IngestionService,
    request: RepairRowsRequest,
) -> Result<RepairRowsResponse, Status> {
    let asked = GateRequest::new(&request.accept, &request.gates)?;
    [("reason", &request.reason), ("actor", &request.actor)]
        .into_iter()
        .try_for_each(|(field, text)| validate::check_text(field, text))?;
    if request.content.is_empty() {
        let failure = Failure::new(Class::Invalid, "invalid-request", "the file of repaired rows is empty");
        return Err(failure.at("content", "").into());
    }
    let id = request.release.clone();
    let (release, known, codes, open) = service.repository.view(|state| {
        let record = state.find(&id)?;
        record.check_readable()?;
        let release = Arc::clone(&record.head.release);
        let codes = state.concordance_codes(&release.concordances, &release.tenant)?;
        Ok::<_, Failure>((release, record.rejections.repairs.clone(), codes, record.full_tally()))
    })?;
    let sheet = Arc::new(RepairSheet::parse(&request.content, &request.rejections).map_err(Failure::from)?);
    let rejections = sheet.rejections();
    if rejections.is_empty() {
        let failure = Failure::new(Class::Invalid, "no-rows", "the file has a header and no rows");
        return Err(failure.into());
    }
    let sha256 = ids::sha256(&request.content);
    if let Some(known) = known.iter().find(|known| known.is_same(&sha256, &rejections)) {
        return repair_response(service, &id, known.recorded, Vec::new());
    }
    service.repository.view(|state| decide::check_repairable(state.find(&id)?, &rejections))?;
    let (read, of, tally) = (Arc::clone(&sheet), Arc::clone(&release), open);
    let limits = Limits::default();
    let repaired = blocking(move || read_rows(&read, &of, &codes, limits, &tally)).await??;
    if !repaired.wrong.is_empty() {
        return repair_response(service, &id, 0, repaired.wrong);
    }
    let bytes = u64::try_from(request.content.len()).unwrap_or(u64::MAX);
    let stored = service.archive.put(Cursor::new(request.content), &release.tenant).await?;
    let file = SourceFile {
        bytes,
        stored_sha256: stored.content.to_string(),
        retrieved_at: Some(timestamp(service.repository.gate_context().now)),
        sha256,
        ..repaired.file
    };
    let recorded = repaired.chunks.iter().filter_map(columns_of).map(validate::row_count).sum();
    let RepairRowsRequest { reason, actor, .. } = request;
    let command = RepairCommand { rejections, chunks: repaired.chunks, file, reason, actor };
    commands::repair_rows(&service.repository, &id, command, asked).await?;
    repair_response(service, &id, recorded, Vec::new())
}

fn columns_of(chunk: &ObservationsRecorded) -> Option<&Columns> {
    chunk.columns.as_ref()
}

fn repair_response(
    service: &IngestionService,
    id: &str,
    recorded: u64,
    rejections: Vec<Rejection>,
) -> Result<RepairRowsResponse, Status> {
    let release = Some(service.info(id)?);
    Ok(RepairRowsResponse { release, recorded, rejections })
}

/// Reads all rows. Rows whose key is in the release already are wrong.
fn read_rows(
    sheet: &RepairSheet,
    release: &Release,
    codes: &Codes,
    limits: Limits,
    tally: &Tally,
) -> Result<orewatch_formats::RepairedRows, Failure> {
    let mut repaired = sheet.read(release, codes, limits)?;
    repaired
        .chunks
        .iter()
        .filter_map(columns_of)
        .try_for_each(|columns| scope::check_rows(release, columns))?;
    let repeats = |chunks: &[ObservationsRecorded]| {
        chunks.iter().filter_map(columns_of).any(|new| tally::repeats_key(tally, new))
    };
    if !repaired.wrong.is_empty() || !repeats(&repaired.chunks) {
        return Ok(repaired);
    }
    for (line, alone) in sheet.read_each(release, codes, limits)? {
        if repeats(&alone.chunks) {
            repaired.wrong.push(Rejection {
                file: repaired.file.name.clone(),
                line,
                code: "duplicate-key".to_owned(),
                reason: "the release has a row with the same key".to_owned(),
                hint: "leave the row out: the other one is recorded".to_owned(),
                ..Rejection::default()
            });
        }
    }
    Ok(repaired)
}
