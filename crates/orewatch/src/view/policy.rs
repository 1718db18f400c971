//! The source policy in words and rows.
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, Preference, RankedDataset, ReleaseInfo, Scope, SourcePolicy, Table,
};
use serde_json::{Map, Value, json};

use super::table_word;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column};
use crate::words::enum_word;

/// Maximum number of items that are listed; longer lists are counted.
const MAX_LISTED: usize = 3;

/// Kind of dataset, as a word.
pub(crate) fn kind_word(kind: DatasetKind) -> String {
    match kind {
        DatasetKind::Unspecified => "undeclared".to_owned(),
        kind => enum_word(kind.as_str_name(), "DATASET_KIND_"),
    }
}

/// A range of periods as text.
pub(crate) fn period_words(first: &str, last: &str) -> String {
    if first == last { first.to_owned() } else { format!("{first}..{last}") }
}

/// What a release covers, in short: `DEU, FRA; 12 partners; 74 products`.
pub(crate) fn covers_words(info: &ReleaseInfo) -> String {
    let scope = info.report.as_ref().and_then(|report| report.scope.clone()).unwrap_or_default();
    scope_words(&scope, info.release.as_ref().map_or(Table::Unspecified, |release| release.table()))
}

/// A scope in short.
pub(crate) fn scope_words(scope: &Scope, table: Table) -> String {
    let is_trade = table == Table::Trade;
    let lists = [
        (&scope.reporters, if is_trade { "reporters" } else { "economies" }),
        (&scope.partners, "partners"),
        (&scope.products, if is_trade { "products" } else { "series" }),
    ];
    let words = lists.into_iter().filter(|(items, _)| !items.is_empty()).map(|(items, noun)| {
        if items.len() > MAX_LISTED { format!("{} {noun}", items.len()) } else { items.join(", ") }
    });
    words.collect::<Vec<_>>().join("; ")
}

/// A preference as text: `trade of lithium for EU27 from 2020: comext-cn2024, then baci-hs92`.
pub(crate) fn preference_words(preference: &Preference) -> String {
    let mut words = table_word(preference.table());
    let mut add = |before: &str, items: &[String]| {
        if !items.is_empty() {
            words.push_str(&format!(" {before} {}", items.join(", ")));
        }
    };
    add("of", &preference.materials);
    add("at", &preference.stages);
    add("for", &preference.economies);
    for (before, period) in [("from", &preference.from), ("until", &preference.until)] {
        if !period.is_empty() {
            add(before, std::slice::from_ref(period));
        }
    }
    format!("{words}: {}", preference.datasets.join(", then "))
}

/// A declaration as text.
pub(crate) fn declaration_words(declared: &DatasetDeclaration) -> String {
    let kind = kind_word(declared.kind());
    match declared.supplements.as_str() {
        "" => format!("{}: {kind}", declared.dataset),
        base => format!("{}: {kind} of {base}", declared.dataset),
    }
}

/// A policy as JSON, in the form of a policy file.
pub(crate) fn policy_value(policy: &SourcePolicy) -> Value {
    let preferences: Vec<Value> = policy.preferences.iter().map(preference_value).collect();
    let declared = |declared: &DatasetDeclaration| {
        let mut fields = Map::new();
        fields.insert("dataset".to_owned(), json!(declared.dataset));
        fields.insert("kind".to_owned(), json!(kind_word(declared.kind())));
        if !declared.supplements.is_empty() {
            fields.insert("supplements".to_owned(), json!(declared.supplements));
        }
        Value::Object(fields)
    };
    json!({"preferences": preferences, "datasets": policy.datasets.iter().map(declared).collect::<Vec<_>>()})
}

fn preference_value(preference: &Preference) -> Value {
    let mut fields = Map::new();
    fields.insert("table".to_owned(), json!(table_word(preference.table())));
    let lists = [
        ("materials", &preference.materials),
        ("stages", &preference.stages),
        ("economies", &preference.economies),
    ];
    for (name, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
        fields.insert(name.to_owned(), json!(items));
    }
    for (name, period) in [("from", &preference.from), ("until", &preference.until)] {
        if !period.is_empty() {
            fields.insert(name.to_owned(), json!(period));
        }
    }
    fields.insert("datasets".to_owned(), json!(preference.datasets));
    Value::Object(fields)
}

