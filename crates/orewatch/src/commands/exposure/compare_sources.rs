//! `exposure --sources`: the same figure computed from each dataset, side by side.
use orewatch_contracts::common::v1::{AsAt, Estimate, Status};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareSourcesResponse, Exposure, Reading, SourceAnswer,
};
use orewatch_contracts::figure::{brief, percent};
use orewatch_contracts::{Class, Failure};

use crate::options::Format;
use crate::render::Align::{Left, Right};
use crate::render::{Column, Row, only_shown, pad, table};
use crate::session::Client;
use crate::view::{DatasetFigure, kind_word};
use crate::words::{by_word, count_text};

/// Maximum number of figures to compare at once: each is computed from every dataset.
const MAX_COMPARED: usize = 50;

/// Compares each figure across the datasets that have it.
pub(crate) async fn run(
    client: &Client,
    exposures: &[Exposure],
    as_at: Option<AsAt>,
    reading: Option<Reading>,
) -> Result<(), Failure> {
    if exposures.len() > MAX_COMPARED {
        let message =
            format!("{} figures match, but at most {MAX_COMPARED} can be compared", exposures.len());
        return Err(Failure::new(Class::Invalid, "too-many-figures", message)
            .with_hint("narrow the query to one consumer, one material, one measure and one supplier"));
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
        compared.push(client.take(service.compare_sources(client.request(request)).await?));
    }
    let sides = compared.iter().filter_map(|one| Some((one.published.as_ref()?, &one.answers)));
    let rows: Vec<_> = sides
        .flat_map(|(published, answers)| answers.iter().map(move |side| DatasetFigure { published, side }))
        .collect();
    match client.out.format {
        Format::Json | Format::Csv => client.out.rows(&rows),
        Format::Table => client.out.text(&text(client, &compared)),
    }
}

/// A heading and a table for each figure.
fn text(client: &Client, compared: &[CompareSourcesResponse]) -> String {
    compared.iter().map(|one| comparison(client, one)).collect::<Vec<_>>().join("\n")
}

fn comparison(client: &Client, compared: &CompareSourcesResponse) -> String {
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
    text.push_str(&table(out, &lines(compared, published)));
    text.push_str(&notes(compared));
    text
}

/// A line of a comparison. All its texts are written for people.
struct Line {
    dataset: String,
    role: String,
    vintages: String,
    figure: String,
    coverage: String,
    tonnes: String,
}

impl Row for Line {
    fn columns() -> Vec<Column<Self>> {
        vec![
            only_shown("dataset", Left, |line: &Self| line.dataset.clone()),
            only_shown("role", Left, |line: &Self| line.role.clone()),
            only_shown("vintage", Left, |line: &Self| line.vintages.clone()),
            only_shown("figure", Right, |line: &Self| line.figure.clone()),
            only_shown("coverage", Right, |line: &Self| line.coverage.clone()),
            only_shown("tonnes", Right, |line: &Self| line.tonnes.clone()),
        ]
    }
}

/// One line for each dataset. If several answer, the published figure comes first: each bloc member's figure
/// comes from one of the datasets, so no single dataset has the published figure of the bloc.
fn lines(compared: &CompareSourcesResponse, published: &Exposure) -> Vec<Line> {
    let answering = compared.answers.iter().filter(|side| side.answers).count();
    let combined = (answering > 1).then(|| {
        let empty = SourceAnswer::default();
        Line { dataset: "combined".to_owned(), ..line(&empty, "published".to_owned(), published, published) }
    });
    let dataset_line = |side: &SourceAnswer| {
        let role = match (side.answers, answering) {
            (false, _) => kind_word(side.kind()),
            (true, 1) => "published".to_owned(),
            (true, _) => "published in part".to_owned(),
        };
        line(side, role, published, &side.exposure.clone().unwrap_or_default())
    };
    combined.into_iter().chain(compared.answers.iter().map(dataset_line)).collect()
}

fn line(side: &SourceAnswer, role: String, published: &Exposure, exposure: &Exposure) -> Line {
    let estimate = exposure.estimate.clone().unwrap_or_default();
    Line {
        dataset: side.dataset.clone(),
        role,
        vintages: side.vintages.join(", "),
        figure: brief(&published.unit, Some(&estimate)),
        coverage: estimate.coverage.map(percent).unwrap_or_default(),
        tonnes: side.quantity.map(|tonnes| format!("{tonnes:.0}")).unwrap_or_default(),
    }
}

/// A number in the unit of the figure, without a mark for what is unknown.
fn known_value(unit: &str, value: Option<f64>) -> String {
    brief(unit, Some(&Estimate { value, status: Status::Known.into(), ..Estimate::default() }))
}

/// Why the datasets differ, and by how much.
fn notes(compared: &CompareSourcesResponse) -> String {
    let mut text = String::new();
    for side in compared.answers.iter().filter(|side| !side.differences.is_empty()) {
        text.push_str(&format!("{} {}\n", pad(&side.dataset, 16, Left), side.differences.join("; ")));
    }
    match &compared.spread {
        Some(spread) => {
            let unit = compared.published.as_ref().map_or("", |published| published.unit.as_str());
            let datasets = count_text(usize::try_from(spread.sources).unwrap_or(usize::MAX), "dataset");
            let (lowest, highest) = (known_value(unit, spread.lowest), known_value(unit, spread.highest));
            if lowest == highest {
                text.push_str(&format!("{datasets} agree: {lowest}\n"));
            } else {
                let [low, high] = [&spread.lowest_dataset, &spread.highest_dataset];
                text.push_str(&format!("{datasets}: {lowest} ({low}) to {highest} ({high})\n"));
            }
        }
        None => text.push_str("no other dataset has this figure\n"),
    }
    text
}
