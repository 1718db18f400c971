//! Flows of a market in little more than a bit each: who ships to whom, and the sums that gates compare.
//!
//! A market may have as many rows as there are pairs of economies, and a release thousands of markets. Gates
//! ask only whether a pair is there, and what the flows of one economy add up to; the rows themselves are on
//! the log.
use std::collections::BTreeMap;

use super::set::{self, EconomySet, economy_code};
use super::{BY_EXPORTER, REPORTER_SLOTS};

/// Flows of one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flows {
    /// Sum of the known values, in the order of the rows.
    pub(crate) sum: f64,
    /// Rows in which an economy trades with itself.
    pub(crate) self_flows: usize,
    /// Rows whose key was there before.
    repeated: usize,
    pub(crate) sides: Vec<Side>,
}

/// Sum of the flows of an economy on one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FlowSum {
    /// Product code and reporter: `code * REPORTER_SLOTS + reporter`.
    pub(crate) flow_key: u64,
    /// The economy ships; otherwise it receives.
    pub(crate) ships: bool,
    /// The economy.
    pub(crate) who: &'static str,
    /// Sum of the values above zero.
    pub(crate) amount: f64,
}

/// Flows of one product, as one side reports them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Side {
    /// Product code and reporter: `code * REPORTER_SLOTS + reporter`.
    pub(crate) flow_key: u64,
    exporters: Partners,
    importers: Partners,
    /// Importers of each exporter, by the exporter's index.
    pairs: Vec<EconomySet>,
    /// Pairs with a value of zero, or none.
    without: Vec<[u16; 2]>,
}

/// The economies on one side of flows, each with the sum of its flows.
#[derive(Clone, Debug, Default, PartialEq)]
struct Partners {
    /// Index into `groups` plus one, by the economy's number; 0: none.
    places: Vec<u16>,
    groups: Vec<Group>,
}

/// Flows of one economy with partners, where their value is above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Group {
    /// Number of the economy.
    pub(crate) who: u16,
    /// Number of partners.
    pub(crate) count: u32,
    /// Sum of their values.
    pub(crate) sum: f64,
    /// The largest value.
    pub(crate) largest: f64,
    /// The partner with the largest value.
    pub(crate) partner: u16,
}

impl Group {
    /// A group of amounts above zero, of no particular partners.
    pub(crate) fn from_amounts(amounts: impl Iterator<Item = f64>) -> Self {
        amounts.fold(Self::default(), |mut group, amount| {
            group.add(0, amount);
            group
        })
    }

    fn add(&mut self, partner: u16, value: f64) {
        self.count = self.count.saturating_add(1);
        self.sum += value;
        if value > self.largest {
            (self.largest, self.partner) = (value, partner);
        }
    }
}

impl Flows {
    /// Adds a row.
    pub(super) fn add(&mut self, flow_key: u64, exporter: u16, importer: u16, value: f64) {
        if !value.is_nan() {
            self.sum += value;
        }
        self.self_flows += usize::from(exporter == importer);
        let place = self.sides.iter().position(|side| side.flow_key == flow_key).unwrap_or_else(|| {
            self.sides.push(Side { flow_key, ..Side::default() });
            self.sides.len().saturating_sub(1)
        });
        if let Some(side) = self.sides.get_mut(place) {
            self.repeated += usize::from(!side.add(exporter, importer, value));
        }
    }

    /// Number of different keys.
    pub(crate) fn len(&self) -> usize {
        self.sides.iter().map(Side::len).sum()
    }

    /// Number of rows whose key was there before, and of flows with both a figure for both sides and one for
    /// a single side.
    pub(crate) fn repeated_keys(&self) -> usize {
        let mixed = |side: &Side| {
            let others = (1..REPORTER_SLOTS).filter_map(|reporter| self.side(side.flow_key + reporter));
            side.shared_with_any(&others.collect::<Vec<_>>())
        };
        let both = self.sides.iter().filter(|side| side.flow_key.is_multiple_of(REPORTER_SLOTS));
        self.repeated + both.map(mixed).sum::<usize>()
    }

