//! Scopes: what a release is said to cover, and what its rows cover. Pure.
//!
//! A scope is a product of sets: reporters, partners, flows, products, periods. It is written `partner=CHN,VNM; period=2022`.

mod check;
mod covered;
mod rows;

use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{Scope, Table};
use orewatch_runtime::{Class, Failure};

pub(crate) use check::check;
pub(crate) use covered::covered;
pub(crate) use rows::within;

/// Most items of one list of a scope.
pub(crate) const MAX_ITEMS: usize = 1_000;

/// Direction of flows that the importer reports.
pub(crate) const IMPORTS: &str = "imports";

/// Direction of flows that the exporter reports.
pub(crate) const EXPORTS: &str = "exports";

/// A dimension of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Reporter,
    Partner,
    Flow,
    Product,
    Period,
}

impl Dimension {
    pub(crate) const ALL: [Self; 5] =
        [Self::Reporter, Self::Partner, Self::Flow, Self::Product, Self::Period];

    /// Its name in a scope's text.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Partner => "partner",
            Self::Flow => "flow",
            Self::Product => "product",
            Self::Period => "period",
        }
    }

    /// Whether it can be stated for a table: of trade and output alone single rows are restated, of others whole markets.
    pub(crate) fn is_of(self, table: Table) -> bool {
        match table {
            Table::Trade => true,
            Table::Production => matches!(self, Self::Reporter | Self::Product | Self::Period),
            _ => false,
        }
    }

    /// Its list in a scope.
    pub(crate) fn list(self, scope: &Scope) -> &[String] {
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

/// Reads a scope: `DIMENSION=ITEM,ITEM`, several separated by semicolons. Items are checked when it is known what they are of.
///
/// # Errors
/// [`Class::Invalid`] for a dimension that does not exist, has no item, or comes twice.
pub fn parse(text: &str) -> Result<Scope, Failure> {
    let mut scope = Scope::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, items) = part.split_once('=').ok_or_else(|| wrong(part, "this is no part of a scope"))?;
        let name = name.trim().trim_end_matches('s');
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        let dimension = dimension.ok_or_else(|| wrong(part, "there is no such dimension of a scope"))?;
        let list = dimension.list_mut(&mut scope);
        if !list.is_empty() {
            return Err(wrong(part, format!("the scope has a {name} twice: separate items by commas")));
        }
        *list = items.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        if list.is_empty() {
            return Err(wrong(part, "the dimension has no item"));
        }
    }
    Ok(scope)
}

fn wrong(part: &str, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "bad-scope", message).at("scope", part).with_hint(
        "write reporter=, partner=, flow=, product= or period= with items separated by commas, such as partner=CHN,VNM",
    )
}

/// A scope as [`parse`] reads it; of dimensions that are not stated there is none.
#[must_use]
pub fn text(scope: &Scope) -> String {
    let stated = Dimension::ALL.into_iter().filter(|dimension| !dimension.list(scope).is_empty());
    let parts: Vec<_> =
        stated.map(|dimension| format!("{}={}", dimension.name(), dimension.list(scope).join(","))).collect();
    parts.join("; ")
}

/// A stated scope, to look items up in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    lists: [Option<BTreeSet<String>>; 5],
}

impl Stated {
    /// The scope that a release states. None: it states none.
    pub(crate) fn new(scope: Option<&Scope>) -> Option<Self> {
        let list = |dimension: Dimension| -> Option<BTreeSet<String>> {
            let items = dimension.list(scope?);
            (!items.is_empty()).then(|| items.iter().cloned().collect())
        };
        let lists = Dimension::ALL.map(list);
        lists.iter().any(Option::is_some).then_some(Self { lists })
    }

    /// The items of a dimension. None: it is not stated.
    pub(crate) fn items(&self, dimension: Dimension) -> Option<&BTreeSet<String>> {
        let place = Dimension::ALL.iter().position(|known| *known == dimension)?;
        self.lists.get(place)?.as_ref()
    }

    /// Whether an item is inside of the scope.
    pub(crate) fn admits(&self, dimension: Dimension, item: &str) -> bool {
        self.items(dimension).is_none_or(|items| items.contains(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_it_is_read() {
        let scope = parse("periods=2022 ; partner = CHN, VNM").unwrap();
        assert_eq!(scope.partners, ["CHN", "VNM"]);
        assert_eq!(text(&scope), "partner=CHN,VNM; period=2022");
        assert_eq!(parse(&text(&scope)).unwrap(), scope);
        assert_eq!(parse("").unwrap(), Scope::default());
    }

    #[test]
    fn what_is_no_scope_is_refused_with_its_place() {
        for bad in ["partner", "party=CHN", "partner=", "partner=CHN; partner=VNM"] {
            let failure = parse(bad).unwrap_err();
            assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "bad-scope"), "{bad}");
        }
    }
}
