//! Assessments of the kinds of conditions other than a line over the figure itself.
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{Average, Scale, SupplierTurn};
use orewatch_measures::{TargetLine, elapsed};

use super::{Gap, PeriodView, Source};
use crate::assessment::{Assessment, Likelihood, Line, Range};

/// Difference of two figures. Missing: a percentage of a figure that is not positive.
fn difference(range: &Range, reference: &Range, scale: Scale) -> Result<Range, Gap> {
    let difference = match scale {
        Scale::Percent => range.percent_beyond(reference).ok_or(Gap::Missing)?,
        Scale::Absolute | Scale::Unspecified => range.less(reference),
    };
    if difference.value.is_nan() { Err(Gap::Missing) } else { Ok(difference) }
}

/// Change since an earlier period: x(t) - x(t - n), or x(t) / x(t - n) - 1 in percent.
pub(super) fn assess_change(
    view: &PeriodView<'_>,
    source: Source,
    over: u32,
    scale: Scale,
    line: &Line,
) -> Result<Assessment, Gap> {
    let now = view.now(source)?;
    let then = view.earlier(source, over)?;
    difference(&now, &then, scale).map(|change| line.assess(&change))
}

/// Distance from the average of the preceding periods. It counts only if the figure or the average reaches a
/// minimum.
pub(super) fn assess_window(
    view: &PeriodView<'_>,
    source: Source,
    (periods, average): (u32, Average),
    scale: Scale,
    minimum: f64,
    line: &Line,
) -> Result<Assessment, Gap> {
    let now = view.now(source)?;
    let average_before = average_before(view, source, periods, average)?;
    let gate = at_least(&now, minimum).max(at_least(&average_before, minimum));
    let assessed = match difference(&now, &average_before, scale) {
        Ok(difference) => line.assess(&difference),
        // A percentage of zero is no number; below the minimum it does not matter.
        Err(Gap::Missing) if !gate.holds() => Assessment::plain(Likelihood::No, None),
        Err(gap) => return Err(gap),
    };
    Ok(Assessment {
        crossed: assessed.crossed.min(gate),
        cleared: assessed.cleared.max(gate.negation()),
        ..assessed
    })
}

/// Average of the preceding periods, at least half of which must have figures.
pub(super) fn average_before(
    view: &PeriodView<'_>,
    source: Source,
    periods: u32,
    average: Average,
) -> Result<Range, Gap> {
    let known: Vec<Range> = (1..=periods).filter_map(|before| view.earlier(source, before).ok()).collect();
    if known.is_empty() || known.len() * 2 < usize::try_from(periods).unwrap_or(usize::MAX) {
        return Err(Gap::Missing);
    }
    let bound = |values: Option<Vec<f64>>| values.map(|values| averaged(values, average));
    Ok(Range {
        value: averaged(known.iter().map(|range| range.value).collect(), average),
        low: bound(known.iter().map(|range| range.low).collect()),
        high: bound(known.iter().map(|range| range.high).collect()),
    })
}

/// Mean or median of some values. Both are monotonic in every value, so that the average of the bounds bounds
/// the average.
fn averaged(mut values: Vec<f64>, average: Average) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a window has at most 120 periods")]
    let count = values.len() as f64;
    if average == Average::Mean {
        return values.iter().sum::<f64>() / count;
    }
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied().unwrap_or(f64::NAN);
    let lower = middle.checked_sub(1).and_then(|below| values.get(below)).copied().unwrap_or(upper);
    if values.len() % 2 == 1 { upper } else { f64::midpoint(lower, upper) }
}

/// Likelihood that a value is at least `least`.
fn at_least(range: &Range, least: f64) -> Likelihood {
    Line { at: least, above: false, clear: None }.assess(range).crossed.negation()
}

/// Likelihood that a supplier counts as one: it has at least `share` or, if that is 0, any share.
fn counts_as_supplier(range: &Range, share: f64) -> Likelihood {
    if share > 0.0 {
        at_least(range, share)
    } else {
        Line { at: 0.0, above: true, clear: None }.assess(range).crossed
    }
}

