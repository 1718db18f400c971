//! Net import reliance, as defined by the US Geological Survey and by the EU's criticality assessment.
//!
//! Sources: US Geological Survey, Mineral Commodity Summaries, appendix on definitions; European Commission,
//! Methodology for establishing the EU list of critical raw materials (2017).

use crate::doubt::{Doubt, best};
use crate::{Amount, Estimate, Interval, Status, Term, Terms};

const NO_CONSUMPTION: &str = "nothing is consumed: output and imports are zero";
const INCOMPLETE: &str = "some of output, imports, exports and stocks is not known";
const LEFT_OUT: &str = "left out: no figure of it is recorded";

/// Inputs of net import reliance, all of one material at one stage in one period, in tonnes of one basis.
///
/// ```
/// use orewatch_measures::{Amount, Estimate, Reliance};
///
/// // Cobalt in the United States, 2022: no primary output that stays in the country, some output from scrap,
/// // stocks fell by 80 t.
/// let cobalt = Reliance {
///     production: Amount::NOTHING,
///     secondary: Some(Amount::known(1920.0)),
///     imports: Amount::known(10_500.0),
///     exports: Amount::known(5360.0),
///     stock_decrease: Some(Estimate::known(80.0)),
/// };
/// assert_eq!(cobalt.estimate().value.map(|share| (share * 100.0).round()), Some(73.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliance {
    /// Primary output, `P`.
    pub production: Amount,
    /// Output from old scrap, `S`. `None`: the definition leaves it out.
    pub secondary: Option<Amount>,
    /// Imports, `I`.
    pub imports: Amount,
    /// Exports, `E`.
    pub exports: Amount,
    /// Decrease of stocks during the period, `D`; negative if they grew, which is why it is not an
    /// [`Amount`]. `None`: the definition leaves it out.
    pub stock_decrease: Option<Estimate>,
}

/// One completion of what is not known.
#[derive(Clone, Copy)]
struct Corner {
    output: f64,
    net_imports: f64,
}

impl Corner {
    /// `N / (P + N)`; 0 for a net exporter. `None`: nothing is consumed.
    fn reliance(self) -> Option<f64> {
        let Self { output, net_imports } = self;
        match (output.is_infinite(), net_imports.is_infinite()) {
            _ if net_imports < 0.0 => Some(0.0),
            (true, _) => Some(0.0),
            (false, true) => Some(1.0),
            _ if output + net_imports > 0.0 => Some(net_imports / (output + net_imports)),
            _ => None,
        }
    }
}

