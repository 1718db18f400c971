//! Describes a condition, and what it found, in words. The texts are stored with alerts, so that they stay.
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{AgeOf, Average, Scale, SupplierTurn};

use super::claims;
use super::kinds::{Names, average_before, required};
use super::{Condition, Criterion, PeriodView, SECONDS_PER_DAY, Source};
use crate::assessment::Line;

impl Condition {
    /// The condition in words; `unit` is that of the rule's measure. Empty for a line over the figure itself.
    #[must_use]
    pub fn describe(&self, unit: &str) -> String {
        if self.is_level() { String::new() } else { self.describe_criterion(&self.criterion, unit) }
    }

    fn describe_criterion(&self, criterion: &Criterion, unit: &str) -> String {
        let join = |criteria: &[Criterion], word: &str| {
            if let Some(both) = self.describe_both(criteria, word, unit) {
                return both;
            }
            let parts: Vec<String> =
                criteria.iter().map(|criterion| self.describe_criterion(criterion, unit)).collect();
            format!("({})", parts.join(word))
        };
        match criterion {
            Criterion::Level(source, line) => {
                format!(
                    "{} {} {}",
                    self.series_name(*source, "the figure"),
                    side(line),
                    amount(line.at, self.unit(*source, unit))
                )
            }
            Criterion::Change { source, over, scale, line } => {
                let (verb, far) = direction(line);
                let what = self.series_name(*source, "the figure");
                format!(
                    "{what} {verb} {} over {}",
                    amount_in_scale(far, *scale, self.unit(*source, unit)),
                    periods(*over)
                )
            }
            Criterion::Window { source, periods: window, average, scale, line, .. } => {
                let far = if line.above { line.at } else { -line.at };
                let far = amount_in_scale(far, *scale, self.unit(*source, unit));
                let what = self.series_name(*source, "the figure");
                format!("{what} is more than {far} {} the {}", beyond(line), average_of(*average, *window))
            }
            Criterion::SupplierChange { is_share, change, over, .. } => {
                let what = supplier_change_phrase(*change, *is_share);
                format!("{what}{}{} before", joint(what), periods(*over))
            }
            Criterion::Age { of, seconds, .. } => age_phrase(*of, *seconds),
            Criterion::Target { source, path, .. } => {
                let side = if path.at_most { "at most" } else { "at least" };
                let what = self.series_name(*source, "the figure");
                format!(
                    "{what} is off the path to {side} {} by {}",
                    amount(path.goal, self.unit(*source, unit)),
                    path.by
                )
            }
            Criterion::Claim { source, verdicts } => {
                format!("a claim about {} {}", self.series_name(*source, "it"), claims::phrase(verdicts))
            }
            Criterion::All(criteria) => join(criteria, " and "),
            Criterion::Any(criteria) => join(criteria, " or "),
            Criterion::Not(criterion) => format!("not {}", self.describe_criterion(criterion, unit)),
            Criterion::Cel(expression) => expression.text().to_owned(),
        }
    }

    fn series_name(&self, source: Source, own: &str) -> String {
        if let Some(basis) = self.basis(source) {
            return format!("{own} {basis}");
        }
        let Source::Other(number) = source else { return own.to_owned() };
        let Some(series) = self.other_series.get(number) else { return own.to_owned() };
        let measure = series.measure.split('/').next().unwrap_or_default();
        let codes = [&series.consumer, &series.stage, &series.supplier];
        let codes: Vec<&str> = codes.into_iter().flatten().map(|code| &**code).collect();
        if codes.is_empty() { measure.to_owned() } else { format!("{measure} of {}", codes.join(" ")) }
    }

    fn unit<'a>(&'a self, source: Source, own: &'a str) -> &'a str {
        let Source::Other(number) = source else { return own };
        let measure = self
            .other_series
            .get(number)
            .and_then(|series| series.measure.parse::<orewatch_measures::Measure>().ok());
        measure.map_or(own, |measure| measure.method().unit)
    }

    /// What the condition found, as a short phrase. Empty: nothing beyond the figure.
    #[must_use]
    pub fn finding(&self, view: &PeriodView<'_>, unit: &str) -> String {
        let small = self.floor.shortfall(view.size());
        small.or_else(|| self.finding_of(&self.criterion, view, unit)).unwrap_or_default()
    }

    fn finding_of(&self, criterion: &Criterion, view: &PeriodView<'_>, unit: &str) -> Option<String> {
        let (Criterion::All(criteria) | Criterion::Any(criteria)) = criterion else {
            return finding(criterion, view, unit);
        };
        if let Some(both) = self.finding_on_both(criteria, view, unit) {
            return Some(both);
        }
        let met = criteria
            .iter()
            .filter(|criterion| criterion.assess(view).is_ok_and(|assessment| assessment.is_crossed()));
        let found: Vec<String> = met.filter_map(|criterion| self.finding_of(criterion, view, unit)).collect();
        (!found.is_empty()).then(|| found.join("; "))
    }
}

