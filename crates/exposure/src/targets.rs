//! Announced targets, and how far the figures are from them.
//!
//! The figures are those that a query for them gives. Whatever is missing stays missing: a year without a
//! figure has no progress, and a target without any figure is neither met nor missed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Consumer, Period, Stage, material};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    ExposureFilter, ListTargetsRequest, ListTargetsResponse, Progress, TargetProgress, TargetStanding,
    TargetVerdict,
};
use orewatch_contracts::ingestion::v1::TargetRow;
use orewatch_contracts::{Class, Failure};
use orewatch_measures::{Estimate, Measure, Status, TargetLine, TargetState, Weight, elapsed, mean_pace};
use orewatch_runtime::Stop;

use crate::book::{Book, EconomyId, Knowledge, Market, RecordedTarget, Tables};
use crate::figures::{Figure, FigureFilter, FigureKey, FigureRequest, figure_alone, figures};
use crate::query::has_tables;
use crate::request::{Frequency, Selection, knowledge, supplier};
use crate::scope::ScopeCache;
use crate::snapshot::Snapshot;
use crate::wire;

/// Upper bound on the targets of an answer, which keeps it below the limit of gRPC.
const MAX_TARGETS: usize = 1000;

/// Years with which progress is measured if the request names none.
const SINCE: [i16; 3] = [2007, 2012, 2019];

const NO_FIGURE: &str = "no release has figures of this material and stage that the measure needs";
const UNKNOWN_TERMS: &str = "this version does not know the measure, consumer, material, stage or supplier";

/// Answers a request for targets.
///
/// # Errors
/// A code that the catalogue does not have, a target that no release has, a year out of range, a knowledge
/// time that does not exist, too many targets; the request was stopped.
pub(crate) fn list_targets(
    known: &Snapshot,
    request: &ListTargetsRequest,
    stop: &Stop,
) -> Result<ListTargetsResponse, Failure> {
    let book = known.read(None)?;
    let at = knowledge(&book, known.position, request.as_at.as_ref())?;
    let since = since(&request.since)?;
    let selected = selected(&book, at, request)?;
    let (cache, markets) = (ScopeCache::new(&book, at), book.markets(at));
    let answer = Answer { cache: &cache, markets: &markets, since: &since, stop };
    let targets = selected.into_iter().map(|recorded| answer.standing(recorded));
    Ok(ListTargetsResponse { targets: targets.collect::<Result<_, _>>()?, stale: None })
}

/// The years of a request, or the default ones.
fn since(years: &[u32]) -> Result<Vec<Period>, Failure> {
    let year = |text: String| {
        text.parse::<Period>().ok().filter(|period| !period.is_month()).ok_or_else(|| {
            let message = format!("{text} is not a year with figures");
            Failure::new(Class::Invalid, "invalid-period", message)
                .with_hint("name years from 1900 to 2100, such as 2012")
                .at("since", text)
        })
    };
    if years.is_empty() {
        return SINCE.into_iter().map(|default| year(default.to_string())).collect();
    }
    let years: BTreeSet<u32> = years.iter().copied().collect();
    years.into_iter().map(|wanted| year(wanted.to_string())).collect()
}

