//! The figures of a market: all that exist, or a requested one.
//!
//! Measures come in families, one file each. A family defines its measures, what they depend on, and how each
//! figure is computed and explained from a [`Scope`]. To add one, list it in `FAMILIES`: publishing, queries,
//! explanations and what is recomputed after a release all follow from that list.

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
mod size;
mod sourcing;
mod spread;
mod usgs;

pub use collector::{AllFigures, Collector, FigureFilter};
pub use explanation::{Contribution, Explanation, unit_of};
pub use reach::Reach;
pub(crate) use size::is_about_trade;
pub use spread::Spread;
pub(crate) use spread::{Alternatives, has_information_on};

use std::collections::BTreeMap;
use std::fmt;

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{Estimate, Measure, Status, Weight};

use crate::accounts::Size;
use crate::book::{EconomyId, ReleaseContent};
use crate::scope::Scope;

/// Every family.
static FAMILIES: &[&dyn Family] = &[
    &sourcing::ImportSources,
    &sourcing::WorldOutput,
    &reliance::NetImports,
    &reliance::CoverWithoutLargest,
    &crma::ActBenchmarks,
    &dependency::YearlyTests,
    &dependency::DependencyYears,
    &criticality::Concentration,
    &criticality::StageSupplyRisk,
    &criticality::MaterialSupplyRisk,
    &criticality::SectorImportance,
    &geopolrisk::Geopolitical,
    &geopolrisk::ImportPrice,
    &restriction::UnderRestriction,
    &usgs::DisruptionPotential,
    &usgs::TradeExposure,
    &usgs::EconomicVulnerability,
    &usgs::OverallRisk,
    &lookthrough::TrueOrigins,
    &chain::ChainShares,
];

const NOT_COMPUTED: &str = "this version names the measure and does not compute it yet";
const NO_MEMBERS: &str = "the bloc has no members in this period: it is not founded yet, or has ended";
/// Reason of figures of a market without any rows.
pub(crate) const NO_DATA: &str = "no release has figures of this material, stage and period";
const NOT_PROJECTED: &str = "a scenario has projected supply and demand only, and this measure needs more";

/// Measures that are computed together, from the same inputs.
pub trait Family: Sync {
    /// Its measures. Each measure belongs to one family.
    fn measures(&self) -> &'static [Measure];

    /// What its figures depend on. A release that touches none of it leaves them unchanged.
    fn reach(&self) -> Reach;

    /// Whether its figures also exist under a scenario, where nothing but supply and demand is known.
    fn is_projectable(&self) -> bool {
        false
    }

    /// Collects every wanted figure that exists for the market. These are published, and must be the same, to
    /// the bit, as those of [`Self::figure`].
    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>);

    /// One figure, published or not. Where there is none, the reason.
    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate;

    /// Explains one figure, with at most `routes` routes.
    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, routes: usize) -> Explanation<'a>;
}

impl fmt::Debug for dyn Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.measures().iter().map(|measure| measure.id())).finish()
    }
}

/// A request for one figure of a market.
#[derive(Clone, Copy, Debug)]
pub struct FigureRequest {
    /// The consumer, as in the key.
    pub consumer: Consumer,
    /// The figure.
    pub key: FigureKey,
}

/// The suppliers that a figure names, such as those of a top-3 share, largest first.
pub type SupplierNames = [Option<EconomyId>; 3];

/// A figure with the suppliers that it names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedEstimate {
    /// The figure.
    pub estimate: Estimate,
    /// The suppliers it names.
    pub names: SupplierNames,
}

impl NamedEstimate {
    /// No figure, for a reason.
    #[must_use]
    pub const fn missing(status: Status, reason: &'static str) -> Self {
        Self { estimate: Estimate::missing(status, reason), names: [None; 3] }
    }
}

impl From<Estimate> for NamedEstimate {
    fn from(estimate: Estimate) -> Self {
        Self { estimate, names: [None; 3] }
    }
}

/// What a figure is about, within its market. Figures are sorted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FigureKey {
    /// The measure.
    pub measure: Measure,
    /// The weight by which suppliers are compared.
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
    pub key: FigureKey,
    /// The figure.
    pub estimate: Estimate,
    /// The suppliers it names.
    pub names: SupplierNames,
    /// The range of values by different datasets. `None`: no other dataset can give it.
    pub spread: Option<Spread>,
    /// Size of the market that it is a part of.
    pub size: Size,
}

/// A changed figure, with its old value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What it is about.
    pub key: FigureKey,
    /// The figure. `None`: it has ceased to exist.
    pub new: Option<Figure>,
    /// The old figure. `None`: it did not exist.
    pub old: Option<Estimate>,
}

