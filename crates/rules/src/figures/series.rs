//! The series of one supplier: its figures by period, and the figures that went missing.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::log::Position;

use super::{Figure, Provenance};
use crate::assessment::Range;

/// Whether conditions can assess an estimate: it has a value and is not stale.
#[must_use]
pub fn is_there(estimate: &Estimate) -> bool {
    estimate.status != i32::from(Status::Stale) && Range::from_estimate(estimate).is_some()
}

/// The figures of a subject, in the order of their periods.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series {
    pub(super) figures: Vec<(Period, Arc<Figure>)>,
    /// Figures that went missing, in the order of their periods. Usually there is none.
    pub(super) lost: Vec<LostFigure>,
}

/// A figure that went missing, for whatever reason. An alert on it must not end because of that.
#[derive(Clone, Debug, PartialEq)]
pub struct LostFigure {
    /// Its period.
    pub period: Period,
    /// The last figure before it went missing.
    pub figure: Arc<Figure>,
    /// Position of the exposures log at which it went missing.
    pub at: Position,
    /// Why it went missing.
    pub provenance: Arc<Provenance>,
}

impl Series {
    fn place(&self, period: Period) -> Result<usize, usize> {
        self.figures.binary_search_by_key(&period, |(period, _)| *period)
    }

    pub(super) fn get(&self, period: Period) -> Option<&Arc<Figure>> {
        self.place(period).ok().and_then(|k| self.figures.get(k)).map(|(_, figure)| figure)
    }

    /// Sets the figure of a period from a position on. `None`: it no longer exists.
    pub(super) fn set(
        &mut self,
        period: Period,
        figure: Option<Arc<Figure>>,
        at: Position,
        provenance: &Arc<Provenance>,
    ) {
        let place = self.place(period);
        let was = place.ok().and_then(|k| self.figures.get(k)).map(|(_, figure)| figure);
        if figure.as_ref().is_some_and(|figure| is_there(&figure.estimate)) {
            self.lost.retain(|lost| lost.period != period);
        } else if let Some(was) =
            was.filter(|was| is_there(&was.estimate) && !was.provenance.is_same(provenance))
        {
            let lost = LostFigure { period, figure: Arc::clone(was), at, provenance: Arc::clone(provenance) };
            // A lost period has no figure, so that it is not in the list yet.
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

    /// The series with its lost figures restored. `last` returns the position at which any figure of a period
    /// went missing last. A figure that ceased to exist before that is not restored: the remaining suppliers
    /// already gave the stand-in for it.
    pub(super) fn restored(&self, last: impl Fn(Period) -> Position) -> Self {
        let mut restored = Self { figures: self.figures.clone(), lost: Vec::new() };
        let is_last = |lost: &&LostFigure| self.get(lost.period).is_some() || lost.at == last(lost.period);
        for lost in self.lost.iter().filter(is_last) {
            restored.set(lost.period, Some(Arc::clone(&lost.figure)), lost.at, &lost.provenance);
        }
        restored
    }
}
