//! The YAML form of rules.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::{Class, Failure};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::check::check;
use super::compile::is_ascending;
use super::confirm::Confirm;
use super::duration::{invalid_duration, parse_seconds};
use super::listed::resolve_lists;
use super::locate::has_key;
use super::when::{Weight, When};
use super::yaml::{add_location, parse_yaml, read_text};

/// A file of rules: one rule, or a list of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, title = "Orewatch rules")]
pub enum Document {
    /// Several rules.
    List(RuleList),
    /// One rule.
    One(Box<RuleEntry>),
}

/// A list of rules, as a pack if it has a name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleList {
    /// Name of the pack: lower-case letters, digits and hyphens.
    #[serde(default)]
    pack: String,
    /// The rules.
    rules: Vec<RuleEntry>,
}

/// A rule: a condition on the figures of a measure.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    #[schemars(regex(pattern = "^([a-z0-9-]{1,64}:)?[a-z0-9-]{1,64}$"))]
    id: String,
    /// Title, one line.
    title: String,
    /// The measure, such as `import-share`.
    measure: String,
    /// Weight of the flows. Default: quantity, or value for a measure that has no other.
    by: Option<Weight>,
    /// Subjects that the rule watches. A missing list matches all.
    #[serde(default)]
    select: Select,
    /// Condition of the rule.
    when: When,
    /// Time for which the line must be crossed before the alert fires. Default: it fires at once.
    hold: Option<Length>,
    /// Time for which a firing alert keeps firing after the line is cleared. Default: it resolves at once.
    keep_firing: Option<Length>,
    /// What happens if the figure goes missing. Default: the alert becomes stale and stays.
    no_data: Option<NoData>,
    /// Severities by value. Default: `warning` for all values.
    severity: Option<Severities>,
    /// Limit on the open alerts of the rule. Default: 10000.
    limit: Option<u32>,
    /// Whether the rule watches years or months. Default: years.
    frequency: Option<Every>,
    /// Number of datasets that must be beyond the line before the alert fires, such as `2` or `2 sources`.
    /// Default: the dataset that provides the figure.
    confirmed_by: Option<Sources>,
    /// What an alert needs to be confirmed, such as `{revision: soft}`. Default: the bounds of its figure.
    confirm: Option<Confirm>,
    /// Least size of the market in tonnes. Figures of a smaller one do not fire. Default: any size.
    min_quantity: Option<f64>,
    /// Least size of the market in thousands of US dollars. Default: any size.
    min_value: Option<f64>,
    /// Labels for routing.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Owner of the rule.
    #[serde(default)]
    owner: String,
    /// What the alert means and what to do.
    #[serde(default)]
    text: String,
}

/// Frequency of the periods that a rule watches.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Every {
    /// Years.
    Annual,
    /// Months.
    Monthly,
}

/// Number of datasets that must be beyond the line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number of datasets such as `2`, or `2 sources`")]
enum Sources {
    /// A number.
    Count(u32),
    /// A number in words, such as `2 sources`.
    Words(String),
}

/// Subjects that a rule watches.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Economies, blocs or `WLD`.
    consumer: Option<Codes>,
    /// Materials of the catalogue, or those of a list of critical materials, such as `listed(USA-2025)`.
    material: Option<Codes>,
    /// `mined`, `refined` or `manufactured`.
    stage: Option<Codes>,
    /// Economies.
    supplier: Option<Codes>,
    /// Excluded economies, or blocs for all their present members.
    except_supplier: Option<Codes>,
}

/// One code, a list of codes, or `any`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected one code, a list of codes, or `any`")]
enum Codes {
    /// One code, or `any`.
    One(String),
    /// A list of codes.
    List(Vec<String>),
}

/// A length of time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "expected `{periods: 2}`, `{seconds: 3600}` or a duration such as `30d`")]
enum Length {
    /// A number with a unit up to weeks, such as `30d` or `12h`.
    Text(String),
    /// Further periods of the figures.
    Periods {
        /// Number of periods.
        periods: u32,
    },
    /// Seconds between the ends of periods.
    Seconds {
        /// Number of seconds.
        seconds: u64,
    },
}

/// What happens if the figure goes missing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoData {
    /// Number of missing figures in a row after which the alert resolves. 0: never.
    resolve_after: u32,
}

/// Severities by value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `{warning: 0.65, critical: 0.8}` or a list of `{severity, from}`")]
enum Severities {
    /// The value from which each severity begins, by name.
    Map(BTreeMap<String, f64>),
    /// A list, the mildest first.
    List(Vec<BandEntry>),
}

/// One severity.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BandEntry {
    /// Name.
    severity: String,
    /// Value from which it begins.
    from: f64,
}

/// JSON Schema of a file of rules.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Document)
}

/// Reads and checks a file of rules. Errors call it `name`.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and hint.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Vec<proto::Rule>, Failure> {
    let text = read_text(name, bytes)?;
    let is_list = has_key(text, "rules");
    let rules = if is_list { read_list(name, text)? } else { vec![read_one(name, text)?] };
    if rules.is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} contains no rule")));
    }
    for (k, rule) in rules.iter().enumerate() {
        let prefix = if is_list { format!("rules[{k}].") } else { String::new() };
        check(rule).map_err(|failure| add_location(name, text, &prefix, failure))?;
        if rules.iter().take(k).any(|other| other.id == rule.id) {
            let twice =
                Failure::new(Class::Invalid, "duplicate-id", format!("rule {} is listed twice", rule.id))
                    .with_hint("give each rule an identifier of its own");
            return Err(add_location(name, text, &prefix, twice.at("id", &rule.id)));
        }
    }
    Ok(rules)
}

