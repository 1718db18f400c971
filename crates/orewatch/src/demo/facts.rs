//! Everything that the demo shows, as values: gathered first, then rendered as a page or as JSON.
use orewatch_contracts::alerting::v1::{Alert, AlertState, Rule};
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::{CheckedClaim, TargetStanding};
use orewatch_contracts::ingestion::v1::ReleaseInfo;

/// Consumers in the table.
pub(crate) const CONSUMERS: [&str; 13] =
    ["G7", "EU27", "USA", "JPN", "DEU", "FRA", "GBR", "ITA", "CAN", "AUS", "IND", "KOR", "MEX"];

/// Supplier whose share the table shows.
pub(crate) const SUPPLIER: &str = "CHN";

/// Everything that the demo shows.
#[derive(Debug)]
pub(crate) struct Facts {
    /// State with all releases, which is what commands answer.
    pub(crate) standing: Standing,
    /// Changes by the newest release.
    pub(crate) restatement: Restatement,
    /// Releases, in the order of loading.
    pub(crate) releases: Vec<ReleaseInfo>,
    /// Duration of the demo, in seconds.
    pub(crate) seconds: f64,
}

/// State with all releases.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The goal of the G7, and the world's refining.
    pub(crate) goal: Goal,
    /// The monthly example.
    pub(crate) months: Months,
    /// Series of the supplier's share for the headline.
    pub(crate) headlines: Vec<Headline>,
    /// Direct suppliers of a consumer beside the true origins. `None` without figures.
    pub(crate) origins: Option<Origins>,
    /// One entry per consumer and market.
    pub(crate) entries: Vec<Entry>,
    /// Firing alerts, the most severe first, as `orewatch alerts` lists them.
    pub(crate) alerts: Vec<Alert>,
    /// The rules.
    pub(crate) rules: Vec<Rule>,
}

/// The goal of the G7, and the world's refining.
#[derive(Debug, Default)]
pub(crate) struct Goal {
    /// Targets, each with its figures.
    pub(crate) targets: Vec<TargetStanding>,
    /// Share of the supplier in the world's refining by material, observed and projected.
    pub(crate) refining: Vec<(String, [Estimate; 2])>,
    /// The claim about refining, checked.
    pub(crate) claim: Option<CheckedClaim>,
}

/// A share by month, and the rules that watch it.
#[derive(Debug, Default)]
pub(crate) struct Months {
    /// Months with their shares, oldest first.
    pub(crate) series: Vec<(String, Option<f64>)>,
    /// The rules, by identifier.
    pub(crate) watches: Vec<Watch>,
}

/// A rule on the share by month.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) rule: String,
    /// The condition in words.
    pub(crate) condition: String,
    /// The alert as it stands. `None`: the rule has never fired.
    pub(crate) alert: Option<Alert>,
    /// The alert as it was when it last fired.
    pub(crate) fired: Option<Alert>,
}

/// Direct suppliers of a material to a consumer, beside the true origins.
#[derive(Debug, PartialEq)]
pub(crate) struct Origins {
    pub(crate) consumer: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    /// Direct suppliers.
    pub(crate) direct: Ranking,
    /// Economies of origin behind re-exports.
    pub(crate) origins: Ranking,
}

/// Economies by share, the largest first, with their concentration.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ranking {
    pub(crate) shares: Vec<(String, Estimate)>,
    pub(crate) hhi: Estimate,
}

/// Changes by the newest release.
#[derive(Debug)]
pub(crate) struct Restatement {
    /// Number of shares of largest producers that differ, in the periods that both vintages have.
    pub(crate) changed: u64,
    /// Shares of largest producers that differ, the largest difference first.
    pub(crate) restated: Vec<Restated>,
    /// Alerts that the newest release fired, resolved or restated.
    pub(crate) flips: Vec<Flip>,
    /// The figure with the largest difference, in each vintage.
    pub(crate) as_at: Vec<AsAtFigure>,
}

/// A share over time.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) consumer: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    /// Threshold of the rule that watches the series, if one does.
    pub(crate) line: Option<f64>,
    /// Periods with their shares, oldest first.
    pub(crate) series: Vec<(String, Option<f64>)>,
}

impl Headline {
    /// The first and the last period that have a value, with their values.
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
    /// Share of the supplier, by quantity. Zero if there are flows, but none from the supplier.
    pub(crate) share: Estimate,
    /// Concentration of the imports.
    pub(crate) hhi: Estimate,
    /// The largest supplier and its share.
    pub(crate) top: Option<String>,
    pub(crate) top_share: Estimate,
    pub(crate) releases: Vec<String>,
}

impl Entry {
    /// The share, if it has a value.
    pub(crate) fn value(&self) -> Option<f64> {
        self.share.value
    }

    /// The mark of a share in whole percent: `~` if it is an estimate, `?` if the bounds can be told from it.
    pub(crate) fn mark(&self) -> &'static str {
        let rounded = |share: Option<f64>| share.map(|share| (share * 100.0).round());
        let is_same = |bound: Option<f64>| {
            let pair = rounded(bound).zip(rounded(self.share.value));
            pair.is_some_and(|(bound, value)| bound.total_cmp(&value).is_eq())
        };
        match self.share.status() {
            Status::Known => "",
            _ if is_same(self.share.low) && is_same(self.share.high) => "~",
            _ => "?",
        }
    }
}

/// The largest producer of a market in the older and in the newer vintage.
#[derive(Clone, Debug)]
pub(crate) struct Restated {
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    pub(crate) old: Side,
    pub(crate) new: Side,
}

/// The largest producer of a market in one vintage.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) share: f64,
    pub(crate) hhi: Option<f64>,
}

impl Restated {
    /// Difference of the shares, newer minus older.
    pub(crate) fn difference(&self) -> f64 {
        self.new.share - self.old.share
    }
}

/// An alert whose state in a period is different in the newer vintage.
#[derive(Clone, Debug)]
pub(crate) struct Flip {
    pub(crate) alert: Alert,
    /// Kind of transition: `fired`, `resolved` or `restated`.
    pub(crate) event: &'static str,
    /// For a restatement, the period and the states before and after.
    pub(crate) restated: Option<(String, AlertState, AlertState)>,
}

/// One figure in one vintage.
#[derive(Clone, Debug)]
pub(crate) struct AsAtFigure {
    pub(crate) vintage: String,
    pub(crate) material: String,
    pub(crate) stage: String,
    pub(crate) period: String,
    pub(crate) measure: String,
    pub(crate) value: Estimate,
    pub(crate) names: Vec<String>,
}
