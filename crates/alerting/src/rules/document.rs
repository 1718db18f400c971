//! The YAML form of rules.
use std::collections::BTreeMap;

use jiff::{SpanRelativeTo, Unit};
use orewatch_catalog::closest;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_runtime::{Class, Failure};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_saphyr::Location;

use super::check::check;
use super::condition::is_ascending;
use super::locate::{character_at, has_key, locate};
use super::when::When;

/// Deepest nesting of a text.
const DEEPEST: usize = 48;
/// Largest file of rules, in bytes.
const LARGEST: usize = 1 << 20;

/// A file of rules: one rule, or a list of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, title = "Orewatch rules")]
pub enum Document {
    /// Several rules.
    List(RuleList),
    /// One rule.
    One(Box<RuleEntry>),
}

/// Several rules, as a pack if it has a name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleList {
    /// Name of the pack: lower-case letters, digits and hyphens.
    #[serde(default)]
    pack: String,
    /// The rules.
    rules: Vec<RuleEntry>,
}

/// A versioned line over a measure.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    #[schemars(regex(pattern = "^([a-z0-9-]{1,64}:)?[a-z0-9-]{1,64}$"))]
    id: String,
    /// One line for people.
    title: String,
    /// The measure, such as `import-share`.
    measure: String,
    /// What flows are weighed by. Left out: quantity, or value for a measure that knows no other.
    by: Option<Weight>,
    /// Which subjects the rule watches. What is left out matches all.
    #[serde(default)]
    select: Select,
    /// When the line is crossed.
    when: When,
    /// How long the line must be crossed before the alert fires. Left out: it fires at once.
    hold: Option<Length>,
    /// How long a firing alert goes on after the line is cleared. Left out: it resolves at once.
    keep_firing: Option<Length>,
    /// What to do when the figure goes missing. Left out: the alert is marked stale and stays.
    no_data: Option<NoData>,
    /// Severity by value: where each begins. Left out: `warning` throughout.
    severity: Option<Severities>,
    /// Most alerts of the rule that may be open at once. Left out: 10000.
    limit: Option<u32>,
    /// Whether the rule watches years or months: it never sees the others. Left out: years.
    frequency: Option<Every>,
    /// How many datasets must be beyond the line before the alert fires, such as `2` or `2 sources`. Left out: the one that answers.
    confirmed_by: Option<Sources>,
    /// Labels for routing.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Who answers for the rule.
    #[serde(default)]
    owner: String,
    /// What the alert means and what to do, for people.
    #[serde(default)]
    text: String,
}

/// What flows are weighed by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// By tonnes.
    Quantity,
    /// By trade value.
    Value,
}

/// How long the periods are that a rule watches.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Every {
    /// Years.
    Annual,
    /// Months.
    Monthly,
}

/// How many datasets must agree.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number of datasets such as `2`, or `2 sources`")]
enum Sources {
    /// So many.
    Count(u32),
    /// The same in words.
    Words(String),
}

/// Which subjects a rule watches.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Select {
    /// Economies, blocs or `WLD`.
    consumer: Option<Codes>,
    /// Materials of the catalogue.
    material: Option<Codes>,
    /// `mined`, `refined` or `manufactured`.
    stage: Option<Codes>,
    /// Economies.
    supplier: Option<Codes>,
    /// Economies that are never matched, or blocs for all their present members.
    except_supplier: Option<Codes>,
}

/// One code, a list of codes, or `any`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected one code, a list of codes, or `any`")]
enum Codes {
    /// One code, or `any`.
    One(String),
    /// Each of these.
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
        /// How many.
        periods: u32,
    },
    /// Seconds between the ends of periods.
    Seconds {
        /// How many.
        seconds: u64,
    },
}

/// What to do when the figure goes missing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoData {
    /// After how many missing evaluations a firing alert resolves. 0: never.
    resolve_after: u32,
}

/// Where each severity begins.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `{warning: 0.65, critical: 0.8}` or a list of `{severity, from}`")]
enum Severities {
    /// By name.
    Map(BTreeMap<String, f64>),
    /// In order, the mildest first.
    List(Vec<BandEntry>),
}

/// One severity.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BandEntry {
    /// Its name.
    severity: String,
    /// Where it begins.
    from: f64,
}

