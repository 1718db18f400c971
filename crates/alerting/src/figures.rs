//! The figures that rules watch, folded from the exposures log.
mod columns;
mod listing;
pub(crate) mod saved;
mod suppliers;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{By, Cause, Estimate};
use orewatch_contracts::exposure::v1::{ExposuresChanged, Subject};

use crate::condition::Look;
use crate::rules::Checked;

use columns::{Row, Words, word};
pub use listing::unavailable;
use listing::{Listings, stand_in};
pub use suppliers::{Behind, Suppliers};

/// What makes figures change, and the releases that they rest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ground {
    /// The cause.
    pub cause: Option<Cause>,
    /// Releases by identifier.
    pub releases: Vec<String>,
}

/// One figure of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// The figure.
    pub estimate: Estimate,
    /// Suppliers that a top-n figure names, largest first, separated by commas.
    pub names: Arc<str>,
    /// What it rests on.
    pub ground: Arc<Ground>,
}

/// The market of a series: material and stage, with measure and weight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Market {
    stage: Arc<str>,
    measure: Arc<str>,
    by: By,
}

/// The figures of a subject, in the order of their periods.
#[derive(Clone, Debug, Default, PartialEq)]
struct Series(Vec<(Period, Arc<Figure>)>);

impl Series {
    fn place(&self, period: Period) -> Result<usize, usize> {
        self.0.binary_search_by_key(&period, |(period, _)| *period)
    }

    fn get(&self, period: Period) -> Option<&Arc<Figure>> {
        self.place(period).ok().and_then(|k| self.0.get(k)).map(|(_, figure)| figure)
    }

    fn set(&mut self, period: Period, figure: Option<Figure>) {
        match (self.place(period), figure) {
            (Ok(k), Some(figure)) => {
                if let Some((_, place)) = self.0.get_mut(k) {
                    *place = Arc::new(figure);
                }
            }
            (Err(k), Some(figure)) => self.0.insert(k, (period, Arc::new(figure))),
            (Ok(k), None) => drop(self.0.remove(k)),
            (Err(_), None) => {}
        }
    }
}

/// All series of one market.
#[derive(Clone, Debug, Default, PartialEq)]
struct MarketFigures {
    /// The series that are kept, by consumer. What a copy does not change it shares.
    consumers: BTreeMap<Arc<str>, Arc<Suppliers>>,
    /// The periods in which anybody has a figure.
    periods: BTreeMap<Period, Arc<Presence>>,
}

/// Who has a figure of a market in a period.
#[derive(Clone, Debug, PartialEq)]
struct Presence {
    /// What the figure that changed last rests on.
    ground: Arc<Ground>,
    /// Numbers of consumer and supplier.
    figures: BTreeSet<(u32, u32)>,
}

/// All series of one material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaterialFigures {
    markets: BTreeMap<Market, Arc<MarketFigures>>,
}

/// Which figures are kept: by measure and weight, those of some consumers or, with none named, of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept(BTreeMap<(Arc<str>, By), BTreeSet<Arc<str>>>);

impl Kept {
    /// What these rules watch.
    #[must_use]
    pub fn by<'a>(rules: impl IntoIterator<Item = &'a Checked>) -> Self {
        let mut kept: BTreeMap<_, BTreeSet<Arc<str>>> = BTreeMap::new();
        let mut all = BTreeSet::new();
        for rule in rules {
            for (measured, consumer) in rule.measures() {
                let consumers = match consumer {
                    Some(consumer) => vec![Arc::clone(consumer)],
                    None => rule.consumers().iter().map(|consumer| Arc::from(consumer.as_str())).collect(),
                };
                if consumers.is_empty() {
                    all.insert(measured.clone());
                }
                kept.entry(measured).or_default().extend(consumers);
            }
        }
        for measured in all {
            kept.insert(measured, BTreeSet::new());
        }
        Self(kept)
    }

    /// Whether all that `other` asks for is kept here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(measured, consumers)| {
            let own = self.0.get(measured);
            own.is_some_and(|own| own.is_empty() || (!consumers.is_empty() && consumers.is_subset(own)))
        })
    }
}

