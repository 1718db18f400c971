//! What a format is: how files become observations.
//!
//! A format is a [`Source`]: it recognises its files by their content, says which tables they hold and what
//! they say of themselves, and makes [`Reader`]s of their rows. Formats are listed in the registry; each is a
//! module that describes its publisher's files and nothing else.
use std::collections::BTreeSet;
use std::fmt;

use orewatch_catalog::{HsRevision, Nomenclature};
use orewatch_contracts::ingestion::v1::Table;

use crate::codes::Codes;
use crate::error::SourceError;
use crate::head::Head;
use crate::ids::UNDATED;
use crate::input::Content;
use crate::metadata::Metadata;
use crate::sink::{Halt, RowSink};
use crate::table::table_name;

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes.
    pub line: usize,
    /// Upper bound on the decompressed bytes of a file, and of all files of an archive together.
    pub bytes: u64,
    /// Decompressed bytes of a file that are read whatever its compression ratio; beyond them the ratio is
    /// limited as well.
    pub unquestioned: u64,
}

impl Default for Limits {
    /// Lines of 1 MiB, files of 64 GiB, of which 64 MiB at any compression ratio.
    fn default() -> Self {
        Self { line: 1 << 20, bytes: 64 << 30, unquestioned: 64 << 20 }
    }
}

/// Describes a format to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name and version of the code that reads it, such as `baci/1`. The version changes when the same file
    /// would give different rows.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Who publishes such files. Empty: anyone.
    pub publisher: &'static str,
    /// Address of the publication. Empty: none in particular.
    pub url: &'static str,
    /// Licence under which they are published. Empty: whatever the file says.
    pub licence: &'static str,
    /// The tables that such files hold.
    pub tables: &'static [Table],
    /// How they are recognised: one header line for each layout, or what else identifies them.
    pub forms: &'static [&'static str],
}

impl About {
    /// What every file of the format says of a release: publisher, address, licence, and no vintage.
    pub(crate) fn metadata(
        &self,
        table: Table,
        dataset: impl Into<String>,
        title: impl Into<String>,
    ) -> Metadata {
        Metadata {
            dataset: Some(dataset.into()),
            vintage: Some(UNDATED.to_owned()),
            table: Some(table_name(table).to_owned()),
            publisher: Some(self.publisher.to_owned()),
            title: Some(title.into()),
            url: Some(self.url.to_owned()),
            licence: Some(self.licence.to_owned()),
            ..Metadata::default()
        }
    }
}

/// A format that Orewatch reads.
pub(crate) trait Source: fmt::Debug + Sync {
    /// Describes the format.
    fn about(&self) -> &'static About;

    /// Whether its files are lines of UTF-8 below a header. A line that is not is then refused before
    /// anything is recorded.
    fn is_lines(&self) -> bool {
        false
    }

    /// Whether a row of its csv is one figure or flow, so that a rejected row can be repaired as it is
    /// written.
    fn is_row_by_row(&self) -> bool {
        self.is_lines()
    }

    /// Whether its files declare totals beside their parts. Only then are rows summed up, for
    /// [`RowSink::declared_total`].
    fn has_totals(&self) -> bool {
        false
    }

    /// Whether its files may hold several datasets of one table, each a release of its own, such as one for
    /// each revision of product codes.
    fn is_split(&self) -> bool {
        false
    }

    /// How closely a file matches this format, by its content: for csv the number of known columns in its
    /// header, [`usize::MAX`] if there is no doubt. None: not at all.
    fn probe(&self, head: &Head) -> Option<usize>;

    /// Columns that its csv must have, each with all of its names, of which case and punctuation do not
    /// count. An error about a file that has most of them lists those that are missing. Empty: the format
    /// itself reports what is missing.
    fn needs(&self) -> Vec<Vec<&'static str>> {
        Vec::new()
    }

    /// Column, or member of JSON records, whose texts tell the parts of the file apart. It is read in the
    /// whole file, not in its beginning alone. None: the beginning is enough.
    fn split_by(&self, _head: &Head) -> Option<String> {
        None
    }

    /// The tables that a file holds, and what it says of each.
    ///
    /// # Errors
    /// [`SourceError`] for a file that matches this format and cannot be read by it.
    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError>;

    /// What the user should know of a release of these files, one sentence each.
    fn notes(&self, _heads: &[&Head]) -> Vec<String> {
        Vec::new()
    }

    /// Columns of the values and of the quantities of flows, from 1; 0 if there is none.
    fn flow_columns(&self, _head: &Head) -> [u32; 2] {
        [0; 2]
    }

    /// A reader of one part of the file.
    ///
    /// # Errors
    /// As [`Source::parts`].
    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError>;
}

/// What is known of a file before its rows are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFacts<'a> {
    pub(crate) head: &'a Head,
    /// What the user says of it.
    pub(crate) given: &'a Metadata,
    /// The distinct texts of [`Source::split_by`], as far as the file was read.
    pub(crate) texts: &'a BTreeSet<String>,
}

/// One table of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What its rows are about.
    pub(crate) table: Table,
    /// What the file, or the user, says of it.
    pub(crate) metadata: Metadata,
    /// Selects the rows of the file that belong to it, in a form that its format defines. Empty: all rows of
    /// the table.
    pub(crate) key: String,
}

impl Part {
    /// All rows of a table.
    pub(crate) fn whole_table(table: Table, metadata: Metadata) -> Self {
        Self { table, metadata, key: String::new() }
    }
}

/// What a reader needs beside the file.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The list that product codes follow, if it is known.
    pub(crate) nomenclature: Option<Nomenclature>,
    /// Which material each product code stands for.
    pub(crate) codes: Codes,
    /// Bounds on what is read.
    pub(crate) limits: Limits,
}

impl Setup {
    /// The revision of the Harmonized System that product codes follow. None: unknown, or they follow another
    /// list.
    pub(crate) fn revision(&self) -> Option<HsRevision> {
        self.nomenclature.as_ref().and_then(Nomenclature::revision)
    }

    /// The list that product codes of trade follow. No plan for trade is made without one.
    pub(crate) fn product_codes(&self) -> Nomenclature {
        self.nomenclature.clone().unwrap_or(Nomenclature::Hs(HsRevision::Hs92))
    }
}

/// Reads the rows of a part of a file, from the beginning of the file.
pub(crate) trait Reader: Send {
    /// Hands every row to `out`, in the order of the file.
    ///
    /// # Errors
    /// [`Halt`] if the file cannot be read to its end, or `out` takes no more rows.
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt>;
}
