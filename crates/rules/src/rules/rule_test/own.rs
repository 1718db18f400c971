//! Rule tests in Orewatch's own form: a rule, a series by period, and expectations.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, RuleChange};
use orewatch_contracts::common::v1::{By, Estimate, Frequency, Status};
use orewatch_contracts::exposure::v1::{
    ClaimVerdictChanged, DatasetRevision, MarketSize, RevisionSize, Subject,
};
use orewatch_contracts::{Class, Failure};
use serde::Deserialize;

use super::cases::word;
use super::expect::{Expect, PeriodResult};
use super::period_key::{PeriodKey, invalid};
use super::{TestReport, TestResult};
use crate::alert::{RuleOnSubject, alert_of};
use crate::condition::{Gap, PeriodView};
use crate::figures::{Figure, JudgedClaim, WatchedSubject, unavailable};
use crate::firmness::StageRevisions;
use crate::period::frequency_of;
use crate::reconcile::{Trigger, reconcile};
use crate::rules::document::RuleEntry;
use crate::rules::packs::pack;
use crate::rules::verdicts::known_verdict;
use crate::rules::yaml::parse_yaml;
use crate::rules::{CheckedRule, add_location, check, parse};
use crate::spread::Spread;
use crate::trajectory::Trajectory;

/// Upper bound on the tests of a file and on the periods of a series.
const MAX_ENTRIES: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    /// What the test shows.
    name: String,
    /// A rule, or the identifier of a rule in `pack` or `file`.
    rule: RuleOrName,
    /// A pack that is part of the program.
    pack: Option<String>,
    /// A rule file; its path is relative to the test file.
    file: Option<String>,
    /// Subject of the series. Default: the first entry of each list that the rule selects.
    #[serde(default)]
    subject: About,
    /// The figures of the rule's measure.
    series: BTreeMap<PeriodKey, Cell>,
    /// Figures of other measures that the condition uses, by the name of the measure. `import-share by value`
    /// names the basis too, for a condition on both.
    #[serde(default)]
    measures: BTreeMap<String, BTreeMap<PeriodKey, Cell>>,
    /// Verdict on a claim that the condition is about, when the last period comes in.
    claim: Option<String>,
    /// Time at which the age of data is assessed, such as `2027-01-01`.
    as_at: Option<String>,
    /// A revision of the rule between two periods.
    revise: Option<Revise>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a rule or the identifier of one")]
enum RuleOrName {
    Name(String),
    Rule(Box<RuleEntry>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct About {
    consumer: String,
    material: String,
    stage: String,
    supplier: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revise {
    /// Period before which the revision is put.
    before: PeriodKey,
    rule: Box<RuleEntry>,
    #[serde(default)]
    re_evaluate: bool,
}

#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, `missing`, `stale`, `failed` or `{value, low, high, names}`"
)]
enum Cell {
    Value(f64),
    Word(Word),
    Figure(Given),
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Missing,
    Stale,
    Failed,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    coverage: Option<f64>,
    #[serde(default)]
    names: Vec<String>,
    /// Number of datasets that have the figure, and the lowest and the highest of their values.
    #[serde(default)]
    sources: u32,
    lowest: Option<f64>,
    highest: Option<f64>,
    /// Size of the market, in tonnes and in thousands of US dollars.
    quantity_t: Option<f64>,
    value_kusd: Option<f64>,
    /// How much published figures like it were revised, as a fraction.
    revision: Option<f64>,
}

/// Runs the tests of a file.
pub(super) fn run(
    name: &str,
    text: &str,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Failure>,
) -> Result<TestReport, Failure> {
    let file: File = parse_yaml(name, text)?;
    let mut report = TestReport::default();
    if file.tests.len() > MAX_ENTRIES {
        let message = format!("{name} has {} tests, the limit is {MAX_ENTRIES}", file.tests.len());
        return Err(Failure::new(Class::Invalid, "too-many", message));
    }
    for (k, test) in file.tests.into_iter().enumerate() {
        let prefix = format!("tests[{k}].");
        let with_location = |failure: Failure| {
            // A failure of a rule file has a location already.
            if failure.message.starts_with(name) || failure.field.is_empty() {
                failure
            } else {
                add_location(name, text, &prefix, failure)
            }
        };
        report.tests.push(test.run(read).map_err(with_location)?);
    }
    Ok(report)
}

impl Test {
    fn run(self, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Failure>) -> Result<TestResult, Failure> {
        let rule = checked(self.stored(read)?, "rule.")?;
        let revised = match &self.revise {
            Some(revise) => {
                let stored = revise.rule.as_ref().clone().into_rule("");
                let within = |mut failure: Failure| {
                    failure.field = format!("revise.rule.{}", failure.field);
                    failure
                };
                let revision = checked(stored.map_err(within)?, "revise.rule.")?;
                Some((revise.before.period("revise.before")?, revision, revise.re_evaluate))
            }
            None => None,
        };
        let as_at = self.as_at.as_deref().map(parse_instant).transpose()?;
        let series = series(&self.series, "series", &rule)?;
        let failing = self.failing()?;
        let claims = self.claims(&rule)?;
        let run = TestRun { rule: &rule, revised: revised.as_ref(), failing: &failing, claims, as_at };
        let subject = Arc::new(self.subject(&rule));
        let others = self.others(&rule)?;
        let reached = run.run(&subject, &series, &others, &self.revisions()?);
        let values = self.series.iter().map(|(key, cell)| Ok((key.period("series")?, cell.describe())));
        let values = values.collect::<Result<BTreeMap<Period, String>, Failure>>()?;
        let steps = self.expect.steps(&values, &reached, as_at)?;
        Ok(TestResult::new(&self.name, &rule.rule.title, steps))
    }

