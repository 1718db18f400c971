//! Mineral Commodity Summaries of the US Geological Survey
//! (<https://www.usgs.gov/centers/national-minerals-information-center/mineral-commodity-summaries>): world
//! production, and salient statistics of the United States.
//!
//! Their files come in three layouts. Up to 2024 there are two files for each commodity:
//! `Source,Country,Type,Prod_t_2022,Prod_t_est_2023,...` for the world and
//! `DataSource,Commodity,Year,USprod_t,Imports_t,...` for the United States. In 2025 there is one file for
//! the world, with columns for commodity and unit. From 2026 on there is one file for both, a row a figure.
//! Years and units are parts of column names or cells, so that the same code reads other editions. The
//! columns alone identify a file; only the commodity that it is about may be taken from its name.
//!
//! World production becomes a release of output, salient statistics one of parameters. The tables [`series`]
//! and [`chapters`] say what either leaves out of scope, and why. Quarantined: unknown economies and units,
//! figures that are none, rows of another edition than the file's, and years that the edition cannot know.
//!
//! What the Survey says about figures of world production, such as why they were revised, is kept as notes of
//! the release ([`notes`]).

mod cell;
mod chapters;
mod layout;
mod long;
mod notes;
mod producer;
mod salient;
mod series;
mod statistic;
mod world;

use orewatch_contracts::ingestion::v1::Table;

use super::{About, FileFacts, Head, Metadata, Part, Reader, Setup, Source, SourceError};
use layout::{Layout, SummaryFile};

/// Mineral Commodity Summaries, as csv in any of their layouts.
#[derive(Debug)]
pub(super) struct Summaries;

static ABOUT: About = About {
    id: "usgs-mcs/1",
    title: "Mineral Commodity Summaries: world production, and salient statistics of the United States",
    publisher: "US Geological Survey",
    url: "https://www.usgs.gov/centers/national-minerals-information-center/mineral-commodity-summaries",
    licence: "US public domain",
    tables: &[Table::Production, Table::Parameters],
    forms: &[
        "Source,Country,Type,Prod_UNIT[_est]_YEAR...[,Prod_notes][,Reserves_UNIT...]",
        "DataSource,Commodity,Year,USprod[_KIND]_UNIT,Imports[_KIND]_UNIT,...",
        "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD[_EST]_YEAR...[,PROD_NOTES][,RESERVES_YEAR]",
        "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes",
    ],
};

/// Hint for a row of an unknown or another edition.
const EDITION_HINT: &str = "cells of the column Source name the edition, such as MCS2024";

impl Source for Summaries {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::detect(head).map(|_| usize::MAX)
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let edition = layout::edition(file.head);
        let part = |table| Part::whole_table(table, describe(table, edition));
        Ok(match layout(file.head)? {
            Layout::World(_) => vec![part(Table::Production)],
            Layout::Salient(_) => vec![part(Table::Parameters)],
            Layout::Long(_) => vec![part(Table::Production), part(Table::Parameters)],
        })
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let file = SummaryFile::new(head, setup);
        Ok(match layout(head)? {
            Layout::World(columns) => {
                Box::new(world::World { columns, material: file.only_material(), file })
            }
            Layout::Salient(columns) => Box::new(salient::Salient { columns, file }),
            Layout::Long(columns) => {
                Box::new(long::Long { columns, file, production: part.table == Table::Production })
            }
        })
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    Layout::detect(head).ok_or_else(|| {
        let message = "the columns are of no layout of the Mineral Commodity Summaries";
        SourceError::new("unknown-format", &head.file, 1, message)
            .with_hint(format!("known layouts are\n  {}", ABOUT.forms.join("\n  ")))
    })
}

/// The metadata of a table of an edition.
fn describe(table: Table, edition: Option<i16>) -> Metadata {
    let (dataset, contents) = match table {
        Table::Production => ("usgs-mcs", "world production"),
        _ => ("usgs-mcs-salient", "salient statistics of the United States"),
    };
    let year = edition.map(|year| format!(" {year}")).unwrap_or_default();
    let title = format!("Mineral Commodity Summaries{year}: {contents}");
    Metadata {
        vintage: edition.map(|year| format!("MCS{year}")),
        published: edition.map(|year| year.to_string()),
        ..ABOUT.metadata(table, dataset, title)
    }
}
