//! Reads files of the archive and records what they say: the one door for clients, connectors and the service itself.

mod asked;
mod meter;
mod reading;
mod reread;
mod sample;
mod trial;

use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    IngestFilesRequest, IngestFilesResponse, IngestOutcome, Phase as Told, Release, ReleaseInfo,
    ReleaseState, Table,
};
use orewatch_runtime::{Class, Context, Failure, Identity};
use tokio::sync::{Mutex, Semaphore};

use crate::archive::{Archive, Local, check_tenant};
use crate::codes::Codes;
use crate::record::Recording;
use crate::sources::{self, Input, Limits, Phase, Plan, Totals};
use crate::work::Keeper;
use crate::{commands, dataset, decide, ids, possession, retention};
use asked::Asked;
use meter::Meter;
use reading::Sink;

/// Readings at a time; others wait for their turn.
const READINGS: usize = 4;

/// Readings that wait; more are turned away.
const WAITING: usize = 256;

/// Told what happens.
type Tell<'a> = &'a mut (dyn FnMut(IngestFilesResponse) + Send);

/// The door.
#[derive(Debug)]
pub(crate) struct Intake {
    context: Context,
    keeper: Arc<Keeper>,
    archive: Arc<Archive>,
    limits: Limits,
    turns: Semaphore,
    /// Held by whoever reads releases again.
    restating: Mutex<()>,
    seats: Semaphore,
}

impl Intake {
    pub(crate) fn new(context: Context, keeper: Arc<Keeper>, archive: Arc<Archive>, limits: Limits) -> Self {
        let (turns, seats) = (Semaphore::new(READINGS), Semaphore::new(READINGS + WAITING));
        let restating = Mutex::new(());
        Self { context, keeper, archive, limits, turns, restating, seats }
    }

    /// Reads files, records what they say as one release for each table, and commits each. Whatever interrupts it, the same
    /// request again goes on where it stopped. `tell` is told some times a second how far it is, and of each release that is done.
    ///
    /// # Errors
    /// A request that makes no sense, files that cannot be read, a log that cannot be written. A release that is refused at its
    /// gates is no error: its outcome says so.
    pub(crate) async fn ingest(
        &self,
        request: IngestFilesRequest,
        tell: impl FnMut(IngestFilesResponse) + Send,
    ) -> Result<Vec<IngestOutcome>, Failure> {
        self.ingest_as(&Identity::open(), request, tell).await
    }

