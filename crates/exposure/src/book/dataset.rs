//! The order of datasets, which decides who answers where several could.
//!
//! Datasets are compared by [`Rank`]: a tenant's own before everyone's, then the preferences of the source
//! policy, then the kind (reconciled sets first), then how much of the market they hold, then statistics
//! before the base year of an outlook, then age, the oldest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, Period, Stage};
use orewatch_contracts::ingestion::v1::{self, SourcePolicy, Table};

use super::{ConsumerId, EconomyId, Market, Unreadable};

/// Number of a dataset in the order in which datasets had their first release committed. Of two datasets that
/// are otherwise equal, the older one answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetId(u16);

/// The names of datasets, by identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct DatasetNames {
    /// Tenant and name.
    names: Vec<(Box<str>, Box<str>)>,
}

impl DatasetNames {
    /// The identifier of a dataset, assigned if it has none yet. Beyond 65,535 datasets, all further ones
    /// share the last.
    pub(super) fn id_of(&mut self, tenant: &str, name: &str) -> DatasetId {
        let known = |(t, n): &(Box<str>, Box<str>)| (&**t, &**n) == (tenant, name);
        let index = self.names.iter().position(known).unwrap_or_else(|| {
            self.names.push((tenant.into(), name.into()));
            self.names.len() - 1
        });
        DatasetId(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// The name of a dataset.
    pub(super) fn name(&self, id: DatasetId) -> &str {
        self.names.get(usize::from(id.0)).map_or("", |(_, name)| name)
    }

    /// Whether a dataset belongs to a tenant.
    pub(super) fn is_tenants(&self, id: DatasetId) -> bool {
        self.names.get(usize::from(id.0)).is_some_and(|(tenant, _)| !tenant.is_empty())
    }

    /// Everyone's dataset with a name. `None`: there is none.
    pub(super) fn find(&self, name: &str) -> Option<DatasetId> {
        let index = self.names.iter().position(|(tenant, known)| tenant.is_empty() && **known == *name)?;
        u16::try_from(index).ok().map(DatasetId)
    }
}

/// A revision of the source policy: preferences among datasets, and declarations about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetPolicy {
    preferences: Vec<Preference>,
    declared: BTreeMap<Box<str>, Declared>,
}

/// The policy's declaration about a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declared {
    kind: DatasetKind,
    supplements: Box<str>,
}

/// An ordered preference for the topics that it matches. An empty list matches everything.
#[derive(Clone, Debug, PartialEq)]
struct Preference {
    table: Table,
    materials: BTreeSet<Box<str>>,
    stages: BTreeSet<Stage>,
    economies: Vec<ConsumerId>,
    from: Option<Period>,
    until: Option<Period>,
    datasets: Vec<Box<str>>,
}

/// What datasets are ranked for: a key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic<'t> {
    pub(super) table: Table,
    /// Empty: no particular material.
    pub(super) material: &'t str,
    pub(super) stage: Option<Stage>,
    /// `None`: no particular period.
    pub(super) period: Option<Period>,
    /// The importer, or the economy that a row is about. `None`: no particular one.
    pub(super) economy: Option<EconomyId>,
}

impl Default for Topic<'_> {
    fn default() -> Self {
        Self { table: Table::Unspecified, material: "", stage: None, period: None, economy: None }
    }
}

impl Topic<'static> {
    /// The flows or the output of a market.
    pub(super) fn market(table: Table, market: Market) -> Self {
        let Market { material, stage, period } = market;
        Self { table, material, stage: Some(stage), period: Some(period), economy: None }
    }
}

impl DatasetPolicy {
    /// Reads a recorded policy.
    ///
    /// # Errors
    /// [`Unreadable`] if it names what this version does not know.
    pub fn read(policy: &SourcePolicy) -> Result<Self, Unreadable> {
        let preferences = policy.preferences.iter().map(read_preference).collect::<Result<_, _>>()?;
        let declared = policy.datasets.iter().map(|dataset| {
            let kind = kind(dataset.kind()).unwrap_or(DatasetKind::Undeclared);
            let supplements = dataset.supplements.as_str().into();
            (dataset.dataset.as_str().into(), Declared { kind, supplements })
        });
        Ok(Self { preferences, declared: declared.collect() })
    }