    /// Sums of each economy's flows of each product, as shipped and as received, in the order in which they
    /// were met.
    pub(crate) fn sums(&self) -> impl Iterator<Item = FlowSum> {
        let of = |side: &Side, ships: bool, group: &Group| FlowSum {
            flow_key: side.flow_key,
            ships,
            who: economy_code(group.who),
            amount: group.sum,
        };
        self.sides.iter().flat_map(move |side| {
            let exports = side.exporters.groups.iter().map(move |group| of(side, true, group));
            exports.chain(side.importers.groups.iter().map(move |group| of(side, false, group)))
        })
    }

    /// Flows of a product as reported by one side.
    pub(crate) fn side(&self, flow_key: u64) -> Option<&Side> {
        self.sides.iter().find(|side| side.flow_key == flow_key)
    }

    /// For each economy that is the sum of all others in a group, as `equals` decides, counts these groups
    /// among those for which `counts` holds.
    pub(crate) fn count_sum_groups(
        &self,
        counts: impl Fn(&Group) -> bool + Copy,
        equals: impl Fn(&Group) -> bool + Copy,
        suspects: &mut Suspects,
    ) {
        for side in &self.sides {
            for groups in [&side.exporters.groups, &side.importers.groups] {
                let is_sum = |group: &&Group| {
                    // Residuals are left out: an amount of unknown origin is no total in disguise, however
                    // large it is.
                    !set::is_residual(group.partner) && counts(group) && equals(group)
                };
                for group in groups.iter().filter(is_sum) {
                    suspects.entry(economy_code(group.partner).to_owned()).or_default().equal += 1;
                }
            }
        }
    }

    /// For each suspect, counts the groups in which it takes part and for which `counts` holds.
    pub(crate) fn count_groups(&self, counts: impl Fn(&Group) -> bool + Copy, suspects: &mut Suspects) {
        for (who, found) in suspects.iter_mut() {
            let Some(who) = set::economy_number(who) else { continue };
            found.groups += self.sides.iter().map(|side| side.groups_of(who, counts)).sum::<u32>();
        }
    }
}

/// Economies that are the sum of all others in some groups.
pub(crate) type Suspects = BTreeMap<String, Suspect>;

/// Number of groups in which an economy is the sum of all others, and in which it takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) equal: u32,
    pub(crate) groups: u32,
}

impl Side {
    /// Adds a row. Returns whether its key is new.
    fn add(&mut self, exporter: u16, importer: u16, value: f64) -> bool {
        let (from, to) = (self.exporters.place(exporter), self.importers.place(importer));
        if self.pairs.len() <= from {
            self.pairs.resize(from + 1, EconomySet::default());
        }
        if value > 0.0 {
            self.exporters.count(from, importer, value);
            self.importers.count(to, exporter, value);
        } else {
            self.without.push([exporter, importer]);
        }
        self.pairs.get_mut(from).is_none_or(|importers| importers.insert(importer))
    }