    /// The rule as it would be stored.
    fn stored(&self, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Failure>) -> Result<proto::Rule, Failure> {
        let id = match &self.rule {
            RuleOrName::Rule(entry) => {
                return entry.as_ref().clone().into_rule("").map_err(|mut failure| {
                    failure.field = format!("rule.{}", failure.field);
                    failure
                });
            }
            RuleOrName::Name(id) => id,
        };
        let rules = match (&self.pack, &self.file) {
            (Some(name), None) => {
                let pack = pack(name).ok_or_else(|| {
                    invalid("unknown-pack", format!("there is no pack {name:?}"), "pack", name)
                        .with_hint("list them: `orewatch rules packs`")
                })?;
                parse(pack.name, pack.text.as_bytes())?
            }
            (None, Some(file)) => parse(file, &read(file)?)?,
            _ => {
                let wrong = invalid(
                    "missing-field",
                    format!("the test does not name a pack or file with rule {id:?}"),
                    "rule",
                    id,
                );
                return Err(wrong.with_hint("add `pack:` or `file:`, or write the whole rule here"));
            }
        };
        let near =
            orewatch_catalog::closest(id, rules.iter().map(|rule| rule.id.as_str())).map(str::to_owned);
        rules.into_iter().find(|rule| rule.id == *id).ok_or_else(|| {
            let wrong = invalid("unknown-rule", format!("there is no rule {id:?}"), "rule", id);
            wrong.with_hint(near.map(|near| format!("did you mean {near}?")).unwrap_or_default())
        })
    }

    fn failing(&self) -> Result<BTreeSet<Period>, Failure> {
        let fails = |(_, cell): &(&PeriodKey, &Cell)| matches!(cell, Cell::Word(Word::Failed));
        self.series.iter().filter(fails).map(|(key, _)| key.period("series")).collect()
    }

    /// The revisions that figures give: all published figures like them were revised that much.
    fn revisions(&self) -> Result<Arc<StageRevisions>, Failure> {
        let given = self.series.iter().filter_map(|(key, cell)| Some((key, cell.revision()?)));
        let known = |(key, revision): (&PeriodKey, f64)| {
            if !revision.is_finite() || revision < 0.0 {
                let message = format!("{revision} is no revision");
                let wrong = invalid("out-of-range", message, "series", &revision.to_string());
                return Err(wrong.with_hint("write a fraction from 0 on, such as 0.07"));
            }
            Ok((key.period("series")?, Arc::<[_]>::from([dataset_revised_by(revision)])))
        };
        given.map(known).collect::<Result<StageRevisions, _>>().map(Arc::new)
    }

    fn subject(&self, rule: &CheckedRule) -> Subject {
        let select = rule.rule.select.clone().unwrap_or_default();
        let or = |given: &String, listed: &[String], default: &str| {
            let first = listed.first().map_or_else(|| default.to_owned(), Clone::clone);
            if given.is_empty() { first } else { given.clone() }
        };
        let has_supplier = rule.measure.method().has_supplier;
        Subject {
            consumer: or(&self.subject.consumer, &select.consumers, "WLD"),
            material: or(&self.subject.material, &select.materials, "cobalt"),
            stage: or(&self.subject.stage, &select.stages, "refined"),
            supplier: if has_supplier {
                or(&self.subject.supplier, &select.suppliers, "CHN")
            } else {
                String::new()
            },
            measure: rule.rule.measure.clone(),
            by: rule.by.into(),
        }
    }

