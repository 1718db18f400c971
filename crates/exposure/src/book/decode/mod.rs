//! Decodes recorded observations: from the columns of events to rows.
//!
//! An [`OpenRelease`] collects the chunks of a release until it is committed. Trade keeps its columns as they
//! came where that saves memory; all other tables become rows at once.

mod columns;
mod production;
mod projections;
mod reference;
mod trade;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use orewatch_catalog::Period;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, PublisherNote, Release, SourceFile};
use prost::{DecodeError, Message};

use super::content::{held_codes, is_whole};
use super::table::{NamedTables, SortedRow, Table, TableBuilder, Texts};
use super::unit::ReleaseScope;
use super::{
    ClaimTable, ConsumerId, FlowsByMarket, GovernanceScore, Holding, Output, Parameter, ParameterKey,
    Projection, ReleaseContent, Restriction, RestrictionKey, TargetTable, WithheldRows,
};

/// Rows that are not visible yet: of a release that is not committed, or to be added to a committed one.
#[derive(Debug, Default)]
pub struct OpenRelease {
    release: Release,
    /// Number of chunks so far: a repeated one is dropped.
    chunks: u32,
    products: Texts,
    flows: FlowsByMarket,
    output: TableBuilder<Output>,
    totals: TableBuilder<Output>,
    governance: BTreeMap<Box<str>, TableBuilder<GovernanceScore, Period>>,
    parameters: BTreeMap<Box<str>, TableBuilder<Parameter, ParameterKey>>,
    restrictions: TableBuilder<Restriction, RestrictionKey>,
    claims: ClaimTable,
    projections: BTreeMap<Box<str>, TableBuilder<Projection>>,
    targets: TargetTable,
    concerned: Vec<Vec<ConsumerId>>,
    proxies: BTreeSet<u16>,
    purities: BTreeMap<u16, f64>,
    notes: Vec<PublisherNote>,
    /// Why its rows cannot be read. `None`: they can.
    withheld: Option<WithheldRows>,
    /// The materials whose trade is kept.
    holding: Holding,
}

/// Columns that do not fit together, or that name something this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(super) fn unknown(what: &str, value: &str) -> Self {
        Self(format!("this version does not know its {what} {value:?}: run a newer version"))
    }

    fn wire(error: DecodeError) -> Self {
        Self(error.to_string())
    }

    fn uneven(column: &str) -> Self {
        Self(format!("its column `{column}` is not as long as the others"))
    }

    fn short(column: &str) -> Self {
        Self(format!("its column `{column}` is too short or points outside its dictionary"))
    }
}

impl OpenRelease {
    /// A release of which no rows are recorded yet.
    #[must_use]
    pub fn new(release: Release) -> Self {
        Self { release, ..Self::default() }
    }

    /// Rows to be added to a committed release. They go on with its texts and chunks.
    #[must_use]
    pub fn adding_to(content: &ReleaseContent) -> Self {
        Self {
            release: content.release.clone(),
            chunks: content.chunks,
            products: content.products.clone(),
            concerned: content.concerned.clone(),
            proxies: content.proxies.clone(),
            purities: content.purities.clone(),
            withheld: content.withheld,
            ..Self::default()
        }
    }

    /// The tenant that owns it. Empty: it is everyone's.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.release.tenant
    }

    /// Drops its rows, and those that follow.
    pub fn withhold(&mut self, why: WithheldRows) {
        let withheld = Some(why.after(self.withheld));
        let (release, holding) = (std::mem::take(&mut self.release), std::mem::take(&mut self.holding));
        *self = Self { release, holding, chunks: self.chunks, withheld, ..Self::default() };
    }

    /// The same rows, of which only the trade of some materials is kept from now on.
    #[must_use]
    pub fn held_by(self, holding: &Holding) -> Self {
        if is_whole(&self.release) {
            return self;
        }
        Self { flows: self.flows.held_by(holding), holding: holding.clone(), ..self }
    }

    /// Adds a file to those of the release.
    pub fn add_file(&mut self, file: SourceFile) {
        self.release.files.push(file);
    }

    /// Sets what the publisher says about figures.
    pub fn set_notes(&mut self, notes: Vec<PublisherNote>) {
        self.notes = notes;
    }

    /// Adds the rows of a chunk, given the data of an `ObservationsRecorded` event. Columns of trade may be
    /// kept as slices of these data.
    ///
    /// # Errors
    /// [`Unreadable`]; some of the chunk's rows may have been added.
    pub fn record(&mut self, data: &Bytes) -> Result<(), Unreadable> {
        if self.withheld.is_some() {
            return Ok(());
        }
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
            Some(Columns::Projections(columns)) => self.record_projections(columns),
            Some(Columns::Targets(rows)) => {
                self.targets.record(rows);
                Ok(())
            }
            Some(Columns::Claims(rows)) => {
                self.claims.record(rows);
                Ok(())
            }
            // Concordances were applied when rows were recorded. Trade was read above.
            Some(Columns::Concordance(_) | Columns::Trade(_)) | None => Ok(()),
        }
    }

    /// The content of the release, which never changes from now on.
    #[must_use]
    pub fn close(self) -> ReleaseContent {
        ReleaseContent {
            // A scope that this version cannot read was checked when the release was opened.
            scope: self.release.scope.as_ref().and_then(|scope| ReleaseScope::read(scope).ok()),
            held: held_codes(&self.flows),
            reports: OnceLock::new(),
            release: self.release,
            flows: self.flows,
            output: self.output.close(),
            totals: self.totals.close(),
            governance: closed(self.governance),
            parameters: closed(self.parameters),
            restrictions: self.restrictions.close(),
            claims: self.claims,
            projections: Arc::new(closed(self.projections)),
            demand: Table::default(),
            targets: self.targets,
            notes: self.notes,
            products: self.products,
            concerned: self.concerned,
            proxies: self.proxies,
            purities: self.purities,
            chunks: self.chunks,
            withheld: self.withheld,
        }
    }
}

fn closed<R: SortedRow, K: Copy + Ord>(tables: BTreeMap<Box<str>, TableBuilder<R, K>>) -> NamedTables<R, K> {
    tables.into_iter().map(|(name, table)| (name, table.close())).collect()
}