    /// The same for a caller, who may not do everything.
    ///
    /// # Errors
    /// As [`Intake::ingest`], and [`Class::Refused`] for what the caller may not change.
    pub(crate) async fn ingest_as(
        &self,
        who: &Identity,
        request: IngestFilesRequest,
        mut tell: impl FnMut(IngestFilesResponse) + Send,
    ) -> Result<Vec<IngestOutcome>, Failure> {
        let tell: Tell<'_> = &mut tell;
        let asked = Asked::of(request, commands::timestamp(self.context.clock.now()))?;
        decide::acceptable(&asked.accept, &asked.gates)?;
        // Before anything is looked at, so that no answer tells what a tenant has.
        who.check_change(&asked.tenant)?;
        self.keeper.up_to_date().await?;
        let contents = asked.files.iter().map(|(content, _)| *content);
        possession::check(&self.keeper, &self.archive, who, contents).await?;
        let _seat = self.seats.try_acquire().map_err(|_| busy())?;
        let idle = Meter::new(Phase::Identifying);
        let turn = meter::waited(tell, || idle.said(""), self.turns.acquire()).await;
        let _turn = turn.map_err(|_| Failure::internal("the turns are closed"))?;
        let codes = self.codes(&asked).await?;
        let files = meter::waited(tell, || idle.said(""), self.fetch(&asked)).await?;
        self.check_quota(&asked)?;
        let mut outcomes = Vec::new();
        let plans = plans(&asked, &files, codes, self.limits, tell).await?;
        plans.iter().try_for_each(|plan| who.check_write(&plan.release.tenant, &plan.release.dataset))?;
        for plan in plans {
            for note in &plan.notes {
                tell(IngestFilesResponse { said: Some(Said::Note(note.clone())) });
            }
            let mut outcome = if asked.dry_run {
                trial::run(&self.keeper, plan, &asked, tell).await?
            } else {
                self.one(plan, &asked, tell).await?
            };
            if let Some(concordance) = committed_concordance(&outcome).filter(|_| !asked.dry_run) {
                self.restate(tell).await;
                outcome.restated = self.read_by(&concordance);
            }
            tell(IngestFilesResponse { said: Some(Said::Outcome(outcome.clone())) });
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// What product codes stand for.
    async fn codes(&self, asked: &Asked) -> Result<Codes, Failure> {
        if !asked.concordances.is_empty() {
            self.keeper.up_to_date().await?;
        }
        self.keeper.view(|book| book.codes(&asked.concordances, &asked.tenant))
    }

    /// The files, where they can be read.
    async fn fetch(&self, asked: &Asked) -> Result<Vec<Local>, Failure> {
        let contents: Vec<_> = asked.files.iter().map(|(content, _)| *content).collect();
        self.archive.open_local(&contents).await
    }

    /// Checks that the files fit into what the tenant may have in the archive.
    fn check_quota(&self, asked: &Asked) -> Result<(), Failure> {
        let known = self.keeper.view(|book| retention::contents(book, &asked.tenant));
        let new: BTreeSet<_> = asked
            .files
            .iter()
            .map(|(content, _)| *content)
            .filter(|content| !known.contains(content))
            .collect();
        let (used, more) = (self.archive.sum(&known), self.archive.sum(&new));
        check_tenant(&asked.tenant, self.archive.quota(), used, more)
    }

    /// Records and commits one release.
    async fn one(&self, plan: Plan, asked: &Asked, tell: Tell<'_>) -> Result<IngestOutcome, Failure> {
        let release = self.as_begun(plan.release.clone()).await?;
        let id = release.id.clone();
        let mut release = commands::open(&self.keeper, release).await?;
        let refused = release.state() == ReleaseState::Refused;
        if refused {
            release = commands::commit(&self.keeper, asked.commit(&id, said(&release))).await?;
        }
        if release.state() != ReleaseState::Open {
            let known = !(refused && release.state() == ReleaseState::Committed);
            return Ok(IngestOutcome { release: Some(release), known, ..IngestOutcome::default() });
        }
        let mut sink = Sink::Log(Recording::begin(&self.keeper, &id).await?);
        let read = match reading::read(plan, &mut sink, &id, tell).await {
            Ok(read) => read,
            Err(failure) => return Err(self.abandon(&id, failure).await),
        };
        let gating = || meter::said(Told::Gating, read.last, &id);
        let commit = commands::commit(&self.keeper, asked.commit(&id, read.totals));
        let release = meter::waited(tell, gating, commit).await?;
        Ok(IngestOutcome {
            release: Some(release),
            chunks_known: read.chunks_known,
            rejections: read.rejections,
            ..IngestOutcome::default()
        })
    }

    /// The release as it was described when it was begun: handing the same in again later does not make it another.
    async fn as_begun(&self, release: Release) -> Result<Release, Failure> {
        self.keeper.current(&self.keeper.stream(&release.id)?).await?;
        let begun = self.keeper.view(|book| book.get(&release.id).map(|held| Arc::clone(&held.head.release)));
        let same = begun.filter(|begun| dataset::described_alike(&undated(begun), &undated(&release)));
        Ok(same.map_or(release, |begun| Release::clone(&begun)))
    }

    /// Leaves no release open for ever whose files cannot be read: it is abandoned with the reason. What is not the files' fault
    /// leaves it as it is, and the same request goes on with it.
    async fn abandon(&self, id: &str, failure: Failure) -> Failure {
        if !matches!(failure.class, Class::Invalid | Class::NotFound | Class::Refused | Class::Damaged) {
            return failure;
        }
        let reason = format!("it was abandoned: {}", failure.message.replace(char::is_control, " "));
        let actor = "ingestion".to_owned();
        if let Err(error) = commands::withdraw(&self.keeper, id, reason, actor).await {
            tracing::warn!(release = id, %error, "a release whose files cannot be read stays open");
        }
        failure
    }
}

/// The concordance that was committed, if one was.
fn committed_concordance(outcome: &IngestOutcome) -> Option<String> {
    let info = outcome.release.as_ref().filter(|info| info.state() == ReleaseState::Committed)?;
    let release = info.release.as_ref().filter(|release| release.table() == Table::Concordance)?;
    Some(release.id.clone())
}

/// A release without when its files were handed in.
fn undated(release: &Release) -> Release {
    let mut release = release.clone();
    release.files.iter_mut().for_each(|file| file.retrieved_at = None);
    release
}

/// The counts of a release that was refused.
fn said(release: &ReleaseInfo) -> Totals {
    let report = release.report.clone().unwrap_or_default();
    Totals {
        read: report.rows_read,
        recorded: report.rows_recorded,
        out_of_scope: report.rows_out_of_scope,
        rejected: report.rejected_by_code.into_iter().collect(),
        declared: report.totals,
    }
}

fn busy() -> Failure {
    Failure::new(Class::Exhausted, "busy", format!("{WAITING} ingestions wait for their turn"))
        .with_hint("try again in a while: what is in the archive need not be sent again")
}

/// What the files are, and which releases they make.
async fn plans(
    asked: &Asked,
    files: &[Local],
    codes: Codes,
    limits: Limits,
    tell: Tell<'_>,
) -> Result<Vec<Plan>, Failure> {
    let about = asked.files.iter().map(|(_, about)| about.clone());
    let inputs = files.iter().zip(about).map(|(file, about)| Input::Archived {
        path: file.path().to_owned(),
        about: Arc::new(about),
        seen: file.findings().map(Into::into),
    });
    let (inputs, metadata): (Vec<_>, _) = (inputs.collect(), asked.metadata.clone());
    let meter = Meter::new(Phase::Identifying);
    let notes = meter.clone();
    let plan = move || sources::plan(inputs, &metadata, &codes, limits, &mut |now| notes.note(now));
    let mut plans = meter::watched(&meter, tell, plan).await??;
    for plan in &mut plans {
        plan.release.tenant.clone_from(&asked.tenant);
        plan.release.id = ids::release_id(&plan.release);
    }
    Ok(plans)
}
