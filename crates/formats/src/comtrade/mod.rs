//! UN Comtrade (<https://comtradeplus.un.org>): what economies report of their trade, as csv and as the JSON
//! of its API.
//!
//! | row | result |
//! | --- | --- |
//! | import (`M`) or export (`X`) of six digits with one partner | recorded, as its side reports it |
//! | re-imports, re-exports, processing (`RM`, `RX`, `MIP`, ...) | out of scope: part of `M` and `X` |
//! | chapters, headings, `TOTAL` | out of scope: the file holds their subheadings as well |
//! | partner `World` | a declared total, compared with the sum of its partners |
//! | areas not specified, bunkers, free zones | recorded, with `OTHER:KIND` as the partner |
//! | the reporter itself | out of scope, and part of that sum |
//! | the European Union as one partner | out of scope: the file holds its members as well |
//! | a part: one customs procedure, mode of transport or second partner | out of scope beside its total |
//!
//! What a total holds above its partners becomes a flow from or to `OTHER:undistributed`. Parts without their
//! total are quarantined and not added up: a query for one mode of transport has the parts of that mode and
//! no others, and parts along several lines overlap. Values are US dollars, weights kilograms; [`weight`]
//! decides which column a weight is taken from. A part that is quarantined, or whose figure is missing,
//! leaves open what its total holds above the parts.
//!
//! Also quarantined: unknown economies, flows and classifications, invalid products, periods and figures.

mod csv;
mod json;
mod layout;
mod row;
mod weight;

use std::collections::BTreeSet;

use orewatch_catalog::HsRevision;
use orewatch_contracts::ingestion::v1::Table;

use self::layout::{Column, Layout};
use self::row::Rows;
use super::csv_file::CsvFile;
use super::{About, FileFacts, Head, Metadata, Part, Reader, Setup, Source, SourceError};

/// UN Comtrade, as csv and as JSON. Economies report in the revision of the Harmonized System that they use;
/// the rows of each revision become a release.
#[derive(Debug)]
pub(super) struct Comtrade;

static ABOUT: About = About {
    id: "comtrade/2",
    title: "UN Comtrade: trade as importers and exporters report it",
    publisher: "United Nations Statistics Division",
    url: "https://comtradeplus.un.org",
    licence: "UN-Comtrade-terms",
    tables: &[Table::Trade],
    forms: &[
        "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,...",
        "Year,Trade Flow Code,Reporter Code,Partner Code,Commodity Code,Netweight (kg),Trade Value (US$),...",
        "JSON: {elapsedTime,count,data:[{period,reporterCode,...},...],error}",
    ],
};

/// Row caps of the preview and of API keys. A response with exactly so many rows is probably cut off.
const ROW_CAPS: [u64; 3] = [500, 100_000, 250_000];

