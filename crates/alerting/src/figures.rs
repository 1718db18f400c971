//! The figures that rules watch, folded from the exposures log.
mod columns;
mod extent;
mod kept;
mod listing;
mod market;
pub(crate) mod saved;
mod series;
mod suppliers;
mod watched;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ExposuresChanged, Subject};
use orewatch_eventlog::Position;

use crate::condition::Look;
use crate::cost::Cost;
use crate::rules::Checked;

use columns::{Words, word};
use extent::Extents;
pub use kept::{Kept, Measured, frequency_of};
use listing::Listings;
pub use listing::unavailable;
pub use market::Touched;
use market::{Change, Market, MarketFigures, Own, Touch};
use series::Series;
pub use series::{Lost, is_there};
pub use suppliers::{Behind, Suppliers};
pub use watched::Watched;

/// What makes figures change, and the releases that they rest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ground {
    /// The cause.
    pub cause: Option<Cause>,
    /// Releases by identifier.
    pub releases: Vec<String>,
}

impl Ground {
    /// Whether both are of one and the same cause: what that made and unmade nobody has seen.
    fn is_same(&self, other: &Self) -> bool {
        self.cause.is_some() && self.cause == other.cause
    }
}

/// One figure of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// The figure.
    pub estimate: Estimate,
    /// Suppliers that a top-n figure names, largest first, separated by commas.
    pub names: Arc<str>,
    /// What the datasets say that can give it. None: only one can.
    pub spread: Option<Arc<Spread>>,
    /// What it rests on.
    pub ground: Arc<Ground>,
}

/// What the datasets that can give a figure say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many there are.
    pub sources: u32,
    /// The lowest best estimate. None: no other dataset gives one.
    pub lowest: Option<f64>,
    /// Who gives the lowest.
    pub lowest_dataset: Arc<str>,
    /// The highest best estimate. None: no other dataset gives one.
    pub highest: Option<f64>,
    /// Who gives the highest.
    pub highest_dataset: Arc<str>,
}

/// All series of one material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaterialFigures {
    markets: BTreeMap<Market, Arc<MarketFigures>>,
}

/// The figures that some rule watches, by material. A copy is cheap: it shares what neither changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    kept: Arc<Kept>,
    materials: BTreeMap<String, Arc<MaterialFigures>>,
    /// Numbers that stand for codes.
    numbers: Arc<BTreeMap<Arc<str>, u32>>,
    /// How many figures there are, by material; also of those that are not kept.
    extents: BTreeMap<String, Arc<Extents>>,
}

/// An exposures event that contradicts its contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exposures of {material}: {reason}")]
pub struct Malformed {
    material: String,
    reason: String,
}

impl Figures {
    /// No figures yet.
    #[must_use]
    pub fn new(kept: Kept) -> Self {
        Self { kept: Arc::new(kept), ..Self::default() }
    }

    /// Which figures are kept.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The figures of a material, as they are now and stay for the holder.
    #[must_use]
    pub fn material(&self, material: &str) -> Arc<MaterialFigures> {
        self.materials.get(material).cloned().unwrap_or_default()
    }

    /// The materials with figures.
    pub fn materials(&self) -> impl Iterator<Item = &str> {
        self.materials.keys().map(String::as_str)
    }

    /// The materials with figures, whether they are kept or not.
    pub(crate) fn known_materials(&self) -> impl Iterator<Item = &str> {
        self.extents.keys().map(String::as_str)
    }

    /// What a rule costs in a material, by the figures that are kept or else by how many there are.
    pub(crate) fn cost_in(&self, material: &str, rule: &Checked) -> Cost {
        if self.kept.covers(&Kept::by([rule])) {
            let figures = self.materials.get(material);
            return figures.map_or_else(Cost::default, |figures| Cost::in_material(rule, material, figures));
        }
        self.extents.get(material).map_or_else(Cost::default, |extents| extents.cost(material, rule))
    }

