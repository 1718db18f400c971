//! Carries out commands on a release, for clients of other languages and for the service's own readers alike.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::{CommitReleaseRequest, Release, ReleaseInfo};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;

use crate::decide::{self, RepairCommand};
use crate::decision::Decision;
use crate::evolve::{IngestionState, ReleaseRecord};
use crate::gates::GateRequest;
use crate::reopen;
use crate::validate;
use crate::work::Repository;

/// Opens a release.
pub(crate) async fn open_release(
    repository: &Arc<Repository>,
    release: Release,
    actor: String,
) -> Result<ReleaseInfo, Failure> {
    open_as(repository, release, actor, |_, release| release.clone()).await
}

/// Opens a release as it was first described, so that ingesting the same files later, or twice at the same
/// time, does not make another one of it.
pub(crate) async fn open_or_continue_release(
    repository: &Arc<Repository>,
    release: Release,
    actor: String,
) -> Result<ReleaseInfo, Failure> {
    open_as(repository, release, actor, first_description).await
}

/// Opens a release. `describe` is given what is known of it when it is decided on, and the release.
async fn open_as(
    repository: &Arc<Repository>,
    release: Release,
    actor: String,
    describe: fn(Option<&ReleaseRecord>, &Release) -> Release,
) -> Result<ReleaseInfo, Failure> {
    let release = validate::check_release(release)?;
    let (id, stream) = (release.id.clone(), repository.stream(&release.id)?);
    let decide = move |state: &IngestionState| {
        let record = state.get(&release.id);
        let committed_once = record.is_some_and(|record| record.committed_position.is_some());
        let described = describe(record, &release);
        decide::open_release(record.map(|record| &record.head), committed_once, &described, &actor)
    };
    repository.execute(&stream, decide).await?;
    release_info(repository, &id)
}

/// A release as it was described when it was begun, if nothing differs but when its files were retrieved.
fn first_description(begun: Option<&ReleaseRecord>, release: &Release) -> Release {
    let begun = begun.map(|record| &*record.head.release);
    let same = begun.filter(|begun| dataset::described_alike(&undated(begun), &undated(release)));
    same.unwrap_or(release).clone()
}

/// A release without the times at which its files were retrieved.
fn undated(release: &Release) -> Release {
    let mut release = release.clone();
    release.files.iter_mut().for_each(|file| file.retrieved_at = None);
    release
}

/// Upper bound on reopenings of a refused release by one command, before it reports contention.
const MAX_REOPENINGS: usize = 3;

/// Runs the gates over a release, and commits, holds or refuses it.
///
/// A refused release that the gates let pass now is opened anew, its rows are recorded again from the log,
/// and the gates run once more.
pub(crate) async fn commit_release(
    repository: &Arc<Repository>,
    request: CommitReleaseRequest,
    actor: &str,
) -> Result<ReleaseInfo, Failure> {
    let (id, stream) = (request.release.clone(), repository.stream(&request.release)?);
    for _ in 0..MAX_REOPENINGS {
        if request.rows_read.is_none() {
            reopen::restore_rows(repository, &id).await?;
        }
        let (request, actor, gate_context) = (request.clone(), actor.to_owned(), repository.gate_context());
        let commit_lock = repository.lock_commits(&id).await;
        // The gates compare with what others have committed by now.
        repository.catch_up().await?;
        let decide = move |state: &IngestionState| {
            let record = state.find(&request.release)?;
            decide::commit_release(state, record, &request, &gate_context, &actor)
        };
        let decision = repository.execute(&stream, decide).await?;
        drop(commit_lock);
        let mut info = release_info(repository, &id)?;
        match decision {
            Decision::Reopen(..) => {
                reopen::restore_rows(repository, &id).await?;
            }
            Decision::Report(report, reason) => {
                info.report = Some(*report);
                info.reason = reason;
                return Ok(info);
            }
            Decision::Unchanged | Decision::Append(..) => return Ok(info),
        }
    }
    Err(contended())
}

/// Records repaired rows. A refused release is opened anew for them.
pub(crate) async fn repair_rows(
    repository: &Arc<Repository>,
    id: &str,
    command: RepairCommand,
    asked: GateRequest,
) -> Result<ReleaseInfo, Failure> {
    let stream = repository.stream(id)?;
    let given = Arc::new((command, asked, id.to_owned()));
    for _ in 0..MAX_REOPENINGS {
        reopen::restore_rows(repository, id).await?;
        let (given, gate_context) = (Arc::clone(&given), repository.gate_context());
        let decide = move |state: &IngestionState| {
            let (command, asked, id) = &*given;
            decide::repair_rows(state, state.find(id)?, command, asked, &gate_context)
        };
        match repository.execute(&stream, decide).await? {
            Decision::Reopen(..) => {}
            Decision::Unchanged | Decision::Append(..) | Decision::Report(..) => {
                return release_info(repository, id);
            }
        }
    }
    Err(contended())
}

fn contended() -> Failure {
    Failure::new(
        Class::Unavailable,
        "contended",
        "the release was opened and closed by others several times meanwhile",
    )
    .with_hint("try again in a while")
}

/// Withdraws a committed release, or abandons an open one.
pub(crate) async fn withdraw_release(
    repository: &Arc<Repository>,
    id: &str,
    reason: String,
    actor: String,
) -> Result<ReleaseInfo, Failure> {
    let stream = repository.stream(id)?;
    let named = id.to_owned();
    let decide =
        move |state: &IngestionState| decide::withdraw_release(&state.find(&named)?.head, &reason, &actor);
    repository.execute(&stream, decide).await?;
    release_info(repository, id)
}

/// A release as the service returns it.
pub(crate) fn release_info(repository: &Repository, id: &str) -> Result<ReleaseInfo, Failure> {
    let info = repository.view(|state| state.find(id).map(ReleaseRecord::info))?;
    let skipped = info.release.as_ref().map(|release| repository.skipped_events(&release.id));
    Ok(ReleaseInfo { skipped: skipped.unwrap_or_default(), ..info })
}
