//! The kinds of conditions beyond a line over the figure itself.
use orewatch_contracts::alerting::v1::{Average, Scale, SupplierTurn};

use super::{Gap, Path, Sight, Source};
use crate::judgement::{Judgement, Likelihood, Line, Range};
use crate::trajectory::end;

/// One figure less another. Missing: in percent of nothing.
fn difference(one: &Range, other: &Range, scale: Scale) -> Result<Range, Gap> {
    let difference = match scale {
        Scale::Percent => one.percent_beyond(other).ok_or(Gap::Missing)?,
        Scale::Absolute | Scale::Unspecified => one.less(other),
    };
    if difference.value.is_nan() { Err(Gap::Missing) } else { Ok(difference) }
}

/// The change since an earlier period: x(t) - x(t - n), or x(t) / x(t - n) - 1 in percent.
pub(super) fn judge_change(
    sight: &Sight<'_>,
    source: Source,
    over: u32,
    scale: Scale,
    line: &Line,
) -> Result<Judgement, Gap> {
    let now = sight.now(source)?;
    let then = sight.earlier(source, over)?;
    difference(&now, &then, scale).map(|change| line.judge(&change))
}

/// The distance from the average of the periods before, gated by a minimum.
pub(super) fn judge_window(
    sight: &Sight<'_>,
    source: Source,
    (periods, average): (u32, Average),
    scale: Scale,
    minimum: f64,
    line: &Line,
) -> Result<Judgement, Gap> {
    let now = sight.now(source)?;
    let normal = normal(sight, source, periods, average)?;
    let gate = at_least(&now, minimum).max(at_least(&normal, minimum));
    let judged = match difference(&now, &normal, scale) {
        Ok(difference) => line.judge(&difference),
        // In percent of nothing: no number, and nothing that the gate lets through.
        Err(Gap::Missing) if !gate.holds() => Judgement::plain(Likelihood::No, None),
        Err(gap) => return Err(gap),
    };
    Ok(Judgement {
        crossed: judged.crossed.min(gate),
        cleared: judged.cleared.max(gate.contrary()),
        ..judged
    })
}

/// The average of the periods before, of which half at least must be there.
pub(super) fn normal(
    sight: &Sight<'_>,
    source: Source,
    periods: u32,
    average: Average,
) -> Result<Range, Gap> {
    let known: Vec<Range> = (1..=periods).filter_map(|before| sight.earlier(source, before).ok()).collect();
    if known.is_empty() || known.len() * 2 < usize::try_from(periods).unwrap_or(usize::MAX) {
        return Err(Gap::Missing);
    }
    let of = |values: Option<Vec<f64>>| values.map(|values| averaged(values, average));
    Ok(Range {
        value: averaged(known.iter().map(|range| range.value).collect(), average),
        low: of(known.iter().map(|range| range.low).collect()),
        high: of(known.iter().map(|range| range.high).collect()),
    })
}

/// Mean or median of some values. Both only grow with each value, so that those of the bounds are the bounds of theirs.
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

/// How likely it is that a value is at least so much.
fn at_least(range: &Range, least: f64) -> Likelihood {
    Line { at: least, above: false, clear: None }.judge(range).crossed.contrary()
}

/// Whether a supplier is there: any share at all, or at least so much.
fn is_there(range: &Range, share: f64) -> Likelihood {
    if share > 0.0 {
        at_least(range, share)
    } else {
        Line { at: 0.0, above: true, clear: None }.judge(range).crossed
    }
}

