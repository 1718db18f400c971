//! Gate over trade that looks cut to the largest partners.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::{Finding, Gate, Inspected};
use crate::tally::Side;

/// Numbers of partners that tables are cut to.
const CUTS: std::ops::RangeInclusive<u32> = 3..=20;

/// Least number of importers of a product and period with exactly so many partners.
const MIN_IMPORTERS: usize = 30;

/// So many times as many importers have one number of partners as have one fewer. In complete tables the
/// importers become fewer with each partner, and their number never rises by more than a third from one to
/// the next (BACI HS17 of 2022 and 2024, 30 products); a cut gathers at one number all that had more.
const PILED_UP: usize = 2;

pub(super) static GATES: [Gate; 1] = [Gate {
    name: "looks-cut",
    looks_at: "Whether suspiciously many importers have the same small number of partners: a table cut to \
               the largest flows that does not say so.",
    argument: "Flows that were cut off count as zero, and shares are too large; with `# cut: N` in the file \
               they count as unknown, within bounds.",
    default: GateMode::Warn,
    is_final: false,
    tables: &[Table::Trade],
    inspect: looks_cut,
}];

fn looks_cut(inspected: &Inspected<'_>) -> Finding {
    if inspected.release.cut_partners > 0 {
        let count = inspected.release.cut_partners;
        return Finding::Clean(format!("cut to the {count} largest partners on each side, as it says"));
    }
    let importers = importers_by_partners(inspected);
    let count = |partners: u32| importers.get(&partners).copied().unwrap_or_default();
    let piled_up = CUTS.into_iter().find(|partners| {
        let fewer = partners.checked_sub(1).map_or(0, count);
        count(*partners) >= MIN_IMPORTERS && count(*partners) >= fewer.saturating_mul(PILED_UP)
    });
    match piled_up {
        None => Finding::clean("numbers of partners look like those of a complete table"),
        Some(partners) => Finding::Wrong(format!(
            "{} importers of a product have exactly {partners} partners, and {} have one fewer: if the table \
             is cut to the largest partners, say so with `# cut: {partners}`",
            count(partners),
            count(partners.saturating_sub(1))
        )),
    }
}

/// Number of importers, each in a product and period, by their number of partners.
fn importers_by_partners(inspected: &Inspected<'_>) -> BTreeMap<u32, usize> {
    let mut importers: BTreeMap<u32, usize> = BTreeMap::new();
    let sides = inspected.tally.markets.values().flat_map(|market_rows| &market_rows.flows.sides);
    for count in sides.filter(|side| !side.is_by_exporter()).flat_map(Side::suppliers_by_importer) {
        *importers.entry(count).or_default() += 1;
    }
    importers
}
