//! The trade network of a market as it is put in: output, flows, and what is unknown of them.

use crate::{Amount, Residual};

use super::market::Market;
use super::solution::Lookthrough;
use super::solve::Solver;

/// Output and flows of one material at one stage in one period, in tonnes of one basis.
///
/// Nothing that is unknown enters as zero. It widens the bounds of what follows:
///
/// - Output between bounds: a withheld producer may have had any output; one that the source does not list,
///   at most the residual. The best estimate leaves it out.
/// - A flow between bounds is certain up to its lower bound. The rest of it, as large as it can be, reaches
///   the importer from an unknown origin.
/// - Imports of unknown origin ([`Network::with_unknown`]) are an origin of their own, which travels on with
///   everything else that the importer has. Where they make up the part `u` of what a consumer uses, directly
///   or through re-exporters, the share of any origin lies between `s` and `s + u`.
/// - An economy that exports more than it has gets the difference added. That, too, is of unknown origin; the
///   best estimate, following Kastner, counts it as the economy's own output.
///
/// ```
/// use orewatch_measures::{Amount, Network, Residual, Solver};
///
/// // The hub imports 50 t from China and 50 t of unknown origin, and sends 60 t of them on to Germany.
/// let t = Amount::known;
/// let flows = [("CHN", "NLD", t(50.0)), ("NLD", "DEU", t(60.0))];
/// let network = Network::new([("CHN", t(50.0))], Amount::NOTHING, flows)
///     .with_unknown("NLD", Residual::Unspecified, t(50.0))
///     .solve(&mut Solver::default());
/// let china = network.origins(["DEU"]).share("CHN");
/// assert_eq!((china.value, china.low, china.high), (Some(0.5), Some(0.5), Some(1.0)));
/// ```
#[derive(Clone, Debug)]
pub struct Network<K> {
    output: Vec<(K, Amount)>,
    residual: Amount,
    flows: Vec<(K, K, Amount)>,
    unknown: Vec<(Residual, K, Amount)>,
}

impl<K: Copy + Ord> Network<K> {
    /// A network of output by producer, the residual, and flows (exporter, importer, amount).
    ///
    /// Amounts of the same producer add up, and so do flows between the same two. A producer that is not
    /// listed has at most the residual.
    pub fn new(
        output: impl IntoIterator<Item = (K, Amount)>,
        residual: Amount,
        flows: impl IntoIterator<Item = (K, K, Amount)>,
    ) -> Self {
        let (output, flows) = (output.into_iter().collect(), flows.into_iter().collect());
        Self { output, residual, flows, unknown: Vec::new() }
    }

    /// Adds imports of unknown origin, in tonnes. Amounts of the same economy and kind add up. An amount that
    /// cannot be above zero changes nothing, to the bit.
    ///
    /// Bounds then hold for every origin that these imports may have, in the market or outside of it.
    #[must_use]
    pub fn with_unknown(mut self, economy: K, kind: Residual, amount: Amount) -> Self {
        if amount.high() > 0.0 {
            self.unknown.push((kind, economy, amount));
        }
        self
    }

    /// Solves the network. The solver only lends its memory: what it solved before does not matter.
    #[must_use]
    pub fn solve(self, solver: &mut Solver) -> Lookthrough<K> {
        Market::new(self.output, self.residual, self.flows, self.unknown).solve(solver)
    }
}
