//! `exposure`: shows how far a consumer depends on its suppliers.
mod arrange;
mod compare_sources;
pub(crate) mod missing;
mod query;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{self as common, By};
use orewatch_contracts::exposure::v1;
use orewatch_contracts::exposure::v1::{ExposureFilter, QueryExposuresRequest};
use serde_json::json;

use super::{as_at, print_message, scenarios, with_client};
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, Wide, card, document, list, write_records};
use crate::session::{Client, Session};
use crate::words::count_text;
use arrange::Arrange;
use query::Found;
pub(crate) use query::{current, known_at, query};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
For one consumer and one material without --measure, the output is a summary: suppliers by share,
concentration, and the releases used. Otherwise it is a list of figures. Most options take several
values, separated by commas.

Examples:
  orewatch exposure --consumer DEU --material manganese --stage mined --as-of 2022
  orewatch exposure --consumer G7,EU27,JPN --material rare-earths --supplier CHN --as-of 2018..2024
  orewatch exposure --consumer WLD --material antimony --measure production-top1 --as-at MCS2025
  orewatch exposure --consumer JPN --material lithium --measure import-share --supplier CHN --sources
  orewatch exposure --consumer WLD --material graphite --scenario iea-cm:base --as-of 2030
  orewatch exposure --consumer G7 --members --material 'rare earths' --stage refined \\
      --measure import-share --supplier China --by quantity --as-of 2014,2024 --wide
  orewatch exposure --consumer Germany,Japan --measure import-share --above 65% --sort=-value
  orewatch exposure --consumer USA --material 'listed(USA-2025)' --measure import-top1
  orewatch exposure --consumer JPN --excel > japan.csv")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Measures, such as import-share or net-import-reliance; `orewatch measures` lists them [default: all]
    #[arg(long, value_name = "MEASURE", value_delimiter = ',')]
    measure: Vec<String>,
    /// Weight of flows [default: both]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// Periods: 2022, 2018..2024, a list 2014,2024, or all [default: the latest of each material and stage]
    #[arg(long, value_name = "PERIODS", value_delimiter = ',')]
    as_of: Vec<String>,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    /// Length of periods [default: annual; any if --as-of names periods]
    #[arg(long, value_enum)]
    frequency: Option<Frequency>,
    /// Compare the figure across datasets, side by side; best for one consumer, one material and one measure
    #[arg(long, conflicts_with_all = ["trend", "dataset", "scenario", "firmness"])]
    sources: bool,
    /// Show the trend: change since the previous period, and means of the last 3 and 5 periods
    #[arg(long)]
    trend: bool,
    /// Show how firm the published figures behind each figure are, by how much they were revised so far
    #[arg(long)]
    firmness: bool,
    #[command(flatten)]
    arrange: Arrange,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Maximum number of suppliers in the summary
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    client: ClientOptions,
}

/// Selection of subjects.
#[derive(Debug, clap::Args)]
pub(crate) struct Select {
    /// Consumers: economies (ISO alpha-3 or name), blocs (G7, EU27, G7-plus, QUAD, MSP) or the world (WLD)
    /// [default: all]
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// Materials, such as rare-earths, or those of a list: listed(USA-2025) [default: all]
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Stages: mined, refined or manufactured [default: all]
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    stage: Vec<String>,
    /// Suppliers: economies (ISO alpha-3 or name) [default: all]
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    supplier: Vec<String>,
}

impl Select {
    /// The selection as a filter of the service, with codes in the place of names.
    pub(crate) fn filter(&self) -> Result<ExposureFilter, Failure> {
        Ok(ExposureFilter {
            consumers: names::consumers(&self.consumer)?,
            materials: names::materials(&self.material)?,
            stages: names::stages(&self.stage)?,
            suppliers: names::suppliers(&self.supplier)?,
            ..ExposureFilter::default()
        })
    }
}

/// Weight of flows, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Weight {
    /// Tonnes
    Quantity,
    /// Current US dollars
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

/// Length of periods, as an argument.
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

/// How the recorded statistics are read.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// Report to use if importer and exporter both report a flow; bounds span both [default: importer]
    #[arg(long, value_enum)]
    mirror: Option<Mirror>,
    /// Prefer the figures of this tenant to everyone's
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Use only this dataset and its supplements, regardless of the source policy
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
    /// Use projections of this scenario in place of observations; `orewatch scenarios` lists them
    #[arg(long, value_name = "DATASET:SCENARIO", conflicts_with = "dataset")]
    pub(crate) scenario: Option<String>,
}

