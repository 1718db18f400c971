//! How much the datasets behind the figures of a market were revised.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::exposure::v1::DatasetRevision;

use super::{Figures, MaterialFigures};

impl Figures {
    /// Notes the datasets that answer at a stage in a period, with their revisions. Empty: none is known, or
    /// no longer. It does not matter whether the figures are kept, so that what is known never depends on the
    /// rules of an earlier time.
    pub(super) fn note_revisions(
        &mut self,
        material: &str,
        (stage, period): (&Arc<str>, Period),
        datasets: &[DatasetRevision],
    ) {
        if datasets.is_empty() {
            let noted = self.materials.get_mut(material).filter(|figures| figures.is_noted(stage, period));
            noted.into_iter().for_each(|figures| Arc::make_mut(figures).forget_revisions(stage, period));
            return;
        }
        let figures = Arc::make_mut(self.materials.entry(material.to_owned()).or_default());
        let periods = Arc::make_mut(figures.revisions.entry(Arc::clone(stage)).or_default());
        periods.insert(period, Arc::from(datasets));
    }
}

impl MaterialFigures {
    fn is_noted(&self, stage: &str, period: Period) -> bool {
        self.revisions.get(stage).is_some_and(|periods| periods.contains_key(&period))
    }

    fn forget_revisions(&mut self, stage: &str, period: Period) {
        let Some(periods) = self.revisions.get_mut(stage) else { return };
        Arc::make_mut(periods).remove(&period);
        if periods.is_empty() {
            self.revisions.remove(stage);
        }
    }
}
