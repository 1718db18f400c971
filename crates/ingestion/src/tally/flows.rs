//! The flows of a market, in little more than a bit each: who ships to whom, and the sums that gates compare.
//!
//! A market may have as many rows as there are pairs of economies, and a release thousands of markets. What the gates ask is
//! whether a pair is there, and what the flows of one economy add up to; the rows themselves are on the log.
use std::collections::BTreeMap;

use orewatch_catalog::{economies, residual_kind, residual_kinds};

use super::REPORTERS;

/// Words of a set of economies: room for 320.
const WORDS: usize = 5;

/// What is computed from a total, and says nothing of what was booked.
const UNDISTRIBUTED: &str = "OTHER:undistributed";

/// A set of economies, by their numbers in the catalogue.
type Set = [u64; WORDS];

/// Flows of one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flows {
    /// Sum of the values that are known, in the order of the rows.
    pub(crate) sum: f64,
    /// Rows in which an economy trades with itself.
    pub(crate) own: usize,
    /// Rows whose key was there before.
    repeated: usize,
    sides: Vec<Side>,
}

/// What the flows of an economy on one side add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FlowSum {
    /// Product code and who reports.
    pub(crate) what: u64,
    /// It ships; otherwise it receives.
    pub(crate) ships: bool,
    /// The economy.
    pub(crate) who: &'static str,
    /// Sum of the values above zero.
    pub(crate) amount: f64,
}

/// Flows of one product, as reported by one side.
#[derive(Clone, Debug, Default, PartialEq)]
struct Side {
    /// Product code and who reports: `code * REPORTERS + reporter`.
    what: u64,
    exporters: Partners,
    importers: Partners,
    /// To whom each exporter ships, by its place.
    pairs: Vec<Set>,
    /// Pairs whose value is not above zero, or not known.
    without: Vec<[u16; 2]>,
}

/// The economies of one side of flows, each with the sum of its flows.
#[derive(Clone, Debug, Default, PartialEq)]
struct Partners {
    /// Place in `groups` by number in the catalogue, from 1; 0: none.
    places: Vec<u16>,
    groups: Vec<Group>,
}

/// The flows of one economy with its partners that have a value above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Group {
    /// Number of the economy.
    pub(crate) who: u16,
    /// Its partners.
    pub(crate) count: u32,
    /// Sum of their values.
    pub(crate) sum: f64,
    /// The largest of them.
    pub(crate) largest: f64,
    /// Whose that is.
    pub(crate) partner: u16,
}

