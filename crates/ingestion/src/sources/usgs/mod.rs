//! Mineral Commodity Summaries of the US Geological Survey: world production, and salient statistics of the United States.
//!
//! Their files come in three layouts. To 2024 there are two a commodity: `Source,Country,Type,Prod_t_2022,Prod_t_est_2023,...`
//! for the world and `DataSource,Commodity,Year,USprod_t,Imports_t,...` for the United States. In 2025 there is one for the
//! world, with columns for commodity and unit. From 2026 on there is one for both, a row a figure. Years and units stand in
//! names of columns or in cells, so that other editions are read by the same code; files are told by their columns alone. Only
//! which commodity a file is about may be left to its name.
//!
//! World production becomes a release of output, salient statistics one of parameters. What either leaves out, and why, is
//! said where the tables of both are: [`series`] and [`chapters`].

mod cell;
mod chapters;
mod layout;
mod long;
mod producer;
mod salient;
mod series;
mod statistic;
mod world;

use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::Table;

use super::metadata::Metadata;
use super::{About, Head, Part, Reader, Setup, Source, SourceError};
use layout::Layout;

/// All layouts: they are told apart by their columns.
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

/// What a file with an unknown edition is told.
const EDITION: &str = "cells of the column Source name the edition, such as MCS2024";

impl Source for Summaries {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::of(head).map(|_| usize::MAX)
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let edition = layout::edition(head);
        let part = |table| Part::of(table, describe(table, edition));
        Ok(match layout(head)? {
            Layout::World(_) => vec![part(Table::Production)],
            Layout::Salient(_) => vec![part(Table::Parameters)],
            Layout::Long(_) => vec![part(Table::Production), part(Table::Parameters)],
        })
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let file = layout::File::of(head, setup.limits);
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
    Layout::of(head).ok_or_else(|| {
        SourceError::new("unknown-format", &head.file, 1, "the columns are of no layout of the Summaries")
            .with_hint(format!("known are\n  {}", ABOUT.forms.join("\n  ")))
    })
}

/// What is said of a table of an edition.
fn describe(table: Table, edition: Option<i16>) -> Metadata {
    let (dataset, named, about) = match table {
        Table::Production => ("usgs-mcs", "production", "world production"),
        _ => ("usgs-mcs-salient", "parameters", "salient statistics of the United States"),
    };
    let year = edition.map(|year| format!(" {year}")).unwrap_or_default();
    Metadata {
        dataset: Some(dataset.to_owned()),
        vintage: edition.map(|year| format!("MCS{year}")),
        table: Some(named.to_owned()),
        publisher: Some(ABOUT.publisher.to_owned()),
        title: Some(format!("Mineral Commodity Summaries{year}: {about}")),
        url: Some(ABOUT.url.to_owned()),
        licence: Some(ABOUT.licence.to_owned()),
        published: edition.map(|year| year.to_string()),
        ..Metadata::default()
    }
}
