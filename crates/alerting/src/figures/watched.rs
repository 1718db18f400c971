//! A subject with its figures, as a rule sees it.
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;

use super::listing::unavailable;
use super::series::Lost;
use super::{Behind, Figure};

/// The series of one subject, as rules see it: a figure, or what stands for it, in every period of its market.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched<'a> {
    /// What it is about.
    pub subject: Arc<Subject>,
    /// The figures by period.
    pub figures: Vec<(Period, Arc<Figure>)>,
    /// The figures that the rule's condition looks at beside them, by the number of the look.
    pub others: Vec<Vec<(Period, Arc<Figure>)>>,
    /// When the release that last changed a figure of the market was committed, in seconds since 1970. None: not known.
    pub released: Option<i64>,
    /// The suppliers behind the figures. None: they are not known.
    pub suppliers: Option<Rc<Behind<'a>>>,
    /// Figures that went missing, in the order of their periods.
    pub lost: Vec<Lost>,
    /// The same of the figures that the condition looks at; empty: none of them did.
    pub lost_others: Vec<Vec<Lost>>,
}

impl Watched<'_> {
    /// The same for a rule that has seen figures from a position of the exposures log on: it remembers what went missing after
    /// that. A period that is gone for all stays in the series, as one whose figure is missing.
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
                let ground = Arc::clone(&lost.ground);
                let figure = Figure { estimate, ground, ..Figure::default() };
                self.figures.insert(place, (lost.period, Arc::new(figure)));
            }
        }
        self
    }

    /// The same without what went missing, as for a rule that never saw it.
    #[must_use]
    pub fn forgetting(mut self) -> Self {
        self.lost.clear();
        self.lost_others.clear();
        self
    }

    /// The same with every figure that went missing back in its place. None: none did.
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

fn put_back(figures: &mut Vec<(Period, Arc<Figure>)>, lost: &[Lost]) {
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
