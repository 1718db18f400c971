//! The figures that rules watch, folded from the exposures log.
pub(crate) mod saved;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Contributor;
use orewatch_contracts::common::v1::{By, Cause, Estimate, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, Subject};
use orewatch_measures::{Measure, Table};

use crate::condition::Look;
use crate::rules::Checked;

/// Most suppliers that are told of.
const MOST_SUPPLIERS: usize = 5;

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

/// A consumer's series of a measure by supplier; the supplier is empty for measures without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suppliers(BTreeMap<Arc<str>, Series>);

impl Suppliers {
    /// The suppliers with the largest shares of a period, largest first, at most `most`. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period, most: usize) -> Vec<Contributor> {
        let share = |(_, series): (&Arc<str>, &Series)| {
            let share = series.get(period).and_then(|figure| figure.estimate.value)?;
            (share > 0.0).then_some(share)
        };
        let mut all: Vec<(&Arc<str>, f64)> =
            self.0.iter().filter_map(|one| share(one).map(|share| (one.0, share))).collect();
        // Equal shares stay in the order of their suppliers.
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        let largest = all.into_iter().take(most);
        largest.map(|(supplier, share)| Contributor { supplier: supplier.to_string(), share }).collect()
    }
}

/// The suppliers behind the figures of a consumer, for all subjects that share them.
#[derive(Debug)]
pub struct Behind<'a> {
    suppliers: &'a Suppliers,
    /// What was asked for last: subjects are looked at period by period.
    largest: RefCell<Option<(Period, Vec<Contributor>)>>,
}

impl<'a> Behind<'a> {
    fn new(suppliers: &'a Suppliers) -> Rc<Self> {
        Rc::new(Self { suppliers, largest: RefCell::default() })
    }

    /// The suppliers with the largest shares of a period, largest first. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period) -> Vec<Contributor> {
        if let Ok(last) = self.largest.try_borrow()
            && let Some((_, largest)) = last.as_ref().filter(|(of, _)| *of == period)
        {
            return largest.clone();
        }
        let largest = self.suppliers.largest(period, MOST_SUPPLIERS);
        if let Ok(mut last) = self.largest.try_borrow_mut() {
            *last = Some((period, largest.clone()));
        }
        largest
    }
}

impl PartialEq for Behind<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.suppliers == other.suppliers
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

/// What a consumer's figures tell about suppliers that are not among them: put together when somebody asks, once.
struct Listings<'a> {
    suppliers: &'a Suppliers,
    measure: &'a str,
    listed: OnceCell<BTreeMap<Period, Listed>>,
}

impl<'a> Listings<'a> {
    fn new(suppliers: &'a Suppliers, measure: &'a str) -> Self {
        Self { suppliers, measure, listed: OnceCell::new() }
    }

    fn get(&self, period: Period) -> Option<&Listed> {
        self.listed.get_or_init(|| listed(self.suppliers.0.values(), Listing::of(self.measure))).get(&period)
    }
}

/// What a consumer's figures of all suppliers tell about one that is not among them.
struct Listed {
    /// The ground that was laid last.
    ground: Arc<Ground>,
    /// Some supplier has a figure.
    has_value: bool,
    /// Nothing that is not listed can be hidden in what is not known.
    is_known: bool,
}

/// What stands for a figure that is not there. If the consumer has figures of the measure in the period, its suppliers are
/// listed, and one that is not listed brings nothing: a known zero. Where some of the listed figures are not known that is only
/// the best estimate, unless the measure lists flows, and so it is where small figures are not published; where none of them is
/// there it is unavailable.
fn stand_in(listed: Option<&Listed>, market: &Arc<Ground>) -> Figure {
    let (estimate, ground) = match listed {
        Some(listed) if !listed.has_value => {
            (unavailable("the measure has no figure of any supplier in this period"), &listed.ground)
        }
        Some(listed) if listed.is_known => (zero(), &listed.ground),
        Some(listed) => (zero_if_nothing_hides(), &listed.ground),
        None => (unavailable("the market has figures in this period, the consumer has none"), market),
    };
    Figure { estimate, names: Arc::default(), ground: Arc::clone(ground) }
}

fn zero() -> Estimate {
    let (zero, one) = (Some(0.0), Some(1.0));
    let status = Status::Known.into();
    Estimate { value: zero, low: zero, high: zero, coverage: one, status, reason: String::new() }
}

/// Nothing is listed, and what is not known may hide some.
fn zero_if_nothing_hides() -> Estimate {
    let reason = "not among the suppliers that are listed: little or nothing, or hidden in what is not known"
        .to_owned();
    let status = Status::Partial.into();
    Estimate { value: Some(0.0), low: Some(0.0), high: None, coverage: None, status, reason }
}

/// An estimate of nothing, with the reason.
#[must_use]
pub fn unavailable(reason: &str) -> Estimate {
    Estimate { status: Status::Unavailable.into(), reason: reason.to_owned(), ..Estimate::default() }
}

