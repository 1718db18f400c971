//! The network of a market, with what of it is not known.

use crate::{Amount, Estimate, Interval, Residual, Status, Term, Terms};

use super::market::Market;
use super::origins::Origins;
use super::solve::{Mixes, Solver};
use super::trade::place;

/// More than any amount: stands for what nothing bounds.
pub(super) const UNBOUNDED: f64 = 1e30;

pub(super) const INCOMPLETE: &str = "some output or flows are not known";

/// Output and flows of one material at one stage in one period, in tonnes of one basis.
///
/// What is not known of them widens the bounds of what follows, and never enters as zero:
///
/// - Output between bounds is what it is: a withheld producer may have had any output, one that the source does not list at
///   most the residual. The best estimate leaves it out.
/// - A flow between bounds is sure up to the lower one. The rest of it, as large as it can be, reaches the importer from an
///   unknown origin.
/// - Imports of unknown origin ([`Network::with_unknown`]) are an origin of their own, which passes on with everything else
///   that their importer has. Where they make up the part `u` of what a consumer uses, directly or through re-exporters,
///   the share of any origin is between `s` and `s + u`.
/// - What has to be added because an economy exports more than it has is of unknown origin as well. The best estimate, after
///   Kastner, counts it as the economy's own output.
///
/// ```
/// use orewatch_measures::{Amount, Network, Residual, Solver};
///
/// // The hub has 50 t from China and 50 t from nowhere that it names, and sends 60 t of them on to Germany.
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
    pub(super) output: Vec<(K, Amount)>,
    pub(super) residual: Amount,
    pub(super) flows: Vec<(K, K, Amount)>,
    pub(super) unknown: Vec<(Residual, K, Amount)>,
}

/// Tonnes: the best estimate, and bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) best: f64,
    /// The upper end is infinite where nothing bounds it.
    pub(super) bounds: Interval,
}

impl Quantity {
    pub(super) const NOTHING: Self = Self { best: 0.0, bounds: Interval::ZERO };

    pub(super) fn of(amount: Amount) -> Self {
        let possible = |amount: f64| amount.min(UNBOUNDED);
        let bounds = Interval { low: possible(amount.low()), high: amount.high() };
        // Bounds without room between them say what the amount is.
        let only = if bounds.is_exact() { bounds.low } else { 0.0 };
        Self { best: possible(amount.best().unwrap_or(only)), bounds }
    }

    pub(super) fn is_exact(self) -> bool {
        self.bounds.is_exact()
    }

    pub(super) fn low(self) -> f64 {
        self.bounds.low
    }

    pub(super) fn high(self) -> f64 {
        self.bounds.high
    }

    pub(super) fn add(&mut self, other: Self) {
        self.best = (self.best + other.best).min(UNBOUNDED);
        self.bounds.low = (self.bounds.low + other.bounds.low).min(UNBOUNDED);
        self.bounds.high += other.bounds.high;
    }

    pub(super) fn capped(self) -> f64 {
        self.bounds.high.min(UNBOUNDED)
    }

    pub(super) fn estimate(self) -> Estimate {
        if self.is_exact() {
            return Estimate::known(self.best);
        }
        let Interval { low, high } = self.bounds;
        let high = high.is_finite().then_some(high.max(self.best));
        let (value, low) = (Some(self.best), Some(low.min(self.best)));
        Estimate { value, low, high, ..Estimate::missing(Status::Partial, INCOMPLETE) }
    }
}

/// What follows from a network: what every economy has, and where it truly comes from.
#[derive(Clone, Debug)]
pub struct Lookthrough<K> {
    pub(super) keys: Vec<K>,
    /// Kinds of unknown origin that there are. In the mixes they are origins behind the economies, in this order.
    pub(super) kinds: Vec<Residual>,
    pub(super) output: Vec<Quantity>,
    /// Output of an economy that is not in the market.
    pub(super) unlisted: Quantity,
    /// Imports and exports of each economy; imports of unknown origin are among them.
    pub(super) imports: Vec<Quantity>,
    pub(super) exports: Vec<Quantity>,
    /// Flows, by best estimates.
    pub(super) flows: Vec<(u32, u32, f64)>,
    /// Imports of unknown origin of each economy, by best estimates.
    pub(super) open: Vec<f64>,
    /// Who has anything from an economy whose known supply does not cover its exports. Empty where nothing is imported from an
    /// unknown origin.
    pub(super) lacking: Vec<bool>,
    /// Every output and every flow is known, and how much is of unknown origin.
    pub(super) exact: bool,
    /// With best estimates.
    pub(super) best: Mixes,
    /// With output as low, and with output as high as it can be. None: as `best`.
    pub(super) bounds: Option<(Mixes, Mixes)>,
    /// What part of each economy's supply may be of unknown origin, at most.
    pub(super) unknown: Vec<f64>,
}

impl<K: Copy + Ord> Network<K> {
    /// A network. Output of the same producer adds up, and so do flows between the same two; a producer that is not listed has
    /// at most the residual.
    pub fn new(
        output: impl IntoIterator<Item = (K, Amount)>,
        residual: Amount,
        flows: impl IntoIterator<Item = (K, K, Amount)>,
    ) -> Self {
        let (output, flows) = (output.into_iter().collect(), flows.into_iter().collect());
        Self { output, residual, flows, unknown: Vec::new() }
    }

