//! Rows of releases as evidence: what was read, and from where.

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{Estimate, Status};

use crate::book::{
    Cell, Content, Flow, Governed, Holding, Origin, Output, Parameter, ResidualFlow, Restricting, Restriction,
};

/// A row of a release, whatever its table.
#[derive(Clone, Copy, Debug)]
pub struct Cited<'a> {
    /// The release that it is from.
    pub content: &'a Content,
    /// The row.
    pub row: CitedRow<'a>,
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub enum CitedRow<'a> {
    /// A flow in a period.
    Flow(Period, Flow),
    /// Trade in a period with a partner that is no economy.
    Residual(Period, ResidualFlow),
    /// Output in a period.
    Output(Period, Output),
    /// A governance indicator in a period.
    Governed(&'a str, Period, &'a Governed),
    /// A parameter by name.
    Parameter(&'a str, Holding, &'a Parameter),
    /// A restriction.
    Restriction(Restricting, &'a Restriction),
}

impl Cited<'_> {
    /// Where the row was read.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self.row {
            CitedRow::Flow(_, row) => row.origin,
            CitedRow::Residual(_, row) => row.origin,
            CitedRow::Output(_, row) => row.origin,
            CitedRow::Governed(_, _, row) => row.origin,
            CitedRow::Parameter(_, _, row) => row.origin,
            CitedRow::Restriction(_, row) => row.origin,
        }
    }

    /// The consumer or economy that a parameter is about. None: nobody in particular, or the row is no parameter.
    #[must_use]
    pub fn economy(&self) -> Option<Consumer> {
        match self.row {
            CitedRow::Parameter(_, holding, _) => Some(holding.economy?.consumer()),
            _ => None,
        }
    }

    /// The other side of a parameter. None: it has none, or the row is no parameter.
    #[must_use]
    pub fn partner(&self) -> Option<Consumer> {
        match self.row {
            CitedRow::Parameter(_, _, row) => Some(row.partner?.consumer()),
            _ => None,
        }
    }

    /// The period from which a parameter holds. None: the row is no parameter.
    #[must_use]
    pub fn since(&self) -> Option<Period> {
        match self.row {
            CitedRow::Parameter(_, holding, _) => Some(holding.period),
            _ => None,
        }
    }

    /// The item of a parameter, such as a sector; the code of a restriction. Empty: none.
    #[must_use]
    pub fn item(&self) -> &str {
        match self.row {
            CitedRow::Parameter(_, _, row) => self.content.product(row.item),
            CitedRow::Restriction(_, row) => self.content.product(row.product),
            _ => "",
        }
    }
}

/// A figure that was looked up, and the row that gives it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The figure; where nothing gives it, why.
    pub estimate: Estimate,
    /// The row. None: nothing gives it.
    pub cited: Option<Cited<'a>>,
}

impl<'a> Found<'a> {
    /// Nothing gives the figure.
    pub(super) const fn nothing(reason: &'static str) -> Self {
        Self { estimate: Estimate::missing(Status::Unavailable, reason), cited: None }
    }

    /// What a row gives.
    pub(super) fn of(cell: Cell, content: &'a Content, row: CitedRow<'a>) -> Self {
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
