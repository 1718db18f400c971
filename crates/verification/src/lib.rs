//! Published figures, recomputed from their inputs with the formulas of [`orewatch_measures`].
//!
//! The inputs are small tables in this crate's `data` folder, each with its source, its licence and where in the source it
//! stands, and the reference tables of the catalogue. [`verify`] computes every case and says of each whether the published
//! figure was reproduced; what was not is listed with the reason. The page below is [`page`], generated.
//!
//! Nothing here reads a file or a clock: the tables are part of the program, so `verify` gives the same on every machine.
#![doc = include_str!("../VERIFICATION.md")]

mod case;
mod geopolrisk;
mod governance;
mod leading;
mod page;
mod reliance;
mod supply_risk;
mod table;

pub use case::{Case, Published, Source, Verdict};
pub use page::page;
pub use table::BadTable;

/// Every case, by method and in the order of its table.
///
/// # Errors
///
/// A table that ships with the program does not have the columns or the figures it should have.
pub fn verify() -> Result<Vec<Case>, BadTable> {
    let mut cases = geopolrisk::cases()?;
    cases.extend(reliance::cases()?);
    cases.extend(supply_risk::cases()?);
    cases.extend(governance::cases()?);
    cases.extend(leading::cases()?);
    Ok(cases)
}
