//! How entries become rows. The program that starts the console says it, by the same declarations that its
//! command line prints from: so a column has one name everywhere, and the console knows none of them.
use orewatch_contracts::alerting::v1::{Alert, Delivery, RuleInfo, SilenceInfo};
use orewatch_contracts::exposure::v1::{CheckedClaim, Exposure, SourceRow, TargetStanding};
use orewatch_contracts::ingestion::v1::{RankedDataset, Release, ReleaseInfo};
use orewatch_query::Cell;
use orewatch_query::files::Heading;

/// How entries of one kind become rows.
#[derive(Debug)]
pub struct Table<T: 'static> {
    /// The columns, in their order.
    pub headings: fn() -> Vec<Heading>,
    /// The rows of some entries, with the columns at these places. An entry may have several rows.
    pub make_rows: fn(&[T], &[usize]) -> Vec<Vec<Cell>>,
}

impl<T: 'static> Table<T> {
    /// The rows of some entries, with the columns at these places.
    pub(crate) fn rows(&self, entries: &[T], columns: &[usize]) -> Vec<Vec<Cell>> {
        (self.make_rows)(entries, columns)
    }
}

/// How everything that can be listed becomes rows.
#[derive(Debug)]
pub struct Tables {
    /// Figures.
    pub exposures: Table<Exposure>,
    /// Source rows of a figure.
    pub source_rows: Table<SourceRow>,
    /// Targets, a row for each basis.
    pub targets: Table<TargetStanding>,
    /// Claims.
    pub claims: Table<CheckedClaim>,
    /// Alerts.
    pub alerts: Table<Alert>,
    /// Rules.
    pub rules: Table<RuleInfo>,
    /// Silences.
    pub silences: Table<SilenceInfo>,
    /// Messages with their delivery.
    pub deliveries: Table<Delivery>,
    /// Releases.
    pub releases: Table<ReleaseInfo>,
    /// Datasets in their order.
    pub sources: Table<RankedDataset>,
    /// Measures. They are part of the program and need no service.
    pub measures: Fixed,
    /// Cites a release.
    pub cite: fn(&Release) -> String,
}

/// Rows that are part of the program.
#[derive(Debug)]
pub struct Fixed {
    /// The columns, in their order.
    pub headings: fn() -> Vec<Heading>,
    /// The rows, with the columns at these places.
    pub make_rows: fn(&[usize]) -> Vec<Vec<Cell>>,
}

impl Tables {
    /// The columns of a listing. Empty: it is none of these.
    pub(crate) fn headings(&self, listing: &str) -> Vec<Heading> {
        let headings = match listing {
            "exposures" => self.exposures.headings,
            "rows" => self.source_rows.headings,
            "targets" => self.targets.headings,
            "claims" => self.claims.headings,
            "alerts" => self.alerts.headings,
            "rules" => self.rules.headings,
            "silences" => self.silences.headings,
            "deliveries" => self.deliveries.headings,
            "releases" => self.releases.headings,
            "sources" => self.sources.headings,
            "measures" => self.measures.headings,
            _ => return Vec::new(),
        };
        headings()
    }
}
