//! Imports of a consumer: its suppliers, and what is of unknown origin or not reported.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, economies};
use orewatch_measures::{Amount, Estimate, Residual, Sourcing, Weight};

use super::unknown::{QuantityAndValue, UnknownOrigin};
use super::{Accounts, Pair};
use crate::book::{EconomyId, Flow, ResidualFlow};

impl Accounts<'_> {
    /// A consumer's suppliers, without trade between members of a bloc. `None`: it imports nothing.
    ///
    /// Imports of unknown origin, and what economies that have not reported may import, are residuals.
    #[must_use]
    pub fn imports(&self, consumer: Consumer, by: Weight) -> Option<Sourcing<EconomyId>> {
        let flows = self.import_pairs(consumer).map(|pair| (pair.exporter, pair.amount(by)));
        let unknown = self.unknown_imports(consumer, by);
        let residuals = unknown.iter().map(|(origin, amount)| (origin.residual(), *amount));
        let sourcing = match consumer {
            Consumer::Economy(_) => Sourcing::with_residuals(flows, residuals),
            Consumer::Bloc(_) => Sourcing::with_residuals(summed_by_exporter(flows), residuals),
            Consumer::World => {
                let unplaced = self.unknown.exports.iter();
                let unplaced = unplaced.map(|(exporter, amount)| (*exporter, amount.weighted_by(by)));
                Sourcing::with_residuals(summed_by_exporter(flows.chain(unplaced)), residuals)
            }
        };
        (!sourcing.suppliers().is_empty() || self.has_unknown_imports(consumer)).then_some(sourcing)
    }

    /// Whether a consumer has imports of unknown origin on record, or not all of it has reported.
    fn has_unknown_imports(&self, consumer: Consumer) -> bool {
        self.has_recorded_unknown(consumer) || self.has_unreported_imports(consumer)
    }

    fn has_recorded_unknown(&self, consumer: Consumer) -> bool {
        let membership = self.membership(consumer);
        self.unknown.imports.keys().any(|importer| membership.contains(*importer))
    }

    /// Whether no dataset has a report of the imports of a consumer, or of some of its members.
    #[must_use]
    pub fn has_unreported_imports(&self, consumer: Consumer) -> bool {
        self.unreported_imports(consumer).next().is_some()
    }

    /// Whether some economy has not reported that neither trades, as far as others report, nor is listed as a
    /// producer.
    pub(crate) fn has_unreported_stranger(&self) -> bool {
        if self.unknown.unreported.is_empty() {
            return false;
        }
        let reliant = self.reliant();
        let known: BTreeSet<_> =
            reliant.iter().filter_map(|consumer| EconomyId::from_code(consumer.code())).collect();
        self.unknown.unreported.keys().any(|economy| !known.contains(economy))
    }

    /// Whether all that is known of a consumer's imports is that they are not reported.
    #[must_use]
    pub fn has_only_unreported_imports(&self, consumer: Consumer) -> bool {
        self.has_unreported_imports(consumer)
            && self.import_pairs(consumer).next().is_none()
            && !self.has_recorded_unknown(consumer)
    }

    /// Share of one kind of unknown origin in all imports of a consumer, 0 to 1.
    #[must_use]
    pub fn unknown_share(&self, consumer: Consumer, by: Weight, origin: UnknownOrigin) -> Estimate {
        let flows = self.import_pairs(consumer).map(|pair| (pair.exporter, pair.amount(by)));
        // The wanted kind gets a residual of its own; all others share another.
        let (own, others) = (Residual::Special, Residual::Unspecified);
        let unknown = self.unknown_imports(consumer, by).into_iter();
        let residuals = unknown.map(|(kind, amount)| (if kind == origin { own } else { others }, amount));
        let sourcing = Sourcing::with_residuals(summed_by_exporter(flows), residuals);
        let found = sourcing.residual_shares().find(|(kind, _)| *kind == own);
        found.map_or(Estimate::known(0.0), |(_, share)| share)
    }

    /// Imports of a consumer of unknown origin, by kind, and those of economies that have not reported.
    #[must_use]
    pub fn unknown_imports(&self, consumer: Consumer, by: Weight) -> Vec<(UnknownOrigin, Amount)> {
        let membership = self.membership(consumer);
        let mut sums = BTreeMap::<UnknownOrigin, Amount>::new();
        let mut add = |origin, amount: Amount| {
            sums.entry(origin).and_modify(|sum| *sum = *sum + amount).or_insert(amount);
        };
        let own = self.unknown.imports.iter().filter(|(importer, _)| membership.contains(**importer));
        for (_, kinds) in own {
            kinds.iter().for_each(|(kind, amount)| add(UnknownOrigin::Partner(kind), amount.weighted_by(by)));
        }
        for (_, amount) in self.unreported_imports(consumer) {
            add(UnknownOrigin::NotReported, amount.weighted_by(by));
        }
        sums.into_iter().filter(|(_, amount)| amount.high() > 0.0).collect()
    }

    /// Economies of a consumer that have not reported, with what they may import.
    fn unreported_imports(&self, consumer: Consumer) -> impl Iterator<Item = (EconomyId, &QuantityAndValue)> {
        let membership = self.membership(consumer);
        let unreported = self.unknown.unreported.iter();
        let own = unreported.filter(move |(economy, _)| membership.contains(**economy));
        own.map(|(economy, amount)| (*economy, amount))
    }

    /// Members of a bloc of whose imports no dataset has a report; none for other consumers.
    #[must_use]
    pub fn unreported_members(&self, consumer: Consumer) -> Vec<EconomyId> {
        match consumer {
            Consumer::Bloc(_) => self.unreported_imports(consumer).map(|(member, _)| member).collect(),
            Consumer::Economy(_) | Consumer::World => Vec::new(),
        }
    }

    /// Imports of unknown origin by importer and kind, in tonnes. Economies that have not reported are
    /// included if they are members of a bloc or occur in trade: what others import reaches nobody else.
    pub fn unknown_by_importer(&self) -> impl Iterator<Item = (EconomyId, Residual, Amount)> {
        let partners = self.unknown.imports.iter().flat_map(|(importer, kinds)| {
            kinds.iter().map(move |(kind, amount)| {
                (*importer, UnknownOrigin::Partner(kind).residual(), amount.quantity)
            })
        });
        let trading: BTreeSet<_> =
            self.pairs.iter().flat_map(|pair| [pair.importer, pair.exporter]).collect();
        let occurs = move |economy| {
            trading.contains(&economy) || self.members.iter().any(|bloc| bloc.contain(economy))
        };
        let unreported = self.unknown.unreported.iter().filter(move |(economy, _)| occurs(**economy));
        partners.chain(unreported.map(|(economy, amount)| (*economy, Residual::NotReported, amount.quantity)))
    }

    /// Imports of a consumer of unknown origin, by kind: tonnes and thousands of US dollars.
    pub(crate) fn unknown_quantities_and_values(&self, consumer: Consumer) -> Vec<(Amount, Amount)> {
        let [quantities, values] = [Weight::Quantity, Weight::Value]
            .map(|by| self.unknown_imports(consumer, by).into_iter().collect::<BTreeMap<_, _>>());
        let kinds: BTreeSet<_> = quantities.keys().chain(values.keys()).copied().collect();
        let amount = |amounts: &BTreeMap<UnknownOrigin, Amount>, kind| {
            amounts.get(&kind).copied().unwrap_or(Amount::NOTHING)
        };
        kinds.into_iter().map(|kind| (amount(&quantities, kind), amount(&values, kind))).collect()
    }

    /// The source rows of a consumer's imports, in the release's order.
    pub fn import_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows().iter().filter(move |row| self.crosses_into(consumer, row.importer, row.exporter))
    }

    /// The source rows of a consumer's imports of unknown origin, or of its exports of unknown destination.
    pub(crate) fn unknown_rows(&self, consumer: Consumer, is_import: bool) -> Vec<&ResidualFlow> {
        let membership = self.membership(consumer);
        let rows = self.rows.as_ref().map_or(&[][..], |rows| &rows.residuals);
        rows.iter().filter(|row| row.is_import == is_import && membership.contains(row.economy)).collect()
    }

    /// The flows into a consumer from outside.
    pub(crate) fn import_pairs(&self, consumer: Consumer) -> impl Iterator<Item = &Pair> {
        let membership = self.membership(consumer);
        let pairs = self.pairs_with_imports(consumer).iter();
        pairs.filter(move |pair| membership.is_entered_by(pair.importer, pair.exporter))
    }

    /// The pairs among which all imports of a consumer are: those of its importer, or all for blocs and the
    /// world.
    pub(crate) fn pairs_with_imports(&self, consumer: Consumer) -> &[Pair] {
        let Consumer::Economy(economy) = consumer else { return &self.pairs };
        let Some(importer) = EconomyId::from_code(economy.iso3) else { return &[] };
        let start = self.pairs.partition_point(|pair| pair.importer < importer);
        let end = self.pairs.partition_point(|pair| pair.importer <= importer);
        self.pairs.get(start..end).unwrap_or_default()
    }

    /// Every flow into a consumer, including those between two members of a bloc, which the flag marks. Flows
    /// from an economy to itself are left out.
    pub(crate) fn pairs_into(&self, consumer: Consumer) -> impl Iterator<Item = (&Pair, bool)> {
        let membership = self.membership(consumer);
        let pairs = self.pairs_with_imports(consumer).iter();
        let into = pairs.filter(move |pair| membership.contains(pair.importer));
        let foreign = into.filter(|pair| pair.importer != pair.exporter);
        foreign.map(move |pair| (pair, membership.contains(pair.exporter)))
    }
}

/// Amounts added up by exporter, those of one exporter in the given order.
fn summed_by_exporter(
    flows: impl Iterator<Item = (EconomyId, Amount)>,
) -> impl Iterator<Item = (EconomyId, Amount)> {
    let mut sums = vec![None::<Amount>; economies().len()];
    for (exporter, amount) in flows {
        if let Some(sum) = sums.get_mut(exporter.index()) {
            *sum = Some(sum.map_or(amount, |sum| sum + amount));
        }
    }
    EconomyId::iter().zip(sums).filter_map(|(exporter, sum)| Some((exporter, sum?)))
}
