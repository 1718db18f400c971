//! `inhibitions`: which alerts are not told while others fire that explain them.
use std::path::PathBuf;

use orewatch_alerting::notify::document;
use orewatch_contracts::alerting::v1::{
    Inhibition, InhibitionInfo, ListInhibitionsRequest, PutInhibitionRequest, RemoveInhibitionRequest,
};
use orewatch_runtime::Failure;
use serde_json::json;

use super::rules::read;
use super::{ask, say};
use crate::options::{ClientOptions, Format, Whose};
use crate::render::{Align, Out, Sheet, document as rows_of};
use crate::session::{Client, Session};
use crate::view::{InhibitionRow, filter_words};
use crate::words::counted;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch inhibitions apply ours.yaml
  orewatch inhibitions list
  orewatch inhibitions remove world-explains

A file:
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
    /// Create or revise the inhibitions of files
    Apply(ApplyArgs),
    /// List inhibitions with how many alerts each holds back
    List(ListArgs),
    /// Remove an inhibition
    Remove(RemoveArgs),
    /// Print the JSON Schema of files of inhibitions
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// Files of inhibitions, YAML; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Who applies them
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    whose: Whose,
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
            let mut all = Vec::new();
            for file in &args.files {
                all.extend(document::inhibitions(&file.display().to_string(), &read(file)?)?);
            }
            ask(session, &args.client, async |client| apply(&args, all, client).await).await
        }
        Command::List(args) => ask(session, &args.client, list).await,
        Command::Remove(args) => ask(session, &args.client, async |client| remove(&args, client).await).await,
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
        args.whose.own(&mut inhibition.id);
        let id = inhibition.id.clone();
        let ask = PutInhibitionRequest { inhibition: Some(inhibition), actor: args.actor.clone() };
        let answer = service.put_inhibition(client.request(ask)).await?.into_inner();
        answer.warnings.iter().for_each(|warning| say(&format!("{id}: {warning}")));
        changed += usize::from(answer.changed);
        infos.extend(answer.inhibition);
    }
    say(&format!("{changed} of {} new or revised", counted(infos.len(), "inhibition")));
    print(&client.out, &infos)
}

async fn list(client: &Client) -> Result<(), Failure> {
    let ask = ListInhibitionsRequest {};
    let answer = client.notifications().await?.list_inhibitions(client.request(ask)).await?.into_inner();
    if answer.inhibitions.is_empty() && client.out.format == Format::Table {
        say("no inhibition; every alert is told");
        return Ok(());
    }
    print(&client.out, &answer.inhibitions)
}

fn print(out: &Out, infos: &[InhibitionInfo]) -> Result<(), Failure> {
    let rows: Vec<InhibitionRow<'_>> = infos.iter().map(InhibitionRow).collect();
    match out.format {
        Format::Json => out.json(&rows_of(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(out, infos)),
    }
}

fn table(out: &Out, infos: &[InhibitionInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("inhibition", Align::Left),
            ("rev", Align::Right),
            ("holds back", Align::Right),
            ("while these fire", Align::Left),
            ("these are not told", Align::Left),
            ("with the same", Align::Left),
        ],
    );
    for info in infos {
        let inhibition = info.inhibition.clone().unwrap_or_default();
        sheet.row([
            inhibition.id,
            info.revision.to_string(),
            info.alerts.to_string(),
            filter_words(inhibition.source.as_ref()),
            filter_words(inhibition.target.as_ref()),
            inhibition.equal.join(", "),
        ]);
    }
    sheet.finish()
}

async fn remove(args: &RemoveArgs, client: &Client) -> Result<(), Failure> {
    let ask = RemoveInhibitionRequest { inhibition: args.inhibition.clone(), actor: String::new() };
    let answer = client.notifications().await?.remove_inhibition(client.request(ask)).await?.into_inner();
    if client.out.format == Format::Json {
        client.out.json(&json!({"inhibition": args.inhibition, "removed": answer.removed}))?;
    }
    say(if answer.removed { "removed" } else { "there is no such inhibition; nothing was changed" });
    Ok(())
}
