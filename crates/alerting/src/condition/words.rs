//! A condition, and what it finds, in words.
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{AgeOf, Average, Scale, SupplierTurn};

use super::kinds::{Names, normal, wanted};
use super::{Condition, DAY, Sight, Source, Test};
use crate::judgement::Line;

impl Condition {
    /// The condition in words; `unit` is that of the rule's measure. Empty: a line over the figure itself.
    #[must_use]
    pub fn words(&self, unit: &str) -> String {
        if self.is_level() { String::new() } else { self.say(&self.test, unit) }
    }

    fn say(&self, test: &Test, unit: &str) -> String {
        let join = |tests: &[Test], word: &str| {
            let said: Vec<String> = tests.iter().map(|test| self.say(test, unit)).collect();
            said.join(word)
        };
        match test {
            Test::Level(source, line) => {
                format!(
                    "{} {} {}",
                    self.name(*source, "the figure"),
                    side(line),
                    amount(line.at, self.unit(*source, unit))
                )
            }
            Test::Change { source, over, scale, line } => {
                let (verb, far) = move_of(line);
                let of = self.name(*source, "the figure");
                format!(
                    "{of} {verb} {} over {}",
                    scaled(far, *scale, self.unit(*source, unit)),
                    periods(*over)
                )
            }
            Test::Window { source, periods: window, average, scale, line, .. } => {
                let side = if line.above { "above" } else { "below" };
                let far = if line.above { line.at } else { -line.at };
                let of = if *average == Average::Mean { "mean" } else { "median" };
                let what = self.name(*source, "the figure");
                let far = scaled(far, *scale, self.unit(*source, unit));
                format!("{what} is more than {far} {side} the {of} of the {} before", periods(*window))
            }
            Test::Turn { is_share, turn, over, .. } => {
                let what = turned(*turn, *is_share);
                format!("{what}{}{} before", joint(what), periods(*over))
            }
            Test::Age { of, seconds, .. } => {
                let what = if *of == AgeOf::Release { "the last release" } else { "the newest figure" };
                #[allow(clippy::cast_precision_loss, reason = "an age is told in days, not to the second")]
                let days = *seconds as f64 / DAY;
                format!("{what} is older than {} days", number(days))
            }
            Test::Target { source, path, .. } => {
                let side = if path.at_most { "at most" } else { "at least" };
                let what = self.name(*source, "the figure");
                format!(
                    "{what} is off the path to {side} {} by {}",
                    amount(path.goal, self.unit(*source, unit)),
                    path.by
                )
            }
            Test::All(tests) => format!("({})", join(tests, " and ")),
            Test::Any(tests) => format!("({})", join(tests, " or ")),
            Test::Not(test) => format!("not {}", self.say(test, unit)),
            Test::Cel(expression) => expression.text().to_owned(),
        }
    }

    fn name(&self, source: Source, own: &str) -> String {
        let Source::Look(look) = source else { return own.to_owned() };
        let Some(look) = self.looks.get(look) else { return own.to_owned() };
        let measure = look.measure.split('/').next().unwrap_or_default();
        let of = [&look.consumer, &look.stage, &look.supplier];
        let of: Vec<&str> = of.into_iter().flatten().map(|code| &**code).collect();
        if of.is_empty() { measure.to_owned() } else { format!("{measure} of {}", of.join(" ")) }
    }

    fn unit<'a>(&'a self, source: Source, own: &'a str) -> &'a str {
        let Source::Look(look) = source else { return own };
        let measure =
            self.looks.get(look).and_then(|look| look.measure.parse::<orewatch_measures::Measure>().ok());
        measure.map_or(own, |measure| measure.method().unit)
    }

    /// What was found, one short sentence. Empty: nothing beyond the figure.
    #[must_use]
    pub fn finding(&self, sight: &Sight<'_>, unit: &str) -> String {
        find(&self.test, sight, unit).unwrap_or_default()
    }
}

