//! `policy`: the source policy, which decides which dataset answers if several have a figure.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{
    GetSourcePolicyRequest, GetSourcePolicyResponse, PutSourcePolicyRequest, RankedDataset, ReleaseInfo,
    ReleaseState, Report, Scope, SourcePolicy,
};
use orewatch_ingestion::policy::document as policy_file;
use serde_json::json;

use super::shared::read_file;
use super::{print_message, releases, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::Align::Left;
use crate::render::{Cell, Column, Out, Row, column, document, table};
use crate::session::{Client, Session};
use crate::view::{
    declaration_words, period_words, policy_changes, policy_value, preference_words, scope_words,
};
use crate::words::time_text;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
If several datasets have a figure, the first preference that matches decides. Datasets that no
preference names follow in the default order: reconciled, declarations, tables, supplements,
undeclared; within a kind, the older dataset first. For a tenant, its own datasets come first.

Examples:
  orewatch policy
  orewatch policy export > policy.yaml
  orewatch policy apply policy.yaml --dry-run
  orewatch policy apply policy.yaml --reason \"Comext has the months that BACI lacks\"

Example of a file:
  preferences:
    - table: trade
      materials: [lithium]
      economies: [EU27]
      from: 2020
      datasets: [comext-cn2024, baci-hs92]
  datasets:
    - {dataset: my-survey, kind: supplement, supplements: usgs-mcs}"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Replace the policy with the one in a file, and show what changes
    Apply(ApplyArgs),
    /// Print the policy as a YAML file
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML or JSON file with the complete policy; `-` reads standard input
    file: PathBuf,
    /// Check the policy and show what would change, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        None => with_client(session, &args.client, show).await,
        Some(Command::Export(args)) => with_client(session, &args.client, export).await,
        Some(Command::Apply(args)) => {
            // Reads the file first, so that its errors show without a server.
            let policy =
                policy_file::parse_policy(&args.file.display().to_string(), &read_file(&args.file)?)?;
            with_client(session, &args.client, async |client| apply(&args, policy, client).await).await
        }
    }
}

async fn get_policy(client: &Client) -> Result<GetSourcePolicyResponse, Failure> {
    let request = client.request(GetSourcePolicyRequest {});
    Ok(client.ingestion().await?.get_source_policy(request).await?.into_inner())
}

async fn export(client: &Client) -> Result<(), Failure> {
    let policy = get_policy(client).await?.policy.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&policy_value(&policy)),
        Format::Table | Format::Csv => client.out.text(&policy_file::write_policy(&policy)),
    }
}

async fn apply(args: &ApplyArgs, policy: SourcePolicy, client: &Client) -> Result<(), Failure> {
    let current = get_policy(client).await?;
    let changes = policy_changes(&current.policy.unwrap_or_default(), &policy);
    let request = PutSourcePolicyRequest {
        policy: Some(policy),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
        // If someone else revises the policy meanwhile, the request fails instead of changing more than was
        // shown.
        expected_revision: Some(current.revision),
        dry_run: args.dry_run,
    };
    let response = client.ingestion().await?.put_source_policy(client.request(request)).await?.into_inner();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "revision": response.revision,
            "unchanged": response.unchanged,
            "dry_run": args.dry_run,
            "changes": document(&changes),
        }))?,
        Format::Csv => client.out.csv(&changes)?,
        Format::Table if changes.is_empty() => {}
        Format::Table => client.out.text(&table(&client.out, &changes))?,
    }
    print_message(&match (response.unchanged, args.dry_run) {
        (true, _) => format!("No change: the policy is already like this (revision {}).", response.revision),
        (false, true) => "The policy is valid. Nothing was changed.".to_owned(),
        (false, false) => format!("Policy applied (revision {}).", response.revision),
    });
    Ok(())
}

/// A dataset with its committed releases. Several are current if they do not restate each other.
struct DatasetRow<'a> {
    ranked: &'a RankedDataset,
    releases: &'a [ReleaseInfo],
}

