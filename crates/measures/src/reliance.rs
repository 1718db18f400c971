//! Net import reliance.

use crate::{Amount, Estimate, Status};

const NO_CONSUMPTION: &str = "nothing is consumed: output and imports are zero";
const INCOMPLETE: &str = "some of output, imports and exports is not known";

/// Inputs of net import reliance, all of one material at one stage in one period, in tonnes of one basis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliance {
    /// Primary output, `P`.
    pub production: Amount,
    /// Output from old scrap, `S`. None: the definition leaves it out.
    pub secondary: Option<Amount>,
    /// Imports, `I`.
    pub imports: Amount,
    /// Exports, `E`.
    pub exports: Amount,
    /// Decrease of stocks during the period, `D`; negative if they grew. None: the definition leaves it out.
    pub stock_decrease: Option<f64>,
}

/// One way to complete what is not known.
#[derive(Clone, Copy)]
struct Corner {
    output: f64,
    net_imports: f64,
}

impl Corner {
    /// `N / (P + N)`; 0 for a net exporter. None: nothing is consumed.
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
    /// `NIR = (I - E + D) / (P + S + I - E + D)`, the part of apparent consumption that comes from abroad, 0 to 1.
    ///
    /// A net exporter has 0, where the US Geological Survey prints `E`. NOT_APPLICABLE where nothing is consumed. With
    /// amounts between bounds it is lowest where output is high and net imports are low.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let output = self.secondary.map_or(self.production, |secondary| self.production + secondary);
        let known = output.is_known() && self.imports.is_known() && self.exports.is_known();
        let value = self.best(output).and_then(Corner::reliance);
        if known {
            return value.map_or(Estimate::missing(Status::NotApplicable, NO_CONSUMPTION), Estimate::known);
        }
        let low = self.corner(output.high(), self.imports.low(), self.exports.high());
        let high = self.corner(output.low(), self.imports.high(), self.exports.low());
        let low = low.reliance().unwrap_or(0.0);
        let high = high.reliance().unwrap_or(low);
        Estimate::between(value, low, high).because(Status::Partial, INCOMPLETE)
    }

    fn corner(&self, output: f64, imports: f64, exports: f64) -> Corner {
        Corner { output, net_imports: imports - exports + self.stock_decrease.unwrap_or(0.0) }
    }

    /// What the known parts give. None: imports or exports have no known part.
    fn best(&self, output: Amount) -> Option<Corner> {
        Some(self.corner(output.best().unwrap_or(0.0), self.imports.best()?, self.exports.best()?))
    }
}