/// Whether who supplies has changed since an earlier period.
pub(super) fn judge_turn(
    sight: &Sight<'_>,
    source: Source,
    is_share: bool,
    turn: SupplierTurn,
    over: u32,
    share: f64,
) -> Result<Judgement, Gap> {
    let now = sight.now(source)?;
    let then = sight.earlier(source, over)?;
    if !is_share {
        let names = Names::of(sight, source, over)?;
        let has_turned = match turn {
            SupplierTurn::New => names.come().next().is_some(),
            SupplierTurn::Lost => names.gone().next().is_some(),
            SupplierTurn::Switched | SupplierTurn::Unspecified => names.largest().is_some(),
        };
        // Where an amount is not known, the order of suppliers is not either.
        let is_certain = now.is_exact() && then.is_exact();
        return Ok(Judgement::plain(Likelihood::of(has_turned, is_certain), Some(now.value)));
    }
    let (now_there, then_there) = (is_there(&now, share), is_there(&then, share));
    let (crossed, value) = match turn {
        SupplierTurn::Lost => (then_there.min(now_there.contrary()), then.value),
        SupplierTurn::New | SupplierTurn::Switched | SupplierTurn::Unspecified => {
            (now_there.min(then_there.contrary()), now.value)
        }
    };
    Ok(Judgement::plain(crossed, Some(value)))
}

/// The suppliers that a figure names, now and earlier.
pub(super) struct Names<'a> {
    now: Vec<&'a str>,
    then: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// # Errors
    /// [`Gap::Missing`]: one of the figures names nobody.
    pub(super) fn of(sight: &Sight<'a>, source: Source, over: u32) -> Result<Self, Gap> {
        let names = |over| -> Result<Vec<&'a str>, Gap> {
            let names: Vec<&str> =
                sight.figure(source, over)?.names.split(',').filter(|name| !name.is_empty()).collect();
            if names.is_empty() { Err(Gap::Missing) } else { Ok(names) }
        };
        Ok(Self { now: names(0)?, then: names(over)? })
    }

    /// Those that were not named.
    pub(super) fn come(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.now.iter().copied().filter(|name| !self.then.contains(name))
    }

    /// Those that are no longer named.
    pub(super) fn gone(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.then.iter().copied().filter(|name| !self.now.contains(name))
    }

    /// The largest then and now, if they differ.
    pub(super) fn largest(&self) -> Option<(&'a str, &'a str)> {
        let (then, now) = (self.then.first()?, self.now.first()?);
        (then != now).then_some((then, now))
    }
}

/// How far the figure is off the straight path to a target, beyond what is tolerated.
pub(super) fn judge_target(
    sight: &Sight<'_>,
    source: Source,
    path: &Path,
    line: &Line,
) -> Result<Judgement, Gap> {
    let now = sight.now(source)?;
    let Some(wanted) = wanted(sight, source, path)? else {
        return Ok(Judgement::plain(Likelihood::No, Some(0.0)));
    };
    let off = if path.at_most { now.less(&wanted) } else { wanted.less(&now) };
    Ok(line.judge(&off))
}

/// The figure that the path wants in the period. None: the path has not begun.
///
/// # Errors
/// [`Gap`]: the figure at which it begins is not there.
pub(super) fn wanted(sight: &Sight<'_>, source: Source, path: &Path) -> Result<Option<Range>, Gap> {
    let period = sight.period().ok_or(Gap::Missing)?;
    if period <= path.from {
        return Ok(None);
    }
    let base = match path.base {
        Some(base) => Range::exactly(base),
        None => sight.since(source, path.from)?,
    };
    #[allow(clippy::cast_precision_loss, reason = "seconds of two centuries fit into a double")]
    let seconds = |from, to| (end(to) - end(from)) as f64;
    let gone = (seconds(path.from, period) / seconds(path.from, path.by)).clamp(0.0, 1.0);
    let at = |base: f64| {
        // Who is better than the target already is not asked to become worse.
        let base = if path.at_most { base.max(path.goal) } else { base.min(path.goal) };
        base + (path.goal - base) * gone
    };
    Ok(Some(Range { value: at(base.value), low: base.low.map(at), high: base.high.map(at) }))
}

impl Sight<'_> {
    /// A figure of a period that is named.
    fn since(&self, source: Source, period: orewatch_catalog::Period) -> Result<Range, Gap> {
        let series = match source {
            Source::Own => &self.watched.figures,
            Source::Look(look) => self.watched.others.get(look).ok_or(Gap::Missing)?,
        };
        let found = series.binary_search_by(|(other, _)| other.cmp(&period)).map_err(|_| Gap::Missing)?;
        super::read(series.get(found).map(|(_, figure)| &**figure).ok_or(Gap::Missing)?)
    }
}
