//! Projections: what publishers expect of supply and demand in periods to come.
//!
//! # Kept apart
//!
//! Releases of projections are in a book of their own ([`Projections`]). For everything that asks about
//! observations they do not exist: they have no market there, no dataset, and no place in the order of
//! datasets. The only way to them is [`Book::under_scenario`]. It gives a book whose markets are those of one
//! scenario and which has nothing else, so that the same formulas compute on it.
//!
//! A book under a scenario has releases, restatements, withdrawals and knowledge times like any other.
//!
//! # The printed total
//!
//! If the publisher prints a total for the world (`WLD`), it is the denominator of every share: the residual
//! is the total less the named economies, and the printed residual (`OTHER`) is evidence only. The two differ
//! where the publisher's rest of the world also contains an economy that it names; the parts then exceed the
//! total by exactly that economy. Without a printed total, the printed residual counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_measures::{Amount, Mirror, Sourcing, Status};

use super::{
    Book, Cell, CommittedRelease, DatasetChoice, EconomyId, Knowledge, Market, Origin, Output, RecordedAt,
    ReleaseContent, SortedRow, Table,
};

/// Largest difference between the sum of named economies and a printed total that is rounding, as a fraction
/// of the total.
const ROUNDING: f64 = 1e-9;

/// Releases of projections, in a book of their own. `None`: there are none.
#[derive(Clone, Debug, Default)]
pub struct Projections(Option<Arc<Book>>);

/// Side of a market that is projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectedSide {
    /// Output.
    Supply,
    /// Use.
    Demand,
}

/// Whom a projection is about. The order is that of the rows of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectedFor {
    /// An economy that the publisher names.
    Economy(EconomyId),
    /// All economies that it does not name.
    Others,
    /// The world: the publisher's total.
    World,
}

/// A projected amount, in the table of its scenario and market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Side of the market.
    pub side: ProjectedSide,
    /// Whom it is about.
    pub of: ProjectedFor,
    /// Index into the release's texts: the basis of the series.
    pub product: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes of the series' basis.
    pub quantity: Cell,
}

impl SortedRow for Projection {
    type Key = (ProjectedSide, ProjectedFor, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.side, self.of, self.product, self.origin)
    }
}

impl ProjectedFor {
    /// The code that a source uses for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Economy(economy) => economy.code(),
            Self::Others => orewatch_catalog::OTHER,
            Self::World => orewatch_catalog::Consumer::World.code(),
        }
    }
}

/// The name of a scenario: `DATASET:SCENARIO`, or `DATASET:SUPPLY+DEMAND` to combine the supply of one with
/// the demand of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScenarioName {
    /// The dataset.
    pub dataset: String,
    /// The scenario of supply.
    pub supply: String,
    /// The scenario of demand.
    pub demand: String,
}

impl ScenarioName {
    /// Reads a name. `None`: it does not have this form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (dataset, scenario) = text.trim().split_once(':')?;
        let (supply, demand) = scenario.split_once('+').unwrap_or((scenario, scenario));
        let is_name = |part: &&str| !part.is_empty() && !part.contains([':', '+', ' ']);
        let [dataset, supply, demand] = [dataset, supply, demand].map(|part| Some(part).filter(is_name));
        Some(Self { dataset: dataset?.to_owned(), supply: supply?.to_owned(), demand: demand?.to_owned() })
    }
}

impl std::fmt::Display for ScenarioName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dataset, supply, demand } = self;
        if supply == demand {
            write!(f, "{dataset}:{supply}")
        } else {
            write!(f, "{dataset}:{supply}+{demand}")
        }
    }
}

/// What a book under a scenario was made from.
#[derive(Clone, Debug)]
pub(super) struct ScenarioReading {
    name: ScenarioName,
    /// The book of observations. Only for what concerns releases themselves, such as when one was committed.
    base: Book,
}

/// A scenario as it was known: where it comes from, and what it covers.
#[derive(Clone, Debug)]
pub struct Scenario<'a> {
    /// `DATASET:SCENARIO`.
    pub name: String,
    /// Visible releases with projections of it, in the order of commits.
    pub releases: Vec<&'a ReleaseContent>,
    /// Markets whose supply is projected.
    pub supply: BTreeSet<Market>,
    /// Markets whose demand is projected.
    pub demand: BTreeSet<Market>,
}

impl Projections {
    /// As a tenant reads them.
    pub(super) fn for_reader(&self, tenant: &str, mirror: Mirror) -> Self {
        Self(self.0.as_ref().map(|store| Arc::new(store.for_reader(tenant, mirror))))
    }

    /// The same without the rows of a tenant.
    pub(super) fn without_rows_of(&self, tenant: &str, erased: Timestamp) -> Self {
        Self(self.0.as_ref().map(|store| Arc::new(store.without_rows_of(tenant, erased))))
    }

    /// Releases of the reading tenant whose rows cannot be read.
    pub(super) fn withheld(&self) -> &[CommittedRelease] {
        self.0.as_ref().map_or(&[], |store| &store.withheld)
    }

