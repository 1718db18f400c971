//! A dry run: files are read, mapped and gated, and nothing is recorded.
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{IngestOutcome, ReleaseInfo, ReleaseState};
use orewatch_formats::Plan;

use super::OnProgress;
use super::reading::{self, Sink};
use super::request::IngestRequest;
use super::unrecorded::UnrecordedRelease;
use crate::blocking;
use crate::decide;
use crate::evolve::ReleaseRecord;
use crate::validate;
use crate::work::Repository;

/// The outcome that a release would have.
pub(super) async fn dry_run_release(
    repository: &Arc<Repository>,
    plan: Plan,
    request: &IngestRequest,
    progress: OnProgress<'_>,
) -> Result<IngestOutcome, Failure> {
    repository.catch_up().await?;
    let release = validate::check_release(plan.release.clone())?;
    let id = release.id.clone();
    let known = repository
        .view(|state| state.get(&id).map(ReleaseRecord::info))
        .filter(|info| info.state() != ReleaseState::Open);
    let mut sink = Sink::InMemory(Box::new(UnrecordedRelease::new(release)));
    let read = reading::read_release(plan, &mut sink, &id, progress).await?;
    let Sink::InMemory(trial) = sink else { return Err(Failure::internal("a dry run recorded something")) };
    let (record, sample) = trial.into_parts();
    let request = request.commit(&id, read.totals);
    let (gate_context, known_now) = (repository.gate_context(), repository.snapshot());
    let judge = move || {
        let report = decide::gate_report(known_now.state(), &record, &request, &gate_context)?;
        Ok::<_, Failure>(ReleaseInfo { report: Some(report), opened_at: None, ..record.info() })
    };
    let release = blocking(judge).await??;
    Ok(IngestOutcome {
        release: Some(release),
        known: known.is_some(),
        sample,
        rejections: read.rejections,
        ..IngestOutcome::default()
    })
}