/// The targets that a request asks for, by identifier.
///
/// # Errors
/// A code that the catalogue does not have, a target that no release has, too many targets.
pub(crate) fn selected<'a>(
    book: &'a Book,
    at: Knowledge,
    request: &ListTargetsRequest,
) -> Result<Vec<RecordedTarget<'a>>, Failure> {
    let ListTargetsRequest { consumers, materials, targets, .. } = request;
    let filter = ExposureFilter {
        consumers: consumers.clone(),
        materials: materials.clone(),
        ..ExposureFilter::default()
    };
    let selection = Selection::parse(&filter)?;
    let known = book.targets(at);
    if let Some(unknown) = targets.iter().find(|id| !known.contains_key(id.as_str())) {
        let near = orewatch_catalog::closest(unknown, known.keys().copied());
        let hint = near.map_or_else(
            || "`orewatch targets` lists all targets".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        let message = format!("no release has a target `{unknown}`");
        return Err(Failure::new(Class::NotFound, "unknown-target", message)
            .with_hint(hint)
            .at("targets", unknown));
    }
    let wanted = |id: &str, target: &TargetRow| {
        (targets.is_empty() || targets.iter().any(|wanted| wanted == id))
            && selection.consumer(&target.consumer)
            && selection.material(&target.material)
    };
    let selected: Vec<_> =
        known.into_iter().filter(|(id, recorded)| wanted(id, recorded.target)).map(|(_, one)| one).collect();
    if selected.len() > MAX_TARGETS {
        let message = format!("{} targets match, and an answer has at most {MAX_TARGETS}", selected.len());
        return Err(Failure::new(Class::Invalid, "too-many", message)
            .with_hint("name consumers, materials or targets")
            .at("targets", selected.len().to_string()));
    }
    Ok(selected)
}

/// What an answer is computed from.
#[derive(Clone, Copy)]
struct Answer<'a, 'b> {
    cache: &'b Rc<ScopeCache<'a>>,
    markets: &'b BTreeMap<Market, Tables>,
    since: &'b [Period],
    stop: &'b Stop,
}

impl Answer<'_, '_> {
    fn standing(self, recorded: RecordedTarget<'_>) -> Result<TargetStanding, Failure> {
        let RecordedTarget { target, content } = recorded;
        let (unit, progress) = match Terms::read(target) {
            Some(terms) => {
                let progress = terms.weights(target.by()).into_iter().map(|by| {
                    self.stop.check()?;
                    Ok(Series { answer: self, terms, by }.progress())
                });
                (terms.measure.method().unit, progress.collect::<Result<_, Failure>>()?)
            }
            None => {
                ("", vec![no_figure(target.by(), &Estimate::missing(Status::Unavailable, UNKNOWN_TERMS))])
            }
        };
        Ok(TargetStanding {
            target: Some(target.clone()),
            release: content.release.id.clone(),
            progress,
            unit: unit.to_owned(),
        })
    }
}

/// Progress without a figure.
fn no_figure(by: By, estimate: &Estimate) -> TargetProgress {
    TargetProgress {
        by: by.into(),
        estimate: Some(wire::estimate(estimate)),
        verdict: TargetVerdict::Unknown.into(),
        ..TargetProgress::default()
    }
}

/// A target in the terms of the catalogue.
#[derive(Clone, Copy)]
struct Terms {
    consumer: Consumer,
    material: &'static str,
    stage: Stage,
    measure: Measure,
    /// `None`: the largest one, or none if the measure has none.
    supplier: Option<EconomyId>,
    line: TargetLine,
    /// Year of the announcement. `None`: it is not recorded.
    announced: Option<Period>,
    due: Option<Period>,
}

impl Terms {
    /// Reads a recorded target. `None`: this version does not know what it is about.
    fn read(target: &TargetRow) -> Option<Self> {
        let named = Some(target.supplier.as_str()).filter(|code| !code.is_empty());
        Some(Self {
            consumer: target.consumer.parse().ok()?,
            material: material(&target.material).ok()?.id,
            stage: target.stage.parse().ok()?,
            measure: target.measure.parse().ok()?,
            supplier: named.map(supplier).transpose().ok()?,
            line: TargetLine { at: target.line, at_most: target.at_most },
            announced: target.announced.get(..4).and_then(|year| year.parse().ok()),
            due: target.due.parse().ok(),
        })
    }

    /// The bases on which the target is evaluated: the stated one, or all that its measure has.
    fn weights(&self, by: By) -> Vec<Weight> {
        match by {
            By::Quantity => vec![Weight::Quantity],
            By::Value => vec![Weight::Value],
            By::Unspecified => self.measure.method().weights.to_vec(),
        }
    }
}

/// The yearly figures that a target is about, on one basis.
#[derive(Clone, Copy)]
struct Series<'a, 'b> {
    answer: Answer<'a, 'b>,
    terms: Terms,
    by: Weight,
}

