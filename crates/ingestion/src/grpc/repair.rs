//! Rows that are mended.
use std::io::Cursor;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Rejection, Release, RepairRowsRequest, RepairRowsResponse, SourceFile,
};
use orewatch_runtime::{Class, Failure};
use tonic::Status;

use super::Edge;
use crate::codes::Codes;
use crate::commands::{self, find};
use crate::decide::{self, Mending};
use crate::gates::Asked;
use crate::sources::{Limits, Sheet};
use crate::tally::{self, Tally};
use crate::{blocking, ids, scope, validate};

/// Reads mended rows of a release that the caller may change, by its identifier, and records them, all or none.
pub(super) async fn rows(edge: &Edge, request: RepairRowsRequest) -> Result<RepairRowsResponse, Status> {
    let asked = Asked::new(&request.accept, &request.gates)?;
    [("reason", &request.reason), ("actor", &request.actor)]
        .into_iter()
        .try_for_each(|(field, text)| validate::short(field, text))?;
    if request.content.is_empty() {
        let failure = Failure::new(Class::Invalid, "invalid-request", "the file of mended rows is empty");
        return Err(failure.at("content", "").into());
    }
    let id = request.release.clone();
    let (release, known, codes, open) = edge.keeper.view(|book| {
        let held = find(book, &id)?;
        let release = Arc::clone(&held.head.release);
        let codes = book.codes(&release.concordances, &release.tenant)?;
        Ok::<_, Failure>((release, held.mended.repairs.clone(), codes, held.tallied()))
    })?;
    let sheet = Arc::new(Sheet::of(&request.content, &request.rejections).map_err(Failure::from)?);
    let rejections = sheet.rejections();
    if rejections.is_empty() {
        let failure = Failure::new(Class::Invalid, "no-rows", "the file has a header and no rows");
        return Err(failure.into());
    }
    let sha256 = ids::sha256(&request.content);
    if let Some(known) = known.iter().find(|known| known.is(&sha256, &rejections)) {
        return answer(edge, &id, known.recorded, Vec::new());
    }
    edge.keeper.view(|book| decide::mendable(find(book, &id)?, &rejections))?;
    let (read, of, tally) = (Arc::clone(&sheet), Arc::clone(&release), open);
    let limits = Limits::default();
    let mended = blocking(move || read_all(&read, &of, &codes, limits, &tally)).await??;
    if !mended.wrong.is_empty() {
        return answer(edge, &id, 0, mended.wrong);
    }
    let bytes = u64::try_from(request.content.len()).unwrap_or(u64::MAX);
    let stored = edge.archive.put(Cursor::new(request.content)).await?;
    let file = SourceFile {
        bytes,
        stored_sha256: stored.content.to_string(),
        retrieved_at: Some(commands::timestamp(edge.keeper.judging().now)),
        sha256,
        ..mended.file
    };
    let recorded = mended.chunks.iter().filter_map(columns).map(validate::row_count).sum();
    let RepairRowsRequest { reason, actor, .. } = request;
    let mending = Mending { rejections, chunks: mended.chunks, file, reason, actor };
    commands::repair(&edge.keeper, &id, mending, asked).await?;
    answer(edge, &id, recorded, Vec::new())
}

fn columns(chunk: &ObservationsRecorded) -> Option<&Columns> {
    chunk.columns.as_ref()
}

fn answer(
    edge: &Edge,
    id: &str,
    recorded: u64,
    rejections: Vec<Rejection>,
) -> Result<RepairRowsResponse, Status> {
    let release = Some(edge.info(id)?);
    Ok(RepairRowsResponse { release, recorded, rejections })
}

/// Reads all rows; those whose key is in the release already are wrong.
fn read_all(
    sheet: &Sheet,
    release: &Release,
    codes: &Codes,
    limits: Limits,
    tally: &Tally,
) -> Result<crate::sources::Mended, Failure> {
    let mut mended = sheet.read(release, codes, limits)?;
    mended.chunks.iter().filter_map(columns).try_for_each(|columns| scope::within(release, columns))?;
    let repeats = |chunks: &[ObservationsRecorded]| {
        chunks.iter().filter_map(columns).any(|new| tally::repeats(tally, new))
    };
    if !mended.wrong.is_empty() || !repeats(&mended.chunks) {
        return Ok(mended);
    }
    for (line, alone) in sheet.each(release, codes, limits)? {
        if repeats(&alone.chunks) {
            mended.wrong.push(Rejection {
                file: mended.file.name.clone(),
                line,
                code: "duplicate-key".to_owned(),
                reason: "the release has a row with the same key".to_owned(),
                hint: "leave the row out: the first was recorded".to_owned(),
                ..Rejection::default()
            });
        }
    }
    Ok(mended)
}
