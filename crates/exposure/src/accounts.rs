//! A market's rows as accounts: who imports how much from whom, who produces how much.

use std::collections::BTreeMap;

use orewatch_catalog::{Basis, Bloc, Consumer, Economy, blocs, economies};
use orewatch_measures::{Amount, Mirror, Reliance, Sourcing, Weight};

use crate::book::{Cell, EconomyId, Flow, Reporter, View};

/// Why a measure cannot be given.
pub(crate) const NO_OUTPUT: &str = "no release has figures of output of this market";
pub(crate) const NO_TRADE: &str = "no release has trade figures of this market";
const BASES_DIFFER: &str =
    "output is recorded on another basis than trade, which is weighed gross: the two do not add up";

/// Trade between two economies, all products of the market together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
}

impl Pair {
    /// By quantity or by value.
    #[must_use]
    pub fn amount(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }
}

/// Trade between two economies in one product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Index into the products of the flows' release.
    pub product: u16,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
}

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
    /// The market's flows, sorted.
    flows: Vec<Flow>,
    /// By importer, then exporter.
    pairs: Vec<Pair>,
    /// Where a product is only partly the material, at least this fraction of it is, by index of the product.
    purity: BTreeMap<u16, f64>,
    members: Vec<Members>,
    /// Thousands of US dollars a tonne of the cheapest known flow. None: no flow has both.
    cheapest: Option<f64>,
}

impl<'a> Accounts<'a> {
    /// The accounts of a market as it was known, given the fraction of a product code that at least is the material. A code
    /// without one counts as the material wholly, also where the concordance calls it a proxy: nothing says how far it is.
    #[must_use]
    pub fn new(view: View<'a>, purity_of: impl Fn(&str) -> Option<f64>) -> Self {
        let flows = view.flows.map_or_else(Vec::new, |trade| trade.lot.rows());
        let purity = purities(&view, purity_of);
        let cheapest = cheapest(&flows);
        let members = blocs().iter().map(|bloc| Members::new(bloc, &view)).collect();
        let pairs = pairs(&lines(&flows, view.mirror, cheapest, &purity));
        Self { view, flows, pairs, purity, members, cheapest }
    }

    /// Trade by product, by importer, exporter and index of the product.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        lines(&self.flows, self.view.mirror, self.cheapest, &self.purity)
    }

    /// The source rows of flows, in the release's order.
    #[must_use]
    pub fn flows(&self) -> &[Flow] {
        &self.flows
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
        if !self.pairs.is_empty() {
            all.push(Consumer::World);
        }
        all.sort_unstable_by_key(Consumer::code);
        all
    }

    /// Whom net import reliance exists for: economies that import or are listed as producers, and blocs of them; by code.
    #[must_use]
    pub fn reliant(&self) -> Vec<Consumer> {
        if self.reliance_gap().is_some() {
            return Vec::new();
        }
        let mut all = self.importers();
        let producers = self
            .view
            .output
            .map_or(&[][..], |side| side.rows)
            .iter()
            .filter_map(|row| row.economy?.economy());
        all.extend(producers.map(Consumer::Economy));
        all.sort_unstable_by_key(Consumer::code);
        all.dedup();
        all.retain(|consumer| !matches!(consumer, Consumer::World));
        all
    }

    /// A consumer's suppliers abroad, without trade between members of a bloc. None: it imports nothing.
    #[must_use]
    pub fn imports(&self, consumer: Consumer, by: Weight) -> Option<Sourcing<EconomyId>> {
        let flows = self.imports_of(consumer).map(|pair| (pair.exporter, pair.amount(by)));
        let nothing = Amount::NOTHING;
        let sourcing = match consumer {
            Consumer::Economy(_) => Sourcing::new(flows, nothing),
            Consumer::Bloc(_) | Consumer::World => Sourcing::new(by_exporter(flows), nothing),
        };
        (!sourcing.suppliers().is_empty()).then_some(sourcing)
    }

    /// The world's producers. None: no figures of output.
    #[must_use]
    pub fn output(&self) -> Option<Sourcing<EconomyId>> {
        let rows = self.view.output?.rows;
        let of = |residual: bool| rows.iter().filter(move |row| row.economy.is_none() == residual);
        let residual = of(true).map(|row| row.quantity.amount()).reduce(|a, b| a + b);
        let listed = of(false).filter_map(|row| Some((row.economy?, row.quantity.amount())));
        Some(Sourcing::new(listed, residual.unwrap_or(Amount::NOTHING)))
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
        Ok(Reliance {
            production: self.production_of(consumer),
            secondary: None,
            imports: sum(&mut self.imports_of(consumer).map(|pair| pair.quantity)),
            exports: sum(&mut self.exports_of(consumer).map(|pair| pair.quantity)),
            stock_decrease: None,
        })
    }

    /// Output of a consumer in tonnes as trade is weighed, gross. On another basis nothing is still nothing, and what may be
    /// something has no upper bound, since ore weighs more than what it contains.
    ///
    /// # Errors
    /// Why there is none: no figures of output, or some on another basis.
    pub(crate) fn gross_output_of(&self, consumer: Consumer) -> Result<Amount, &'static str> {
        let Some(output) = self.view.output else { return Err(NO_OUTPUT) };
        let gross = |product| output.content.product(product) == Basis::Gross.as_str();
        let own = self.production_of(consumer);
        match () {
            () if own.high() <= 0.0 || output.rows.iter().all(|row| gross(row.product)) => Ok(own),
            () if own.low() > 0.0 => Err(BASES_DIFFER),
            () => Ok(Amount::between(0.0, f64::INFINITY)),
        }
    }

    /// The source rows of a consumer's imports, in the release's order.
    pub fn import_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows.iter().filter(move |row| self.crosses_into(consumer, row.importer, row.exporter))
    }

    /// The source rows of a consumer's exports, in the release's order.
    pub fn export_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows.iter().filter(move |row| self.crosses_into(consumer, row.exporter, row.importer))
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

    /// Thousands of US dollars a tonne of the cheapest known flow, which bounds quantities that are not known.
    #[must_use]
    pub fn cheapest(&self) -> Option<f64> {
        self.cheapest
    }

    fn reliance_gap(&self) -> Option<&'static str> {
        let Some(output) = self.view.output else { return Some(NO_OUTPUT) };
        if self.view.flows.is_none() {
            return Some(NO_TRADE);
        }
        let gross = |product| output.content.product(product) == Basis::Gross.as_str();
        (!output.rows.iter().all(|row| gross(row.product))).then_some(BASES_DIFFER)
    }

    /// Output of a consumer: what is listed, and of what is not, at most the residual.
    #[must_use]
    pub fn production_of(&self, consumer: Consumer) -> Amount {
        let rows = self.view.output.map_or(&[][..], |side| side.rows);
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
        let rows = self.view.output.map_or(&[][..], |side| side.rows);
        let residual = rows.iter().filter(|row| row.economy.is_none()).map(|row| row.quantity.amount());
        let residual = residual.reduce(|a, b| a + b).filter(|residual| residual.high() > 0.0)?;
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
    }
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

