//! A market's trade, kept so that one changed flow costs little.
//!
//! Three things, from the outside in:
//!
//! - [`Changed`] says whose figures may differ between two states of a market that are given as lists of flows. It keeps
//!   nothing, and serves who keeps the flows elsewhere.
//! - [`Ledger`] keeps a market. [`Ledger::set`] enters one flow, [`Ledger::changed`] names the consumers whose supply is
//!   another one for it, and [`Ledger::sourcing`] and [`Ledger::concentration`] answer for a consumer at any time.
//! - [`Group`] says which flows are imports of a bloc or of the world, and [`Buyer`] names an economy or a group.
//!
//! Both rest on the same proof, held by tests: whoever is not named has the same figures, to the bit, as a market that is
//! built from scratch. It holds because sums run in one order everywhere: a group's imports from one exporter add up by
//! importer, a consumer's suppliers by supplier, residuals by kind, then importer.

mod changed;
mod group;
mod line;

use std::collections::BTreeMap;

pub use changed::Changed;
pub use group::Group;

use crate::{Amount, Concentration, Residual, Sourcing};
use line::Line;

/// Something that has a small fixed number, such as its place in a catalogue. Keys are ordered by it.
pub trait Place: Copy + Ord {
    /// The number.
    fn place(self) -> u16;
}

impl Place for u16 {
    fn place(self) -> u16 {
        self
    }
}

/// Whose imports are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Buyer<K> {
    /// One importer.
    Economy(K),
    /// A group, by its place among those that the ledger was made with.
    Group(usize),
}

/// Who buys how much from whom in one market, by one weight, with groups of importers added up.
///
/// A ledger answers what a [`Sourcing`] of the same flows answers, bit for bit, at any time. The work for one changed flow
/// does not grow with the market: the importer's line, the exporter's line, and one number in each group that the flow
/// enters. That works because sums run in one order in both: a group's imports from one exporter add up by importer, a
/// consumer's suppliers by supplier.
///
/// ```
/// use orewatch_measures::{Amount, Buyer, Group, Ledger};
///
/// let (deu, fra, chn, mar) = (0_u16, 1, 2, 3);
/// let mut cobalt = Ledger::new([Group::bloc([deu, fra]), Group::world()]);
/// cobalt.set(deu, chn, Some(Amount::known(60.0)));
/// cobalt.set(fra, mar, Some(Amount::known(40.0)));
/// cobalt.set(fra, deu, Some(Amount::known(5.0)));
/// // What France buys from Germany does not come from outside the bloc.
/// assert_eq!(cobalt.changed(), [Buyer::Economy(fra), Buyer::Group(1)]);
///
/// let bloc = cobalt.concentration(Buyer::Group(0)).unwrap();
/// assert_eq!((bloc.top1.value, bloc.names), (Some(0.6), [Some(chn), Some(mar), None]));
/// ```
#[derive(Clone, Debug)]
pub struct Ledger<K> {
    /// Suppliers of an importer, by its place.
    importers: Vec<Line<K>>,
    /// Customers of an exporter, by its place.
    exporters: Vec<Line<K>>,
    groups: Vec<(Group, Line<K>)>,
    /// Imports of unknown origin, by kind and importer.
    unknown: BTreeMap<(Residual, K), Amount>,
    changed: Vec<Buyer<K>>,
}

