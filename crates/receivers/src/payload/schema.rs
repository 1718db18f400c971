//! The JSON form of a message for programs: a CloudEvent with the message as its data. Its schema is public;
//! fields are only added.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

/// Type of the event.
pub const EVENT_TYPE: &str = "orewatch.alerting.v1.Notification";

/// Source of the event.
pub const EVENT_SOURCE: &str = "/orewatch/alerts";

/// A message as an event: the attributes of CloudEvents 1.0, and the message in `data`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Orewatch notification")]
pub struct Payload {
    /// Version of CloudEvents: `1.0`.
    pub specversion: &'static str,
    /// Identifier of the message, a UUID. It is the same in every attempt and every replay, so receivers can
    /// drop duplicates.
    pub id: String,
    /// Source of the event: `/orewatch/alerts`.
    pub source: &'static str,
    /// Type of the event: `orewatch.alerting.v1.Notification`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `SUBSCRIPTION/GROUP`, or the receiver if the message belongs to no subscription.
    pub subject: String,
    /// Time at which the message was planned, RFC 3339 in UTC.
    pub time: String,
    /// Media type of `data`: `application/json`.
    pub datacontenttype: &'static str,
    /// The message.
    pub data: Data,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Data {
    /// Whether this is a drill: the message is sent for an exercise, and no alert changed.
    pub drill: bool,
    /// Why the message is sent: `first`, `new-alerts`, `resolved`, `all-resolved`, `repeat`, `changed`,
    /// `silence-over`, `inhibition-over`, `escalated`, `digest`, `heartbeat`, `drill` or `receiver-down`.
    /// Later versions may add values.
    pub reason: String,
    /// One line for people.
    pub title: String,
    /// Further lines for people.
    pub lines: Vec<String>,
    /// Identifier of the receiver.
    pub receiver: String,
    /// Identifier of the subscription. Empty if there is none.
    pub subscription: String,
    /// Group key: `KEY=VALUE`, separated by commas. Empty if the subscription has a single group.
    pub group: String,
    /// Number of the message within the subscription's group, from 1. A higher number describes a later
    /// state.
    pub sequence: u32,
    /// Number of firing alerts of the group.
    pub firing: u32,
    /// Number of alerts that resolved since the previous message.
    pub resolved: u32,
    /// Number of alerts that were left out to limit the length of the message.
    pub omitted: u32,
    /// The alerts: firing alerts first, then by severity.
    pub alerts: Vec<AlertData>,
}

/// An alert in a message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AlertData {
    /// Identifier, the same in all episodes: `RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER`.
    pub id: String,
    /// Identifier of the episode.
    pub episode: String,
    /// `firing`, `resolved`, `pending` or `inactive`.
    #[schemars(extend("enum" = ["firing", "resolved", "pending", "inactive"]))]
    pub state: String,
    /// Severity.
    pub severity: String,
    /// One line for people.
    pub headline: String,
    /// Title of the rule.
    pub title: String,
    /// Identifier of the rule.
    pub rule: String,
    /// Revision of the rule.
    pub rule_revision: u32,
    /// Importing economy or group.
    pub consumer: String,
    /// Material.
    pub material: String,
    /// Stage of production.
    pub stage: String,
    /// Supplying economy. Empty if the measure is not about one supplier.
    pub supplier: String,
    /// Measure with its version.
    pub measure: String,
    /// What flows are weighted by: `quantity` or `value`.
    pub by: String,
    /// Period of the figure.
    pub period: String,
    /// The newest figure of a firing alert; for a resolved alert the figure that ended the episode.
    pub figure: Figure,
    /// Figure of the last transition. Null if it equals `figure`.
    pub at_transition: Option<TransitionData>,
    /// Reason of the last change: `crossed`, `held`, `cleared`, `restated`, `no-data`, `data-back`,
    /// `severity`, `source-changed`, `sources-separated`, `frequencies-separated`, `confirmed`, ... With
    /// `source-changed`, `sources-separated` and `frequencies-separated`, the figure comes from other data
    /// and nothing has changed in the world. Later versions may add values.
    pub reason: String,
    /// Restatement of a past period. Null if the message is not about a restatement.
    pub restated: Option<RestatedData>,
    /// Figure with which the episode fired. Null if the alert is firing, or if the figure is not known.
    pub fired_with: Option<Figure>,
    /// Period of `fired_with`. Empty if it is not known.
    pub fired_period: String,
    /// Threshold, in the unit of the measure. 0 if the condition has no single threshold.
    pub line: f64,
    /// Whether the alert is for values above the threshold.
    pub above: bool,
    /// The condition in words, such as `above 60 % by quantity or by value`. Empty if the figure itself is
    /// compared with `line`.
    pub condition: String,
    /// What the condition found beyond the figure, such as the figure on both bases: `67.7 % by quantity
    /// (above 60 %), 50.7 % by value (not above 60 %)`. Empty if there is nothing beyond the figure.
    pub finding: String,
    /// Distance of the value beyond the threshold. Null if there is no value.
    pub margin: Option<f64>,
    /// `confirmed` or `not-confirmed`. Empty if the threshold is not crossed.
    pub certainty: String,
    /// Whether the figure of the newest period is missing.
    pub stale: bool,
    /// First period of the episode. Empty if there is none.
    pub pending_since: String,
    /// Older name of `pending_since`.
    pub since: String,
    /// Release that changed the figure. Empty if the rule changed, or no release did.
    pub cause_release: String,
    /// Older name of `cause_release`.
    pub cause: String,
    /// Kind of the cause: `release-committed`, `release-restated`, `release-withdrawn`, `measures-added`,
    /// `source-changed` or `sources-separated`. Empty if the rule changed.
    pub cause_kind: String,
    /// Values of the datasets with the figure. Null if only one dataset has it.
    pub sources: Option<SourcesData>,
    /// Release that made a resolved alert fire. Empty if it is not known.
    pub fired_cause: String,
    /// The largest suppliers.
    pub contributors: Vec<Contributor>,
    /// Figures of the last periods, oldest first.
    pub series: Vec<Point>,
    /// Current acknowledgement. Null if there is none.
    pub acknowledgement: Option<AcknowledgementData>,
    /// Labels of the rule.
    pub labels: BTreeMap<String, String>,
    /// Owner of the rule.
    pub owner: String,
    /// Name of the rule pack that the rule belongs to. Empty if there is none.
    pub pack: String,
    /// Text of the rule.
    pub text: String,
    /// Address of the explanation. Null if no base address is configured.
    pub explain_url: Option<String>,
    /// Identifier of the event of the transition.
    pub event_id: String,
    /// Time at which the transition was recorded, RFC 3339 in UTC. Empty if it is not known.
    pub time: String,
    /// Products that the figure is about. Empty for figures of output, or if they are not known.
    pub products: Vec<ProductData>,
    /// What stands between a figure of proxy products and the material. Empty if no product is a proxy.
    pub caveat: String,
    /// Size of the market that the figure is a part of. Null if it is not known.
    pub size: Option<SizeData>,
}

