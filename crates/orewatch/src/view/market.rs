//! Columns that say what a figure is about: its products, and the size of its market.
use orewatch_contracts::exposure::v1::{MarketSize, ProductInfo, Subject};
use orewatch_contracts::market::proxy_caveat;

use crate::render::{Cell, Column, Record, column};

/// A row with a figure of a market.
pub(super) trait InMarket: 'static {
    /// The subject of the figure.
    fn subject(&self) -> Option<&Subject>;
    /// The products that it is about.
    fn products(&self) -> &[ProductInfo];
    /// Size of its market.
    fn size(&self) -> Option<&MarketSize>;
}

/// What stands between a figure of proxy products and its material. Empty if no product is a proxy.
pub(super) fn caveat<T: InMarket>(row: &T) -> String {
    let material = row.subject().map_or("", |subject| subject.material.as_str());
    proxy_caveat(material, row.products())
}

pub(super) fn columns<T: InMarket>() -> Vec<Column<T>> {
    vec![
        column("products", |row: &T| Cell::Records(row.products().iter().map(product).collect())),
        column("caveat", |row: &T| Cell::text(caveat(row))),
        column("size_quantity_t", |row: &T| Cell::Number(row.size().and_then(|size| size.quantity_t))),
        column("size_value_kusd", |row: &T| Cell::Number(row.size().and_then(|size| size.value_kusd))),
    ]
}

/// A product: an object in JSON, and code, name and mark in CSV.
fn product(product: &ProductInfo) -> Record {
    let mark = if product.proxy { " (proxy)" } else { "" };
    Record {
        text: format!("{} {}{mark}", product.code, product.name),
        fields: vec![
            ("code", Cell::text(&product.code)),
            ("name", Cell::text(&product.name)),
            ("proxy", Cell::Flag(product.proxy)),
            ("purity", Cell::Number(product.purity)),
        ],
    }
}
