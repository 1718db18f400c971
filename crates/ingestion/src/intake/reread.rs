//! Reads releases again after one of their concordances changed.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, IngestFilesRequest, IngestOutcome, Release, ReleaseState, Table,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};

use super::request::IngestRequest;
use super::{Intake, OnProgress, plan_releases};
use crate::{gates, restate};

/// Time after which a release is read again that could not be, because the disk was full or the log
/// unavailable.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);

impl Intake {
    /// Follows the concordances for as long as the process lives. A crash between a commit of a concordance
    /// and the rereading that follows is made good at the next start.
    pub(crate) async fn follow_concordances(self: Arc<Self>) -> Result<(), Failure> {
        let stop = self.repository.shutdown_token();
        let mut changes = self.repository.concordances();
        // A change before the subscription counts as well.
        if *changes.borrow() > 0 {
            changes.mark_changed();
        }
        let mut is_retryable_left = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                () = tokio::time::sleep(RETRY_INTERVAL), if is_retryable_left => {}
            }
            is_retryable_left = self.restate_stale_releases(&mut |_| {}).await;
        }
    }

    /// Reads all stale releases again. One that cannot be read stays unchanged, and the log says why. Returns
    /// whether one of them may be readable later, for example when the disk has room again.
    pub(super) async fn restate_stale_releases(&self, progress: OnProgress<'_>) -> bool {
        let _lock = self.restating.lock().await;
        let mut is_retryable_left = false;
        for release in self.repository.view(restate::stale_releases) {
            if self.repository.shutdown_token().is_cancelled() {
                return false;
            }
            match self.reread(&release, progress).await {
                Ok(id) => {
                    tracing::info!(release = %release.id, restated = %id, "a concordance restated a release")
                }
                Err(error) => {
                    is_retryable_left |= matches!(error.class, Class::Exhausted | Class::Unavailable);
                    tracing::warn!(release = %release.id, %error, "a release cannot be read by the newest \
                                                                   concordance");
                }
            }
        }
        is_retryable_left
    }

    /// Identifiers of committed releases that were read by a concordance.
    pub(super) fn releases_using(&self, concordance: &str) -> Vec<String> {
        let by = |release: &Release| release.concordances.iter().any(|id| id == concordance);
        self.repository.view(|state| {
            let committed = state.iter().filter(|record| record.head.state == ReleaseState::Committed);
            committed
                .map(|record| &record.head.release)
                .filter(|release| by(release))
                .map(|release| release.id.clone())
                .collect()
        })
    }

    /// Reads a release again by the newest releases of its concordances, and commits the result in its place.
    /// Returns the identifier of the new release.
    async fn reread(&self, release: &Release, progress: OnProgress<'_>) -> Result<String, Failure> {
        let request = IngestRequest::check(request_again(release)?, timestamp(self.context.clock.now()))?;
        let codes = self.concordance_codes(&request).await?;
        let files = self.open_files(&request).await?;
        let plans = plan_releases(&request, &files, codes, self.limits, progress).await?;
        let same = plans.into_iter().find(|plan| plan.release.table() == Table::Trade);
        let mut plan = same.ok_or_else(|| Failure::internal("the files no longer hold trade"))?;
        plan.release.in_place_of.clone_from(&release.id);
        let id = plan.release.id.clone();
        let IngestOutcome { release: read, .. } = self.ingest_release(plan, &request, progress).await?;
        match read.map(|read| (read.state(), read.reason)) {
            Some((ReleaseState::Committed, _)) => Ok(id),
            Some((_, reason)) => {
                Err(Failure::new(Class::Refused, "release-refused", format!("{id} was refused: {reason}")))
            }
            None => Err(Failure::internal("a reading ended without its release")),
        }
    }
}

/// The request that reads a release again: its original files, its description, and gates that only warn. The
/// rows were admitted before; what their codes stand for is decided by the concordance.
fn request_again(release: &Release) -> Result<IngestFilesRequest, Failure> {
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
        // Members of one archive are read from it together.
        if files.iter().all(|known| known.sha256 != file.stored_sha256) {
            let name = file.name.split('/').next().unwrap_or_default().to_owned();
            let (sha256, url, retrieved_at) =
                (file.stored_sha256.clone(), file.url.clone(), file.retrieved_at);
            let column_map = file.column_map.clone();
            files.push(ArchivedFile { sha256, name, url, retrieved_at, column_map });
        }
    }
    let weakenable = gates::all_gates().filter(|gate| !gate.is_final).map(|gate| gate.name.to_owned());
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
        concordances: restate::concordance_datasets(release),
        max_rejects: Some(u64::MAX),
        accept: weakenable.collect(),
        ..IngestFilesRequest::default()
    })
}