    /// The kind of a dataset, and the name of the dataset whose cells it fills: as the policy declares, or
    /// else as its release does.
    pub(super) fn kind_of<'a>(&'a self, release: &'a v1::Release) -> (DatasetKind, &'a str) {
        if let Some(declared) = self.declared.get(&*release.dataset) {
            return (declared.kind, &declared.supplements);
        }
        let known = || DatasetKind::from_name_and_parser(&release.dataset, &release.parser);
        (kind(release.kind()).unwrap_or_else(known), &release.supplements)
    }

    /// Position of a dataset in the first preference that matches a topic; the last one if it is not named
    /// there.
    pub(super) fn preference(&self, topic: &Topic<'_>, dataset: &str) -> usize {
        let matching = self.preferences.iter().find(|preference| preference.matches(topic));
        let index = |preference: &Preference| preference.datasets.iter().position(|name| **name == *dataset);
        matching.and_then(index).unwrap_or(usize::MAX)
    }

    /// Whether some preference names economies. Otherwise one order holds for all importers of a market.
    pub(super) fn has_economy_preferences(&self) -> bool {
        self.preferences.iter().any(|preference| !preference.economies.is_empty())
    }
}

impl Preference {
    /// Whether the preference matches a topic.
    fn matches(&self, topic: &Topic<'_>) -> bool {
        let period = |ok: &dyn Fn(Period) -> bool| topic.period.is_some_and(ok);
        self.table == topic.table
            && (self.materials.is_empty() || self.materials.contains(topic.material))
            && (self.stages.is_empty() || topic.stage.is_some_and(|stage| self.stages.contains(&stage)))
            && self.from.is_none_or(|from| period(&|period| from.start() <= period.start()))
            && self.until.is_none_or(|until| period(&|period| period.end() <= until.end()))
            && (self.economies.is_empty() || self.includes(topic))
    }

    /// Whether the topic's economy is among those named. A bloc stands for its members in the period.
    fn includes(&self, topic: &Topic<'_>) -> bool {
        let (Some(economy), Some(period)) = (topic.economy.and_then(EconomyId::economy), topic.period) else {
            return false;
        };
        self.economies.iter().any(|named| named.consumer().contains(economy, period))
    }
}

/// What datasets are ordered by, the least first: the tenant's own, position in the policy's preference,
/// kind, completeness, whether it is the base year of an outlook, age.
pub(super) type Rank = (Reverse<bool>, usize, DatasetKind, Reverse<Completeness>, bool, DatasetId);

/// How much of a market's product codes a dataset holds, as a fraction of two counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completeness {
    pub(super) held: u32,
    pub(super) of: u32,
}

impl Completeness {
    /// No code is known to be missing.
    pub(super) const WHOLE: Self = Self { held: 1, of: 1 };

    /// As a share, 0 to 1.
    pub(super) fn share(self) -> f64 {
        f64::from(self.held) / f64::from(self.of.max(1))
    }

    /// Cross products, which compare two fractions exactly.
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
        let (own, others) = self.cross(*other);
        own.cmp(&others)
    }
}

/// Reads a recorded preference.
fn read_preference(recorded: &v1::Preference) -> Result<Preference, Unreadable> {
    let period = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Unreadable::unknown("period", text)),
    };
    let stage = |text: &String| text.parse().map_err(|_| Unreadable::unknown("stage", text));
    let consumer =
        |code: &String| ConsumerId::from_code(code).ok_or_else(|| Unreadable::unknown("economy", code));
    Ok(Preference {
        table: recorded.table(),
        materials: recorded.materials.iter().map(|id| id.as_str().into()).collect(),
        stages: recorded.stages.iter().map(stage).collect::<Result<_, _>>()?,
        economies: recorded.economies.iter().map(consumer).collect::<Result<_, _>>()?,
        from: period(&recorded.from)?,
        until: period(&recorded.until)?,
        datasets: recorded.datasets.iter().map(|name| name.as_str().into()).collect(),
    })
}

/// The kind of a dataset. `None`: it is not declared.
fn kind(recorded: v1::DatasetKind) -> Option<DatasetKind> {
    Some(match recorded {
        v1::DatasetKind::Unspecified => return None,
        v1::DatasetKind::Reconciled => DatasetKind::Reconciled,
        v1::DatasetKind::Declarations => DatasetKind::Declarations,
        v1::DatasetKind::Tables => DatasetKind::Tables,
        v1::DatasetKind::Supplement => DatasetKind::Supplement,
    })
}