/// The newest figure of a series.
struct Newest {
    period: Period,
    /// The supplier that the series is about. `None`: the measure has none.
    supplier: Option<EconomyId>,
    /// The supplier to show.
    shown: &'static str,
    estimate: Estimate,
    state: TargetState,
}

impl Series<'_, '_> {
    fn progress(self) -> TargetProgress {
        let newest = self.newest();
        let Some((newest, value)) = newest.as_ref().and_then(|newest| Some((newest, newest.estimate.value?)))
        else {
            let missing = Estimate::missing(Status::Unavailable, NO_FIGURE);
            return no_figure(wire::weight(self.by), &missing);
        };
        let line = self.terms.line;
        let past = |period| self.value(period, newest.supplier);
        let pace = |years: u16| {
            let earlier = newest.period.earlier(years.into()).and_then(past)?;
            Some(mean_pace(earlier, value, years))
        };
        let (pace3, pace5) = (pace(3), pace(5));
        let path = self.path(newest, value);
        TargetProgress {
            by: wire::weight(self.by).into(),
            supplier: newest.shown.to_owned(),
            period: newest.period.to_string(),
            estimate: Some(wire::estimate(&newest.estimate)),
            verdict: verdict(newest.state).into(),
            distance: Some(line.distance(value)),
            path: path.map(|(_, path)| path),
            path_from: path.map(|(from, _)| from.to_string()).unwrap_or_default(),
            needed: self.terms.due.and_then(|due| line.needed_pace(value, years_between(newest.period, due))),
            pace3,
            pace5,
            years3: pace3.and_then(|pace| line.years_at(value, pace)),
            years5: pace5.and_then(|pace| line.years_at(value, pace)),
            since: self.answer.since.iter().map(|from| progress(line, *from, past(*from), value)).collect(),
        }
    }

    /// Where the straight path begins, and its figure in the newest period. `None`: the target sets no date,
    /// or there is no figure at which a path could begin.
    fn path(self, newest: &Newest, value: f64) -> Option<(Period, f64)> {
        let (due, announced) = (self.terms.due?, self.terms.announced?);
        let (from, base) = if newest.period <= announced {
            (newest.period, value)
        } else {
            let earlier = self.years().into_iter().filter(|period| *period <= announced);
            earlier.rev().find_map(|period| Some((period, self.value(period, newest.supplier)?)))?
        };
        let passed = elapsed(from, due, newest.period);
        Some((from, self.terms.line.path(base, passed)))
    }

    /// The years with data that the measure needs, oldest first.
    fn years(self) -> Vec<Period> {
        let table = self.terms.measure.method().table;
        let is_wanted = |market: &Market| {
            (market.material, market.stage) == (self.terms.material, self.terms.stage)
                && Frequency::Annual.is_of(market.period)
        };
        let markets = self.answer.markets.iter();
        markets
            .filter(|(market, tables)| is_wanted(market) && has_tables(tables, table))
            .map(|(market, _)| market.period)
            .collect()
    }

    /// The newest figure with a value. `None`: no year has one.
    fn newest(self) -> Option<Newest> {
        let newest_first = self.years().into_iter().rev();
        newest_first
            .filter_map(|period| self.newest_in(period))
            .find(|newest| newest.estimate.value.is_some())
    }

    fn newest_in(self, period: Period) -> Option<Newest> {
        let has_supplier = self.terms.measure.method().has_supplier;
        if has_supplier && self.terms.supplier.is_none() {
            return self.largest(period);
        }
        let supplier = self.terms.supplier.filter(|_| has_supplier);
        let Figure { estimate, names, .. } = self.figure(period, supplier)?;
        let shown = supplier.or_else(|| names.into_iter().flatten().next()).map_or("", EconomyId::code);
        Some(Newest { period, supplier, shown, estimate, state: self.terms.line.state(&estimate) })
    }