    /// The claim of the test with its verdict.
    fn claims(&self, rule: &CheckedRule) -> Result<Vec<JudgedClaim>, Failure> {
        let Some(word) = &self.claim else { return Ok(Vec::new()) };
        if !rule.reads_claims() {
            let unused = invalid("unexpected-field", "the rule reads no claims".to_owned(), "claim", word);
            return Err(unused.with_hint("leave `claim` out"));
        }
        let verdict = known_verdict(word, "claim")?;
        let claim = ClaimVerdictChanged { after: verdict.into(), ..ClaimVerdictChanged::default() };
        Ok(vec![Arc::new(claim)])
    }

    /// The figures of the other series of the condition, in its order.
    fn others(&self, rule: &CheckedRule) -> Result<Vec<Figures>, Failure> {
        let mut left: BTreeMap<&str, &BTreeMap<PeriodKey, Cell>> =
            self.measures.iter().map(|(name, series)| (name.as_str(), series)).collect();
        let mut others = Vec::new();
        for other in &rule.condition.other_series {
            let measure = other.measure.split('/').next().unwrap_or_default();
            let basis = if other.by == By::Value { "value" } else { "quantity" };
            let names = [format!("{measure} by {basis}"), measure.to_owned()];
            let given = names.iter().find_map(|name| Some((name, self.measures.get(name)?)));
            others.push(match given {
                Some((name, given)) => {
                    left.remove(name.as_str());
                    series(given, &format!("measures.{name}"), rule)?
                }
                None => Figures::new(),
            });
        }
        match left.keys().next() {
            Some(name) => {
                let message = format!("the rule does not use the measure {name:?}");
                Err(invalid("unused-measure", message, &format!("measures.{name}"), name))
            }
            None => Ok(others),
        }
    }
}

fn checked(rule: proto::Rule, prefix: &str) -> Result<CheckedRule, Failure> {
    check(&rule).map_err(|mut failure| {
        failure.field = format!("{prefix}{}", failure.field);
        failure
    })
}

fn parse_instant(text: &str) -> Result<i64, Failure> {
    let day = || -> Option<i64> {
        let date: jiff::civil::Date = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok().map(jiff::Timestamp::as_second)
    };
    let instant = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    instant.or_else(day).ok_or_else(|| {
        let wrong = invalid("invalid-time", format!("{text:?} is not a day or time"), "as_at", text);
        wrong.with_hint("write a day such as `2027-01-01` or a time such as `2027-01-01T12:00:00Z`")
    })
}

type Figures = Vec<(Period, Arc<Figure>)>;

fn series(cells: &BTreeMap<PeriodKey, Cell>, field: &str, rule: &CheckedRule) -> Result<Figures, Failure> {
    if cells.len() > MAX_ENTRIES {
        let message = format!("{field} has {} periods, the limit is {MAX_ENTRIES}", cells.len());
        return Err(invalid("too-many", message, field, ""));
    }
    let figure = |(key, cell): (&PeriodKey, &Cell)| Ok((key.period(field)?, Arc::new(cell.figure())));
    let mut all = cells.iter().map(figure).collect::<Result<Figures, Failure>>()?;
    all.sort_by_key(|(period, _)| *period);
    match all.iter().find(|(period, _)| frequency_of(*period) != rule.frequency) {
        Some((period, _)) => {
            let watched = if rule.frequency == Frequency::Monthly { "months" } else { "years" };
            let message = format!("the rule watches {watched}, but {period} is given");
            let wrong = invalid("frequency-mismatch", message, field, &period.to_string());
            Err(wrong.with_hint("write periods of the rule's `frequency`; the default is annual"))
        }
        None => Ok(all),
    }
}

/// The dataset of a test, whose figures were all revised alike.
fn dataset_revised_by(revision: f64) -> DatasetRevision {
    let size = Some(RevisionSize { median: revision, p90: revision });
    let dataset = "the test".to_owned();
    DatasetRevision { dataset, trade: true, output: true, editions: 2, by_quantity: size, by_value: size }
}

impl Cell {
    fn revision(&self) -> Option<f64> {
        match self {
            Self::Figure(given) => given.revision,
            Self::Value(_) | Self::Word(_) => None,
        }
    }

    fn figure(&self) -> Figure {
        let (mut spread, mut size) = (None, None);
        let (estimate, names) = match self {
            Self::Value(value) => (known(*value, Some(*value), Some(*value), Some(1.0)), String::new()),
            Self::Word(Word::Stale) => {
                (Estimate { status: Status::Stale.into(), ..unavailable("stale") }, String::new())
            }
            Self::Word(_) => (unavailable("missing"), String::new()),
            Self::Figure(given) => {
                let Given { value, low, high, coverage, names, sources, lowest, highest, .. } = given;
                let Given { quantity_t, value_kusd, .. } = *given;
                let is_sized = quantity_t.is_some() || value_kusd.is_some();
                size = is_sized.then(|| Arc::new(MarketSize { quantity_t, value_kusd }));
                let (sources, lowest, highest) = (*sources, *lowest, *highest);
                let given = Spread { sources, lowest, highest, ..Spread::default() };
                spread = (sources > 1).then(|| Arc::new(given));
                let or = |bound: &Option<f64>| bound.or(Some(*value));
                (known(*value, or(low), or(high), coverage.or(Some(1.0))), names.join(","))
            }
        };
        Figure { estimate, names: names.into(), spread, size, ..Figure::default() }
    }

