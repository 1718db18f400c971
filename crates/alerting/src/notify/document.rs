//! Reads files of subscriptions and inhibitions. The doc comments of the types below are the descriptions in
//! the JSON Schemas of these files.
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::MatchOperator;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::rules::{add_location, has_key, parse_seconds, parse_yaml, read_text, resolve_lists};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::inhibit::InhibitRule;
use super::limits::Limits;
use super::route::Route;

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

/// Which alerts a receiver is notified of, how often, and when not.
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
    select: SelectionEntry,
    /// Identifier of the receiver.
    receiver: String,
    /// Fields by which alerts are grouped into one message, such as `material` or `label.team`; `alert`: a
    /// message for each alert. Left out: one message for all.
    #[serde(default)]
    group_by: Vec<String>,
    /// When messages are sent.
    #[serde(default)]
    cadence: CadenceEntry,
    /// When no message is sent.
    #[serde(default)]
    quiet: Vec<QuietEntry>,
    /// No messages that only say that alerts are resolved.
    #[serde(default)]
    without_resolved: bool,
    /// One more receiver if nobody acknowledges an alert. Left out: none.
    escalation: Option<EscalationEntry>,
    /// Who is responsible for it.
    #[serde(default)]
    owner: String,
    /// When it ends, such as `2027-01-01T00:00:00Z`. Left out: never.
    expires_at: Option<String>,
}

/// A selection of alerts. What is left out matches all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelectionEntry {
    /// Identifiers of rules.
    rule: Option<Codes>,
    /// Consumers.
    consumer: Option<Codes>,
    /// Materials, or those of a list of critical materials, such as `listed(USA-2025)`.
    material: Option<Codes>,
    /// Stages.
    stage: Option<Codes>,
    /// Suppliers.
    supplier: Option<Codes>,
    /// Severities.
    severity: Option<Codes>,
    /// Labels that alerts must have with these values.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Further conditions, which must all hold: `FIELD=VALUE`, `FIELD!=VALUE`, `FIELD=~EXPRESSION` or
    /// `FIELD!~EXPRESSION`.
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

/// When messages are sent. Durations have the form `10s`, `5m`, `4h` or `7d`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CadenceEntry {
    /// How long the first alert of a group waits for others. Left out: 10 s.
    wait: Option<String>,
    /// Least time between two messages of a group that changes. Left out: 5 min.
    interval: Option<String>,
    /// Time after which a group that still fires is sent again. Left out: never.
    repeat: Option<String>,
    /// Set times at which messages are sent. Left out: any time.
    digest: Option<DigestEntry>,
}

/// Set times of messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DigestEntry {
    /// Time of day, `HH:MM`.
    at: String,
    /// Day of the week. Left out: every day.
    #[serde(default)]
    weekday: String,
    /// Time zone, such as `Europe/Brussels`. Left out: UTC.
    #[serde(default)]
    zone: String,
}

/// A window of the week in which no message is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuietEntry {
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
    /// Severities that are sent all the same.
    #[serde(default)]
    except_severities: Vec<String>,
}

/// One more receiver if nobody acknowledges an alert.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EscalationEntry {
    /// Time after the first message about an alert.
    after: String,
    /// Identifier of the receiver.
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

/// No messages about target alerts while a source alert fires that explains them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    id: String,
    /// The alerts that explain.
    source: SelectionEntry,
    /// The alerts that are muted.
    target: SelectionEntry,
    /// Fields that source and target must share, such as `material`. Left out: none.
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

/// Reads and checks a file of subscriptions; errors name it `name`. Only the service can check that receivers
/// exist.
///
/// # Errors
/// The first error, with file, line, column, field, value and what to do.
pub fn read_subscriptions(name: &str, bytes: &[u8]) -> Result<Vec<proto::Subscription>, Failure> {
    let text = read_text(name, bytes)?;
    let is_list = has_key(text, "subscriptions");
    let entries: Vec<SubscriptionEntry> = if is_list {
        parse_yaml::<SubscriptionList>(name, text)?.subscriptions
    } else {
        vec![parse_yaml(name, text)?]
    };
    let read = |entry: SubscriptionEntry| {
        let subscription = entry.into_proto()?;
        Route::check(&subscription)?;
        Ok(subscription)
    };
    read_entries(name, text, is_list.then_some("subscriptions"), entries, read, |subscription| {
        &subscription.id
    })
}

/// Reads and checks a file of inhibitions; errors name it `name`.
///
/// # Errors
/// The first error, with file, line, column, field, value and what to do.
pub fn read_inhibitions(name: &str, bytes: &[u8]) -> Result<Vec<proto::Inhibition>, Failure> {
    let text = read_text(name, bytes)?;
    let is_list = has_key(text, "inhibitions");
    let entries: Vec<InhibitionEntry> = if is_list {
        parse_yaml::<InhibitionList>(name, text)?.inhibitions
    } else {
        vec![parse_yaml(name, text)?]
    };
    let read = |entry: InhibitionEntry| {
        let inhibition = entry.into_proto()?;
        InhibitRule::check(&inhibition, &Limits::default())?;
        Ok(inhibition)
    };
    read_entries(name, text, is_list.then_some("inhibitions"), entries, read, |inhibition| &inhibition.id)
}