    /// The figure of the supplier with the greatest one. Whether the target is met depends on all suppliers:
    /// another one may be the greatest within its bounds.
    fn largest(self, period: Period) -> Option<Newest> {
        let scope = self.answer.cache.scope(self.market(period)?);
        let mut all = figures(&scope, &self).all;
        all.retain(|figure| !self.is_inside(figure, period));
        let value = |figure: &Figure| figure.estimate.value.unwrap_or(f64::NEG_INFINITY);
        let known = all.iter().filter(|figure| figure.estimate.value.is_some());
        let largest = known.reduce(|best, next| if value(next) > value(best) { next } else { best })?;
        // A supplier without a best estimate, or without an upper bound, may be the one beyond the line.
        let high = all.iter().map(|figure| {
            let Estimate { value, high, .. } = figure.estimate;
            high.or(value).unwrap_or(f64::INFINITY)
        });
        let high = Some(high.fold(self.rest(&all), f64::max));
        let greatest = Estimate { high, ..largest.estimate };
        let supplier = largest.key.supplier;
        Some(Newest {
            period,
            supplier,
            shown: supplier.map_or("", EconomyId::code),
            estimate: largest.estimate,
            state: self.terms.line.state(&greatest),
        })
    }

    /// The greatest share of a supplier that has no figure: what the others leave of the whole at least.
    fn rest(self, all: &[Figure]) -> f64 {
        if self.terms.measure.method().unit != "share" {
            return f64::NEG_INFINITY;
        }
        1.0 - all.iter().filter_map(|figure| figure.estimate.low.or(figure.estimate.value)).sum::<f64>()
    }

    /// Whether a figure is about a member of the consumer. The world has suppliers all the same.
    fn is_inside(self, figure: &Figure, period: Period) -> bool {
        let economy = figure.key.supplier.and_then(EconomyId::economy);
        self.terms.consumer != Consumer::World
            && economy.is_some_and(|economy| self.terms.consumer.contains(economy, period))
    }

    fn value(self, period: Period, supplier: Option<EconomyId>) -> Option<f64> {
        self.figure(period, supplier)?.estimate.value
    }

    /// The figure of a year. `None`: there are no data that the measure needs.
    fn figure(self, period: Period, supplier: Option<EconomyId>) -> Option<Figure> {
        let scope = self.answer.cache.scope(self.market(period)?);
        let Terms { consumer, measure, .. } = self.terms;
        let key = FigureKey { measure, by: self.by, consumer: consumer.code(), supplier };
        Some(figure_alone(&scope, FigureRequest { consumer, key }))
    }

    /// The market of a year. `None`: it has no data that the measure needs.
    fn market(self, period: Period) -> Option<Market> {
        let Terms { material, stage, measure, .. } = self.terms;
        let market = Market { material, stage, period };
        let tables = self.answer.markets.get(&market)?;
        has_tables(tables, measure.method().table).then_some(market)
    }
}

/// The figures of all suppliers of a series.
impl FigureFilter for Series<'_, '_> {
    fn consumer(&self, code: &str) -> bool {
        !self.answer.stop.is_set() && self.terms.consumer.code() == code
    }
    fn measure(&self, measure: Measure) -> bool {
        self.terms.measure == measure
    }
    fn weight(&self, by: Weight) -> bool {
        self.by == by
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// Years from the end of one period to the end of a later one, 0 or less if it is not later.
fn years_between(from: Period, to: Period) -> f64 {
    f64::from(to.calendar_year()) - f64::from(from.calendar_year())
}

fn progress(line: TargetLine, from: Period, then: Option<f64>, now: f64) -> Progress {
    Progress {
        period: from.to_string(),
        value: then,
        change: then.map(|then| now - then),
        made: then.and_then(|then| line.way_made(then, now)),
    }
}

/// The message of a state.
fn verdict(state: TargetState) -> TargetVerdict {
    match state {
        TargetState::Met => TargetVerdict::Met,
        TargetState::MetNotConfirmed => TargetVerdict::MetNotConfirmed,
        TargetState::MissedNotConfirmed => TargetVerdict::MissedNotConfirmed,
        TargetState::Missed => TargetVerdict::Missed,
        TargetState::Unknown => TargetVerdict::Unknown,
    }
}
