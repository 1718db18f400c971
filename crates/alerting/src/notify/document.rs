//! The YAML form of subscriptions and inhibitions.
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::MatchOperator;
use orewatch_runtime::{Class, Failure};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::inhibit;
use super::limits::Limits;
use super::subscription::Terms;
use super::time::timestamp;
use crate::rules::{has_key, place, read, readable, seconds};

/// A file of subscriptions: one, or a list of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, title = "Orewatch subscriptions")]
pub enum Subscriptions {
    /// Several.
    List(SubscriptionList),
    /// One.
    One(Box<SubscriptionEntry>),
}

/// Several subscriptions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionList {
    /// The subscriptions.
    subscriptions: Vec<SubscriptionEntry>,
}

/// Who wants to hear of which alerts, how often, and when not.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    id: String,
    /// One line for people.
    #[serde(default)]
    title: String,
    /// Which alerts. Left out: all.
    #[serde(default)]
    select: Selection,
    /// Identifier of the receiver.
    receiver: String,
    /// By what alerts are put into one message, such as `material` or `label.team`; `alert`: each by itself. Left out: one
    /// message for all.
    #[serde(default)]
    group_by: Vec<String>,
    /// When messages go out.
    #[serde(default)]
    cadence: Cadence,
    /// When none goes out.
    #[serde(default)]
    quiet: Vec<Quiet>,
    /// No message that only says that alerts are over.
    #[serde(default)]
    without_resolved: bool,
    /// Who is told when nobody acknowledges. Left out: nobody.
    escalation: Option<Step>,
    /// Who answers for it.
    #[serde(default)]
    owner: String,
    /// From when on it is as if it were not there, such as `2027-01-01T00:00:00Z`. Left out: never.
    expires_at: Option<String>,
}

/// Which alerts. What is left out matches all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Selection {
    /// Identifiers of rules.
    rule: Option<Codes>,
    /// Consumers.
    consumer: Option<Codes>,
    /// Materials.
    material: Option<Codes>,
    /// Stages.
    stage: Option<Codes>,
    /// Suppliers.
    supplier: Option<Codes>,
    /// Severities.
    severity: Option<Codes>,
    /// Labels that must all be there with these values.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Further conditions that must all hold: `FIELD=VALUE`, `FIELD!=VALUE`, `FIELD=~EXPRESSION` or `FIELD!~EXPRESSION`.
    #[serde(default)]
    matchers: Vec<String>,
}

/// One code, or a list of codes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected one code, or a list of codes")]
enum Codes {
    /// One.
    One(String),
    /// Each of these.
    List(Vec<String>),
}

/// When messages go out. Lengths read `10s`, `5m`, `4h` or `7d`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cadence {
    /// How long the first alert of a group waits for others. Left out: 10 s.
    wait: Option<String>,
    /// Least time between two messages of a group that changes. Left out: 5 min.
    interval: Option<String>,
    /// After how long a group that still fires is told again. Left out: never.
    repeat: Option<String>,
    /// Messages go out at set times only.
    digest: Option<Digest>,
}

/// Set times of messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Digest {
    /// Time of day, `HH:MM`.
    at: String,
    /// Day of the week. Left out: every day.
    #[serde(default)]
    weekday: String,
    /// Time zone, such as `Europe/Brussels`. Left out: UTC.
    #[serde(default)]
    zone: String,
}

/// A window of the week.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quiet {
    /// Beginning, `HH:MM`.
    from: String,
    /// End, `HH:MM`; at or before the beginning: on the next day.
    until: String,
    /// Days on which it begins. Left out: every day.
    #[serde(default)]
    weekdays: Vec<String>,
    /// Time zone. Left out: UTC.
    #[serde(default)]
    zone: String,
    /// Severities that go out all the same.
    #[serde(default)]
    except_severities: Vec<String>,
}

/// One step up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    /// How long after the first message about an alert.
    after: String,
    /// Identifier of the receiver that is told then.
    receiver: String,
    /// Only of these severities. Left out: all.
    #[serde(default)]
    severities: Vec<String>,
}

