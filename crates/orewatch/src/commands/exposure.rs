//! `exposure`: how far a consumer depends on its suppliers.
use orewatch_contracts::common::v1::{self as common, AsAt, By};
use orewatch_contracts::exposure::v1;
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter, QueryExposuresRequest};
use orewatch_runtime::Failure;
use serde_json::json;

use super::{absent, compared, point, say};
use crate::options::{ClientOptions, Format};
use crate::render::{card, document, list};
use crate::session::Client;
use crate::view::ExposureRow;

/// Largest page that a server gives.
const PAGE: u32 = 10_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
With one consumer and one material, and no measure, the answer is the analyst's view: suppliers by
share, concentration, and what it all rests on. Otherwise it is a list. Options take several values,
separated by commas.

Examples:
  orewatch exposure --consumer DEU --material manganese --stage mined --as-of 2022
  orewatch exposure --consumer G7,EU27,JPN --material rare-earths --supplier CHN --as-of 2018..2024 --by quantity
  orewatch exposure --consumer WLD --material antimony --measure production-top1 --as-at MCS2025
  orewatch exposure --consumer JPN --material lithium --measure import-share --supplier CHN --sources
  orewatch exposure --consumer JPN --format csv > japan.csv")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Measures, such as import-share, net-import-reliance or lookthrough-share; `orewatch measures` lists all
    #[arg(long, value_name = "MEASURE", value_delimiter = ',')]
    measure: Vec<String>,
    /// What flows are weighed by
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// Periods: 2022, 2018..2024 or all [default: of each market the latest]
    #[arg(long, value_name = "PERIODS", default_value = "", hide_default_value = true)]
    as_of: String,
    #[arg(long, value_name = "POINT", help = point::AS_AT)]
    as_at: Option<String>,
    /// Length of periods [default: annual for the latest, any for named periods]
    #[arg(long, value_enum)]
    frequency: Option<Frequency>,
    /// Show what each dataset says, side by side: name one consumer, one material and the measure
    #[arg(long, conflicts_with_all = ["trend", "dataset"])]
    sources: bool,
    /// Say how figures moved: change since the period before, mean of the last three and five periods
    #[arg(long)]
    trend: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Most suppliers that the analyst's view names
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Which subjects.
#[derive(Debug, clap::Args)]
pub(crate) struct Select {
    /// Who depends: economies (ISO alpha-3), blocs (G7, EU27, G7-plus, QUAD, MSP) or WLD
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// On what
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Where in the chain: mined, refined, manufactured
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    stage: Vec<String>,
    /// On whom: economies (ISO alpha-3)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    supplier: Vec<String>,
}

/// What flows are weighed by.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Weight {
    /// By tonnes
    Quantity,
    /// By current US dollars
    Value,
}

impl From<Weight> for By {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Quantity => Self::Quantity,
            Weight::Value => Self::Value,
        }
    }
}

/// How long periods are.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Frequency {
    /// Years
    Annual,
    /// Months
    Monthly,
}

impl From<Frequency> for common::Frequency {
    fn from(frequency: Frequency) -> Self {
        match frequency {
            Frequency::Annual => Self::Annual,
            Frequency::Monthly => Self::Monthly,
        }
    }
}

/// How the recorded figures are read.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// Which of two reports of one flow is the best estimate; bounds span both [default: importer]
    #[arg(long, value_enum)]
    mirror: Option<Mirror>,
    /// Read a tenant's own figures before everyone's
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Answer by this dataset alone, with its supplements, whatever the source policy says
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
}

/// Which of two reports of a flow counts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mirror {
    /// The importer's
    Importer,
    /// The exporter's
    Exporter,
    /// The larger
    Larger,
    /// The mean of both
    Mean,
}

impl Reading {
    /// As it is asked for. None: as figures are published.
    pub(crate) fn message(&self) -> Option<v1::Reading> {
        if self.mirror.is_none() && self.tenant.is_none() && self.dataset.is_none() {
            return None;
        }
        let mirror = self.mirror.map_or(v1::Mirror::Unspecified, |mirror| match mirror {
            Mirror::Importer => v1::Mirror::Importer,
            Mirror::Exporter => v1::Mirror::Exporter,
            Mirror::Larger => v1::Mirror::Larger,
            Mirror::Mean => v1::Mirror::Mean,
        });
        Some(v1::Reading {
            mirror: mirror.into(),
            tenant: self.tenant.clone().unwrap_or_default(),
            dataset: self.dataset.clone().unwrap_or_default(),
        })
    }
}

/// Exposures that match, with the position of the observations log that they rest on.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) as_at_position: u64,
}

/// Asks for what a filter matches, as it is known and published.
pub(crate) fn of(filter: ExposureFilter) -> QueryExposuresRequest {
    QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() }
}

/// Asks for what a filter matches as it was known; without a time as it is known.
pub(crate) fn as_at(filter: ExposureFilter, at: Option<AsAt>) -> QueryExposuresRequest {
    QueryExposuresRequest { as_at: at, ..of(filter) }
}

/// Asks for all exposures that match, page by page.
pub(crate) async fn query(client: &Client, asked: QueryExposuresRequest) -> Result<Found, Failure> {
    let mut service = client.exposure().await?;
    let mut found = Found::default();
    let mut page_token = String::new();
    loop {
        let ask = QueryExposuresRequest { page_size: PAGE, page_token, ..asked.clone() };
        let page = service.query_exposures(client.request(ask)).await?.into_inner();
        found.exposures.extend(page.exposures);
        found.as_at_position = page.as_at_position;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let filter = ExposureFilter {
        consumers: args.select.consumer.clone(),
        materials: args.select.material.clone(),
        stages: args.select.stage.clone(),
        suppliers: args.select.supplier.clone(),
        measures: args.measure.clone(),
        by: args.by.map_or(By::Unspecified, By::from).into(),
        as_of: args.as_of.clone(),
        frequency: args.frequency.map_or(common::Frequency::Unspecified, common::Frequency::from).into(),
    };
    let as_at = point::as_at(args.as_at.as_deref())?;
    let asked = QueryExposuresRequest {
        filter: Some(filter.clone()),
        as_at: as_at.clone(),
        trend: args.trend,
        reading: args.reading.message(),
        ..QueryExposuresRequest::default()
    };
    let found = query(client, asked).await?;
    if args.sources && !found.exposures.is_empty() {
        return compared::run(client, &found.exposures, as_at, args.reading.message()).await;
    }
    if found.exposures.is_empty() {
        say("no figure matches");
        for reason in absent::reasons_for_nothing(client, &filter, as_at).await? {
            say(&format!("  {reason}"));
        }
    }
    let rows: Vec<ExposureRow<'_>> = found.exposures.iter().map(ExposureRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "as_at_position": found.as_at_position,
            "exposures": document(&rows),
        })),
        Format::Csv => client.out.csv(&rows),
        Format::Table if found.exposures.is_empty() => Ok(()),
        Format::Table if args.is_view() => {
            client.out.text(&card::render(&client.out, &found.exposures, args.top))
        }
        Format::Table => client.out.text(&list(&client.out, &found.exposures, args.trend)),
    }
}

impl Args {
    /// Whether the analyst's view answers the question.
    fn is_view(&self) -> bool {
        let one = |values: &[String]| values.len() == 1;
        one(&self.select.consumer)
            && one(&self.select.material)
            && self.select.supplier.is_empty()
            && self.measure.is_empty()
            && self.as_of != "all"
            && !self.as_of.contains("..")
    }
}
