//! `explain --against`: the explanation of a figure beside an earlier one, and why the figure changed.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, CompareVintagesResponse, ExplainExposureRequest, ExplainExposureResponse,
    ExposureFilter, ReleaseNote,
};
use orewatch_contracts::figure::{difference_in, estimate};
use serde_json::json;

use super::super::own_use::OwnUse;
use super::differences::{Differences, compare};
use crate::options::Format;
use crate::render::{Out, document, explanation_title, labelled, object, table};
use crate::session::Client;
use crate::view::change::vintages;

/// Number of source rows that are compared: the most that the server returns.
const MAX_ROWS: u32 = 10_000;

/// Maximum number of suppliers in the table.
const MAX_SUPPLIERS: usize = 12;

/// Column in which the text of a field begins.
const MARGIN: usize = 13;

/// Both explanations, and what is between them.
struct Compared {
    old: ExplainExposureResponse,
    new: ExplainExposureResponse,
    between: CompareVintagesResponse,
    differences: Differences,
    /// Maximum number of source rows to show.
    rows: usize,
}

/// Explains a figure as the request asks, and as it was known at an earlier time, side by side.
pub(super) async fn run(
    client: &Client,
    request: &ExplainExposureRequest,
    against: AsAt,
    own_use: OwnUse,
) -> Result<(), Failure> {
    let mut service = client.exposure().await?;
    let later = ExplainExposureRequest { max_rows: MAX_ROWS, ..request.clone() };
    let new = client.take(service.explain_exposure(client.request(later.clone())).await?);
    // Without a period, the latest then may be another one.
    let as_of = new.exposure.as_ref().map(|exposure| exposure.period.clone()).unwrap_or_default();
    let earlier = ExplainExposureRequest { as_at: Some(against.clone()), as_of, ..later };
    let old = client.take(service.explain_exposure(client.request(earlier)).await?);
    for side in [&new, &old] {
        own_use.check(client.out.format, &side.rows, &side.releases)?;
    }
    let between = CompareVintagesRequest {
        filter: Some(filter(&new)),
        from: Some(against),
        to: request.as_at.clone(),
        page_size: 1,
        reading: request.reading.clone(),
        ..CompareVintagesRequest::default()
    };
    let between = client.take(service.compare_vintages(client.request(between)).await?);
    let differences = compare(&old, &new, &between);
    let rows = usize::try_from(request.max_rows).unwrap_or(usize::MAX);
    let compared = Compared { old, new, between, differences, rows };
    match client.out.format {
        Format::Json => json(&client.out, &compared),
        Format::Csv => client.out.csv(&compared.differences.rows),
        Format::Table => client.out.text(&page(&client.out, &compared)),
    }
}

/// The explained figure as a filter.
fn filter(explained: &ExplainExposureResponse) -> ExposureFilter {
    let exposure = explained.exposure.clone().unwrap_or_default();
    let subject = exposure.subject.unwrap_or_default();
    let supplier = Some(subject.supplier).filter(|supplier| !supplier.is_empty());
    ExposureFilter {
        consumers: vec![subject.consumer],
        materials: vec![subject.material],
        stages: vec![subject.stage],
        suppliers: supplier.into_iter().collect(),
        measures: vec![subject.measure],
        by: subject.by,
        as_of: exposure.period,
        ..ExposureFilter::default()
    }
}

impl Compared {
    /// Difference of the best estimates. `None`: one is missing.
    fn difference(&self) -> Option<f64> {
        let value = |side: &ExplainExposureResponse| side.exposure.as_ref()?.estimate.as_ref()?.value;
        Some(value(&self.new)? - value(&self.old)?)
    }

    fn notes(&self) -> impl Iterator<Item = &ReleaseNote> {
        self.between.notes.iter()
    }
}

fn json(out: &Out, compared: &Compared) -> Result<(), Failure> {
    let Compared { old, new, between, differences, .. } = compared;
    out.json(&json!({
        "before": old.exposure.as_ref().map(object),
        "after": new.exposure.as_ref().map(object),
        "difference": compared.difference(),
        "reasons": differences.reasons,
        "formula": new.formula,
        "terms": document(&differences.terms),
        "contributions": document(&differences.contributions),
        "rows": document(&differences.rows),
        "releases": between.releases,
        "removed_releases": between.removed_releases,
        "notes": document(compared.notes()),
    }))
}

fn page(out: &Out, compared: &Compared) -> String {
    let Compared { old, new, differences, .. } = compared;
    let mut text = head(out, compared);
    let section = |title: &str, body: String| format!("\n{}\n{body}", out.style.dim(title));
    if !differences.terms.is_empty() {
        text.push_str(&section("Terms that differ", table(out, &differences.terms)));
    }
    if !differences.contributions.is_empty() {
        let shown = differences.contributions.iter().take(MAX_SUPPLIERS);
        let title = title("Suppliers that differ", differences.contributions.len(), MAX_SUPPLIERS);
        text.push_str(&section(&title, table(out, shown)));
    }
    if !differences.rows.is_empty() {
        let shown = differences.rows.iter().take(compared.rows);
        let title = title("Source rows that differ", differences.rows.len(), compared.rows);
        text.push_str(&section(&title, table(out, shown)));
    }
    let is_cut = [old, new].iter().any(|side| side.rows_total > u64::from(MAX_ROWS));
    if is_cut {
        text.push_str(&format!("  only the {MAX_ROWS} largest rows of each time were compared\n"));
    }
    if compared.notes().next().is_some() {
        text.push_str(&section("What the publishers say", table(out, compared.notes())));
    }
    text
}

/// The title of a section, with the number of its entries if not all are shown.
fn title(title: &str, all: usize, shown: usize) -> String {
    if all > shown { format!("{title}: the {shown} largest of {all}") } else { title.to_owned() }
}

/// The figure at both times, and why it changed.
fn head(out: &Out, compared: &Compared) -> String {
    let Compared { old, new, between, differences, .. } = compared;
    let (before, after) =
        (old.exposure.clone().unwrap_or_default(), new.exposure.clone().unwrap_or_default());
    let subject = after.subject.clone().unwrap_or_default();
    let mut text = format!("{}\n\n", out.style.bold(&explanation_title(&subject, &after.period)));
    let mut field = |name: &str, value: &str| text.push_str(&labelled(name, value, out.width, MARGIN));
    field("measure", &subject.measure);
    field("before", &with_releases(&estimate(&after.unit, before.estimate.as_ref()), &before.releases));
    field("after", &with_releases(&estimate(&after.unit, after.estimate.as_ref()), &after.releases));
    let difference = compared.difference().map(|difference| difference_in(&after.unit, difference));
    field("difference", &difference.unwrap_or_default());
    differences.reasons.iter().for_each(|reason| field("because", reason));
    field("came", &vintages(&between.releases));
    field("went", &vintages(&between.removed_releases));
    text
}

fn with_releases(figure: &str, releases: &[String]) -> String {
    if releases.is_empty() { figure.to_owned() } else { format!("{figure}  ({})", vintages(releases)) }
}
