//! Regenerates the reference figures in `crates/catalog/reference` from the publishers' files. Writes the
//! tables whose files are given.
//!
//! ```text
//! cargo run --release -p orewatch-catalog --example reference -- \
//!     --baci BACI_HS92_V202601.csv.gz --wgi wgi_2024.csv \
//!     --hs17-2024 hs17_2024.csv.gz --hs17-2022 hs17_2022.csv.gz --hs17-cut hs17_top6.csv.gz \
//!     --hmrc hmrc_monthly.csv.gz \
//!     --iea-supply supply.csv --iea-totals totals.csv --iea-demand demand.csv \
//!     --eucrm-trade trade_parameters_2023.csv --eucrm-results results_2023.csv
//! ```
//!
//! World production is written by another program, which reads it as ingestion does: the example `production`
//! of `orewatch-formats`.
//!
//! The same files always give the same rows. The program stops at anything that it does not understand, and
//! never guesses a row.

mod args;
mod baci;
mod baci17;
mod eucrm;
mod figure;
mod hmrc;
mod iea;
mod source;
mod tidy;
mod wgi;

use anyhow::Result;

fn main() -> Result<()> {
    let args = args::Args::from_command_line()?;
    if let Some(path) = &args.baci {
        baci::table(path)?.write(&args.out)?;
    }
    if let Some(paths) = &args.baci_hs17 {
        baci17::tables(paths)?.iter().try_for_each(|table| table.write(&args.out))?;
    }
    if let Some(path) = &args.hmrc {
        hmrc::tables(path)?.iter().try_for_each(|table| table.write(&args.out))?;
    }
    if let Some(paths) = &args.iea {
        iea::tables(paths)?.iter().try_for_each(|table| table.write(&args.out))?;
    }
    if let Some(path) = &args.wgi {
        wgi::table(path)?.write(&args.out)?;
    }
    if let Some([trade, results]) = &args.eucrm {
        eucrm::table(trade, results)?.write(&args.out)?;
    }
    Ok(())
}