    /// Most periods that a rule's measure has in a material.
    pub(crate) fn periods_of(&self, material: &str, rule: &Checked) -> usize {
        self.extents.get(material).map_or(0, |extents| extents.periods(material, rule))
    }

    /// Folds a change that holds from a position of the exposures log on.
    ///
    /// # Errors
    /// [`Malformed`] if the columns do not fit together or name a period that is none; rows before the fault are folded.
    pub fn apply(&mut self, at: Position, change: &ExposuresChanged) -> Result<(), Malformed> {
        self.apply_noting(at, change, &mut Touched::default())
    }

    /// Folds a change, and notes what it touches.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_noting(
        &mut self,
        at: Position,
        change: &ExposuresChanged,
        touched: &mut Touched,
    ) -> Result<(), Malformed> {
        let market = change.market.as_ref();
        let material = market.map(|market| market.material.clone()).unwrap_or_default();
        let malformed = |reason: String| Malformed { material: material.clone(), reason };
        let market = market.ok_or_else(|| malformed("the market is missing".to_owned()))?;
        let period: Period =
            market.period.parse().map_err(|_| malformed(format!("{:?} is no period", market.period)))?;
        let Some(columns) = &change.columns else { return Ok(()) };

        let ground = Arc::new(Ground { cause: change.cause.clone(), releases: change.releases.clone() });
        let change = Change { period, at, ground: &ground };
        let (stage, frequency) = (Arc::<str>::from(market.stage.as_str()), frequency_of(period));
        let words = Words::new(columns);
        let Self { kept, materials, numbers, extents } = self;
        let extents = Arc::make_mut(extents.entry(material.clone()).or_default());
        // Rows of one measure stand together: what they share is looked up once.
        let mut own: Option<Own<'_>> = None;
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
                    Own { consumers, figures, touch: touched.0.entry(market).or_default() }
                });
            }
            // A row of a measure that nobody watches must fit all the same.
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

/// A consumer of a market with its figures.
#[derive(Clone, Copy)]
struct Place<'a> {
    market: &'a Market,
    figures: &'a MarketFigures,
    consumer: &'a Arc<str>,
    suppliers: &'a Suppliers,
}