/// The lines of the same two economies added up, in the lines' order.
fn pairs(lines: &[Line]) -> Vec<Pair> {
    let same = |a: &Line, b: &Line| (a.importer, a.exporter) == (b.importer, b.exporter);
    let pair = |group: &[Line]| {
        let first = group.first()?;
        let quantity = group.iter().map(|line| line.quantity).reduce(|a, b| a + b)?;
        let value = group.iter().map(|line| line.value).reduce(|a, b| a + b)?;
        Some(Pair { importer: first.importer, exporter: first.exporter, quantity, value })
    };
    lines.chunk_by(same).filter_map(pair).collect()
}

/// The rows of the same two economies and product as one line each: reports of both sides are combined, never added up.
fn lines(flows: &[Flow], mirror: Mirror, cheapest: Option<f64>, purity: &BTreeMap<u16, f64>) -> Vec<Line> {
    let key = |flow: &Flow| (flow.importer, flow.exporter, flow.product);
    let line = |group: &[Flow]| {
        let Flow { importer, exporter, product, .. } = *group.first()?;
        let of_basket =
            |amount: Amount| purity.get(&product).map_or(amount, |purity| amount.of_basket(*purity));
        let quantity = of_basket(reported(group, mirror, |flow| quantity(flow, cheapest)));
        let value = of_basket(reported(group, mirror, |flow| flow.value.amount()));
        Some(Line { importer, exporter, product, quantity, value })
    };
    flows.chunk_by(|a, b| key(a) == key(b)).filter_map(line).collect()
}

/// What the rows of one line say together. What has one figure whoever reported it stands beside what both sides report.
fn reported(rows: &[Flow], mirror: Mirror, amount: impl Fn(&Flow) -> Amount) -> Amount {
    let by = |reporter| {
        let rows = rows.iter().filter(move |row| row.reporter == reporter);
        rows.map(&amount).reduce(|a, b| a + b)
    };
    let (importer, exporter) = (by(Reporter::Importer), by(Reporter::Exporter));
    match (by(Reporter::One), importer.or(exporter)) {
        (Some(one), None) => one,
        (None, _) => Amount::reported(importer, exporter, mirror),
        (Some(one), Some(_)) => one + Amount::reported(importer, exporter, mirror),
    }
}

/// A flow's quantity. Not known, but of known value: at most what that buys at the lowest unit value of the market.
fn quantity(flow: &Flow, cheapest: Option<f64>) -> Amount {
    match (flow.quantity.known(), flow.value.known(), cheapest) {
        (None, Some(value), Some(cheapest)) => Amount::between(0.0, value / cheapest),
        _ => flow.quantity.amount(),
    }
}

/// The purities of the market's products that have one.
fn purities(view: &View<'_>, of: impl Fn(&str) -> Option<f64>) -> BTreeMap<u16, f64> {
    let Some(side) = view.flows else { return BTreeMap::new() };
    // What the data came with is closer to it than what a parameter says of everyone's.
    let purity = |product| side.content.purity(product).or_else(|| of(side.content.product(product)));
    side.lot.products().iter().filter_map(|product| Some((*product, purity(*product)?))).collect()
}

/// Lowest unit value among the flows of which both are known and above zero.
fn cheapest(flows: &[Flow]) -> Option<f64> {
    let positive = |cell: Cell| cell.known().filter(|number| *number > 0.0);
    let unit_values = flows.iter().filter_map(|flow| Some(positive(flow.value)? / positive(flow.quantity)?));
    unit_values.filter(|value| value.is_normal()).reduce(f64::min)
}
