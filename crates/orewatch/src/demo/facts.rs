//! What the page says, as values.
use orewatch_contracts::alerting::v1::{Alert, AlertState, Rule};
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::ingestion::v1::ReleaseInfo;

/// The consumers of the table.
pub(crate) const CONSUMERS: [&str; 13] =
    ["G7", "EU27", "USA", "JPN", "DEU", "FRA", "GBR", "ITA", "CAN", "AUS", "IND", "KOR", "MEX"];

/// The supplier whose share the table shows.
pub(crate) const SUPPLIER: &str = "CHN";

/// Everything on the page.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What is known before the newest release.
    pub(crate) before: Before,
    /// What the newest release changed.
    pub(crate) after: After,
    /// The releases, in the order they were loaded.
    pub(crate) releases: Vec<ReleaseInfo>,
    /// How long it all took.
    pub(crate) seconds: f64,
}

/// What is known before the newest release.
#[derive(Debug)]
pub(crate) struct Before {
    /// Figures there are.
    pub(crate) figures: usize,
    /// Series of the supplier's share that make the headline.
    pub(crate) headlines: Vec<Headline>,
    /// From whom a consumer buys, beside where that comes from. None: there are no figures of it.
    pub(crate) origins: Option<Origins>,
    /// One entry a consumer and market.
    pub(crate) entries: Vec<Entry>,
    /// Alerts that fire, the most severe first.
    pub(crate) alerts: Vec<Alert>,
    /// The rules.
    pub(crate) rules: Vec<Rule>,
}

/// From whom a consumer buys a material, beside where that comes from.
#[derive(Debug, PartialEq)]
pub(crate) struct Origins {
    pub(crate) consumer: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    /// The direct suppliers.
    pub(crate) direct: Ranking,
    /// The economies of origin, after re-exports.
    pub(crate) origins: Ranking,
}

/// Economies by share, the largest first, with the concentration of all.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ranking {
    pub(crate) shares: Vec<(String, Estimate)>,
    pub(crate) hhi: Estimate,
}

/// What the newest release changed.
#[derive(Debug)]
pub(crate) struct After {
    /// Figures that both vintages have, and how many of them differ.
    pub(crate) compared: usize,
    /// Figures that differ.
    pub(crate) changed: usize,
    /// The largest producers' shares that differ, the largest difference first.
    pub(crate) restated: Vec<Restated>,
    /// Alerts that the newest release turned.
    pub(crate) flips: Vec<Flip>,
    /// The most restated figure as each vintage knows it.
    pub(crate) as_at: Vec<AsAtAnswer>,
}

/// A share over time.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) consumer: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    /// The line of the rule that watches it, if one does.
    pub(crate) line: Option<f64>,
    /// Period and share, oldest first.
    pub(crate) series: Vec<(String, Option<f64>)>,
}

impl Headline {
    /// The first and the last period with a value.
    pub(crate) fn ends(&self) -> Option<[(&str, f64); 2]> {
        let known = || self.series.iter().filter_map(|(period, value)| Some((period.as_str(), (*value)?)));
        Some([known().next()?, known().next_back()?])
    }
}

/// One consumer in one market, at its latest period.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) consumer: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    /// Share of the supplier, by quantity. No flow from it, where there are flows: zero.
    pub(crate) share: Estimate,
    /// Concentration of the imports.
    pub(crate) hhi: Estimate,
    /// The largest supplier and its share.
    pub(crate) top: Option<String>,
    pub(crate) top_share: Estimate,
    pub(crate) releases: Vec<String>,
}

impl Entry {
    /// The share, where it is known or estimated.
    pub(crate) fn value(&self) -> Option<f64> {
        self.share.value
    }

    /// Whether the share is only estimated.
    pub(crate) fn is_estimated(&self) -> bool {
        self.share.status() != Status::Known
    }
}

/// The largest producer of a market by the older and by the newer vintage.
#[derive(Clone, Debug)]
pub(crate) struct Restated {
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    pub(crate) old: Side,
    pub(crate) new: Side,
}

/// The largest producer of a market.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) share: f64,
    pub(crate) hhi: Option<f64>,
}

impl Restated {
    /// By how much the share differs.
    pub(crate) fn difference(&self) -> f64 {
        self.new.share - self.old.share
    }
}

/// An alert whose state in a period is another one by the newer data.
#[derive(Clone, Debug)]
pub(crate) struct Flip {
    pub(crate) alert: Alert,
    /// What happened: `fired`, `resolved`, `restated`.
    pub(crate) event: &'static str,
    /// Of a restatement the period and the states before and after.
    pub(crate) restated: Option<(String, AlertState, AlertState)>,
}

/// One figure as one vintage knows it.
#[derive(Clone, Debug)]
pub(crate) struct AsAtAnswer {
    pub(crate) vintage: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    pub(crate) measure: String,
    pub(crate) value: Estimate,
    pub(crate) names: Vec<String>,
}
