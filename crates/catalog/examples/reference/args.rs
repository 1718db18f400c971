//! Arguments of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The files to read, and where to write. A table is not written if its files are not given.
pub(crate) struct Args {
    /// BACI, HS92, `.csv` or `.csv.gz`.
    pub(crate) baci: Option<PathBuf>,
    /// BACI, HS17: 2024 in full, 2022 in full by value, and the cut to the largest partners.
    pub(crate) baci_hs17: Option<[PathBuf; 3]>,
    /// UK customs by month.
    pub(crate) hmrc: Option<PathBuf>,
    /// Critical Minerals Dataset of the IEA: supply, its totals, demand.
    pub(crate) iea: Option<[PathBuf; 3]>,
    /// Worldwide Governance Indicators, one row per economy, year and indicator.
    pub(crate) wgi: Option<PathBuf>,
    /// The EU's assessment of 2023: trade parameters, results.
    pub(crate) eucrm: Option<[PathBuf; 2]>,
    /// Folder of the tables.
    pub(crate) out: PathBuf,
}

const USAGE: &str = "usage: [--baci FILE] [--hs17-2024 FILE --hs17-2022 FILE --hs17-cut FILE] [--hmrc FILE] \
                     [--iea-supply FILE --iea-totals FILE --iea-demand FILE] [--wgi FILE] \
                     [--eucrm-trade FILE --eucrm-results FILE] [--out FOLDER]";

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
            baci_hs17: take_all(&mut given, ["--hs17-2024", "--hs17-2022", "--hs17-cut"])?,
            hmrc: given.remove("--hmrc"),
            iea: take_all(&mut given, ["--iea-supply", "--iea-totals", "--iea-demand"])?,
            wgi: given.remove("--wgi"),
            eucrm: take_all(&mut given, ["--eucrm-trade", "--eucrm-results"])?,
            out,
        };
        match given.keys().next() {
            Some(unknown) => bail!("{unknown} is no flag; {USAGE}"),
            None => Ok(args),
        }
    }
}

/// Takes the values of flags that must be given together. `None`: none of them is.
fn take_all<const N: usize>(
    given: &mut BTreeMap<String, PathBuf>,
    flags: [&str; N],
) -> Result<Option<[PathBuf; N]>> {
    let values: Vec<PathBuf> = flags.iter().filter_map(|flag| given.remove(*flag)).collect();
    match <[PathBuf; N]>::try_from(values) {
        Ok(values) => Ok(Some(values)),
        Err(values) if values.is_empty() => Ok(None),
        Err(_) => bail!("{} go together; {USAGE}", flags.join(", ")),
    }
}