fn read_list(name: &str, text: &str) -> Result<Vec<proto::Rule>, Failure> {
    let list: RuleList = parse_yaml(name, text)?;
    let numbered = list.rules.into_iter().enumerate();
    let rule = |(k, entry): (usize, RuleEntry)| {
        let prefix = format!("rules[{k}].");
        entry.into_rule(&list.pack).map_err(|failure| add_location(name, text, &prefix, failure))
    };
    numbered.map(rule).collect()
}

fn read_one(name: &str, text: &str) -> Result<proto::Rule, Failure> {
    let entry: RuleEntry = parse_yaml(name, text)?;
    entry.into_rule("").map_err(|failure| add_location(name, text, "", failure))
}

impl RuleEntry {
    pub(super) fn into_rule(self, pack: &str) -> Result<proto::Rule, Failure> {
        let when = self.when.into_condition("when")?;
        let above = is_ascending(Some(&when));
        Ok(proto::Rule {
            id: self.id,
            title: self.title,
            measure: self.measure,
            by: self.by.map_or(By::Unspecified, Weight::into_by).into(),
            select: Some(self.select.into_selector()?),
            when: Some(when),
            hold: self.hold.map(|hold| hold.into_span("hold")).transpose()?,
            keep_firing: self.keep_firing.map(|keep| keep.into_span("keep_firing")).transpose()?,
            no_data: self.no_data.map(|policy| proto::NoDataPolicy { resolve_after: policy.resolve_after }),
            severity: self.severity.map(|severity| severity.into_bands(above)).unwrap_or_default(),
            labels: self.labels,
            owner: self.owner,
            text: self.text.trim_end().to_owned(),
            pack: pack.to_owned(),
            limit: self.limit.unwrap_or_default(),
            frequency: self.frequency.map_or(Frequency::Unspecified, Every::into_frequency).into(),
            confirmed_by: self.confirmed_by.map(Sources::count).transpose()?.unwrap_or_default(),
            min_quantity: self.min_quantity,
            min_value: self.min_value,
            confirm_revision: self.confirm.map(Confirm::into_firmness).unwrap_or_default().into(),
        })
    }
}

impl Every {
    fn into_frequency(self) -> Frequency {
        match self {
            Self::Annual => Frequency::Annual,
            Self::Monthly => Frequency::Monthly,
        }
    }
}

impl Sources {
    fn count(self) -> Result<u32, Failure> {
        let text = match self {
            Self::Count(count) => return Ok(count),
            Self::Words(text) => text,
        };
        let mut words = text.split_whitespace();
        let count = words.next().and_then(|word| word.parse().ok());
        let unit = words.next().is_none_or(|word| matches!(word, "source" | "sources" | "datasets"));
        count.filter(|_| unit && words.next().is_none()).ok_or_else(|| {
            let message = format!("{text:?} is not a number of datasets");
            let wrong = Failure::new(Class::Invalid, "invalid-count", message);
            wrong.at("confirmed_by", &text).with_hint("write a number such as `2`, or `2 sources`")
        })
    }
}

impl Select {
    fn into_selector(self) -> Result<proto::Selector, Failure> {
        Ok(proto::Selector {
            consumers: codes(self.consumer),
            materials: resolve_lists(codes(self.material), "select.materials")?,
            stages: codes(self.stage),
            suppliers: codes(self.supplier),
            except_suppliers: codes(self.except_supplier),
        })
    }
}

/// The codes of a selection; empty: all.
fn codes(codes: Option<Codes>) -> Vec<String> {
    match codes {
        None => Vec::new(),
        Some(Codes::One(code)) if code == "any" => Vec::new(),
        Some(Codes::One(code)) => vec![code],
        Some(Codes::List(codes)) => codes,
    }
}

impl Length {
    fn into_span(self, field: &str) -> Result<proto::Span, Failure> {
        let length = match self {
            Self::Periods { periods } => proto::span::Length::Periods(periods),
            Self::Seconds { seconds } => proto::span::Length::Seconds(seconds),
            Self::Text(text) => proto::span::Length::Seconds(parse_seconds(&text).ok_or_else(|| {
                invalid_duration(field, &text).with_hint(
                    "write a number with `s`, `m`, `h`, `d` or `w`, such as `30d`, or `{periods: 1}`",
                )
            })?),
        };
        Ok(proto::Span { length: Some(length) })
    }
}

impl Severities {
    fn into_bands(self, above: bool) -> Vec<proto::SeverityBand> {
        match self {
            Self::List(bands) => {
                let band = |band: BandEntry| proto::SeverityBand { severity: band.severity, from: band.from };
                bands.into_iter().map(band).collect()
            }
            Self::Map(bands) => {
                let band = |(severity, from)| proto::SeverityBand { severity, from };
                let mut bands: Vec<proto::SeverityBand> = bands.into_iter().map(band).collect();
                bands.sort_by(|a, b| a.from.total_cmp(&b.from));
                if !above {
                    bands.reverse();
                }
                bands
            }
        }
    }
}
