//! What a test of a rule expects.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{Alert, Certainty};
use orewatch_runtime::Failure;
use serde::Deserialize;

use super::own::{Key, invalid};
use super::{Step, letter};
use crate::alert::phase;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// State after each period: `I`, `P` or `F`, separated by spaces.
    states: Option<String>,
    /// Severity after a period.
    #[serde(default)]
    severities: BTreeMap<Key, String>,
    /// Reasons of what happened in a period, separated by spaces, such as `crossed`.
    #[serde(default)]
    reasons: BTreeMap<Key, String>,
    /// `confirmed`, `not_confirmed` or `no` after a period.
    #[serde(default)]
    certainty: BTreeMap<Key, String>,
    /// Periods after which the open alert is stale.
    stale: Option<Vec<Key>>,
    /// Number of episodes.
    episodes: Option<usize>,
    /// State as at `as_at`.
    finally: Option<String>,
}

/// What a period has come to.
pub(super) struct Reached {
    pub(super) period: Period,
    pub(super) alert: Option<Alert>,
    pub(super) reasons: Vec<String>,
}

type Values = BTreeMap<Period, String>;

impl Expect {
    /// Holds what came against what is expected; `values` are the figures as they were written.
    ///
    /// # Errors
    /// An expectation about a period that the series does not have.
    pub(super) fn steps(
        &self,
        values: &Values,
        reached: &[Reached],
        as_at: Option<i64>,
    ) -> Result<Vec<Step>, Failure> {
        let mut steps = self.states(values, reached)?;
        let of =
            |one: &Reached, tell: &dyn Fn(&Alert) -> String| one.alert.as_ref().map(tell).unwrap_or_default();
        let severity = |one: &Reached| of(one, &|alert| alert.severity.clone());
        steps.extend(each("severities", &self.severities, values, reached, &severity)?);
        steps.extend(each("reasons", &self.reasons, values, reached, &|one| one.reasons.join(" "))?);
        steps.extend(each("certainty", &self.certainty, values, reached, &certainty)?);
        steps.extend(self.stale(reached)?);
        steps
            .extend(self.episodes.map(|expected| whole("episodes", expected.to_string(), episodes(reached))));
        steps.extend(self.finally(reached, as_at)?);
        Ok(steps)
    }

    fn states(&self, values: &Values, reached: &[Reached]) -> Result<Vec<Step>, Failure> {
        let Some(states) = &self.states else { return Ok(Vec::new()) };
        let states: Vec<&str> = states.split_whitespace().collect();
        if states.len() != reached.len() {
            let message = format!("{} states are expected of {} periods", states.len(), reached.len());
            return Err(invalid("states", message, "expect.states", &states.join(" ")));
        }
        let step = |(one, expected): (&Reached, &str)| Step {
            step: one.period.to_string(),
            value: values.get(&one.period).cloned().unwrap_or_default(),
            expected: expected.to_owned(),
            got: letter(phase(one.alert.as_ref())).to_owned(),
        };
        Ok(reached.iter().zip(states).map(step).collect())
    }

    fn stale(&self, reached: &[Reached]) -> Result<Option<Step>, Failure> {
        let Some(stale) = &self.stale else { return Ok(None) };
        let expected = stale.iter().map(|key| key.period("expect.stale"));
        let expected: BTreeSet<Period> = expected.collect::<Result<_, _>>()?;
        let is_stale = |one: &&Reached| one.alert.as_ref().is_some_and(|alert| alert.stale);
        let got: BTreeSet<Period> = reached.iter().filter(is_stale).map(|one| one.period).collect();
        let list = |periods: &BTreeSet<Period>| {
            let periods: Vec<String> = periods.iter().map(ToString::to_string).collect();
            format!("[{}]", periods.join(" "))
        };
        Ok(Some(whole("stale", list(&expected), list(&got))))
    }

    fn finally(&self, reached: &[Reached], as_at: Option<i64>) -> Result<Option<Step>, Failure> {
        let Some(expected) = &self.finally else { return Ok(None) };
        if as_at.is_none() {
            let wrong =
                invalid("missing-as-at", "`finally` needs a time".to_owned(), "expect.finally", expected);
            return Err(wrong.with_hint("add `as_at:`"));
        }
        let got = reached.last().map_or("I", |last| letter(phase(last.alert.as_ref())));
        Ok(Some(whole("finally", expected.clone(), got.to_owned())))
    }
}

/// An expectation of the whole course.
fn whole(step: &str, expected: String, got: String) -> Step {
    Step { step: step.to_owned(), value: String::new(), expected, got }
}

/// Expectations of single periods.
fn each(
    what: &str,
    expected: &BTreeMap<Key, String>,
    values: &Values,
    reached: &[Reached],
    got: &dyn Fn(&Reached) -> String,
) -> Result<Vec<Step>, Failure> {
    let field = format!("expect.{what}");
    let step = |(key, expected): (&Key, &String)| {
        let period = key.period(&field)?;
        let one = reached.iter().find(|one| one.period == period).ok_or_else(|| {
            invalid("no-period", format!("the series has no {period}"), &field, &period.to_string())
        })?;
        let value = values.get(&period).cloned().unwrap_or_default();
        Ok(Step { step: format!("{period} {what}"), value, expected: expected.clone(), got: got(one) })
    };
    expected.iter().map(step).collect()
}

fn episodes(reached: &[Reached]) -> String {
    let episodes = reached.iter().filter_map(|one| one.alert.as_ref()).map(|alert| alert.episode.as_str());
    episodes.filter(|episode| !episode.is_empty()).collect::<BTreeSet<_>>().len().to_string()
}

fn certainty(one: &Reached) -> String {
    match one.alert.as_ref().map(Alert::certainty) {
        Some(Certainty::Confirmed) => "confirmed",
        Some(Certainty::NotConfirmed) => "not_confirmed",
        Some(Certainty::Unspecified) | None => "no",
    }
    .to_owned()
}
