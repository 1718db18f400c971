//! Whose figures may differ between two states of a market.
//!
//! A commit changes some flows of a market, mostly few. [`Changed`] compares the market before and after, amount by amount and
//! to the bit, and names the consumers whose figures have to be computed anew. Whoever is not named has the same figures, to
//! the bit. The sets are larger than necessary where that is cheaper to find out.
//!
//! | measure rests on | ask |
//! | --- | --- |
//! | imports by supplier: shares, HHI, largest, restricted, GeoPolRisk of an economy | [`Changed::buyers`] |
//! | exports by customer | [`Changed::sellers`] |
//! | imports, exports and output of a consumer and of its members: reliance, extra imports, CRMA | [`Changed::consumers`] |
//! | true origins, at one stage or through several | [`Changed::users`] |
//! | output of the world | everyone, if [`Changed::output_differs`] |

use std::collections::{BTreeMap, BTreeSet};

use super::{Buyer, Group, Place};
use crate::{Amount, Residual};

/// Less than this is no flow in a network.
const LEAST_AMOUNT: f64 = 1e-30;

/// What differs between two states of a market's trade and output.
///
/// ```
/// use orewatch_measures::{Amount, Buyer, Changed, Group};
///
/// let (deu, fra, chn, chl) = (0_u16, 1, 2, 3);
/// let flow = |importer, exporter, t| (importer, exporter, [Amount::known(t)]);
/// let before = [flow(deu, chl, 75.0), flow(deu, chn, 25.0), flow(fra, chl, 90.0)];
/// let after = [flow(deu, chl, 75.0), flow(deu, chn, 25.0), flow(fra, chl, 80.0)];
/// let changed = Changed::flows(before, after);
/// let blocs = [Group::bloc([deu, fra]), Group::bloc([deu]), Group::world()];
/// assert_eq!(changed.buyers(&blocs), [Buyer::Economy(fra), Buyer::Group(0), Buyer::Group(2)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<K> {
    /// Importer and exporter of flows that differ.
    pairs: BTreeSet<(K, K)>,
    /// Importers whose imports of unknown origin differ.
    unknown: BTreeSet<K>,
    /// Producers whose output differs, or what it is made of.
    output: BTreeSet<K>,
    /// The output of producers that are not listed differs.
    residual: bool,
    /// Who trades with whom differs, or what of it is known.
    structure: bool,
    /// Customers of each exporter, before or after.
    customers: BTreeMap<K, BTreeSet<K>>,
}

impl<K: Copy + Ord> Changed<K> {
    /// Compares flows: importer, exporter, and amounts by as many weights as there are. Flows between the same two are
    /// compared in the order in which they come.
    pub fn flows<const N: usize>(
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

    /// Compares imports of unknown origin: importer, kind, and amounts by as many weights as there are.
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

    /// Compares output by producer, and the residual of producers that are not listed.
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

    /// Names economies whose output is of another origin than before, though there is as much of it: those among
    /// [`Changed::users`] of the stage before, for measures through several stages.
    #[must_use]
    pub fn with_makers(mut self, economies: impl IntoIterator<Item = K>) -> Self {
        self.output.extend(economies);
        self
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.unknown.is_empty() && !self.output_differs()
    }

    /// Whether the output of the world differs, of whomever.
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

    /// Whose true origins may differ: who is touched, and everyone downstream, through as many re-exporters as there are.
    /// None: anyone's may, because who trades with whom differs or what of it is known, or the output of producers that are not
    /// listed.
    ///
    /// A group's may differ if those of a member may.
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

impl<K: Place> Changed<K> {
    /// Consumers whose imports by supplier may differ: economies by key, then groups by place.
    #[must_use]
    pub fn buyers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let differs = |group: &Group| {
            self.pairs.iter().any(|(importer, exporter)| group.counts(*importer, *exporter))
                || self.unknown.iter().any(|importer| group.contains(*importer))
        };
        named(self.importers(), groups, differs)
    }

    /// Consumers whose exports by customer may differ.
    #[must_use]
    pub fn sellers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let differs =
            |group: &Group| self.pairs.iter().any(|(importer, exporter)| group.counts(*exporter, *importer));
        named(self.exporters(), groups, differs)
    }

    /// Consumers of whom anything may differ: imports, exports, trade between members, or output.
    #[must_use]
    pub fn consumers(&self, groups: &[Group]) -> Vec<Buyer<K>> {
        let mut economies = self.importers();
        economies.extend(self.exporters());
        economies.extend(&self.output);
        let differs = |group: &Group| economies.iter().any(|economy| group.contains(*economy));
        named(economies.clone(), groups, differs)
    }
}

fn named<K>(economies: BTreeSet<K>, groups: &[Group], differs: impl Fn(&Group) -> bool) -> Vec<Buyer<K>> {
    let groups = groups.iter().enumerate().filter(|(_, group)| differs(group));
    let groups = groups.map(|(place, _)| Buyer::Group(place));
    economies.into_iter().map(Buyer::Economy).chain(groups).collect()
}

/// Everything that is listed under a key, in order.
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
    let same = |one: &[[Amount; N]], other: &[[Amount; N]]| {
        one.len() == other.len()
            && one.iter().flatten().zip(other.iter().flatten()).all(|(one, other)| one.is_same(other))
    };
    let of = |all: &BTreeMap<Q, Vec<[Amount; N]>>, key: &Q| all.get(key).cloned().unwrap_or_default();
    let keys = before.keys().chain(after.keys()).collect::<BTreeSet<_>>();
    keys.into_iter().filter(|key| !same(&of(before, key), &of(after, key))).copied().collect()
}

/// Whether amounts under one of the keys come or go, as best estimates or as bounds, or begin or cease to be known. The order
/// in which a network is solved, and what is said of all of it, may be another one then.
fn reshaped<Q: Ord, const N: usize>(
    before: &BTreeMap<Q, Vec<[Amount; N]>>,
    after: &BTreeMap<Q, Vec<[Amount; N]>>,
    keys: &BTreeSet<Q>,
) -> bool {
    let shape = |amount: &Amount| {
        let some = |amount: f64| amount >= LEAST_AMOUNT;
        let ends = (some(amount.low()), some(amount.high()), amount.high() <= amount.low());
        (amount.best().is_some_and(some), ends, amount.status())
    };
    let shapes = |all: &BTreeMap<Q, Vec<[Amount; N]>>, key: &Q| -> Vec<_> {
        all.get(key).into_iter().flatten().flatten().map(shape).collect()
    };
    keys.iter().any(|key| shapes(before, key) != shapes(after, key))
}
