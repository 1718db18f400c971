//! Qualifies figures of trade, whatever their formula: where product codes are missing, trade is not
//! reported, or most weights are not known.

use std::collections::BTreeMap;

use orewatch_catalog::Consumer;
use orewatch_measures::{Estimate, Measure, Status, Weight};

use super::Figure;
use crate::accounts::NOT_REPORTED;
use crate::scope::Scope;

const CODES_MISSING: &str = "some product codes of the market are not in the dataset that answers";
const FEW_WEIGHTS: &str =
    "weights are known for too little of the value of these imports to give a best estimate";

const MEMBERS: &str =
    "not all of its members have reported their imports here: those of the others are unknown";
const EVERYONE: &str = "not every economy has reported its imports here: those of the others are unknown";
const NO_EXPORTS: &str = "no report has the exports, or not all of them: they are unknown, and not nothing";

/// Measures of imports.
const OF_IMPORTS: &[Measure] = &[
    Measure::ExportHhi,
    Measure::ExtraImportShare,
    Measure::ImportHhi,
    Measure::ImportPrice,
    Measure::ImportShare,
    Measure::ImportSuppliers,
    Measure::ImportTop1,
    Measure::ImportTop3,
    Measure::RestrictedShare,
];

/// Measures of imports and exports.
const OF_BOTH: &[Measure] = &[
    Measure::CrmaExtraction,
    Measure::CrmaProcessing,
    Measure::CrmaRecycling,
    Measure::CrmaThirdCountry,
    Measure::EuImportReliance,
    Measure::ImportExportRatio,
    Measure::NetImportReliance,
    Measure::UsgsTradeExposure,
];

/// The qualification of a consumer's figures.
#[derive(Clone, Copy, Debug)]
struct Qualification {
    /// Share of the market's product codes that the datasets hold, 0 to 1.
    held: f64,
    /// Whether some are missing in a report, so that nothing says how much trade they stand for.
    is_report_short: bool,
    /// Whether weights are known for enough of the value.
    is_weighed: bool,
    /// Reasons where imports, and where exports, are not reported. `None`: they are.
    unreported: [Option<&'static str>; 2],
}

impl Qualification {
    fn for_consumer(scope: &Scope<'_>, code: &str) -> Self {
        let (accounts, consumer) = (scope.accounts(), code.parse().unwrap_or(Consumer::World));
        Self {
            held: accounts.held_codes_share(consumer),
            is_report_short: accounts.has_incomplete_report(consumer),
            is_weighed: accounts.has_enough_weights(consumer),
            unreported: [
                accounts.has_unreported_imports(consumer).then_some(match consumer {
                    Consumer::Economy(_) => NOT_REPORTED,
                    Consumer::Bloc(_) => MEMBERS,
                    Consumer::World => EVERYONE,
                }),
                accounts.unreported_exports(consumer).map(|_| NO_EXPORTS),
            ],
        }
    }

    /// The reason of a figure that depends on trade which is not reported. `None`: it does not.
    fn reason(&self, figure: &Figure) -> Option<&'static str> {
        let measure = figure.key.measure;
        let [imports, exports] = self.unreported;
        let of_imports = imports.filter(|_| OF_IMPORTS.contains(&measure) || OF_BOTH.contains(&measure));
        of_imports.or_else(|| exports.filter(|_| OF_BOTH.contains(&measure)))
    }

    fn apply(self, figure: &mut Figure) {
        let has_figure = matches!(figure.estimate.status, Status::Known | Status::Partial);
        let is_bounded = figure.estimate.low.is_some() || figure.estimate.high.is_some();
        if let Some(reason) =
            self.reason(figure).filter(|_| figure.estimate.status != Status::Known && is_bounded)
        {
            figure.estimate = Estimate { reason, ..figure.estimate };
        }
        // A figure that holds for any weights stays, such as the share of an only supplier.
        let is_open = figure.estimate.low != figure.estimate.high || figure.estimate.low.is_none();
        if has_figure && self.held < 1.0 {
            figure.estimate = self.lacking(figure);
        }
        if has_figure && is_open && !self.is_weighed && figure.key.by == Weight::Quantity {
            figure.estimate =
                Estimate { value: None, status: Status::Partial, reason: FEW_WEIGHTS, ..figure.estimate };
            figure.names = [None; 3];
        }
    }
}

impl Qualification {
    /// A figure with missing product codes. Where a report lacks them, a figure without bounds gets the whole
    /// range of the measure, since nothing says how much trade they stand for.
    fn lacking(self, figure: &Figure) -> Estimate {
        let estimate = figure.estimate;
        let coverage = estimate.coverage.map(|coverage| coverage * self.held);
        let reason = if estimate.reason.is_empty() { CODES_MISSING } else { estimate.reason };
        let partial = Estimate { coverage, status: Status::Partial, reason, ..estimate };
        if !self.is_report_short || estimate.low != estimate.high {
            return partial;
        }
        let (least, most) = figure.key.measure.method().range;
        let finite = |end: f64| Some(end).filter(|end| end.is_finite());
        Estimate { low: finite(least), high: finite(most), ..partial }
    }
}

/// Qualifies figures of a market's trade.
pub(super) fn qualify(scope: &Scope<'_>, figures: &mut [Figure]) {
    if figures.is_empty() || scope.accounts().is_complete() {
        return;
    }
    let mut known = BTreeMap::new();
    for figure in figures {
        let code = figure.key.consumer;
        known.entry(code).or_insert_with(|| Qualification::for_consumer(scope, code)).apply(figure);
    }
}