/// A file of inhibitions: one, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionList {
    /// The inhibitions.
    inhibitions: Vec<InhibitionEntry>,
}

/// No messages about some alerts while others fire that explain them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    id: String,
    /// The alerts that explain.
    source: Selection,
    /// The alerts that are not told.
    target: Selection,
    /// What source and target must have in common, such as `material`. Left out: nothing.
    #[serde(default)]
    equal: Vec<String>,
}

/// JSON Schema of a file of subscriptions.
#[must_use]
pub fn subscriptions_schema() -> Schema {
    schema_for!(Subscriptions)
}

/// JSON Schema of a file of inhibitions.
#[must_use]
pub fn inhibitions_schema() -> Schema {
    schema_for!(InhibitionList)
}

/// Reads and checks a file of subscriptions; `name` is what errors call it. Whether receivers exist is for the service to say.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and what to do.
pub fn subscriptions(name: &str, bytes: &[u8]) -> Result<Vec<proto::Subscription>, Failure> {
    let text = readable(name, bytes)?;
    let is_list = has_key(text, "subscriptions");
    let entries: Vec<SubscriptionEntry> =
        if is_list { read::<SubscriptionList>(name, text)?.subscriptions } else { vec![read(name, text)?] };
    let read = |entry: SubscriptionEntry| {
        let subscription = entry.into_proto()?;
        Terms::check(&subscription)?;
        Ok(subscription)
    };
    each(name, text, is_list.then_some("subscriptions"), entries, read, |subscription| &subscription.id)
}

/// Reads and checks a file of inhibitions; `name` is what errors call it.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and what to do.
pub fn inhibitions(name: &str, bytes: &[u8]) -> Result<Vec<proto::Inhibition>, Failure> {
    let text = readable(name, bytes)?;
    let is_list = has_key(text, "inhibitions");
    let entries: Vec<InhibitionEntry> =
        if is_list { read::<InhibitionList>(name, text)?.inhibitions } else { vec![read(name, text)?] };
    let read = |entry: InhibitionEntry| {
        let inhibition = entry.into_proto()?;
        inhibit::Terms::check(&inhibition, &Limits::default())?;
        Ok(inhibition)
    };
    each(name, text, is_list.then_some("inhibitions"), entries, read, |inhibition| &inhibition.id)
}

/// Reads the entries of a file, none of them twice.
fn each<E, T>(
    name: &str,
    text: &str,
    list: Option<&str>,
    entries: Vec<E>,
    read: impl Fn(E) -> Result<T, Failure>,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<T>, Failure> {
    let mut all: Vec<T> = Vec::new();
    for (k, entry) in entries.into_iter().enumerate() {
        let prefix = list.map(|list| format!("{list}[{k}].")).unwrap_or_default();
        let one = read(entry).map_err(|failure| place(name, text, &prefix, failure))?;
        if all.iter().any(|other| id(other) == id(&one)) {
            let twice = Failure::new(Class::Invalid, "duplicate-id", format!("{} is listed twice", id(&one)));
            return Err(place(name, text, &prefix, twice.at("id", id(&one))));
        }
        all.push(one);
    }
    if all.is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} lists nothing")));
    }
    Ok(all)
}

impl SubscriptionEntry {
    fn into_proto(self) -> Result<proto::Subscription, Failure> {
        let expires_at = self.expires_at.as_deref().map(|text| instant(text, "expires_at")).transpose()?;
        Ok(proto::Subscription {
            id: self.id,
            title: self.title,
            select: Some(self.select.into_proto("select")?),
            receiver: self.receiver,
            group_by: self.group_by,
            cadence: Some(self.cadence.into_proto()?),
            quiet: self.quiet.into_iter().map(Quiet::into_proto).collect(),
            without_resolved: self.without_resolved,
            escalation: self.escalation.map(Step::into_proto).transpose()?,
            owner: self.owner,
            expires_at: expires_at.map(timestamp),
        })
    }
}

impl InhibitionEntry {
    fn into_proto(self) -> Result<proto::Inhibition, Failure> {
        Ok(proto::Inhibition {
            id: self.id,
            source: Some(self.source.into_proto("source")?),
            target: Some(self.target.into_proto("target")?),
            equal: self.equal,
        })
    }
}

