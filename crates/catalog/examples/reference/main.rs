//! Regenerates the reference figures in `crates/catalog/reference` from the publishers' files: the tables whose files are
//! given.
//!
//! ```text
//! cargo run --release -p orewatch-catalog --example reference -- \
//!     --baci BACI_HS92_V202601.csv.gz --mcs2025 MCS2025_World_Data.csv --mcs2026 MCS2026_Commodities_Data.csv \
//!     --wgi wgi_2024.csv --eucrm-trade trade_parameters_2023.csv --eucrm-results results_2023.csv
//! ```
//!
//! The same files always give the same bytes. Anything the code does not understand stops it: a row is never guessed.

mod args;
mod baci;
mod eucrm;
mod mcs;
mod mcs2025;
mod mcs2026;
mod source;
mod tidy;
mod wgi;

use anyhow::Result;

fn main() -> Result<()> {
    let args = args::Args::from_command_line()?;
    if let Some(path) = &args.baci {
        baci::table(path)?.write(&args.out)?;
    }
    if let Some(path) = &args.wgi {
        wgi::table(path)?.write(&args.out)?;
    }
    if let Some([older, newer]) = &args.mcs {
        let newer = mcs2026::read(newer)?;
        let older = mcs2025::read(older, &newer)?;
        mcs::table("MCS2025", "2025", older).write(&args.out)?;
        mcs::table("MCS2026", "2026", newer).write(&args.out)?;
    }
    if let Some([trade, results]) = &args.eucrm {
        eucrm::table(trade, results)?.write(&args.out)?;
    }
    Ok(())
}
