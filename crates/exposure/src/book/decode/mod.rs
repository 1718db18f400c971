//! From the columns of recorded observations to rows.

mod columns;
mod markets;
mod policy;
mod trade;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use bytes::Bytes;
use orewatch_catalog::Period;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Release, SourceFile};
use prost::{DecodeError, Message};

use super::content::held;
use super::table::{Builder, Texts};
use super::unit::Scope;
use super::{Content, Flows, Governed, Holding, Output, Parameter, Restricting, Restriction, Who};

/// Rows that nobody sees yet: of a release that is not committed, or to be added to one that is.
#[derive(Debug, Default)]
pub struct Open {
    release: Release,
    /// Chunks that are there: a repeated one is dropped.
    chunks: u32,
    products: Texts,
    flows: Flows,
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
    pub(super) fn unknown(what: &str, value: &str) -> Self {
        Self(format!("its {what} {value:?} is not known to this version: run a newer one"))
    }

    fn wire(error: DecodeError) -> Self {
        Self(error.to_string())
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

    /// Rows to be added to a release.
    #[must_use]
    pub fn behind(content: &Content) -> Self {
        Self {
            release: content.release.clone(),
            chunks: content.chunks,
            products: content.products.clone(),
            concerned: content.concerned.clone(),
            proxies: content.proxies.clone(),
            purities: content.purities.clone(),
            ..Self::default()
        }
    }

    /// Adds a file to those of the release.
    pub fn add_file(&mut self, file: SourceFile) {
        self.release.files.push(file);
    }

    /// Adds the rows of a chunk, given the data of `ObservationsRecorded`. Much of it may be kept as it is.
    ///
    /// # Errors
    /// [`Unreadable`]; some of the chunk's rows may have been added.
    pub fn record(&mut self, data: &Bytes) -> Result<(), Unreadable> {
        let wire::Recorded { chunk, trade } = wire::Recorded::read(data)?;
        if chunk < self.chunks {
            return Ok(());
        }
        self.chunks = chunk.saturating_add(1);
        if let Some(columns) = trade {
            return self.record_trade(&columns);
        }
        let recorded = ObservationsRecorded::decode(data.clone()).map_err(Unreadable::wire)?;
        match &recorded.columns {
            Some(Columns::Production(columns)) => self.record_production(columns),
            Some(Columns::Governance(columns)) => self.record_governance(columns),
            Some(Columns::Parameters(columns)) => self.record_parameters(columns),
            Some(Columns::Restrictions(columns)) => self.record_restrictions(columns),
            // Concordances have done their part when rows are recorded. Trade was read above.
            Some(Columns::Concordance(_) | Columns::Trade(_)) | None => Ok(()),
        }
    }

    /// What the rows say, which never changes from now on.
    #[must_use]
    pub fn close(self) -> Content {
        Content {
            // A scope that this version cannot read was checked when the release was opened.
            scope: self.release.scope.as_ref().and_then(|scope| Scope::read(scope).ok()),
            held: held(&self.flows),
            reports: OnceLock::new(),
            release: self.release,
            flows: self.flows,
            output: self.output.close(),
            governance: self.governance.into_iter().map(|(name, table)| (name, table.close())).collect(),
            parameters: self.parameters.into_iter().map(|(name, table)| (name, table.close())).collect(),
            restrictions: self.restrictions.close(),
            products: self.products,
            concerned: self.concerned,
            proxies: self.proxies,
            purities: self.purities,
            chunks: self.chunks,
        }
    }
}
