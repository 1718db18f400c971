//! Formats: how files become observations.
//!
//! A format is a `Source`: it recognises its files by their content, says which tables they hold and what they say of
//! themselves, and reads their rows. Around it, [`plan`](fn@plan) identifies the content of releases in a first pass and
//! [`read`] turns it into chunks of columns in a second, both in bounded memory. A file that cannot be read as a whole is a
//! [`SourceError`]; a row that cannot be recorded is set aside with its place and reason, and the others go on.

mod baci;
mod blocks;
mod by_row;
mod chunk;
mod comext;
mod comtrade;
mod concordance;
mod decimal;
mod declared;
mod error;
mod figure;
mod gta;
mod head;
mod header;
mod hmrc;
mod in_order;
mod input;
mod json;
mod keys;
mod known;
mod lines;
mod mend;
mod metadata;
mod names;
mod oecd;
mod out;
mod parameters;
mod parquet;
mod plan;
mod progress;
mod quarantine;
mod quick;
mod quotes;
mod read;
mod recognise;
mod records;
mod reject;
mod repeated;
mod restrictions;
mod row;
mod separators;
mod stated;
mod sums;
mod table;
mod tidy;
mod usgs;
mod wgi;
mod wmd;

use std::collections::BTreeSet;
use std::fmt;

use orewatch_catalog::{HsRevision, Nomenclature};
use orewatch_contracts::ingestion::v1::{Evaluation, Reporter, Table};

pub use error::SourceError;
pub use header::{Layout, Preamble};
pub(crate) use input::{Check, Checker};
pub use input::{Input, Member, Seen};
pub(crate) use mend::{Mended, Sheet};
pub use mend::{REJECTION, around, form};
pub use metadata::Metadata;
pub(crate) use names::day;
pub(crate) use plan::MOST_FILES;
pub use plan::{Identified, Plan, identify, plan};
pub use progress::{Phase, Progress};
pub use read::{MOST_LISTED, Totals, read};
pub(crate) use read::{Piece, pieces};

use crate::codes::Codes;
use by_row::RowParser;
use figure::Figure;
use head::Head;
use input::Content;
use names::Symbol;
use out::{Halt, Out, Place};
use reject::Reject;

/// Every format, in the order in which they are tried: of two that are equally like a file the first reads it.
static SOURCES: [&dyn Source; 12] = [
    &baci::Baci,
    &tidy::Tidy,
    &parquet::TidyParquet,
    &usgs::Summaries,
    &wgi::Wgi,
    &wmd::Wmd,
    &oecd::Oecd,
    &gta::Gta,
    &comtrade::Comtrade,
    &comext::Comext,
    &comext::Sdmx,
    &hmrc::Hmrc,
];

/// Every format, for people.
pub fn sources() -> impl Iterator<Item = &'static About> {
    SOURCES.iter().map(|source| source.about())
}

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes.
    pub line: usize,
    /// Most decompressed bytes of a file, and of all files of an archive.
    pub bytes: u64,
    /// Decompressed bytes of a file that are read however small it was compressed; beyond them how much larger it becomes is
    /// limited as well.
    pub unquestioned: u64,
}

impl Default for Limits {
    /// Lines of 1 MiB, files of 64 GiB, of which 64 MiB without a question.
    fn default() -> Self {
        Self { line: 1 << 20, bytes: 64 << 30, unquestioned: 64 << 20 }
    }
}

/// What a format is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name and version of the code that reads it, such as `baci/1`. The version changes when the same file would give other
    /// rows.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Who publishes such files. Empty: anyone.
    pub publisher: &'static str,
    /// Where they are had. Empty: nowhere in particular.
    pub url: &'static str,
    /// Licence under which they are published. Empty: whatever the file says.
    pub licence: &'static str,
    /// The tables that such files hold.
    pub tables: &'static [Table],
    /// How they are recognised: a header line a form, or what else tells them.
    pub forms: &'static [&'static str],
}

/// A format that Orewatch reads.
trait Source: fmt::Debug + Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Whether its files are lines of UTF-8 below a header, so that what is no such line can be refused before anything is
    /// recorded.
    fn is_lines(&self) -> bool {
        false
    }

    /// Whether a row of its csv is one figure or flow, so that a row that was set aside can be mended as it is written.
    fn is_row_by_row(&self) -> bool {
        self.is_lines()
    }

    /// Whether its files declare totals beside their parts: only then are rows summed up, for [`Out::total`].
    fn has_totals(&self) -> bool {
        false
    }

    /// Whether its files may hold several datasets of one table, each a release of its own, such as one for each revision of
    /// product codes.
    fn is_split(&self) -> bool {
        false
    }

    /// How much a file is like this format, by its content: for csv the number of known columns in its header,
    /// [`usize::MAX`] where there is no doubt. None: not at all.
    fn probe(&self, head: &Head) -> Option<usize>;

    /// Columns that its csv has to have, each by all of its names, of which case and punctuation do not count. They are told of a
    /// file that has most of them. Empty: the format tells itself what is missing.
    fn needs(&self) -> Vec<Vec<&'static str>> {
        Vec::new()
    }

    /// Column, or member of JSON records, whose texts tell the parts of the file apart. It is looked at in the whole file, not in
    /// its beginning alone. None: the beginning tells all.
    fn split_by(&self, _head: &Head) -> Option<String> {
        None
    }

    /// The tables that the file holds and what it says of each, given what the user says of it. `texts` are the different texts of
    /// [`Source::split_by`], as far as the file was read.
    ///
    /// # Errors
    /// What is wrong with a file that is like this format.
    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError>;

    /// What the user should know of a release of these files, one sentence each.
    fn notes(&self, _heads: &[&Head]) -> Vec<String> {
        Vec::new()
    }

    /// Columns of the values and of the quantities of flows, from 1; 0 where there is none.
    fn flow_columns(&self, _head: &Head) -> [u32; 2] {
        [0; 2]
    }

    /// A reader of one part of the file.
    ///
    /// # Errors
    /// As [`Source::parts`].
    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError>;
}

/// One table of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// What its rows are about.
    table: Table,
    /// What is said of it.
    said: Metadata,
    /// Which rows of the file are of it, as its format tells them apart. Empty: all rows of the table.
    key: String,
}

impl Part {
    /// All of a table.
    fn of(table: Table, said: Metadata) -> Self {
        Self { table, said, key: String::new() }
    }
}

/// What a reader needs beside the file.
#[derive(Clone, Debug)]
struct Setup {
    /// What product codes follow, if it is known.
    nomenclature: Option<Nomenclature>,
    /// What product codes stand for.
    codes: Codes,
    /// Bounds on what is read.
    limits: Limits,
}

impl Setup {
    /// The revision of the Harmonized System that product codes follow, if it is known and they follow one.
    fn revision(&self) -> Option<HsRevision> {
        self.nomenclature.as_ref().and_then(Nomenclature::revision)
    }

    /// What product codes of trade follow; a plan for trade without it is not made.
    fn product_codes(&self) -> Nomenclature {
        self.nomenclature.clone().unwrap_or(Nomenclature::Hs(HsRevision::Hs92))
    }
}

/// Reads the figures of a file, from its beginning.
trait Reader: Send {
    /// Hands everything over.
    ///
    /// # Errors
    /// [`Halt`]: the file cannot be read to its end, or nobody takes more.
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt>;
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
    /// What a code of a concordance stands for.
    Assigned(Symbol),
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
    if text.len() > orewatch_catalog::MAX_MISSPELT {
        return None;
    }
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
