//! The figures of a subject by period, and the last ones of periods that have none any more.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_eventlog::Position;

use super::{Figure, Ground};
use crate::judgement::Range;

/// Whether an estimate is a figure that conditions can judge: it has a value and is not stale.
#[must_use]
pub fn is_there(estimate: &Estimate) -> bool {
    estimate.status != i32::from(Status::Stale) && Range::of(estimate).is_some()
}

/// The figures of a subject, in the order of their periods.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series {
    pub(super) figures: Vec<(Period, Arc<Figure>)>,
    /// Periods whose figure went missing, in order. Mostly there is none.
    pub(super) lost: Vec<Lost>,
}

/// A figure that was there and went missing, whatever made it so. An alert that stood on it must not take that for its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// Its period.
    pub period: Period,
    /// The figure as it was last there.
    pub figure: Arc<Figure>,
    /// Position of the exposures log at which it went missing.
    pub at: Position,
    /// What made it go.
    pub ground: Arc<Ground>,
}

impl Series {
    fn place(&self, period: Period) -> Result<usize, usize> {
        self.figures.binary_search_by_key(&period, |(period, _)| *period)
    }

    pub(super) fn get(&self, period: Period) -> Option<&Arc<Figure>> {
        self.place(period).ok().and_then(|k| self.figures.get(k)).map(|(_, figure)| figure)
    }

    /// Sets the figure of a period as it is from a position on. None: it has ceased to exist.
    pub(super) fn set(
        &mut self,
        period: Period,
        figure: Option<Arc<Figure>>,
        at: Position,
        ground: &Arc<Ground>,
    ) {
        let place = self.place(period);
        let was = place.ok().and_then(|k| self.figures.get(k)).map(|(_, figure)| figure);
        if figure.as_ref().is_some_and(|figure| is_there(&figure.estimate)) {
            self.lost.retain(|lost| lost.period != period);
        } else if let Some(was) = was.filter(|was| is_there(&was.estimate) && !was.ground.is_same(ground)) {
            let lost = Lost { period, figure: Arc::clone(was), at, ground: Arc::clone(ground) };
            // A period that is lost has no figure, so that it is not among them yet.
            let place = self.lost.partition_point(|other| other.period < period);
            self.lost.insert(place, lost);
        }
        match (place, figure) {
            (Ok(k), Some(figure)) => {
                if let Some((_, place)) = self.figures.get_mut(k) {
                    *place = figure;
                }
            }
            (Err(k), Some(figure)) => self.figures.insert(k, (period, figure)),
            (Ok(k), None) => drop(self.figures.remove(k)),
            (Err(_), None) => {}
        }
    }

    /// The series with what went missing back in its place. `last` tells at which position something of a period went missing last:
    /// a figure that had ceased to exist before that was replaced by what the suppliers that were left told about it.
    pub(super) fn restored(&self, last: impl Fn(Period) -> Position) -> Self {
        let mut restored = Self { figures: self.figures.clone(), lost: Vec::new() };
        let is_last = |lost: &&Lost| self.get(lost.period).is_some() || lost.at == last(lost.period);
        for lost in self.lost.iter().filter(is_last) {
            restored.set(lost.period, Some(Arc::clone(&lost.figure)), lost.at, &lost.ground);
        }
        restored
    }
}
