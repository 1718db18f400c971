//! `inhibitions`: mute alerts (targets) while another alert (the source) fires.
use std::path::PathBuf;

use orewatch_alerting::notify::document;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    Inhibition, ListInhibitionsRequest, PutInhibitionRequest, RemoveInhibitionRequest,
};

use super::shared::{Removal, print_applied, print_list, print_removal, read_files};
use super::{print_message, with_client};
use crate::options::{ClientOptions, TenantOption};
use crate::session::{Client, Session};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch inhibitions apply ours.yaml
  orewatch inhibitions list
  orewatch inhibitions remove world-explains

Example of a file:
  inhibitions:
    - id: world-explains
      source: {rule: world-production-concentration}
      target: {severity: warning}
      equal: [material, stage]")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create or revise inhibitions from files
    Apply(ApplyArgs),
    /// List inhibitions with the number of alerts that each mutes
    List(ListArgs),
    /// Remove an inhibition
    Remove(RemoveArgs),
    /// Print the JSON Schema of inhibition files
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with inhibitions; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    owner: TenantOption,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// Identifier of the inhibition
    inhibition: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Apply(args) => {
            let all = read_files(&args.files, document::read_inhibitions)?;
            with_client(session, &args.client, async |client| apply(&args, all, client).await).await
        }
        Command::List(args) => with_client(session, &args.client, list).await,
        Command::Remove(args) => {
            with_client(session, &args.client, async |client| remove(&args, client).await).await
        }
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&document::inhibitions_schema())
        }
    }
}

async fn apply(args: &ApplyArgs, all: Vec<Inhibition>, client: &Client) -> Result<(), Failure> {
    let mut service = client.notifications().await?;
    let (mut infos, mut changed) = (Vec::new(), 0);
    for mut inhibition in all {
        args.owner.qualify(&mut inhibition.id);
        let id = inhibition.id.clone();
        let request = PutInhibitionRequest { inhibition: Some(inhibition), actor: args.actor.clone() };
        let response = service.put_inhibition(client.request(request)).await?.into_inner();
        response.warnings.iter().for_each(|warning| print_message(&format!("{id}: {warning}")));
        changed += usize::from(response.changed);
        infos.extend(response.inhibition);
    }
    print_applied(changed, infos.len(), "inhibition");
    client.out.rows(&infos)
}

async fn list(client: &Client) -> Result<(), Failure> {
    let request = ListInhibitionsRequest {};
    let response =
        client.notifications().await?.list_inhibitions(client.request(request)).await?.into_inner();
    print_list(&client.out, &response.inhibitions, "No inhibitions: no alert is inhibited.")
}

async fn remove(args: &RemoveArgs, client: &Client) -> Result<(), Failure> {
    let request = RemoveInhibitionRequest { inhibition: args.inhibition.clone(), actor: String::new() };
    let response =
        client.notifications().await?.remove_inhibition(client.request(request)).await?.into_inner();
    let removal =
        Removal { kind: "inhibition", id: &args.inhibition, removed: response.removed, consequence: "" };
    print_removal(&client.out, &removal)
}
