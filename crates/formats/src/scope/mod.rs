//! Scopes: what a release declares to cover. Pure.
//!
//! A scope is a product of sets of reporters, partners, flows, products and periods. It is written
//! `partner=CHN,VNM; period=2022`; a dimension that is not named is not limited.

mod check;

use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{Scope, Table};
use orewatch_contracts::{Class, Failure};

pub use check::check;

/// Upper bound on the items of a dimension.
pub const MAX_ITEMS: usize = 1_000;

/// Direction of flows that the importer reports.
pub const IMPORTS: &str = "imports";

/// Direction of flows that the exporter reports.
pub const EXPORTS: &str = "exports";

/// A dimension of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Who reports.
    Reporter,
    /// The other side of a flow.
    Partner,
    /// Direction of a flow.
    Flow,
    /// Product code, or material and stage.
    Product,
    /// Year or month.
    Period,
}

impl Dimension {
    /// All of them, in the order in which a scope is written.
    pub const ALL: [Self; 5] = [Self::Reporter, Self::Partner, Self::Flow, Self::Product, Self::Period];

    /// Its name in a scope's text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Partner => "partner",
            Self::Flow => "flow",
            Self::Product => "product",
            Self::Period => "period",
        }
    }

    /// Whether a scope of a table can have it. Only trade and output restate single rows; other tables
    /// restate whole markets.
    pub fn is_of(self, table: Table) -> bool {
        match table {
            Table::Trade => true,
            Table::Production => matches!(self, Self::Reporter | Self::Product | Self::Period),
            _ => false,
        }
    }

    /// Its items in a scope.
    pub fn list(self, scope: &Scope) -> &[String] {
        match self {
            Self::Reporter => &scope.reporters,
            Self::Partner => &scope.partners,
            Self::Flow => &scope.flows,
            Self::Product => &scope.products,
            Self::Period => &scope.periods,
        }
    }

    fn list_mut(self, scope: &mut Scope) -> &mut Vec<String> {
        match self {
            Self::Reporter => &mut scope.reporters,
            Self::Partner => &mut scope.partners,
            Self::Flow => &mut scope.flows,
            Self::Product => &mut scope.products,
            Self::Period => &mut scope.periods,
        }
    }
}

/// Reads a scope: `DIMENSION=ITEM,ITEM`, several separated by semicolons. [`check()`] checks the items once
/// the table is known.
///
/// # Errors
/// [`Class::Invalid`] for a dimension that does not exist, has no item, or comes twice.
pub fn parse(text: &str) -> Result<Scope, Failure> {
    let mut scope = Scope::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, items) =
            part.split_once('=').ok_or_else(|| invalid_part(part, "this is no dimension of a scope"))?;
        let name = name.trim().trim_end_matches('s');
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        let dimension = dimension.ok_or_else(|| invalid_part(part, "a scope has no such dimension"))?;
        let list = dimension.list_mut(&mut scope);
        if !list.is_empty() {
            return Err(invalid_part(
                part,
                format!("the scope has the dimension {name} twice: separate items by commas"),
            ));
        }
        *list = items.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        if list.is_empty() {
            return Err(invalid_part(part, "the dimension has no items"));
        }
    }
    Ok(scope)
}

/// The failure of a part of a scope.
fn invalid_part(part: &str, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "invalid-scope", message).at("scope", part).with_hint(
        "write reporter=, partner=, flow=, product= or period= with items separated by commas, such as \
         partner=CHN,VNM",
    )
}

/// A scope in the form that [`parse`] reads.
#[must_use]
pub fn scope_text(scope: &Scope) -> String {
    let stated = Dimension::ALL.into_iter().filter(|dimension| !dimension.list(scope).is_empty());
    let parts: Vec<_> =
        stated.map(|dimension| format!("{}={}", dimension.name(), dimension.list(scope).join(","))).collect();
    parts.join("; ")
}

/// A declared scope, in which items can be looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    lists: [Option<BTreeSet<String>>; 5],
}

impl Stated {
    /// The scope of a release. None: it declares none.
    pub fn new(scope: Option<&Scope>) -> Option<Self> {
        let list = |dimension: Dimension| -> Option<BTreeSet<String>> {
            let items = dimension.list(scope?);
            (!items.is_empty()).then(|| items.iter().cloned().collect())
        };
        let lists = Dimension::ALL.map(list);
        lists.iter().any(Option::is_some).then_some(Self { lists })
    }

    /// The items of a dimension. None: the scope does not limit it.
    pub fn items(&self, dimension: Dimension) -> Option<&BTreeSet<String>> {
        let place = Dimension::ALL.iter().position(|known| *known == dimension)?;
        self.lists.get(place)?.as_ref()
    }

    /// Whether an item is in the scope.
    pub fn admits(&self, dimension: Dimension, item: &str) -> bool {
        self.items(dimension).is_none_or(|items| items.contains(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_in_the_form_that_is_read() {
        let scope = parse("periods=2022 ; partner = CHN, VNM").unwrap();
        assert_eq!(scope.partners, ["CHN", "VNM"]);
        assert_eq!(scope_text(&scope), "partner=CHN,VNM; period=2022");
        assert_eq!(parse(&scope_text(&scope)).unwrap(), scope);
        assert_eq!(parse("").unwrap(), Scope::default());
    }

    #[test]
    fn texts_that_are_no_scope_are_refused() {
        for bad in ["partner", "party=CHN", "partner=", "partner=CHN; partner=VNM"] {
            let failure = parse(bad).unwrap_err();
            assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "invalid-scope"), "{bad}");
        }
    }
}