impl MaterialFigures {
    /// The series of all subjects that a rule watches, in order. A subject counts as soon as it ever had a figure.
    #[must_use]
    pub fn watched(&self, material: &str, rule: &Checked) -> Vec<Watched<'_>> {
        self.watched_of(material, rule, None)
    }

    /// The same, only of what may read otherwise than before a change. Of a rule that looks at more than the subject's own
    /// figures that is everything.
    #[must_use]
    pub fn watched_of(&self, material: &str, rule: &Checked, touched: Option<&Touched>) -> Vec<Watched<'_>> {
        let mut all = Vec::new();
        match touched.filter(|_| rule.looks_at_own()) {
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
        rule: &Checked,
        figures: &'a MarketFigures,
        touch: Option<&Touch>,
        all: &mut Vec<Watched<'a>>,
    ) {
        if !rule.watches_market(material, &market.stage, &market.measured) {
            return;
        }
        for (consumer, suppliers) in figures.watched(rule, touch) {
            let place = Place { market, figures, consumer, suppliers };
            let listed = Listings::new(suppliers, &market.measured.measure);
            let behind = self.behind(rule, place);
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
                all.push(self.seen(rule, Arc::new(subject), place, own, &listed, behind.clone()));
            }
        }
    }

    /// One subject as a rule sees it. None: it never had a figure.
    #[must_use]
    pub fn one(&self, rule: &Checked, subject: &Arc<Subject>) -> Option<Watched<'_>> {
        let (measure, frequency) = (subject.measure.as_str().into(), rule.frequency);
        let measured = Measured { measure, by: subject.by(), frequency };
        let market = Market { stage: subject.stage.as_str().into(), measured };
        let (market, figures) = self.markets.get_key_value(&market)?;
        let (consumer, suppliers) = figures.consumers.get_key_value(subject.consumer.as_str())?;
        let own = suppliers.series.get(subject.supplier.as_str())?;
        let listed = Listings::new(suppliers, &market.measured.measure);
        let place = Place { market, figures, consumer, suppliers };
        Some(self.seen(rule, Arc::clone(subject), place, own, &listed, self.behind(rule, place)))
    }

    fn seen<'a>(
        &self,
        rule: &Checked,
        subject: Arc<Subject>,
        place: Place<'_>,
        own: &Series,
        listed: &Listings<'_>,
        suppliers: Option<Rc<Behind<'a>>>,
    ) -> Watched<'a> {
        let looks = &rule.condition.looks;
        let looked = looks.iter().map(|look| self.looked_at(look, rule, &subject));
        let (others, mut lost_others): (Vec<_>, Vec<_>) = looked.unzip();
        if lost_others.iter().all(Vec::is_empty) {
            lost_others = Vec::new();
        }
        // Only conditions on the age of data read it, and it is not for nothing.
        let released = if rule.is_timed() { place.figures.released() } else { None };
        let figures = place.figures.series(own, listed);
        let lost = lost(place.suppliers, &subject.supplier, &place.market.measured, &figures);
        Watched { others, lost_others, released, suppliers, figures, lost, subject }
    }

    /// How many subjects a rule watches in each market, and how many periods the market has.
    pub(crate) fn counts<'a>(
        &'a self,
        material: &'a str,
        rule: &'a Checked,
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

    /// How many subjects a rule watches.
    #[must_use]
    pub fn count(&self, material: &str, rule: &Checked) -> usize {
        self.counts(material, rule).map(|(subjects, _)| subjects).sum()
    }

    /// The suppliers behind a consumer's figures: those of the measure itself, or of the shares that it is made of.
    fn behind<'a>(&'a self, rule: &Checked, place: Place<'a>) -> Option<Rc<Behind<'a>>> {
        let Some(shares) = &rule.shares else { return Some(Behind::new(place.suppliers)) };
        let measured =
            Measured { measure: Arc::clone(&shares.measure), by: shares.by, frequency: rule.frequency };
        let market = Market { stage: Arc::clone(&place.market.stage), measured };
        let consumers = &self.markets.get(&market)?.consumers;
        let consumer = shares.consumer.as_ref().unwrap_or(place.consumer);
        consumers.get(consumer).map(|suppliers| Behind::new(suppliers))
    }

    /// The series of another measure that a condition looks at, and what of it went missing.
    fn looked_at(
        &self,
        look: &Look,
        rule: &Checked,
        subject: &Subject,
    ) -> (Vec<(Period, Arc<Figure>)>, Vec<Lost>) {
        let or = |code: &Option<Arc<str>>, own: &str| code.clone().unwrap_or_else(|| Arc::from(own));
        let stage = or(&look.stage, &subject.stage);
        let measured =
            Measured { measure: Arc::clone(&look.measure), by: look.by, frequency: rule.frequency };
        let market = Market { stage, measured };
        let Some(figures) = self.markets.get(&market) else { return Default::default() };
        let nobody = Arc::default();
        let suppliers = figures.consumers.get(&or(&look.consumer, &subject.consumer)).unwrap_or(&nobody);
        let supplier = if look.has_supplier { or(&look.supplier, &subject.supplier) } else { Arc::default() };
        let listed = Listings::new(suppliers, &look.measure);
        let nothing = Series::default();
        let series = figures.series(suppliers.series.get(&supplier).unwrap_or(&nothing), &listed);
        let lost = lost(suppliers, &supplier, &market.measured, &series);
        (series, lost)
    }
}

/// What of a series went missing, given what there is of it.
fn lost(
    suppliers: &Suppliers,
    supplier: &str,
    measured: &Measured,
    series: &[(Period, Arc<Figure>)],
) -> Vec<Lost> {
    let now = |period: Period| {
        let place = series.binary_search_by_key(&period, |(other, _)| *other).ok()?;
        series.get(place).map(|(_, figure)| Arc::clone(figure))
    };
    suppliers.lost(supplier, &measured.measure, now)
}