impl DatasetRow<'_> {
    /// Vintage of the newest release.
    fn vintage(&self) -> String {
        let newest = self.releases.iter().max_by_key(|info| info.committed_position);
        let release = newest.and_then(|newest| newest.release.as_ref());
        release.map(|release| release.vintage.clone()).unwrap_or_default()
    }

    fn reports(&self) -> impl Iterator<Item = &Report> {
        self.releases.iter().filter_map(|info| info.report.as_ref())
    }

    /// The first and last period of all releases.
    fn periods(&self) -> String {
        let named = |period: fn(&Report) -> &String| {
            self.reports().map(period).map(String::as_str).filter(|period| !period.is_empty())
        };
        let first = named(|report| &report.first_period).min();
        let last = named(|report| &report.last_period).max();
        first.zip(last).map(|(first, last)| period_words(first, last)).unwrap_or_default()
    }

    /// What all releases cover together.
    fn covers(&self) -> String {
        let scopes: Vec<_> = self.reports().filter_map(|report| report.scope.as_ref()).collect();
        let all = |list: fn(&Scope) -> &Vec<String>| -> Vec<String> {
            let items: BTreeSet<_> = scopes.iter().flat_map(|scope| list(scope)).cloned().collect();
            items.into_iter().collect()
        };
        let scope = Scope {
            reporters: all(|scope| &scope.reporters),
            partners: all(|scope| &scope.partners),
            products: all(|scope| &scope.products),
            ..Scope::default()
        };
        scope_words(&scope, self.ranked.table())
    }
}

impl Row for DatasetRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        let ranked = RankedDataset::columns().into_iter();
        let ranked = ranked.map(|column| column.within(|row: &Self| row.ranked));
        let latest = vec![
            column("vintage", |row: &Self| Cell::text(row.vintage())).shown("latest vintage", Left),
            column("periods", |row: &Self| Cell::text(row.periods())).shown("periods", Left),
            column("covers", |row: &Self| Cell::text(row.covers())).shown("covers", Left),
        ];
        ranked.chain(latest).collect()
    }
}

async fn show(client: &Client) -> Result<(), Failure> {
    let current = get_policy(client).await?;
    let releases = committed_releases(client).await?;
    let dataset_releases = |ranked: &RankedDataset| releases.get(&(ranked.table, ranked.dataset.clone()));
    let row =
        |ranked| DatasetRow { ranked, releases: dataset_releases(ranked).map_or(&[][..], Vec::as_slice) };
    let rows: Vec<DatasetRow<'_>> = current.datasets.iter().map(row).collect();
    let policy = current.policy.clone().unwrap_or_default();
    let since = time_text(current.revised_at);
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "revision": current.revision,
            "revised_at": since,
            "policy": policy_value(&policy),
            "datasets": document(&rows),
        })),
        Format::Csv => client.out.csv(&rows),
        Format::Table => {
            let head = heading(&policy, current.revision, &since);
            client.out.text(&format!("{head}\n{}", datasets_text(&client.out, &rows)))
        }
    }
}

/// Committed releases without a tenant, by table and dataset.
async fn committed_releases(client: &Client) -> Result<BTreeMap<(i32, String), Vec<ReleaseInfo>>, Failure> {
    let mut by_dataset = BTreeMap::<_, Vec<ReleaseInfo>>::new();
    for info in releases::query(client, "", ReleaseState::Committed).await? {
        let public = info.release.as_ref().filter(|release| release.tenant.is_empty());
        if let Some(key) = public.map(|release| (release.table, release.dataset.clone())) {
            by_dataset.entry(key).or_default().push(info);
        }
    }
    Ok(by_dataset)
}

fn heading(policy: &SourcePolicy, revision: u32, since: &str) -> String {
    let mut text = match revision {
        0 => "Default order: no policy has been applied.\n".to_owned(),
        revision => format!("Revision {revision}, since {since}.\n"),
    };
    for (place, preference) in policy.preferences.iter().enumerate() {
        text.push_str(&format!("  {}. {}\n", place + 1, preference_words(preference)));
    }
    for declared in &policy.datasets {
        text.push_str(&format!("  {}\n", declaration_words(declared)));
    }
    text
}

fn datasets_text(out: &Out, rows: &[DatasetRow<'_>]) -> String {
    if rows.is_empty() {
        return "No committed release yet. Load the reference figures: orewatch ingest --reference\n"
            .to_owned();
    }
    table(out, rows)
}