impl Reliance {
    /// Net import reliance by the US Geological Survey: `NIR = N / (P + S + N)` with `N = I - E + D`, the
    /// share of apparent consumption that comes from abroad, 0 to 1.
    ///
    /// A net exporter (`N < 0`) has 0, where the Survey prints `E`; [`Self::net_imports`] distinguishes it
    /// from a consumer whose trade is balanced. NOT_APPLICABLE where nothing is consumed. The bounds are
    /// lowest where output is high and net imports are low. Where all of output, imports or exports is
    /// withheld or missing there is no best value; where only a part is, the best value leaves that part out.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let output = self.output();
        let net = self.net();
        let doubt = self.doubt();
        let corner = |output, net_imports| Corner { output, net_imports }.reliance();
        let value = output.best_part().zip(self.net_best()).and_then(|(output, net)| corner(output, net));
        if doubt.is_none() {
            return value.map_or(Estimate::missing(Status::NotApplicable, NO_CONSUMPTION), Estimate::known);
        }
        let low = corner(output.high(), net.low).unwrap_or(0.0);
        let high = corner(output.low(), net.high).unwrap_or(low);
        doubt.estimate(value, Interval::new(low, high))
    }

    /// Import reliance by the EU's criticality assessment: `IR = (I - E) / (P + I - E)`, 0 to 1, and 0 where
    /// exports exceed imports. Secondary output and stocks do not enter.
    #[must_use]
    pub fn eu_estimate(&self) -> Estimate {
        self.eu().estimate()
    }

    /// Net imports in tonnes, `N = I - E + D`; negative for a net exporter.
    #[must_use]
    pub fn net_imports(&self) -> Estimate {
        self.trade_doubt().estimate(self.net_best(), self.net())
    }

    /// Apparent consumption in tonnes, `C = P + S + N`; negative where recorded exports exceed output and
    /// imports.
    #[must_use]
    pub fn consumption(&self) -> Estimate {
        let output = self.output();
        let value = output.best_part().zip(self.net_best()).map(|(output, net)| output + net);
        self.doubt().estimate(value, Interval::from(output).plus(self.net()))
    }

    /// Consumption as an amount: apparent consumption where that is not negative. Otherwise recorded exports
    /// are too high, and consumption is between zero and output plus imports.
    #[must_use]
    pub fn used(&self) -> Amount {
        let figure = self.consumption();
        let most = (self.output() + self.imports).high();
        let bounds = Interval::from(&figure).within(0.0, most);
        match best(&figure).filter(|used| *used >= 0.0) {
            Some(used) if figure.status == Status::Known => Amount::known(used),
            Some(used) => Amount::from_parts(Some(used), bounds.low, bounds.high.max(used), Status::Partial),
            None if figure.status == Status::Known => Amount::between(0.0, most),
            None => Amount::between(bounds.low, bounds.high),
        }
    }

    /// Whether exports exceed imports and the decrease of stocks. `None`: the bounds allow both.
    #[must_use]
    pub fn is_net_exporter(&self) -> Option<bool> {
        let net = self.net();
        if net.high < 0.0 { Some(true) } else { (net.low >= 0.0).then_some(false) }
    }

    /// The terms of `net-import-reliance`.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let left_out = Estimate::missing(Status::NotApplicable, LEFT_OUT);
        vec![
            Term::new("N", self.net_imports(), "t"),
            Term::new("C", self.consumption(), "t"),
            Term::new("I", self.imports.estimate(), "t"),
            Term::new("E", self.exports.estimate(), "t"),
            Term::new("D", self.stock_decrease.unwrap_or(left_out), "t"),
            Term::new("P", self.production.estimate(), "t"),
            Term::new("S", self.secondary.map_or(left_out, |amount| amount.estimate()), "t"),
        ]
    }

    /// The terms of `eu-import-reliance`.
    #[must_use]
    pub fn eu_terms(&self) -> Terms {
        vec![
            Term::new("I", self.imports.estimate(), "t"),
            Term::new("E", self.exports.estimate(), "t"),
            Term::new("P", self.production.estimate(), "t"),
        ]
    }

    fn eu(&self) -> Self {
        Self { secondary: None, stock_decrease: None, ..*self }
    }

    fn output(&self) -> Amount {
        self.secondary.map_or(self.production, |secondary| self.production + secondary)
    }

    fn net(&self) -> Interval {
        let stocks = self.stock_decrease.as_ref().map_or(Interval::ZERO, Interval::from);
        Interval::from(self.imports).minus(Interval::from(self.exports)).plus(stocks)
    }

    /// Net imports of the known parts. `None`: imports or exports have no known part.
    fn net_best(&self) -> Option<f64> {
        let stocks = self.stock_decrease.as_ref().and_then(best).unwrap_or(0.0);
        Some(self.imports.best()? - self.exports.best()? + stocks)
    }

    fn trade_doubt(&self) -> Doubt {
        let stocks = self.stock_decrease.as_ref().map_or(Doubt::NONE, Doubt::from_estimate);
        let trade = [self.imports, self.exports].map(|amount| Doubt::from_amount(amount, INCOMPLETE));
        trade.into_iter().chain([stocks]).fold(Doubt::NONE, Doubt::and).with_reason(INCOMPLETE)
    }

    fn doubt(&self) -> Doubt {
        let output = Doubt::from_amount(self.output(), INCOMPLETE);
        self.trade_doubt().and(output).with_reason(INCOMPLETE)
    }
}
