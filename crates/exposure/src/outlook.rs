//! Outlooks of figures of imports, and the scores of forecasts on the reference series.
//!
//! The series of a figure is that of the book at the knowledge time of the request. The errors of the past
//! are those of the reference series, which are longer than the book. Whatever is missing ends the series: no
//! year is filled.

use orewatch_catalog::Period;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_contracts::exposure::v1::{
    BaseRate, ForecastScores, GetOutlookRequest, GetOutlookResponse, HistoryYear, OutlookBand,
    ScoreForecastsRequest, ScoreForecastsResponse, Subject,
};
use orewatch_contracts::{Class, Failure};
use orewatch_foresight::{
    BANDS, Backcast, BackcastCase, Baseline, CaseScore, Comparison, ErrorPool, Loss, NoOutlook, Outlook,
    OutlookQuestion, OutlookYear, ReferenceFigure, Scores, YearlySeries, calibration, calibration_error,
    compare_with_no_change, first_even_year, reference_series,
};
use orewatch_measures::{Measure, TargetLine};
use orewatch_runtime::Stop;

use crate::book::{Book, Knowledge, Market};
use crate::figures::figure_alone;
use crate::query::has_tables;
use crate::request::{ExposureRequest, Frequency, knowledge};
use crate::scope::ScopeCache;
use crate::snapshot::Snapshot;
use crate::wire;

/// The greatest value of an index of concentration: outlooks compute on the scale of 0 to 1.
const HHI_SCALE: f64 = 10_000.0;

/// How far a level may be from the last figure to be alike, for the base rate.
const ALIKE_WITHIN: f64 = 0.075;

/// Defaults of a request for scores: first and last origin, years ahead, and threshold by scale.
const FIRST_ORIGIN: u32 = 2009;
const HORIZON: u32 = 6;
const SHARE_LINE: f64 = 0.65;
const HHI_LINE: f64 = 4_000.0;

/// The first origin with five years of history, the last one with a year to come, and most years ahead.
const EARLIEST_ORIGIN: u32 = 1999;
const LATEST_ORIGIN: u32 = 2023;
const MAX_HORIZON: u32 = 10;

/// Seed of the bootstrap, so that the same request gets the same answer.
const SEED: u64 = 2026;

/// A measure that has outlooks: its reference series, and its greatest value.
#[derive(Clone, Copy)]
struct Scale {
    reference: ReferenceFigure,
    greatest: f64,
}

impl Scale {
    /// # Errors
    /// No reference series are held for the measure.
    fn new(measure: Measure) -> Result<Self, Failure> {
        match measure {
            Measure::ImportShare => Ok(Self { reference: ReferenceFigure::ChinaShare, greatest: 1.0 }),
            Measure::ImportTop1 => Ok(Self { reference: ReferenceFigure::TopShare, greatest: 1.0 }),
            Measure::ImportHhi => Ok(Self { reference: ReferenceFigure::Hhi, greatest: HHI_SCALE }),
            other => {
                let message = format!("no past errors are held for {other}, so it has no outlook");
                Err(Failure::new(Class::Invalid, "unsupported-measure", message)
                    .with_hint("ask for import-share, import-top1 or import-hhi")
                    .at("measure", other.to_string()))
            }
        }
    }

    fn series(self) -> Result<Vec<YearlySeries>, Failure> {
        reference_series(self.reference).map_err(|error| Failure::internal(error.to_string()))
    }

    /// A threshold on the scale of 0 to 1.
    ///
    /// # Errors
    /// The figure cannot be there.
    fn line(self, line: f64) -> Result<f64, Failure> {
        let scaled = line / self.greatest;
        if (0.0..=1.0).contains(&scaled) {
            return Ok(scaled);
        }
        let message = format!("a threshold of {line} is outside of what the figure can be");
        Err(Failure::new(Class::Invalid, "out-of-range", message)
            .with_hint(format!("name one from 0 to {}", self.greatest))
            .at("line", line.to_string()))
    }
}

