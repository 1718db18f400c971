//! Ties for the largest supplier. A figure names one of them, the first by code; the others are as large.

use orewatch_catalog::Consumer;
use orewatch_measures::{Measure, Sourcing};

use crate::book::EconomyId;
use crate::figures::Figure;
use crate::scope::Scope;

/// Codes of the suppliers that are exactly as large as the largest one that a figure names, without that one.
/// Empty for measures that do not name the largest supplier of imports or output.
pub(crate) fn tied(scope: &Scope<'_>, figure: &Figure) -> Vec<String> {
    let [Some(largest), ..] = figure.names else { return Vec::new() };
    let consumer = || figure.key.consumer.parse::<Consumer>().ok();
    let sourcing = match figure.key.measure {
        Measure::ImportTop1 => {
            consumer().and_then(|consumer| scope.accounts().imports(consumer, figure.key.by))
        }
        Measure::ProductionTop1 => scope.accounts().output(),
        _ => None,
    };
    sourcing.map(|sourcing| as_large_as(&sourcing, largest)).unwrap_or_default()
}

fn as_large_as(sourcing: &Sourcing<EconomyId>, largest: EconomyId) -> Vec<String> {
    let best = |(supplier, amount): &(EconomyId, orewatch_measures::Amount)| {
        Some((*supplier, amount.best()?.to_bits()))
    };
    let all: Vec<_> = sourcing.suppliers().iter().filter_map(best).collect();
    let Some((_, size)) = all.iter().find(|(supplier, _)| *supplier == largest) else { return Vec::new() };
    let tied = all.iter().filter(|(supplier, best)| *supplier != largest && best == size);
    tied.map(|(supplier, _)| supplier.code().to_owned()).collect()
}