/// A change between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyChange {
    /// `added`, `removed` or `moved`.
    pub(crate) change: &'static str,
    /// Position among the preferences, from 1; `dataset` for a declaration.
    pub(crate) place: String,
    /// The preference or declaration as text.
    pub(crate) what: String,
}

impl Row for RankedDataset {
    fn columns() -> Vec<Column<Self>> {
        let kind = |ranked: &Self| {
            let kind = kind_word(ranked.kind());
            match ranked.supplements.as_str() {
                "" => kind,
                base => format!("{kind} of {base}"),
            }
        };
        vec![
            column("table", |ranked: &Self| Cell::text(table_word(ranked.table()))).shown("table", Left),
            column("rank", |ranked: &Self| Cell::count(ranked.rank)).shown("rank", Right),
            column("dataset", |ranked: &Self| Cell::text(&ranked.dataset)).shown("dataset", Left),
            column("kind", |ranked: &Self| Cell::text(kind_word(ranked.kind())))
                .shown_as("kind", Left, kind)
                .if_room(1),
            column("supplements", |ranked: &Self| Cell::text(&ranked.supplements)),
        ]
    }
}

impl Row for PolicyChange {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("change", |change: &Self| Cell::text(change.change)).shown("change", Left),
            column("place", |change: &Self| Cell::text(&change.place)).shown("position", Left),
            column("what", |change: &Self| Cell::text(&change.what)).shown("entry", Left),
        ]
    }
}

/// The changes from one policy to another.
pub(crate) fn policy_changes(then: &SourcePolicy, now: &SourcePolicy) -> Vec<PolicyChange> {
    let words =
        |policy: &SourcePolicy| -> Vec<String> { policy.preferences.iter().map(preference_words).collect() };
    let mut changes = list_changes(&words(then), &words(now), |place| (place + 1).to_string());
    let words =
        |policy: &SourcePolicy| -> Vec<String> { policy.datasets.iter().map(declaration_words).collect() };
    let declared = list_changes(&words(then), &words(now), |_| "dataset".to_owned());
    // The order of declarations has no meaning.
    changes.extend(declared.into_iter().filter(|change| change.change != MOVED));
    changes
}

/// Change of a preference that has another position.
const MOVED: &str = "moved";

fn list_changes(then: &[String], now: &[String], place: impl Fn(usize) -> String) -> Vec<PolicyChange> {
    let gone = then.iter().enumerate().filter(|(_, what)| !now.contains(what));
    let mut changes: Vec<PolicyChange> = gone
        .map(|(at, what)| PolicyChange { change: "removed", place: place(at), what: what.clone() })
        .collect();
    let [stayed_then, stayed_now] = [(then, now), (now, then)]
        .map(|(own, other)| own.iter().filter(|what| other.contains(what)).collect::<Vec<_>>());
    for (at, what) in now.iter().enumerate() {
        let order = |list: &[&String]| list.iter().position(|known| *known == what);
        let change = match then.contains(what) {
            false => "added",
            true if order(&stayed_then) != order(&stayed_now) => MOVED,
            true => continue,
        };
        changes.push(PolicyChange { change, place: place(at), what: what.clone() });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference(dataset: &str) -> Preference {
        Preference { table: Table::Trade.into(), datasets: vec![dataset.to_owned()], ..Preference::default() }
    }

    #[test]
    fn changes_have_their_positions() {
        let policy = |datasets: &[&str]| SourcePolicy {
            preferences: datasets.iter().map(|dataset| preference(dataset)).collect(),
            ..SourcePolicy::default()
        };
        let changes = policy_changes(&policy(&["a", "b", "c"]), &policy(&["d", "c", "b"]));
        let texts: Vec<_> = changes
            .iter()
            .map(|change| format!("{} {} {}", change.change, change.place, change.what))
            .collect();
        assert_eq!(texts, ["removed 1 trade: a", "added 1 trade: d", "moved 2 trade: c", "moved 3 trade: b"]);
        assert!(policy_changes(&policy(&["a"]), &policy(&["a"])).is_empty());
    }
}
