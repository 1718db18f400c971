//! Finds filters that cannot be meant: conditions that no alert can meet together, and values that no rule
//! has.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::closest;
use orewatch_contracts::alerting::v1::{AlertFilter, MatchOperator, Matcher, Rule};
use orewatch_contracts::{Class, Failure};

use super::{Compiled, Filter, Value};
use crate::episode::DEFAULT_SEVERITY;
use crate::field::Field;
use crate::rules::known_codes;

/// Upper bound on the warnings about a filter. Each of them searches for a suggestion.
const MAX_WARNINGS: usize = 20;

/// Checks the codes in matchers like those in lists: an unknown code would match no alert, or all of them.
pub(super) fn check_matcher_codes(name: &str, wanted: &AlertFilter) -> Result<(), Failure> {
    for (k, matcher) in wanted.matchers.iter().enumerate() {
        let is_text = !matches!(matcher.operator(), MatchOperator::Matches | MatchOperator::NotMatches);
        let code = [matcher.value.clone()];
        if !is_text || matcher.value.is_empty() {
            continue;
        }
        let (none, parent) = (Vec::new(), name);
        let known = match matcher.field.as_str() {
            "consumer" => known_codes(parent, &code, &none, &none, &none),
            "material" => known_codes(parent, &none, &code, &none, &none),
            "stage" => known_codes(parent, &none, &none, &code, &none),
            "supplier" => known_codes(parent, &none, &none, &none, &code),
            _ => Ok(()),
        };
        known.map_err(|failure| Failure { field: format!("{name}.matchers[{k}].value"), ..failure })?;
    }
    Ok(())
}

impl Filter {
    /// Refuses conditions that no alert can meet together.
    pub(super) fn check_satisfiable(&self, name: &str) -> Result<(), Failure> {
        let mut fields: Vec<&Field> = self.matchers.iter().map(|matcher| &matcher.field).collect();
        fields.sort();
        fields.dedup();
        fields.into_iter().try_for_each(|field| self.check_field(name, field))
    }

    fn check_field(&self, name: &str, field: &Field) -> Result<(), Failure> {
        let own = || self.matchers.iter().filter(|matcher| matcher.field == *field);
        let is_met = match self.candidates(field) {
            Some(candidates) => candidates.iter().any(|value| own().all(|matcher| matcher.admits(value))),
            None => !own().any(|matcher| own().any(|other| matcher.contradicts(other))),
        };
        if is_met {
            return Ok(());
        }
        let at = self.matchers.iter().rposition(|matcher| matcher.field == *field).unwrap_or_default();
        let conditions: Vec<String> =
            self.listed(field).into_iter().chain(own().map(Compiled::shown)).collect();
        let message = format!("no alert can meet these together: {}", conditions.join(", "));
        let value = self.wanted.matchers.get(at).map(|matcher| matcher.value.clone()).unwrap_or_default();
        let hint = format!("to match one of several values write {field}=~\"ONE|OTHER\"");
        let wrong = Failure::new(Class::Invalid, "never-matches", message);
        Err(wrong.at(format!("{name}.matchers[{at}]"), value).with_hint(hint))
    }

    /// The values that lists, labels and equalities permit for a field. `None`: any value.
    #[must_use]
    pub fn candidates(&self, field: &Field) -> Option<BTreeSet<&str>> {
        let list = self.list(field).filter(|list| !list.is_empty());
        let label = match field {
            Field::Label(key) => self.wanted.labels.get(&**key),
            _ => None,
        };
        let equal = self.matchers.iter().filter(|matcher| matcher.field == *field && matcher.like);
        let mut equal = equal.filter_map(|matcher| match &matcher.value {
            Value::Text(text) => Some(text.as_str()),
            Value::Pattern(_) => None,
        });
        match (list, label.map(String::as_str).or_else(|| equal.next())) {
            (None, None) => None,
            (Some(list), None) => Some(list.iter().map(String::as_str).collect()),
            (list, Some(value)) => {
                let is_listed = list.is_none_or(|list| list.iter().any(|listed| listed == value));
                Some(is_listed.then_some(value).into_iter().collect())
            }
        }
    }

    fn list(&self, field: &Field) -> Option<&Vec<String>> {
        let wanted = &self.wanted;
        match field {
            Field::Rule => Some(&wanted.rules),
            Field::Consumer => Some(&wanted.consumers),
            Field::Material => Some(&wanted.materials),
            Field::Stage => Some(&wanted.stages),
            Field::Supplier => Some(&wanted.suppliers),
            Field::Severity => Some(&wanted.severities),
            Field::Owner | Field::Pack | Field::Label(_) | Field::Tenant | Field::Alert => None,
        }
    }

    /// The list or label that limits a field, as text.
    fn listed(&self, field: &Field) -> Option<String> {
        let label = match field {
            Field::Label(key) => self.wanted.labels.get(&**key).map(|value| format!("{field}={value}")),
            _ => None,
        };
        let list = self.list(field).filter(|list| !list.is_empty());
        label.or_else(|| list.map(|list| format!("{field} one of {}", list.join(","))))
    }
}

impl Compiled {
    pub(super) fn admits(&self, value: &str) -> bool {
        let is_like = match &self.value {
            Value::Text(text) => text == value,
            Value::Pattern(pattern) => pattern.is_match(value),
        };
        is_like == self.like
    }

