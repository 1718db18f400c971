//! The figures that rules watch, folded from the exposures log.
//!
//! Figures are kept by material, market (stage and measure), consumer and supplier. Only figures that some
//! rule watches are kept ([`KeptFigures`]); of the others only their number is, to estimate costs. A rule
//! reads them as [`WatchedSubject`]s: a series with a figure, or a stand-in, in every period of its market.
//! Verdicts on claims are kept beside them, all of them: they are few.
mod claims;
mod columns;
mod cost;
mod extent;
mod kept;
mod listing;
mod market;
mod revisions;
pub mod saved;
mod series;
mod suppliers;
mod watched;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ExposuresChanged, MarketSize, ProductInfo, Subject};
use orewatch_contracts::log::Position;

use crate::firmness::StageRevisions;
use crate::period::frequency_of;
use crate::rules::CheckedRule;
use crate::series_selector::SeriesSelector;
use crate::spread::Spread;

use claims::Claims;
pub use claims::JudgedClaim;
use columns::{ColumnReader, word};
use extent::Extents;
pub use kept::{KeptFigures, Measured};
use listing::Listings;
pub use listing::unavailable;
pub use market::Touched;
use market::{Market, MarketFigures, MeasureFold, PeriodChange, Touch};
use series::Series;
pub use series::{LostFigure, is_there};
pub use suppliers::{SupplierShares, Suppliers};
pub use watched::WatchedSubject;

/// Cause of a figure, the releases that it is based on, and the products that it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The cause.
    pub cause: Option<Cause>,
    /// Releases by identifier.
    pub releases: Vec<String>,
    /// Products by which trade in the market is measured. Empty: not known, or none.
    pub products: Vec<ProductInfo>,
}

impl Provenance {
    /// Whether both have the same cause. A figure that one cause both added and removed was never visible.
    fn is_same(&self, other: &Self) -> bool {
        self.cause.is_some() && self.cause == other.cause
    }
}

/// One figure of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// The figure.
    pub estimate: Estimate,
    /// Suppliers that the figure names, largest first, separated by commas.
    pub names: Arc<str>,
    /// What the datasets that provide it say. `None`: only one provides it.
    pub spread: Option<Arc<Spread>>,
    /// Size of the market that it is a part of. `None`: not known.
    pub size: Option<Arc<MarketSize>>,
    /// Its provenance.
    pub provenance: Arc<Provenance>,
}

/// All series of one material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaterialFigures {
    markets: BTreeMap<Market, Arc<MarketFigures>>,
    claims: Claims,
    /// By stage.
    revisions: BTreeMap<Arc<str>, Arc<StageRevisions>>,
}

/// The figures that rules watch, by material. Copies are cheap: they share unchanged parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    kept: Arc<KeptFigures>,
    materials: BTreeMap<String, Arc<MaterialFigures>>,
    /// Numbers of codes, assigned in order of appearance.
    numbers: Arc<BTreeMap<Arc<str>, u32>>,
    /// Number of figures by material, also of figures that are not kept.
    extents: BTreeMap<String, Arc<Extents>>,
}

/// An exposures event that violates its contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exposures of {material}: {reason}")]
pub struct MalformedExposures {
    material: String,
    reason: String,
}

impl Figures {
    /// An empty set of figures.
    #[must_use]
    pub fn new(kept: KeptFigures) -> Self {
        Self { kept: Arc::new(kept), ..Self::default() }
    }

    /// Which figures are kept.
    #[must_use]
    pub fn kept(&self) -> &KeptFigures {
        &self.kept
    }

    /// The figures of a material. The caller's copy does not change.
    #[must_use]
    pub fn material(&self, material: &str) -> Arc<MaterialFigures> {
        self.materials.get(material).cloned().unwrap_or_default()
    }

    /// The materials with kept figures, and those of which revisions are known.
    pub fn materials(&self) -> impl Iterator<Item = &str> {
        self.materials.keys().map(String::as_str)
    }

    /// The materials with figures, kept or not.
    pub fn known_materials(&self) -> impl Iterator<Item = &str> {
        self.extents.keys().map(String::as_str)
    }

    /// Greatest number of periods of a rule's measure in a material.
    pub fn periods_of(&self, material: &str, rule: &CheckedRule) -> usize {
        self.extents.get(material).map_or(0, |extents| extents.periods(material, rule))
    }

