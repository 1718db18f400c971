//! Cost of evaluating a rule on the figures.
use super::{Figures, KeptFigures, MaterialFigures};
use crate::cost::Cost;
use crate::rules::CheckedRule;

impl Figures {
    /// Cost of a rule on all figures. Figures of a measure that no rule watches are not kept, so that their
    /// cost is an estimate from their number.
    #[must_use]
    pub fn cost(&self, rule: &CheckedRule) -> Cost {
        let costs = self.known_materials().map(|material| self.cost_in(material, rule));
        costs.fold(Cost::default(), Cost::and)
    }

    fn cost_in(&self, material: &str, rule: &CheckedRule) -> Cost {
        if self.kept.covers(&KeptFigures::for_rules([rule])) {
            let figures = self.materials.get(material);
            return figures.map_or_else(Cost::default, |figures| figures.cost(material, rule));
        }
        self.extents.get(material).map_or_else(Cost::default, |extents| extents.cost(material, rule))
    }
}

impl MaterialFigures {
    /// Cost of a rule on the figures of this material.
    pub(crate) fn cost(&self, material: &str, rule: &CheckedRule) -> Cost {
        let counts = self.counts(material, rule);
        let costs = counts.map(|(subjects, periods)| Cost::for_subjects(rule, subjects, periods));
        costs.fold(Cost::default(), Cost::and)
    }
}
