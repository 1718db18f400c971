//! Interventions of the Global Trade Alert (<https://globaltradealert.org>): state acts that change the terms
//! of trade, of which those that restrict exports are read.
//!
//! Two forms are read:
//!
//! - JSON of the API, version 1 and 2: an array of records, or an envelope with one; products are numbers or
//!   objects. Verified on its documentation, and on programs that read it.
//! - Csv of the data centre: `State Act Title,Intervention ID,GTA Evaluation,Implementing Jurisdictions,...`.
//!   Verified on column names in programs that read it.
//!
//! A record says of several economies that they restrict several products: each pair is a row. What a record
//! says of one product (its dates, evaluation, flow, jurisdictions) counts for that product instead of what
//! it says of all; a member that is null there is taken from the record. Affected jurisdictions are those
//! whose trade suffers, not those that the law names; so a restriction concerns everyone unless the record
//! says that they are targeted. The day of removal is taken for the last day in force.
//!
//! Out of scope: interventions of other types (everything but export taxes, bans, quotas, licences and other
//! limits), those that were never in force and those about no product. Quarantined: records without a number
//! or with one that was there before, types that look like restrictions of exports and are unknown, unknown
//! economies, invalid products and days.

mod csv;
mod json;
mod literal;
mod record;

use orewatch_catalog::HsRevision;
use orewatch_contracts::ingestion::v1::Table;

use super::csv_file::CsvFile;
use super::{About, FileFacts, Head, Metadata, Part, Reader, Setup, Source, SourceError};

/// Global Trade Alert, as JSON and as csv.
#[derive(Debug)]
pub(super) struct Gta;

static ABOUT: About = About {
    id: "gta/2",
    title: "Global Trade Alert: interventions that restrict exports",
    publisher: "Global Trade Alert",
    url: "https://globaltradealert.org",
    licence: "Global Trade Alert terms of use",
    tables: &[Table::Restrictions],
    forms: &[
        "JSON: [{intervention_id,gta_evaluation,implementing_jurisdictions,intervention_type,...},...]",
        "Intervention ID,GTA Evaluation,Implementing Jurisdictions,Intervention Type,Affected Products,\
         Date Implemented,...",
    ],
};

/// The revision that product codes follow unless `--hs` names another.
const REVISION: HsRevision = HsRevision::Hs12;

impl Source for Gta {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        if json::is_response(head) {
            return Some(usize::MAX);
        }
        csv::Layout::find(&head.csv_header()).map(|layout| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        csv::needs()
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        if !json::is_response(file.head) {
            layout(file.head)?;
        }
        let metadata = ABOUT.metadata(Table::Restrictions, "gta", "Global Trade Alert: interventions");
        let metadata = Metadata { hs: Some(REVISION.to_string()), ..metadata };
        Ok(vec![Part::whole_table(Table::Restrictions, metadata)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let revision = setup.revision().unwrap_or(REVISION);
        if json::is_response(head) {
            return Ok(Box::new(json::Response { file: head.file.clone(), limits: setup.limits, revision }));
        }
        Ok(Box::new(csv::Export { file: CsvFile::new(head, setup), revision, layout: layout(head)? }))
    }
}

fn layout(head: &Head) -> Result<csv::Layout, SourceError> {
    csv::Layout::find(&head.csv_header()).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}
