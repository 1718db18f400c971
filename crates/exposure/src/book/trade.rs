//! The flows of a market as its measures see them: each importer's from the dataset that answers for it.
//!
//! A dataset's rows are put together from its releases by what each of them restates ([`super::unit`]). Which dataset answers is
//! decided for each importer: the first in the order of datasets that has a report of its imports, or, where none has, the first
//! that has any flow to it. Cells that a dataset lacks are filled by its supplements before that. Never is one importer's market
//! put together from several datasets otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;

use super::content::Direction;
use super::dataset::{Completeness, Policy, Rank, Topic};
use super::flows::sorted;
use super::unit::{Declared, Party, Restated};
use super::{Content, DatasetId, EconomyId, Flow, Lot, Market, Reporter, ResidualFlow, Row};

/// Whose trade is reported, where that is not everyone's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporters {
    /// Economies with a report of imports in the market's period, and of goods of the market.
    pub imports: BTreeSet<EconomyId>,
    /// Economies with a report of exports.
    pub exports: BTreeSet<EconomyId>,
}

/// A release that has flows of a market, or covers it by a stated scope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'a> {
    pub(super) place: usize,
    pub(super) content: &'a Content,
    /// None: it has no flows of the market.
    pub(super) lot: Option<&'a Lot>,
}

/// A dataset that has flows of a market.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) id: DatasetId,
    pub(super) kind: DatasetKind,
    /// Place in the order of datasets for an importer that no preference names.
    pub(super) rank: Rank,
    /// The newest first.
    pub(super) releases: Vec<Held<'a>>,
    /// Datasets that fill its cells, in their order.
    pub(super) supplements: Vec<Candidate<'a>>,
    /// Product codes of the market that it does not hold.
    pub(super) missing: Vec<&'static str>,
    /// How many of them it holds.
    pub(super) completeness: Completeness,
}

/// The flows of a market, not read yet.
#[derive(Clone, Debug)]
pub struct Trade<'a> {
    pub(super) market: Market,
    /// In the order of datasets.
    pub(super) candidates: Vec<Candidate<'a>>,
    pub(super) policy: &'a Arc<Policy>,
    /// Preferences differ by economy: for each importer the order is found anew.
    pub(super) by_economy: bool,
    pub(super) names: &'a super::dataset::Datasets,
}

/// A release among those that rows are from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Place of the release in the order of commits.
    pub place: usize,
    /// Its dataset.
    pub dataset: DatasetId,
    /// It fills cells of another dataset.
    pub is_supplement: bool,
    /// What it says.
    pub content: &'a Content,
}

/// The flows of a market, read.
#[derive(Clone, Debug)]
pub struct MarketFlows<'a> {
    /// Flows between economies, sorted.
    pub flows: Vec<Flow>,
    /// Trade with partners that are no economy, sorted.
    pub residuals: Vec<ResidualFlow>,
    /// The releases that rows may be from.
    pub sources: Vec<Source<'a>>,
    /// By product: the source and its index there. Empty: products are those of the first source.
    codes: Vec<(u16, u16)>,
    /// The dataset that answers for an importer. Empty: the first for everyone.
    answers: BTreeMap<EconomyId, DatasetId>,
    /// The first in the order of datasets.
    pub primary: DatasetId,
    /// Unit values are compared within a dataset: by its place, the lowest among its flows of which value and quantity are known,
    /// in thousands of US dollars a tonne.
    pub cheapest: BTreeMap<DatasetId, f64>,
}

impl<'a> Trade<'a> {
    /// Datasets that can answer, in their order.
    pub fn datasets(&self) -> impl Iterator<Item = DatasetId> {
        self.candidates.iter().map(|candidate| candidate.id)
    }

