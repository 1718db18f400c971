//! Products and size of a market as text for people, the same in tables, messages and mail.
use crate::exposure::v1::{MarketSize, ProductInfo};
use crate::figure::{number, quantity};

/// Upper bound on the products that a text names.
const MAX_PRODUCTS: usize = 4;

/// The size of a market: `641 t, $1.2m`. Empty if nothing of it is known.
#[must_use]
pub fn size_text(size: Option<&MarketSize>) -> String {
    let Some(size) = size else { return String::new() };
    let parts = [size.quantity_t.map(tonnes), size.value_kusd.map(dollars)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Tonnes with three digits at most: `641 t`, `12 300 t`, `4.1 Mt`.
fn tonnes(tonnes: f64) -> String {
    if tonnes < 999_500.0 {
        format!("{} t", quantity(tonnes))
    } else {
        format!("{} Mt", number(tonnes / 1e6, 1))
    }
}

/// Thousands of US dollars: `$320`, `$64k`, `$1.2m`, `$3.4bn`.
fn dollars(thousands: f64) -> String {
    match thousands {
        small if small < 0.9995 => format!("${}", number(small * 1e3, 0)),
        thousands if thousands < 999.5 => format!("${}k", number(thousands, 0)),
        thousands if thousands < 999_950.0 => format!("${}m", number(thousands / 1e3, 1)),
        large => format!("${}bn", number(large / 1e6, 1)),
    }
}

/// The products of a figure: `magnesite (251910, proxy)`. Empty if there are none.
#[must_use]
pub fn products_text(products: &[ProductInfo]) -> String {
    let shown: Vec<_> = products.iter().take(MAX_PRODUCTS).map(product_text).collect();
    let more = products.len().saturating_sub(MAX_PRODUCTS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn product_text(product: &ProductInfo) -> String {
    let name = if product.name.is_empty() { "goods" } else { &product.name };
    let proxy = if product.proxy { ", proxy" } else { "" };
    let purity = product.purity.map(|purity| format!(", at least {} % of it", number(purity * 100.0, 0)));
    format!("{name} ({}{proxy}{})", product.code, purity.unwrap_or_default())
}

/// The suppliers that a figure names, with those that are exactly as large as the largest: `CHN and RUS`.
#[must_use]
pub fn names_text(names: &[String], tied: &[String]) -> String {
    match names.split_first() {
        Some((first, rest)) if !tied.is_empty() => {
            let tied =
                std::iter::once(first).chain(tied).map(String::as_str).collect::<Vec<_>>().join(" and ");
            std::iter::once(tied.as_str())
                .chain(rest.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(", ")
        }
        _ => names.join(", "),
    }
}

/// What stands between a figure of proxy products and the material, one sentence. Empty if no product is a
/// proxy.
#[must_use]
pub fn proxy_caveat(material: &str, products: &[ProductInfo]) -> String {
    let proxies: Vec<_> = products.iter().filter(|product| product.proxy).collect();
    let codes: Vec<_> = proxies.iter().map(|product| product.code.as_str()).collect();
    match codes.as_slice() {
        [] => String::new(),
        [code] => format!("code {code} also covers other goods than {material}, or only stands in for it"),
        codes => format!(
            "codes {} also cover other goods than {material}, or only stand in for it",
            codes.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_short() {
        let text = |quantity_t, value_kusd| size_text(Some(&MarketSize { quantity_t, value_kusd }));
        assert_eq!(text(Some(641.2), Some(1_234.0)), "641 t, $1.2m");
        assert_eq!(text(Some(0.4), Some(0.32)), "0.4 t, $320");
        assert_eq!(text(Some(4_120_000.0), Some(3_400_000.0)), "4.1 Mt, $3.4bn");
        assert_eq!(text(None, Some(64.0)), "$64k");
        assert_eq!(text(None, None), "");
        assert_eq!(size_text(None), "");
    }

    #[test]
    fn ties_are_named() {
        let text = |names: &[&str], tied: &[&str]| {
            let [names, tied] =
                [names, tied].map(|codes| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
            names_text(&names, &tied)
        };
        assert_eq!(text(&["CHN"], &["RUS"]), "CHN and RUS");
        assert_eq!(text(&["CHN", "RUS", "TJK"], &[]), "CHN, RUS, TJK");
        assert_eq!(text(&[], &["RUS"]), "");
    }

    #[test]
    fn products_are_named_with_what_stands_between_them_and_the_material() {
        let product = |code: &str, name: &str, proxy, purity| ProductInfo {
            code: code.to_owned(),
            name: name.to_owned(),
            proxy,
            purity,
        };
        let magnesite = product("251910", "magnesite", true, None);
        assert_eq!(products_text(std::slice::from_ref(&magnesite)), "magnesite (251910, proxy)");
        let caveat = "code 251910 also covers other goods than magnesium, or only stands in for it";
        assert_eq!(proxy_caveat("magnesium", &[magnesite]), caveat);
        let metals = product("811292", "rare metals", true, Some(0.2));
        assert_eq!(products_text(&[metals]), "rare metals (811292, proxy, at least 20 % of it)");
        let ore = product("261710", "antimony ore", false, None);
        assert_eq!(products_text(&[]), "");
        assert_eq!(proxy_caveat("antimony", std::slice::from_ref(&ore)), "");
        let six: Vec<_> = std::iter::repeat_n(ore, 6).collect();
        assert!(products_text(&six).ends_with("antimony ore (261710) and 2 more"));
    }
}