    /// Whether two matchers are opposites.
    fn contradicts(&self, right: &Self) -> bool {
        let is_same = match (&self.value, &right.value) {
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Pattern(left), Value::Pattern(right)) => left.as_str() == right.as_str(),
            _ => false,
        };
        is_same && self.like != right.like
    }

    fn shown(&self) -> String {
        let (operator, value) = match (&self.value, self.like) {
            (Value::Text(text), true) => ("=", text.as_str()),
            (Value::Text(text), false) => ("!=", text.as_str()),
            (Value::Pattern(pattern), true) => ("=~", pattern.as_str()),
            (Value::Pattern(pattern), false) => ("!~", pattern.as_str()),
        };
        let bare = value.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(value);
        format!("{}{operator}{bare}", self.field)
    }
}

/// The values that the rules give to the fields of alerts.
#[derive(Clone, Debug, Default)]
pub struct RuleWords {
    rules: BTreeSet<String>,
    severities: BTreeSet<String>,
    owners: BTreeSet<String>,
    packs: BTreeSet<String>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl RuleWords {
    /// The values of these rules.
    #[must_use]
    pub fn from_rules<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut words = Self::default();
        for rule in rules {
            words.rules.insert(rule.id.clone());
            words.owners.insert(rule.owner.clone());
            words.packs.insert(rule.pack.clone());
            words.severities.extend(rule.severity.iter().map(|band| band.severity.clone()));
            if rule.severity.is_empty() {
                words.severities.insert(DEFAULT_SEVERITY.to_owned());
            }
            for (key, value) in &rule.labels {
                words.labels.entry(key.clone()).or_default().insert(value.clone());
            }
        }
        words
    }

    /// Warnings about values in a filter that no rule has.
    #[must_use]
    pub fn unknown(&self, filter: &AlertFilter) -> Vec<String> {
        let rules = filter.rules.iter().map(|rule| (Field::Rule, rule));
        let severities = filter.severities.iter().map(|severity| (Field::Severity, severity));
        let labels = filter.labels.iter();
        let labels = labels.map(|(key, value)| (Field::Label(key.as_str().into()), value));
        let all = rules.chain(severities).chain(labels);
        let listed = all.filter_map(|(field, value)| self.warning(&field, value, true));
        let matched = filter.matchers.iter().filter_map(|matcher| self.matched(matcher));
        listed.chain(matched).take(MAX_WARNINGS).collect()
    }

    /// Warnings about labels among fields that no rule has.
    #[must_use]
    pub fn unknown_fields(&self, fields: &[Field]) -> Vec<String> {
        let unknown = fields.iter().filter_map(|field| match field {
            Field::Label(key) => self.no_label(key),
            _ => None,
        });
        unknown.map(|what| format!("{what}: the field is empty in all alerts")).collect()
    }

    /// Warnings about severities that no rule has.
    #[must_use]
    pub fn unknown_severities(&self, severities: &[String]) -> Vec<String> {
        let warnings =
            severities.iter().filter_map(|severity| self.warning(&Field::Severity, severity, true));
        warnings.take(MAX_WARNINGS).collect()
    }

    fn matched(&self, matcher: &Matcher) -> Option<String> {
        let field = Field::parse(&matcher.field, "").ok()?;
        match matcher.operator() {
            MatchOperator::Unspecified | MatchOperator::Equal => self.warning(&field, &matcher.value, true),
            MatchOperator::NotEqual => self.warning(&field, &matcher.value, false),
            MatchOperator::Matches | MatchOperator::NotMatches => match &field {
                Field::Label(key) => self.no_label(key),
                _ => None,
            },
        }
    }

    /// Warning about a value that no rule has: a matcher for it matches nothing, a matcher against it
    /// everything.
    fn warning(&self, field: &Field, value: &str, like: bool) -> Option<String> {
        let effect = if like { "no alert matches it" } else { "every alert matches it" };
        let none = BTreeSet::new();
        let (what, known) = match field {
            Field::Rule => ("there is no rule", &self.rules),
            Field::Severity => ("no rule has the severity", &self.severities),
            Field::Owner => ("no rule has the owner", &self.owners),
            Field::Pack => ("no rule belongs to the pack", &self.packs),
            Field::Label(key) => match (self.no_label(key), self.labels.get(&**key)) {
                // An empty value asks for alerts without the label.
                (Some(_), _) if value.is_empty() && like => return None,
                (Some(what), _) => return Some(format!("{what}: {effect}")),
                (None, known) => ("no rule has the label", known.unwrap_or(&none)),
            },
            Field::Consumer
            | Field::Material
            | Field::Stage
            | Field::Supplier
            | Field::Tenant
            | Field::Alert => return None,
        };
        if value.is_empty() || known.contains(value) {
            return None;
        }
        let shown = if let Field::Label(key) = field { format!("{key}={value}") } else { value.to_owned() };
        Some(format!("{what} {shown:?}: {effect}{}", suggestion(value, known)))
    }

    fn no_label(&self, key: &str) -> Option<String> {
        let known: BTreeSet<String> = self.labels.keys().cloned().collect();
        let hint = suggestion(key, &known);
        (!known.contains(key)).then(|| format!("no rule has a label {key:?}{hint}"))
    }
}

fn suggestion(value: &str, known: &BTreeSet<String>) -> String {
    let known = || known.iter().map(String::as_str).filter(|word| !word.is_empty());
    match closest(value, known()) {
        Some(near) => format!("; did you mean {near}?"),
        None if (1..=12).contains(&known().count()) => {
            format!("; there are {}", known().collect::<Vec<_>>().join(", "))
        }
        None => String::new(),
    }
}