    /// Every release of projections that was ever committed, in the order of commits.
    fn releases(&self) -> &[CommittedRelease] {
        self.0.as_ref().map_or(&[], |store| store.releases())
    }
}

impl From<Book> for Projections {
    fn from(store: Book) -> Self {
        Self(Some(Arc::new(store)))
    }
}

impl Book {
    /// The book with one more release of projections. No market and no dataset of observations changes.
    #[must_use]
    pub fn with_projections(&self, content: Arc<ReleaseContent>, committed: RecordedAt) -> Self {
        let empty = Self::default();
        let store = self.projections.0.as_deref().unwrap_or(&empty);
        self.storing(store.with_release(content, committed))
    }

    /// The book with a release of projections withdrawn. `None`: no such release is visible.
    #[must_use]
    pub fn without_projections(&self, id: &str, withdrawn: RecordedAt) -> Option<Self> {
        let (store, _) = self.projections.0.as_deref()?.without_release(id, withdrawn)?;
        Some(self.storing(store))
    }

    /// The book with rows added to a release of projections. `None`: no such release is visible.
    #[must_use]
    pub fn with_repaired_projections(&self, added: &ReleaseContent, repaired: RecordedAt) -> Option<Self> {
        let store = self.projections.0.as_deref()?.with_repaired_rows(added, repaired)?;
        Some(self.storing(store))
    }

    /// The content of a visible release of projections. `None`: no such release is visible.
    #[must_use]
    pub fn visible_projections(&self, id: &str) -> Option<&Arc<ReleaseContent>> {
        self.projections.0.as_deref()?.visible_release(id)
    }

    /// Whether a release of projections of a dataset is visible.
    #[must_use]
    pub fn has_projections_of(&self, dataset: &str) -> bool {
        self.projections.0.as_deref().is_some_and(|store| store.has_dataset(dataset))
    }

    fn storing(&self, store: Self) -> Self {
        Self { projections: store.into(), ..self.clone() }
    }

    /// Every release that was ever committed: of observations, then of projections, each in the order of
    /// commits, then those whose rows cannot be read. For what concerns releases themselves, such as when one
    /// was committed.
    pub fn every_release(&self) -> impl DoubleEndedIterator<Item = &CommittedRelease> {
        let base = self.of_observations();
        let readable = base.releases().iter().chain(base.projections.releases());
        readable.chain(&base.withheld).chain(base.projections.withheld())
    }

    /// The book of observations that a book under a scenario was made from.
    pub(super) fn of_observations(&self) -> &Self {
        self.scenario.as_ref().map_or(self, |reading| &reading.base)
    }

    /// The book in which the projections of a scenario take the place of all observations. `None`: no release
    /// of the dataset ever had a projection of the scenario, for supply or for demand.
    #[must_use]
    pub fn under_scenario(&self, name: ScenarioName) -> Option<Self> {
        let store = self.projections.0.as_deref()?;
        let dataset = store.dataset(&name.dataset)?;
        let of_dataset = || store.releases().iter().filter(|release| release.dataset == dataset);
        let is_known =
            |scenario: &str| of_dataset().any(|release| release.newest().projections.contains_key(scenario));
        if !is_known(&name.supply) || !is_known(&name.demand) {
            return None;
        }
        let releases = of_dataset().map(|release| release.map(|content| content.under_scenario(&name)));
        Some(Self {
            releases: releases.collect(),
            datasets: Arc::clone(&store.datasets),
            choice: DatasetChoice::Only(dataset),
            mirror: self.mirror,
            scenario: Some(Arc::new(ScenarioReading { name, base: self.clone() })),
            ..Self::default()
        })
    }

    /// The scenario whose projections take the place of observations. `None`: this is a book of observations.
    #[must_use]
    pub fn scenario(&self) -> Option<&ScenarioName> {
        self.scenario.as_ref().map(|reading| &reading.name)
    }

    /// The scenarios that have projections, as they were known, sorted by name.
    #[must_use]
    pub fn scenarios(&self, at: Knowledge) -> Vec<Scenario<'_>> {
        let mut scenarios = BTreeMap::<String, Scenario<'_>>::new();
        let visible = self.projections.releases().iter().filter(|release| release.is_visible(at));
        for content in visible.map(|release| release.content_at(at)) {
            for (scenario, table) in &*content.projections {
                let name = format!("{}:{scenario}", content.release.dataset);
                let scenario = scenarios.entry(name.clone()).or_insert_with(|| Scenario {
                    name,
                    releases: Vec::new(),
                    supply: BTreeSet::new(),
                    demand: BTreeSet::new(),
                });
                scenario.releases.push(content);
                scenario.supply.extend(markets(table, ProjectedSide::Supply));
                scenario.demand.extend(markets(table, ProjectedSide::Demand));
            }
        }
        scenarios.into_values().collect()
    }

    /// Projected demand of a market with its release, under a scenario. `None`: none is projected.
    #[must_use]
    pub fn projected_demand(&self, market: Market, at: Knowledge) -> Option<(usize, Sourcing<EconomyId>)> {
        self.scenario.as_ref()?;
        let mut newest_first = self.newest_first(at);
        newest_first.find_map(|(index, release)| {
            let rows = release.content_at(at).demand.rows(&market)?;
            Some((index, demand(rows)))
        })
    }
}

