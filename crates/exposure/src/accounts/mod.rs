//! A market's rows as accounts: who imports how much from whom, who produces how much.

mod lines;
mod unknown;

pub use lines::{Line, Pair};
pub use unknown::UnknownOrigin;
pub(crate) use unknown::{LOOK_BACK, Reported};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Basis, Bloc, Consumer, DatasetKind, Economy, blocs, economies};
use orewatch_measures::{Amount, Estimate, Reliance, Residual, Sourcing, Weight};

use crate::book::{DatasetId, EconomyId, Flow, MarketFlows, Output, Reporter, ResidualFlow, Trade, View};
use lines::{Weighing, pairs};
use unknown::Unknown;

/// Why a measure cannot be given.
pub(crate) const NO_OUTPUT: &str = "no release has figures of output of this market";
pub(crate) const NO_TRADE: &str = "no release has trade figures of this market";
pub(crate) const NOT_REPORTED: &str =
    "it has not reported its imports here: they are unknown, and not nothing";
const BASES_DIFFER: &str =
    "output is recorded on another basis than trade, which is weighed gross: the two do not add up";

/// A bloc with its members in the market's period, by place in the catalogue.
#[derive(Clone, Debug)]
struct Members {
    bloc: &'static Bloc,
    inside: Vec<bool>,
}

/// A market, ready for its measures.
#[derive(Clone, Debug)]
pub struct Accounts<'a> {
    view: View<'a>,
    /// The market's flows. None: no release has any.
    rows: Option<MarketFlows<'a>>,
    /// By importer, then exporter.
    pairs: Vec<Pair>,
    /// Where a product is only partly the material, at least this fraction of it is, by index of the product.
    purity: BTreeMap<u16, f64>,
    members: Vec<Members>,
    unknown: Unknown,
}

impl<'a> Accounts<'a> {
    /// The accounts of a market as it was known, given the fraction of a product code that at least is the material, and what
    /// economies imported so many periods before. A code without a fraction counts as the material wholly, also where the
    /// concordance calls it a proxy: nothing says how far it is.
    #[must_use]
    pub(crate) fn new(
        view: View<'a>,
        purity_of: impl Fn(&str) -> Option<f64>,
        earlier: impl Fn(u16) -> Option<Rc<Reported>>,
    ) -> Self {
        let rows = view.flows.as_ref().map(Trade::read);
        let purity = rows.as_ref().map(|rows| purities(rows, purity_of)).unwrap_or_default();
        let members = blocs().iter().map(|bloc| Members::new(bloc, &view)).collect();
        let mut accounts =
            Self { view, rows, pairs: Vec::new(), purity, members, unknown: Unknown::default() };
        accounts.fill(earlier);
        accounts
    }

    /// Adds up lines, and notes what is not known.
    fn fill(&mut self, earlier: impl Fn(u16) -> Option<Rc<Reported>>) {
        let Some(weighing) = self.weighing() else { return };
        let lines = weighing.lines();
        let mut unknown = Unknown::of(&weighing, &lines);
        if let Some(reporters) = self.view.flows.as_ref().and_then(Trade::reporters) {
            let earlier: Vec<_> = (1..=LOOK_BACK).filter_map(earlier).collect();
            let here = EconomyId::all().filter(|place| place.economy().is_some_and(|one| self.exists(one)));
            let trading = lines.iter().map(|line| line.importer);
            unknown.add_absent(&here.chain(trading).collect(), &reporters, &lines, &earlier);
        }
        (self.pairs, self.unknown) = (pairs(&lines), unknown);
    }

    fn weighing(&self) -> Option<Weighing<'_, 'a>> {
        let rows = self.rows.as_ref()?;
        let trade = self.view.flows.as_ref()?;
        let reports = reports(trade, rows);
        Some(Weighing { rows, mirror: self.view.mirror, purity: &self.purity, reports })
    }

