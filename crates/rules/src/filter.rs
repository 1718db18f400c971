//! Filters of alerts: lists of codes, labels, and matchers.
mod sense;

use std::fmt;

use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertState, MatchOperator, Matcher};
use orewatch_contracts::{Class, Failure};
use regex::{Regex, RegexBuilder};

use crate::field::Field;
use crate::rules::known_codes;
use crate::tenant::Scope;

pub use sense::RuleWords;

/// Upper bounds on the matchers of a filter, and on the value of a matcher in characters.
const MAX_MATCHERS: usize = 32;
const MAX_VALUE_CHARS: usize = 500;
/// Upper bound on a compiled expression, and on its cache, in bytes.
const MAX_REGEX_BYTES: usize = 256 << 10;
/// Number of comparisons that an expression counts as.
const PATTERN_COMPARISONS: usize = 20;
/// Upper bound on the nesting of an expression.
const MAX_REGEX_DEPTH: u32 = 32;

/// A checked filter. An empty list matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    wanted: AlertFilter,
    states: Vec<AlertState>,
    matchers: Vec<Compiled>,
    /// Tenants whose alerts it can match.
    scope: Scope,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        (&self.wanted, &self.states, &self.scope) == (&other.wanted, &other.states, &other.scope)
    }
}

/// A compiled matcher.
#[derive(Clone, Debug)]
struct Compiled {
    field: Field,
    value: Value,
    /// Whether the field has to match the value; otherwise it must not.
    like: bool,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Pattern(Regex),
}

/// The first condition of a filter that an alert does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched<'a> {
    /// A list.
    List(&'static str),
    /// A label.
    Label(&'a str),
    /// A matcher, by its index.
    Matcher(usize),
}

impl fmt::Display for Unmatched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(name) => f.write_str(name),
            Self::Label(key) => write!(f, "labels.{key}"),
            Self::Matcher(k) => write!(f, "matchers[{k}]"),
        }
    }
}

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an unknown state, code or field, with a suggestion; for an invalid expression;
    /// and for conditions that no alert can meet together.
    pub fn new(wanted: Option<AlertFilter>) -> Result<Self, Failure> {
        Self::named("filter", wanted)
    }

    /// Like [`Filter::new`]; errors call the filter `name`.
    ///
    /// # Errors
    /// As [`Filter::new`].
    pub fn named(name: &str, wanted: Option<AlertFilter>) -> Result<Self, Failure> {
        let wanted = wanted.unwrap_or_default();
        let [consumers, materials, stages, suppliers] =
            [&wanted.consumers, &wanted.materials, &wanted.stages, &wanted.suppliers];
        known_codes(name, consumers, materials, stages, suppliers)?;
        let filter = Self::compiled(name, wanted)?;
        sense::check_matcher_codes(name, filter.wanted())?;
        filter.check_satisfiable(name)?;
        Ok(filter)
    }

    /// Compiles a filter without checking its codes, such as a stored one whose codes may be unknown by now.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an unknown state or field, and for an invalid expression.
    pub fn compiled(name: &str, wanted: AlertFilter) -> Result<Self, Failure> {
        let state = |state: &i32| {
            AlertState::try_from(*state).map_err(|_| {
                let message = format!("{state} is not a state of an alert");
                Failure::new(Class::Invalid, "unknown-state", message)
                    .at(format!("{name}.states"), state.to_string())
            })
        };
        let states = wanted.states.iter().map(state).collect::<Result<_, _>>()?;
        if wanted.matchers.len() > MAX_MATCHERS {
            let count = wanted.matchers.len();
            let message = format!("a filter has at most {MAX_MATCHERS} matchers");
            return Err(Failure::new(Class::Invalid, "too-many", message)
                .at(format!("{name}.matchers"), count.to_string()));
        }
        let matchers = wanted.matchers.iter().enumerate();
        let matchers = matchers
            .map(|(k, matcher)| compile(matcher, &format!("{name}.matchers[{k}]")))
            .collect::<Result<_, _>>()?;
        Ok(Self { wanted, states, matchers, scope: Scope::All })
    }

    /// Limits a filter without states to alerts that are pending or firing.
    #[must_use]
    pub fn or_open(mut self) -> Self {
        if self.states.is_empty() {
            self.states = vec![AlertState::Pending, AlertState::Firing];
        }
        self
    }

    /// Removes the states: a subscriber gets both the firing and the resolution of an alert.
    #[must_use]
    pub fn in_any_state(mut self) -> Self {
        self.states.clear();
        self.wanted.states.clear();
        self
    }

    /// Limits the filter to a scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The filter as it was given.
    #[must_use]
    pub fn wanted(&self) -> &AlertFilter {
        &self.wanted
    }

    /// Whether it matches all alerts of its scope.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.wanted == AlertFilter::default()
    }

    /// Approximate number of text comparisons per alert. An expression counts as several.
    #[must_use]
    pub fn comparisons(&self) -> usize {
        let wanted = &self.wanted;
        let lists = [
            &wanted.rules,
            &wanted.consumers,
            &wanted.materials,
            &wanted.stages,
            &wanted.suppliers,
            &wanted.severities,
        ];
        let listed: usize = lists.iter().map(|list| list.len()).sum();
        let matchers = self.matchers.iter().map(|matcher| match matcher.value {
            Value::Text(_) => 1,
            Value::Pattern(_) => PATTERN_COMPARISONS,
        });
        listed + wanted.labels.len() + matchers.sum::<usize>()
    }

    /// Whether an alert matches.
    #[must_use]
    pub fn matches(&self, alert: &Alert) -> bool {
        self.unmatched(alert).is_none()
    }

    /// The first condition that an alert does not meet.
    #[must_use]
    pub fn unmatched(&self, alert: &Alert) -> Option<Unmatched<'_>> {
        if !self.scope.holds_alert(alert) {
            return Some(Unmatched::List("tenant"));
        }
        let wanted = &self.wanted;
        let lists = [
            ("rules", &wanted.rules, Field::Rule),
            ("consumers", &wanted.consumers, Field::Consumer),
            ("materials", &wanted.materials, Field::Material),
            ("stages", &wanted.stages, Field::Stage),
            ("suppliers", &wanted.suppliers, Field::Supplier),
            ("severities", &wanted.severities, Field::Severity),
        ];
        let is_missed = |list: &[String], field: &Field| {
            !list.is_empty() && !list.iter().any(|value| value == field.value_of(alert))
        };
        if let Some((name, ..)) = lists.iter().find(|(_, list, field)| is_missed(list, field)) {
            return Some(Unmatched::List(name));
        }
        if !self.states.is_empty() && !self.states.contains(&alert.state()) {
            return Some(Unmatched::List("states"));
        }
        let mut labels = wanted.labels.iter();
        if let Some((key, _)) = labels.find(|(key, value)| alert.labels.get(*key) != Some(*value)) {
            return Some(Unmatched::Label(key));
        }
        self.matchers.iter().position(|matcher| !matcher.matches(alert)).map(Unmatched::Matcher)
    }
}