/// Which of two reports of a flow is used, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mirror {
    /// The importer's report
    Importer,
    /// The exporter's report
    Exporter,
    /// The larger of the two
    Larger,
    /// The mean of the two
    Mean,
}

impl Reading {
    /// Returns the reading for the request. `None`: as figures are published.
    pub(crate) fn message(&self) -> Option<v1::Reading> {
        let is_usual = self.mirror.is_none() && self.tenant.is_none();
        if is_usual && self.dataset.is_none() && self.scenario.is_none() {
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
            scenario: self.scenario.clone().unwrap_or_default(),
        })
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| query_and_print(&args, client).await).await
}

async fn query_and_print(args: &Args, client: &Client) -> Result<(), Failure> {
    let filter = args.filter()?;
    let as_at = as_at::parse(args.as_at.as_deref())?;
    let asked = QueryExposuresRequest {
        filter: Some(ExposureFilter {
            consumers: args.arrange.consumers(&filter.consumers)?,
            ..filter.clone()
        }),
        as_at: as_at.clone(),
        trend: args.trend,
        firmness: args.firmness,
        reading: args.reading.message(),
        ..QueryExposuresRequest::default()
    };
    let mut found = query(client, asked).await?;
    let is_known = !found.exposures.is_empty();
    let unknown = args.arrange.apply(&filter.consumers, &mut found.exposures);
    if args.sources && !found.exposures.is_empty() {
        return compare_sources::run(client, &found.exposures, as_at, args.reading.message()).await;
    }
    if unknown > 0 {
        let figures = count_text(unknown, "figure");
        print_message(&format!("{figures} left out: no value is known to compare with the limit."));
    }
    if is_known && found.exposures.is_empty() {
        print_message("No figure is within the limits.");
    } else if found.exposures.is_empty() {
        print_message("No figure matches.");
        let reasons = match &args.reading.scenario {
            Some(scenario) => vec![scenarios::nothing_projected(scenario)],
            None => missing::reasons_for_empty_result(client, &filter, as_at).await?,
        };
        for reason in reasons {
            print_message(&format!("  {reason}"));
        }
    }
    print(args, &client.out, &filter, &found)?;
    client.out.require(found.exposures.is_empty())
}

/// Prints what was found as a summary, as a list, or with the periods side by side.
fn print(args: &Args, out: &Out, filter: &ExposureFilter, found: &Found) -> Result<(), Failure> {
    let wide = args.arrange.wide.then(|| Wide::new(&found.exposures));
    match (out.format, wide) {
        (Format::Json, Some(wide)) => out.json(&json!({
            "as_at_position": found.as_at_position,
            "figures": wide.document(),
        })),
        (Format::Json, None) => out.json(&json!({
            "as_at_position": found.as_at_position,
            "exposures": document(&found.exposures),
        })),
        (Format::Csv, Some(wide)) => {
            let (header, records) = wide.records();
            out.csv_text(&write_records(out.dialect, &header, records)?)
        }
        (Format::Csv, None) => out.csv(&found.exposures),
        (Format::Table, _) if found.exposures.is_empty() => Ok(()),
        (Format::Table, Some(wide)) => out.text(&wide.table(out)),
        (Format::Table, None) if args.is_summary(filter) => {
            out.text(&card::render(out, &found.exposures, args.top))
        }
        (Format::Table, None) => out.text(&list(out, &found.exposures, args.trend)),
    }
}

impl Args {
    /// The query as a filter of the service.
    fn filter(&self) -> Result<ExposureFilter, Failure> {
        Ok(ExposureFilter {
            measures: names::measures(&self.measure)?,
            by: self.by.map_or(By::Unspecified, By::from).into(),
            as_of: self.as_of.join(","),
            frequency: self.frequency.map_or(common::Frequency::Unspecified, common::Frequency::from).into(),
            ..self.select.filter()?
        })
    }

    /// Whether to print the summary of one consumer and one material instead of a list.
    fn is_summary(&self, filter: &ExposureFilter) -> bool {
        let one = |values: &[String]| values.len() == 1;
        one(&filter.consumers)
            && one(&filter.materials)
            && filter.suppliers.is_empty()
            && self.measure.is_empty()
            && !self.firmness
            && !self.arrange.is_list()
            && self.as_of.len() <= 1
            && !self.as_of.iter().any(|periods| periods == "all" || periods.contains(".."))
    }
}