    /// What economies import, for markets of later periods in which one of them has not reported.
    pub(crate) fn reported(view: View<'a>, purity_of: impl Fn(&str) -> Option<f64>) -> Reported {
        let rows = view.flows.as_ref().map(Trade::read);
        let Some(rows) = rows else {
            return Reported { reporters: Some(BTreeSet::new()), ..Reported::default() };
        };
        let purity = purities(&rows, purity_of);
        let reports = view.flows.as_ref().map(|trade| reports(trade, &rows)).unwrap_or_default();
        let weighing = Weighing { rows: &rows, mirror: view.mirror, purity: &purity, reports };
        let lines = weighing.lines();
        let reporters = view.flows.as_ref().and_then(Trade::reporters);
        Reported::new(reporters.map(|of| of.imports), &lines, &Unknown::of(&weighing, &lines))
    }

    /// Trade by product, by importer, exporter and index of the product.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.weighing().map(|weighing| weighing.lines()).unwrap_or_default()
    }

    /// The market's flows, with the releases that they are from. None: no release has any.
    #[must_use]
    pub fn rows(&self) -> Option<&MarketFlows<'a>> {
        self.rows.as_ref()
    }

    /// The source rows of flows, sorted.
    #[must_use]
    pub fn flows(&self) -> &[Flow] {
        self.rows.as_ref().map_or(&[], |rows| &rows.flows)
    }

    /// Trade between any two economies, by importer, then exporter.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The market as it was known.
    #[must_use]
    pub fn view(&self) -> &View<'a> {
        &self.view
    }

    /// Whom measures of imports exist for: economies that import, blocs that do, the world; by code.
    #[must_use]
    pub fn importers(&self) -> Vec<Consumer> {
        let mut all: Vec<_> =
            self.members.iter().filter(|members| self.imports_any(members)).map(Members::consumer).collect();
        let one = |group: &[Pair]| group.first()?.importer.economy().map(Consumer::Economy);
        all.extend(self.pairs.chunk_by(|a, b| a.importer == b.importer).filter_map(one));
        let unknown = self.unknown.imports.keys().filter_map(|importer| importer.economy());
        all.extend(unknown.map(Consumer::Economy));
        if !self.pairs.is_empty() || !self.unknown.imports.is_empty() {
            all.push(Consumer::World);
        }
        all.sort_unstable_by_key(Consumer::code);
        all.dedup();
        all
    }

    /// Whom net import reliance exists for: economies that import or are listed as producers, and blocs of them; by code.
    #[must_use]
    pub fn reliant(&self) -> Vec<Consumer> {
        if self.reliance_gap().is_some() {
            return Vec::new();
        }
        let mut all = self.importers();
        let producers = self.produced().iter().filter_map(|row| row.economy?.economy());
        all.extend(producers.map(Consumer::Economy));
        all.sort_unstable_by_key(Consumer::code);
        all.dedup();
        all.retain(|consumer| !matches!(consumer, Consumer::World));
        all
    }

    /// A consumer's suppliers abroad, without trade between members of a bloc. What is of unknown origin, and what economies that
    /// have not reported may import, is the residual. None: it imports nothing.
    #[must_use]
    pub fn imports(&self, consumer: Consumer, by: Weight) -> Option<Sourcing<EconomyId>> {
        let flows = self.imports_of(consumer).map(|pair| (pair.exporter, pair.amount(by)));
        let unknown = self.unknown_imports(consumer, by);
        let residuals = unknown.iter().map(|(kind, amount)| (kind.residual(), *amount));
        let sourcing = match consumer {
            Consumer::Economy(_) => Sourcing::with_residuals(flows, residuals),
            Consumer::Bloc(_) => Sourcing::with_residuals(by_exporter(flows), residuals),
            Consumer::World => {
                let unplaced =
                    self.unknown.exports.iter().map(|(exporter, amount)| (*exporter, amount.by(by)));
                Sourcing::with_residuals(by_exporter(flows.chain(unplaced)), residuals)
            }
        };
        (!sourcing.suppliers().is_empty() || self.has_unknown(consumer)).then_some(sourcing)
    }

    /// Whether any import of unknown origin is recorded of a consumer, or not all of it has reported.
    fn has_unknown(&self, consumer: Consumer) -> bool {
        let inside = self.inside(consumer);
        self.unknown.imports.keys().any(|importer| inside.contains(*importer)) || self.has_absent(consumer)
    }

    /// Whether no dataset has a report of the imports of a consumer, or of some of its members.
    #[must_use]
    pub fn has_absent(&self, consumer: Consumer) -> bool {
        self.absent_of(consumer).next().is_some()
    }

    /// Whether anybody has not reported who neither trades, as far as others say, nor is listed as a producer.
    pub(crate) fn has_unlisted_absent(&self) -> bool {
        if self.unknown.absent.is_empty() {
            return false;
        }
        let listed: BTreeSet<_> = self.reliant().iter().filter_map(|one| EconomyId::of(one.code())).collect();
        self.unknown.absent.keys().any(|economy| !listed.contains(economy))
    }

    /// Whether nothing at all is known of a consumer's imports but that they are not reported.
    #[must_use]
    pub fn is_silent(&self, consumer: Consumer) -> bool {
        let inside = self.inside(consumer);
        self.has_absent(consumer)
            && self.imports_of(consumer).next().is_none()
            && !self.unknown.imports.keys().any(|importer| inside.contains(*importer))
    }

    /// Exports of a consumer that no dataset has a report of, beside what importers report. None: all of them are reported.
    #[must_use]
    pub fn unreported_exports(&self, consumer: Consumer) -> Option<Amount> {
        let reported = self.unknown.exporters.as_ref()?;
        let is_whole = self.places_of(consumer).all(|place| reported.contains(&place));
        (!is_whole).then_some(Amount::unavailable())
    }

    /// Exports of an economy that no dataset has a report of. None: they are reported.
    pub(crate) fn unreported_exports_of(&self, place: EconomyId) -> Option<Amount> {
        let reported = self.unknown.exporters.as_ref()?;
        (!reported.contains(&place)).then_some(Amount::unavailable())
    }

    /// A part of a consumer's imports of unknown origin as a share of all of its imports.
    #[must_use]
    pub fn unknown_share(&self, consumer: Consumer, by: Weight, part: UnknownOrigin) -> Estimate {
        let flows = self.imports_of(consumer).map(|pair| (pair.exporter, pair.amount(by)));
        // One part under a name of its own, all others under another.
        let name = |kind: UnknownOrigin| if kind == part { Residual::Special } else { Residual::Unspecified };
        let unknown = self.unknown_imports(consumer, by);
        let residuals = unknown.into_iter().map(|(kind, amount)| (name(kind), amount));
        let sourcing = Sourcing::with_residuals(by_exporter(flows), residuals);
        let mut shares = sourcing.residual_shares();
        let found = shares.find(|(kind, _)| *kind == Residual::Special);
        found.map_or(Estimate::known(0.0), |(_, share)| share)
    }

    /// Imports of a consumer of which the origin is not known, by what is said of it, and of economies that have not reported.
    #[must_use]
    pub fn unknown_imports(&self, consumer: Consumer, by: Weight) -> Vec<(UnknownOrigin, Amount)> {
        let inside = self.inside(consumer);
        let mut all = BTreeMap::<UnknownOrigin, Amount>::new();
        let mut add = |origin, amount: Amount| {
            all.entry(origin).and_modify(|sum| *sum = *sum + amount).or_insert(amount);
        };
        for (_, kinds) in self.unknown.imports.iter().filter(|(importer, _)| inside.contains(**importer)) {
            kinds.iter().for_each(|(kind, amount)| add(UnknownOrigin::Partner(kind), amount.by(by)));
        }
        for (_, amount) in self.absent_of(consumer) {
            add(UnknownOrigin::NotReported, amount.by(by));
        }
        all.into_iter().filter(|(_, amount)| amount.high() > 0.0).collect()
    }

    /// Economies of a consumer that have not reported, with what they may import.
    fn absent_of(&self, consumer: Consumer) -> impl Iterator<Item = (EconomyId, &unknown::Both)> {
        let inside = self.inside(consumer);
        let absent = self.unknown.absent.iter().filter(move |(economy, _)| inside.contains(**economy));
        absent.map(|(economy, amount)| (*economy, amount))
    }

    /// Members of a bloc of whose imports no dataset has a report.
    #[must_use]
    pub fn absent_members(&self, consumer: Consumer) -> Vec<EconomyId> {
        match consumer {
            Consumer::Bloc(_) => self.absent_of(consumer).map(|(member, _)| member).collect(),
            Consumer::Economy(_) | Consumer::World => Vec::new(),
        }
    }

    /// Imports of unknown origin by importer and kind, in tonnes. Those of economies that have not reported are among them as far
    /// as these are members of a bloc or are seen in trade: what else there is of them reaches nobody.
    pub fn unknown_by_importer(&self) -> impl Iterator<Item = (EconomyId, Residual, Amount)> {
        let partners = self.unknown.imports.iter().flat_map(|(importer, kinds)| {
            let kind = |kind: &'static _| UnknownOrigin::Partner(kind).residual();
            kinds.iter().map(move |(of, amount)| (*importer, kind(of), amount.quantity))
        });
        let seen: BTreeSet<_> = self.pairs.iter().flat_map(|pair| [pair.importer, pair.exporter]).collect();
        let is_seen =
            move |economy| seen.contains(&economy) || self.members.iter().any(|bloc| bloc.contain(economy));
        let absent = self.unknown.absent.iter().filter(move |(economy, _)| is_seen(**economy));
        partners.chain(absent.map(|(member, amount)| (*member, Residual::NotReported, amount.quantity)))
    }

    /// The world's producers. None: no figures of output.
    #[must_use]
    pub fn output(&self) -> Option<Sourcing<EconomyId>> {
        let produced = self.view.output.as_ref()?;
        let listed = produced.rows.iter().filter_map(|row| Some((row.economy?, row.quantity.amount())));
        Some(Sourcing::new(listed, produced.residual().unwrap_or(Amount::NOTHING)))
    }

    /// The rows of output, sorted.
    #[must_use]
    pub fn produced(&self) -> &[Output] {
        self.view.output.as_ref().map_or(&[], |output| &output.rows)
    }

    /// Whether nothing is to be said of figures of trade beside what their formulas do: everyone's trade and every product code of
    /// the market are there, and every flow has a weight.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Some(trade) = &self.view.flows else { return true };
        trade.is_for_everyone()
            && !trade.may_lack_codes()
            && self.flows().iter().all(|row| row.quantity.known().is_some())
    }

    /// The least share of the market's product codes that a dataset holds that answers for a consumer, 0 to 1.
    #[must_use]
    pub fn held_codes(&self, consumer: Consumer) -> f64 {
        let Some(trade) = &self.view.flows else { return 1.0 };
        let whole = self.answering_wholly(consumer).map(|dataset| trade.held_codes(dataset));
        whole.chain(self.codes_of_reports(consumer).map(|(_, held)| held)).fold(1.0, f64::min)
    }

    /// Product codes of the market that a dataset does not hold that answers for a consumer.
    #[must_use]
    pub fn missing_codes(&self, consumer: Consumer) -> BTreeSet<&'static str> {
        let Some(trade) = &self.view.flows else { return BTreeSet::new() };
        let whole =
            self.answering_wholly(consumer).flat_map(|dataset| trade.missing_codes(dataset).iter().copied());
        whole.chain(self.codes_of_reports(consumer).flat_map(|(missing, _)| missing)).collect()
    }

    /// Whether a report that answers for some economy of a consumer lacks product codes of the market.
    pub(crate) fn has_short_report(&self, consumer: Consumer) -> bool {
        self.codes_of_reports(consumer).any(|(_, held)| held < 1.0)
    }

    /// Datasets that answer for a consumer and hold product codes as a whole.
    fn answering_wholly(&self, consumer: Consumer) -> impl Iterator<Item = DatasetId> {
        let kind = |dataset: &DatasetId| self.view.flows.as_ref().and_then(|trade| trade.kind(*dataset));
        let answering = self.answering(consumer).into_iter();
        answering.filter(move |dataset| kind(dataset) != Some(DatasetKind::Declarations))
    }

    /// Of declarations that answer for a consumer's economies, report by report: the product codes that are missing, and the share
    /// of those that are held.
    fn codes_of_reports(&self, consumer: Consumer) -> impl Iterator<Item = (Vec<&'static str>, f64)> {
        let of = |economy| {
            let dataset = self.rows.as_ref()?.answering(economy)?;
            self.view.flows.as_ref()?.codes_of_report(dataset, economy)
        };
        let has_reports = self.view.flows.as_ref().is_some_and(Trade::has_declarations);
        has_reports.then(|| self.places_of(consumer).filter_map(of)).into_iter().flatten()
    }

    /// Share of the value of a consumer's imports of which the weight is known, 0 to 1. None: no value is known.
    #[must_use]
    pub fn weighed_share(&self, consumer: Consumer) -> Option<f64> {
        let (mut weighed, mut all) = (0.0, 0.0);
        for row in self.import_rows(consumer) {
            let value = row.value.known().unwrap_or(0.0);
            all += value;
            weighed += if row.quantity.known().is_some() { value } else { 0.0 };
        }
        (all > 0.0).then(|| weighed / all)
    }

    /// Datasets that answer for a consumer's trade, in the order of their age.
    #[must_use]
    pub fn answering(&self, consumer: Consumer) -> BTreeSet<DatasetId> {
        let Some(rows) = &self.rows else { return BTreeSet::new() };
        match consumer {
            Consumer::World => rows.answering_all(),
            Consumer::Economy(_) | Consumer::Bloc(_) => {
                self.places_of(consumer).filter_map(|economy| rows.answering(economy)).collect()
            }
        }
    }

    /// Inputs of a consumer's net import reliance.
    ///
    /// # Errors
    /// Why there is none: no figures of output or of trade, or figures on different bases.
    pub fn reliance(&self, consumer: Consumer) -> Result<Reliance, &'static str> {
        if let Some(gap) = self.reliance_gap() {
            return Err(gap);
        }
        let sum = |amounts: &mut dyn Iterator<Item = Amount>| {
            amounts.fold(Amount::NOTHING, |sum, amount| sum + amount)
        };
        let by = Weight::Quantity;
        let unknown = self.unknown_imports(consumer, by).into_iter().map(|(_, amount)| amount);
        let mut imports = self.imports_of(consumer).map(|pair| pair.quantity).chain(unknown).peekable();
        // What is not reported alone is not added to nothing: a sum would have a known part then.
        let imports = match imports.next_if(|_| self.is_silent(consumer)) {
            Some(unreported) => unreported,
            None => sum(&mut imports),
        };
        Ok(Reliance {
            production: self.production_of(consumer),
            secondary: None,
            imports,
            exports: self.exported(consumer, by),
            stock_decrease: None,
        })
    }

    /// Exports of a consumer to outside of it, with what is not reported of them.
    #[must_use]
    pub fn exported(&self, consumer: Consumer, by: Weight) -> Amount {
        let unplaced = self.unknown_exports(consumer, by);
        let known = self.exports_of(consumer).map(|pair| pair.amount(by)).chain(unplaced);
        with_unreported(known, self.unreported_exports(consumer))
    }

    /// Output of a consumer in tonnes as trade is weighed, gross. On another basis nothing is still nothing, and what may be
    /// something has no upper bound, since ore weighs more than what it contains.
    ///
    /// # Errors
    /// Why there is none: no figures of output, or some on another basis.
    pub(crate) fn gross_output_of(&self, consumer: Consumer) -> Result<Amount, &'static str> {
        if self.view.output.is_none() {
            return Err(NO_OUTPUT);
        }
        let own = self.production_of(consumer);
        match () {
            () if own.high() <= 0.0 || self.is_gross() => Ok(own),
            () if own.low() > 0.0 => Err(BASES_DIFFER),
            () => Ok(Amount::between(0.0, f64::INFINITY)),
        }
    }

    /// The source rows of a consumer's imports, in the release's order.
    pub fn import_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows().iter().filter(move |row| self.crosses_into(consumer, row.importer, row.exporter))
    }

    /// The source rows of a consumer's exports, in the release's order.
    pub fn export_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows().iter().filter(move |row| self.crosses_into(consumer, row.exporter, row.importer))
    }

    /// Whether an economy is part of a consumer in the market's period.
    #[must_use]
    pub fn is_inside(&self, consumer: Consumer, economy: EconomyId) -> bool {
        self.inside(consumer).contains(economy)
    }

    /// The same for many economies: who the consumer is, is looked up once.
    pub(crate) fn insiders(&self, consumer: Consumer) -> impl Fn(EconomyId) -> bool + use<'_, 'a> {
        let inside = self.inside(consumer);
        move |economy| inside.contains(economy)
    }

    /// Datasets by which a consumer's exports are known: those that answer for who imports from it.
    #[must_use]
    pub fn answering_for_exports(&self, consumer: Consumer) -> BTreeSet<DatasetId> {
        let Some(rows) = self.rows.as_ref().filter(|rows| rows.sources.len() > 1) else {
            return BTreeSet::new();
        };
        let mut all: BTreeSet<_> =
            self.export_rows(consumer).filter_map(|row| rows.answering(row.importer)).collect();
        if self.unknown_exports(consumer, Weight::Quantity).is_some() {
            all.insert(rows.primary);
        }
        all
    }

    /// Exports to partners that are no economy, by exporter: tonnes and thousands of US dollars.
    pub(crate) fn unplaced(&self) -> impl Iterator<Item = (EconomyId, Amount, Amount)> {
        self.unknown.exports.iter().map(|(exporter, amount)| (*exporter, amount.quantity, amount.value))
    }

    /// Imports of a consumer of unknown origin, by kind: tonnes and thousands of US dollars.
    pub(crate) fn unknown_pairs(&self, consumer: Consumer) -> Vec<(Amount, Amount)> {
        let [quantities, values] =
            [Weight::Quantity, Weight::Value].map(|by| self.unknown_imports(consumer, by));
        let values: BTreeMap<_, _> = values.into_iter().collect();
        let quantities: BTreeMap<_, _> = quantities.into_iter().collect();
        let kinds: BTreeSet<_> = quantities.keys().chain(values.keys()).copied().collect();
        let amount =
            |of: &BTreeMap<UnknownOrigin, Amount>, kind| of.get(&kind).copied().unwrap_or(Amount::NOTHING);
        kinds.into_iter().map(|kind| (amount(&quantities, kind), amount(&values, kind))).collect()
    }

    /// Exports of a consumer to partners that are no economy.
    pub(crate) fn unknown_exports(&self, consumer: Consumer, by: Weight) -> Option<Amount> {
        let inside = self.inside(consumer);
        let own = self.unknown.exports.iter().filter(|(exporter, _)| inside.contains(**exporter));
        own.map(|(_, amount)| amount.by(by)).reduce(|a, b| a + b)
    }

    /// The source rows of a consumer's imports of unknown origin.
    pub(crate) fn unknown_rows(&self, consumer: Consumer, is_import: bool) -> Vec<&ResidualFlow> {
        let inside = self.inside(consumer);
        let rows = self.rows.as_ref().map_or(&[][..], |rows| &rows.residuals);
        rows.iter().filter(|row| row.is_import == is_import && inside.contains(row.economy)).collect()
    }

    fn reliance_gap(&self) -> Option<&'static str> {
        if self.view.output.is_none() {
            return Some(NO_OUTPUT);
        }
        if self.view.flows.is_none() {
            return Some(NO_TRADE);
        }
        (!self.is_gross()).then_some(BASES_DIFFER)
    }

    /// Whether all output is weighed gross, as trade is.
    #[must_use]
    pub fn is_gross(&self) -> bool {
        let gross = |output: &crate::book::Produced<'_>| {
            output.rows.iter().all(|row| output.basis(row) == Basis::Gross.as_str())
        };
        self.view.output.as_ref().is_some_and(gross)
    }

    /// Output of a consumer: what is listed, and of what is not, at most the residual.
    #[must_use]
    pub fn production_of(&self, consumer: Consumer) -> Amount {
        let rows = self.produced();
        let inside = self.insiders(consumer);
        let listed =
            rows.iter().filter(|row| row.economy.is_some_and(&inside)).map(|row| row.quantity.amount());
        let unlisted = self.unlisted_of(consumer);
        listed.chain(unlisted).reduce(|a, b| a + b).unwrap_or(Amount::NOTHING)
    }

    /// Output that may be a consumer's without being listed: at most the residual. None: all of its economies are listed, or
    /// there is no residual.
    #[must_use]
    pub fn unlisted_of(&self, consumer: Consumer) -> Option<Amount> {
        let rows = self.produced();
        let residual = self.view.output.as_ref().and_then(crate::book::Produced::residual);
        let residual = residual.filter(|residual| residual.high() > 0.0)?;
        let listed = |place| rows.iter().any(|row| row.economy == Some(place));
        (!self.places_of(consumer).all(listed)).then(|| Amount::between(0.0, residual.high()))
    }

    fn places_of(&self, consumer: Consumer) -> impl Iterator<Item = EconomyId> {
        let inside = self.inside(consumer);
        EconomyId::all()
            .filter(move |place| inside.contains(*place))
            .filter(|place| place.economy().is_some_and(|economy| self.exists(economy)))
    }

    fn exists(&self, economy: &Economy) -> bool {
        economy.until.is_none_or(|until| self.view.market.period.calendar_year() <= until)
    }

    /// The flows into a consumer from outside of it.
    pub(crate) fn crossing(&self, consumer: Consumer) -> impl Iterator<Item = &Pair> {
        self.imports_of(consumer)
    }

    fn imports_of(&self, consumer: Consumer) -> impl Iterator<Item = &Pair> {
        let inside = self.inside(consumer);
        self.range_of(consumer).iter().filter(move |pair| crosses(&inside, pair.importer, pair.exporter))
    }

    /// The pairs among which a consumer's imports are.
    pub(crate) fn range_of(&self, consumer: Consumer) -> &[Pair] {
        let Consumer::Economy(one) = consumer else { return &self.pairs };
        let Some(place) = EconomyId::of(one.iso3) else { return &[] };
        let start = self.pairs.partition_point(|pair| pair.importer < place);
        let end = self.pairs.partition_point(|pair| pair.importer <= place);
        self.pairs.get(start..end).unwrap_or_default()
    }

    /// Every flow into a consumer, also those between two members of a bloc, which the flag marks. What an economy ships to
    /// itself is left out.
    pub(crate) fn flows_into(&self, consumer: Consumer) -> impl Iterator<Item = (&Pair, bool)> {
        let inside = self.inside(consumer);
        let into = self.range_of(consumer).iter().filter(move |pair| inside.contains(pair.importer));
        let foreign = into.filter(|pair| pair.importer != pair.exporter);
        foreign.map(move |pair| (pair, inside.contains(pair.exporter)))
    }

    fn exports_of(&self, consumer: Consumer) -> impl Iterator<Item = &Pair> {
        let inside = self.inside(consumer);
        self.pairs.iter().filter(move |pair| crosses(&inside, pair.exporter, pair.importer))
    }

    fn crosses_into(&self, consumer: Consumer, into: EconomyId, from: EconomyId) -> bool {
        crosses(&self.inside(consumer), into, from)
    }

    fn inside(&self, consumer: Consumer) -> Inside<'_> {
        match consumer {
            Consumer::World => Inside::World,
            Consumer::Economy(one) => EconomyId::of(one.iso3).map_or(Inside::None, Inside::One),
            Consumer::Bloc(bloc) => self
                .members
                .iter()
                .find(|members| members.bloc.code == bloc.code)
                .map_or(Inside::None, Inside::Bloc),
        }
    }

    fn imports_any(&self, members: &Members) -> bool {
        self.pairs.iter().any(|pair| crosses(&Inside::Bloc(members), pair.importer, pair.exporter))
            || self.unknown.imports.keys().any(|importer| members.contain(*importer))
    }
}

