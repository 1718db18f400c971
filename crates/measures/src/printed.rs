//! Net import reliance as the US Geological Survey prints it.

use std::fmt;
use std::str::FromStr;

use crate::{Estimate, Reliance, Status};

const CENSORED: &str = "the publisher withholds the figure and gives one bound of it";
const WITHHELD: &str = "the publisher withholds the figure";
const NOT_AVAILABLE: &str = "no source gives the figure";

/// Bounds that are printed in place of a withheld figure, in percent, the narrowest first.
const ABOVE: [u8; 4] = [95, 75, 50, 25];
const BELOW: [u8; 2] = [25, 50];

/// Net import reliance as printed: a percentage of apparent consumption, or a mark in its place.
///
/// ```
/// use orewatch_measures::{PrintedReliance, Status};
///
/// let printed: PrintedReliance = ">50".parse().unwrap();
/// let figure = printed.estimate();
/// assert_eq!((figure.value, figure.low, figure.high), (None, Some(0.5), Some(1.0)));
/// assert_eq!((figure.status, printed.to_string()), (Status::Withheld, ">50".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrintedReliance {
    /// `E`: exports exceed imports. Reliance is 0 by definition, which is not the same as balanced trade.
    NetExporter,
    /// A whole percentage.
    Percent(u8),
    /// `>50`: withheld, above this percentage.
    Above(u8),
    /// `<25`: withheld, below this percentage.
    Below(u8),
    /// `W`: withheld.
    Withheld,
    /// `NA`: not available.
    NotAvailable,
}

/// The text is not a printed net import reliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedRelianceError {
    /// The text as given.
    pub value: String,
}

impl fmt::Display for PrintedRelianceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a net import reliance: write `73`, `E`, `>50`, `<25`, `W` or `NA`", self.value)
    }
}

impl std::error::Error for PrintedRelianceError {}

impl PrintedReliance {
    /// The figure as a fraction, 0 to 1. A withheld figure stays withheld, between the printed bounds.
    #[must_use]
    pub fn estimate(self) -> Estimate {
        let censored = |low, high| Estimate::between(None, low, high).with_status(Status::Withheld, CENSORED);
        match self {
            Self::NetExporter => Estimate::known(0.0),
            Self::Percent(percent) => Estimate::known(share(percent)),
            Self::Above(percent) => censored(share(percent), 1.0),
            Self::Below(percent) => censored(0.0, share(percent)),
            Self::Withheld => Estimate::missing(Status::Withheld, WITHHELD),
            Self::NotAvailable => Estimate::missing(Status::Unavailable, NOT_AVAILABLE),
        }
    }

    /// How a computed figure would be printed: as a percentage if it is known, as `E` if exports exceed
    /// imports for certain, and otherwise as the narrowest of `>95`, `>75`, `>50`, `>25`, `<25` and `<50`
    /// that its bounds allow.
    #[must_use]
    pub fn from_reliance(reliance: &Reliance) -> Self {
        let estimate = reliance.estimate();
        match (reliance.is_net_exporter(), estimate.status, estimate.value) {
            (Some(true), ..) => Self::NetExporter,
            (_, Status::Known, Some(value)) => Self::Percent(percent(value)),
            _ => Self::bounded(&estimate).unwrap_or_else(|| Self::unknown(reliance)),
        }
    }

    fn bounded(estimate: &Estimate) -> Option<Self> {
        let above = |line: &u8| estimate.low.is_some_and(|low| low > share(*line));
        let below = |line: &u8| estimate.high.is_some_and(|high| high < share(*line));
        let above = ABOVE.into_iter().find(above).map(Self::Above);
        above.or_else(|| BELOW.into_iter().find(below).map(Self::Below))
    }

    fn unknown(reliance: &Reliance) -> Self {
        let amounts =
            [Some(reliance.production), reliance.secondary, Some(reliance.imports), Some(reliance.exports)];
        let stocks = reliance.stock_decrease.map(|stocks| stocks.status);
        let mut all = amounts.into_iter().flatten().map(|amount| amount.status()).chain(stocks);
        if all.any(|status| status == Status::Withheld) { Self::Withheld } else { Self::NotAvailable }
    }
}

fn share(percent: u8) -> f64 {
    f64::from(percent) / 100.0
}

/// The nearest whole percentage, 0 to 100.
fn percent(share: f64) -> u8 {
    let hundredths = (share * 100.0).round();
    (0..=100).find(|percent| f64::from(*percent) >= hundredths).unwrap_or(100)
}

impl fmt::Display for PrintedReliance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetExporter => f.pad("E"),
            Self::Percent(percent) => f.pad(&percent.to_string()),
            Self::Above(percent) => f.pad(&format!(">{percent}")),
            Self::Below(percent) => f.pad(&format!("<{percent}")),
            Self::Withheld => f.pad("W"),
            Self::NotAvailable => f.pad("NA"),
        }
    }
}

impl FromStr for PrintedReliance {
    type Err = PrintedRelianceError;

    fn from_str(text: &str) -> Result<Self, PrintedRelianceError> {
        let number = |text: &str| text.trim().parse::<u8>().ok().filter(|percent| *percent <= 100);
        let text = text.trim();
        let found = match text {
            "E" => Some(Self::NetExporter),
            "W" => Some(Self::Withheld),
            "NA" => Some(Self::NotAvailable),
            _ => match (text.strip_prefix('>'), text.strip_prefix('<')) {
                (Some(line), _) => number(line).map(Self::Above),
                (_, Some(line)) => number(line).map(Self::Below),
                _ => number(text).map(Self::Percent),
            },
        };
        found.ok_or_else(|| PrintedRelianceError { value: text.to_owned() })
    }
}