impl ReleaseContent {
    /// Whether the release is of projections.
    #[must_use]
    pub fn is_of_projections(&self) -> bool {
        self.release.table() == orewatch_contracts::ingestion::v1::Table::Projections
    }

    /// The content in which the projections of a scenario are output and demand. It keeps its texts, and the
    /// rows as they were published.
    fn under_scenario(&self, name: &ScenarioName) -> Self {
        let table = |scenario: &str| self.projections.get(scenario);
        Self {
            release: self.release.clone(),
            output: table(&name.supply).map(output).unwrap_or_default(),
            demand: table(&name.demand).map(demanded).unwrap_or_default(),
            projections: Arc::clone(&self.projections),
            products: self.products.clone(),
            chunks: self.chunks,
            scope: self.scope.clone(),
            ..Self::default()
        }
    }

    /// The rows of a market as they were published, of one side of a scenario.
    pub(crate) fn published_projections(
        &self,
        scenario: &str,
        side: ProjectedSide,
        market: Market,
    ) -> impl Iterator<Item = &Projection> {
        let rows = self.projections.get(scenario).and_then(|table| table.rows(&market));
        rows.into_iter().flatten().filter(move |row| row.side == side)
    }
}

/// The markets of which a table has a side.
fn markets(table: &Table<Projection>, side: ProjectedSide) -> impl Iterator<Item = Market> {
    let has = move |market: &&Market| {
        table.rows(market).is_some_and(|rows| rows.iter().any(|row| row.side == side))
    };
    table.keys().filter(has).copied()
}

/// The rows of one side.
fn rows_of(side: ProjectedSide, rows: &[Projection]) -> Vec<Projection> {
    rows.iter().filter(|row| row.side == side).copied().collect()
}

/// Projected supply as output.
fn output(table: &Table<Projection>) -> Table<Output> {
    table.transformed(|rows| {
        let parts = Parts::from_rows(&rows_of(ProjectedSide::Supply, rows));
        let named = parts.named.into_iter().map(|(economy, row)| as_output(Some(economy), &row));
        named.chain(parts.residual.iter().map(|row| as_output(None, row))).collect()
    })
}

fn as_output(economy: Option<EconomyId>, row: &Projection) -> Output {
    Output { economy, product: row.product, source: 0, origin: row.origin, quantity: row.quantity }
}

/// The rows of demand.
fn demanded(table: &Table<Projection>) -> Table<Projection> {
    table.transformed(|rows| rows_of(ProjectedSide::Demand, rows))
}

/// The demand of a market: of named economies, and a residual of all others together.
fn demand(rows: &[Projection]) -> Sourcing<EconomyId> {
    let Parts { named, residual } = Parts::from_rows(rows);
    let named = named.into_iter().map(|(economy, row)| (economy, row.quantity.amount()));
    Sourcing::new(named, residual.map_or(Amount::NOTHING, |row| row.quantity.amount()))
}

/// One side of a market as parts of a sum.
struct Parts {
    named: Vec<(EconomyId, Projection)>,
    /// What is left for all others. Where it is not printed, it has the place of the row that it follows
    /// from.
    residual: Option<Projection>,
}

impl Parts {
    /// The parts by which the sum is the printed total, if there is one.
    ///
    /// The residual is then the total less the amounts that are known. A named economy whose amount is not
    /// known is part of it, so that everyone else's share stays exact. If known amounts exceed the total,
    /// nothing is left, and their sum is the denominator.
    fn from_rows(rows: &[Projection]) -> Self {
        let named = rows.iter().filter_map(|row| match row.of {
            ProjectedFor::Economy(economy) => Some((economy, *row)),
            ProjectedFor::Others | ProjectedFor::World => None,
        });
        let named: Vec<_> = named.collect();
        let others = rows.iter().find(|row| row.of == ProjectedFor::Others).copied();
        let printed = rows.iter().find(|row| row.of == ProjectedFor::World);
        let Some((world, total)) = printed.and_then(|row| Some((*row, row.quantity.known()?))) else {
            return Self { named, residual: others };
        };
        let known = named.into_iter().filter(|(_, row)| row.quantity.known().is_some());
        let named: Vec<_> = known.collect();
        let rest = total - named.iter().filter_map(|(_, row)| row.quantity.known()).sum::<f64>();
        let number = if rest > total * ROUNDING { rest } else { 0.0 };
        let quantity = Cell { number, status: Status::Known };
        Self { named, residual: Some(Projection { quantity, ..others.unwrap_or(world) }) }
    }
}