    /// Product codes of which any dataset has a flow.
    #[must_use]
    pub fn codes(&self) -> BTreeSet<&'a str> {
        let candidates = self.candidates.iter().flat_map(|one| std::iter::once(one).chain(&one.supplements));
        let held = candidates.flat_map(|candidate| &candidate.releases);
        let codes = held.flat_map(|held| {
            let products = held.lot.into_iter().flat_map(|lot| lot.products());
            products.map(|product| held.content.product(*product))
        });
        codes.collect()
    }

    /// Whether one dataset alone can answer.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.candidates.len() == 1
    }

    /// Whether some dataset gives the trade of every economy: who has no row in it does not trade.
    #[must_use]
    pub fn is_for_everyone(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.kind == DatasetKind::Reconciled)
    }

    /// Product codes of the market that a dataset does not hold.
    #[must_use]
    pub fn missing_codes(&self, dataset: DatasetId) -> &[&'static str] {
        let found = self.candidates.iter().find(|candidate| candidate.id == dataset);
        found.map_or(&[], |candidate| &candidate.missing)
    }

    /// Whether a dataset may lack product codes of the market, as a whole or in some report.
    #[must_use]
    pub fn may_lack_codes(&self) -> bool {
        self.has_declarations() || self.candidates.iter().any(|candidate| !candidate.missing.is_empty())
    }

    /// Whether a dataset of declarations can answer, which holds codes report by report.
    #[must_use]
    pub fn has_declarations(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.kind == DatasetKind::Declarations)
    }

    /// Share of the market's product codes that a dataset holds, 0 to 1.
    #[must_use]
    pub fn held_codes(&self, dataset: DatasetId) -> f64 {
        let found = self.candidates.iter().find(|candidate| candidate.id == dataset);
        found.map_or(1.0, |candidate| candidate.completeness.share())
    }

    /// How a dataset's figures come about.
    #[must_use]
    pub fn kind(&self, dataset: DatasetId) -> Option<DatasetKind> {
        self.candidates.iter().find(|candidate| candidate.id == dataset).map(|candidate| candidate.kind)
    }

    /// Whose trade some dataset has a report of. None: a dataset gives the trade of everyone.
    #[must_use]
    pub fn reporters(&self) -> Option<Reporters> {
        if self.is_for_everyone() {
            return None;
        }
        let of = |direction| {
            let all =
                self.candidates.iter().flat_map(|candidate| candidate.reporters(self.market, direction));
            all.collect()
        };
        Some(Reporters { imports: of(Direction::Imports), exports: of(Direction::Exports) })
    }

    /// Whose imports a dataset has a report of. None: it gives the trade of everyone, or has nothing of the market.
    #[must_use]
    pub fn importers_of(&self, dataset: DatasetId) -> Option<BTreeSet<EconomyId>> {
        let found = self.candidates.iter().find(|candidate| candidate.id == dataset);
        let found = found.filter(|candidate| candidate.kind != DatasetKind::Reconciled)?;
        Some(found.reporters(self.market, Direction::Imports).collect())
    }

    /// Product codes of the market that an economy's report of imports in a dataset holds, to six digits.
    #[must_use]
    pub fn codes_held(&self, dataset: DatasetId, economy: EconomyId) -> BTreeSet<&'a str> {
        let topic = (self.market.material, self.market.stage);
        let of = self.candidates.iter().filter(|candidate| candidate.id == dataset);
        let codes = of.flat_map(|candidate| &candidate.releases);
        let codes = codes.filter_map(|held| held.content.codes_reported(economy, topic)).flatten();
        codes.map(|code| code.get(..6).unwrap_or(code)).collect()
    }

    /// Product codes of the market that an economy's report in a dataset of declarations does not hold, and the share of those
    /// that it does. None: codes are held by the dataset as a whole, or it has no report of the economy.
    #[must_use]
    pub fn codes_of_report(
        &self,
        dataset: DatasetId,
        economy: EconomyId,
    ) -> Option<(Vec<&'static str>, f64)> {
        let found = self.candidates.iter().find(|candidate| candidate.id == dataset)?;
        let candidate = Some(found).filter(|candidate| candidate.kind == DatasetKind::Declarations)?;
        let topic = (self.market.material, self.market.stage);
        let reported = |held: &Held<'a>| Some((held.content, held.content.codes_reported(economy, topic)?));
        let mut reports = candidate.releases.iter().filter_map(reported).peekable();
        let newest = reports.peek()?.0;
        let Some(revision) = super::answering::revision_of(&newest.release) else {
            return Some((Vec::new(), 1.0));
        };
        let same = reports.filter(|(content, _)| content.release.hs_revision == newest.release.hs_revision);
        let codes = super::answering::Codes::of(revision, self.market, same.flat_map(|(_, codes)| codes));
        Some((codes.missing, codes.completeness.share()))
    }

    /// Whether both are surely the same: the same releases in the same order under the same policy.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Candidate<'_>, b: &Candidate<'_>| a.is_same(b);
        (Arc::ptr_eq(self.policy, other.policy) || self.policy == other.policy)
            && self.candidates.len() == other.candidates.len()
            && self.candidates.iter().zip(&other.candidates).all(|(a, b)| same(a, b))
    }

    /// Reads the flows.
    #[must_use]
    pub fn read(&self) -> MarketFlows<'a> {
        match self.only() {
            Some((candidate, held, lot)) => MarketFlows {
                flows: lot.rows(),
                residuals: lot.residuals(),
                sources: vec![Source {
                    place: held.place,
                    dataset: candidate.id,
                    is_supplement: false,
                    content: held.content,
                }],
                codes: Vec::new(),
                answers: BTreeMap::new(),
                primary: candidate.id,
                cheapest: BTreeMap::new(),
            }
            .with_cheapest(candidate.id),
            None => self.put_together(),
        }
    }

    /// The only release that has anything to say of the market.
    fn only(&self) -> Option<(&Candidate<'a>, Held<'a>, &'a Lot)> {
        let [candidate] = self.candidates.as_slice() else { return None };
        let [held] = candidate.releases.as_slice() else { return None };
        candidate.supplements.is_empty().then_some((candidate, *held, held.lot?))
    }

    fn put_together(&self) -> MarketFlows<'a> {
        let mut all = Assembly::default();
        let mut parts: Vec<_> = self.candidates.iter().collect();
        parts.sort_by_key(|candidate| candidate.id);
        let read: BTreeMap<_, _> =
            parts.into_iter().map(|candidate| (candidate.id, all.dataset(candidate, self.market))).collect();
        let answers = self.answers(&read);
        let primary = self.candidates.first().map(|candidate| candidate.id);
        let mut flows = MarketFlows {
            flows: Vec::new(),
            residuals: Vec::new(),
            cheapest: read.iter().filter_map(|(id, part)| Some((*id, cheapest(&part.flows)?))).collect(),
            sources: all.sources,
            codes: all.codes,
            primary: primary.unwrap_or_else(|| read.keys().next().copied().unwrap_or_default()),
            answers,
        };
        for (id, part) in read {
            let answers = |importer| flows.answers.get(&importer) == Some(&id);
            flows.flows.extend(part.flows.into_iter().filter(|row| answers(row.importer)));
            let stands = |row: &ResidualFlow| {
                if row.is_import { answers(row.economy) } else { id == flows.primary }
            };
            flows.residuals.extend(part.residuals.into_iter().filter(stands));
        }
        flows.flows = sorted(flows.flows);
        flows.residuals.sort_by_key(Row::key);
        flows
    }

    /// Which dataset answers for each importer.
    fn answers(&self, read: &BTreeMap<DatasetId, Part>) -> BTreeMap<EconomyId, DatasetId> {
        let covers: BTreeMap<_, _> = read.iter().map(|(id, part)| (*id, part.importers())).collect();
        let importers: BTreeSet<_> = covers.values().flat_map(|of| of.keys().copied()).collect();
        let usual: Vec<_> = self.datasets().collect();
        let answer = |importer| {
            let order = if self.by_economy { self.order_for(importer) } else { usual.clone() };
            let find = |reported: bool| {
                let has = |id: &&DatasetId| {
                    covers.get(id).and_then(|of| of.get(&importer)).is_some_and(|own| *own || !reported)
                };
                order.iter().find(has).copied()
            };
            Some((importer, find(true).or_else(|| find(false))?))
        };
        importers.into_iter().filter_map(answer).collect()
    }

    /// The order of datasets for an importer.
    fn order_for(&self, importer: EconomyId) -> Vec<DatasetId> {
        let topic = Topic { economy: Some(importer), ..Topic::market(Table::Trade, self.market) };
        let rank = |candidate: &Candidate<'_>| {
            let (own, _, kind, held, id) = candidate.rank;
            (own, self.policy.preferred(&topic, self.names.name(candidate.id)), kind, held, id)
        };
        let mut order: Vec<_> =
            self.candidates.iter().map(|candidate| (rank(candidate), candidate.id)).collect();
        order.sort();
        order.into_iter().map(|(_, id)| id).collect()
    }
}

