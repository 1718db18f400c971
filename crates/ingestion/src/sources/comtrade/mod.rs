//! UN Comtrade: what economies report of their trade, as csv and as the JSON of its interface.
//!
//! | what a row is | what becomes of it |
//! | --- | --- |
//! | an import (`M`) or export (`X`) of six digits with one partner | recorded, as reported by the importer or exporter |
//! | re-imports, re-exports, processing (`RM`, `RX`, `MIP`, ...) | outside: they are part of `M` and `X` |
//! | chapters, headings, `TOTAL` | outside: their subheadings are there besides |
//! | partner `World` | a declared total, compared with the sum of its partners; what it holds above them is a flow from or to `OTHER:undistributed` |
//! | partners that are no economy (areas not specified, bunkers, free zones) | recorded, with `OTHER:KIND` as the partner |
//! | the reporter itself | outside, and part of that sum |
//! | the European Union as one partner | outside: its members are there besides |
//! | one customs procedure, mode of transport or second partner | outside beside the total of all of them; set aside where there is none |
//!
//! Parts without their total are not added up: a query for one mode of transport has the parts of that mode and no others, and
//! parts along several lines overlap. Values are US dollars, weights kilograms; which column a weight is from says `weight`. A part
//! that is set aside, or whose figure is missing, leaves open what its total holds above the parts.

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
use super::metadata::Metadata;
use super::{About, Head, Part, Reader, Setup, Source, SourceError, records};
use crate::ids::UNDATED;

/// Files of UN Comtrade. Rows of several revisions of the Harmonized System become a release each: what is reported comes in
/// the revision of its reporter.
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

/// Answers of exactly so many rows are probably cut off there: the preview's cap and those of keys.
const CAPS: [u64; 3] = [500, 100_000, 250_000];

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
            return json::is_answer(head).then_some(usize::MAX);
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

    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let mut seen = if head.is_json() {
            json::check(head)?;
            json::seen(head)
        } else {
            csv::seen(head)?
        };
        seen.classifications.extend(texts.iter().cloned());
        let revisions = seen.revisions(&head.file, given, !texts.is_empty())?;
        let part = |revision| Part::of(Table::Trade, describe(revision, seen.monthly));
        Ok(revisions.into_iter().map(part).collect())
    }

    fn notes(&self, heads: &[&Head]) -> Vec<String> {
        let capped = heads.iter().filter_map(|head| {
            let count = json::declared(head).filter(|count| CAPS.contains(count))?;
            Some(format!(
                "{} has exactly {count} rows, as many as the interface gives: it is probably cut off; ask for less at once",
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
        let seen = if head.is_json() { json::seen(head) } else { csv::seen(head)? };
        let monthly =
            part.said.dataset.as_deref().is_some_and(|name| name.ends_with(MONTHLY)) || seen.monthly;
        let unknown = || SourceError::new("unknown-format", &head.file, 1, "the header is another");
        let layout = layout(head).ok_or_else(unknown)?;
        let rows = Rows::new(&head.file, layout.clone(), setup, monthly);
        let (file, limits) = (head.file.clone(), setup.limits);
        if head.is_json() {
            return Ok(Box::new(json::Answer { file, limits, layout, rows }));
        }
        Ok(Box::new(csv::Export { file, limits, form: records::form(head), layout, rows }))
    }
}

/// Columns of a csv, or members of records.
fn layout(head: &Head) -> Option<Layout> {
    if head.is_json() { json::layout(head) } else { csv::layout(head) }
}

/// What the dataset of monthly figures ends in.
const MONTHLY: &str = "-monthly";

/// What a release of one revision is.
fn describe(revision: HsRevision, monthly: bool) -> Metadata {
    let (ending, rhythm) = if monthly { (MONTHLY, "monthly") } else { ("", "annual") };
    Metadata {
        dataset: Some(format!("comtrade-{}{ending}", revision.as_str().to_lowercase())),
        vintage: Some(UNDATED.to_owned()),
        hs: Some(revision.to_string()),
        table: Some("trade".to_owned()),
        publisher: Some(ABOUT.publisher.to_owned()),
        title: Some(format!("UN Comtrade, {revision}, {rhythm}")),
        url: Some(ABOUT.url.to_owned()),
        licence: Some(ABOUT.licence.to_owned()),
        ..Metadata::default()
    }
}

/// What the beginning of a file shows.
#[derive(Debug, Default)]
struct Seen {
    /// Classifications of its rows; none: it has no such column.
    classifications: BTreeSet<String>,
    /// Its first row is of a month.
    monthly: bool,
}

impl Seen {
    /// Adds a row.
    fn row(&mut self, classification: &str, period: &str, first: bool) {
        if !classification.is_empty() {
            self.classifications.insert(classification.to_owned());
        }
        if first {
            self.monthly = period.len() == 6 && !period.ends_with("52");
        }
    }

    /// Whether rows say which revisions they follow, and none follows this one.
    fn lacks(&self, revision: HsRevision, whole: bool) -> bool {
        let own = |text: &String| self::revision(text) == Some(revision);
        whole && !self.classifications.is_empty() && !self.classifications.iter().any(own)
    }

    /// The revisions that become a release each.
    /// `whole`: all rows are known, not the beginning alone.
    fn revisions(&self, file: &str, given: &Metadata, whole: bool) -> Result<Vec<HsRevision>, SourceError> {
        let refuse = |code, message: &str| SourceError::new(code, file, 0, message);
        let wanted = given.nomenclature(file)?;
        if let Some(wanted) = wanted {
            let revision = wanted.revision().filter(|revision| revision.as_str() == wanted.to_string());
            let error = || {
                refuse("unknown-hs-revision", "UN Comtrade follows the Harmonized System")
                    .at("hs", wanted.to_string())
                    .with_hint("one of HS92, HS96, HS02, HS07, HS12, HS17, HS22")
            };
            let revision = revision.ok_or_else(error)?;
            return match self.lacks(revision, whole) {
                true => Err(refuse("other-hs-revision", &format!("no row of the file follows {revision}"))
                    .at("hs", wanted.to_string())
                    .with_hint(format!(
                        "its rows follow {}: leave --hs out, so that each revision becomes a release",
                        self.classifications.iter().cloned().collect::<Vec<_>>().join(", ")
                    ))),
                false => Ok(vec![revision]),
            };
        }
        let found: BTreeSet<_> = self.classifications.iter().filter_map(|text| revision(text)).collect();
        if found.is_empty() && !self.classifications.is_empty() {
            let said = self.classifications.iter().cloned().collect::<Vec<_>>().join(", ");
            return Err(refuse("unknown-classification", "no row follows the Harmonized System")
                .at("classificationCode", said)
                .with_hint("ask for classification HS, or one of H0 to H6"));
        }
        if found.is_empty() {
            return Err(refuse("missing-hs-revision", "the HS revision is not known")
                .with_hint("the file has no classificationCode: give it with --hs, such as --hs HS17"));
        }
        if found.len() > 1 && given.dataset.is_some() {
            return Err(refuse("mixed-revisions", "the file has rows of several revisions")
                .with_hint("leave --dataset out, so that each becomes a dataset of its own, or take one of them with --hs"));
        }
        Ok(found.into_iter().collect())
    }
}

/// The revision that Comtrade calls `H0` to `H6`.
fn revision(classification: &str) -> Option<HsRevision> {
    let number: usize = classification.strip_prefix('H')?.parse().ok()?;
    HsRevision::ALL.get(number).copied()
}
