//! Reads files of the archive and records their rows as releases: the one way in for clients, connectors and
//! the service itself.

mod dry_run;
mod meter;
mod reading;
mod request;
mod reread;
mod sample;
mod unrecorded;

use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    IngestFilesRequest, IngestFilesResponse, IngestOutcome, Phase as ReportedPhase, Release, ReleaseInfo,
    ReleaseState, Table,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::codes::Codes;
use orewatch_formats::{Input, Limits, Phase, Plan, Totals};
use orewatch_formats::{dataset, ids};
use orewatch_runtime::{Context, Identity};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::archive::{Archive, ContentId, LocalFile, check_tenant};
use crate::record::Recording;
use crate::work::Repository;
use crate::{commands, decide, observe, possession, retention};
use meter::ProgressMeter;
use reading::Sink;
use request::IngestRequest;

/// Upper bound on concurrent ingests; more wait.
const MAX_CONCURRENT_INGESTS: usize = 4;

/// Upper bound on waiting ingests; more are refused.
const MAX_WAITING_INGESTS: usize = 256;

/// Receives progress, notes and outcomes of an ingest.
type OnProgress<'a> = &'a mut (dyn FnMut(IngestFilesResponse) + Send);

/// Ingests files of the archive.
#[derive(Debug)]
pub(crate) struct Intake {
    context: Context,
    repository: Arc<Repository>,
    archive: Arc<Archive>,
    limits: Limits,
    running: Semaphore,
    /// Held while stale releases are read again.
    restating: Mutex<()>,
    admitted: Semaphore,
}

impl Intake {
    pub(crate) fn new(
        context: Context,
        repository: Arc<Repository>,
        archive: Arc<Archive>,
        limits: Limits,
    ) -> Self {
        let (running, admitted) = (
            Semaphore::new(MAX_CONCURRENT_INGESTS),
            Semaphore::new(MAX_CONCURRENT_INGESTS + MAX_WAITING_INGESTS),
        );
        let restating = Mutex::new(());
        Self { context, repository, archive, limits, running, restating, admitted }
    }

    /// Reads files, records their rows as one release for each table, and commits each release.
    ///
    /// Whatever interrupts it, the same request continues where it stopped. `progress` is called a few times
    /// a second, and for each finished release.
    ///
    /// # Errors
    /// A request that makes no sense, files that cannot be read, a log that cannot be written. A release that
    /// its gates refuse is no error: its outcome says so.
    pub(crate) async fn ingest(
        &self,
        request: IngestFilesRequest,
        progress: impl FnMut(IngestFilesResponse) + Send,
    ) -> Result<Vec<IngestOutcome>, Failure> {
        self.ingest_as(&Identity::open(), request, progress).await
    }

