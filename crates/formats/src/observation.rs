//! Observations: rows of any table, as readers hand them over.
use orewatch_contracts::ingestion::v1::{Evaluation, Reporter};

use crate::figure::Figure;
use crate::names::Symbol;

/// A row of any table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// The period; of a restriction its first day in force; 0 in tables without periods.
    pub(crate) period: Symbol,
    /// Exporter, producer, the economy that an indicator or parameter describes, or that restricts its
    /// exports.
    pub(crate) economy: Symbol,
    /// Importer, the other side of a parameter, or the partners that a restriction concerns; the economy
    /// again in tables that have none.
    pub(crate) partner: Symbol,
    pub(crate) topic: Symbol,
    /// Value and quantity of a flow; [`Figure::alone`] in tables with one figure; two known zeros in tables
    /// without figures.
    pub(crate) figures: [Figure; 2],
    pub(crate) qualifier: Qualifier,
}

/// What a row says beside its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qualifier {
    /// Nothing.
    None,
    /// The source estimates the figure.
    Estimated,
    /// Who reports the flow.
    Reported(Reporter),
    /// Until when a restriction is in force, and how it is judged.
    Restricted {
        /// Its last day.
        until: Symbol,
        /// The judgement.
        evaluation: Evaluation,
    },
    /// The material and stage that a code of a concordance stands for.
    Assigned(Symbol),
    /// What a target or claim says, in the dictionary of statements.
    Stated(Symbol),
}

impl Observation {
    /// Who reports a flow.
    pub(crate) fn reporter(&self) -> Reporter {
        match self.qualifier {
            Qualifier::Reported(reporter) => reporter,
            _ => Reporter::Unspecified,
        }
    }
}
