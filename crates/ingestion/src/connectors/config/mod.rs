//! The `poll` sections of the configuration, checked: an error names the key and what to write.
mod section;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use orewatch_catalog::hs_codes;
use orewatch_contracts::ingestion::v1::Scope;
use orewatch_runtime::{Class, Failure};

use super::comtrade::Comtrade;
use super::gta::Gta;
use super::interface::Interface;
use super::secret::KeyPlace;
use super::world_bank::WorldBank;
use crate::{ids, scope};
pub use section::Section;
use section::wrong;

/// A connector that is configured.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name.
    pub name: String,
    /// The interface that it asks.
    pub kind: &'static str,
    /// How often it asks. None: only on demand.
    pub every: Option<Duration>,
    /// Address of the interface, without a slash at its end.
    pub base: String,
    /// Where its key is. None: it needs none.
    pub key: Option<KeyPlace>,
    /// Calls that it may make in a day of UTC. None: any number.
    pub quota: Option<u32>,
    /// Time between two calls.
    pub interval: Duration,
    /// Bounds of one call.
    pub limits: Limits,
    /// Dataset of its releases. Empty: as the source says.
    pub dataset: String,
    /// Rows of a release that may be set aside.
    pub max_rejects: u64,
    /// Gates whose block becomes a warning.
    pub accept: Vec<String>,
    asks: Asks,
}

/// Bounds of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take.
    pub connect: Duration,
    /// How long nothing may come.
    pub stall: Duration,
    /// How long the whole may take.
    pub whole: Duration,
    /// Largest body in bytes, decompressed.
    pub body: usize,
}

/// What a connector asks for.
#[derive(Clone, Debug)]
enum Asks {
    Trade(Trade, Span),
    Governance(Governance, Span),
    Policy(Policy),
}

/// What Comtrade is asked for.
#[derive(Clone, Debug)]
pub(super) struct Trade {
    /// `A` annual, `M` monthly.
    pub(super) frequency: &'static str,
    pub(super) reporters: Vec<String>,
    pub(super) periods: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) flows: Vec<String>,
    /// Most rows of an answer.
    pub(super) cap: usize,
}

/// What the World Bank is asked for.
#[derive(Clone, Debug)]
pub(super) struct Governance {
    pub(super) indicators: Vec<String>,
    /// Number of the World Bank's database.
    pub(super) source: u32,
    /// Years, `2020` or `2010:2024`. Empty: all.
    pub(super) date: String,
    /// Rows of a page.
    pub(super) page: usize,
}

/// What Global Trade Alert is asked for.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// Version of the interface: 1 or 2.
    pub(super) version: u16,
    pub(super) products: Vec<String>,
    /// First and last day of announcement. None: any.
    pub(super) announced: Option<[String; 2]>,
    /// Records of a page.
    pub(super) limit: usize,
}

/// Which periods are asked for.
#[derive(Clone, Debug)]
enum Span {
    /// These.
    Named(Vec<String>),
    /// The last so many before the day of the poll.
    Last(u16),
    /// All.
    All,
}

impl Span {
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
        match &self.asks {
            Asks::Trade(trade, span) => {
                let periods = span.periods(trade.frequency == "M", day);
                Box::new(Comtrade::new(&Trade { periods, ..trade.clone() }, self.key.is_some()))
            }
            Asks::Governance(governance, span) => {
                let periods = span.periods(false, day);
                let date = match (periods.iter().min(), periods.iter().max()) {
                    (Some(first), Some(last)) if first != last => format!("{first}:{last}"),
                    (Some(only), _) => only.clone(),
                    _ => String::new(),
                };
                Box::new(WorldBank::new(&Governance { date, ..governance.clone() }))
            }
            Asks::Policy(policy) => Box::new(Gta::new(policy)),
        }
    }

    /// Checks that its key is where the configuration says.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the place.
    pub fn ready(&self) -> Result<(), Failure> {
        let Some(place) = &self.key else { return Ok(()) };
        place.read().map(drop).map_err(|problem| {
            let key = if matches!(place, KeyPlace::File(_)) { "key-file" } else { "key-env" };
            Failure::new(Class::Invalid, "config-value", format!("poll {}: {problem}", self.name))
                .at(key, place.name())
                .with_hint("put the key there, at least eight characters, before the service starts")
        })
    }

    /// What its answers cover: of declarations all products that it asks for, so that one of which a reporter has no row any more
    /// is restated with the others. Products of no material are left out: no row of them is recorded. None: what they have rows of.
    pub(super) fn scope(&self) -> Option<Scope> {
        let is_known = |code: &&String| hs_codes().iter().any(|known| known.code == code.as_str());
        match &self.asks {
            Asks::Trade(trade, _) => {
                let products: Vec<_> = trade.products.iter().filter(is_known).cloned().collect();
                (1..=scope::MAX_ITEMS)
                    .contains(&products.len())
                    .then(|| Scope { products, ..Scope::default() })
            }
            Asks::Governance(..) | Asks::Policy(_) => None,
        }
    }

    /// Whether the publisher's answers say which vintage they are.
    pub(super) fn says_vintage(&self) -> bool {
        matches!(self.asks, Asks::Governance(..))
    }

    /// Header that carries the key, and what stands before it.
    pub(super) fn key_header(&self) -> (&'static str, &'static str) {
        match self.asks {
            Asks::Trade(..) => ("ocp-apim-subscription-key", ""),
            Asks::Governance(..) | Asks::Policy(_) => ("authorization", "APIKey "),
        }
    }

    /// What to do about a key that is not accepted.
    pub(super) fn key_words(&self) -> String {
        match &self.key {
            Some(place) => format!("look at {place}"),
            None => format!("set key-env or key-file of poll {}", self.name),
        }
    }
}

/// Checks all sections. `environment` is where keys may stand.
///
/// # Errors
/// [`Class::Invalid`] with the section, the key and what to write.
pub fn connectors(
    sections: Vec<Section>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Connector>, Failure> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for section in sections {
        let name = section.name.clone();
        if !ids::is_dataset(&name) {
            return Err(wrong(&name, "name", &name, "lower-case letters, digits and hyphens"));
        }
        if !names.insert(name.clone()) {
            return Err(wrong(&name, "name", &name, "a name that no other poll has"));
        }
        all.push(section.check(environment)?);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}