/// The periods in which a consumer has a figure of any supplier, each with what they tell about the others.
fn listed<'a>(series: impl Iterator<Item = &'a Series>, listing: Listing) -> BTreeMap<Period, Listed> {
    let laid = |ground: &Ground| ground.cause.as_ref().map_or(0, |cause| cause.position);
    let mut all: BTreeMap<Period, Listed> = BTreeMap::new();
    for (period, figure) in series.flat_map(|series| &series.0) {
        let one = all.entry(*period).or_insert_with(|| Listed {
            ground: Arc::clone(&figure.ground),
            has_value: false,
            is_known: listing != Listing::Notable,
        });
        one.has_value |= figure.estimate.value.is_some();
        one.is_known &= listing == Listing::Flows || figure.estimate.status() == Status::Known;
        if laid(&figure.ground) > laid(&one.ground) {
            one.ground = Arc::clone(&figure.ground);
        }
    }
    all
}

/// Whom the figures of a measure with suppliers list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// Whoever has a flow: statistics list every one, though not always its size.
    Flows,
    /// Whoever has output, but for those in a residual.
    Output,
    /// Whoever has a share of note: those of small ones are not published.
    Notable,
}

impl Listing {
    fn of(measure: &str) -> Self {
        let name = measure.split('/').next().unwrap_or_default();
        match name.parse::<Measure>().map(|measure| measure.method().table) {
            Ok(Table::Trade) => Self::Flows,
            Ok(Table::Production) => Self::Output,
            Ok(Table::Both) | Err(_) => Self::Notable,
        }
    }
}

/// One entry of the columns.
struct Row {
    consumer: Arc<str>,
    supplier: Arc<str>,
    names: Arc<str>,
    /// None: the figure has ceased to exist.
    estimate: Option<Estimate>,
}

/// Columns with their dictionaries.
struct Words<'a> {
    columns: &'a ExposureColumns,
    consumers: Vec<Arc<str>>,
    suppliers: Vec<Arc<str>>,
    measures: Vec<Arc<str>>,
    names: Vec<Arc<str>>,
}

impl<'a> Words<'a> {
    fn new(columns: &'a ExposureColumns) -> Self {
        let shared = |words: &[String]| words.iter().map(|word| Arc::from(word.as_str())).collect();
        Self {
            columns,
            consumers: shared(&columns.consumers),
            suppliers: shared(&columns.suppliers),
            measures: shared(&columns.measures),
            names: shared(&columns.names),
        }
    }

    /// Index of the measure of entry `k`, and its weight. None: a column is too short, or the weight is none.
    fn measured(&self, k: usize) -> Option<(u32, By)> {
        let by = By::try_from(cell(&self.columns.by, k, By::Quantity.into())?).ok()?;
        let by = if by == By::Unspecified { By::Quantity } else { by };
        Some((*self.columns.measure.get(k)?, by))
    }

    /// Entry `k`. None: a column is too short, or an index leads out of its dictionary.
    fn row(&self, k: usize) -> Option<Row> {
        let columns = self.columns;
        Some(Row {
            consumer: word(&self.consumers, *columns.consumer.get(k)?)?,
            supplier: word_or_empty(&self.suppliers, cell(&columns.supplier, k, 0)?)?,
            names: word_or_empty(&self.names, cell(&columns.name, k, 0)?)?,
            estimate: if cell(&columns.gone, k, false)? { None } else { Some(self.estimate(k)?) },
        })
    }

    fn estimate(&self, k: usize) -> Option<Estimate> {
        let columns = self.columns;
        let value = *columns.value.get(k)?;
        let known = |value: f64| (!value.is_nan()).then_some(value);
        let reason = usize::try_from(cell(&columns.reason, k, 0)?).ok()?;
        Some(Estimate {
            value: known(value),
            low: known(cell(&columns.low, k, value)?),
            high: known(cell(&columns.high, k, value)?),
            coverage: known(cell(&columns.coverage, k, 1.0)?),
            status: cell(&columns.status, k, Status::Known.into())?,
            reason: if reason == 0 { String::new() } else { columns.reasons.get(reason)?.clone() },
        })
    }
}

/// A cell of a column that may be empty for `default` throughout.
fn cell<T: Copy>(column: &[T], k: usize, default: T) -> Option<T> {
    if column.is_empty() { Some(default) } else { column.get(k).copied() }
}

fn word(words: &[Arc<str>], index: u32) -> Option<Arc<str>> {
    words.get(usize::try_from(index).ok()?).cloned()
}

/// Entry 0 is empty even where the dictionary was left out.
fn word_or_empty(words: &[Arc<str>], index: u32) -> Option<Arc<str>> {
    if index == 0 { Some(Arc::default()) } else { word(words, index) }
}