    fn describe(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Word(Word::Missing) => "missing".to_owned(),
            Self::Word(Word::Stale) => "stale".to_owned(),
            Self::Word(Word::Failed) => "failed".to_owned(),
            Self::Figure(given) => match (given.low, given.high) {
                (None, None) => given.value.to_string(),
                (low, high) => {
                    let [low, high] = [low, high].map(|bound| bound.unwrap_or(given.value));
                    format!("{} [{low}, {high}]", given.value)
                }
            },
        }
    }
}

fn known(value: f64, low: Option<f64>, high: Option<f64>, coverage: Option<f64>) -> Estimate {
    let is_exact = low == Some(value) && high == Some(value);
    let status = if is_exact { Status::Known } else { Status::Partial };
    Estimate { value: Some(value), low, high, coverage, status: status.into(), reason: String::new() }
}

/// Evaluates a rule on a series that grows by one period at a time, as in the service.
struct TestRun<'a> {
    rule: &'a CheckedRule,
    revised: Option<&'a (Period, CheckedRule, bool)>,
    failing: &'a BTreeSet<Period>,
    /// The claims that the condition is about, when the last period comes in.
    claims: Vec<JudgedClaim>,
    as_at: Option<i64>,
}

impl TestRun<'_> {
    fn run(
        &self,
        subject: &Arc<Subject>,
        series: &Figures,
        others: &[Figures],
        revisions: &Arc<StageRevisions>,
    ) -> Vec<PeriodResult> {
        let mut recorded: Option<Alert> = None;
        let mut reached = Vec::new();
        let (mut rule, mut revision) = (self.rule, 1);
        for k in 0..series.len() {
            let Some((period, _)) = series.get(k) else { break };
            let claims = |count: usize| if count == series.len() { self.claims.clone() } else { Vec::new() };
            let first = |count: usize| WatchedSubject {
                subject: Arc::clone(subject),
                figures: series.get(..count).unwrap_or_default().to_vec(),
                others: others.to_vec(),
                claims: claims(count),
                other_claims: vec![claims(count); others.len()],
                revisions: Some(Arc::clone(revisions)),
                ..WatchedSubject::default()
            };
            let (before, now) = (first(k), first(k + 1));
            let mut reasons = Vec::new();
            if let Some((_, revised, re_evaluate)) = self.revised.filter(|(from, ..)| from == period) {
                (rule, revision) = (revised, revision + 1);
                let change = RuleChange { revision, ..RuleChange::default() };
                let news = Trigger::Revision { change: &change, re_evaluate: *re_evaluate };
                let case = RuleOnSubject { rule, revision, watched: &before };
                let events = reconcile(case, recorded.as_ref(), &self.fold(rule, &before, None), &news);
                record(&events, &mut recorded, &mut reasons);
            }
            let is_last = k + 1 == series.len();
            let then = self.fold(rule, &before, None);
            let trajectory = self.fold(rule, &now, self.as_at.filter(|_| is_last));
            let news = Trigger::Figures { before: &then, cause: None };
            let events = reconcile(
                RuleOnSubject { rule, revision, watched: &now },
                recorded.as_ref(),
                &trajectory,
                &news,
            );
            record(&events, &mut recorded, &mut reasons);
            reached.push(PeriodResult { period: *period, alert: recorded.clone(), reasons });
        }
        reached
    }

    fn fold(&self, rule: &CheckedRule, watched: &WatchedSubject<'_>, as_at: Option<i64>) -> Trajectory {
        Trajectory::fold_with(rule, watched, as_at, |view: &PeriodView<'_>| {
            match view.period().filter(|period| self.failing.contains(period)) {
                Some(_) => Err(Gap::Failed("the test sets `failed`".into())),
                None => rule.condition.assess(view),
            }
        })
    }
}

fn record(events: &[Event], recorded: &mut Option<Alert>, reasons: &mut Vec<String>) {
    for event in events {
        let Some(alert) = alert_of(event) else { continue };
        reasons.push(word(alert.reason()));
        if !matches!(event, Event::Restated(_)) {
            *recorded = Some(alert.clone());
        }
    }
}
