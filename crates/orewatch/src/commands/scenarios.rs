//! `scenarios`: lists the scenarios that have projections, and what each covers.
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::ListScenariosRequest;

use super::shared::print_list;
use super::{as_at, with_client};
use crate::options::ClientOptions;
use crate::session::{Client, Session};
use crate::view::ScenarioCoverage;

const NONE: &str = "No scenarios. Projections come with releases of the table `projections`.";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A projection is a publisher's figure about the future. It is never part of figures that were observed:
`exposure --scenario NAME` and `explain --scenario NAME` compute figures from it.

Examples:
  orewatch scenarios
  orewatch exposure --scenario iea-cm:base --consumer WLD --material graphite --stage refined --as-of 2030
  orewatch explain --scenario iea-cm:base+steps --consumer WLD --material cobalt --stage refined \\
      --measure n1-cover --as-of 2035")]
pub(crate) struct Args {
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Lists the scenarios by material and stage.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| list(&args, client).await).await
}

async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = ListScenariosRequest { as_at: as_at::parse(args.as_at.as_deref())? };
    let found = client.take(client.exposure().await?.list_scenarios(client.request(request)).await?);
    let rows: Vec<_> = found.scenarios.iter().flat_map(ScenarioCoverage::of_scenario).collect();
    print_list(&client.out, &rows, NONE)
}

/// The message that a scenario has no figure of what was asked for.
pub(super) fn nothing_projected(scenario: &str) -> String {
    format!("{scenario} has no such figure; `orewatch scenarios` lists what it covers")
}
