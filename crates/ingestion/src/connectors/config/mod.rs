//! Checks the `poll` sections of the configuration. An error names the key and what to write.
mod section;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use orewatch_catalog::hs_codes;
use orewatch_contracts::ingestion::v1::Scope;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::ids;

use super::comtrade::Comtrade;
use super::gta::Gta;
use super::interface::Interface;
use super::query::{GovernanceQuery, RestrictionsQuery, TradeQuery};
use super::secret::KeyLocation;
use super::world_bank::WorldBank;
use crate::scope;
pub use section::PollSection;
use section::invalid_setting;

/// A configured connector.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name.
    pub name: String,
    /// Kind of its interface.
    pub kind: &'static str,
    /// Time between two polls. `None`: polled on demand only.
    pub every: Option<Duration>,
    /// Address of the interface, without a slash at its end.
    pub base: String,
    /// Location of its key. `None`: it needs none.
    pub key: Option<KeyLocation>,
    /// Upper bound on calls in a day of UTC. `None`: any number.
    pub quota: Option<u32>,
    /// Time between two calls.
    pub interval: Duration,
    /// Bounds of one call.
    pub limits: CallLimits,
    /// Dataset of its releases. Empty: as the source names it.
    pub dataset: String,
    /// Upper bound on rejected rows of a release.
    pub max_rejects: u64,
    /// Gates whose block becomes a warning.
    pub accept: Vec<String>,
    query: Query,
}

/// Bounds of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Time to connect.
    pub connect: Duration,
    /// Time without any bytes received.
    pub stall: Duration,
    /// Time for the whole call.
    pub whole: Duration,
    /// Upper bound on the body, in bytes, decompressed.
    pub body: usize,
}

/// Query of a connector.
#[derive(Clone, Debug)]
enum Query {
    Trade(TradeQuery, PeriodSelection),
    Governance(GovernanceQuery, PeriodSelection),
    Restrictions(RestrictionsQuery),
}

/// Periods to request.
#[derive(Clone, Debug)]
enum PeriodSelection {
    /// These periods.
    Named(Vec<String>),
    /// This many periods before the day of the poll.
    Last(u16),
    /// All.
    All,
}

impl PeriodSelection {
    fn periods(&self, monthly: bool, day: Date) -> Vec<String> {
        let last = match self {
            Self::Named(periods) => return periods.clone(),
            Self::All => return Vec::new(),
            Self::Last(last) => i32::from(*last),
        };
        let name = |back: i32| {
            if !monthly {
                return (i32::from(day.year()) - back).to_string();
            }
            let months = i32::from(day.year()) * 12 + i32::from(day.month()) - 1 - back;
            format!("{}{:02}", months.div_euclid(12), months.rem_euclid(12) + 1)
        };
        (1..=last).rev().map(name).collect()
    }
}

impl Connector {
    /// The interface at the beginning of a poll on this day.
    pub(super) fn interface(&self, day: Date) -> Box<dyn Interface> {
        match &self.query {
            Query::Trade(trade, span) => {
                let periods = span.periods(trade.frequency == "M", day);
                Box::new(Comtrade::new(&TradeQuery { periods, ..trade.clone() }, self.key.is_some()))
            }
            Query::Governance(governance, span) => {
                let periods = span.periods(false, day);
                let date = match (periods.iter().min(), periods.iter().max()) {
                    (Some(first), Some(last)) if first != last => format!("{first}:{last}"),
                    (Some(only), _) => only.clone(),
                    _ => String::new(),
                };
                Box::new(WorldBank::new(&GovernanceQuery { date, ..governance.clone() }))
            }
            Query::Restrictions(policy) => Box::new(Gta::new(policy)),
        }
    }

    /// Checks that its key is where the configuration says.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the location of the key.
    pub fn check_key(&self) -> Result<(), Failure> {
        let Some(place) = &self.key else { return Ok(()) };
        place.read().map(drop).map_err(|problem| {
            let key = if matches!(place, KeyLocation::File(_)) { "key-file" } else { "key-env" };
            Failure::new(Class::Invalid, "invalid-setting", format!("poll {}: {problem}", self.name))
                .at(key, place.name())
                .with_hint("put the key there, at least eight characters, before the service starts")
        })
    }

    /// The scope of its releases: of declarations all requested products, so that a product of which a
    /// reporter no longer has a row is restated with the others. Products of no material are left out, as no
    /// row of them is recorded. `None`: the scope of their rows.
    pub(super) fn scope(&self) -> Option<Scope> {
        let is_known = |code: &&String| hs_codes().iter().any(|known| known.code == code.as_str());
        match &self.query {
            Query::Trade(trade, _) => {
                let products: Vec<_> = trade.products.iter().filter(is_known).cloned().collect();
                (1..=scope::MAX_ITEMS)
                    .contains(&products.len())
                    .then(|| Scope { products, ..Scope::default() })
            }
            Query::Governance(..) | Query::Restrictions(_) => None,
        }
    }

    /// Whether the publisher's responses state their vintage.
    pub(super) fn states_vintage(&self) -> bool {
        matches!(self.query, Query::Governance(..))
    }

    /// Header that carries the key, and the prefix of its value.
    pub(super) fn key_header(&self) -> (&'static str, &'static str) {
        match self.query {
            Query::Trade(..) => ("ocp-apim-subscription-key", ""),
            Query::Governance(..) | Query::Restrictions(_) => ("authorization", "APIKey "),
        }
    }

    /// What to do about a key that is not accepted.
    pub(super) fn key_advice(&self) -> String {
        match &self.key {
            Some(place) => format!("look at {place}"),
            None => format!("set key-env or key-file of poll {}", self.name),
        }
    }
}

/// Checks all sections. `environment` has the variables that may hold keys.
///
/// # Errors
/// [`Class::Invalid`] with the section, the key and what to write.
pub fn parse_connectors(
    sections: Vec<PollSection>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Connector>, Failure> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for section in sections {
        let name = section.name.clone();
        if !ids::is_dataset(&name) {
            return Err(invalid_setting(&name, "name", &name, "lower-case letters, digits and hyphens"));
        }
        if !names.insert(name.clone()) {
            return Err(invalid_setting(&name, "name", &name, "a name that no other poll has"));
        }
        all.push(section.check(environment)?);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}
