//! UK customs by month, by way of the Critical Materials Atlas.
//!
//! Products are the eight digits of the UK's tariff, which are those of the Combined Nomenclature: they
//! separate rare-earth magnets, gallium, germanium and coking coal from other goods.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use orewatch_catalog::{Nomenclature, Period, Scheme, resolve_economy};

use crate::figure::thousandth;
use crate::source::{Row, Source};
use crate::tidy::{NO_FIGURE, Table, report_omission};

/// The last month that is complete.
const LAST_MONTH: &str = "2026-06";

/// The list that the codes follow. Those of the file mean the same in the years after it.
const NOMENCLATURE: Nomenclature = Nomenclature::Cn(2024);

/// Value and weight of a flow that is below the threshold of both.
const EMPTY: &str = ",0,NA,";

/// Code of a partner that is kept confidential or not specified.
const NO_PARTNER: &str = "n/a";

/// Product, month, exporter and importer.
type Key = (String, String, &'static str, &'static str);

/// Permanent magnets of rare earths, whose table is apart: the demo needs no other.
const MAGNETS: &str = "85051110";

/// Makes the tables of magnets and of the other products.
pub(crate) fn tables(path: &Path) -> Result<[Table; 2]> {
    let (magnets, others) = flows(path)?.into_iter().partition(|((product, ..), _)| product == MAGNETS);
    Ok([table("magnets", magnets), table("others", others)])
}

/// The flows of the complete months, as rows.
fn flows(path: &Path) -> Result<BTreeMap<Key, String>> {
    let mut rows = BTreeMap::new();
    let (mut later, mut empty) = (0, 0);
    for row in Source::read(path)?.rows() {
        let in_line = || format!("{}, line {}", path.display(), row.line());
        let Some((key, text)) = flow(row).with_context(in_line)? else { continue };
        if key.1.as_str() > LAST_MONTH {
            later += 1;
            continue;
        }
        if text.contains(EMPTY) {
            empty += 1;
            continue;
        }
        ensure!(rows.insert(key, text).is_none(), "{}: this flow occurs twice", in_line());
    }
    report_omission(&format!("{later} flows after {LAST_MONTH}, {empty} flows without value and weight"))?;
    Ok(rows)
}

fn table(what: &str, rows: BTreeMap<Key, String>) -> Table {
    Table {
        table: "trade",
        dataset: "hmrc-uk",
        vintage: format!("{LAST_MONTH}-{what}"),
        provenance: vec![
            ("publisher", "HM Revenue & Customs".to_owned()),
            (
                "title",
                format!(
                    "UK overseas trade in goods by month, June 2024 to June 2026, by way of the Critical \
                     Materials Atlas (doi:10.5281/zenodo.21948855): {what}"
                ),
            ),
            ("url", "https://www.uktradeinfo.com".to_owned()),
            ("licence", "OGL-UK-3.0".to_owned()),
            ("published", "2026".to_owned()),
            ("hs", NOMENCLATURE.to_string()),
        ],
        header: "period,exporter,importer,product,value_kusd,quantity_t,reporter",
        rows: rows.into_values().collect(),
    }
}

/// Reads a row. `None` if the catalogue has no material for its code.
fn flow(row: Row<'_>) -> Result<Option<(Key, String)>> {
    let product = row.get("native_code")?;
    if let Err(meant) = NOMENCLATURE.check_code(product) {
        bail!("`{product}` is no product code; meant is perhaps {meant:?}");
    }
    if NOMENCLATURE.code_meaning(product).is_none() {
        return Ok(None);
    }
    let month = month(row.get("period")?)?;
    let reporter = resolve_economy(Scheme::Iso3, row.get("reporter")?)?.iso3;
    let partner = partner(row)?;
    let (exporter, importer, side) = match row.get("flow")? {
        "import" => (partner, reporter, "importer"),
        "export" => (reporter, partner, "exporter"),
        other => bail!("`{other}` is no direction"),
    };
    ensure!(exporter != importer, "{reporter} is its own partner");
    let value = thousandth(&whole(row.get("value_usd")?)?)?;
    let quantity = weight(row.get("qty_kg")?)?;
    let text = format!("{month},{exporter},{importer},{product},{value},{quantity},{side}");
    Ok(Some(((product.to_owned(), month, exporter, importer), text)))
}

/// A month such as `2024-06`, from `202406`.
fn month(text: &str) -> Result<String> {
    let (year, month) = text.split_at_checked(4).with_context(|| format!("`{text}` is no month"))?;
    let period: Period = format!("{year}-{month}").parse()?;
    Ok(period.to_string())
}

fn partner(row: Row<'_>) -> Result<&'static str> {
    match (row.get("partner")?, row.get("confidential")?) {
        (NO_PARTNER, "True") => Ok("OTHER:confidential"),
        (NO_PARTNER, _) => Ok("OTHER:unspecified"),
        (code, _) => Ok(resolve_economy(Scheme::Iso3, code)?.iso3),
    }
}

/// A value in whole dollars. The Atlas converted it from pounds: further digits are those of its rate.
fn whole(text: &str) -> Result<String> {
    let value: f64 = text.parse().with_context(|| format!("`{text}` is no value"))?;
    Ok(format!("{value:.0}"))
}

/// A weight in tonnes. Goods that were paid for weigh something: zero stands for a weight that is not known.
fn weight(text: &str) -> Result<String> {
    let tonnes = if text.is_empty() { "0".to_owned() } else { thousandth(text)? };
    Ok(if tonnes == "0" { NO_FIGURE.to_owned() } else { tonnes })
}