    /// Folds a change of figures, given its position on the exposures log.
    ///
    /// # Errors
    /// [`MalformedExposures`] if the columns do not fit together or the period is invalid. Rows before the
    /// fault are folded.
    pub fn apply(&mut self, at: Position, change: &ExposuresChanged) -> Result<(), MalformedExposures> {
        self.apply_recording(at, change, &mut Touched::default())
    }

    /// Folds a change of figures and records what it touches.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_recording(
        &mut self,
        at: Position,
        change: &ExposuresChanged,
        touched: &mut Touched,
    ) -> Result<(), MalformedExposures> {
        let market = change.market.as_ref();
        let material = market.map(|market| market.material.clone()).unwrap_or_default();
        let malformed = |reason: String| MalformedExposures { material: material.clone(), reason };
        let market = market.ok_or_else(|| malformed("the market is missing".to_owned()))?;
        let period: Period =
            market.period.parse().map_err(|_| malformed(format!("{:?} is no period", market.period)))?;
        let Some(columns) = &change.columns else { return Ok(()) };

        let provenance = Arc::new(Provenance {
            cause: change.cause.clone(),
            releases: change.releases.clone(),
            products: change.products.clone(),
        });
        let (stage, frequency) = (Arc::<str>::from(market.stage.as_str()), frequency_of(period));
        self.note_revisions(&material, (&stage, period), &change.revisions);
        let change = PeriodChange { period, at, provenance: &provenance };
        let words = ColumnReader::new(columns);
        let Self { kept, materials, numbers, extents } = self;
        let extents = Arc::make_mut(extents.entry(material.clone()).or_default());
        // Rows of one measure are adjacent, so that what they share is looked up once.
        let mut own: Option<MeasureFold<'_>> = None;
        let mut last = None;
        for k in 0..columns.consumer.len() {
            let unfit = || malformed(format!("the columns do not fit at entry {k}"));
            let measured = words.measured(k).ok_or_else(unfit)?;
            if last != Some(measured) {
                last = Some(measured);
                let (measure, by) = measured;
                let measure = word(&words.measures, measure).ok_or_else(unfit)?;
                let measured = Measured { measure, by, frequency };
                let run = words.run(k, last);
                extents.note(Market { stage: Arc::clone(&stage), measured: measured.clone() }, period, run);
                own = kept.0.get(&measured).map(|consumers| {
                    let market = Market { stage: Arc::clone(&stage), measured };
                    let figures = Arc::make_mut(materials.entry(material.clone()).or_default());
                    let figures = Arc::make_mut(figures.markets.entry(market.clone()).or_default());
                    MeasureFold { consumers, figures, touch: touched.0.entry(market).or_default() }
                });
            }
            // A row is checked even if no rule watches its measure.
            let row = words.row(k).ok_or_else(unfit)?;
            if let Some(own) = &mut own {
                let who = (number(numbers, &row.consumer), number(numbers, &row.supplier));
                own.set(&change, row, who);
            }
        }
        Ok(())
    }
}

fn number(numbers: &mut Arc<BTreeMap<Arc<str>, u32>>, code: &Arc<str>) -> u32 {
    if let Some(number) = numbers.get(code) {
        return *number;
    }
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *Arc::make_mut(numbers).entry(Arc::clone(code)).or_insert(next)
}

/// The figures of a consumer in a market.
#[derive(Clone, Copy)]
struct ConsumerFigures<'a> {
    market: &'a Market,
    figures: &'a MarketFigures,
    consumer: &'a Arc<str>,
    suppliers: &'a Suppliers,
}

/// A consumer of a market, with what all of its subjects share.
struct FoundConsumer<'a> {
    place: ConsumerFigures<'a>,
    listed: Listings<'a>,
    behind: Option<Rc<SupplierShares<'a>>>,
}

impl FoundConsumer<'_> {
    fn contains(&self, subject: &Subject) -> bool {
        let ConsumerFigures { market, consumer, .. } = self.place;
        **consumer == *subject.consumer
            && *market.stage == *subject.stage
            && *market.measured.measure == *subject.measure
            && market.measured.by == subject.by()
    }
}

/// Finds subjects of a rule one after the other. It is fast if consecutive subjects have the same consumer.
pub struct Finder<'a> {
    figures: &'a MaterialFigures,
    last: Option<FoundConsumer<'a>>,
}

impl std::fmt::Debug for Finder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}