impl Selection {
    fn into_proto(self, at: &str) -> Result<proto::AlertFilter, Failure> {
        let codes = |codes: Option<Codes>| match codes {
            None => Vec::new(),
            Some(Codes::One(code)) => vec![code],
            Some(Codes::List(codes)) => codes,
        };
        let matchers = self.matchers.iter().enumerate();
        Ok(proto::AlertFilter {
            rules: codes(self.rule),
            consumers: codes(self.consumer),
            materials: codes(self.material),
            stages: codes(self.stage),
            suppliers: codes(self.supplier),
            severities: codes(self.severity),
            labels: self.labels,
            matchers: matchers
                .map(|(k, text)| matcher(text, &format!("{at}.matchers[{k}]")))
                .collect::<Result<_, _>>()?,
            states: Vec::new(),
        })
    }
}

impl Cadence {
    fn into_proto(self) -> Result<proto::Cadence, Failure> {
        let optional = |text: Option<String>, at: &str| text.map(|text| length(&text, at)).transpose();
        Ok(proto::Cadence {
            wait: optional(self.wait, "cadence.wait")?,
            interval: optional(self.interval, "cadence.interval")?,
            repeat: optional(self.repeat, "cadence.repeat")?,
            digest: self.digest.map(|digest| proto::Digest {
                at: digest.at,
                weekday: digest.weekday,
                zone: digest.zone,
            }),
        })
    }
}

impl Quiet {
    fn into_proto(self) -> proto::QuietHours {
        proto::QuietHours {
            from: self.from,
            until: self.until,
            weekdays: self.weekdays,
            zone: self.zone,
            except_severities: self.except_severities,
        }
    }
}

impl Step {
    fn into_proto(self) -> Result<proto::Escalation, Failure> {
        let after = Some(length(&self.after, "escalation.after")?);
        Ok(proto::Escalation { after, receiver: self.receiver, severities: self.severities })
    }
}

/// A condition on one field, such as `consumer!=USA`; `at` is where it stands, for the error.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn matcher(text: &str, at: &str) -> Result<proto::Matcher, Failure> {
    let wrong = || {
        let wrong = Failure::new(Class::Invalid, "invalid-matcher", format!("{text:?} is no condition"));
        wrong
            .at(at, text)
            .with_hint("write FIELD=VALUE, FIELD!=VALUE, FIELD=~EXPRESSION or FIELD!~EXPRESSION")
    };
    let (place, rest) =
        text.find(['=', '!']).and_then(|place| Some((place, text.get(place..)?))).ok_or_else(wrong)?;
    let operators = [
        ("=~", MatchOperator::Matches),
        ("!~", MatchOperator::NotMatches),
        ("!=", MatchOperator::NotEqual),
        ("=", MatchOperator::Equal),
    ];
    let found = operators.iter().find_map(|(sign, operator)| Some((rest.strip_prefix(sign)?, *operator)));
    let (value, operator) = found.ok_or_else(wrong)?;
    let field = text.get(..place).unwrap_or_default().trim().to_owned();
    Ok(proto::Matcher { field, operator: operator.into(), value: value.trim().to_owned() })
}

/// A length of time such as `30s` or `4h`; `at` is where it stands, for the error.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn length(text: &str, at: &str) -> Result<prost_types::Duration, Failure> {
    let length = seconds(text).and_then(|seconds| Duration::from_secs(seconds).try_into().ok());
    length.ok_or_else(|| {
        let wrong = Failure::new(Class::Invalid, "invalid-duration", format!("{text:?} is no duration"));
        wrong.at(at, text).with_hint("write a number with `s`, `m`, `h`, `d` or `w`, such as `4h`")
    })
}

/// An instant such as `2027-01-01T00:00:00Z`; `at` is where it stands, for the error.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn instant(text: &str, at: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is no instant"));
        wrong.at(at, text).with_hint("write it with its offset, such as 2027-01-01T00:00:00Z")
    })
}
