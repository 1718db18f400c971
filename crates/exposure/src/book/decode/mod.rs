//! From the columns of recorded observations to rows.

mod columns;
mod markets;
mod policy;
mod trade;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Release};

use super::table::{Builder, Texts};
use super::{Content, Flow, Governed, Holding, Output, Parameter, Restricting, Restriction, Who};

/// A release that is not committed yet: nobody sees its rows.
#[derive(Debug, Default)]
pub struct Open {
    release: Release,
    /// Chunks that are there: a repeated one is dropped.
    chunks: u32,
    products: Texts,
    flows: Builder<Flow>,
    output: Builder<Output>,
    governance: BTreeMap<Box<str>, Builder<Governed, Period>>,
    parameters: BTreeMap<Box<str>, Builder<Parameter, Holding>>,
    restrictions: Builder<Restriction, Restricting>,
    concerned: Vec<Vec<Who>>,
    proxies: BTreeSet<u16>,
    purities: BTreeMap<u16, f64>,
}

/// Columns that do not fit together or name what this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn unknown(what: &str, value: &str) -> Self {
        Self(format!("its {what} {value:?} is not known to this version: run a newer one"))
    }

    fn uneven(column: &str) -> Self {
        Self(format!("its column `{column}` has another length than the others"))
    }

    fn short(column: &str) -> Self {
        Self(format!("its column `{column}` is too short or points outside its dictionary"))
    }
}

impl Open {
    /// A release of which no rows are recorded yet.
    #[must_use]
    pub fn new(release: Release) -> Self {
        Self { release, ..Self::default() }
    }

    /// Adds the rows of a chunk.
    ///
    /// # Errors
    /// [`Unreadable`]; some of the chunk's rows may have been added.
    pub fn record(&mut self, chunk: &ObservationsRecorded) -> Result<(), Unreadable> {
        if chunk.chunk < self.chunks {
            return Ok(());
        }
        self.chunks = chunk.chunk.saturating_add(1);
        match &chunk.columns {
            Some(Columns::Trade(columns)) => self.record_trade(columns),
            Some(Columns::Production(columns)) => self.record_production(columns),
            Some(Columns::Governance(columns)) => self.record_governance(columns),
            Some(Columns::Parameters(columns)) => self.record_parameters(columns),
            Some(Columns::Restrictions(columns)) => self.record_restrictions(columns),
            // Concordances have done their part when rows are recorded.
            Some(Columns::Concordance(_)) | None => Ok(()),
        }
    }

    /// The release as it is from its commit on.
    #[must_use]
    pub fn close(self) -> Content {
        Content {
            release: self.release,
            flows: self.flows.close(),
            output: self.output.close(),
            governance: self.governance.into_iter().map(|(name, table)| (name, table.close())).collect(),
            parameters: self.parameters.into_iter().map(|(name, table)| (name, table.close())).collect(),
            restrictions: self.restrictions.close(),
            products: self.products,
            concerned: self.concerned,
            proxies: self.proxies,
            purities: self.purities,
        }
    }
}
