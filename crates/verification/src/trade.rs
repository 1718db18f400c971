//! The catalogue's tables of trade, by year and product code.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;
use orewatch_measures::Amount;

use crate::table::{BadTable, Table};

/// Names of the tables: all codes of HS 1992, and codes that only HS 2017 has, such as magnets.
pub(crate) const HS92: &str = "trade-baci-hs92-202601.csv.gz";
pub(crate) const HS17: [&str; 2] =
    ["trade-baci-hs17-202601-magnets.csv.gz", "trade-baci-hs17-202601-others.csv.gz"];

/// Flows of trade, by product code and year.
#[derive(Debug)]
pub(crate) struct Trade<'a> {
    flows: BTreeMap<&'a str, BTreeMap<Period, Vec<Flow<'a>>>>,
}

/// A flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a> {
    pub(crate) exporter: &'a str,
    pub(crate) importer: &'a str,
    /// In thousand US dollars.
    pub(crate) value: Amount,
    /// In tonnes.
    pub(crate) quantity: Amount,
}

impl<'a> Trade<'a> {
    /// The flows of tables.
    pub(crate) fn new(tables: impl IntoIterator<Item = &'a Table>) -> Result<Self, BadTable> {
        let mut flows = BTreeMap::<_, BTreeMap<_, Vec<_>>>::new();
        for row in tables.into_iter().flat_map(Table::rows) {
            let period = row.text("period").parse().map_err(|_| row.bad("unknown period"))?;
            let flow = Flow {
                exporter: row.text("exporter"),
                importer: row.text("importer"),
                value: row.amount("value_kusd")?,
                quantity: row.amount("quantity_t")?,
            };
            flows.entry(row.text("product")).or_default().entry(period).or_default().push(flow);
        }
        Ok(Self { flows })
    }

    /// The flows of a product code in a year.
    pub(crate) fn flows(&self, year: Period, code: &str) -> &[Flow<'a>] {
        self.flows.get(code).and_then(|years| years.get(&year)).map_or(&[], Vec::as_slice)
    }

    /// Every product code, sorted.
    pub(crate) fn codes(&self) -> BTreeSet<&'a str> {
        self.flows.keys().copied().collect()
    }
}