    /// Ingests for a caller, whose role may not allow everything.
    ///
    /// # Errors
    /// As [`Intake::ingest`], and [`Class::Refused`] for what the caller may not change.
    pub(crate) async fn ingest_as(
        &self,
        who: &Identity,
        request: IngestFilesRequest,
        mut progress: impl FnMut(IngestFilesResponse) + Send,
    ) -> Result<Vec<IngestOutcome>, Failure> {
        let progress: OnProgress<'_> = &mut progress;
        let request = IngestRequest::check(request, timestamp(self.context.clock.now()))?;
        let request = IngestRequest { actor: who.actor(String::new()), ..request };
        decide::check_gate_request(&request.accept, &request.gates)?;
        // Checked first, so that no response reveals what a tenant has.
        who.check_change(&request.tenant)?;
        self.repository.catch_up().await?;
        let contents = request.files.iter().map(|(content, _)| *content);
        possession::check_may_use(&self.repository, &self.archive, who, &request.tenant, contents).await?;
        let _admission_permit = self.admitted.try_acquire().map_err(|_| too_busy())?;
        let idle = ProgressMeter::new(Phase::Identifying);
        let running_permit =
            meter::wait_reporting(progress, || idle.message(""), self.running.acquire()).await;
        let _running_permit =
            running_permit.map_err(|_| Failure::internal("the semaphore of ingests is closed"))?;
        let codes = self.concordance_codes(&request).await?;
        let files = meter::wait_reporting(progress, || idle.message(""), self.open_files(&request)).await?;
        self.check_quota(&request).await?;
        let mut outcomes = Vec::new();
        let plans = plan_releases(&request, &files, codes, self.limits, progress).await?;
        plans.iter().try_for_each(|plan| who.check_write(&plan.release.tenant, &plan.release.dataset))?;
        for plan in plans {
            for note in &plan.notes {
                progress(IngestFilesResponse { said: Some(Said::Note(note.clone())) });
            }
            let mut outcome = if request.dry_run {
                dry_run::dry_run_release(&self.repository, plan, &request, progress).await?
            } else {
                let began = Instant::now();
                let outcome = self.ingest_release(plan, &request, progress).await?;
                observe::report_ingest(&self.context.metrics, &outcome, began.elapsed());
                outcome
            };
            if let Some(concordance) = committed_concordance(&outcome).filter(|_| !request.dry_run) {
                self.restate_stale_releases(progress).await;
                outcome.restated = self.releases_using(&concordance);
            }
            progress(IngestFilesResponse { said: Some(Said::Outcome(outcome.clone())) });
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Product codes of the requested concordances.
    async fn concordance_codes(&self, request: &IngestRequest) -> Result<Codes, Failure> {
        if !request.concordances.is_empty() {
            self.repository.catch_up().await?;
        }
        self.repository.view(|state| state.concordance_codes(&request.concordances, &request.tenant))
    }

    /// The requested files as local files. Those of a tenant are sealed for it in the archive.
    async fn open_files(&self, request: &IngestRequest) -> Result<Vec<LocalFile>, Failure> {
        let contents: Vec<_> = request.files.iter().map(|(content, _)| *content).collect();
        if !request.dry_run {
            self.archive.seal_for(&contents, &request.tenant).await?;
        }
        self.archive.open_local(&contents, &request.tenant).await
    }

    /// Checks that the files fit into the tenant's quota of the archive.
    async fn check_quota(&self, request: &IngestRequest) -> Result<(), Failure> {
        let tenant = &request.tenant;
        let known = self.repository.view(|state| retention::tenant_contents(state, tenant));
        let asked: BTreeSet<_> = request.files.iter().map(|(content, _)| *content).collect();
        let new = asked.difference(&known).copied().collect();
        let (used, more) = (self.size_of(&known, tenant).await?, self.size_of(&new, tenant).await?);
        check_tenant(tenant, self.archive.quota(), used, more)
    }

    /// Size of what the archive stores of some contents for a tenant, in bytes.
    async fn size_of(&self, contents: &BTreeSet<ContentId>, tenant: &str) -> Result<u64, Failure> {
        if tenant.is_empty() {
            return Ok(self.archive.total_size(contents));
        }
        let mut names = BTreeSet::new();
        for content in contents {
            names.extend(self.archive.names_of(*content, tenant).await?);
        }
        Ok(self.archive.total_size(&names))
    }

    /// Records and commits one release.
    async fn ingest_release(
        &self,
        plan: Plan,
        request: &IngestRequest,
        progress: OnProgress<'_>,
    ) -> Result<IngestOutcome, Failure> {
        let id = plan.release.id.clone();
        let (described, actor) = (plan.release.clone(), request.actor.clone());
        let mut release = commands::open_or_continue_release(&self.repository, described, actor).await?;
        let refused = release.state() == ReleaseState::Refused;
        if refused {
            let commit = request.commit(&id, release_totals(&release));
            release = commands::commit_release(&self.repository, commit, &request.actor).await?;
        }
        if release.state() != ReleaseState::Open {
            let known = !(refused && release.state() == ReleaseState::Committed);
            return Ok(IngestOutcome { release: Some(release), known, ..IngestOutcome::default() });
        }
        let mut sink = Sink::Log(Recording::begin(&self.repository, &id).await?);
        let read = match reading::read_release(plan, &mut sink, &id, progress).await {
            Ok(read) => read,
            Err(failure) => return Err(self.abandon_if_unreadable(&id, failure).await),
        };
        let gating = || meter::progress_message(ReportedPhase::Gating, read.last, &id);
        let commit = request.commit(&id, read.totals);
        let commit = commands::commit_release(&self.repository, commit, &request.actor);
        let release = meter::wait_reporting(progress, gating, commit).await?;
        Ok(IngestOutcome {
            release: Some(release),
            chunks_known: read.chunks_known,
            rejections: read.rejections,
            ..IngestOutcome::default()
        })
    }

    /// Withdraws a release whose files cannot be read, with the reason. After any other failure it stays
    /// open, and the same request continues it.
    async fn abandon_if_unreadable(&self, id: &str, failure: Failure) -> Failure {
        if !matches!(failure.class, Class::Invalid | Class::NotFound | Class::Refused | Class::Damaged) {
            return failure;
        }
        let reason = format!("it was abandoned: {}", failure.message.replace(char::is_control, " "));
        let actor = "ingestion".to_owned();
        if let Err(error) = commands::withdraw_release(&self.repository, id, reason, actor).await {
            tracing::warn!(release = id, %error, "a release whose files cannot be read stays open");
        }
        failure
    }
}

/// The identifier of a committed concordance. `None`: the outcome is another one.
fn committed_concordance(outcome: &IngestOutcome) -> Option<String> {
    let info = outcome.release.as_ref().filter(|info| info.state() == ReleaseState::Committed)?;
    let release = info.release.as_ref().filter(|release| release.table() == Table::Concordance)?;
    Some(release.id.clone())
}

/// Row counts of a release that was refused.
fn release_totals(release: &ReleaseInfo) -> Totals {
    let report = release.report.clone().unwrap_or_default();
    Totals {
        read: report.rows_read,
        recorded: report.rows_recorded,
        out_of_scope: report.rows_out_of_scope,
        rejected: report.rejected_by_code.into_iter().collect(),
        declared: report.totals,
        notes: report.notes,
    }
}

fn too_busy() -> Failure {
    Failure::new(Class::Exhausted, "too-busy", format!("{MAX_WAITING_INGESTS} ingests are waiting already"))
        .with_hint("try again in a while: files in the archive need not be sent again")
}

/// Identifies the files and plans the releases that they make.
async fn plan_releases(
    request: &IngestRequest,
    files: &[LocalFile],
    codes: Codes,
    limits: Limits,
    progress: OnProgress<'_>,
) -> Result<Vec<Plan>, Failure> {
    let about = request.files.iter().map(|(_, about)| about.clone());
    let inputs = files.iter().zip(about).map(|(file, about)| Input::Archived {
        path: file.path().to_owned(),
        about: Arc::new(about),
        seen: file.findings().map(Into::into),
    });
    let (inputs, metadata): (Vec<Input>, _) = (inputs.collect(), request.metadata.clone());
    let meter = ProgressMeter::new(Phase::Identifying);
    let notes = meter.clone();
    let plan = move || {
        let translated = inputs.into_iter().map(|input| orewatch_formats::translate(input, limits));
        let inputs = translated.collect::<Result<Vec<_>, _>>()?;
        orewatch_formats::plan(inputs, &metadata, &codes, limits, &mut |now| notes.note(now))
    };
    let mut plans = meter::run_reporting(&meter, progress, plan).await??;
    for plan in &mut plans {
        plan.release.tenant.clone_from(&request.tenant);
        plan.release.id = ids::release_id(&plan.release);
    }
    Ok(plans)
}
