//! The consumers whose figures may differ between two states of a market.
//!
//! A commit changes some flows of a market, mostly few. [`TradeChanges`] compares the market before and
//! after, amount by amount and to the bit, and lists the consumers whose figures have to be recomputed. All
//! others have the same figures, to the bit. Some sets are larger than necessary, where an exact answer would
//! cost more than recomputing.
//!
//! | a measure that depends on | has to be recomputed for |
//! | --- | --- |
//! | imports by supplier (shares, HHI, largest, restricted, GeoPolRisk) | [`TradeChanges::buyers`] |
//! | exports by customer | [`TradeChanges::sellers`] |
//! | imports, exports and output of all members (reliance, CRMA) | [`TradeChanges::consumers`] |
//! | true origins, at one stage or through several | [`TradeChanges::users`] |
//! | output of the world | everyone, if [`TradeChanges::output_differs`] |

use std::collections::{BTreeMap, BTreeSet};

use super::{Buyer, Group, SmallKey};
use crate::{Amount, Residual};

/// Smaller flows do not enter a network.
const MIN_AMOUNT: f64 = 1e-30;

/// Differences between two states of a market's trade and output.
///
/// ```
/// use orewatch_measures::{Amount, Buyer, Group, TradeChanges};
///
/// let (deu, fra, chn, chl) = (0_u16, 1, 2, 3);
/// let flow = |importer, exporter, t| (importer, exporter, [Amount::known(t)]);
/// let before = [flow(deu, chl, 75.0), flow(deu, chn, 25.0), flow(fra, chl, 90.0)];
/// let after = [flow(deu, chl, 75.0), flow(deu, chn, 25.0), flow(fra, chl, 80.0)];
/// let changes = TradeChanges::between(before, after);
/// let blocs = [Group::bloc([deu, fra]), Group::bloc([deu]), Group::world()];
/// assert_eq!(changes.buyers(&blocs), [Buyer::Economy(fra), Buyer::Group(0), Buyer::Group(2)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeChanges<K> {
    /// Importer and exporter of flows that differ.
    pairs: BTreeSet<(K, K)>,
    /// Importers whose imports of unknown origin differ.
    unknown: BTreeSet<K>,
    /// Producers whose output differs, or the entries that it is the sum of.
    output: BTreeSet<K>,
    /// The output of producers that are not listed differs.
    residual: bool,
    /// Who trades with whom differs, or which amounts are known.
    structure: bool,
    /// Customers of each exporter, before or after.
    customers: BTreeMap<K, BTreeSet<K>>,
}

impl<K: Copy + Ord> TradeChanges<K> {
    /// Compares flows: importer, exporter, and one amount for each weight. Flows between the same two are
    /// compared in the given order.
    pub fn between<const N: usize>(
        before: impl IntoIterator<Item = (K, K, [Amount; N])>,
        after: impl IntoIterator<Item = (K, K, [Amount; N])>,
    ) -> Self {
        let by_pair = |(importer, exporter, amounts)| ((importer, exporter), amounts);
        let [before, after] =
            [listed(before.into_iter().map(by_pair)), listed(after.into_iter().map(by_pair))];
        let mut customers = BTreeMap::<K, BTreeSet<K>>::new();
        for (importer, exporter) in before.keys().chain(after.keys()) {
            customers.entry(*exporter).or_default().insert(*importer);
        }
        let pairs = differing(&before, &after);
        Self {
            structure: reshaped(&before, &after, &pairs),
            pairs,
            unknown: BTreeSet::new(),
            output: BTreeSet::new(),
            residual: false,
            customers,
        }
    }

    /// Also compares imports of unknown origin: importer, kind, and one amount for each weight.
    #[must_use]
    pub fn with_unknown<const N: usize>(
        mut self,
        before: impl IntoIterator<Item = (K, Residual, [Amount; N])>,
        after: impl IntoIterator<Item = (K, Residual, [Amount; N])>,
    ) -> Self {
        let by_kind = |(importer, kind, amounts)| ((importer, kind), amounts);
        let [before, after] =
            [listed(before.into_iter().map(by_kind)), listed(after.into_iter().map(by_kind))];
        let differing = differing(&before, &after);
        self.structure |= reshaped(&before, &after, &differing);
        self.unknown.extend(differing.into_iter().map(|(importer, _)| importer));
        self
    }

    /// Also compares output by producer, and the residual of producers that are not listed.
    #[must_use]
    pub fn with_output(
        mut self,
        before: (impl IntoIterator<Item = (K, Amount)>, Amount),
        after: (impl IntoIterator<Item = (K, Amount)>, Amount),
    ) -> Self {
        let single = |(producer, amount)| (producer, [amount]);
        let [old, new] = [listed(before.0.into_iter().map(single)), listed(after.0.into_iter().map(single))];
        let differing = differing(&old, &new);
        self.structure |= reshaped(&old, &new, &differing);
        self.output.extend(differing);
        self.residual |= !before.1.is_same(&after.1);
        self
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.unknown.is_empty() && !self.output_differs()
    }

