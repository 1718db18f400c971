//! Parses requests for backtests.
use std::time::Duration;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{BacktestRuleRequest, RuleChoice, rule_choice};
use orewatch_contracts::{Class, Failure};
use orewatch_rules::backtest::{Candidate, Horizon, Replay, Window};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::tenant::tenant_of;
use orewatch_runtime::Identity;

use super::run::ReadOptions;

/// Subjects that are returned, unless the request says otherwise.
const DEFAULT_SUBJECTS: usize = 1000;
/// Subjects that a request may ask for.
const MAX_SUBJECTS: usize = 10_000;

/// A request that has been checked.
#[derive(Debug)]
pub(crate) struct ParsedBacktest {
    pub(crate) replay: Replay,
    pub(crate) options: ReadOptions,
    /// Subjects to return.
    pub(crate) max_subjects: usize,
}

impl ParsedBacktest {
    /// Parses a request, given the stored rules.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an invalid request, [`Class::NotFound`] for an unknown rule or revision.
    pub(crate) fn parse(
        request: &BacktestRuleRequest,
        who: &Identity,
        state: &RulesState,
        deadline: Option<Duration>,
    ) -> Result<Self, Failure> {
        let rule = candidate(state, who, "rule", request.rule.as_ref())?.ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-field", "the request names no rule").at("rule", "")
        })?;
        let against = candidate(state, who, "against", request.against.as_ref())?;
        let candidates: Vec<Candidate> = [rule].into_iter().chain(against).collect();
        let window =
            Window { from: read_period("from", &request.from)?, to: read_period("to", &request.to)? };
        if window.from.zip(window.to).is_some_and(|(from, to)| from > to) {
            let message =
                format!("the first period {} comes after the last one {}", request.from, request.to);
            return Err(Failure::new(Class::Invalid, "end-before-start", message).at("from", &request.from));
        }
        let max_subjects = match usize::try_from(request.most_subjects) {
            Ok(0) => DEFAULT_SUBJECTS,
            Ok(subjects) if subjects <= MAX_SUBJECTS => subjects,
            _ => return Err(too_many_subjects(request.most_subjects)),
        };
        let options = ReadOptions { horizon: Horizon::read(request.as_at.as_ref())?, deadline };
        Ok(Self { replay: Replay::new(&candidates, window)?, options, max_subjects })
    }
}

/// Reads a period that may be left out.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no period.
pub(crate) fn read_period(field: &str, text: &str) -> Result<Option<Period>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Failure::new(Class::Invalid, "invalid-period", format!("{text:?} is not a period"))
            .at(field, text)
            .with_hint("write a year such as 2024, or a month such as 2024-03")
    })
}

fn candidate(
    state: &RulesState,
    who: &Identity,
    field: &str,
    choice: Option<&RuleChoice>,
) -> Result<Option<Candidate>, Failure> {
    let stored = match choice.and_then(|choice| choice.choice.as_ref()) {
        None => return Ok(None),
        Some(rule_choice::Choice::Rule(rule)) => {
            return Ok(Some(Candidate { rule: rule.clone(), revision: 0 }));
        }
        Some(rule_choice::Choice::Stored(stored)) => stored,
    };
    let unknown =
        |code: &str, message: String| Failure::new(Class::NotFound, code, message).at(field, &stored.id);
    let seen = state.rules().get(&stored.id).filter(|_| who.may_read(tenant_of(&stored.id)));
    let revisions = seen.ok_or_else(|| {
        unknown("unknown-rule", format!("there is no rule {:?}", stored.id))
            .with_hint("list the rules to see which there are")
    })?;
    let revision = match stored.revision {
        0 => revisions.last().filter(|last| last.rule.is_some()).ok_or_else(|| {
            unknown("unknown-rule", format!("rule {} is removed", stored.id))
                .with_hint("name one of its revisions")
        })?,
        number => revisions
            .iter()
            .find(|revision| revision.number == number && revision.rule.is_some())
            .ok_or_else(|| {
                let last = revisions.last().map_or(0, |last| last.number);
                unknown("unknown-revision", format!("rule {} has no revision {number}", stored.id))
                    .with_hint(format!("its last one is {last}"))
            })?,
    };
    Ok(revision.rule.clone().map(|rule| Candidate { rule, revision: revision.number }))
}

fn too_many_subjects(asked: u32) -> Failure {
    let message = format!("a backtest returns at most {MAX_SUBJECTS} subjects");
    Failure::new(Class::Invalid, "too-many", message)
        .at("most_subjects", asked.to_string())
        .with_hint(format!("use 1 to {MAX_SUBJECTS}, or 0 for {DEFAULT_SUBJECTS}"))
}

/// The timeout of a call, from its gRPC metadata: up to eight digits and a unit.
pub(crate) fn call_timeout(metadata: &tonic::metadata::MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(number.saturating_mul(60))),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}