impl Candidate<'_> {
    /// Economies that report trade of a market in a direction. What fills cells reports nothing.
    fn reporters(&self, market: Market, direction: Direction) -> impl Iterator<Item = EconomyId> {
        let reports = self.releases.iter().filter(|_| self.kind != DatasetKind::Supplement);
        let about =
            reports.filter(move |held| held.content.held(market.material, market.stage).next().is_some());
        about.flat_map(move |held| held.content.reporters(market.period, direction))
    }

    fn is_same(&self, other: &Self) -> bool {
        // The same rows of a release that was repaired elsewhere may stand among other reports.
        let reports = self.kind != DatasetKind::Reconciled;
        let same = |a: &Held<'_>, b: &Held<'_>| {
            std::ptr::eq(a.content, b.content)
                || !reports
                    && a.lot.zip(b.lot).is_some_and(|(a, b)| std::ptr::eq(a, b))
                    && a.content.scope.is_none()
                    && b.content.scope.is_none()
        };
        (self.id, self.kind, &self.missing) == (other.id, other.kind, &other.missing)
            && self.releases.len() == other.releases.len()
            && self.releases.iter().zip(&other.releases).all(|(a, b)| same(a, b))
            && self.supplements.len() == other.supplements.len()
            && self.supplements.iter().zip(&other.supplements).all(|(a, b)| a.is_same(b))
    }
}