    /// Whether the output of any producer or the residual differs.
    #[must_use]
    pub fn output_differs(&self) -> bool {
        self.residual || !self.output.is_empty()
    }

    /// Importers whose flows differ, those of unknown origin included, by key.
    #[must_use]
    pub fn importers(&self) -> BTreeSet<K> {
        self.pairs.iter().map(|(importer, _)| *importer).chain(self.unknown.iter().copied()).collect()
    }

    /// Exporters whose flows differ, by key.
    #[must_use]
    pub fn exporters(&self) -> BTreeSet<K> {
        self.pairs.iter().map(|(_, exporter)| *exporter).collect()
    }

    /// Economies whose true origins may differ: those with a difference, and everyone downstream through any
    /// number of re-exporters. `None`: those of all economies may differ, because who trades with whom
    /// differs, which amounts are known, or the residual of output.
    ///
    /// The true origins of a group may differ if those of a member may.
    #[must_use]
    pub fn users(&self) -> Option<BTreeSet<K>> {
        if self.structure || self.residual {
            return None;
        }
        let mut users = self.importers();
        users.extend(self.exporters());
        users.extend(&self.output);
        let mut open: Vec<K> = users.iter().copied().collect();
        while let Some(economy) = open.pop() {
            let customers = self.customers.get(&economy).into_iter().flatten();
            open.extend(customers.copied().filter(|customer| users.insert(*customer)));
        }
        Some(users)
    }
}

impl<K: SmallKey> TradeChanges<K> {
    /// Consumers whose imports by supplier may differ: economies by key, then groups by index.
    #[must_use]
    pub fn buyers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let differs = |group: &Group| {
            self.pairs.iter().any(|(importer, exporter)| group.counts(*importer, *exporter))
                || self.unknown.iter().any(|importer| group.contains(*importer))
        };
        with_groups(self.importers(), groups, differs)
    }

    /// Consumers whose exports by customer may differ: economies by key, then groups by index.
    #[must_use]
    pub fn sellers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let differs =
            |group: &Group| self.pairs.iter().any(|(importer, exporter)| group.counts(*exporter, *importer));
        with_groups(self.exporters(), groups, differs)
    }

    /// Consumers with any difference: in imports, exports, trade between members, or output.
    #[must_use]
    pub fn consumers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let mut economies = self.importers();
        economies.extend(self.exporters());
        economies.extend(&self.output);
        let differs = |group: &Group| economies.iter().any(|economy| group.contains(*economy));
        with_groups(economies.clone(), groups, differs)
    }
}

/// The economies, then the groups for which `differs` holds.
fn with_groups<K>(
    economies: BTreeSet<K>,
    groups: &[Group],
    differs: impl Fn(&Group) -> bool,
) -> Vec<Buyer<K>> {
    let groups = groups.iter().enumerate().filter(|(_, group)| differs(group));
    let groups = groups.map(|(index, _)| Buyer::Group(index));
    economies.into_iter().map(Buyer::Economy).chain(groups).collect()
}

/// Entries by key, in their order.
fn listed<Q: Ord, const N: usize>(
    entries: impl Iterator<Item = (Q, [Amount; N])>,
) -> BTreeMap<Q, Vec<[Amount; N]>> {
    let mut listed = BTreeMap::<Q, Vec<_>>::new();
    for (key, amounts) in entries {
        listed.entry(key).or_default().push(amounts);
    }
    listed
}

/// Keys under which the two list different amounts, to the bit.
fn differing<Q: Copy + Ord, const N: usize>(
    before: &BTreeMap<Q, Vec<[Amount; N]>>,
    after: &BTreeMap<Q, Vec<[Amount; N]>>,
) -> BTreeSet<Q> {
    let same = |a: &[[Amount; N]], b: &[[Amount; N]]| {
        a.len() == b.len() && a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| a.is_same(b))
    };
    let entries = |all: &BTreeMap<Q, Vec<[Amount; N]>>, key: &Q| all.get(key).cloned().unwrap_or_default();
    let keys = before.keys().chain(after.keys()).collect::<BTreeSet<_>>();
    keys.into_iter().filter(|key| !same(&entries(before, key), &entries(after, key))).copied().collect()
}

/// Whether an amount under one of the keys appears or disappears, as a best estimate or as a bound, or
/// becomes known or unknown. Then the network may be solved in another order, and statuses of all its figures
/// may change.
fn reshaped<Q: Ord, const N: usize>(
    before: &BTreeMap<Q, Vec<[Amount; N]>>,
    after: &BTreeMap<Q, Vec<[Amount; N]>>,
    keys: &BTreeSet<Q>,
) -> bool {
    let shape = |amount: &Amount| {
        let some = |amount: f64| amount >= MIN_AMOUNT;
        let ends = (some(amount.low()), some(amount.high()), amount.high() <= amount.low());
        (amount.best().is_some_and(some), ends, amount.status())
    };
    let shapes = |all: &BTreeMap<Q, Vec<[Amount; N]>>, key: &Q| -> Vec<_> {
        all.get(key).into_iter().flatten().flatten().map(shape).collect()
    };
    keys.iter().any(|key| shapes(before, key) != shapes(after, key))
}