/// JSON Schema of a file of rules.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Document)
}

/// Reads and checks a file of rules; `name` is what errors call it.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and what to do.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Vec<proto::Rule>, Failure> {
    let text = readable(name, bytes)?;
    let is_list = has_key(text, "rules");
    let rules = if is_list { read_list(name, text)? } else { vec![read_one(name, text)?] };
    if rules.is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} lists no rule")));
    }
    for (k, rule) in rules.iter().enumerate() {
        let prefix = if is_list { format!("rules[{k}].") } else { String::new() };
        check(rule).map_err(|failure| place(name, text, &prefix, failure))?;
        if rules.iter().take(k).any(|other| other.id == rule.id) {
            let twice =
                Failure::new(Class::Invalid, "duplicate-id", format!("rule {} is listed twice", rule.id))
                    .with_hint("give each rule an identifier of its own");
            return Err(place(name, text, &prefix, twice.at("id", &rule.id)));
        }
    }
    Ok(rules)
}

/// The text of a file, if it is one and not too large.
pub(crate) fn readable<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Failure> {
    if bytes.len() > LARGEST {
        let message = format!("{name} has {} bytes, the limit is {LARGEST}", bytes.len());
        let failure = Failure::new(Class::Invalid, "file-too-large", message);
        return Err(failure.with_hint("split it into several files"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("{name}:{line}: not UTF-8 at byte {}", error.valid_up_to());
        Failure::new(Class::Invalid, "not-utf8", message).with_hint("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} is empty")));
    }
    Ok(text)
}

fn read_list(name: &str, text: &str) -> Result<Vec<proto::Rule>, Failure> {
    let list: RuleList = read(name, text)?;
    let numbered = list.rules.into_iter().enumerate();
    let rule = |(k, entry): (usize, RuleEntry)| {
        let prefix = format!("rules[{k}].");
        entry.into_rule(&list.pack).map_err(|failure| place(name, text, &prefix, failure))
    };
    numbered.map(rule).collect()
}

fn read_one(name: &str, text: &str) -> Result<proto::Rule, Failure> {
    let entry: RuleEntry = read(name, text)?;
    entry.into_rule("").map_err(|failure| place(name, text, "", failure))
}

/// Reads a text of a form.
///
/// # Errors
/// Where the text departs from the form.
pub(crate) fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| malformed(name, &error))
}

/// How texts are read: not deeper than the stack allows.
pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: DEEPEST } }
}

/// Says where a text departs from its form.
fn malformed(name: &str, error: &serde_saphyr::Error) -> Failure {
    use serde_saphyr::Error;
    let place = at(name, error.location());
    let invalid = |code: &str, what: String| Failure::new(Class::Invalid, code, format!("{place}: {what}"));
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = closest(field, expected.iter().copied()).map_or_else(
                || format!("there are {}", expected.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            invalid("unknown-field", format!("unknown field {field:?}")).at(field, "").with_hint(hint)
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let hint = format!("use {}", expected.join(" or "));
            invalid("unknown-word", format!("{variant:?} is not known here")).at("", variant).with_hint(hint)
        }
        Error::SerdeMissingField { field, .. } => {
            let hint = format!("add `{field}:`");
            invalid("missing-field", format!("the field {field:?} is missing")).at(*field, "").with_hint(hint)
        }
        other => {
            let (what, hint) = plainly(first_line(&other.to_string()));
            invalid("malformed-yaml", what).with_hint(hint)
        }
    }
}

/// What a reader of YAML says, without the place, which is told already.
fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
    line.rsplit_once(" at line ").map_or(line, |(what, _)| what)
}

/// How readers of YAML begin what they say, how people say it, and what to do.
const PLAINLY: &[(&str, &str, &str)] = &[
    ("invalid floating point", "this is no number", "write a number such as `0.65`"),
    ("invalid u", "this is no whole number from 0 on", "write a number such as `2`"),
    ("invalid i", "this is no whole number", "write a number such as `2`"),
    ("expected mapping start", "fields are expected here", "write `name: value`"),
    ("expected string scalar", "one value is expected here", "write it without brackets"),
    ("tabs disallowed", "a tab stands where only spaces may", "indent by spaces"),
    ("alias references unknown anchor", "the alias names no anchor", "write the value out"),
    ("budget breached: Depth", "the text is nested too deep", "write it flatter"),
    ("budget breached", "the text grows too large as it is read", "use fewer anchors, or several files"),
    ("multiple YAML documents", "a second document begins here", "list several rules under `rules:`"),
];