/// A sum with what is not reported of it; where nothing is, that alone, which has no known part.
pub(crate) fn with_unreported(known: impl Iterator<Item = Amount>, unreported: Option<Amount>) -> Amount {
    let mut known = known.peekable();
    match unreported {
        Some(unreported) if known.peek().is_none() => unreported,
        unreported => known.chain(unreported).fold(Amount::NOTHING, |sum, amount| sum + amount),
    }
}

/// Importers whose flows are by their own report, each with the product codes that the report holds. Nobody where no flow is as its
/// exporter reports it.
fn reports<'a>(trade: &Trade<'a>, rows: &MarketFlows<'a>) -> BTreeMap<EconomyId, BTreeSet<&'a str>> {
    let mirrored = rows.flows.iter().filter(|row| row.reporter == Reporter::Exporter).map(|row| row.importer);
    let mirrored: BTreeSet<_> = mirrored.collect();
    let datasets = trade.datasets().filter(|_| !mirrored.is_empty());
    let reporters: BTreeMap<_, _> =
        datasets.filter_map(|dataset| Some((dataset, trade.importers_of(dataset)?))).collect();
    let report = |importer: EconomyId| {
        let dataset = rows.answering(importer)?;
        reporters.get(&dataset).filter(|of| of.contains(&importer))?;
        Some((importer, trade.codes_held(dataset, importer)))
    };
    mirrored.into_iter().filter_map(report).collect()
}

