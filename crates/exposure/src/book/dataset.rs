//! Datasets: which of them answers where several could.
//!
//! The order is data: a policy with revisions (see [`Policy`]), and below it a documented default. Whoever reads for a tenant
//! has the tenant's own datasets before everyone's.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, Period, Stage};
use orewatch_contracts::ingestion::v1::{self, SourcePolicy, Table};

use super::{EconomyId, Market, Unreadable, Who};

/// Place of a dataset in the order in which datasets had their first release committed: of two that are alike otherwise the older
/// answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetId(u16);

/// The names of datasets, by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Datasets {
    /// Tenant and name.
    names: Vec<(Box<str>, Box<str>)>,
}

impl Datasets {
    /// The place of a dataset, which is given one if it has none. Beyond what a place can count, datasets share the last.
    pub(super) fn place(&mut self, tenant: &str, name: &str) -> DatasetId {
        let known = |(t, n): &(Box<str>, Box<str>)| (&**t, &**n) == (tenant, name);
        let place = self.names.iter().position(known).unwrap_or_else(|| {
            self.names.push((tenant.into(), name.into()));
            self.names.len() - 1
        });
        DatasetId(u16::try_from(place).unwrap_or(u16::MAX))
    }

    pub(super) fn name(&self, id: DatasetId) -> &str {
        self.names.get(usize::from(id.0)).map_or("", |(_, name)| name)
    }

    pub(super) fn is_tenants(&self, id: DatasetId) -> bool {
        self.names.get(usize::from(id.0)).is_some_and(|(tenant, _)| !tenant.is_empty())
    }

    /// Everyone's dataset of a name. None: there is none.
    pub(super) fn find(&self, name: &str) -> Option<DatasetId> {
        let place = self.names.iter().position(|(tenant, known)| tenant.is_empty() && **known == *name)?;
        u16::try_from(place).ok().map(DatasetId)
    }
}

/// A revision of the source policy: preferences, and what is said of datasets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    preferences: Vec<Preference>,
    declared: BTreeMap<Box<str>, Declared>,
}

/// What is said of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declared {
    kind: DatasetKind,
    supplements: Box<str>,
}

/// An ordered preference. An empty list matches everything.
#[derive(Clone, Debug, PartialEq)]
struct Preference {
    table: Table,
    materials: BTreeSet<Box<str>>,
    stages: BTreeSet<Stage>,
    economies: Vec<Who>,
    from: Option<Period>,
    until: Option<Period>,
    datasets: Vec<Box<str>>,
}

/// What is asked for: a key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic<'t> {
    pub(super) table: Table,
    /// Empty: no material in particular.
    pub(super) material: &'t str,
    pub(super) stage: Option<Stage>,
    /// None: the restriction or parameter holds from no period in particular.
    pub(super) period: Option<Period>,
    /// Who imports, or whom a row is about. None: nobody in particular.
    pub(super) economy: Option<EconomyId>,
}

impl Default for Topic<'_> {
    fn default() -> Self {
        Self { table: Table::Unspecified, material: "", stage: None, period: None, economy: None }
    }
}

impl Topic<'static> {
    pub(super) fn market(table: Table, market: Market) -> Self {
        let Market { material, stage, period } = market;
        Self { table, material, stage: Some(stage), period: Some(period), economy: None }
    }
}

impl Policy {
    /// Reads a recorded policy.
    ///
    /// # Errors
    /// [`Unreadable`] if it names what this version does not know.
    pub fn read(policy: &SourcePolicy) -> Result<Self, Unreadable> {
        let preferences = policy.preferences.iter().map(preference).collect::<Result<_, _>>()?;
        let declared = policy.datasets.iter().map(|said| {
            let kind = kind(said.kind()).unwrap_or(DatasetKind::Undeclared);
            (said.dataset.as_str().into(), Declared { kind, supplements: said.supplements.as_str().into() })
        });
        Ok(Self { preferences, declared: declared.collect() })
    }