impl Figure {
    /// Whether both figures look the same to a reader, to the bit.
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
            && self.size.bits() == other.size.bits()
    }
}

/// Figures of a market, and the releases that they rest on.
#[derive(Clone, Debug, Default)]
pub struct Figures<'a> {
    /// The figures, sorted by key.
    pub all: Vec<Figure>,
    /// Releases that were consulted for the figures of a measure, in the order of commits.
    pub releases: BTreeMap<Measure, Vec<&'a ReleaseContent>>,
}

/// All families.
#[must_use]
pub fn families() -> &'static [&'static dyn Family] {
    FAMILIES
}

/// The family of a measure. `None`: no family has it.
#[must_use]
pub fn family(measure: Measure) -> Option<&'static dyn Family> {
    FAMILIES.iter().copied().find(|family| family.measures().contains(&measure))
}

/// Every wanted figure of a market that exists, with its range of values by different datasets and the size
/// of its market.
#[must_use]
pub fn figures<'a>(scope: &Scope<'a>, wanted: &dyn FigureFilter) -> Figures<'a> {
    figures_of(FAMILIES, scope, wanted)
}

/// [`figures`] for some families only.
#[must_use]
pub fn figures_of<'a>(
    families: &[&'static dyn Family],
    scope: &Scope<'a>,
    wanted: &dyn FigureFilter,
) -> Figures<'a> {
    let mut figures = answered(families, scope, wanted);
    let family_of = |measure| families.iter().find(|family| family.measures().contains(&measure));
    let reach = |measure| family_of(measure).map(|family| family.reach());
    spread::add(&mut figures.all, scope, reach, |alone| answered(families, alone, wanted).all);
    size::add(&mut figures.all, scope);
    figures
}

/// Every wanted figure of some families, by the datasets that answer.
fn answered<'a>(
    families: &[&'static dyn Family],
    scope: &Scope<'a>,
    wanted: &dyn FigureFilter,
) -> Figures<'a> {
    let mut figures = Figures::default();
    if !scope.has_figures() {
        return figures;
    }
    let is_projected = scope.book().scenario().is_some();
    for family in families.iter().filter(|family| !is_projected || family.is_projectable()) {
        let measures = family.measures().iter().filter(|measure| wanted.measure(**measure));
        let mut measures = measures.peekable();
        if measures.peek().is_none() {
            continue;
        }
        let scope = scope.without_consultations();
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

/// One figure, published or not, with its range of values by different datasets and the size of its market.
/// Where there is none, the reason.
#[must_use]
pub fn figure(scope: &Scope<'_>, request: FigureRequest) -> Figure {
    let mut figures = vec![figure_alone(scope, request)];
    let reach = |measure| family(measure).map(|family| family.reach());
    spread::add(&mut figures, scope, reach, |alone| vec![figure_alone(alone, request)]);
    size::add(&mut figures, scope);
    figures.pop().unwrap_or_else(|| figure_alone(scope, request))
}

/// One figure by the datasets that answer.
pub(crate) fn figure_alone(scope: &Scope<'_>, request: FigureRequest) -> Figure {
    let NamedEstimate { estimate, names } = answer(scope, request);
    let mut figures = [Figure { key: request.key, estimate, names, spread: None, size: Size::default() }];
    if family(request.key.measure).is_some_and(|family| family.reach().flows) && scope.has_figures() {
        qualified::qualify(scope, &mut figures);
    }
    let [figure] = figures;
    figure
}

fn answer(scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
    if !scope.has_figures() {
        return NamedEstimate::missing(Status::Unavailable, NO_DATA);
    }
    if has_no_members(request.consumer, scope.market().period) {
        return NamedEstimate::missing(Status::NotApplicable, NO_MEMBERS);
    }
    match family(request.key.measure) {
        Some(family) if scope.book().scenario().is_some() && !family.is_projectable() => {
            NamedEstimate::missing(Status::NotApplicable, NOT_PROJECTED)
        }
        Some(family) => family.figure(scope, request),
        None => NamedEstimate::missing(Status::Unavailable, NOT_COMPUTED),
    }
}

/// Whether a consumer is a bloc without members in a period, such as before its founding.
fn has_no_members(consumer: Consumer, period: Period) -> bool {
    matches!(consumer, Consumer::Bloc(bloc) if bloc.members(period).is_empty())
}

/// Explains one figure, with at most `routes` routes. Empty where no family has the measure.
#[must_use]
pub fn explanation<'a>(scope: &Scope<'a>, request: FigureRequest, routes: usize) -> Explanation<'a> {
    let family = family(request.key.measure);
    let answers = |family: &&dyn Family| scope.book().scenario().is_none() || family.is_projectable();
    family.filter(answers).map(|family| family.explain(scope, request, routes)).unwrap_or_default()
}