/// Who is inside a consumer.
#[derive(Clone, Copy)]
enum Inside<'a> {
    World,
    None,
    One(EconomyId),
    Bloc(&'a Members),
}

impl Inside<'_> {
    fn contains(&self, economy: EconomyId) -> bool {
        match self {
            Self::World => true,
            Self::None => false,
            Self::One(one) => economy == *one,
            Self::Bloc(members) => members.contain(economy),
        }
    }
}

/// Whether a flow into `into` from `from` enters the consumer. To the world every flow counts.
fn crosses(inside: &Inside<'_>, into: EconomyId, from: EconomyId) -> bool {
    matches!(inside, Inside::World) || inside.contains(into) && !inside.contains(from)
}

/// Amounts added up by exporter, those of one exporter in the order given.
fn by_exporter(
    flows: impl Iterator<Item = (EconomyId, Amount)>,
) -> impl Iterator<Item = (EconomyId, Amount)> {
    let mut sums = vec![None::<Amount>; economies().len()];
    for (exporter, amount) in flows {
        if let Some(sum) = sums.get_mut(exporter.index()) {
            *sum = Some(sum.map_or(amount, |sum| sum + amount));
        }
    }
    EconomyId::all().zip(sums).filter_map(|(exporter, sum)| Some((exporter, sum?)))
}

impl Members {
    fn new(bloc: &'static Bloc, view: &View<'_>) -> Self {
        let mut inside = vec![false; economies().len()];
        for member in bloc.members(view.market.period) {
            let place = EconomyId::of(member.iso3);
            if let Some(flag) = place.and_then(|place| inside.get_mut(place.index())) {
                *flag = true;
            }
        }
        Self { bloc, inside }
    }

    fn contain(&self, economy: EconomyId) -> bool {
        self.inside.get(economy.index()).copied().unwrap_or(false)
    }

    fn consumer(&self) -> Consumer {
        Consumer::Bloc(self.bloc)
    }
}

/// The purities of the market's products that have one.
fn purities(rows: &MarketFlows<'_>, of: impl Fn(&str) -> Option<f64>) -> BTreeMap<u16, f64> {
    // What the data came with is closer to it than what a parameter says of everyone's.
    let purity = |product| rows.purity(product).or_else(|| of(rows.code(product)));
    rows.products().into_iter().filter_map(|product| Some((product, purity(product)?))).collect()
}
