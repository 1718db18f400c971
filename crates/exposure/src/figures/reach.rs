//! What the figures of a family depend on.

use orewatch_catalog::Stage;

use crate::book::Market;
use crate::scope::period_before;

/// What the figures of a family depend on. A release that touches none of it leaves them unchanged, and they
/// are not recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Flows, of this market and of those that `stages` and `earlier` name.
    pub flows: bool,
    /// Output, of the same.
    pub output: bool,
    /// Whether it depends on the other stages of the same material and period, too.
    pub stages: bool,
    /// Number of earlier periods of the same length that it depends on, too.
    pub earlier: u16,
    /// Governance in the calendar year of each of these markets, and in this number of years before. `None`:
    /// it depends on none.
    pub governance: Option<i16>,
    /// Parameters by name.
    pub parameters: &'static [&'static str],
    /// Restrictions of exports.
    pub restrictions: bool,
    /// Whether a consumer's figures depend on trade between others. Otherwise only flows into and out of the
    /// consumer count.
    pub network: bool,
    /// Whether a consumer's figures depend only on flows into it, not out of it.
    pub imports_only: bool,
}

impl Reach {
    /// Nothing.
    pub const NOTHING: Self = Self {
        flows: false,
        output: false,
        stages: false,
        earlier: 0,
        governance: None,
        parameters: &[],
        restrictions: false,
        network: false,
        imports_only: false,
    };

    /// Flows of the market.
    pub const FLOWS: Self = Self { flows: true, ..Self::NOTHING };

    /// Output of the market.
    pub const OUTPUT: Self = Self { output: true, ..Self::NOTHING };

    /// Flows and output of the market.
    pub const BOTH: Self = Self { output: true, ..Self::FLOWS };

    /// The markets that the figures of a market depend on.
    pub(crate) fn markets(&self, market: Market) -> impl Iterator<Item = Market> + use<> {
        let (stages, earlier) = (self.stages, self.earlier);
        let periods = (0..=earlier).filter_map(move |n| period_before(market.period, n));
        periods.flat_map(move |period| {
            let here = move |stage: &Stage| stages || *stage == market.stage;
            Stage::ALL.into_iter().filter(here).map(move |stage| Market { stage, period, ..market })
        })
    }
}