    /// How a dataset's figures come about, and the dataset whose cells it fills: as the policy says, or else as its release does.
    pub(super) fn kind_of<'a>(&'a self, release: &'a v1::Release) -> (DatasetKind, &'a str) {
        if let Some(declared) = self.declared.get(&*release.dataset) {
            return (declared.kind, &declared.supplements);
        }
        let known = || DatasetKind::known(&release.dataset, &release.parser);
        (kind(release.kind()).unwrap_or_else(known), &release.supplements)
    }

    /// Place of a dataset in the first preference that matches; those that it does not name come after all that it does.
    pub(super) fn preferred(&self, topic: &Topic<'_>, dataset: &str) -> usize {
        let matching = self.preferences.iter().find(|preference| preference.matches(topic));
        let place = |preference: &Preference| preference.datasets.iter().position(|name| **name == *dataset);
        matching.and_then(place).unwrap_or(usize::MAX)
    }

    /// Whether preferences differ by economy: otherwise one order holds for everyone in a market.
    pub(super) fn looks_at_economies(&self) -> bool {
        self.preferences.iter().any(|preference| !preference.economies.is_empty())
    }
}

impl Preference {
    fn matches(&self, topic: &Topic<'_>) -> bool {
        let period = |ok: &dyn Fn(Period) -> bool| topic.period.is_some_and(ok);
        self.table == topic.table
            && (self.materials.is_empty() || self.materials.contains(topic.material))
            && (self.stages.is_empty() || topic.stage.is_some_and(|stage| self.stages.contains(&stage)))
            && self.from.is_none_or(|from| period(&|period| from.start() <= period.start()))
            && self.until.is_none_or(|until| period(&|period| period.end() <= until.end()))
            && (self.economies.is_empty() || self.includes(topic))
    }

    /// Blocs stand for their members in the period.
    fn includes(&self, topic: &Topic<'_>) -> bool {
        let (Some(economy), Some(period)) = (topic.economy.and_then(EconomyId::economy), topic.period) else {
            return false;
        };
        self.economies.iter().any(|who| who.consumer().contains(economy, period))
    }
}

/// What datasets are ordered by, the least first: the tenant's own, the policy, the kind, completeness, age.
pub(super) type Rank = (Reverse<bool>, usize, DatasetKind, Reverse<Completeness>, DatasetId);

/// How much of a market's product codes a dataset holds, as a fraction of two counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completeness {
    pub(super) held: u32,
    pub(super) of: u32,
}

impl Completeness {
    /// Nothing is known to be missing.
    pub(super) const WHOLE: Self = Self { held: 1, of: 1 };

    /// As a number from 0 to 1.
    pub(super) fn share(self) -> f64 {
        f64::from(self.held) / f64::from(self.of.max(1))
    }

    fn cross(self, other: Self) -> (u64, u64) {
        let times = |a: u32, b: u32| u64::from(a) * u64::from(b);
        (times(self.held, other.of), times(other.held, self.of))
    }
}

impl PartialEq for Completeness {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Completeness {}

impl PartialOrd for Completeness {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Completeness {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (one, other) = self.cross(*other);
        one.cmp(&other)
    }
}

fn preference(said: &v1::Preference) -> Result<Preference, Unreadable> {
    let period = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Unreadable::unknown("period", text)),
    };
    let stage = |text: &String| text.parse().map_err(|_| Unreadable::unknown("stage", text));
    let who = |code: &String| Who::of(code).ok_or_else(|| Unreadable::unknown("economy", code));
    Ok(Preference {
        table: said.table(),
        materials: said.materials.iter().map(|id| id.as_str().into()).collect(),
        stages: said.stages.iter().map(stage).collect::<Result<_, _>>()?,
        economies: said.economies.iter().map(who).collect::<Result<_, _>>()?,
        from: period(&said.from)?,
        until: period(&said.until)?,
        datasets: said.datasets.iter().map(|name| name.as_str().into()).collect(),
    })
}

/// None: nothing is said.
fn kind(said: v1::DatasetKind) -> Option<DatasetKind> {
    Some(match said {
        v1::DatasetKind::Unspecified => return None,
        v1::DatasetKind::Reconciled => DatasetKind::Reconciled,
        v1::DatasetKind::Declarations => DatasetKind::Declarations,
        v1::DatasetKind::Tables => DatasetKind::Tables,
        v1::DatasetKind::Supplement => DatasetKind::Supplement,
    })
}
