//! What a rule requires for a certain crossing, beside the bounds of the figure.
use orewatch_contracts::exposure::v1::DatasetRevision;

use super::{Condition, PeriodView, Source};
use crate::assessment::{Assessment, Line, Sides};
use crate::firmness::Shortfall;

impl Condition {
    /// Applies the datasets that must be beyond the line, and the firmness of published figures.
    pub(super) fn confirm(&self, assessment: Assessment, view: &PeriodView<'_>) -> Assessment {
        let is_short = assessment.is_crossed() && self.firmness_shortfall(view).is_some();
        let assessment = if is_short { assessment.not_firm() } else { assessment };
        if self.confirmed_by == 0 {
            return assessment;
        }
        let sides = self.line().map(|line| view.sides(&line));
        assessment.confirmed(sides.is_some_and(|sides| sides.beyond >= self.confirmed_by))
    }

    /// On which side of the line the datasets that provide the figure are. `None`: only one provides it, or
    /// the line is not over the figure itself.
    #[must_use]
    pub fn sides(&self, view: &PeriodView<'_>) -> Option<Sides> {
        let line = self.line().filter(|_| self.is_own_level())?;
        let is_known = view.figure(Source::Own, 0).is_ok_and(|figure| figure.spread.is_some());
        is_known.then(|| view.sides(&line))
    }

    /// Why the published figures are less firm than the rule requires. `None`: they are firm enough, or
    /// it requires nothing.
    #[must_use]
    pub fn firmness_shortfall<'a>(&self, view: &PeriodView<'a>) -> Option<Shortfall<'a>> {
        self.firmness.and_then(|required| required.shortfall(view.revisions()))
    }
}

impl<'a> PeriodView<'a> {
    /// On which side of a line the datasets that provide the figure are.
    fn sides(&self, line: &Line) -> Sides {
        let spread = self.figure(Source::Own, 0).ok().and_then(|figure| figure.spread.as_ref());
        spread.map_or_else(Sides::default, |spread| Sides::new(spread, line))
    }

    /// The datasets that answer in this period, with their revisions. Empty: none is known.
    fn revisions(&self) -> &'a [DatasetRevision] {
        let known = self.watched.revisions.as_ref().zip(self.period());
        known.and_then(|(known, period)| known.get(&period)).map_or(&[], |datasets| &**datasets)
    }
}