impl Group {
    /// A group of amounts above zero, whoever they are of.
    pub(crate) fn of(amounts: impl Iterator<Item = f64>) -> Self {
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

/// The number of an economy in the catalogue; residuals have the numbers behind those of all economies.
pub(super) fn number(code: &str) -> Option<u16> {
    let economy = economies().binary_search_by(|economy| economy.iso3.cmp(code)).ok();
    let residual = || {
        let kind = residual_kind(code)?;
        let place = residual_kinds().iter().position(|other| other == kind)?;
        economies().len().checked_add(place)
    };
    let place = economy.or_else(residual)?;
    u16::try_from(place).ok().filter(|number| usize::from(*number) < WORDS * 64)
}

/// The economy or residual of a number.
fn code(number: u16) -> &'static str {
    let place = usize::from(number);
    let residual = || residual_kinds().get(place.checked_sub(economies().len())?).map(|kind| kind.as_str());
    economies().get(place).map(|economy| economy.iso3).or_else(residual).unwrap_or_default()
}

impl Flows {
    /// Adds a row: `what` is product code and reporter.
    pub(super) fn add(&mut self, what: u64, exporter: u16, importer: u16, value: f64) {
        if !value.is_nan() {
            self.sum += value;
        }
        self.own += usize::from(exporter == importer);
        let place = self.sides.iter().position(|side| side.what == what).unwrap_or_else(|| {
            self.sides.push(Side { what, ..Side::default() });
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

    /// Keys that are in both.
    pub(crate) fn shared(&self, other: &Self) -> usize {
        let shared = |side: &Side| other.side(side.what).map_or(0, |other| side.shared(other));
        self.sides.iter().map(shared).sum()
    }

    /// Rows whose key was there before, and flows with both a figure for both sides and one of a side.
    pub(crate) fn repeated(&self) -> usize {
        let mixed = |side: &Side| {
            let others = (1..REPORTERS).filter_map(|reporter| self.side(side.what + reporter));
            side.shared_with_any(&others.collect::<Vec<_>>())
        };
        let both = self.sides.iter().filter(|side| side.what.is_multiple_of(REPORTERS));
        self.repeated + both.map(mixed).sum::<usize>()
    }

    /// The sum of each economy's flows of each product, as shipped and as received, in the order in which they were met.
    pub(crate) fn sums(&self) -> impl Iterator<Item = FlowSum> {
        let of = |side: &Side, ships: bool, group: &Group| FlowSum {
            what: side.what,
            ships,
            who: code(group.who),
            amount: group.sum,
        };
        self.sides.iter().flat_map(move |side| {
            let exports = side.exporters.groups.iter().map(move |group| of(side, true, group));
            exports.chain(side.importers.groups.iter().map(move |group| of(side, false, group)))
        })
    }

    fn side(&self, what: u64) -> Option<&Side> {
        self.sides.iter().find(|side| side.what == what)
    }

    /// Counts for each economy that is the sum of all others of a group, as `equals` says, in how many groups it is so, and in
    /// how many of those that `counts` it takes part.
    pub(crate) fn weigh(
        &self,
        counts: impl Fn(&Group) -> bool + Copy,
        equals: impl Fn(&Group) -> bool + Copy,
        suspects: &mut Suspects,
    ) {
        for side in &self.sides {
            for groups in [&side.exporters.groups, &side.importers.groups] {
                let computed = |group: &&Group| code(group.partner) == UNDISTRIBUTED;
                for group in groups.iter().filter(|group| counts(group) && equals(group) && !computed(group))
                {
                    suspects.entry(code(group.partner).to_owned()).or_default().equal += 1;
                }
            }
        }
    }

    /// Counts for each suspect in how many groups that `counts` it takes part.
    pub(crate) fn recount(&self, counts: impl Fn(&Group) -> bool + Copy, suspects: &mut Suspects) {
        for (who, found) in suspects.iter_mut() {
            let Some(who) = number(who) else { continue };
            found.groups += self.sides.iter().map(|side| side.groups_of(who, counts)).sum::<u32>();
        }
    }
}

/// Economies that are the sum of all others somewhere.
pub(crate) type Suspects = BTreeMap<String, Suspect>;

/// In how many groups an economy is the sum of all others, of those in which it takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) equal: u32,
    pub(crate) groups: u32,
}

impl Side {
    /// Adds a row; false if its key was there before.
    fn add(&mut self, exporter: u16, importer: u16, value: f64) -> bool {
        let (from, to) = (self.exporters.place(exporter), self.importers.place(importer));
        if self.pairs.len() <= from {
            self.pairs.resize(from + 1, Set::default());
        }
        if value > 0.0 {
            self.exporters.count(from, importer, value);
            self.importers.count(to, exporter, value);
        } else {
            self.without.push([exporter, importer]);
        }
        let (word, bit) = bit(importer);
        match self.pairs.get_mut(from).and_then(|set| set.get_mut(word)) {
            Some(word) => {
                let fresh = *word & bit == 0;
                *word |= bit;
                fresh
            }
            None => true,
        }
    }

    fn len(&self) -> usize {
        self.pairs.iter().map(ones).sum()
    }

    /// To whom an economy ships.
    fn shipped(&self, exporter: u16) -> Set {
        self.exporters.find(exporter).and_then(|place| self.pairs.get(place)).copied().unwrap_or_default()
    }

    fn shared(&self, other: &Self) -> usize {
        self.shared_with_any(&[other])
    }

    /// Pairs that any of the others has as well.
    fn shared_with_any(&self, others: &[&Self]) -> usize {
        let of = |(group, own): (&Group, &Set)| -> usize {
            let any = others.iter().fold(Set::default(), |any, other| join(any, other.shipped(group.who)));
            ones(&meet(*own, any))
        };
        self.exporters.groups.iter().zip(&self.pairs).map(of).sum()
    }

    /// In how many groups an economy takes part with a value above zero: those of its importers, and those of its exporters.
    fn groups_of(&self, who: u16, counts: impl Fn(&Group) -> bool + Copy) -> u32 {
        let without = |exporter, importer| self.without.contains(&[exporter, importer]);
        let shipped = self.shipped(who);
        let buys = |group: &&Group| counts(group) && has(&shipped, group.who) && !without(who, group.who);
        let sells =
            |(group, set): &(&Group, &Set)| counts(group) && has(set, who) && !without(group.who, who);
        let importers = self.importers.groups.iter().filter(buys).count();
        let exporters = self.exporters.groups.iter().zip(&self.pairs).filter(sells).count();
        u32::try_from(importers.saturating_add(exporters)).unwrap_or(u32::MAX)
    }
}

impl Partners {
    /// The place of an economy, which it is given if it has none.
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

/// The word of a set that an economy is in, and its bit.
fn bit(who: u16) -> (usize, u64) {
    (usize::from(who / 64), 1 << (who % 64))
}

fn has(set: &Set, who: u16) -> bool {
    let (word, bit) = bit(who);
    set.get(word).is_some_and(|word| word & bit != 0)
}

fn ones(set: &Set) -> usize {
    set.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
}

fn join(mut one: Set, other: Set) -> Set {
    one.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
    one
}

fn meet(mut one: Set, other: Set) -> Set {
    one.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_economy_has_room() {
        assert!(economies().len() + residual_kinds().len() <= WORDS * 64);
        let residuals = residual_kinds().iter().map(|kind| kind.as_str());
        let mut all = economies().iter().map(|economy| economy.iso3).chain(residuals);
        assert!(all.all(|name| number(name).map(code) == Some(name)));
    }

    #[test]
    fn keys_are_counted_once_and_compared() {
        let (mut old, mut new) = (Flows::default(), Flows::default());
        for (exporter, importer) in [(1, 2), (1, 3), (200, 2), (1, 2)] {
            old.add(4, exporter, importer, 1.0);
        }
        new.add(4, 1, 3, f64::NAN);
        new.add(5, 1, 3, 2.0);
        new.add(8, 9, 9, 2.0);
        assert_eq!((old.len(), old.repeated(), old.own), (3, 1, 0));
        assert_eq!((new.len(), new.repeated(), new.own), (3, 1, 1), "one flow with and without a reporter");
        assert_eq!((new.shared(&old), old.shared(&new)), (1, 1));
        assert!((old.sum - 4.0).abs() < 1e-12 && (new.sum - 4.0).abs() < 1e-12);
    }
}