    /// Importers of each exporter, in the order in which they were met.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u16, &EconomySet)> {
        self.exporters.groups.iter().map(|group| group.who).zip(&self.pairs)
    }

    /// Number of the product's code.
    pub(crate) fn product(&self) -> u64 {
        self.flow_key / REPORTER_SLOTS
    }

    /// Whether the exporter reports. Otherwise the importer does, or the figure is for both sides.
    pub(crate) fn is_by_exporter(&self) -> bool {
        self.flow_key % REPORTER_SLOTS == BY_EXPORTER
    }

    /// Number of exporters to each importer, where their value is above zero.
    pub(crate) fn suppliers_by_importer(&self) -> impl Iterator<Item = u32> {
        self.importers.groups.iter().map(|group| group.count)
    }

    /// All exporters.
    pub(crate) fn shippers(&self) -> EconomySet {
        self.exporters.groups.iter().map(|group| group.who).collect()
    }

    /// All importers.
    pub(crate) fn receivers(&self) -> EconomySet {
        self.importers.groups.iter().map(|group| group.who).collect()
    }

    /// Sums of each economy's flows with a value above zero: what it ships, or what it receives.
    pub(crate) fn amounts(&self, ships: bool) -> impl Iterator<Item = (u16, f64)> {
        let groups = if ships { &self.exporters.groups } else { &self.importers.groups };
        groups.iter().map(|group| (group.who, group.sum))
    }

    fn len(&self) -> usize {
        self.pairs.iter().map(EconomySet::len).sum()
    }

    /// Importers of an exporter.
    pub(crate) fn shipped(&self, exporter: u16) -> EconomySet {
        self.exporters.find(exporter).and_then(|place| self.pairs.get(place)).copied().unwrap_or_default()
    }

    /// Number of pairs that any of the other sides has too.
    fn shared_with_any(&self, others: &[&Self]) -> usize {
        let of = |(exporter, own): (u16, &EconomySet)| -> usize {
            let any =
                others.iter().fold(EconomySet::default(), |any, other| any.union(&other.shipped(exporter)));
            own.intersection(&any).len()
        };
        self.rows().map(of).sum()
    }

    /// Number of groups in which an economy takes part with a value above zero: those of its importers, and
    /// those of its exporters.
    fn groups_of(&self, who: u16, counts: impl Fn(&Group) -> bool + Copy) -> u32 {
        let without = |exporter, importer| self.without.contains(&[exporter, importer]);
        let shipped = self.shipped(who);
        let buys = |group: &&Group| counts(group) && shipped.contains(group.who) && !without(who, group.who);
        let sells = |(group, importers): &(&Group, &EconomySet)| {
            counts(group) && importers.contains(who) && !without(group.who, who)
        };
        let importers = self.importers.groups.iter().filter(buys).count();
        let exporters = self.exporters.groups.iter().zip(&self.pairs).filter(sells).count();
        u32::try_from(importers.saturating_add(exporters)).unwrap_or(u32::MAX)
    }
}

impl Partners {
    /// The index of an economy, which is added if it is new.
    fn place(&mut self, who: u16) -> usize {
        let at = usize::from(who);
        if self.places.len() <= at {
            self.places.resize(at + 1, 0);
        }
        let fresh = u16::try_from(self.groups.len() + 1).unwrap_or(u16::MAX);
        match self.places.get_mut(at) {
            Some(place) if *place != 0 => usize::from(*place) - 1,
            Some(place) => {
                *place = fresh;
                self.groups.push(Group { who, ..Group::default() });
                usize::from(fresh) - 1
            }
            None => 0,
        }
    }

    fn find(&self, who: u16) -> Option<usize> {
        self.places.get(usize::from(who)).and_then(|place| usize::from(*place).checked_sub(1))
    }

    fn count(&mut self, place: usize, partner: u16, value: f64) {
        if let Some(group) = self.groups.get_mut(place) {
            group.add(partner, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_is_counted_once() {
        let (mut old, mut new) = (Flows::default(), Flows::default());
        for (exporter, importer) in [(1, 2), (1, 3), (200, 2), (1, 2)] {
            old.add(4, exporter, importer, 1.0);
        }
        new.add(4, 1, 3, f64::NAN);
        new.add(5, 1, 3, 2.0);
        new.add(8, 9, 9, 2.0);
        assert_eq!((old.len(), old.repeated_keys(), old.self_flows), (3, 1, 0));
        assert_eq!(
            (new.len(), new.repeated_keys(), new.self_flows),
            (3, 1, 1),
            "one flow with and without a reporter"
        );
        assert_eq!(new.side(4).unwrap().shipped(1).iter().collect::<Vec<_>>(), [3]);
        assert!((old.sum - 4.0).abs() < 1e-12 && (new.sum - 4.0).abs() < 1e-12);
    }
}
