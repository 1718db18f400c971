//! Interventions of the Global Trade Alert: state acts that change the terms of trade, of which those restrict exports count.
//!
//! | form | verified on |
//! | --- | --- |
//! | JSON of the interface, version 1 and 2: an array of records, or an envelope with one; products as numbers, or as objects | its documentation, and programs that read it |
//! | csv of the data centre: `State Act Title,Intervention ID,GTA Evaluation,Implementing Jurisdictions,...` | names of columns in programs that read it |
//!
//! A record says of several economies that they restrict several products: each pair is a row. What a record says of one product
//! (its dates, evaluation, flow, jurisdictions) counts for that product instead of what it says of all; what is null there is said of
//! all. Affected jurisdictions are those whose trade suffers, not those whom the law names; so a restriction concerns everyone unless
//! the record says that they are targeted.

mod csv;
mod json;
mod literal;
mod record;

use std::collections::BTreeSet;

use orewatch_catalog::HsRevision;
use orewatch_contracts::ingestion::v1::Table;

use super::metadata::Metadata;
use super::{About, Head, Part, Reader, Setup, Source, SourceError, records};
use crate::ids::UNDATED;

/// Export taxes, bans, quotas, licences and other limits. Interventions of other types, those that have never been in force
/// and those about no product are out of scope. The day of removal is taken for the last day in force.
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
        "Intervention ID,GTA Evaluation,Implementing Jurisdictions,Intervention Type,Affected Products,Date Implemented,...",
    ],
};

/// The revision of product codes.
const REVISION: HsRevision = HsRevision::Hs12;

impl Source for Gta {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        if json::is_answer(head) {
            return Some(usize::MAX);
        }
        csv::Layout::find(records::sample(head).first()?).map(|layout| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        csv::needs()
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        if !json::is_answer(head) {
            layout(head)?;
        }
        let said = Metadata {
            dataset: Some("gta".to_owned()),
            vintage: Some(UNDATED.to_owned()),
            hs: Some(REVISION.to_string()),
            table: Some("restrictions".to_owned()),
            publisher: Some(ABOUT.publisher.to_owned()),
            title: Some("Global Trade Alert: interventions".to_owned()),
            url: Some(ABOUT.url.to_owned()),
            licence: Some(ABOUT.licence.to_owned()),
            ..Metadata::default()
        };
        Ok(vec![Part::of(Table::Restrictions, said)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (file, limits) = (head.file.clone(), setup.limits);
        let revision = setup.revision().unwrap_or(REVISION);
        if json::is_answer(head) {
            return Ok(Box::new(json::Answer { file, limits, revision }));
        }
        let (layout, form) = (layout(head)?, records::form(head));
        Ok(Box::new(csv::Export { file, limits, revision, form, layout }))
    }
}

fn layout(head: &Head) -> Result<csv::Layout, SourceError> {
    let sample = records::sample(head);
    let found = sample.first().and_then(|header| csv::Layout::find(header));
    found.ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}
