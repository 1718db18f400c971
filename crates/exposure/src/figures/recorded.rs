//! Statistics that parameters add to a consumer's accounts: output from old scrap, stocks, consumption.

use orewatch_catalog::Consumer;
use orewatch_measures::{Amount, Estimate, Reliance, Status};

use super::{FigureRequest, NamedEstimate};
use crate::accounts::NO_OUTPUT;
use crate::scope::{Cited, FoundValue, ParameterQuery, Scope};

/// Output from old scrap, in tonnes of the market's basis.
pub(super) const SECONDARY: &str = "secondary-production";
/// Decrease of stocks over the year, in tonnes: negative where they grew.
pub(super) const STOCKS: &str = "stock-decrease";
/// Consumption in a year, in tonnes.
pub(super) const CONSUMPTION: &str = "consumption";

const THE_WORLD: &str = "the world imports from nobody: ask for an economy or a bloc";

/// A statistic of the consumer in the market's own period. Statistics are not carried forward.
pub(super) fn statistic<'a>(scope: &Scope<'a>, name: &str, consumer: Consumer) -> FoundValue<'a> {
    scope.parameters().value(ParameterQuery::named(name).about(consumer).in_own_period())
}

/// A statistic as an amount. `None`: no release has a row of it.
pub(super) fn amount(found: &FoundValue<'_>) -> Option<Amount> {
    found.cited.as_ref()?;
    Some(match (found.value(), found.estimate.status) {
        (Some(number), _) => Amount::known(number),
        (None, Status::Withheld) => Amount::withheld(),
        (None, _) => Amount::unavailable(),
    })
}

/// Output, trade, scrap and stocks of a consumer, on one basis.
///
/// # Errors
/// Why there are none: no figures of output or of trade, or figures on different bases.
pub(super) fn reliance(scope: &Scope<'_>, consumer: Consumer) -> Result<Reliance, &'static str> {
    let accounts = scope.accounts().reliance(consumer)?;
    Ok(Reliance {
        stock_decrease: stocks(scope, consumer),
        secondary: secondary(scope, consumer),
        ..accounts
    })
}

/// [`reliance`] without trade: output and scrap alone, which is enough where consumption is recorded.
///
/// # Errors
/// Why there are none: no figures of output.
pub(super) fn output_alone(scope: &Scope<'_>, consumer: Consumer) -> Result<Reliance, &'static str> {
    let accounts = scope.accounts();
    accounts.view().output.as_ref().ok_or(NO_OUTPUT)?;
    Ok(Reliance {
        production: accounts.production_of(consumer),
        secondary: secondary(scope, consumer),
        imports: Amount::unavailable(),
        exports: Amount::unavailable(),
        stock_decrease: None,
    })
}

fn secondary(scope: &Scope<'_>, consumer: Consumer) -> Option<Amount> {
    amount(&statistic(scope, SECONDARY, consumer))
}

fn stocks(scope: &Scope<'_>, consumer: Consumer) -> Option<Estimate> {
    let found = statistic(scope, STOCKS, consumer);
    found.cited.map(|_| found.estimate)
}

/// The rows of a consumer's output and trade, and of the statistics named.
pub(super) fn rows<'a>(scope: &Scope<'a>, consumer: Consumer, statistics: &[&str]) -> Vec<Cited<'a>> {
    let mut rows = scope.imports_cited(consumer);
    rows.extend(scope.exports_cited(consumer));
    rows.extend(scope.output_cited(consumer));
    rows.extend(statistics.iter().filter_map(|name| statistic(scope, name, consumer).cited));
    rows
}

/// The answer if the consumer is the world, which has no imports. `None`: it is not.
pub(super) fn no_figure_for_world(request: FigureRequest) -> Option<NamedEstimate> {
    (request.consumer == Consumer::World).then_some(NamedEstimate::missing(Status::NotApplicable, THE_WORLD))
}
