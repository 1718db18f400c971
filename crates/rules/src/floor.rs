//! The floor of a rule for the size of a market: a share of next to nothing is not worth an alert.
//!
//! The best estimate of the size decides, as for figures. A size that is not known is not small.
use orewatch_contracts::exposure::v1::MarketSize;
use orewatch_contracts::figure::value_in;

/// Least size of a market of which a figure may cross the line. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Floor {
    /// In tonnes.
    pub quantity: Option<f64>,
    /// In thousands of current US dollars.
    pub value: Option<f64>,
}

impl Floor {
    /// Says which part of the floor a market does not reach. `None`: it reaches all, or its size is not
    /// known.
    #[must_use]
    pub fn shortfall(&self, size: Option<&MarketSize>) -> Option<String> {
        self.missed(size).map(|(size, floor, unit)| {
            let [size, floor] = [size, floor].map(|amount| value_in(unit, amount));
            format!("the market is {size}, below the floor of {floor} of the rule")
        })
    }

    /// Whether a market is certainly too small.
    #[must_use]
    pub fn is_missed(&self, size: Option<&MarketSize>) -> bool {
        self.missed(size).is_some()
    }

    fn missed(&self, size: Option<&MarketSize>) -> Option<(f64, f64, &'static str)> {
        let size = size?;
        let parts = [(size.quantity_t, self.quantity, "t"), (size.value_kusd, self.value, "kUSD")];
        let missed = |(size, floor, unit): (Option<f64>, Option<f64>, &'static str)| {
            size.zip(floor).filter(|(size, floor)| size < floor).map(|(size, floor)| (size, floor, unit))
        };
        parts.into_iter().find_map(missed)
    }
}