/// Answers a request for an outlook.
///
/// # Errors
/// A code that the catalogue does not have, a measure without outlook, a threshold or a year out of range, a
/// series that is too short; the request was stopped.
pub(crate) fn get_outlook(
    known: &Snapshot,
    request: &GetOutlookRequest,
    stop: &Stop,
) -> Result<GetOutlookResponse, Failure> {
    let wanted = ExposureRequest::parse(request.subject.as_ref(), "")?;
    let scale = Scale::new(wanted.key.measure)?;
    let line = scale.line(request.line)?;
    let baseline = baseline(request.baseline)?;
    let book = known.read(request.reading.as_ref())?;
    wanted.check_stage(&book)?;
    let at = knowledge(&book, known.position, request.as_at.as_ref())?;
    let history = history(&book, at, &wanted, stop)?;
    let values = history.iter().map(|(_, value)| (value / scale.greatest).clamp(0.0, 1.0)).collect();
    let first = history.first().map_or(0, |(year, _)| *year);
    let subject = YearlySeries::new(wanted.material, wanted.consumer.code(), first, values)
        .map_err(|_| too_few_years("there is no figure of any year"))?;
    let series = scale.series()?;
    let until = year(request.until, "until")?;
    let question = OutlookQuestion {
        subject: &subject,
        series: &series,
        origin: subject.last_year(),
        until,
        target: TargetLine { at: line, at_most: !request.at_least },
        baseline,
    };
    let outlooks = question.over_pools().map_err(|error| no_outlook(&error))?;
    stop.check()?;
    Ok(GetOutlookResponse {
        subject: Some(subject_message(request.subject.as_ref(), &wanted)),
        unit: wanted.key.measure.method().unit.to_owned(),
        history: history
            .iter()
            .map(|(year, value)| HistoryYear { year: year_number(*year), value: *value })
            .collect(),
        line: request.line,
        at_least: request.at_least,
        baseline: baseline_message(baseline).into(),
        outlooks: outlooks.iter().map(|outlook| outlook_message(outlook, scale)).collect(),
        base_rate: Some(base_rate(&question, scale)),
        stale: None,
    })
}

/// The figures of the last years without a gap, oldest first.
fn history(
    book: &Book,
    at: Knowledge,
    wanted: &ExposureRequest,
    stop: &Stop,
) -> Result<Vec<(i16, f64)>, Failure> {
    let (cache, markets) = (ScopeCache::new(book, at), book.markets(at));
    let table = wanted.key.measure.method().table;
    let here = |market: &Market| {
        (market.material, market.stage) == wanted.topic() && Frequency::Annual.is_of(market.period)
    };
    let newest_first =
        markets.iter().rev().filter(|(market, tables)| here(market) && has_tables(tables, table));
    let mut history: Vec<(i16, f64)> = Vec::new();
    for (market, _) in newest_first {
        stop.check()?;
        let value = figure_alone(&cache.scope(*market), wanted.figure_request()).estimate.value;
        let year = market.period.calendar_year();
        match (value, history.last()) {
            // Years that are not reported yet come before the first figure, seen from the end.
            (None, None) => {}
            (Some(value), None) => history.push((year, value)),
            (Some(value), Some((later, _))) if year + 1 == *later => history.push((year, value)),
            (_, Some(_)) => break,
        }
    }
    history.reverse();
    Ok(history)
}

fn base_rate(question: &OutlookQuestion<'_>, scale: Scale) -> BaseRate {
    let last = question.subject.at(question.origin).unwrap_or_default();
    let (low, high) = ((last - ALIKE_WITHIN).max(0.0), (last + ALIKE_WITHIN).min(1.0));
    let rate = question.base_rate(None, low..=high, question.until);
    BaseRate {
        from_level: low * scale.greatest,
        to_level: high * scale.greatest,
        cases: count(rate.cases),
        met: count(rate.met),
    }
}

fn outlook_message(outlook: &Outlook, scale: Scale) -> wired::PoolOutlook {
    wired::PoolOutlook {
        pool: pool_message(outlook.pool).into(),
        best_scored: outlook.pool == ErrorPool::BEST_SCORED,
        years: outlook.years.iter().map(|year| year_message(year, scale)).collect(),
        first_even_year: first_even_year(&outlook.years).map(year_number),
        never: outlook.never,
    }
}

