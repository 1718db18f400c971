//! The figures of a market: every measure for everyone it exists for, or one that is asked for.
//!
//! Measures come in families, one file each. A family says which measures it gives, what it looks at, and how each figure
//! is computed and explained out of a [`Scope`]. To plug one in, add it to `FAMILIES`: publishing, queries, explanations
//! and what has to be computed anew after a release all follow from that list.

mod assessment;
mod chain;
mod collector;
mod criticality;
mod crma;
mod dependency;
mod explanation;
mod geopolrisk;
mod lookthrough;
mod qualified;
mod reach;
mod recorded;
mod reliance;
mod restriction;
mod sourcing;
mod spread;
mod usgs;

pub use collector::{Collector, Everything, Wanted};
pub use explanation::{Contribution, Explanation, unit_of};
pub use reach::Reach;
pub use spread::Spread;
pub(crate) use spread::{Alternatives, says};

use std::collections::BTreeMap;
use std::fmt;

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{Estimate, Measure, Status, Weight};

use crate::book::{Content, EconomyId};
use crate::scope::Scope;

/// Every family that is plugged in.
static FAMILIES: &[&dyn Family] = &[
    &sourcing::Imports,
    &sourcing::World,
    &reliance::NetImports,
    &reliance::WithoutLargest,
    &crma::OfTheAct,
    &dependency::OneYear,
    &dependency::ThreeYears,
    &criticality::Concentration,
    &criticality::AtStage,
    &criticality::OfMaterial,
    &criticality::Importance,
    &geopolrisk::Geopolitical,
    &geopolrisk::Price,
    &restriction::UnderRestriction,
    &usgs::Potential,
    &usgs::Exposure,
    &usgs::Vulnerability,
    &usgs::Overall,
    &lookthrough::TrueOrigins,
    &chain::Hands,
];

const NOT_COMPUTED: &str = "this version names the measure and does not compute it yet";
const NO_MEMBERS: &str = "the bloc has no members in this period: it is not founded yet, or has ended";
const NO_DATA: &str = "no release has figures of this material, stage and period";

/// Measures that are computed together, from the same inputs.
pub trait Family: Sync {
    /// The measures that it gives. Each measure belongs to one family.
    fn measures(&self) -> &'static [Measure];

    /// What its figures look at: a release that touches none of it leaves them as they are.
    fn reach(&self) -> Reach;

    /// Every wanted figure that exists for the market. A figure that exists is published: it must be one that [`Self::one`]
    /// gives to the bit.
    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>);

    /// The figure that is asked for, whether it is published or not: what has no figure says why.
    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer;

    /// Why that figure is what it is, with at most so many routes.
    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, routes: usize) -> Explanation<'a>;
}

impl fmt::Debug for dyn Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.measures().iter().map(|measure| measure.id())).finish()
    }
}

/// A figure that is asked for, within its market.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Whose dependence.
    pub consumer: Consumer,
    /// Which figure.
    pub key: Key,
}

/// The suppliers that a top-n figure names, largest first.
pub type Names = [Option<EconomyId>; 3];

/// An answer to a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The figure.
    pub estimate: Estimate,
    /// The suppliers it names.
    pub names: Names,
}

impl Answer {
    /// No figure, and why.
    #[must_use]
    pub const fn missing(status: Status, reason: &'static str) -> Self {
        Self { estimate: Estimate::missing(status, reason), names: [None; 3] }
    }
}

impl From<Estimate> for Answer {
    fn from(estimate: Estimate) -> Self {
        Self { estimate, names: [None; 3] }
    }
}

/// What a figure is about, within its market. The order of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The measure.
    pub measure: Measure,
    /// What suppliers are weighed by.
    pub by: Weight,
    /// Code of the consumer.
    pub consumer: &'static str,
    /// The supplier, for measures that have one.
    pub supplier: Option<EconomyId>,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// What it is about.
    pub key: Key,
    /// The figure.
    pub estimate: Estimate,
    /// The suppliers it names.
    pub names: Names,
    /// What other datasets say of it. None: no other can give it.
    pub spread: Option<Spread>,
}

/// A figure that differs, with what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What it is about.
    pub key: Key,
    /// The figure. None: it has ceased to exist.
    pub new: Option<Figure>,
    /// What it was. None: it did not exist.
    pub old: Option<Estimate>,
}

impl Figure {
    /// Whether nothing that a reader sees of the figure differs, to the bit.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let bits = |estimate: &Estimate| {
            [estimate.value, estimate.low, estimate.high, estimate.coverage]
                .map(|number| number.map(f64::to_bits))
        };
        let (a, b) = (&self.estimate, &other.estimate);
        (self.key, self.names, a.status, a.reason) == (other.key, other.names, b.status, b.reason)
            && bits(a) == bits(b)
            && self.spread.map(|spread| spread.bits()) == other.spread.map(|spread| spread.bits())
    }
}