impl<K: Place> Ledger<K> {
    /// A market without trade.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        let groups = groups.into_iter().map(|group| (group, Line::default())).collect();
        Self {
            importers: Vec::new(),
            exporters: Vec::new(),
            groups,
            unknown: BTreeMap::new(),
            changed: Vec::new(),
        }
    }

    /// A market with trade: importer, exporter, amount. Of several amounts for the same two the last one stands. What
    /// comes sorted is taken in fastest.
    #[must_use]
    pub fn of(
        groups: impl IntoIterator<Item = Group>,
        flows: impl IntoIterator<Item = (K, K, Amount)>,
    ) -> Self {
        let mut ledger = Self::new(groups);
        let mut sellers = Vec::new();
        for (importer, exporter, amount) in flows {
            if let Some(suppliers) = line(&mut ledger.importers, importer) {
                suppliers.put(exporter, Some(amount));
            }
            if let Some(customers) = line(&mut ledger.exporters, exporter) {
                if customers.is_empty() {
                    sellers.push(exporter);
                }
                customers.put(importer, Some(amount));
            }
        }
        sellers.sort_unstable();
        ledger.add_up(&sellers);
        ledger
    }

    /// Enters what an importer buys from an exporter; none if it is no longer listed. [`Ledger::changed`] tells whose
    /// figures are different for it.
    ///
    /// A flow that is listed with [`Amount::NOTHING`] makes the exporter a supplier, one with a share of zero.
    pub fn set(&mut self, importer: K, exporter: K, amount: Option<Amount>) {
        self.changed.clear();
        let Some(suppliers) = line(&mut self.importers, importer) else { return };
        if !suppliers.put(exporter, amount) {
            return;
        }
        self.changed.push(Buyer::Economy(importer));
        let Some(customers) = line(&mut self.exporters, exporter) else { return };
        customers.put(importer, amount);
        for (index, (group, suppliers)) in self.groups.iter_mut().enumerate() {
            let counts = group.counts(importer, exporter);
            if counts && suppliers.put(exporter, customers.sum(|customer| group.contains(customer))) {
                self.changed.push(Buyer::Group(index));
            }
        }
    }

    /// Enters what an importer has of unknown origin, by kind; none if it is no longer listed. [`Ledger::changed`] tells whose
    /// figures may be different for it. Of a group's imports it is what [`Group::unknown_origin`] says.
    pub fn set_unknown(&mut self, importer: K, kind: Residual, amount: Option<Amount>) {
        self.changed.clear();
        let before = match amount {
            Some(amount) => self.unknown.insert((kind, importer), amount),
            None => self.unknown.remove(&(kind, importer)),
        };
        if line::same(before, amount) {
            return;
        }
        self.changed.push(Buyer::Economy(importer));
        let member = |group: &Group| group.unknown_origin(importer, Amount::NOTHING).is_some();
        let groups = self.groups.iter().enumerate().filter(|(_, (group, _))| member(group));
        self.changed.extend(groups.map(|(index, _)| Buyer::Group(index)));
    }

    /// What a consumer has of unknown origin, by kind, then importer; each as it counts for the consumer.
    pub fn unknown(&self, buyer: Buyer<K>) -> impl Iterator<Item = (K, Residual, Amount)> {
        self.unknown.iter().filter_map(move |((kind, importer), amount)| {
            let counts = match buyer {
                Buyer::Economy(one) => (one == *importer).then_some(*amount),
                Buyer::Group(index) => self.groups.get(index)?.0.unknown_origin(*importer, *amount),
            };
            Some((*importer, *kind, counts?))
        })
    }

    /// The consumers whose supply the last [`Ledger::set`] changed, to the bit, or the last [`Ledger::set_unknown`] may have
    /// changed: the importer first, then groups by place.
    #[must_use]
    pub fn changed(&self) -> &[Buyer<K>] {
        &self.changed
    }

    /// What is known of a flow. None: it is not listed.
    #[must_use]
    pub fn flow(&self, importer: K, exporter: K) -> Option<Amount> {
        self.importers.get(usize::from(importer.place()))?.get(exporter)
    }

    /// How concentrated a consumer's supply is. None: it imports nothing.
    #[must_use]
    pub fn concentration(&self, buyer: Buyer<K>) -> Option<Concentration<K>> {
        let known = self.suppliers(buyer).and_then(Line::known);
        match known.filter(|_| self.unknown(buyer).next().is_none()) {
            Some(amounts) => Some(Concentration::of_known(amounts)),
            None => Some(self.sourcing(buyer)?.concentration()),
        }
    }

    /// A consumer's suppliers, for whatever is asked of them: shares, and what contributes to a figure. None: it imports
    /// nothing.
    #[must_use]
    pub fn sourcing(&self, buyer: Buyer<K>) -> Option<Sourcing<K>> {
        let suppliers = self.suppliers(buyer);
        let unknown: Vec<_> = self.unknown(buyer).map(|(_, kind, amount)| (kind, amount)).collect();
        if suppliers.is_none() && unknown.is_empty() {
            return None;
        }
        Some(Sourcing::with_residuals(suppliers.into_iter().flat_map(Line::amounts), unknown))
    }

    /// The flows that a consumer's supply is made of: importer, exporter, amount; by exporter, then importer.
    pub fn flows(&self, buyer: Buyer<K>) -> impl Iterator<Item = (K, K, Amount)> {
        let suppliers = self.suppliers(buyer).into_iter().flat_map(Line::amounts);
        suppliers.flat_map(move |(exporter, _)| {
            let customers = self.exporters.get(usize::from(exporter.place())).into_iter();
            let flows =
                customers.flat_map(Line::amounts).map(move |(importer, amount)| (importer, exporter, amount));
            flows.filter(move |(importer, exporter, _)| self.buys(buyer, *importer, *exporter))
        })
    }

    fn buys(&self, buyer: Buyer<K>, importer: K, exporter: K) -> bool {
        match buyer {
            Buyer::Economy(one) => one == importer,
            Buyer::Group(index) => {
                self.groups.get(index).is_some_and(|(group, _)| group.counts(importer, exporter))
            }
        }
    }

    fn suppliers(&self, buyer: Buyer<K>) -> Option<&Line<K>> {
        let line = match buyer {
            Buyer::Economy(importer) => self.importers.get(usize::from(importer.place()))?,
            Buyer::Group(index) => &self.groups.get(index)?.1,
        };
        (!line.is_empty()).then_some(line)
    }

    /// Adds the groups up, exporter by exporter.
    fn add_up(&mut self, exporters: &[K]) {
        for exporter in exporters {
            let Some(customers) = self.exporters.get(usize::from(exporter.place())) else { continue };
            for (group, suppliers) in &mut self.groups {
                suppliers.put(*exporter, customers.sum(|importer| group.counts(importer, *exporter)));
            }
        }
    }
}

/// The line of a key. Lines are made as keys turn up, so there always is one.
fn line<K: Place>(lines: &mut Vec<Line<K>>, key: K) -> Option<&mut Line<K>> {
    let place = usize::from(key.place());
    if lines.len() <= place {
        lines.resize_with(place + 1, Line::default);
    }
    lines.get_mut(place)
}
