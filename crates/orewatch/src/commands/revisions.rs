//! `revisions`: shows how much published figures were revised from one edition to the next.
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::ListRevisionsRequest;

use super::shared::print_list;
use super::{as_at, with_client};
use crate::names;
use crate::options::ClientOptions;
use crate::session::{Client, Session};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Figures count from the first edition of a dataset that has them to the next: output by economy, imports
by importer and product code. Firm means a median revision below 2 %, soft up to 5 %, weak beyond.

Examples:
  orewatch revisions
  orewatch revisions --dataset usgs-mcs --material antimony,copper
  orewatch revisions --material antimony --format json")]
pub(crate) struct Args {
    /// Datasets [default: all with several editions]
    #[arg(long, value_name = "DATASET", value_delimiter = ',')]
    dataset: Vec<String>,
    /// Materials, such as rare-earths [default: all]
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| list_revisions(&args, client).await).await
}

async fn list_revisions(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = ListRevisionsRequest {
        datasets: args.dataset.clone(),
        materials: names::materials(&args.material)?,
        as_at: as_at::parse(args.as_at.as_deref())?,
    };
    let mut service = client.exposure().await?;
    let bands = client.take(service.list_revisions(client.request(request)).await?).bands;
    print_list(&client.out, &bands, "No figure is in two editions of a dataset.")
}
