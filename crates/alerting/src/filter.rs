//! Which alerts somebody means.
mod sense;

use std::fmt;

use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertState, MatchOperator, Matcher};
use orewatch_runtime::{Class, Failure};
use regex::{Regex, RegexBuilder};

use crate::field::Field;
use crate::rules::known_codes;
use crate::tenant::Scope;

pub use sense::Words;

/// Most matchers of a filter, and longest value of one in characters.
const MOST_MATCHERS: usize = 32;
const LONGEST_VALUE: usize = 500;
/// Largest size of a compiled expression, and of what it caches, in bytes.
const LARGEST_REGEX: usize = 256 << 10;
/// How deep an expression may nest.
const DEEPEST_REGEX: u32 = 32;

/// A filter that makes sense. An empty list matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    wanted: AlertFilter,
    states: Vec<AlertState>,
    matchers: Vec<Compiled>,
    /// Whose alerts it can ask for.
    scope: Scope,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        (&self.wanted, &self.states, &self.scope) == (&other.wanted, &other.states, &other.scope)
    }
}

/// A matcher, ready to be asked.
#[derive(Clone, Debug)]
struct Compiled {
    field: Field,
    value: Value,
    /// Whether the field has to be like the value, or unlike it.
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
    /// A matcher, by its place.
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
    /// [`Class::Invalid`] for a state, a code or a field that there is not, with what may have been meant, for an expression that
    /// cannot be used, and for conditions that no alert can meet together.
    pub fn new(wanted: Option<AlertFilter>) -> Result<Self, Failure> {
        Self::named("filter", wanted)
    }

    /// The same for a filter that errors call `name`.
    ///
    /// # Errors
    /// As [`Filter::new`].
    pub fn named(name: &str, wanted: Option<AlertFilter>) -> Result<Self, Failure> {
        let wanted = wanted.unwrap_or_default();
        let [consumers, materials, stages, suppliers] =
            [&wanted.consumers, &wanted.materials, &wanted.stages, &wanted.suppliers];
        known_codes(name, consumers, materials, stages, suppliers)?;
        let filter = Self::compiled(name, wanted)?;
        sense::codes(name, filter.wanted())?;
        filter.can_hold(name)?;
        Ok(filter)
    }

    /// A filter whose codes may be unknown by now, as one that was stored long ago.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a state or a field that there is not, and for an expression that cannot be used.
    pub fn compiled(name: &str, wanted: AlertFilter) -> Result<Self, Failure> {
        let state = |state: &i32| {
            AlertState::try_from(*state).map_err(|_| {
                let message = format!("{state} is no state of an alert");
                Failure::new(Class::Invalid, "unknown-state", message)
                    .at(format!("{name}.states"), state.to_string())
            })
        };
        let states = wanted.states.iter().map(state).collect::<Result<_, _>>()?;
        if wanted.matchers.len() > MOST_MATCHERS {
            let count = wanted.matchers.len();
            let message = format!("a filter has at most {MOST_MATCHERS} matchers");
            return Err(Failure::new(Class::Invalid, "too-many", message)
                .at(format!("{name}.matchers"), count.to_string()));
        }
        let matchers = wanted.matchers.iter().enumerate();
        let matchers = matchers
            .map(|(k, matcher)| compile(matcher, &format!("{name}.matchers[{k}]")))
            .collect::<Result<_, _>>()?;
        Ok(Self { wanted, states, matchers, scope: Scope::All })
    }

    /// The same, but where no state was asked for, only alerts that are pending or fire.
    #[must_use]
    pub fn or_open(mut self) -> Self {
        if self.states.is_empty() {
            self.states = vec![AlertState::Pending, AlertState::Firing];
        }
        self
    }

    /// The same without its states: a subscriber hears that an alert fires and that it is over.
    #[must_use]
    pub fn in_any_state(mut self) -> Self {
        self.states.clear();
        self.wanted.states.clear();
        self
    }

    /// The same, but only of alerts that are in a scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The filter as it was given.
    #[must_use]
    pub fn wanted(&self) -> &AlertFilter {
        &self.wanted
    }

    /// Whether it asks for all alerts.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.wanted == AlertFilter::default()
    }

    /// Whether an alert is asked for.
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
            !list.is_empty() && !list.iter().any(|value| value == field.of(alert))
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
        self.admits(self.field.of(alert))
    }
}

fn compile(matcher: &Matcher, at: &str) -> Result<Compiled, Failure> {
    let field = Field::read(&matcher.field, &format!("{at}.field"))?;
    let value_at = format!("{at}.value");
    if matcher.value.chars().count() > LONGEST_VALUE {
        let message = format!("a matcher's value has at most {LONGEST_VALUE} characters");
        return Err(Failure::new(Class::Invalid, "too-long", message).at(value_at, &matcher.value));
    }
    let operator = MatchOperator::try_from(matcher.operator).map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "unknown-operator", "a field is not compared like that");
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

/// An expression that the whole of a field has to match.
fn pattern(text: &str, at: String) -> Result<Regex, Failure> {
    // Alone first, so that a lone parenthesis cannot leave the group that anchors it.
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder.size_limit(LARGEST_REGEX).dfa_size_limit(LARGEST_REGEX).nest_limit(DEEPEST_REGEX).build()
    };
    build(text).and_then(|_| build(&format!("^(?:{text})$"))).map_err(|error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::new(Class::Invalid, "invalid-regex", format!("the expression cannot be used: {last}"))
            .at(at, text)
            .with_hint("the whole field has to match; write `.*` for anything, and `\\.` for a dot")
    })
}