/// The series of one subject, as rules see it: a figure, or what stands for it, in every period of its market.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched<'a> {
    /// What it is about.
    pub subject: Arc<Subject>,
    /// The figures by period.
    pub figures: Vec<(Period, Arc<Figure>)>,
    /// The figures that the rule's condition looks at beside them, by the number of the look.
    pub others: Vec<Vec<(Period, Arc<Figure>)>>,
    /// When the release that last changed a figure of the market was committed, in seconds since 1970. None: not known.
    pub released: Option<i64>,
    /// The suppliers behind the figures. None: they are not known.
    pub suppliers: Option<Rc<Behind<'a>>>,
}

/// The figures that some rule watches, by material. A copy is cheap: it shares what neither changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    kept: Arc<Kept>,
    materials: BTreeMap<String, Arc<MaterialFigures>>,
    /// Numbers that stand for codes.
    numbers: Arc<BTreeMap<Arc<str>, u32>>,
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

    /// Folds a change.
    ///
    /// # Errors
    /// [`Malformed`] if the columns do not fit together or name a period that is none; rows before the fault are folded.
    pub fn apply(&mut self, change: &ExposuresChanged) -> Result<(), Malformed> {
        self.apply_noting(change, &mut Touched::default())
    }

    /// Folds a change, and notes what it touches.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_noting(
        &mut self,
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
        let stage: Arc<str> = market.stage.as_str().into();
        let words = Words::new(columns);
        let Self { kept, materials, numbers } = self;
        // Rows of one measure stand together: what they share is looked up once.
        let mut own: Option<Own<'_>> = None;
        let mut last = None;
        for k in 0..columns.consumer.len() {
            let unfit = || malformed(format!("the columns do not fit at entry {k}"));
            let measured = words.measured(k).ok_or_else(unfit)?;
            if last != Some(measured) {
                last = Some(measured);
                let (measure, by) = measured;
                let key = (word(&words.measures, measure).ok_or_else(unfit)?, by);
                own = kept.0.get(&key).map(|consumers| {
                    let market = Market { stage: Arc::clone(&stage), measure: key.0, by };
                    let figures = Arc::make_mut(materials.entry(material.clone()).or_default());
                    let figures = Arc::make_mut(figures.markets.entry(market.clone()).or_default());
                    Own { consumers, figures, touch: touched.0.entry(market).or_default() }
                });
            }
            // A row of a measure that nobody watches must fit all the same.
            let row = words.row(k).ok_or_else(unfit)?;
            if let Some(own) = &mut own {
                let who = (number(numbers, &row.consumer), number(numbers, &row.supplier));
                own.set(period, row, who, &ground);
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

/// What a change touches of one material: the consumers whose series may read otherwise than before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched(BTreeMap<Market, Touch>);

/// What is touched of a market.
#[derive(Clone, Debug, Default, PartialEq)]
struct Touch {
    /// Consumers with a figure that changed.
    consumers: BTreeSet<Arc<str>>,
    /// The last period that changed: what stands for a figure in it rests on the change.
    newest: Option<Period>,
    /// A period came or went: the series of every consumer are longer or shorter.
    is_all: bool,
}

impl Touched {
    /// The measures that are touched, each with its weight.
    pub fn measures(&self) -> impl Iterator<Item = (&str, By)> {
        self.0.keys().map(|market| (&*market.measure, market.by))
    }
}

/// What rows of one measure in one change are folded into.
struct Own<'a> {
    /// Whose figures are kept.
    consumers: &'a BTreeSet<Arc<str>>,
    figures: &'a mut MarketFigures,
    touch: &'a mut Touch,
}

impl Own<'_> {
    fn set(&mut self, period: Period, row: Row, who: (u32, u32), ground: &Arc<Ground>) {
        let Self { consumers, figures, touch } = self;
        touch.is_all |= figures.note(period, who, row.estimate.is_some(), ground);
        touch.newest = touch.newest.max(Some(period));
        if consumers.is_empty() || consumers.contains(&row.consumer) {
            if !touch.consumers.contains(&row.consumer) {
                touch.consumers.insert(Arc::clone(&row.consumer));
            }
            let names = row.names;
            let figure = row.estimate.map(|estimate| Figure { estimate, names, ground: Arc::clone(ground) });
            let suppliers = Arc::make_mut(figures.consumers.entry(row.consumer).or_default());
            suppliers.0.entry(row.supplier).or_default().set(period, figure);
        }
    }
}

