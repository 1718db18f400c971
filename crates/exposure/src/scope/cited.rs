//! Rows of releases as evidence for figures: what was read, and from where.

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{Estimate, Status};

use crate::book::{
    Cell, Flow, GovernanceScore, Origin, Output, Parameter, ParameterKey, Projection, ReleaseContent,
    ResidualFlow, Restriction, RestrictionKey,
};

/// A row of a release, of any table.
#[derive(Clone, Copy, Debug)]
pub struct Cited<'a> {
    /// The release that it comes from.
    pub content: &'a ReleaseContent,
    /// The row.
    pub row: CitedRow<'a>,
}

/// A row, by table.
#[derive(Clone, Copy, Debug)]
pub enum CitedRow<'a> {
    /// A flow in a period.
    Flow(Period, Flow),
    /// Trade in a period with a partner that is no economy.
    Residual(Period, ResidualFlow),
    /// Output in a period.
    Output(Period, Output),
    /// The total that a source prints for the world's output in a period.
    WorldTotal(Period, Output),
    /// A governance indicator in a period.
    GovernanceScore(&'a str, Period, &'a GovernanceScore),
    /// A parameter by name.
    Parameter(&'a str, ParameterKey, &'a Parameter),
    /// A restriction.
    Restriction(RestrictionKey, &'a Restriction),
    /// A projection for a period, as it was published.
    Projection(Period, &'a Projection),
}

impl Cited<'_> {
    /// Where the row was read.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self.row {
            CitedRow::Flow(_, row) => row.origin,
            CitedRow::Residual(_, row) => row.origin,
            CitedRow::Output(_, row) | CitedRow::WorldTotal(_, row) => row.origin,
            CitedRow::GovernanceScore(_, _, row) => row.origin,
            CitedRow::Parameter(_, _, row) => row.origin,
            CitedRow::Restriction(_, row) => row.origin,
            CitedRow::Projection(_, row) => row.origin,
        }
    }

    /// The consumer or economy that a parameter is about. `None`: no particular one, or the row is no
    /// parameter.
    #[must_use]
    pub fn economy(&self) -> Option<Consumer> {
        match self.row {
            CitedRow::Parameter(_, holding, _) => Some(holding.economy?.consumer()),
            _ => None,
        }
    }

    /// The other side of a parameter. `None`: it has none, or the row is no parameter.
    #[must_use]
    pub fn partner(&self) -> Option<Consumer> {
        match self.row {
            CitedRow::Parameter(_, _, row) => Some(row.partner?.consumer()),
            _ => None,
        }
    }

    /// The period from which a parameter holds. `None`: the row is no parameter.
    #[must_use]
    pub fn since(&self) -> Option<Period> {
        match self.row {
            CitedRow::Parameter(_, holding, _) => Some(holding.period),
            _ => None,
        }
    }

    /// The item of a parameter, such as a sector, or the product code of a restriction. Empty: there is none.
    #[must_use]
    pub fn item(&self) -> &str {
        match self.row {
            CitedRow::Parameter(_, _, row) => self.content.text(row.item),
            CitedRow::Restriction(_, row) => self.content.text(row.product),
            _ => "",
        }
    }
}

/// A value that was looked up, and the row that gives it.
#[derive(Clone, Copy, Debug)]
pub struct FoundValue<'a> {
    /// The value; where no row gives it, the reason.
    pub estimate: Estimate,
    /// The row. `None`: no row gives it.
    pub cited: Option<Cited<'a>>,
}

impl<'a> FoundValue<'a> {
    /// No row gives the value.
    pub(super) const fn missing(reason: &'static str) -> Self {
        Self { estimate: Estimate::missing(Status::Unavailable, reason), cited: None }
    }

    /// The value of a row's cell.
    pub(super) fn from_cell(cell: Cell, content: &'a ReleaseContent, row: CitedRow<'a>) -> Self {
        Self { estimate: estimate(cell), cited: Some(Cited { content, row }) }
    }

    /// The known value.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.estimate.value
    }
}

fn estimate(cell: Cell) -> Estimate {
    match (cell.known(), cell.status) {
        (Some(number), _) => Estimate::known(number),
        (None, Status::Withheld) => Estimate::missing(Status::Withheld, "the publisher withholds the figure"),
        (None, _) => Estimate::missing(Status::Unavailable, "no source gives the figure"),
    }
}
