//! `exposure --sources`: what each dataset says of a figure, side by side.
use orewatch_contracts::common::v1::{AsAt, Estimate};
use orewatch_contracts::exposure::v1::{CompareSourcesRequest, CompareSourcesResponse, Exposure, Reading};
use orewatch_runtime::figure::{brief, percent};
use orewatch_runtime::{Class, Failure};

use crate::options::Format;
use crate::render::{Align, Sheet, document, pad};
use crate::session::Client;
use crate::view::{SideRow, kind_word};
use crate::words::{by_word, counted};

/// Most figures that are compared at once: each is computed by every dataset.
const MAX_COMPARED: usize = 50;

/// Compares each figure, and shows what datasets say of it.
pub(crate) async fn run(
    client: &Client,
    exposures: &[Exposure],
    as_at: Option<AsAt>,
    reading: Option<Reading>,
) -> Result<(), Failure> {
    if exposures.len() > MAX_COMPARED {
        let message = format!("{} figures match, and at most {MAX_COMPARED} are compared", exposures.len());
        return Err(Failure::new(Class::Invalid, "too-many-figures", message)
            .with_hint("name one consumer, one material, the measure and the supplier"));
    }
    let mut service = client.exposure().await?;
    let mut compared = Vec::new();
    for exposure in exposures {
        let request = CompareSourcesRequest {
            subject: exposure.subject.clone(),
            as_of: exposure.period.clone(),
            as_at: as_at.clone(),
            reading: reading.clone(),
        };
        compared.push(service.compare_sources(client.request(request)).await?.into_inner());
    }
    let sides = compared.iter().filter_map(|one| Some((one.published.as_ref()?, &one.answers)));
    let rows: Vec<_> = sides
        .flat_map(|(published, answers)| answers.iter().map(move |side| SideRow { published, side }))
        .collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table => client.out.text(&text(client, &compared)),
    }
}

/// A heading and a table a figure.
fn text(client: &Client, compared: &[CompareSourcesResponse]) -> String {
    compared.iter().map(|one| told(client, one)).collect::<Vec<_>>().join("\n")
}

fn told(client: &Client, compared: &CompareSourcesResponse) -> String {
    let Some(published) = &compared.published else { return String::new() };
    let out = &client.out;
    let subject = published.subject.clone().unwrap_or_default();
    let supplier =
        if subject.supplier.is_empty() { String::new() } else { format!(" from {}", subject.supplier) };
    let mut text = out.style.bold(&format!(
        "{} · {} {} · {}{supplier} · by {} · {}",
        subject.consumer,
        subject.material,
        subject.stage,
        subject.measure.split('/').next().unwrap_or_default(),
        by_word(subject.by()),
        published.period
    ));
    text.push('\n');
    let columns = [
        ("dataset", Align::Left),
        ("", Align::Left),
        ("vintage", Align::Left),
        ("figure", Align::Right),
        ("range", Align::Right),
        ("coverage", Align::Right),
        ("tonnes", Align::Right),
    ];
    let mut sheet = Sheet::new(out, &columns);
    let answering = compared.answers.iter().filter(|side| side.answers).count();
    if answering > 1 {
        // Each member of a bloc is answered by one of them: what one of them says of all members is not the answer.
        let [figure, range, coverage] = figures(published, published);
        let all = "all of these".to_owned();
        sheet.row([all, "the answer".to_owned(), String::new(), figure, range, coverage, String::new()]);
    }
    for side in &compared.answers {
        let exposure = side.exposure.clone().unwrap_or_default();
        let [figure, range, coverage] = figures(published, &exposure);
        let role = match (side.answers, answering) {
            (false, _) => kind_word(side.kind()),
            (true, 1) => "answers".to_owned(),
            (true, _) => "answers in part".to_owned(),
        };
        let tonnes = side.quantity.map(|tonnes| format!("{tonnes:.0}")).unwrap_or_default();
        let vintages = side.vintages.join(", ");
        sheet.row([side.dataset.clone(), role, vintages, figure, range, coverage, tonnes]);
    }
    text.push_str(&sheet.finish());
    text.push_str(&notes(compared));
    text
}

/// The figure of an exposure, its range and its coverage, in the unit of what is published.
fn figures(published: &Exposure, exposure: &Exposure) -> [String; 3] {
    let estimate = exposure.estimate.clone().unwrap_or_default();
    let end = |bound: f64| {
        let one = Estimate { value: Some(bound), status: 1, ..Estimate::default() };
        brief(&published.unit, Some(&one))
    };
    let range = match (estimate.low, estimate.high) {
        (Some(low), Some(high)) if low.total_cmp(&high).is_ne() => format!("{} to {}", end(low), end(high)),
        _ => String::new(),
    };
    [brief(&published.unit, Some(&estimate)), range, estimate.coverage.map(percent).unwrap_or_default()]
}

/// Why they differ, and how far.
fn notes(compared: &CompareSourcesResponse) -> String {
    let mut text = String::new();
    for side in compared.answers.iter().filter(|side| !side.differences.is_empty()) {
        text.push_str(&format!("{} {}\n", pad(&side.dataset, 16, Align::Left), side.differences.join("; ")));
    }
    match &compared.spread {
        Some(spread) => {
            let unit = compared.published.as_ref().map_or("", |published| published.unit.as_str());
            let value = |value: Option<f64>| {
                let one = Estimate { value, status: 1, ..Estimate::default() };
                brief(unit, Some(&one))
            };
            let datasets = counted(usize::try_from(spread.sources).unwrap_or(usize::MAX), "dataset");
            let (lowest, highest) = (value(spread.lowest), value(spread.highest));
            if lowest == highest {
                text.push_str(&format!("{datasets} agree: {lowest}\n"));
            } else {
                let [low, high] = [&spread.lowest_dataset, &spread.highest_dataset];
                text.push_str(&format!("{datasets}: {lowest} ({low}) to {highest} ({high})\n"));
            }
        }
        None => text.push_str("no other dataset gives this figure\n"),
    }
    text
}
