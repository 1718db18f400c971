//! Arguments of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The files to read, and where to write. A table is not written if its files are not given.
pub(crate) struct Args {
    /// BACI, HS92, `.csv` or `.csv.gz`.
    pub(crate) baci: Option<PathBuf>,
    /// Worldwide Governance Indicators, one row per economy, year and indicator.
    pub(crate) wgi: Option<PathBuf>,
    /// The EU's assessment of 2023: trade parameters, results.
    pub(crate) eucrm: Option<[PathBuf; 2]>,
    /// Folder of the tables.
    pub(crate) out: PathBuf,
}

const USAGE: &str =
    "usage: [--baci FILE] [--wgi FILE] [--eucrm-trade FILE --eucrm-results FILE] [--out FOLDER]";

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
        if given.is_empty() {
            bail!("no file is given; {USAGE}");
        }
        let args = Self {
            baci: given.remove("--baci"),
            wgi: given.remove("--wgi"),
            eucrm: take_both(&mut given, ["--eucrm-trade", "--eucrm-results"])?,
            out,
        };
        match given.keys().next() {
            Some(unknown) => bail!("{unknown} is no flag; {USAGE}"),
            None => Ok(args),
        }
    }
}

/// Takes the values of two flags that must be given together.
fn take_both(given: &mut BTreeMap<String, PathBuf>, flags: [&str; 2]) -> Result<Option<[PathBuf; 2]>> {
    match flags.map(|flag| given.remove(flag)) {
        [Some(one), Some(other)] => Ok(Some([one, other])),
        [None, None] => Ok(None),
        _ => bail!("{} and {} go together; {USAGE}", flags[0], flags[1]),
    }
}
