//! Source rows behind a figure, with the releases that they are from and what their licences allow.
use orewatch_catalog::{PassingOn, passing_on};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::exposure::v1::{ExplainExposureResponse, SourceRow};
use orewatch_contracts::figure::{number, quantity, status_word};
use orewatch_contracts::ingestion::v1::Release;
use orewatch_query::licence::forbidden_release;
use orewatch_query::names::economy_name;

use super::html::{Html, element, link, numbers, table, texts};
use super::layout::data_links;

/// The query of data beside the page: at its point of knowledge, and without some parameters.
pub(super) fn data_query(query: &str, without: &[&str], as_at: &str) -> String {
    let leaves = |pair: &str| pair.starts_with("as-at=") || without.iter().any(|name| pair.starts_with(name));
    let kept = query.split('&').filter(|pair| !leaves(pair)).map(str::to_owned);
    let at = (!as_at.is_empty()).then(|| format!("as-at={}", as_at.replace('@', "%40")));
    kept.chain(at).collect::<Vec<_>>().join("&")
}

/// The rows, the largest first.
pub(super) fn rows_part(answer: &ExplainExposureResponse, query: &str, as_at: &str) -> Html {
    let ExplainExposureResponse { rows, releases, rows_total, .. } = answer;
    if rows.is_empty() {
        return element("p").with("There are no source rows.").into();
    }
    let total = u32::try_from(*rows_total).map_or(f64::INFINITY, f64::from);
    let caption = format!("The largest of {} rows", number(total, 0));
    let columns = [
        texts("dataset"),
        texts("place"),
        texts("period"),
        texts("from"),
        texts("to"),
        texts("code"),
        numbers("tonnes"),
        numbers("thousand USD"),
        numbers("figure"),
        texts("note"),
    ];
    let mut html = table(&caption, &columns, rows.iter().map(|row| row_cells(row, releases)));
    let sources = releases.iter().map(|release| element("li").with(source_words(release)));
    html.add(element("ul").with(sources.collect::<Html>()));
    match forbidden_release(rows, releases) {
        Some((release, licence)) => {
            let words =
                format!("These rows may not be passed on: the licence of {release} ({licence}) forbids it.");
            html.add(element("p").class("quiet").with(words));
        }
        None => html.add(data_links("rows", &data_query(query, &[], as_at))),
    }
    html
}

fn row_cells(row: &SourceRow, releases: &[Release]) -> Vec<Html> {
    let release = releases.iter().find(|release| release.id == row.release);
    let dataset = release.map_or(row.release.as_str(), |release| release.dataset.as_str());
    let weight = match (row.quantity, row.quantity_status()) {
        (Some(weight), _) => quantity(weight),
        // A row that is not about amounts.
        (None, Status::Unspecified) => String::new(),
        (None, status) => status_word(status).to_owned(),
    };
    vec![
        dataset.into(),
        format!("{}, line {}", row.file, row.line).into(),
        row.period.as_str().into(),
        economy_name(&row.economy).into(),
        economy_name(&row.partner).into(),
        row.product.as_str().into(),
        weight.into(),
        row.value.map(quantity).unwrap_or_default().into(),
        row.figure.map(|figure| number(figure, 3)).unwrap_or_default().into(),
        row.note.as_str().into(),
    ]
}

/// A release with its publisher and licence.
fn source_words(release: &Release) -> Html {
    let provenance = release.provenance.clone().unwrap_or_default();
    let licence = match passing_on(&provenance.licence) {
        PassingOn::Forbidden => " (may not be passed on)",
        _ => "",
    };
    let licence = match provenance.licence.as_str() {
        "" => String::new(),
        name => format!("; licence: {name}{licence}"),
    };
    let mut html = link(&provenance.url, provenance.title.as_str());
    html.add(format!(" — {}, {} {}{licence}", provenance.publisher, release.dataset, release.vintage));
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_asked_for_at_the_point_of_knowledge_of_the_page() {
        let query = data_query("consumer=DEU&as-at=2026-01-31&max-rows=5", &["max-rows="], "@7");
        assert_eq!(query, "consumer=DEU&as-at=%407");
        assert_eq!(data_query("consumer=DEU", &[], ""), "consumer=DEU");
    }

    #[test]
    fn a_row_without_an_amount_shows_none_and_a_withheld_one_says_so() {
        let cell = |row: &SourceRow| row_cells(row, &[]).swap_remove(6);
        let withheld = SourceRow { quantity_status: Status::Withheld.into(), ..SourceRow::default() };
        assert_eq!(cell(&withheld), Html::from("withheld"));
        assert_eq!(cell(&SourceRow::default()), Html::default(), "a row of governance has no tonnes");
        assert_eq!(cell(&SourceRow { quantity: Some(0.0), ..withheld }), Html::from("0.0"));
    }
}