/// What a criterion that is no combination found.
fn finding(criterion: &Criterion, view: &PeriodView<'_>, unit: &str) -> Option<String> {
    let period = view.period()?;
    match criterion {
        Criterion::Change { source: source @ Source::Own, over, .. }
        | Criterion::SupplierChange { source, is_share: true, over, .. } => {
            let (now, then) = (view.now(*source).ok()?, view.earlier(*source, *over).ok()?);
            let before = period.earlier(*over)?;
            Some(format!("{} in {before}, {} in {period}", amount(then.value, unit), amount(now.value, unit)))
        }
        Criterion::Window { source: source @ Source::Own, periods: window, average, .. } => {
            let (now, average_before) =
                (view.now(*source).ok()?, average_before(view, *source, *window, *average).ok()?);
            let before = periods(*window);
            Some(format!(
                "{} in {period}, {} in the {before} before",
                amount(now.value, unit),
                amount(average_before.value, unit)
            ))
        }
        Criterion::SupplierChange { source, is_share: false, change, over, .. } => {
            let names = Names::new(view, *source, *over).ok()?;
            changed_suppliers(&names, *change, period.earlier(*over)?, period)
        }
        Criterion::Age { source, of, .. } => {
            let newest = newest(view, *source);
            let what = match of {
                AgeOf::Release => "no release has changed a figure of this market since".to_owned(),
                AgeOf::Period | AgeOf::Unspecified => {
                    format!("the newest figure is of {}", newest.map(|at| at.to_string()).unwrap_or_default())
                }
            };
            (newest.is_some() || *of == AgeOf::Release).then_some(what)
        }
        Criterion::Target { source: source @ Source::Own, path, .. } => {
            let required = required(view, *source, path).ok().flatten()?;
            let now = view.now(*source).ok()?;
            Some(format!(
                "{} in {period}, the path wants {}",
                amount(now.value, unit),
                amount(required.value, unit)
            ))
        }
        Criterion::Claim { source, verdicts } => claims::finding(view, *source, verdicts),
        Criterion::Level(..)
        | Criterion::Change { .. }
        | Criterion::Window { .. }
        | Criterion::Target { .. }
        | Criterion::All(_)
        | Criterion::Any(_)
        | Criterion::Not(_)
        | Criterion::Cel(_) => None,
    }
}

/// A change of suppliers in words.
fn supplier_change_phrase(change: SupplierTurn, is_share: bool) -> &'static str {
    match (change, is_share) {
        (SupplierTurn::New, true) => "it is a new supplier",
        (SupplierTurn::New, false) => "a supplier is new among the largest",
        (SupplierTurn::Lost, true) => "it is no supplier any more",
        (SupplierTurn::Lost, false) => "a supplier is no longer among the largest",
        (SupplierTurn::Switched | SupplierTurn::Unspecified, _) => "another supplier is the largest",
    }
}

/// The suppliers that were added, dropped or replaced.
fn changed_suppliers(
    names: &Names<'_>,
    change: SupplierTurn,
    before: Period,
    period: Period,
) -> Option<String> {
    match change {
        SupplierTurn::New => Some(format!("new since {before}: {}", list(names.added())?)),
        SupplierTurn::Lost => Some(format!("gone since {before}: {}", list(names.dropped())?)),
        SupplierTurn::Switched | SupplierTurn::Unspecified => {
            let (then, now) = names.largest()?;
            Some(format!("{then} in {before}, {now} in {period}"))
        }
    }
}

fn newest(view: &PeriodView<'_>, source: Source) -> Option<Period> {
    let series = match source {
        Source::Own => view.watched.figures.get(..=view.index)?,
        Source::Other(series) => view.watched.others.get(series)?,
    };
    let known =
        series.iter().rev().find(|(_, figure)| figure.estimate.value.is_some_and(|value| !value.is_nan()));
    known.map(|(period, _)| *period)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn joint(what: &str) -> &'static str {
    if what.starts_with("another") { " than " } else { ", compared with " }
}

fn side(line: &Line) -> &'static str {
    if line.above { "is above" } else { "is below" }
}

/// Direction and size of a change that crosses a line.
fn direction(line: &Line) -> (&'static str, f64) {
    match (line.above, line.at >= 0.0) {
        (true, true) => ("rises by more than", line.at),
        (true, false) => ("falls by less than", -line.at),
        (false, true) => ("rises by less than", line.at),
        (false, false) => ("falls by more than", -line.at),
    }
}

fn periods(count: u32) -> String {
    if count == 1 { "1 period".to_owned() } else { format!("{count} periods") }
}

fn amount_in_scale(far: f64, scale: Scale, unit: &str) -> String {
    match (scale, unit) {
        (Scale::Percent, _) => format!("{} %", number(far)),
        (Scale::Absolute | Scale::Unspecified, "share") => format!("{} points", number(far * 100.0)),
        (Scale::Absolute | Scale::Unspecified, unit) => amount(far, unit),
    }
}

/// A figure with its unit; shares are in percent.
pub(crate) fn amount(value: f64, unit: &str) -> String {
    match unit {
        "share" => format!("{} %", number(value * 100.0)),
        "index" | "ratio" | "count" | "hhi" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// A number with as many digits as people read.
fn number(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// What is too old, and from when on.
fn age_phrase(of: AgeOf, seconds: u64) -> String {
    let what = if of == AgeOf::Release { "the last release" } else { "the newest figure" };
    #[allow(clippy::cast_precision_loss, reason = "an age is shown in days, not to the second")]
    let days = seconds as f64 / SECONDS_PER_DAY;
    format!("{what} is older than {} days", number(days))
}

/// On which side of an average a line is.
fn beyond(line: &Line) -> &'static str {
    if line.above { "above" } else { "below" }
}

/// An average of the periods before.
fn average_of(average: Average, window: u32) -> String {
    let average = if average == Average::Mean { "mean" } else { "median" };
    format!("{average} of the {} before", periods(window))
}