fn year_message(year: &OutlookYear, scale: Scale) -> wired::OutlookYear {
    let bands = BANDS.iter().zip(year.bands()).map(|(band, [low, high])| OutlookBand {
        percent: band.percent.into(),
        low: low * scale.greatest,
        high: high * scale.greatest,
    });
    wired::OutlookYear {
        year: year_number(year.year),
        median: year.distribution.median() * scale.greatest,
        bands: bands.collect(),
        probability: year.probability,
        shown: year.shown_probability(),
        likelihood: year.likelihood().to_string(),
        independent_draws: year.independent_draws,
    }
}

/// The subject with the version of its measure and the weight that was chosen.
fn subject_message(subject: Option<&Subject>, wanted: &ExposureRequest) -> Subject {
    Subject {
        measure: wanted.key.measure.to_string(),
        by: wire::weight(wanted.key.by).into(),
        ..subject.cloned().unwrap_or_default()
    }
}

/// Answers a request for scores.
///
/// # Errors
/// A measure without reference series, a year, a number of years or a threshold out of range; the request was
/// stopped.
pub(crate) fn score_forecasts(
    request: &ScoreForecastsRequest,
    stop: &Stop,
) -> Result<ScoreForecastsResponse, Failure> {
    let scale = Scale::new(scored_measure(&request.measure)?)?;
    let from = within(request.from, FIRST_ORIGIN, EARLIEST_ORIGIN..=LATEST_ORIGIN, "from")?;
    let until = within(request.until, LATEST_ORIGIN, from..=LATEST_ORIGIN, "until")?;
    let horizon = within(request.horizon, HORIZON, 1..=MAX_HORIZON, "horizon")?;
    let default = if scale.greatest > 1.0 { HHI_LINE } else { SHARE_LINE };
    let line = request.line.unwrap_or(default);
    let series = scale.series()?;
    let backcast = Backcast {
        series: &series,
        origins: year(from, "from")?..=year(until, "until")?,
        horizon: usize::try_from(horizon).unwrap_or_default(),
        line: scale.line(line)?,
        pool: pool(request.pool)?,
    };
    let cases = backcast.run(&Baseline::ALL);
    stop.check()?;
    let mut scores = Vec::new();
    for ahead in 1..=backcast.horizon {
        let compared = compare_with_no_change(&series, &cases, ahead, Loss::Crps, SEED);
        stop.check()?;
        scores.extend(Baseline::ALL.iter().filter_map(|baseline| {
            let comparison = compared.iter().find(|comparison| comparison.baseline == *baseline);
            scores_message(&cases, *baseline, ahead, comparison, scale)
        }));
    }
    let unit = if scale.greatest > 1.0 { "hhi" } else { "share" };
    Ok(ScoreForecastsResponse {
        scores,
        series: count(series.len()),
        from,
        until,
        line,
        unit: unit.to_owned(),
    })
}

/// `None`: the baseline has no forecast so many years ahead.
fn scores_message(
    cases: &[BackcastCase],
    baseline: Baseline,
    ahead: usize,
    comparison: Option<&Comparison>,
    scale: Scale,
) -> Option<ForecastScores> {
    let wanted = cases.iter().filter(|case| case.baseline == baseline && case.ahead == ahead);
    let wanted: Vec<CaseScore> = wanted.map(|case| case.score).collect();
    let scores = Scores::from_cases(&wanted)?;
    let in_unit = |value: f64| value * scale.greatest;
    Some(ForecastScores {
        baseline: baseline_message(baseline).into(),
        ahead: count(ahead),
        cases: count(scores.cases),
        mae: in_unit(scores.mae),
        crps: in_unit(scores.crps),
        pinball: scores.pinball.map(in_unit).to_vec(),
        brier: scores.brier,
        coverage: scores.coverage.to_vec(),
        switched: scores.switched,
        calibration_error: calibration_error(&calibration(&wanted)).unwrap_or_default(),
        difference: comparison.map(|comparison| in_unit(comparison.difference)),
        difference_low: comparison.map(|comparison| in_unit(comparison.interval[0])),
        difference_high: comparison.map(|comparison| in_unit(comparison.interval[1])),
        p: comparison.map(|comparison| comparison.p),
        beats_no_change: comparison.is_some_and(Comparison::beats_no_change),
    })
}

