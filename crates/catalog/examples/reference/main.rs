//! Regenerates the reference figures in `crates/catalog/reference` from the publishers' files. Writes the
//! tables whose files are given.
//!
//! ```text
//! cargo run --release -p orewatch-catalog --example reference -- \
//!     --baci BACI_HS92_V202601.csv.gz --wgi wgi_2024.csv \
//!     --eucrm-trade trade_parameters_2023.csv --eucrm-results results_2023.csv
//! ```
//!
//! World production is written by another program, which reads it as ingestion does: the example `production`
//! of `orewatch-formats`.
//!
//! The same files always give the same bytes. The program stops at anything that it does not understand, and
//! never guesses a row.

mod args;
mod baci;
mod eucrm;
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
    if let Some([trade, results]) = &args.eucrm {
        eucrm::table(trade, results)?.write(&args.out)?;
    }
    Ok(())
}