impl Compiled {
    fn matches(&self, alert: &Alert) -> bool {
        self.admits(self.field.value_of(alert))
    }
}

fn compile(matcher: &Matcher, at: &str) -> Result<Compiled, Failure> {
    let field = Field::parse(&matcher.field, &format!("{at}.field"))?;
    let value_at = format!("{at}.value");
    if matcher.value.chars().count() > MAX_VALUE_CHARS {
        let message = format!("a matcher's value has at most {MAX_VALUE_CHARS} characters");
        return Err(Failure::new(Class::Invalid, "too-long", message).at(value_at, &matcher.value));
    }
    let operator = MatchOperator::try_from(matcher.operator).map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "unknown-operator", "unknown operator of a matcher");
        wrong.at(format!("{at}.operator"), matcher.operator.to_string()).with_hint("use =, !=, =~ or !~")
    })?;
    let (is_pattern, like) = match operator {
        MatchOperator::Unspecified | MatchOperator::Equal => (false, true),
        MatchOperator::NotEqual => (false, false),
        MatchOperator::Matches => (true, true),
        MatchOperator::NotMatches => (true, false),
    };
    let value = if is_pattern {
        Value::Pattern(pattern(&matcher.value, value_at)?)
    } else {
        Value::Text(matcher.value.clone())
    };
    Ok(Compiled { field, value, like })
}

/// Compiles an expression that the whole field has to match.
fn pattern(text: &str, at: String) -> Result<Regex, Failure> {
    // Compiled alone first, so that an unbalanced parenthesis cannot escape the anchored group.
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_BYTES)
            .nest_limit(MAX_REGEX_DEPTH)
            .build()
    };
    build(text).and_then(|_| build(&format!("^(?:{text})$"))).map_err(|error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::new(Class::Invalid, "invalid-regex", format!("invalid expression: {last}"))
            .at(at, text)
            .with_hint("the whole field has to match; write `.*` for anything, and `\\.` for a dot")
    })
}