fn find(test: &Test, sight: &Sight<'_>, unit: &str) -> Option<String> {
    let period = sight.period()?;
    match test {
        Test::Change { source: source @ Source::Own, over, .. } => {
            let (now, then) = (sight.now(*source).ok()?, sight.earlier(*source, *over).ok()?);
            let before = period.earlier(*over)?;
            Some(format!("{} in {before}, {} in {period}", amount(then.value, unit), amount(now.value, unit)))
        }
        Test::Window { source: source @ Source::Own, periods: window, average, .. } => {
            let (now, normal) = (sight.now(*source).ok()?, normal(sight, *source, *window, *average).ok()?);
            let before = periods(*window);
            Some(format!(
                "{} in {period}, {} in the {before} before",
                amount(now.value, unit),
                amount(normal.value, unit)
            ))
        }
        Test::Turn { source, is_share: false, turn, over, .. } => {
            let names = Names::of(sight, *source, *over).ok()?;
            who(&names, *turn, period.earlier(*over)?, period)
        }
        Test::Turn { source, is_share: true, over, .. } => {
            let (now, then) = (sight.now(*source).ok()?, sight.earlier(*source, *over).ok()?);
            let before = period.earlier(*over)?;
            Some(format!("{} in {before}, {} in {period}", amount(then.value, unit), amount(now.value, unit)))
        }
        Test::Age { source, of, .. } => {
            let newest = newest(sight, *source);
            let what = match of {
                AgeOf::Release => "no release has changed a figure of this market since".to_owned(),
                AgeOf::Period | AgeOf::Unspecified => {
                    format!("the newest figure is of {}", newest.map(|at| at.to_string()).unwrap_or_default())
                }
            };
            (newest.is_some() || *of == AgeOf::Release).then_some(what)
        }
        Test::Target { source: source @ Source::Own, path, .. } => {
            let wanted = wanted(sight, *source, path).ok().flatten()?;
            let now = sight.now(*source).ok()?;
            Some(format!(
                "{} in {period}, the path wants {}",
                amount(now.value, unit),
                amount(wanted.value, unit)
            ))
        }
        Test::All(tests) | Test::Any(tests) => {
            let met = tests.iter().filter(|test| test.judge(sight).is_ok_and(|one| one.is_crossed()));
            let found: Vec<String> = met.filter_map(|test| find(test, sight, unit)).collect();
            (!found.is_empty()).then(|| found.join("; "))
        }
        Test::Level(..)
        | Test::Change { .. }
        | Test::Window { .. }
        | Test::Target { .. }
        | Test::Not(_)
        | Test::Cel(_) => None,
    }
}

/// A change of who supplies, in words.
fn turned(turn: SupplierTurn, is_share: bool) -> &'static str {
    match (turn, is_share) {
        (SupplierTurn::New, true) => "it is a new supplier",
        (SupplierTurn::New, false) => "a supplier is new among the largest",
        (SupplierTurn::Lost, true) => "it is no supplier any more",
        (SupplierTurn::Lost, false) => "a supplier is no longer among the largest",
        (SupplierTurn::Switched | SupplierTurn::Unspecified, _) => "another supplier is the largest",
    }
}

/// Who came, went, or took the place of whom.
fn who(names: &Names<'_>, turn: SupplierTurn, before: Period, period: Period) -> Option<String> {
    match turn {
        SupplierTurn::New => Some(format!("new since {before}: {}", list(names.come())?)),
        SupplierTurn::Lost => Some(format!("gone since {before}: {}", list(names.gone())?)),
        SupplierTurn::Switched | SupplierTurn::Unspecified => {
            let (then, now) = names.largest()?;
            Some(format!("{then} in {before}, {now} in {period}"))
        }
    }
}

fn newest(sight: &Sight<'_>, source: Source) -> Option<Period> {
    let series = match source {
        Source::Own => sight.watched.figures.get(..=sight.at)?,
        Source::Look(look) => sight.watched.others.get(look)?,
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

/// Which way a change goes that crosses a line, and how far.
fn move_of(line: &Line) -> (&'static str, f64) {
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

fn scaled(far: f64, scale: Scale, unit: &str) -> String {
    match (scale, unit) {
        (Scale::Percent, _) => format!("{} %", number(far)),
        (Scale::Absolute | Scale::Unspecified, "share") => format!("{} points", number(far * 100.0)),
        (Scale::Absolute | Scale::Unspecified, unit) => amount(far, unit),
    }
}

/// A figure with its unit; a share in percent.
pub(crate) fn amount(value: f64, unit: &str) -> String {
    match unit {
        "share" => format!("{} %", number(value * 100.0)),
        "index" | "ratio" | "count" | "hhi" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// A number without digits that nobody reads.
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
