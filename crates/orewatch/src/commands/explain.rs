//! `explain`: shows how a figure is computed, from the formula down to the source rows.
mod against;
mod differences;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, ExposureFilter, Subject};
use serde_json::json;

use super::exposure::{Reading, Weight, missing};
use super::own_use::OwnUse;
use super::{as_at, cite, print_message, scenarios, with_client};
use crate::amount_unit::AmountUnit;
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{document, explanation, object};
use crate::session::{Client, Session};
use crate::view::{Citation, skipped_texts};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch explain --consumer G7 --material rare-earths --stage refined --supplier CHN --as-of 2024
  orewatch explain --consumer DEU --material manganese --stage mined --supplier ZAF \\
      --measure lookthrough-share
  orewatch explain --consumer WLD --material antimony --stage mined \\
      --measure production-top1 --as-at MCS2025
  orewatch explain --consumer WLD --material antimony --stage mined --as-of 2024 \\
      --measure production-top1 --against MCS2025")]
pub(crate) struct Args {
    /// Consumer: an economy (ISO alpha-3 or name), a bloc (G7, EU27, G7-plus, QUAD, MSP) or the world (WLD)
    #[arg(long, value_name = "CODE")]
    consumer: String,
    /// Material, such as rare-earths
    #[arg(long, value_name = "MATERIAL")]
    material: String,
    /// Stage: mined, refined or manufactured
    #[arg(long, value_name = "STAGE")]
    stage: String,
    /// Supplier: an economy (ISO alpha-3 or name)
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    supplier: String,
    /// Measure [default: import-share with a supplier, import-hhi without; of production with --scenario]
    #[arg(long, value_name = "MEASURE")]
    measure: Option<String>,
    /// Weight of flows [default: quantity; value for measures that are defined only by value]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// Period, such as 2024 or 2024-06 [default: the latest with data]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    as_of: String,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    /// Compare with what was known at an earlier point, side by side: a release, a time, a day, or @POSITION
    #[arg(long, value_name = "POINT")]
    against: Option<String>,
    /// Maximum number of source rows to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Maximum number of routes to show, for measures that follow the material to its origin
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    routes: u32,
    /// Show amounts in this unit (kg, kt, Mt) or on this basis (LCE, Li2O); `orewatch units` lists them
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Print citations of the releases behind the figure
    #[arg(long, conflicts_with = "unit")]
    cite: bool,
    #[command(flatten)]
    own_use: OwnUse,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| explain(&args, client).await).await
}

async fn explain(args: &Args, client: &Client) -> Result<(), Failure> {
    let as_at = as_at::parse(args.as_at.as_deref())?;
    let subject = args.subject()?;
    let request = ExplainExposureRequest {
        subject: Some(subject.clone()),
        as_of: args.as_of.clone(),
        as_at: as_at.clone(),
        max_rows: args.rows,
        max_routes: args.routes,
        reading: args.reading.message(),
    };
    if let Some(earlier) = as_at::parse_named("against", args.against.as_deref())? {
        return against::run(client, &request, earlier, args.own_use).await;
    }
    let mut response = client.take(client.exposure().await?.explain_exposure(client.request(request)).await?);
    if let Some(unit) = &args.unit {
        AmountUnit::parse(unit, &subject)?.convert(&mut response);
    }
    if args.cite {
        let measure = response.exposure.as_ref().and_then(|exposure| exposure.subject.as_ref());
        let measure = measure.map_or(subject.measure.as_str(), |subject| subject.measure.as_str());
        let releases = response.releases.iter().cloned();
        let citations = releases.map(|release| Citation::of_figure(release, measure, &response.citation));
        return cite::print(&client.out, &citations.collect::<Vec<_>>());
    }
    args.own_use.check(client.out.format, &response.rows, &response.releases)?;
    let exposure = response.exposure.clone().unwrap_or_default();
    if exposure.estimate.as_ref().is_none_or(|estimate| estimate.value.is_none() && estimate.low.is_none()) {
        let reasons = match &args.reading.scenario {
            Some(scenario) => vec![scenarios::nothing_projected(scenario)],
            None => missing::reasons(client, &args.filter(&subject), as_at).await?,
        };
        reasons.iter().for_each(|reason| print_message(reason));
    }
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "exposure": object(&exposure),
            "formula": response.formula,
            "citation": response.citation,
            "terms": document(&response.terms),
            "contributions": document(&response.contributions),
            "routes": document(&response.routes),
            "other_routes": response.other_routes,
            "balances": document(&response.balances),
            "rows": document(&response.rows),
            "rows_total": response.rows_total,
            "releases": response.releases.iter().map(|release| &release.id).collect::<Vec<_>>(),
            "notes": document(&response.notes),
            "skipped": skipped_texts(&response.skipped),
            "erased": response.erased.iter().map(|one| &one.release).collect::<Vec<_>>(),
        })),
        Format::Csv => client.out.csv(&response.rows),
        Format::Table => client.out.text(&explanation(&client.out, &exposure, &response)),
    }
}

impl Args {
    fn measure(&self) -> &str {
        let usual = match (self.supplier.is_empty(), self.reading.scenario.is_some()) {
            (true, false) => "import-hhi",
            (false, false) => "import-share",
            (true, true) => "production-hhi",
            (false, true) => "production-share",
        };
        self.measure.as_deref().unwrap_or(usual)
    }

    /// The queried subject, with codes in the place of names.
    fn subject(&self) -> Result<Subject, Failure> {
        Ok(Subject {
            consumer: names::consumer(&self.consumer)?,
            material: names::material(&self.material)?,
            stage: names::stage(&self.stage)?,
            supplier: names::supplier(&self.supplier)?,
            measure: names::measure(self.measure())?,
            by: self.by.map_or(By::Unspecified, By::from).into(),
        })
    }

    /// Returns the queried subject and period as a filter.
    fn filter(&self, subject: &Subject) -> ExposureFilter {
        ExposureFilter {
            consumers: vec![subject.consumer.clone()],
            materials: vec![subject.material.clone()],
            stages: vec![subject.stage.clone()],
            measures: vec![subject.measure.clone()],
            as_of: self.as_of.clone(),
            ..ExposureFilter::default()
        }
    }
}
