//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The files to read and where to write.
pub(crate) struct Args {
    /// BACI, HS92, csv or csv.gz.
    pub(crate) baci: PathBuf,
    /// Mineral Commodity Summaries 2025, world data.
    pub(crate) mcs2025: PathBuf,
    /// Mineral Commodity Summaries 2026, all commodities.
    pub(crate) mcs2026: PathBuf,
    /// Worldwide Governance Indicators, a row an economy, year and indicator.
    pub(crate) wgi: PathBuf,
    /// Folder of the tables.
    pub(crate) out: PathBuf,
}

const USAGE: &str = "usage: --baci FILE --mcs2025 FILE --mcs2026 FILE --wgi FILE [--out FOLDER]";

impl Args {
    pub(crate) fn from_command_line() -> Result<Self> {
        let mut given = BTreeMap::new();
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            let value = words.next().with_context(|| format!("{flag} needs a value; {USAGE}"))?;
            given.insert(flag, PathBuf::from(value));
        }
        let default_out = concat!(env!("CARGO_MANIFEST_DIR"), "/reference");
        let out = given.remove("--out").unwrap_or_else(|| PathBuf::from(default_out));
        let mut take = |flag: &str| given.remove(flag).with_context(|| format!("{flag} is missing; {USAGE}"));
        let args = Self {
            baci: take("--baci")?,
            mcs2025: take("--mcs2025")?,
            mcs2026: take("--mcs2026")?,
            wgi: take("--wgi")?,
            out,
        };
        match given.keys().next() {
            Some(unknown) => bail!("{unknown} is no flag; {USAGE}"),
            None => Ok(args),
        }
    }
}
