//! What differs between two explanations of a figure, and why the figure changed. Values in, values out.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::exposure::v1::{
    CompareVintagesResponse, Contribution, ExplainExposureResponse, Exposure, SourceRow, Term,
};

use crate::view::change::{Changed, vintages};
use crate::words::count_text;

/// What differs between two explanations.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Differences {
    /// Terms with another value, in the order of the formula.
    pub(super) terms: Vec<Changed<Term>>,
    /// Suppliers with another amount or share, the largest first.
    pub(super) contributions: Vec<Changed<Contribution>>,
    /// Source rows that came, went or have another figure, the largest difference first.
    pub(super) rows: Vec<Changed<SourceRow>>,
    /// Why the figure changed, one sentence each.
    pub(super) reasons: Vec<String>,
}

/// Compares two explanations of a figure. `between` says which releases came and went between them.
pub(super) fn compare(
    old: &ExplainExposureResponse,
    new: &ExplainExposureResponse,
    between: &CompareVintagesResponse,
) -> Differences {
    let terms = changed(&old.terms, &new.terms, |term| (term.symbol.clone(), term.description.clone()));
    let contributions =
        changed(&old.contributions, &new.contributions, |contribution| contribution.supplier.clone());
    let mut rows = changed(&old.rows, &new.rows, row_key);
    // The same line of another release is the same row.
    rows.retain(|row| {
        !row.old.as_ref().zip(row.new.as_ref()).is_some_and(|(old, new)| is_same_row(old, new))
    });
    rows.sort_by(|a, b| row_difference(b).total_cmp(&row_difference(a)));
    let reasons = reasons(old, new, between, &rows);
    Differences { terms, contributions, rows, reasons }
}

/// The items that differ, by key: those of the later side in their order, then those that are gone.
fn changed<T: Clone + PartialEq, K: Ord>(old: &[T], new: &[T], key: impl Fn(&T) -> K) -> Vec<Changed<T>> {
    let mut before = BTreeMap::<K, Vec<&T>>::new();
    for item in old.iter().rev() {
        before.entry(key(item)).or_default().push(item);
    }
    let mut all = Vec::new();
    for item in new {
        let old = before.get_mut(&key(item)).and_then(Vec::pop).cloned();
        if old.as_ref() != Some(item) {
            all.push(Changed { old, new: Some(item.clone()) });
        }
    }
    let gone = old.iter().filter_map(|item| before.get_mut(&key(item)).and_then(Vec::pop));
    all.extend(gone.map(|item| Changed { old: Some(item.clone()), new: None }));
    all
}

/// What identifies a source row at two points in time.
fn row_key(row: &SourceRow) -> [String; 5] {
    [&row.period, &row.economy, &row.partner, &row.product, &row.note].map(Clone::clone)
}

/// Whether two rows have the same figures, wherever they were read.
fn is_same_row(old: &SourceRow, new: &SourceRow) -> bool {
    let figures = |row: &SourceRow| (row.quantity, row.value, row.figure, row.quantity_status);
    figures(old) == figures(new)
}

/// How much the figure of a row differs. A missing figure counts as nothing: the row itself came or went.
fn row_difference(row: &Changed<SourceRow>) -> f64 {
    let figure = |row: &Option<SourceRow>| {
        row.as_ref().and_then(|row| row.quantity.or(row.value).or(row.figure)).unwrap_or_default()
    };
    (figure(&row.new) - figure(&row.old)).abs()
}

/// Why the figure changed.
fn reasons(
    old: &ExplainExposureResponse,
    new: &ExplainExposureResponse,
    between: &CompareVintagesResponse,
    rows: &[Changed<SourceRow>],
) -> Vec<String> {
    let [before, after] = [old, new].map(|response| response.exposure.clone().unwrap_or_default());
    if before.estimate == after.estimate {
        return vec!["the figure is the same at both times".to_owned()];
    }
    let mut all = other_datasets(&before, &after, between);
    all.extend(other_concordances(new, between));
    all.extend(withdrawn(&before, between));
    all.extend(changed_rows(rows));
    if all.is_empty() {
        all.push("figures that it depends on differ: see the terms".to_owned());
    }
    all
}

/// The dataset of a release, from its identifier.
fn dataset(release: &str) -> &str {
    release.split('/').next().unwrap_or_default()
}

