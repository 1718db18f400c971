//! A dry run: everything is read, mapped and gated, and nothing is recorded.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    IngestOutcome, ObservationsRecorded, ReleaseInfo, ReleaseState, SampleRow,
};
use orewatch_runtime::Failure;

use super::Tell;
use super::asked::Asked;
use super::reading::{self, Sink};
use super::sample;
use crate::commands::info;
use crate::decide;
use crate::evolve::Held;
use crate::fact::Fact;
use crate::scope;
use crate::sources::Plan;
use crate::validate;
use crate::work::Keeper;

/// A release that is on no log.
#[derive(Debug)]
pub(super) struct Trial {
    held: Held,
    sample: Vec<SampleRow>,
}

impl Trial {
    /// Looks at a piece.
    ///
    /// # Errors
    /// A row outside of the scope that the release states.
    pub(super) fn take(&mut self, rows: Rows) -> Result<(), Failure> {
        if let Rows::Observations(ObservationsRecorded { columns: Some(columns), .. }) = &rows {
            scope::within(&self.held.head.release, columns)?;
            sample::add(&mut self.sample, &self.held.head.release, columns);
        }
        self.held.imagine(match rows {
            Rows::Observations(chunk) => Fact::Recorded(chunk),
            Rows::Quarantine(chunk) => Fact::Quarantined(chunk),
        });
        Ok(())
    }
}

/// What would become of a release.
pub(super) async fn run(
    keeper: &Arc<Keeper>,
    plan: Plan,
    asked: &Asked,
    tell: Tell<'_>,
) -> Result<IngestOutcome, Failure> {
    keeper.up_to_date().await?;
    let release = validate::release(plan.release.clone())?;
    let id = release.id.clone();
    let known = keeper.view(|book| book.get(&id).map(info)).filter(|info| info.state() != ReleaseState::Open);
    let mut sink = Sink::Imagined(Box::new(Trial { held: Held::imagined(release), sample: Vec::new() }));
    let read = reading::read(plan, &mut sink, &id, tell).await?;
    let Sink::Imagined(trial) = sink else { return Err(Failure::internal("a dry run recorded something")) };
    let Trial { held, sample } = *trial;
    let request = asked.commit(&id, read.totals);
    let judging = keeper.judging();
    let report = keeper.view(|book| decide::assess(book, &held, &request, &judging))?;
    let release = ReleaseInfo { report: Some(report), opened_at: None, ..info(&held) };
    Ok(IngestOutcome {
        release: Some(release),
        known: known.is_some(),
        sample,
        rejections: read.rejections,
        ..IngestOutcome::default()
    })
}