/// A product code by which a material is measured in trade.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProductData {
    /// Product code.
    pub code: String,
    /// Name of the goods. Empty if it is not known.
    pub name: String,
    /// Whether the code also covers other goods, or only stands in for the material.
    pub proxy: bool,
    /// Least share of the goods that is the material, 0 to 1. Null if it is not known.
    pub purity: Option<f64>,
}

/// Size of a market.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SizeData {
    /// Tonnes. Null if it is not known.
    pub quantity_t: Option<f64>,
    /// Thousands of current US dollars. Null if it is not known.
    pub value_kusd: Option<f64>,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// Best estimate, in the unit of the measure. Null if there is none.
    pub value: Option<f64>,
    /// Lower bound. Null if none is known.
    pub low: Option<f64>,
    /// Upper bound. Null if none is known.
    pub high: Option<f64>,
    /// `known`, `partial`, `withheld`, `unavailable`, `not-applicable` or `stale`.
    pub status: String,
    /// Why the figure is not known. Empty if it is known.
    pub reason: String,
}

/// The figure of a transition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TransitionData {
    /// Period of the figure.
    pub period: String,
    /// Figure at the transition.
    pub figure: Figure,
    /// Distance beyond the threshold. Null if there was no value.
    pub margin: Option<f64>,
    /// `confirmed` or `not-confirmed`. Empty if the threshold was not crossed.
    pub certainty: String,
    /// Release that changed the figure. Empty if it is not known.
    pub cause_release: String,
    /// Older name of `cause_release`.
    pub cause: String,
}

/// A past period that has another state by corrected data. The state of the alert does not change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RestatedData {
    /// The period.
    pub period: String,
    /// State in the period by the earlier data.
    pub was: String,
    /// State in the period by the corrected data.
    pub is: String,
    /// The corrected figure.
    pub figure: Figure,
    /// Previous value. Null if there was none.
    pub previous: Option<f64>,
    /// `restated`, `source-changed` or `sources-separated`.
    pub reason: String,
    /// Release that changed the figure. Empty if none did.
    pub cause_release: String,
    /// Older name of `cause_release`.
    pub cause: String,
}

/// Values of a figure in several datasets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SourcesData {
    /// Number of datasets with the figure.
    pub count: u32,
    /// Lowest value. Null if it is not known.
    pub lowest: Option<f64>,
    /// Dataset with the lowest value.
    pub lowest_dataset: String,
    /// Highest value. Null if it is not known.
    pub highest: Option<f64>,
    /// Dataset with the highest value.
    pub highest_dataset: String,
    /// Whether the datasets are on different sides of the threshold.
    pub disagree: bool,
}

/// A supplier that contributes to a figure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Contributor {
    /// ISO 3166-1 alpha-3 code.
    pub supplier: String,
    /// Share, 0 to 1.
    pub share: f64,
}

/// A figure of one period.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// The period.
    pub period: String,
    /// Best estimate. Null if there is none.
    pub value: Option<f64>,
    /// Lower bound. Null if none is known.
    pub low: Option<f64>,
    /// Upper bound. Null if none is known.
    pub high: Option<f64>,
}

/// Acknowledgement of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AcknowledgementData {
    /// Person or team that handles the alert.
    pub owner: String,
    /// `potential`, `confirmed` or `no-impact`. Empty if there is no verdict yet.
    pub verdict: String,
    /// Note.
    pub note: String,
}

/// JSON Schema of the messages that programs receive.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Payload)
}