/// Reads the entries of a file, and refuses repeated identifiers.
fn read_entries<E, T>(
    name: &str,
    text: &str,
    list: Option<&str>,
    entries: Vec<E>,
    read: impl Fn(E) -> Result<T, Failure>,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<T>, Failure> {
    let mut items: Vec<T> = Vec::new();
    for (k, entry) in entries.into_iter().enumerate() {
        let prefix = list.map(|list| format!("{list}[{k}].")).unwrap_or_default();
        let item = read(entry).map_err(|failure| add_location(name, text, &prefix, failure))?;
        if items.iter().any(|other| id(other) == id(&item)) {
            let twice =
                Failure::new(Class::Invalid, "duplicate-id", format!("{} is listed twice", id(&item)));
            return Err(add_location(name, text, &prefix, twice.at("id", id(&item))));
        }
        items.push(item);
    }
    if items.is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} has no entries")));
    }
    Ok(items)
}

impl SubscriptionEntry {
    fn into_proto(self) -> Result<proto::Subscription, Failure> {
        let expires_at =
            self.expires_at.as_deref().map(|text| parse_instant(text, "expires_at")).transpose()?;
        Ok(proto::Subscription {
            id: self.id,
            title: self.title,
            select: Some(self.select.into_proto("select")?),
            receiver: self.receiver,
            group_by: self.group_by,
            cadence: Some(self.cadence.into_proto()?),
            quiet: self.quiet.into_iter().map(QuietEntry::into_proto).collect(),
            without_resolved: self.without_resolved,
            escalation: self.escalation.map(EscalationEntry::into_proto).transpose()?,
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

impl SelectionEntry {
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
            materials: resolve_lists(codes(self.material), &format!("{at}.materials"))?,
            stages: codes(self.stage),
            suppliers: codes(self.supplier),
            severities: codes(self.severity),
            labels: self.labels,
            matchers: matchers
                .map(|(k, text)| parse_matcher(text, &format!("{at}.matchers[{k}]")))
                .collect::<Result<_, _>>()?,
            states: Vec::new(),
        })
    }
}

impl CadenceEntry {
    fn into_proto(self) -> Result<proto::Cadence, Failure> {
        let optional =
            |text: Option<String>, at: &str| text.map(|text| parse_duration(&text, at)).transpose();
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

impl QuietEntry {
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

impl EscalationEntry {
    fn into_proto(self) -> Result<proto::Escalation, Failure> {
        let after = Some(parse_duration(&self.after, "escalation.after")?);
        Ok(proto::Escalation { after, receiver: self.receiver, severities: self.severities })
    }
}

/// Parses a condition on one field, such as `consumer!=USA`; errors name the field `at`.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn parse_matcher(text: &str, at: &str) -> Result<proto::Matcher, Failure> {
    let wrong = || {
        let wrong = Failure::new(Class::Invalid, "invalid-matcher", format!("{text:?} is not a condition"));
        wrong
            .at(at, text)
            .with_hint("write FIELD=VALUE, FIELD!=VALUE, FIELD=~EXPRESSION or FIELD!~EXPRESSION")
    };
    let (start, rest) =
        text.find(['=', '!']).and_then(|start| Some((start, text.get(start..)?))).ok_or_else(wrong)?;
    let operators = [
        ("=~", MatchOperator::Matches),
        ("!~", MatchOperator::NotMatches),
        ("!=", MatchOperator::NotEqual),
        ("=", MatchOperator::Equal),
    ];
    let found = operators.iter().find_map(|(sign, operator)| Some((rest.strip_prefix(sign)?, *operator)));
    let (value, operator) = found.ok_or_else(wrong)?;
    let field = text.get(..start).unwrap_or_default().trim().to_owned();
    Ok(proto::Matcher { field, operator: operator.into(), value: value.trim().to_owned() })
}

/// Parses a duration such as `30s` or `4h`; errors name the field `at`.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn parse_duration(text: &str, at: &str) -> Result<prost_types::Duration, Failure> {
    let length = parse_seconds(text).and_then(|seconds| Duration::from_secs(seconds).try_into().ok());
    length.ok_or_else(|| {
        let wrong = Failure::new(Class::Invalid, "invalid-duration", format!("{text:?} is not a duration"));
        wrong.at(at, text).with_hint("write a number with `s`, `m`, `h`, `d` or `w`, such as `4h`")
    })
}

/// Parses an instant such as `2027-01-01T00:00:00Z`; errors name the field `at`.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn parse_instant(text: &str, at: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is not an instant"));
        wrong.at(at, text).with_hint("write it with its offset, such as 2027-01-01T00:00:00Z")
    })
}