fn plainly(what: &str) -> (String, String) {
    if let Some(rest) = what.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or_default();
        return (format!("the field {key:?} is written twice"), "keep one of them".to_owned());
    }
    let known = PLAINLY.iter().find(|(begin, ..)| what.starts_with(begin));
    known.map_or_else(
        || (what.to_owned(), String::new()),
        |(_, plain, hint)| ((*plain).to_owned(), (*hint).to_owned()),
    )
}

/// Puts file, line and column before the message of a failure about a field; `FIELD@N` is its character N, from 0.
pub(crate) fn place(name: &str, text: &str, prefix: &str, mut failure: Failure) -> Failure {
    let field = format!("{prefix}{}", failure.field);
    let (field, character) = match field.rsplit_once('@') {
        Some((field, at)) => (field.to_owned(), at.parse::<usize>().ok()),
        None => (field, None),
    };
    let location = locate(text, &field);
    let inside = character.zip(location).and_then(|(at, location)| character_at(text, location, at));
    let place = match inside {
        Some((line, column)) => format!("{name}:{line}:{column}"),
        None => at(name, location),
    };
    failure.field = field;
    failure.message = format!("{place}: {}", failure.message);
    failure
}

pub(super) fn at(name: &str, location: Option<Location>) -> String {
    match location.filter(|location| *location != Location::UNKNOWN) {
        Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
        None => name.to_owned(),
    }
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
            select: Some(self.select.into_selector()),
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
            let message = format!("{text:?} is no number of datasets");
            let wrong = Failure::new(Class::Invalid, "invalid-count", message);
            wrong.at("confirmed_by", &text).with_hint("write a number such as `2`, or `2 sources`")
        })
    }
}

impl Weight {
    pub(super) fn into_by(self) -> By {
        match self {
            Self::Quantity => By::Quantity,
            Self::Value => By::Value,
        }
    }
}

impl Select {
    fn into_selector(self) -> proto::Selector {
        let codes = |codes: Option<Codes>| match codes {
            None => Vec::new(),
            Some(Codes::One(code)) if code == "any" => Vec::new(),
            Some(Codes::One(code)) => vec![code],
            Some(Codes::List(codes)) => codes,
        };
        proto::Selector {
            consumers: codes(self.consumer),
            materials: codes(self.material),
            stages: codes(self.stage),
            suppliers: codes(self.supplier),
            except_suppliers: codes(self.except_supplier),
        }
    }
}

impl Length {
    fn into_span(self, field: &str) -> Result<proto::Span, Failure> {
        let length = match self {
            Self::Periods { periods } => proto::span::Length::Periods(periods),
            Self::Seconds { seconds } => proto::span::Length::Seconds(seconds),
            Self::Text(text) => proto::span::Length::Seconds(seconds(&text).ok_or_else(|| {
                unreadable_duration(field, &text).with_hint(
                    "write a number with `s`, `m`, `h`, `d` or `w`, such as `30d`, or `{periods: 1}`",
                )
            })?),
        };
        Ok(proto::Span { length: Some(length) })
    }
}

pub(super) fn unreadable_duration(field: &str, text: &str) -> Failure {
    let wrong = Failure::new(Class::Invalid, "invalid-duration", format!("{text:?} is no duration"));
    wrong.at(field, text).with_hint("write a number with `s`, `m`, `h`, `d` or `w`, such as `30d`")
}

/// Whole seconds of a duration without months and years, which have no fixed length.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let total = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    let whole = span.round(jiff::SpanRound::new().largest(Unit::Second).days_are_24_hours()).ok()?;
    (total >= 0.0).then(|| u64::try_from(whole.get_seconds()).ok()).flatten()
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
                bands.sort_by(|one, other| one.from.total_cmp(&other.from));
                if !above {
                    bands.reverse();
                }
                bands
            }
        }
    }
}