impl<'a> MarketFlows<'a> {
    fn with_cheapest(mut self, dataset: DatasetId) -> Self {
        self.cheapest = cheapest(&self.flows).into_iter().map(|lowest| (dataset, lowest)).collect();
        self
    }

    /// The release that a row is from.
    #[must_use]
    pub fn source(&self, source: u16) -> Option<&Source<'a>> {
        self.sources.get(usize::from(source))
    }

    /// The dataset that a row is from.
    #[must_use]
    pub fn dataset(&self, source: u16) -> Option<DatasetId> {
        self.source(source).map(|source| source.dataset)
    }

    /// A release with the product code, and the code's index there.
    fn local(&self, product: u16) -> Option<(&'a Content, u16)> {
        if self.codes.is_empty() {
            return self.sources.first().map(|source| (source.content, product));
        }
        let (source, local) = self.codes.get(usize::from(product))?;
        Some((self.source(*source)?.content, *local))
    }

    /// The product code at an index.
    #[must_use]
    pub fn code(&self, product: u16) -> &'a str {
        self.local(product).map_or("", |(content, local)| content.product(local))
    }

    /// The fraction of the goods under a product code that is the material, as it was recorded.
    #[must_use]
    pub fn purity(&self, product: u16) -> Option<f64> {
        self.local(product).and_then(|(content, local)| content.purity(local))
    }

    /// Indices of the products of which there is any row.
    #[must_use]
    pub fn products(&self) -> BTreeSet<u16> {
        let flows = self.flows.iter().map(|row| row.product);
        flows.chain(self.residuals.iter().map(|row| row.product)).collect()
    }

    /// A flow as its release has it.
    #[must_use]
    pub fn cited(&self, row: &Flow) -> Option<(&'a Content, Flow)> {
        let source = self.source(row.source)?;
        let product = source.content.index_of(self.code(row.product))?;
        Some((source.content, Flow { product, source: 0, ..*row }))
    }

    /// Trade with a partner that is no economy, as its release has it.
    #[must_use]
    pub fn residual_cited(&self, row: &ResidualFlow) -> Option<(&'a Content, ResidualFlow)> {
        let source = self.source(row.source)?;
        let product = source.content.index_of(self.code(row.product))?;
        Some((source.content, ResidualFlow { product, source: 0, ..*row }))
    }

    /// The dataset that answers for an importer. None: none has a flow to it.
    #[must_use]
    pub fn answering(&self, importer: EconomyId) -> Option<DatasetId> {
        if self.codes.is_empty() { Some(self.primary) } else { self.answers.get(&importer).copied() }
    }

    /// Datasets that answer for somebody, in the order of their age.
    #[must_use]
    pub fn answering_all(&self) -> BTreeSet<DatasetId> {
        let all: BTreeSet<_> = self.answers.values().copied().collect();
        if all.is_empty() { BTreeSet::from([self.primary]) } else { all }
    }
}