/// Other datasets answer, because they have a new release or because of the source policy.
fn other_datasets(before: &Exposure, after: &Exposure, between: &CompareVintagesResponse) -> Vec<String> {
    let lost: Vec<_> = before.datasets.iter().filter(|name| !after.datasets.contains(name)).collect();
    let gained = after.datasets.iter().filter(|name| !before.datasets.contains(name));
    let instead = match lost.as_slice() {
        [] => String::new(),
        lost => {
            format!(" instead of {}", lost.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
        }
    };
    let came = |name: &str| -> Vec<String> {
        between.releases.iter().filter(|release| dataset(release) == name).cloned().collect()
    };
    let went = |name: &str| between.removed_releases.iter().any(|release| dataset(release) == name);
    let sentence = |name: &String| match came(name).as_slice() {
        [] if lost.iter().any(|lost| went(lost)) => {
            format!("{name} answers{instead}: releases of the other were withdrawn")
        }
        [] => format!("{name} answers{instead}: the source policy was revised"),
        came => format!("{name} answers{instead}: {} became visible", vintages(came)),
    };
    gained.map(sentence).collect()
}

/// Files were read again with other concordances.
fn other_concordances(new: &ExplainExposureResponse, between: &CompareVintagesResponse) -> Option<String> {
    let is_reread = |id: &String| between.removed_releases.contains(id);
    let reread = new.releases.iter().filter(|release| is_reread(&release.in_place_of));
    let reread: Vec<_> = reread.collect();
    let concordances: BTreeSet<_> =
        reread.iter().flat_map(|release| &release.concordances).cloned().collect();
    let ids: Vec<_> = reread.iter().map(|release| release.id.clone()).collect();
    let with = match concordances.into_iter().collect::<Vec<_>>() {
        none if none.is_empty() => "the concordances of the catalogue".to_owned(),
        some => format!("concordance {}", vintages(&some)),
    };
    (!ids.is_empty()).then(|| format!("{} was read again with {with}", vintages(&ids)))
}

/// Releases on which the figure was based are gone, and no other reading replaced them.
fn withdrawn(before: &Exposure, between: &CompareVintagesResponse) -> Option<String> {
    let replaced = |id: &String| between.releases.iter().any(|release| dataset(release) == dataset(id));
    let gone = before.releases.iter().filter(|id| between.removed_releases.contains(id) && !replaced(id));
    let gone: Vec<_> = gone.cloned().collect();
    (!gone.is_empty()).then(|| format!("{} was withdrawn", vintages(&gone)))
}

/// Source rows that came, went or have another figure.
fn changed_rows(rows: &[Changed<SourceRow>]) -> Option<String> {
    let count = |is_wanted: fn(&Changed<SourceRow>) -> bool| rows.iter().filter(|row| is_wanted(row)).count();
    let counted =
        |count: usize, what: &str| (count > 0).then(|| format!("{} {what}", count_text(count, "row")));
    let parts = [
        counted(count(|row| row.old.is_some() && row.new.is_some()), "changed"),
        counted(count(|row| row.old.is_none()), "new"),
        counted(count(|row| row.new.is_none()), "gone"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("source rows: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Estimate;
    use orewatch_contracts::ingestion::v1::Release;

    use super::*;

    fn row(economy: &str, quantity: f64, release: &str) -> SourceRow {
        SourceRow {
            economy: economy.to_owned(),
            period: "2024".to_owned(),
            quantity: Some(quantity),
            release: release.to_owned(),
            ..SourceRow::default()
        }
    }

    fn explained(value: f64, dataset: &str, rows: &[SourceRow]) -> ExplainExposureResponse {
        let estimate = Some(Estimate { value: Some(value), ..Estimate::default() });
        let releases: BTreeSet<_> = rows.iter().map(|row| row.release.clone()).collect();
        ExplainExposureResponse {
            exposure: Some(Exposure {
                estimate,
                datasets: vec![dataset.to_owned()],
                releases: releases.into_iter().collect(),
                ..Exposure::default()
            }),
            rows: rows.to_vec(),
            ..ExplainExposureResponse::default()
        }
    }

    fn came(releases: &[&str]) -> CompareVintagesResponse {
        CompareVintagesResponse {
            releases: releases.iter().map(|id| (*id).to_owned()).collect(),
            ..CompareVintagesResponse::default()
        }
    }

    #[test]
    fn rows_that_came_went_or_changed_are_listed_by_size() {
        let old = [row("CHN", 60.0, "t/1-a"), row("RUS", 13.0, "t/1-a"), row("BOL", 4.0, "t/1-a")];
        let new = [row("CHN", 40.0, "t/2-b"), row("RUS", 40.0, "t/2-b"), row("TJK", 3.0, "t/2-b")];
        let [old, new] = [explained(0.6, "t", &old), explained(0.3, "t", &new)];
        let found = compare(&old, &new, &came(&["t/2-b"]));
        let economies: Vec<_> = found
            .rows
            .iter()
            .map(|row| {
                let figure = |row: &Option<SourceRow>| row.as_ref().and_then(|row| row.quantity);
                let either = row.new.as_ref().or(row.old.as_ref()).unwrap();
                (either.economy.as_str(), figure(&row.old), figure(&row.new))
            })
            .collect();
        let expected = [
            ("RUS", Some(13.0), Some(40.0)),
            ("CHN", Some(60.0), Some(40.0)),
            ("BOL", Some(4.0), None),
            ("TJK", None, Some(3.0)),
        ];
        assert_eq!(economies, expected);
        assert_eq!(found.reasons, ["source rows: 2 rows changed, 1 row new, 1 row gone"]);
    }

    #[test]
    fn a_row_read_from_another_release_with_the_same_figure_is_the_same() {
        let [old, new] = ["t/1-a", "t/2-b"].map(|release| explained(0.5, "t", &[row("CHN", 60.0, release)]));
        let found = compare(&old, &new, &came(&["t/2-b"]));
        assert!(found.rows.is_empty());
        assert_eq!(found.reasons, ["the figure is the same at both times"]);
    }

    #[test]
    fn another_dataset_answers_because_of_a_release_or_of_the_policy() {
        let old = explained(0.6, "declared", &[]);
        let new = explained(0.3, "reconciled", &[]);
        let by_release = compare(&old, &new, &came(&["reconciled/7-c"])).reasons;
        assert_eq!(by_release, ["reconciled answers instead of declared: 7 became visible"]);
        let by_policy = compare(&old, &new, &came(&[])).reasons;
        assert_eq!(by_policy, ["reconciled answers instead of declared: the source policy was revised"]);
    }

    #[test]
    fn a_rereading_names_its_concordance() {
        let old = explained(0.6, "t", &[row("CHN", 60.0, "t/1-a")]);
        let mut new = explained(0.3, "t", &[row("CHN", 30.0, "t/1-b")]);
        new.releases = vec![Release {
            id: "t/1-b".to_owned(),
            in_place_of: "t/1-a".to_owned(),
            concordances: vec!["codes/2025-cc".to_owned()],
            ..Release::default()
        }];
        let between =
            CompareVintagesResponse { removed_releases: vec!["t/1-a".to_owned()], ..came(&["t/1-b"]) };
        let expected = ["1 was read again with concordance 2025", "source rows: 1 row changed"];
        assert_eq!(compare(&old, &new, &between).reasons, expected);
    }

    #[test]
    fn a_withdrawn_release_is_named() {
        let old = explained(0.6, "t", &[row("CHN", 60.0, "t/2-b")]);
        let new = explained(0.3, "t", &[row("CHN", 30.0, "t/1-a")]);
        let between = CompareVintagesResponse { removed_releases: vec!["t/2-b".to_owned()], ..came(&[]) };
        assert_eq!(compare(&old, &new, &between).reasons, ["2 was withdrawn", "source rows: 1 row changed"]);
    }

    #[test]
    fn what_differs_without_rows_is_in_the_terms() {
        let term = |value| Term {
            symbol: "x".to_owned(),
            estimate: Some(Estimate { value: Some(value), ..Estimate::default() }),
            ..Term::default()
        };
        let [mut old, mut new] = [0.6, 0.3].map(|value| explained(value, "t", &[]));
        (old.terms, new.terms) = (vec![term(1.0), term(5.0)], vec![term(1.0), term(6.0)]);
        let found = compare(&old, &new, &came(&[]));
        assert_eq!(found.terms, [Changed { old: Some(term(5.0)), new: Some(term(6.0)) }]);
        assert_eq!(found.reasons, ["figures that it depends on differ: see the terms"]);
    }
}
