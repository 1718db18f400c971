//! The floor of dependence: the least that consumers can depend on one supplier, and the tonnes that are
//! missing.
//!
//! With supply `S`, of which the dominant supplier has `S1`, claims of others on the rest, and the consumers'
//! demand `D`, at most `S - S1 - claims` comes from elsewhere, and the floor is
//!
//! ```text
//! max(0, 1 - (S - S1 - claims) / D)
//! ```
//!
//! For all consumers but the dominant supplier itself, it is 1 less the N-1 cover of the International Energy
//! Agency ([`orewatch_measures::Cover`]). A floor is arithmetic of tonnes: what nobody can do better than. It
//! is not a forecast, and not mixed with one.

use orewatch_measures::{Amount, Estimate, Interval, Status};

const NO_DEMAND: &str = "the consumers have no demand";
const INCOMPLETE: &str = "some of supply, claims and demand is only known between bounds";

/// Supply and demand of one material at one stage in one year. Amounts are masses of one unit and basis.
///
/// ```
/// use orewatch_foresight::Floor;
/// use orewatch_measures::Amount;
///
/// // Rare earths refined in 2030, IEA 2025: 25.56 kt outside China, the world uses 122.85, China 40 % of it.
/// let others = Amount::known(25.56);
/// let demand = Amount::known(122.85 * 0.6);
/// let floor = DependenceFloor { others, claims: Amount::NOTHING, demand };
/// assert!((floor.estimate().value.unwrap() - 0.653).abs() < 1e-3);
/// // To depend on China for at most 60 %, they need another 3.9 kt.
/// assert!((floor.missing(0.6).value.unwrap() - 3.92).abs() < 0.01);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DependenceFloor {
    /// Supply without the dominant supplier, `S - S1`.
    pub others: Amount,
    /// What others than the consumers take of it.
    pub claims: Amount,
    /// Demand of the consumers, `D`.
    pub demand: Amount,
}

impl DependenceFloor {
    /// The floor, 0 to 1, with bounds for what is not known. NOT_APPLICABLE without demand.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        if self.demand.high() <= 0.0 {
            return Estimate::missing(Status::NotApplicable, NO_DEMAND);
        }
        let covered = self.available().over(Interval::from(self.demand));
        let bounds = covered.map_falling(|covered| 1.0 - covered).within(0.0, 1.0);
        let value =
            self.best(|available, demand| (demand > 0.0).then(|| (1.0 - available / demand).clamp(0.0, 1.0)));
        self.figure(value, bounds)
    }

    /// Further supply from elsewhere with which the consumers could depend on the dominant supplier for at
    /// most `line` of their demand (0 to 1), in the unit of the amounts. 0 if they can already.
    #[must_use]
    pub fn missing(&self, line: f64) -> Estimate {
        let needed = Interval::from(self.demand).times(Interval::exact(1.0 - line));
        let missing = needed.minus(self.available());
        let bounds = missing.within(0.0, f64::INFINITY);
        let value = self.best(|available, demand| Some((demand * (1.0 - line) - available).max(0.0)));
        self.figure(value, bounds)
    }

    /// Bounds of what is left for the consumers.
    fn available(&self) -> Interval {
        Interval::from(self.others).minus(Interval::from(self.claims)).within(0.0, f64::INFINITY)
    }

    fn best(&self, formula: impl Fn(f64, f64) -> Option<f64>) -> Option<f64> {
        let (others, claims) = self.others.best().zip(self.claims.best())?;
        formula((others - claims).max(0.0), self.demand.best()?)
    }

    fn figure(&self, value: Option<f64>, bounds: Interval) -> Estimate {
        let amounts = [self.others, self.claims, self.demand];
        if let (Some(value), true) = (value, amounts.iter().all(Amount::is_known)) {
            return Estimate::known(value);
        }
        let finite = |end: f64| Some(end).filter(|end| end.is_finite());
        Estimate {
            value: value.map(|value| value.clamp(bounds.low(), bounds.high())),
            low: finite(bounds.low()),
            high: finite(bounds.high()),
            coverage: None,
            status: Status::Partial,
            reason: INCOMPLETE,
        }
    }
}

/// Further supply from elsewhere with which a supplier's share of all supply would be at most `line` if it
/// produces what it plans: `max(0, S1 / line - S)`, in the unit of the amounts. `None`: the line is not above
/// 0.
///
/// ```
/// use orewatch_foresight::missing_for_share;
///
/// // China's planned output of refined rare earths in 2030 is 81.13 kt of 106.68 kt (IEA 2025).
/// assert!((missing_for_share(106.68, 81.13, 0.6).unwrap() - 28.5).abs() < 0.1);
/// ```
#[must_use]
pub fn missing_for_share(supply: f64, of_supplier: f64, line: f64) -> Option<f64> {
    (line > 0.0).then(|| (of_supplier / line - supply).max(0.0))
}

/// The dominant supplier's own share of the world's demand at which all others together can just reach
/// `line`, 0 to 1: `1 - (S - S1) / ((1 - line) D)`. If its true share is above, the line can be reached.
/// `None`: there is no demand, or the line is not below 1.
#[must_use]
pub fn own_share_at_reach(others: f64, world_demand: f64, line: f64) -> Option<f64> {
    let needed = (1.0 - line) * world_demand;
    (needed > 0.0).then(|| (1.0 - others / needed).clamp(0.0, 1.0))
}