/// Lowest unit value among the flows of which both are known and above zero.
fn cheapest(flows: &[Flow]) -> Option<f64> {
    let positive = |cell: super::Cell| cell.known().filter(|number| *number > 0.0);
    let unit_values = flows.iter().filter_map(|flow| Some(positive(flow.value)? / positive(flow.quantity)?));
    unit_values.filter(|value| value.is_normal()).reduce(f64::min)
}

/// Rows of one dataset.
#[derive(Debug, Default)]
struct Part {
    flows: Vec<Flow>,
    residuals: Vec<ResidualFlow>,
}

impl Part {
    /// Everyone to whom there is a flow, and whether it is of a report of its own.
    fn importers(&self) -> BTreeMap<EconomyId, bool> {
        let flows = self.flows.iter().map(|row| (row.importer, row.reporter));
        let residuals =
            self.residuals.iter().filter(|row| row.is_import).map(|row| (row.economy, row.reporter));
        let mut all = BTreeMap::new();
        for (importer, reporter) in flows.chain(residuals) {
            *all.entry(importer).or_insert(false) |= reporter != Reporter::Exporter;
        }
        all
    }
}

/// What rows of several releases share.
#[derive(Debug, Default)]
struct Assembly<'a> {
    sources: Vec<Source<'a>>,
    codes: Vec<(u16, u16)>,
}

impl<'a> Assembly<'a> {
    /// The rows of a dataset with those that its supplements add.
    fn dataset(&mut self, candidate: &Candidate<'a>, market: Market) -> Part {
        let mut part = self.own(candidate, market, false);
        for supplement in &candidate.supplements {
            let added = self.own(supplement, market, true);
            self.fill(&mut part, added);
        }
        part
    }

    /// The rows of a dataset itself. Codes keep the order in which its oldest release has them, so that sums run in one order
    /// whatever other datasets there are.
    fn own(&mut self, candidate: &Candidate<'a>, market: Market, is_supplement: bool) -> Part {
        let first = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        let oldest_first = candidate.releases.iter().rev();
        self.sources.extend(oldest_first.clone().map(|held| Source {
            place: held.place,
            dataset: candidate.id,
            is_supplement,
            content: held.content,
        }));
        let mut index = BTreeMap::new();
        for (source, held) in (first..).zip(oldest_first) {
            for local in held.lot.into_iter().flat_map(|lot| lot.products()) {
                index.entry(held.content.product(*local)).or_insert_with(|| {
                    self.codes.push((source, *local));
                    u16::try_from(self.codes.len() - 1).unwrap_or(u16::MAX)
                });
            }
        }
        let last = first.saturating_add(u16::try_from(candidate.releases.len()).unwrap_or(u16::MAX));
        let mut restated = Restated::new(candidate.kind);
        let mut part = Part::default();
        for (source, held) in (first..last).rev().zip(&candidate.releases) {
            let rows = Rows { held: *held, market };
            rows.standing(&restated, source, &index, &mut part);
            restated.add(held.content, rows.declared().into_iter());
        }
        part
    }

