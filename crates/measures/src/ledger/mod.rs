//! A market's trade as a ledger, in which one changed flow costs little work.
//!
//! - [`Ledger`] keeps a market. [`Ledger::set`] enters one flow, [`Ledger::changed`] lists the consumers
//!   whose supply that changed, and [`Ledger::sourcing`] and [`Ledger::concentration`] give the figures of a
//!   consumer at any time.
//! - [`TradeChanges`] lists the consumers whose figures may differ between two states of a market, given as
//!   lists of flows. It keeps nothing, for callers that keep the flows elsewhere.
//! - [`Group`] decides which flows are imports of a bloc or of the world; [`Buyer`] is an economy or a group.
//!
//! Both rest on one property, which tests hold: every consumer that is not listed has the same figures, to
//! the bit, as in a market built from scratch. It holds because sums run in one order everywhere: a group's
//! imports from one exporter add up by importer, a consumer's suppliers by supplier, residuals by kind, then
//! importer.

mod changes;
mod group;
mod matrix_line;

use std::collections::BTreeMap;

pub use changes::TradeChanges;
pub use group::Group;

use crate::{Amount, Concentration, Residual, Sourcing};
use matrix_line::MatrixLine;

/// A key with a small fixed number, such as its index in a catalogue. Keys are ordered by it.
pub trait SmallKey: Copy + Ord {
    /// The number, by which the ledger indexes its lines.
    fn index(self) -> u16;
}

impl SmallKey for u16 {
    fn index(self) -> u16 {
        self
    }
}

/// A consumer whose imports are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Buyer<K> {
    /// One importer.
    Economy(K),
    /// A group, by its index among those that the ledger was made with.
    Group(usize),
}

/// The flows of one market, by one weight, with groups of importers added up.
///
/// A ledger gives the same figures, to the bit, as a [`Sourcing`] of the same flows. The work for one changed
/// flow does not grow with the market: it touches the importer's line, the exporter's line, and one number in
/// each group that the flow enters.
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
    /// By number of the importer: its suppliers.
    importers: Vec<MatrixLine<K>>,
    /// By number of the exporter: its customers.
    exporters: Vec<MatrixLine<K>>,
    groups: Vec<(Group, MatrixLine<K>)>,
    /// Imports of unknown origin, by kind and importer.
    unknown: BTreeMap<(Residual, K), Amount>,
    changed: Vec<Buyer<K>>,
}