impl MarketFigures {
    /// Notes who has a figure in a period. Returns whether the period came or went.
    fn note(&mut self, period: Period, who: (u32, u32), has_figure: bool, ground: &Arc<Ground>) -> bool {
        let before = self.periods.contains_key(&period);
        let presence = self
            .periods
            .entry(period)
            .or_insert_with(|| Arc::new(Presence { ground: Arc::clone(ground), figures: BTreeSet::new() }));
        let presence = Arc::make_mut(presence);
        if !Arc::ptr_eq(&presence.ground, ground) {
            presence.ground = Arc::clone(ground);
        }
        if has_figure {
            presence.figures.insert(who);
        } else {
            presence.figures.remove(&who);
        }
        let is_empty = presence.figures.is_empty();
        if is_empty {
            self.periods.remove(&period);
        }
        before == is_empty
    }

    /// The consumers whose series may read otherwise than before.
    fn touched<'a: 'b, 'b>(
        &'a self,
        touch: &'b Touch,
    ) -> Box<dyn Iterator<Item = (&'a Arc<str>, &'a Arc<Suppliers>)> + 'b> {
        let newest = self.periods.keys().next_back().copied();
        if touch.is_all {
            return Box::new(self.consumers.iter());
        }
        if touch.newest < newest {
            let changed = touch.consumers.iter();
            return Box::new(changed.filter_map(|consumer| self.consumers.get_key_value(consumer)));
        }
        // What stands for the newest figure of who has none rests on whatever changed in that period.
        let stands_in = move |suppliers: &Suppliers| {
            newest.is_none_or(|newest| suppliers.0.values().all(|series| series.get(newest).is_none()))
        };
        Box::new(
            self.consumers.iter().filter(move |(consumer, suppliers)| {
                touch.consumers.contains(*consumer) || stands_in(suppliers)
            }),
        )
    }

    /// The series of a supplier: a figure, or what stands for it, in every period of the market.
    fn series(&self, own: &Series, listed: &Listings<'_>) -> Vec<(Period, Arc<Figure>)> {
        let figure = |(period, presence): (&Period, &Arc<Presence>)| {
            let known = own.get(*period).cloned();
            let stand_in = || Arc::new(stand_in(listed.get(*period), &presence.ground));
            (*period, known.unwrap_or_else(stand_in))
        };
        self.periods.iter().map(figure).collect()
    }
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
                self.watch(material, market, rule, figures, figures.consumers.iter(), &mut all);
            }),
            Some(touched) => touched.0.iter().for_each(|(market, touch)| {
                if let Some((market, figures)) = self.markets.get_key_value(market) {
                    self.watch(material, market, rule, figures, figures.touched(touch), &mut all);
                }
            }),
        }
        all
    }

    fn watch<'a, 'b>(
        &'a self,
        material: &str,
        market: &Market,
        rule: &Checked,
        figures: &'a MarketFigures,
        consumers: impl Iterator<Item = (&'a Arc<str>, &'a Arc<Suppliers>)> + 'b,
        all: &mut Vec<Watched<'a>>,
    ) {
        if !rule.watches_market(material, &market.stage, &market.measure, market.by) {
            return;
        }
        for (consumer, suppliers) in consumers.filter(|(consumer, _)| rule.watches_consumer(consumer)) {
            let listed = Listings::new(suppliers, &market.measure);
            let behind = self.behind(rule, market, consumer, suppliers);
            for (supplier, own) in suppliers.0.iter().filter(|(supplier, _)| rule.watches_supplier(supplier))
            {
                let subject = Subject {
                    consumer: consumer.to_string(),
                    material: material.to_owned(),
                    stage: market.stage.to_string(),
                    supplier: supplier.to_string(),
                    measure: market.measure.to_string(),
                    by: market.by.into(),
                };
                all.push(self.seen(rule, Arc::new(subject), figures, own, &listed, behind.clone()));
            }
        }
    }

    /// One subject as a rule sees it. None: it never had a figure.
    #[must_use]
    pub fn one(&self, rule: &Checked, subject: &Arc<Subject>) -> Option<Watched<'_>> {
        let market = Market {
            stage: subject.stage.as_str().into(),
            measure: subject.measure.as_str().into(),
            by: subject.by(),
        };
        let figures = self.markets.get(&market)?;
        let (consumer, suppliers) = figures.consumers.get_key_value(subject.consumer.as_str())?;
        let own = suppliers.0.get(subject.supplier.as_str())?;
        let listed = Listings::new(suppliers, &market.measure);
        let behind = self.behind(rule, &market, consumer, suppliers);
        Some(self.seen(rule, Arc::clone(subject), figures, own, &listed, behind))
    }

    fn seen<'a>(
        &self,
        rule: &Checked,
        subject: Arc<Subject>,
        figures: &MarketFigures,
        own: &Series,
        listed: &Listings<'_>,
        suppliers: Option<Rc<Behind<'a>>>,
    ) -> Watched<'a> {
        let others = rule.condition.looks.iter().map(|look| self.looked_at(look, &subject)).collect();
        // Only conditions on the age of data read it, and it is not for nothing.
        let released = if rule.is_timed() { figures.released() } else { None };
        Watched { others, released, suppliers, figures: figures.series(own, listed), subject }
    }

    /// How many subjects a rule watches.
    #[must_use]
    pub fn count(&self, material: &str, rule: &Checked) -> usize {
        let watches =
            |market: &Market| rule.watches_market(material, &market.stage, &market.measure, market.by);
        let markets = self.markets.iter().filter(|(market, _)| watches(market));
        let consumers = markets.flat_map(|(_, figures)| &figures.consumers);
        let watched = consumers.filter(|(consumer, _)| rule.watches_consumer(consumer));
        watched.map(|(_, own)| own.0.keys().filter(|supplier| rule.watches_supplier(supplier)).count()).sum()
    }

    /// The suppliers behind a consumer's figures: those of the measure itself, or of the shares that it is made of.
    fn behind<'a>(
        &'a self,
        rule: &Checked,
        market: &Market,
        consumer: &Arc<str>,
        own: &'a Suppliers,
    ) -> Option<Rc<Behind<'a>>> {
        let Some(shares) = &rule.shares else { return Some(Behind::new(own)) };
        let market =
            Market { stage: Arc::clone(&market.stage), measure: Arc::clone(&shares.measure), by: shares.by };
        let consumers = &self.markets.get(&market)?.consumers;
        consumers.get(shares.consumer.as_ref().unwrap_or(consumer)).map(|suppliers| Behind::new(suppliers))
    }

    /// The series of another measure that a condition looks at.
    fn looked_at(&self, look: &Look, subject: &Subject) -> Vec<(Period, Arc<Figure>)> {
        let or = |code: &Option<Arc<str>>, own: &str| code.clone().unwrap_or_else(|| Arc::from(own));
        let stage = or(&look.stage, &subject.stage);
        let market = Market { stage, measure: Arc::clone(&look.measure), by: look.by };
        let Some(figures) = self.markets.get(&market) else { return Vec::new() };
        let nobody = Arc::default();
        let suppliers = figures.consumers.get(&or(&look.consumer, &subject.consumer)).unwrap_or(&nobody);
        let supplier = if look.has_supplier { or(&look.supplier, &subject.supplier) } else { Arc::default() };
        let listed = Listings::new(suppliers, &look.measure);
        let nothing = Series::default();
        figures.series(suppliers.0.get(&supplier).unwrap_or(&nothing), &listed)
    }
}

impl MarketFigures {
    /// When the release that last changed a figure was committed.
    fn released(&self) -> Option<i64> {
        let time = |presence: &Arc<Presence>| {
            presence.ground.cause.as_ref().and_then(|cause| cause.time).map(|time| time.seconds)
        };
        self.periods.values().filter_map(time).max()
    }
}
