//! Evaluations as operators see them: as traces, in metrics, and as the position that the service reports.
use orewatch_contracts::Failure;
use orewatch_rules::evolve::Mark;
use orewatch_runtime::metrics::catalogue;
use orewatch_runtime::trace;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::Evaluator;
use crate::releases::ReleaseChanges;

impl Evaluator {
    /// Continues an evaluation in a trace of its own, and measures it.
    pub(super) async fn finish_traced(&mut self, mark: Mark) -> Result<(), Failure> {
        let (began, span) = (Instant::now(), tracing::info_span!("evaluate", exposures = mark.exposures));
        Box::pin(self.finish(mark)).instrument(span).await?;
        self.context.metrics.observe(&catalogue::EVALUATION_SECONDS, [], began.elapsed());
        Ok(())
    }

    /// Links the trace of an evaluation to the call that led to it: the upload of the release that it takes
    /// in, or the change of a rule.
    pub(super) fn link_evaluation(&self, mark: Mark, release: Option<&ReleaseChanges>) {
        let span = Span::current();
        match release {
            Some(release) => trace::link_to_cause(&span, release.traceparent.as_deref()),
            None => trace::link_to_cause(&span, self.service.borrow().causes.of_rules(mark.rules)),
        }
    }

    /// Reports how far the exposures log is read. The service is up to date with it once it has reached its
    /// end, and evaluated what is there.
    pub(super) fn report_position(&self) {
        let Some(position) = self.releases.live_position() else { return };
        if self.releases.is_caught_up() {
            self.followed.set_live(position, &*self.exposures);
        } else {
            self.followed.set_read(position, &*self.exposures);
        }
    }
}