impl<'a> Finder<'a> {
    /// A subject as the rule sees it. `None`: it never had a figure.
    pub fn find(&mut self, rule: &CheckedRule, subject: &Arc<Subject>) -> Option<WatchedSubject<'a>> {
        if !self.last.as_ref().is_some_and(|last| last.contains(subject)) {
            self.last = self.figures.find(rule, subject);
        }
        let FoundConsumer { place, listed, behind } = self.last.as_ref()?;
        let own = place.suppliers.series.get(subject.supplier.as_str())?;
        Some(self.figures.watched_subject(rule, Arc::clone(subject), *place, own, listed, behind.clone()))
    }
}

impl MaterialFigures {
    /// All subjects that a rule watches, in order. A subject exists once it has had a figure.
    #[must_use]
    pub fn watched(&self, material: &str, rule: &CheckedRule) -> Vec<WatchedSubject<'_>> {
        self.watched_if_touched(material, rule, None)
    }

    /// Like [`watched`](Self::watched), but only the subjects whose series a change may affect. For a rule
    /// that reads other series than the subject's own these are all subjects.
    #[must_use]
    pub fn watched_if_touched(
        &self,
        material: &str,
        rule: &CheckedRule,
        touched: Option<&Touched>,
    ) -> Vec<WatchedSubject<'_>> {
        let mut all = Vec::new();
        match touched.filter(|_| rule.reads_only_own()) {
            None => self.markets.iter().for_each(|(market, figures)| {
                self.watch(material, market, rule, figures, None, &mut all);
            }),
            Some(touched) => touched.0.iter().for_each(|(market, touch)| {
                if let Some((market, figures)) = self.markets.get_key_value(market) {
                    self.watch(material, market, rule, figures, Some(touch), &mut all);
                }
            }),
        }
        all
    }

    fn watch<'a>(
        &'a self,
        material: &str,
        market: &'a Market,
        rule: &CheckedRule,
        figures: &'a MarketFigures,
        touch: Option<&Touch>,
        all: &mut Vec<WatchedSubject<'a>>,
    ) {
        if !rule.watches_market(material, &market.stage, &market.measured) {
            return;
        }
        for (consumer, suppliers) in figures.watched(rule, touch) {
            let place = ConsumerFigures { market, figures, consumer, suppliers };
            let listed = Listings::new(suppliers, &market.measured.measure);
            let behind = self.supplier_shares(rule, place);
            for (supplier, own) in
                suppliers.series.iter().filter(|(supplier, _)| rule.watches_supplier(supplier))
            {
                let subject = Subject {
                    consumer: consumer.to_string(),
                    material: material.to_owned(),
                    stage: market.stage.to_string(),
                    supplier: supplier.to_string(),
                    measure: market.measured.measure.to_string(),
                    by: market.measured.by.into(),
                };
                all.push(self.watched_subject(rule, Arc::new(subject), place, own, &listed, behind.clone()));
            }
        }
    }

    /// A subject as a rule sees it. `None`: it never had a figure.
    #[must_use]
    pub fn subject(&self, rule: &CheckedRule, subject: &Arc<Subject>) -> Option<WatchedSubject<'_>> {
        self.finder().find(rule, subject)
    }

    /// A finder for subjects of a rule.
    #[must_use]
    pub fn finder(&self) -> Finder<'_> {
        Finder { figures: self, last: None }
    }

    fn find(&self, rule: &CheckedRule, subject: &Subject) -> Option<FoundConsumer<'_>> {
        let (measure, frequency) = (subject.measure.as_str().into(), rule.frequency);
        let measured = Measured { measure, by: subject.by(), frequency };
        let market = Market { stage: subject.stage.as_str().into(), measured };
        let (market, figures) = self.markets.get_key_value(&market)?;
        let (consumer, suppliers) = figures.consumers.get_key_value(subject.consumer.as_str())?;
        let place = ConsumerFigures { market, figures, consumer, suppliers };
        let listed = Listings::new(suppliers, &market.measured.measure);
        Some(FoundConsumer { place, listed, behind: self.supplier_shares(rule, place) })
    }

    fn watched_subject<'a>(
        &self,
        rule: &CheckedRule,
        subject: Arc<Subject>,
        place: ConsumerFigures<'_>,
        own: &Series,
        listed: &Listings<'_>,
        suppliers: Option<Rc<SupplierShares<'a>>>,
    ) -> WatchedSubject<'a> {
        let selectors = rule.condition.other_series.iter();
        let series = selectors.map(|selector| self.other_series(selector, rule, &subject));
        let (others, mut lost_others): (Vec<_>, Vec<_>) = series.unzip();
        if lost_others.iter().all(Vec::is_empty) {
            lost_others = Vec::new();
        }
        // Only conditions on the age of data need it, and it is costly.
        let released = if rule.is_timed() { place.figures.released() } else { None };
        let figures = place.figures.series(own, listed);
        let lost = lost(place.suppliers, &subject.supplier, &place.market.measured, &figures);
        let (claims, other_claims) =
            if rule.reads_claims() { self.claims_of(rule, &subject) } else { Default::default() };
        let asks = rule.condition.firmness.is_some();
        let revisions = self.revisions.get(&place.market.stage).filter(|_| asks).cloned();
        WatchedSubject {
            others,
            lost_others,
            claims,
            other_claims,
            released,
            suppliers,
            figures,
            lost,
            subject,
            revisions,
        }
    }

    /// Number of subjects that a rule watches in each market, and number of periods of the market.
    pub(crate) fn counts<'a>(
        &'a self,
        material: &'a str,
        rule: &'a CheckedRule,
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let is_watched = |market: &Market| rule.watches_market(material, &market.stage, &market.measured);
        let markets = self.markets.iter().filter(move |(market, _)| is_watched(market));
        markets.map(move |(_, figures)| {
            let suppliers = |own: &Suppliers| {
                own.series.keys().filter(|supplier| rule.watches_supplier(supplier)).count()
            };
            let subjects = figures.watched(rule, None).map(|(_, own)| suppliers(own)).sum();
            (subjects, figures.periods.len())
        })
    }

    /// Number of subjects that a rule watches.
    #[must_use]
    pub fn count(&self, material: &str, rule: &CheckedRule) -> usize {
        self.counts(material, rule).map(|(subjects, _)| subjects).sum()
    }

    /// The suppliers behind the figures of a consumer: those of the measure itself, or of the shares that the
    /// measure is computed from.
    fn supplier_shares<'a>(
        &'a self,
        rule: &CheckedRule,
        place: ConsumerFigures<'a>,
    ) -> Option<Rc<SupplierShares<'a>>> {
        let Some(shares) = &rule.shares else { return Some(SupplierShares::new(place.suppliers)) };
        let measured =
            Measured { measure: Arc::clone(&shares.measure), by: shares.by, frequency: rule.frequency };
        let market = Market { stage: Arc::clone(&place.market.stage), measured };
        let consumers = &self.markets.get(&market)?.consumers;
        let consumer = shares.consumer.as_ref().unwrap_or(place.consumer);
        consumers.get(consumer).map(|suppliers| SupplierShares::new(suppliers))
    }

    /// The claims about a subject, and about the subject of each other series of the condition.
    fn claims_of(&self, rule: &CheckedRule, subject: &Subject) -> (Vec<JudgedClaim>, Vec<Vec<JudgedClaim>>) {
        let others = rule.condition.other_series.iter();
        let others = others.map(|selector| self.claims.about(&selector.subject(subject)));
        (self.claims.about(subject), others.collect())
    }

    /// A series that a condition reads besides its own, and the figures that went missing from it.
    fn other_series(
        &self,
        selector: &SeriesSelector,
        rule: &CheckedRule,
        subject: &Subject,
    ) -> (Vec<(Period, Arc<Figure>)>, Vec<LostFigure>) {
        let other = selector.subject(subject);
        let measured =
            Measured { measure: Arc::clone(&selector.measure), by: selector.by, frequency: rule.frequency };
        let market = Market { stage: Arc::from(other.stage.as_str()), measured };
        let Some(figures) = self.markets.get(&market) else { return Default::default() };
        let nobody = Arc::default();
        let suppliers = figures.consumers.get(other.consumer.as_str()).unwrap_or(&nobody);
        let listed = Listings::new(suppliers, &selector.measure);
        let nothing = Series::default();
        let own = suppliers.series.get(other.supplier.as_str()).unwrap_or(&nothing);
        let series = figures.series(own, &listed);
        let lost = lost(suppliers, &other.supplier, &market.measured, &series);
        (series, lost)
    }
}

/// Figures that went missing from a series, given the present series.
fn lost(
    suppliers: &Suppliers,
    supplier: &str,
    measured: &Measured,
    series: &[(Period, Arc<Figure>)],
) -> Vec<LostFigure> {
    let now = |period: Period| {
        let place = series.binary_search_by_key(&period, |(other, _)| *other).ok()?;
        series.get(place).map(|(_, figure)| Arc::clone(figure))
    };
    suppliers.lost(supplier, &measured.measure, now)
}
