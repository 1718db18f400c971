//! A subject with its figures, as a rule sees it.
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::log::Position;

use super::listing::unavailable;
use super::series::LostFigure;
use super::{Figure, JudgedClaim, SupplierShares};
use crate::firmness::StageRevisions;

/// The series of a subject, with a figure or a stand-in in every period of its market.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchedSubject<'a> {
    /// The subject.
    pub subject: Arc<Subject>,
    /// The figures, in the order of their periods.
    pub figures: Vec<(Period, Arc<Figure>)>,
    /// The other series that the condition of the rule reads, by number.
    pub others: Vec<Vec<(Period, Arc<Figure>)>>,
    /// Claims about the subject with their present verdicts, if the rule reads them.
    pub claims: Vec<JudgedClaim>,
    /// The same for the subject of each of the other series, by number.
    pub other_claims: Vec<Vec<JudgedClaim>>,
    /// Commit time of the release that last changed a figure of the market, in seconds since 1970. `None`:
    /// not known.
    pub released: Option<i64>,
    /// The suppliers behind the figures. `None`: not known.
    pub suppliers: Option<Rc<SupplierShares<'a>>>,
    /// Figures that went missing, in the order of their periods.
    pub lost: Vec<LostFigure>,
    /// Figures that went missing from the other series. Empty: none did.
    pub lost_others: Vec<Vec<LostFigure>>,
    /// How much the datasets behind the figures were revised, by period. `None`: not known, or the rule does
    /// not ask.
    pub revisions: Option<Arc<StageRevisions>>,
}

impl WatchedSubject<'_> {
    /// The subject for a rule that has seen figures from a position of the exposures log on. Only figures
    /// that went missing after that are remembered. A period that no longer exists stays in the series, with
    /// a missing figure.
    #[must_use]
    pub fn remembering(mut self, since: Position) -> Self {
        if self.lost.is_empty() && self.lost_others.is_empty() {
            return self;
        }
        self.lost.retain(|lost| lost.at > since);
        self.lost_others.iter_mut().for_each(|lost| lost.retain(|lost| lost.at > since));
        for lost in &self.lost {
            if let Err(place) = self.figures.binary_search_by_key(&lost.period, |(period, _)| *period) {
                let estimate = unavailable("the figure no longer exists");
                let provenance = Arc::clone(&lost.provenance);
                let figure = Figure { estimate, provenance, ..Figure::default() };
                self.figures.insert(place, (lost.period, Arc::new(figure)));
            }
        }
        self
    }

    /// The subject for a rule that has never seen the lost figures.
    #[must_use]
    pub fn forgetting(mut self) -> Self {
        self.lost.clear();
        self.lost_others.clear();
        self
    }

    /// The subject with all lost figures restored. `None`: none is lost.
    #[must_use]
    pub fn restored(&self) -> Option<Self> {
        if self.lost.is_empty() && self.lost_others.iter().all(Vec::is_empty) {
            return None;
        }
        let mut restored = self.clone();
        put_back(&mut restored.figures, &self.lost);
        for (figures, lost) in restored.others.iter_mut().zip(&self.lost_others) {
            put_back(figures, lost);
        }
        Some(restored)
    }
}

fn put_back(figures: &mut Vec<(Period, Arc<Figure>)>, lost: &[LostFigure]) {
    for lost in lost {
        let figure = Arc::clone(&lost.figure);
        match figures.binary_search_by_key(&lost.period, |(period, _)| *period) {
            Ok(k) => {
                if let Some((_, place)) = figures.get_mut(k) {
                    *place = figure;
                }
            }
            Err(k) => figures.insert(k, (lost.period, figure)),
        }
    }
}