    /// Adds rows of a supplement where a dataset has none, or none with a known quantity.
    fn fill(&self, part: &mut Part, added: Part) {
        let code = |product: u16| {
            let (source, local) = self.codes.get(usize::from(product)).copied().unwrap_or_default();
            self.sources.get(usize::from(source)).map_or("", |source| source.content.product(local))
        };
        let cell = |row: &Flow| (row.importer, row.exporter, code(row.product));
        let known: BTreeSet<_> =
            part.flows.iter().filter(|row| row.quantity.known().is_some()).map(cell).collect();
        let added: Vec<_> = added.flows.into_iter().filter(|row| !known.contains(&cell(row))).collect();
        let filled: BTreeSet<_> = added.iter().map(cell).collect();
        part.flows.retain(|row| !filled.contains(&cell(row)));
        part.flows.extend(added);
    }
}

/// The rows of a release in a market.
struct Rows<'a> {
    held: Held<'a>,
    market: Market,
}

impl<'a> Rows<'a> {
    /// Adds the rows that no newer release restates.
    fn standing(&self, restated: &Restated<'_>, source: u16, index: &BTreeMap<&str, u16>, part: &mut Part) {
        let Some(lot) = self.held.lot.filter(|_| !restated.is_whole()) else { return };
        let place = |product| index.get(self.held.content.product(product)).copied().unwrap_or(u16::MAX);
        let flows = lot.rows().into_iter().filter(|row| !restated.includes(&self.flow(row)));
        part.flows.extend(flows.map(|row| Flow { product: place(row.product), source, ..row }));
        let residuals = lot.residuals().into_iter().filter(|row| !restated.includes(&self.residual(row)));
        part.residuals.extend(residuals.map(|row| ResidualFlow {
            product: place(row.product),
            source,
            ..row
        }));
    }

    /// The rows, for what they restate; where a scope is stated, with those of the markets that it may tie to this one.
    fn declared(&self) -> Vec<Declared<'a>> {
        let Some(scope) = &self.held.content.scope else { return self.here() };
        let tied = self.held.content.flows.iter().filter(|(other, _)| scope.ties(&self.market, other));
        let rows = tied.flat_map(|(other, lot)| {
            Rows { held: Held { lot: Some(lot), ..self.held }, market: *other }.here()
        });
        rows.collect()
    }

    fn here(&self) -> Vec<Declared<'a>> {
        let Some(lot) = self.held.lot else { return Vec::new() };
        let flows = lot.rows();
        let residuals = lot.residuals();
        flows.iter().map(|row| self.flow(row)).chain(residuals.iter().map(|row| self.residual(row))).collect()
    }

    fn flow(&self, row: &Flow) -> Declared<'a> {
        Declared {
            importer: Party::Economy(row.importer),
            exporter: Party::Economy(row.exporter),
            reporter: row.reporter,
            code: self.held.content.product(row.product),
            topic: (self.market.material, self.market.stage),
            period: self.market.period,
        }
    }

    fn residual(&self, row: &ResidualFlow) -> Declared<'a> {
        let (economy, residual) = (Party::Economy(row.economy), Party::Residual(row.kind));
        let (importer, exporter) = if row.is_import { (economy, residual) } else { (residual, economy) };
        Declared {
            importer,
            exporter,
            reporter: row.reporter,
            code: self.held.content.product(row.product),
            topic: (self.market.material, self.market.stage),
            period: self.market.period,
        }
    }
}
