//! Formats: how files become observations.
//!
//! Bytes become rows, and rows become chunks of columns. A format is a `Source`: it recognises its files by
//! their content, says which tables they hold and what they say of themselves, and reads their rows.
//! [`plan`](fn@plan) identifies the releases in a first pass over the files, and [`read`] turns their rows
//! into chunks in a second, both in bounded memory. A file that cannot be read is a [`SourceError`]; a row
//! that cannot be recorded is quarantined with its location and reason, and reading goes on.
//!
//! The crate has no I/O but reading files, and records nothing: the service `orewatch-ingestion` keeps the
//! files, checks releases and writes the log.
//!
//! Reading order: `format` (what a format is), one format such as `wmd` with `csv_file` and `sink`, then
//! `plan`, `read` and `chunk`.

mod baci;
mod blocks;
mod chunk;
mod code_meanings;
pub mod codes;
mod comext;
mod comtrade;
mod concordance;
pub mod content;
mod csv_file;
pub mod dataset;
mod decimal;
mod declared;
mod error;
mod figure;
pub mod findings;
mod flag;
pub mod flows;
mod format;
mod gta;
mod head;
mod header;
mod hmrc;
pub mod ids;
mod iea;
mod in_order;
mod input;
mod json;
mod keys;
mod line_reader;
mod lines;
mod location;
mod mapped;
mod metadata;
mod names;
mod nearest;
mod notes;
mod observation;
mod oecd;
mod parameters;
mod parquet;
mod pass;
mod plan;
mod progress;
mod projections;
mod quarantine;
mod quick;
mod quotes;
mod read;
mod recognise;
mod records;
mod registry;
mod reject;
mod repair;
mod repeated;
mod reported_flow;
mod restrictions;
mod row;
pub mod scope;
mod separators;
pub mod shape;
mod sink;
mod stated;
mod statements;
mod sums;
mod table;
mod text;
mod tidy;
mod usgs;
mod wgi;
mod wmd;

pub use chunk::Chunk;
pub use codes::Codes;
pub use declared::MAX_CUT_PARTNERS;
pub use error::SourceError;
pub use format::{About, Limits};
pub use header::{Layout, Preamble};
pub use ids::release_id;
pub use input::{Check, Checker};
pub use input::{Input, Member, Seen, Stored};
pub use mapped::translate;
pub use metadata::Metadata;
pub use names::parse_day;
pub use plan::MAX_FILES;
pub use plan::{Identified, Plan, identify, plan};
pub use progress::{Phase, Progress};
pub use read::{Piece, pieces};
pub use read::{Totals, read};
pub use registry::sources;
pub use repair::{REJECTION_COLUMN, read_lines_around, repair_columns};
pub use repair::{RepairSheet, RepairedRows};

use format::{FileFacts, Part, Reader, Setup, Source};
use head::Head;
use input::Content;
use line_reader::RowParser;
use nearest::nearest;
use observation::{Observation, Qualifier};
use registry::SOURCES;
use reject::Reject;