impl<K: SmallKey> Ledger<K> {
    /// A market without trade.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        let groups = groups.into_iter().map(|group| (group, MatrixLine::default())).collect();
        Self {
            importers: Vec::new(),
            exporters: Vec::new(),
            groups,
            unknown: BTreeMap::new(),
            changed: Vec::new(),
        }
    }

    /// A market with flows: importer, exporter, amount. Of several amounts for the same two the last one
    /// counts. Sorted flows are fastest.
    #[must_use]
    pub fn from_flows(
        groups: impl IntoIterator<Item = Group>,
        flows: impl IntoIterator<Item = (K, K, Amount)>,
    ) -> Self {
        let mut ledger = Self::new(groups);
        let mut sellers = Vec::new();
        for (importer, exporter, amount) in flows {
            if let Some(suppliers) = line_mut(&mut ledger.importers, importer) {
                suppliers.put(exporter, Some(amount));
            }
            if let Some(customers) = line_mut(&mut ledger.exporters, exporter) {
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

    /// Enters a flow; None removes it. [`Ledger::changed`] then lists the consumers whose figures changed.
    ///
    /// A flow of [`Amount::NOTHING`] makes the exporter a supplier with a share of zero.
    pub fn set(&mut self, importer: K, exporter: K, amount: Option<Amount>) {
        self.changed.clear();
        let Some(suppliers) = line_mut(&mut self.importers, importer) else { return };
        if !suppliers.put(exporter, amount) {
            return;
        }
        self.changed.push(Buyer::Economy(importer));
        let Some(customers) = line_mut(&mut self.exporters, exporter) else { return };
        customers.put(importer, amount);
        for (index, (group, suppliers)) in self.groups.iter_mut().enumerate() {
            let counts = group.counts(importer, exporter);
            if counts && suppliers.put(exporter, customers.sum(|customer| group.contains(customer))) {
                self.changed.push(Buyer::Group(index));
            }
        }
    }

    /// Enters imports of unknown origin of one kind; None removes them. [`Ledger::changed`] then lists the
    /// consumers whose figures may have changed. For a group they count as [`Group::unknown_origin`] says.
    pub fn set_unknown(&mut self, importer: K, kind: Residual, amount: Option<Amount>) {
        self.changed.clear();
        let before = match amount {
            Some(amount) => self.unknown.insert((kind, importer), amount),
            None => self.unknown.remove(&(kind, importer)),
        };
        if matrix_line::same(before, amount) {
            return;
        }
        self.changed.push(Buyer::Economy(importer));
        let member = |group: &Group| group.unknown_origin(importer, Amount::NOTHING).is_some();
        let groups = self.groups.iter().enumerate().filter(|(_, (group, _))| member(group));
        self.changed.extend(groups.map(|(index, _)| Buyer::Group(index)));
    }

    /// Imports of unknown origin of a consumer, by kind, then importer; each as it counts for the consumer.
    pub fn unknown(&self, buyer: Buyer<K>) -> impl Iterator<Item = (K, Residual, Amount)> {
        self.unknown.iter().filter_map(move |((kind, importer), amount)| {
            let counts = match buyer {
                Buyer::Economy(economy) => (economy == *importer).then_some(*amount),
                Buyer::Group(index) => self.groups.get(index)?.0.unknown_origin(*importer, *amount),
            };
            Some((*importer, *kind, counts?))
        })
    }

    /// The consumers whose supply the last [`Ledger::set`] changed, to the bit, or the last
    /// [`Ledger::set_unknown`] may have changed: the importer first, then groups by index.
    #[must_use]
    pub fn changed(&self) -> &[Buyer<K>] {
        &self.changed
    }

    /// The amount of a flow. `None`: it is not listed.
    #[must_use]
    pub fn flow(&self, importer: K, exporter: K) -> Option<Amount> {
        self.importers.get(usize::from(importer.index()))?.get(exporter)
    }

    /// Concentration of a consumer's supply. `None`: it imports nothing.
    #[must_use]
    pub fn concentration(&self, buyer: Buyer<K>) -> Option<Concentration<K>> {
        let known = self.suppliers(buyer).and_then(MatrixLine::known);
        match known.filter(|_| self.unknown(buyer).next().is_none()) {
            Some(amounts) => Some(Concentration::from_known(amounts)),
            None => Some(self.sourcing(buyer)?.concentration()),
        }
    }

    /// A consumer's suppliers with their amounts. `None`: it imports nothing.
    #[must_use]
    pub fn sourcing(&self, buyer: Buyer<K>) -> Option<Sourcing<K>> {
        let suppliers = self.suppliers(buyer);
        let unknown: Vec<_> = self.unknown(buyer).map(|(_, kind, amount)| (kind, amount)).collect();
        if suppliers.is_none() && unknown.is_empty() {
            return None;
        }
        Some(Sourcing::with_residuals(suppliers.into_iter().flat_map(MatrixLine::amounts), unknown))
    }

    /// The flows of a consumer's supply: importer, exporter, amount; by exporter, then importer.
    pub fn flows(&self, buyer: Buyer<K>) -> impl Iterator<Item = (K, K, Amount)> {
        let suppliers = self.suppliers(buyer).into_iter().flat_map(MatrixLine::amounts);
        suppliers.flat_map(move |(exporter, _)| {
            let customers = self.exporters.get(usize::from(exporter.index())).into_iter();
            let flows = customers
                .flat_map(MatrixLine::amounts)
                .map(move |(importer, amount)| (importer, exporter, amount));
            flows.filter(move |(importer, exporter, _)| self.is_import_of(buyer, *importer, *exporter))
        })
    }

    fn is_import_of(&self, buyer: Buyer<K>, importer: K, exporter: K) -> bool {
        match buyer {
            Buyer::Economy(economy) => economy == importer,
            Buyer::Group(index) => {
                self.groups.get(index).is_some_and(|(group, _)| group.counts(importer, exporter))
            }
        }
    }

    fn suppliers(&self, buyer: Buyer<K>) -> Option<&MatrixLine<K>> {
        let line = match buyer {
            Buyer::Economy(importer) => self.importers.get(usize::from(importer.index()))?,
            Buyer::Group(index) => &self.groups.get(index)?.1,
        };
        (!line.is_empty()).then_some(line)
    }

    /// Computes the sums of the groups, exporter by exporter.
    fn add_up(&mut self, exporters: &[K]) {
        for exporter in exporters {
            let Some(customers) = self.exporters.get(usize::from(exporter.index())) else { continue };
            for (group, suppliers) in &mut self.groups {
                suppliers.put(*exporter, customers.sum(|importer| group.counts(importer, *exporter)));
            }
        }
    }
}

/// The line of a key, created if needed.
fn line_mut<K: SmallKey>(lines: &mut Vec<MatrixLine<K>>, key: K) -> Option<&mut MatrixLine<K>> {
    let index = usize::from(key.index());
    if lines.len() <= index {
        lines.resize_with(index + 1, MatrixLine::default);
    }
    lines.get_mut(index)
}
