//! Gates over the nomenclature of product codes.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::{Finding, Gate, Inspected};

pub(super) static GATES: [Gate; 1] = [Gate {
    name: "hs-revision",
    looks_at: "Whether product codes follow the same revision of the Harmonized System as the dataset did \
               before.",
    argument: "The same code holds other goods in another revision, so a series over both breaks silently; \
               another revision is another dataset.",
    default: GateMode::Block,
    is_final: false,
    tables: &[Table::Trade, Table::Parameters, Table::Restrictions],
    inspect: revision,
}];

fn revision(inspected: &Inspected<'_>) -> Finding {
    let now = inspected.release.hs_revision.as_str();
    let before = inspected.before.iter().map(|record| &record.head.release);
    let Some(before) = before.into_iter().find(|release| !release.hs_revision.is_empty()) else {
        return Finding::clean("the first release of its dataset with a nomenclature");
    };
    match before.hs_revision.as_str() {
        _ if now.is_empty() => Finding::clean("no product codes"),
        then if then == now => Finding::Clean(format!("{now}, as before")),
        then if is_yearly(then) && is_yearly(now) => {
            Finding::Doubtful(format!("{now}, after {then}: this nomenclature changes every year"))
        }
        then => Finding::Wrong(format!("{now}, but {then} in {}", before.id)),
    }
}

/// Whether a new edition is published each year, as of the Combined Nomenclature.
fn is_yearly(nomenclature: &str) -> bool {
    nomenclature.starts_with("CN")
}
