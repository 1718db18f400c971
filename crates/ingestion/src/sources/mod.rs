//! Formats: how files become observations.
//!
//! A format is a `Source`: it recognises its files by their content, says what they say of themselves, and reads their
//! rows. Around it, [`plan`](fn@plan) identifies the content of a release in a first pass and [`read`] turns it into chunks
//! of columns in a second, both in bounded memory. A file that cannot be read as a whole is a [`SourceError`]; a row that
//! cannot be recorded is set aside with its place and reason, and the others go on.

mod baci;
mod chunk;
mod error;
mod figure;
mod header;
mod input;
mod lines;
mod metadata;
mod names;
mod parameters;
mod plan;
mod progress;
mod read;
mod reject;
mod restrictions;
mod row;
mod tidy;

use std::fmt;

use orewatch_catalog::HsRevision;
use orewatch_contracts::ingestion::v1::{Evaluation, Reporter, Table};

pub use error::SourceError;
pub use header::{Layout, Preamble};
pub use input::Input;
pub use metadata::Metadata;
pub(crate) use names::day;
pub(crate) use plan::MOST_FILES;
pub use plan::{Plan, plan};
pub use progress::{Phase, Progress};
pub use read::{MOST_LISTED, Totals, read};

use figure::Figure;
use header::Columns;
use names::{Names, Symbol};
use reject::Reject;
use row::Row;

/// Every format, in the order in which they are tried.
static SOURCES: [&dyn Source; 2] = [&baci::Baci, &tidy::Tidy];

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes.
    pub line: usize,
    /// Most decompressed bytes of a file.
    pub bytes: u64,
}

impl Default for Limits {
    /// Lines of 1 MiB, files of 64 GiB.
    fn default() -> Self {
        Self { line: 1 << 20, bytes: 64 << 30 }
    }
}

/// A format that Orewatch reads.
trait Source: fmt::Debug + Sync {
    /// Name and version of the code that reads it, such as `baci/1`. The version changes when the same file would give
    /// other rows.
    fn id(&self) -> &'static str;

    /// The tables that files of this format hold.
    fn layouts(&self) -> &'static [Layout];

    /// What a file says of itself, given what the user says of it.
    fn describe(&self, preamble: &Preamble, given: &Metadata) -> Result<Metadata, SourceError>;

    /// A reader of the rows of a table.
    fn parser(&self, table: Table, columns: Columns, revision: Option<HsRevision>) -> Box<dyn RowParser>;

    /// Whether a file is of this format, by its content: the layout that is most like its header, and how many of its
    /// columns it has.
    fn probe(&self, preamble: &Preamble) -> Option<(usize, &'static Layout)> {
        let likeness = |layout: &'static Layout| (layout.likeness(&preamble.header), layout);
        // Of equals the first: `rev` because `max_by_key` takes the last.
        self.layouts().iter().rev().map(likeness).max_by_key(|(like, _)| *like)
    }
}

/// Reads rows, one at a time, without I/O.
trait RowParser: Send {
    /// Where the columns are.
    fn columns(&self) -> &Columns;

    /// What a row says. An error sets it aside.
    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject>;
}

/// What a row says.
enum Parsed {
    /// Something to record.
    Row(Observation),
    /// A valid row about goods that no material of the catalogue covers.
    OutOfScope,
}

/// A row of any table.
#[derive(Clone, Copy, Debug)]
struct Observation {
    /// The period; of a restriction its first day in force.
    period: Symbol,
    /// Exporter, producer, the economy that an indicator or parameter describes, or that restricts its exports.
    economy: Symbol,
    /// Importer, the other side of a parameter, or those whom a restriction concerns; the economy again where a table has none.
    partner: Symbol,
    topic: Symbol,
    /// Value and quantity of a flow; the only figure of other tables, and a known zero; two of these where there is none.
    figures: [Figure; 2],
    beside: Beside,
}

/// What a row says beside its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// Nothing.
    Nothing,
    /// That the source estimates the figure.
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
}

impl Observation {
    /// Who reports a flow.
    fn reporter(&self) -> Reporter {
        match self.beside {
            Beside::Reported(reporter) => reporter,
            _ => Reporter::Unspecified,
        }
    }
}

/// The candidate that a text was probably meant to be.
fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let like = likeness(&lower, &candidate.to_lowercase());
        if like > best.map_or(0.75, |(found, _)| found) {
            best = Some((like, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// 1 for equal texts and for beginnings of one another, the Jaro-Winkler similarity otherwise.
fn likeness(one: &str, other: &str) -> f64 {
    if !one.is_empty() && !other.is_empty() && (one.starts_with(other) || other.starts_with(one)) {
        return 1.0;
    }
    strsim::jaro_winkler(one, other)
}
