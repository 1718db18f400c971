//! Keys that vanish with a release, in words, and what to do about them.
use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{Scope, Table};

use super::coverage::Coverage;
use crate::evolve::ReleaseRecord;
use crate::scope::{Dimension, EXPORTS, IMPORTS};
use crate::tally::{
    BY_EXPORTER, Codes, EconomySet, Market, REPORTER_SLOTS, Tally, economy_code, number_to_code,
};

/// Upper bound on the keys that a message names.
const MAX_NAMED_KEYS: usize = 10;

/// Upper bound on the items of a scope that a hint writes out.
const MAX_WRITTEN_ITEMS: usize = 8;

/// Keys that vanish with a release.
#[derive(Debug, Default)]
pub(crate) struct Vanished {
    /// Number of vanishing keys.
    pub(crate) count: usize,
    /// The first keys, in words.
    named: Vec<String>,
    /// The scope that would keep all of them, as `--scope` takes it. Empty: none would.
    narrower: String,
    /// Number of keys that the words stand for.
    named_keys: usize,
    codes: Codes,
    reporters: BTreeSet<String>,
    partners: BTreeSet<String>,
    products: BTreeSet<String>,
}

impl Vanished {
    /// No keys yet. Product codes are named as in these rows.
    pub(super) fn new(tally: &Tally, before: &[&ReleaseRecord]) -> Self {
        let mut codes = tally.codes.clone();
        for record in before {
            codes.extend(record.committed_rows.codes.iter().map(|(number, code)| (*number, code.clone())));
        }
        Self { codes, ..Self::default() }
    }

    /// Adds flows of a product from an exporter.
    pub(super) fn add_flows(&mut self, market: &Market, flow_key: u64, exporter: u16, importers: EconomySet) {
        if importers.is_empty() {
            return;
        }
        let reporter = flow_key % REPORTER_SLOTS;
        let product = self.codes.get(&(flow_key / REPORTER_SLOTS)).cloned().unwrap_or_default();
        self.count += importers.len();
        self.products.insert(product.clone());
        for importer in importers.iter() {
            let (from, to, period) = (economy_code(exporter), economy_code(importer), &market.period);
            let (own, other) = if reporter == BY_EXPORTER { (from, to) } else { (to, from) };
            self.reporters.insert(own.to_owned());
            self.partners.insert(other.to_owned());
            let name = match reporter {
                0 => format!("{product} from {from} to {to} in {period}"),
                BY_EXPORTER => format!("{from} {EXPORTS} {product} to {to} in {period}"),
                _ => format!("{to} {IMPORTS} {product} from {from} in {period}"),
            };
            self.add_name(name, 1);
        }
    }

    /// Adds rows of a market without flows.
    pub(super) fn add_entries(&mut self, table: Table, market: &Market, keys: &BTreeSet<u64>) {
        if !matches!(table, Table::Production | Table::Governance | Table::Projections) {
            self.add_rows(market, keys.len());
            return;
        }
        self.count += keys.len();
        for key in keys {
            let economy = number_to_code(*key);
            self.note_topic(market, Some(&economy));
            self.add_name(format!("{economy} {}", market.sentence()), 1);
        }
    }

    /// Adds rows of a market that have no names of their own.
    pub(super) fn add_rows(&mut self, market: &Market, count: usize) {
        if count == 0 {
            return;
        }
        self.count += count;
        let economy = market.economy().unwrap_or(&market.about).to_owned();
        self.note_topic(market, Some(&economy));
        let times = if count == 1 { String::new() } else { format!(" ({count} rows)") };
        self.add_name(format!("{}{times}", market.sentence()), count);
    }

    fn add_name(&mut self, name: String, keys: usize) {
        if self.named.len() < MAX_NAMED_KEYS {
            self.named.push(name);
            self.named_keys += keys;
        }
    }

    fn note_topic(&mut self, market: &Market, economy: Option<&str>) {
        self.reporters.extend(economy.map(str::to_owned));
        self.products.insert(market.topic());
    }

    /// Finds a dimension in which the vanishing keys and the rows have nothing in common: a scope that states
    /// it keeps them.
    pub(super) fn explain(&mut self, new: &Coverage<'_>, covered: Scope) {
        if self.count == 0 {
            return;
        }
        let apart = |dimension: Dimension, gone: &BTreeSet<String>| {
            let rows = dimension.list(&covered);
            let shares = rows.iter().any(|item| gone.contains(item));
            (new.may_state(dimension, rows) && !shares).then(|| scope_option(dimension, rows))
        };
        let found = [
            (Dimension::Partner, &self.partners),
            (Dimension::Reporter, &self.reporters),
            (Dimension::Product, &self.products),
        ];
        let narrower = found.into_iter().find_map(|(dimension, gone)| apart(dimension, gone));
        self.narrower = narrower.unwrap_or_default();
    }

    /// The first keys, and how many more there are. Empty: none vanish.
    pub(crate) fn names(&self) -> String {
        let shown = self.named.join("; ");
        match self.count.saturating_sub(self.named_keys) {
            0 => shown,
            rest => format!("{shown}; and {rest} more"),
        }
    }

    /// What to do about them.
    pub(crate) fn hint(&self) -> String {
        match self.narrower.as_str() {
            "" => "Is the file whole? If they are really gone: --accept scope-jump".to_owned(),
            scope => format!(
                "If the file is an extract, state what it covers: --scope {scope}; if they are really gone: \
                 --accept scope-jump"
            ),
        }
    }
}

fn scope_option(dimension: Dimension, items: &[String]) -> String {
    let name = dimension.name();
    if items.len() > MAX_WRITTEN_ITEMS {
        return format!("{name}=... (the {} that its rows have)", items.len());
    }
    let items = items.join(",");
    // A material with its stage contains a blank.
    if items.contains(' ') { format!("'{name}={items}'") } else { format!("{name}={items}") }
}