    /// The network with imports of an economy whose origin is not known, in tonnes. Amounts of the same economy and kind add
    /// up. Without any amount above zero the network is the same as before, to the bit.
    ///
    /// Bounds hold for every origin that they may have: for output of anybody that is sent to the importer, and for any
    /// partner that has enough to send.
    #[must_use]
    pub fn with_unknown(mut self, economy: K, kind: Residual, amount: Amount) -> Self {
        if amount.high() > 0.0 {
            self.unknown.push((kind, economy, amount));
        }
        self
    }

    /// Solves it.
    #[must_use]
    pub fn solve(self, solver: &mut Solver) -> Lookthrough<K> {
        Market::of(self).solve(solver)
    }
}

impl<K: Copy + Ord> Lookthrough<K> {
    /// Economies of the market, in order.
    #[must_use]
    pub fn economies(&self) -> &[K] {
        &self.keys
    }

    /// Economies with anything of their own by best estimates, in order: who may be an origin.
    pub fn producers(&self) -> impl Iterator<Item = K> + '_ {
        let own = |place: u32| self.best.supply(place).own() > 0.0;
        (0..).zip(&self.keys).filter(move |(place, _)| own(*place)).map(|(_, key)| *key)
    }

    /// The mixes of best estimates; economies by their place in [`Self::economies`]. Behind them come the kinds of unknown
    /// origin that there are, in the order of [`Residual`].
    #[must_use]
    pub fn mixes(&self) -> &Mixes {
        &self.best
    }

    /// What had to be added to the supply of an economy by best estimates so that it covers its exports, with the supply that
    /// the figures give. None: nothing, or the economy is not in the market.
    #[must_use]
    pub fn balance(&self, economy: K) -> Option<(f64, f64)> {
        let supply = self.best.supply(self.place(economy)?);
        (supply.added > 0.0).then_some((supply.added, supply.output + supply.imports))
    }

    /// The same as a figure: `max(0, E - (P + I))`, between bounds where one of the three is.
    #[must_use]
    pub fn balanced(&self, economy: K) -> Estimate {
        let Some(place) = self.place(economy) else { return Estimate::known(0.0) };
        let [output, imports, exports] =
            [&self.output, &self.imports, &self.exports].map(|all| at(all, place));
        let value = self.best.supply(place).added;
        if [output, imports, exports].iter().all(|bounds| bounds.is_exact()) {
            return Estimate::known(value);
        }
        let lacks =
            |exports: f64, supply: f64| if supply.is_infinite() { 0.0 } else { (exports - supply).max(0.0) };
        let low = lacks(exports.low(), output.high() + imports.high()).min(value);
        let high = lacks(exports.high(), output.low() + imports.low()).max(value);
        let high = high.is_finite().then_some(high);
        Estimate {
            value: Some(value),
            low: Some(low),
            high,
            ..Estimate::missing(Status::Partial, INCOMPLETE)
        }
    }

    /// Output, imports and exports of an economy, as terms of its balance.
    #[must_use]
    pub fn balance_terms(&self, economy: K) -> Terms {
        let place = self.place(economy);
        let figure = |all: &[Quantity]| place.map_or(Quantity::NOTHING, |place| at(all, place)).estimate();
        [("E", &self.exports), ("P", &self.output), ("I", &self.imports)]
            .map(|(symbol, all)| Term::new(symbol, figure(all), "t"))
            .into()
    }

    /// Where what a consumer uses truly comes from. The consumer is one economy or several that are taken together.
    #[must_use]
    pub fn origins(&self, members: impl IntoIterator<Item = K>) -> Origins<K> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Origins::new(self, &members)
    }

    /// Flows to an economy by best estimates, flows from the same one added up.
    pub(crate) fn flows_to(&self, economy: u32) -> Vec<(u32, f64)> {
        let mut flows: Vec<(u32, f64)> = Vec::new();
        for (from, _, amount) in self.flows.iter().filter(|(_, to, amount)| *to == economy && *amount > 0.0) {
            match flows.iter_mut().find(|(known, _)| known == from) {
                Some((_, sum)) => *sum += amount,
                None => flows.push((*from, *amount)),
            }
        }
        flows
    }

    /// What an economy imports from an unknown origin, by best estimates.
    pub(crate) fn unknown_imports(&self, economy: u32) -> f64 {
        self.open.get(place(economy)).copied().unwrap_or(0.0)
    }

    /// Whether every output and every flow is known, and how much is of unknown origin.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Part of an economy's supply that was imported from an unknown origin, by it or by those before it: by best estimates.
    pub(crate) fn unknown_in(&self, mixes: &Mixes, economy: u32) -> f64 {
        self.kind_places().fold(0.0, |sum, (_, kind)| sum + mixes.share(economy, kind))
    }

    /// The kinds of unknown origin, and their places among the origins.
    pub(crate) fn kind_places(&self) -> impl Iterator<Item = (Residual, u32)> {
        let first = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.kinds.iter().copied().zip(first..)
    }

    pub(crate) fn place(&self, economy: K) -> Option<u32> {
        self.keys.binary_search(&economy).ok().and_then(|at| u32::try_from(at).ok())
    }
}

/// The entry of an economy; nothing where there is none.
pub(super) fn at(values: &[Quantity], economy: u32) -> Quantity {
    values.get(place(economy)).copied().unwrap_or(Quantity::NOTHING)
}
