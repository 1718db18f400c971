//! What a market itself is: the products that are traded, and its size for a consumer.

use orewatch_catalog::{Consumer, hs_codes, product_name};
use orewatch_measures::{Amount, Sourcing, Weight};

use super::Accounts;

/// Least share of the value of a consumer's imports of which weights have to be known for a best estimate by
/// weight.
const MIN_WEIGHED_SHARE: f64 = 0.1;

/// Size of the market that a figure is a part of. What is not known is not part of it, and never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Tonnes. `None`: not known, or too little of it.
    pub quantity: Option<f64>,
    /// Thousands of current US dollars. `None`: not known.
    pub value: Option<f64>,
}

impl Size {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.quantity.is_none() && self.value.is_none()
    }

    /// Its bits, for comparison.
    pub(crate) fn bits(self) -> [Option<u64>; 2] {
        [self.quantity, self.value].map(|number| number.map(f64::to_bits))
    }
}

/// A product code by which a market's trade is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The code, as in the data.
    pub code: String,
    /// Name of the goods. Empty for a code that the catalogue does not know.
    pub name: &'static str,
    /// Whether the code also holds other goods, or only stands in for the material.
    pub is_proxy: bool,
    /// The least fraction of the goods that is the material, 0 to 1. `None`: nothing says.
    pub purity: Option<f64>,
}

impl Accounts<'_> {
    /// Size of a consumer's imports.
    #[must_use]
    pub fn import_size(&self, consumer: Consumer) -> Size {
        let total = |by| self.imports(consumer, by).as_ref().map(Sourcing::total);
        let weighed = total(Weight::Quantity);
        let weighed = weighed.filter(|total| total.is_known() || self.has_enough_weights(consumer));
        Size { quantity: weighed.and_then(known_part), value: total(Weight::Value).and_then(known_part) }
    }

    /// Size of the world's output. It has no value.
    #[must_use]
    pub fn output_size(&self) -> Size {
        let total = self.output().as_ref().map(Sourcing::total);
        Size { quantity: total.and_then(known_part), value: None }
    }

    /// Whether weights are known for enough of the value of a consumer's imports.
    pub(crate) fn has_enough_weights(&self, consumer: Consumer) -> bool {
        self.weighed_share(consumer).is_none_or(|share| share >= MIN_WEIGHED_SHARE)
    }

    /// The products with any row of trade, sorted by code.
    #[must_use]
    pub fn products(&self) -> Vec<Product> {
        let Some(rows) = &self.rows else { return Vec::new() };
        let market = self.view.market;
        let is_proxy_in_catalogue = |code: &str| {
            hs_codes().iter().any(|entry| {
                entry.proxy
                    && entry.code == code
                    && (entry.material, entry.stage) == (market.material, market.stage)
            })
        };
        let product = |number: u16| {
            let code = rows.code(number);
            Product {
                code: code.to_owned(),
                name: product_name(code).unwrap_or_default(),
                is_proxy: rows.is_proxy(number).unwrap_or_else(|| is_proxy_in_catalogue(code)),
                purity: self.purity.get(&number).copied(),
            }
        };
        let mut products: Vec<_> = rows.products().into_iter().map(product).collect();
        products.sort_by(|a, b| a.code.cmp(&b.code));
        products.dedup_by(|next, kept| {
            let same = next.code == kept.code;
            if same {
                kept.is_proxy |= next.is_proxy;
                kept.purity = kept.purity.or(next.purity);
            }
            same
        });
        products
    }
}

/// The known part of a total. `None`: nothing of it is known.
fn known_part(total: Amount) -> Option<f64> {
    total.best().filter(|best| *best > 0.0 || total.is_known())
}