/// Figures of a market, and the releases that they rest on.
#[derive(Clone, Debug, Default)]
pub struct Figures<'a> {
    /// The figures, sorted by key.
    pub all: Vec<Figure>,
    /// Releases that were consulted for the figures of a measure, in the order of commits.
    pub releases: BTreeMap<Measure, Vec<&'a Content>>,
}

/// Every family that is plugged in.
#[must_use]
pub fn families() -> &'static [&'static dyn Family] {
    FAMILIES
}

/// The family that gives a measure. None: none that is plugged in does.
#[must_use]
pub fn family(measure: Measure) -> Option<&'static dyn Family> {
    FAMILIES.iter().copied().find(|family| family.measures().contains(&measure))
}

/// Every wanted figure of a market that exists, with what other datasets say of it.
#[must_use]
pub fn figures<'a>(scope: &Scope<'a>, wanted: &dyn Wanted) -> Figures<'a> {
    figures_of(FAMILIES, scope, wanted)
}

/// Every wanted figure that some families give of a market, with what other datasets say of it.
#[must_use]
pub fn figures_of<'a>(
    families: &[&'static dyn Family],
    scope: &Scope<'a>,
    wanted: &dyn Wanted,
) -> Figures<'a> {
    let mut figures = answered(families, scope, wanted);
    let of = |measure| families.iter().find(|family| family.measures().contains(&measure));
    let reach = |measure| of(measure).map(|family| family.reach());
    spread::add(&mut figures.all, scope, reach, |alone| answered(families, alone, wanted).all);
    figures
}

/// Every wanted figure that some families give of a market, as the datasets that answer have it.
fn answered<'a>(families: &[&'static dyn Family], scope: &Scope<'a>, wanted: &dyn Wanted) -> Figures<'a> {
    let mut figures = Figures::default();
    if !scope.has_figures() {
        return figures;
    }
    for family in families {
        let measures = family.measures().iter().filter(|measure| wanted.measure(**measure));
        let mut measures = measures.peekable();
        if measures.peek().is_none() {
            continue;
        }
        let scope = scope.afresh();
        let mut collector = Collector::new(wanted, scope.market().period);
        family.collect(&scope, &mut collector);
        let mut found = collector.into_figures();
        if family.reach().flows {
            qualified::qualify(&scope, &mut found);
        }
        figures.all.extend(found);
        figures.releases.extend(measures.map(|measure| (*measure, scope.consulted(measure.method().table))));
    }
    figures.all.sort_unstable_by_key(|figure| figure.key);
    figures
}

/// One figure, whether it is published or not, with what other datasets say of it: what has no figure says why.
#[must_use]
pub fn figure(scope: &Scope<'_>, asked: Question) -> Figure {
    let mut figures = vec![figure_alone(scope, asked)];
    let reach = |measure| family(measure).map(|family| family.reach());
    spread::add(&mut figures, scope, reach, |alone| vec![figure_alone(alone, asked)]);
    figures.pop().unwrap_or_else(|| figure_alone(scope, asked))
}

/// One figure as the datasets that answer have it.
pub(crate) fn figure_alone(scope: &Scope<'_>, asked: Question) -> Figure {
    let Answer { estimate, names } = answer(scope, asked);
    let mut figures = [Figure { key: asked.key, estimate, names, spread: None }];
    if family(asked.key.measure).is_some_and(|family| family.reach().flows) && scope.has_figures() {
        qualified::qualify(scope, &mut figures);
    }
    let [figure] = figures;
    figure
}

fn answer(scope: &Scope<'_>, asked: Question) -> Answer {
    if !scope.has_figures() {
        return Answer::missing(Status::Unavailable, NO_DATA);
    }
    if has_no_members(asked.consumer, scope.market().period) {
        return Answer::missing(Status::NotApplicable, NO_MEMBERS);
    }
    match family(asked.key.measure) {
        Some(family) => family.one(scope, asked),
        None => Answer::missing(Status::Unavailable, NOT_COMPUTED),
    }
}

/// Whether a consumer is a bloc that nobody belongs to in a period, such as before its founding.
fn has_no_members(consumer: Consumer, period: Period) -> bool {
    matches!(consumer, Consumer::Bloc(bloc) if bloc.members(period).is_empty())
}

/// Why one figure is what it is, with at most so many routes. Empty where no family gives the measure.
#[must_use]
pub fn explanation<'a>(scope: &Scope<'a>, asked: Question, routes: usize) -> Explanation<'a> {
    family(asked.key.measure).map(|family| family.explain(scope, asked, routes)).unwrap_or_default()
}
