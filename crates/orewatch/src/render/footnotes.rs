//! Notes below tables that say which products the figures are about.
use std::collections::BTreeMap;

use orewatch_contracts::exposure::v1::{ProductInfo, Subject};
use orewatch_contracts::market::{products_text, proxy_caveat};

/// Marks a figure of proxy products.
pub(crate) const PROXY_MARK: &str = "*";

/// Maximum number of markets whose products are named below a table, if none of them is a proxy.
const MAX_MARKETS: usize = 3;

/// The products of each market, by material and stage.
type Markets<'a> = BTreeMap<(&'a str, &'a str), &'a [ProductInfo]>;

/// The mark of a figure of these products: empty if none of them is a proxy.
pub(crate) fn proxy_mark(products: &[ProductInfo]) -> &'static str {
    if products.iter().any(|product| product.proxy) { PROXY_MARK } else { "" }
}

/// Notes about the products of rows: proxies with what stands between them and the material, and what all
/// others are, unless the rows are about many markets.
pub(crate) fn product_notes<'a>(
    rows: impl Iterator<Item = (Option<&'a Subject>, &'a [ProductInfo])>,
) -> String {
    let mut markets = Markets::new();
    for (subject, products) in rows.filter(|(_, products)| !products.is_empty()) {
        if let Some(subject) = subject {
            markets.entry((subject.material.as_str(), subject.stage.as_str())).or_insert(products);
        }
    }
    let is_short = markets.len() <= MAX_MARKETS;
    let mut text = String::new();
    for ((material, stage), products) in markets {
        let caveat = proxy_caveat(material, products);
        let products = products_text(products);
        match caveat.as_str() {
            "" if is_short => text.push_str(&format!("{material}, {stage}: {products}\n")),
            "" => {}
            caveat => text.push_str(&format!("{PROXY_MARK} {material}, {stage}: {products}; {caveat}\n")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(code: &str, name: &str, proxy: bool) -> Vec<ProductInfo> {
        vec![ProductInfo { code: code.to_owned(), name: name.to_owned(), proxy, purity: None }]
    }

    #[test]
    fn proxies_are_always_named_and_others_where_there_is_room() {
        let subject = |material: &str| Subject {
            material: material.to_owned(),
            stage: "mined".to_owned(),
            ..Subject::default()
        };
        let rows: Vec<_> = ["magnesium", "antimony", "tin", "zinc", "lead"].map(subject).into();
        let products = [
            product("251910", "magnesite", true),
            product("261710", "antimony ore", false),
            product("260900", "tin ore", false),
            product("260800", "zinc ore", false),
            Vec::new(),
        ];
        let all = || rows.iter().map(Some).zip(products.iter().map(Vec::as_slice));
        let notes = product_notes(all());
        let magnesite = "* magnesium, mined: magnesite (251910, proxy); code 251910 also covers other goods \
                         than magnesium, or only stands in for it\n";
        assert_eq!(notes, magnesite);
        assert_eq!(
            product_notes(all().take(2)),
            format!("antimony, mined: antimony ore (261710)\n{magnesite}")
        );
        assert_eq!(product_notes(all().skip(4)), "");
    }
}