impl Source for Comtrade {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_row_by_row(&self) -> bool {
        true
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn is_split(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        if head.is_json() {
            return json::is_response(head).then_some(usize::MAX);
        }
        let layout = csv::layout(head)?;
        layout.missing().is_empty().then(|| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        layout::needs()
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        layout(head)?.own_name(Column::Classification)
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let FileFacts { head, given, texts } = *file;
        let mut sampled = if head.is_json() {
            json::check(head)?;
            json::sampled_rows(head)
        } else {
            csv::sampled_rows(head)?
        };
        sampled.classifications.extend(texts.iter().cloned());
        let revisions = sampled.revisions(&head.file, given, !texts.is_empty())?;
        let part = |revision| Part::whole_table(Table::Trade, describe(revision, sampled.monthly));
        Ok(revisions.into_iter().map(part).collect())
    }

    fn notes(&self, heads: &[&Head]) -> Vec<String> {
        let capped = heads.iter().filter_map(|head| {
            let count = json::declared_rows(head).filter(|count| ROW_CAPS.contains(count))?;
            Some(format!(
                "{} has exactly {count} rows, the most that the API returns: it is probably cut off; use a \
                 smaller query",
                head.file
            ))
        });
        capped.collect()
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        let found = layout(head);
        [Column::Value, Column::Weight].map(|column| found.as_ref().map_or(0, |layout| layout.number(column)))
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let sampled = if head.is_json() { json::sampled_rows(head) } else { csv::sampled_rows(head)? };
        let dataset = part.metadata.dataset.as_deref();
        let monthly = dataset.is_some_and(|name| name.ends_with(MONTHLY)) || sampled.monthly;
        let layout = layout(head).ok_or_else(|| SourceError::unknown_header(&head.file, 1))?;
        let rows = Rows::new(&head.file, layout.clone(), setup, monthly);
        if head.is_json() {
            let (file, limits) = (head.file.clone(), setup.limits);
            return Ok(Box::new(json::Response { file, limits, layout, rows }));
        }
        Ok(Box::new(csv::Export { file: CsvFile::new(head, setup), layout, rows }))
    }
}

/// Columns of a csv, or members of records.
fn layout(head: &Head) -> Option<Layout> {
    if head.is_json() { json::layout(head) } else { csv::layout(head) }
}

/// Ending of the dataset of monthly figures.
const MONTHLY: &str = "-monthly";

/// The metadata of a release of one revision.
fn describe(revision: HsRevision, monthly: bool) -> Metadata {
    let (ending, frequency) = if monthly { (MONTHLY, "monthly") } else { ("", "annual") };
    let dataset = format!("comtrade-{}{ending}", revision.as_str().to_lowercase());
    let metadata = ABOUT.metadata(Table::Trade, dataset, format!("UN Comtrade, {revision}, {frequency}"));
    Metadata { hs: Some(revision.to_string()), ..metadata }
}

/// What is known of the rows of a file before they are read.
#[derive(Debug, Default)]
struct SampledRows {
    /// Classifications of the rows; none if they have no such column.
    classifications: BTreeSet<String>,
    /// The first row is of a month.
    monthly: bool,
}

impl SampledRows {
    /// Adds a row.
    fn add_row(&mut self, classification: &str, period: &str, first: bool) {
        if !classification.is_empty() {
            self.classifications.insert(classification.to_owned());
        }
        if first {
            self.monthly = period.len() == 6 && !period.ends_with("52");
        }
    }

    /// Whether rows name their revisions and none of them is this one. `all_rows`: the classifications of all
    /// rows are known, not only of the beginning.
    fn lacks(&self, revision: HsRevision, all_rows: bool) -> bool {
        let own = |text: &String| self::revision(text) == Some(revision);
        all_rows && !self.classifications.is_empty() && !self.classifications.iter().any(own)
    }

    /// The revisions of which each becomes a release.
    fn revisions(
        &self,
        file: &str,
        given: &Metadata,
        all_rows: bool,
    ) -> Result<Vec<HsRevision>, SourceError> {
        let refuse = |code, message: &str| SourceError::new(code, file, 0, message);
        let wanted = given.nomenclature(file)?;
        if let Some(wanted) = wanted {
            let revision = wanted.revision().filter(|revision| revision.as_str() == wanted.to_string());
            let error = || {
                refuse("unknown-hs-revision", "UN Comtrade follows the Harmonized System")
                    .at("hs", wanted.to_string())
                    .with_hint("write one of HS92, HS96, HS02, HS07, HS12, HS17, HS22")
            };
            let revision = revision.ok_or_else(error)?;
            return match self.lacks(revision, all_rows) {
                true => {
                    Err(refuse("hs-revision-mismatch", &format!("no row of the file follows {revision}"))
                        .at("hs", wanted.to_string())
                        .with_hint(format!(
                            "its rows follow {}: leave --hs out, so that each revision becomes a release",
                            self.listed()
                        )))
                }
                false => Ok(vec![revision]),
            };
        }
        let found: BTreeSet<_> = self.classifications.iter().filter_map(|text| revision(text)).collect();
        if found.is_empty() && !self.classifications.is_empty() {
            return Err(refuse("unknown-classification", "no row follows the Harmonized System")
                .at("classificationCode", self.listed())
                .with_hint("request classification HS, or one of H0 to H6"));
        }
        if found.is_empty() {
            return Err(refuse("missing-hs-revision", "the HS revision is not known")
                .with_hint("the file has no classificationCode: give it with --hs, such as --hs HS17"));
        }
        if found.len() > 1 && given.dataset.is_some() {
            return Err(refuse("mixed-revisions", "the file has rows of several revisions").with_hint(
                "leave --dataset out, so that each becomes a dataset of its own, or select one with --hs",
            ));
        }
        Ok(found.into_iter().collect())
    }

    /// The classifications, separated by commas.
    fn listed(&self) -> String {
        self.classifications.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}

/// The revision of a classification from `H0` to `H6`.
fn revision(classification: &str) -> Option<HsRevision> {
    let number: usize = classification.strip_prefix('H')?.parse().ok()?;
    HsRevision::ALL.get(number).copied()
}
