//! Reads releases again when a concordance says something else.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, IngestFilesRequest, IngestOutcome, Release, ReleaseState, Table,
};
use orewatch_runtime::{Class, Failure};

use super::asked::Asked;
use super::{Intake, Tell, plans};
use crate::{commands, gates, restate};

/// How long it takes until releases are read again that the disk or the log did not take.
const AGAIN: Duration = Duration::from_secs(60);

impl Intake {
    /// Follows the concordances for as long as the process lives, so that a crash between a concordance and what follows from it
    /// is made good at the next start.
    pub(crate) async fn follow_concordances(self: Arc<Self>) -> Result<(), Failure> {
        let stop = self.keeper.stopping();
        let mut changes = self.keeper.concordances();
        // What was said before anybody listened counts as well.
        if *changes.borrow() > 0 {
            changes.mark_changed();
        }
        let mut is_left = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                () = tokio::time::sleep(AGAIN), if is_left => {}
            }
            is_left = self.restate(&mut |_| {}).await;
        }
    }

    /// Reads every stale release again. One that cannot be read stays as it is; why is said to whom it concerns, the operator.
    /// Returns whether one is left that may be read later, such as when the disk has room again.
    pub(super) async fn restate(&self, tell: Tell<'_>) -> bool {
        let _turn = self.restating.lock().await;
        let mut is_left = false;
        for release in self.keeper.view(restate::stale) {
            if self.keeper.stopping().is_cancelled() {
                return false;
            }
            match self.reread(&release, tell).await {
                Ok(id) => {
                    tracing::info!(release = %release.id, restated = %id, "a concordance restated a release")
                }
                Err(error) => {
                    is_left |= matches!(error.class, Class::Exhausted | Class::Unavailable);
                    tracing::warn!(release = %release.id, %error, "a release cannot be read by the newest concordance");
                }
            }
        }
        is_left
    }

    /// Releases that were read by a concordance.
    pub(super) fn read_by(&self, concordance: &str) -> Vec<String> {
        let by = |release: &Release| release.concordances.iter().any(|id| id == concordance);
        self.keeper.view(|book| {
            let committed = book.iter().filter(|held| held.head.state == ReleaseState::Committed);
            committed
                .map(|held| &held.head.release)
                .filter(|release| by(release))
                .map(|release| release.id.clone())
                .collect()
        })
    }

    /// Reads a release again by the newest releases of its concordances, and commits what that gives in its place.
    async fn reread(&self, release: &Release, tell: Tell<'_>) -> Result<String, Failure> {
        let asked = Asked::of(request(release)?, commands::timestamp(self.context.clock.now()))?;
        let codes = self.codes(&asked).await?;
        let files = self.fetch(&asked).await?;
        let plans = plans(&asked, &files, codes, self.limits, tell).await?;
        let same = plans.into_iter().find(|plan| plan.release.table() == Table::Trade);
        let mut plan = same.ok_or_else(|| Failure::internal("the files hold no trade any more"))?;
        plan.release.in_place_of.clone_from(&release.id);
        let id = plan.release.id.clone();
        let IngestOutcome { release: read, .. } = self.one(plan, &asked, tell).await?;
        match read.map(|read| (read.state(), read.reason)) {
            Some((ReleaseState::Committed, _)) => Ok(id),
            Some((_, reason)) => {
                Err(Failure::new(Class::Refused, "release-refused", format!("{id} was refused: {reason}")))
            }
            None => Err(Failure::internal("a reading ended without its release")),
        }
    }
}

/// A release as it would be asked for: its files by their originals, what is known of it, and gates that only warn. Its rows were
/// admitted before; what its codes stand for is for the concordance to say.
fn request(release: &Release) -> Result<IngestFilesRequest, Failure> {
    let about = release.provenance.clone().unwrap_or_default();
    let mut files: Vec<ArchivedFile> = Vec::new();
    for file in &release.files {
        if file.stored_sha256.is_empty() {
            return Err(Failure::new(
                Class::NotFound,
                "no-original",
                format!("the original of {} is not kept", file.name),
            ));
        }
        // Members of an archive are read from it together.
        if files.iter().all(|known| known.sha256 != file.stored_sha256) {
            let name = file.name.split('/').next().unwrap_or_default().to_owned();
            let (sha256, url, retrieved_at) =
                (file.stored_sha256.clone(), file.url.clone(), file.retrieved_at);
            files.push(ArchivedFile { sha256, name, url, retrieved_at });
        }
    }
    let weak = gates::all().filter(|gate| !gate.is_final).map(|gate| gate.name.to_owned());
    Ok(IngestFilesRequest {
        files,
        description: Some(Description {
            dataset: release.dataset.clone(),
            vintage: release.vintage.clone(),
            hs: release.hs_revision.clone(),
            table: "trade".to_owned(),
            publisher: about.publisher,
            title: about.title,
            url: about.url,
            licence: about.licence,
            published: about.published,
            tenant: release.tenant.clone(),
            kind: release.kind,
            scope: release.scope.clone(),
            supplements: release.supplements.clone(),
        }),
        concordances: restate::datasets(release),
        max_rejects: Some(u64::MAX),
        accept: weak.collect(),
        ..IngestFilesRequest::default()
    })
}
