//! Losses in order: once as they would be if each scenario came true, and once weighted by probability.

/// The loss of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedLoss {
    /// Identifier of the scenario.
    pub scenario: String,
    /// The loss if it comes true, at least 0.
    pub loss: f64,
    /// Its stated probability. `None`: nobody has stated one.
    pub probability: Option<f64>,
}

impl RankedLoss {
    /// Loss times probability. `None`: there is no probability.
    #[must_use]
    pub fn weighted(&self) -> Option<f64> {
        self.probability.map(|probability| probability * self.loss)
    }
}

/// Both rankings. They answer different questions, so both are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct LossRanking {
    /// By loss if it comes true, the greatest first.
    pub conditional: Vec<RankedLoss>,
    /// By loss times probability, the greatest first; only scenarios with a probability.
    pub weighted: Vec<RankedLoss>,
    /// Sum of all losses times their probabilities. Scenarios may overlap: it is no expectation of a year.
    pub weighted_sum: f64,
}

/// Ranks losses. Equal ones are in the order of their identifiers.
#[must_use]
pub fn rank_losses(losses: Vec<RankedLoss>) -> LossRanking {
    let mut weighted: Vec<RankedLoss> =
        losses.iter().filter(|loss| loss.probability.is_some()).cloned().collect();
    let value = |loss: &RankedLoss| loss.weighted().unwrap_or_default();
    weighted.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.scenario.cmp(&b.scenario)));
    let weighted_sum = weighted.iter().map(value).sum();
    let mut conditional = losses;
    conditional.sort_by(|a, b| b.loss.total_cmp(&a.loss).then_with(|| a.scenario.cmp(&b.scenario)));
    LossRanking { conditional, weighted, weighted_sum }
}