/// Change of suppliers since an earlier period.
pub(super) fn assess_supplier_change(
    view: &PeriodView<'_>,
    source: Source,
    is_share: bool,
    change: SupplierTurn,
    over: u32,
    share: f64,
) -> Result<Assessment, Gap> {
    let now = view.now(source)?;
    let then = view.earlier(source, over)?;
    if !is_share {
        let names = Names::new(view, source, over)?;
        let has_changed = match change {
            SupplierTurn::New => names.added().next().is_some(),
            SupplierTurn::Lost => names.dropped().next().is_some(),
            SupplierTurn::Switched | SupplierTurn::Unspecified => names.largest().is_some(),
        };
        // If an amount is not known exactly, neither is the order of suppliers.
        let is_certain = now.is_exact() && then.is_exact();
        return Ok(Assessment::plain(Likelihood::new(has_changed, is_certain), Some(now.value)));
    }
    let (now_there, then_there) = (counts_as_supplier(&now, share), counts_as_supplier(&then, share));
    let (crossed, value) = match change {
        SupplierTurn::Lost => (then_there.min(now_there.negation()), then.value),
        SupplierTurn::New | SupplierTurn::Switched | SupplierTurn::Unspecified => {
            (now_there.min(then_there.negation()), now.value)
        }
    };
    Ok(Assessment::plain(crossed, Some(value)))
}

/// The suppliers that a figure names, now and earlier.
pub(super) struct Names<'a> {
    now: Vec<&'a str>,
    then: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// The names in two periods.
    ///
    /// # Errors
    /// [`Gap::Missing`]: one of the figures names no supplier.
    pub(super) fn new(view: &PeriodView<'a>, source: Source, over: u32) -> Result<Self, Gap> {
        let names = |over| -> Result<Vec<&'a str>, Gap> {
            let names: Vec<&str> =
                view.figure(source, over)?.names.split(',').filter(|name| !name.is_empty()).collect();
            if names.is_empty() { Err(Gap::Missing) } else { Ok(names) }
        };
        Ok(Self { now: names(0)?, then: names(over)? })
    }

    /// Suppliers that were not named earlier.
    pub(super) fn added(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.now.iter().copied().filter(|name| !self.then.contains(name))
    }

    /// Suppliers that are no longer named.
    pub(super) fn dropped(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.then.iter().copied().filter(|name| !self.now.contains(name))
    }

    /// The largest supplier then and now, if they differ.
    pub(super) fn largest(&self) -> Option<(&'a str, &'a str)> {
        let (then, now) = (self.then.first()?, self.now.first()?);
        (then != now).then_some((then, now))
    }
}

/// A straight path to a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// The target.
    pub goal: f64,
    /// Whether the figure should be at most the target; otherwise at least.
    pub at_most: bool,
    /// When the target should be met.
    pub by: Period,
    /// When the path begins.
    pub from: Period,
    /// Figure at which it begins. `None`: the figure of that period.
    pub base: Option<f64>,
}

impl Path {
    /// The target that it leads to.
    fn target(&self) -> TargetLine {
        TargetLine { at: self.goal, at_most: self.at_most }
    }
}

/// Distance of the figure from the straight path to a target, compared with the tolerance.
pub(super) fn assess_target(
    view: &PeriodView<'_>,
    source: Source,
    path: &Path,
    line: &Line,
) -> Result<Assessment, Gap> {
    let now = view.now(source)?;
    let Some(required) = required(view, source, path)? else {
        return Ok(Assessment::plain(Likelihood::No, Some(0.0)));
    };
    let off = if path.at_most { now.less(&required) } else { required.less(&now) };
    Ok(line.assess(&off))
}

/// The figure that the path requires in the period. `None`: the path has not begun.
///
/// # Errors
/// [`Gap`]: the figure at which the path begins is missing.
pub(super) fn required(view: &PeriodView<'_>, source: Source, path: &Path) -> Result<Option<Range>, Gap> {
    let period = view.period().ok_or(Gap::Missing)?;
    if period <= path.from {
        return Ok(None);
    }
    let base = match path.base {
        Some(base) => Range::exactly(base),
        None => view.in_period(source, path.from)?,
    };
    let elapsed = elapsed(path.from, path.by, period);
    let value_at = |base: f64| path.target().path(base, elapsed);
    Ok(Some(Range {
        value: value_at(base.value),
        low: base.low.map(value_at),
        high: base.high.map(value_at),
    }))
}

impl PeriodView<'_> {
    /// The figure of a given period.
    fn in_period(&self, source: Source, period: Period) -> Result<Range, Gap> {
        let series = match source {
            Source::Own => &self.watched.figures,
            Source::Other(series) => self.watched.others.get(series).ok_or(Gap::Missing)?,
        };
        let found = series.binary_search_by(|(other, _)| other.cmp(&period)).map_err(|_| Gap::Missing)?;
        super::read(series.get(found).map(|(_, figure)| &**figure).ok_or(Gap::Missing)?)
    }
}