/// The measure of a request for scores. An empty text stands for China's share.
fn scored_measure(text: &str) -> Result<Measure, Failure> {
    let text = if text.trim().is_empty() { "import-share" } else { text };
    text.parse().map_err(|error: orewatch_measures::UnknownMeasure| {
        Failure::new(Class::NotFound, "unknown-measure", format!("unknown measure `{}`", error.value))
            .with_hint("ask for import-share, import-top1 or import-hhi")
            .at("measure", error.value)
    })
}

/// A number of a request, or its default for 0.
fn within(
    given: u32,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
    field: &str,
) -> Result<u32, Failure> {
    let number = if given == 0 { default } else { given };
    if range.contains(&number) {
        return Ok(number);
    }
    let message = format!("{field} cannot be {number}");
    Err(Failure::new(Class::Invalid, "out-of-range", message)
        .with_hint(format!("name a number from {} to {}", range.start(), range.end()))
        .at(field, number.to_string()))
}

fn year(number: u32, field: &str) -> Result<i16, Failure> {
    let year = i16::try_from(number).ok().filter(|year| Period::year(*year).is_ok());
    year.ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-period", format!("{number} is not a year"))
            .with_hint("name a year such as 2030")
            .at(field, number.to_string())
    })
}

fn year_number(year: i16) -> u32 {
    u32::try_from(year).unwrap_or_default()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn too_few_years(message: &str) -> Failure {
    Failure::new(Class::NotFound, "too-few-years", message)
        .with_hint("a forecast needs five years without a gap: ingest more years, or ask for another figure")
}

fn no_outlook(error: &NoOutlook) -> Failure {
    match error {
        NoOutlook::Years { .. } => Failure::new(Class::Invalid, "invalid-period", error.to_string())
            .with_hint("name a year after the last figure")
            .at("until", ""),
        NoOutlook::History(_) | NoOutlook::FewErrors { .. } => too_few_years(&error.to_string()),
    }
}

/// The baseline of a message. An unspecified one is the one with the best scores.
fn baseline(number: i32) -> Result<Baseline, Failure> {
    match wired::Baseline::try_from(number) {
        Ok(wired::Baseline::Unspecified | wired::Baseline::Shrink) => Ok(Baseline::Shrink),
        Ok(wired::Baseline::NoChange) => Ok(Baseline::NoChange),
        Ok(wired::Baseline::Drift) => Ok(Baseline::Drift),
        Ok(wired::Baseline::Theta) => Ok(Baseline::Theta),
        Ok(wired::Baseline::StraightLine) => Ok(Baseline::StraightLine),
        Err(_) => Err(unknown_number("baseline", number)),
    }
}

fn baseline_message(baseline: Baseline) -> wired::Baseline {
    match baseline {
        Baseline::NoChange => wired::Baseline::NoChange,
        Baseline::Shrink => wired::Baseline::Shrink,
        Baseline::Drift => wired::Baseline::Drift,
        Baseline::Theta => wired::Baseline::Theta,
        Baseline::StraightLine => wired::Baseline::StraightLine,
    }
}

/// The pool of a message. An unspecified one is that of all errors.
fn pool(number: i32) -> Result<ErrorPool, Failure> {
    match wired::ErrorPool::try_from(number) {
        Ok(wired::ErrorPool::Unspecified | wired::ErrorPool::All) => Ok(ErrorPool::All),
        Ok(wired::ErrorPool::Centred) => Ok(ErrorPool::Centred),
        Ok(wired::ErrorPool::SameLevel) => Ok(ErrorPool::SameLevel),
        Ok(wired::ErrorPool::SameClass) => Ok(ErrorPool::SameClass),
        Err(_) => Err(unknown_number("pool", number)),
    }
}

fn pool_message(pool: ErrorPool) -> wired::ErrorPool {
    match pool {
        ErrorPool::All => wired::ErrorPool::All,
        ErrorPool::Centred => wired::ErrorPool::Centred,
        ErrorPool::SameLevel => wired::ErrorPool::SameLevel,
        ErrorPool::SameClass => wired::ErrorPool::SameClass,
    }
}

fn unknown_number(field: &str, number: i32) -> Failure {
    Failure::new(Class::Invalid, "unknown-word", format!("{field} {number} is not known"))
        .with_hint("this version of the contracts has no such value")
        .at(field, number.to_string())
}
