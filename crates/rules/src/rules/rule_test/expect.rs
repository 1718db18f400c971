//! Expectations of a rule test.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Alert, Certainty};
use serde::Deserialize;

use super::period_key::{PeriodKey, invalid};
use super::{Step, letter};
use crate::alert::phase;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// State after each period: `I`, `P` or `F`, separated by spaces.
    states: Option<String>,
    /// Severity after a period.
    #[serde(default)]
    severities: BTreeMap<PeriodKey, String>,
    /// Reasons of the transitions in a period, separated by spaces, such as `crossed`.
    #[serde(default)]
    reasons: BTreeMap<PeriodKey, String>,
    /// `confirmed`, `not_confirmed` or `no` after a period.
    #[serde(default)]
    certainty: BTreeMap<PeriodKey, String>,
    /// Periods after which the open alert is stale.
    stale: Option<Vec<PeriodKey>>,
    /// Number of episodes.
    episodes: Option<usize>,
    /// State at the time `as_at`.
    finally: Option<String>,
}

/// Alert and transitions after a period.
pub(super) struct PeriodResult {
    pub(super) period: Period,
    pub(super) alert: Option<Alert>,
    pub(super) reasons: Vec<String>,
}

type Values = BTreeMap<Period, String>;

impl Expect {
    /// Compares the results with the expectations; `values` are the figures as they were written.
    ///
    /// # Errors
    /// An expectation about a period that is not in the series.
    pub(super) fn steps(
        &self,
        values: &Values,
        reached: &[PeriodResult],
        as_at: Option<i64>,
    ) -> Result<Vec<Step>, Failure> {
        let mut steps = self.states(values, reached)?;
        let severity = |result: &PeriodResult| {
            result.alert.as_ref().map_or_else(String::new, |alert| alert.severity.clone())
        };
        let reasons = |result: &PeriodResult| result.reasons.join(" ");
        steps.extend(period_steps("severities", &self.severities, values, reached, &severity)?);
        steps.extend(period_steps("reasons", &self.reasons, values, reached, &reasons)?);
        steps.extend(period_steps("certainty", &self.certainty, values, reached, &certainty)?);
        steps.extend(self.stale(reached)?);
        steps
            .extend(self.episodes.map(|expected| whole("episodes", expected.to_string(), episodes(reached))));
        steps.extend(self.finally(reached, as_at)?);
        Ok(steps)
    }

    fn states(&self, values: &Values, reached: &[PeriodResult]) -> Result<Vec<Step>, Failure> {
        let Some(states) = &self.states else { return Ok(Vec::new()) };
        let states: Vec<&str> = states.split_whitespace().collect();
        if states.len() != reached.len() {
            let message = format!("{} states are expected for {} periods", states.len(), reached.len());
            return Err(invalid("invalid-states", message, "expect.states", &states.join(" ")));
        }
        let step = |(result, expected): (&PeriodResult, &str)| Step {
            step: result.period.to_string(),
            value: values.get(&result.period).cloned().unwrap_or_default(),
            expected: expected.to_owned(),
            got: letter(phase(result.alert.as_ref())).to_owned(),
        };
        Ok(reached.iter().zip(states).map(step).collect())
    }

    fn stale(&self, reached: &[PeriodResult]) -> Result<Option<Step>, Failure> {
        let Some(stale) = &self.stale else { return Ok(None) };
        let expected = stale.iter().map(|key| key.period("expect.stale"));
        let expected: BTreeSet<Period> = expected.collect::<Result<_, _>>()?;
        let is_stale = |result: &&PeriodResult| result.alert.as_ref().is_some_and(|alert| alert.stale);
        let got: BTreeSet<Period> = reached.iter().filter(is_stale).map(|result| result.period).collect();
        let list = |periods: &BTreeSet<Period>| {
            let periods: Vec<String> = periods.iter().map(ToString::to_string).collect();
            format!("[{}]", periods.join(" "))
        };
        Ok(Some(whole("stale", list(&expected), list(&got))))
    }

    fn finally(&self, reached: &[PeriodResult], as_at: Option<i64>) -> Result<Option<Step>, Failure> {
        let Some(expected) = &self.finally else { return Ok(None) };
        if as_at.is_none() {
            let wrong =
                invalid("missing-field", "`finally` needs a time".to_owned(), "expect.finally", expected);
            return Err(wrong.with_hint("add `as_at:`"));
        }
        let got = reached.last().map_or("I", |last| letter(phase(last.alert.as_ref())));
        Ok(Some(whole("finally", expected.clone(), got.to_owned())))
    }
}

/// An expectation about the whole run.
fn whole(step: &str, expected: String, got: String) -> Step {
    Step { step: step.to_owned(), value: String::new(), expected, got }
}

/// Expectations about single periods.
fn period_steps(
    what: &str,
    expected: &BTreeMap<PeriodKey, String>,
    values: &Values,
    reached: &[PeriodResult],
    got: &dyn Fn(&PeriodResult) -> String,
) -> Result<Vec<Step>, Failure> {
    let field = format!("expect.{what}");
    let step = |(key, expected): (&PeriodKey, &String)| {
        let period = key.period(&field)?;
        let result = reached.iter().find(|result| result.period == period).ok_or_else(|| {
            invalid(
                "unknown-period",
                format!("the series has no period {period}"),
                &field,
                &period.to_string(),
            )
        })?;
        let value = values.get(&period).cloned().unwrap_or_default();
        Ok(Step { step: format!("{period} {what}"), value, expected: expected.clone(), got: got(result) })
    };
    expected.iter().map(step).collect()
}

fn episodes(reached: &[PeriodResult]) -> String {
    let episodes =
        reached.iter().filter_map(|result| result.alert.as_ref()).map(|alert| alert.episode.as_str());
    episodes.filter(|episode| !episode.is_empty()).collect::<BTreeSet<_>>().len().to_string()
}

fn certainty(result: &PeriodResult) -> String {
    match result.alert.as_ref().map(Alert::certainty) {
        Some(Certainty::Confirmed) => "confirmed",
        Some(Certainty::NotConfirmed) => "not_confirmed",
        Some(Certainty::Unspecified) | None => "no",
    }
    .to_owned()
}
