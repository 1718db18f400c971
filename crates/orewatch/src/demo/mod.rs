//! `demo`: loads the reference figures, evaluates the rule packs and shows the results. Every figure on the
//! page comes from the services.
mod alerts;
mod command;
mod facts;
mod gather;
mod goal;
mod headline;
mod json;
mod monthly;
mod origins;
mod page;
mod restated;
mod restatement;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use orewatch_catalog::reference::TableSet;
use orewatch_contracts::alerting::v1::PutRuleRequest;
use orewatch_contracts::ingestion::v1::ReleaseInfo;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Input;
use orewatch_ingestion::client::Options;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::commands::ingest::{self, ReferenceSet};
use crate::commands::{refusal, rules};
use crate::options::{ClientOptions, Format};
use crate::session::{Client, Session};
use crate::settle;
use facts::Facts;

/// Rule packs that the demo applies.
const PACKS: [&str; 4] = ["crma-2030", "g7-2030", "g7-china", monthly::PACK];

/// Exit code after SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Runs inside this process, on a log in a temporary directory, without a network.

Examples:
  orewatch demo
  orewatch demo --full             print every material, more alerts and more changed figures
  orewatch demo --data ./demo      keep the data, for `orewatch up --data ./demo`
  orewatch demo --format json")]
pub(crate) struct Args {
    /// Directory in which to keep the data [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the full page instead of a short one
    #[arg(long)]
    full: bool,
    /// Output format: table or json [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let temporary = match args.data {
        Some(_) => None,
        None => Some(TempDir::with_prefix("orewatch-demo-").map_err(|error| {
            Failure::new(
                Class::Unavailable,
                "no-directory",
                format!("cannot create a temporary directory: {error}"),
            )
            .with_hint("name a directory with --data DIR")
        })?),
    };
    let dir =
        args.data.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned())).unwrap_or_default();
    let client = Box::pin(session.client(&ClientOptions::on_directory(&dir, args.format))).await?;
    let outcome = tokio::select! {
        outcome = Box::pin(show(&client, args.data, args.full)) => outcome,
        _ = tokio::signal::ctrl_c() => {
            drop(temporary);
            std::process::exit(EXIT_INTERRUPTED);
        }
    };
    client.close(outcome).await
}

async fn show(client: &Client, data: Option<PathBuf>, full: bool) -> Result<(), Failure> {
    let started = Instant::now();
    let spinner = spinner();
    let mut tables: Vec<Input> = ingest::reference_inputs(ReferenceSet::Set(TableSet::Demo)).collect();
    // The last edition of output restates the one before: it is loaded after the rules have been evaluated.
    let newest = tables.iter().rposition(|table| table.name().starts_with("production-"));
    let newest = newest.map(|place| tables.remove(place));
    let mut releases = Vec::new();
    for table in tables {
        releases.push(load(client, table, &spinner).await?);
    }
    spinner.set_message("computing");
    settle(client, &releases).await?;
    spinner.set_message("applying the rule packs");
    let request = PutRuleRequest { actor: "demo".to_owned(), ..PutRuleRequest::default() };
    let packs = PACKS.into_iter().map(rules::pack_rules).collect::<Result<Vec<_>, _>>()?.concat();
    rules::put_batches(client, packs, &request).await?;
    spinner.set_message("evaluating");
    settle(client, &releases).await?;
    if let Some(table) = newest {
        releases.push(load(client, table, &spinner).await?);
        settle(client, &releases).await?;
    }
    let facts = Facts {
        standing: gather::standing(client).await?,
        restatement: gather::restatement(client, &releases).await?,
        releases,
        seconds: started.elapsed().as_secs_f64(),
    };
    spinner.finish_and_clear();
    match client.out.format {
        Format::Json | Format::Csv => client.out.json(&json::document(&facts)),
        Format::Table => client.out.text(&page::render(&client.out, &facts, data.as_deref(), full)),
    }
}

async fn load(client: &Client, table: Input, spinner: &ProgressBar) -> Result<ReleaseInfo, Failure> {
    spinner.set_message(format!("loading {}", table.name()));
    let outcome = ingest::ingest(client, vec![table], Options::default()).await?;
    let no_release = || Failure::internal("a reference table gave no release");
    let outcome = outcome.into_iter().next().ok_or_else(no_release)?;
    match refusal::refusal(&outcome) {
        Some(failure) => Err(failure),
        None => Ok(outcome.release),
    }
}

async fn settle(client: &Client, releases: &[ReleaseInfo]) -> Result<(), Failure> {
    let newest = releases.iter().filter_map(|release| release.committed_position).max();
    settle::settle(client, newest.unwrap_or_default()).await
}

/// Creates a spinner. It is drawn only if standard error is a terminal.
fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(80));
    spinner
}
