//! `policy`: which dataset answers where several could.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use orewatch_contracts::ingestion::v1::{
    GetSourcePolicyRequest, GetSourcePolicyResponse, ListReleasesRequest, PutSourcePolicyRequest,
    RankedDataset, ReleaseInfo, ReleaseState, Report, Scope, SourcePolicy,
};
use orewatch_ingestion::policy::document as policy_file;
use orewatch_runtime::Failure;
use serde_json::json;

use super::rules::read;
use super::{ask, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Cell, Out, Row, Sheet, document};
use crate::session::{Client, Session};
use crate::view::{
    PolicyChange, declaration_words, kind_word, period_words, policy_changes, policy_value, preference_words,
    scope_words, table_word,
};
use crate::words::instant;

/// Largest page that a server gives.
const PAGE: u32 = 1_000;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Where several datasets could answer, the first preference that matches decides. Below it, and where none
matches, the default order holds: reconciled sets, declarations, tables, supplements, undeclared datasets;
of two of a kind the older one. The datasets of a tenant come first in the tenant's own reading.

Examples:
  orewatch policy
  orewatch policy export > policy.yaml
  orewatch policy apply policy.yaml --dry-run
  orewatch policy apply policy.yaml --reason \"Comext has the months that BACI lacks\"

A file:
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
    /// Replace the policy by the one in a file, and show what changes
    Apply(ApplyArgs),
    /// Print the policy as a file
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// File with the whole policy, YAML or JSON; `-` reads standard input
    file: PathBuf,
    /// Check the policy and show what would change; nothing is
    #[arg(long)]
    dry_run: bool,
    /// Why, for those who ask later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Who applies it
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
        None => ask(session, &args.client, show).await,
        Some(Command::Export(args)) => ask(session, &args.client, export).await,
        Some(Command::Apply(args)) => {
            // What is wrong in a file is said before a server is asked for.
            let policy = policy_file::read(&args.file.display().to_string(), &read(&args.file)?)?;
            ask(session, &args.client, async |client| apply(&args, policy, client).await).await
        }
    }
}

async fn get(client: &Client) -> Result<GetSourcePolicyResponse, Failure> {
    let ask = client.request(GetSourcePolicyRequest {});
    Ok(client.ingestion().await?.get_source_policy(ask).await?.into_inner())
}

async fn export(client: &Client) -> Result<(), Failure> {
    let policy = get(client).await?.policy.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&policy_value(&policy)),
        Format::Table | Format::Csv => client.out.text(&policy_file::write(&policy)),
    }
}

async fn apply(args: &ApplyArgs, policy: SourcePolicy, client: &Client) -> Result<(), Failure> {
    let held = get(client).await?;
    let changes = policy_changes(&held.policy.unwrap_or_default(), &policy);
    let ask = PutSourcePolicyRequest {
        policy: Some(policy),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
        // What is shown is what changes, whoever else revises the policy meanwhile.
        expected_revision: Some(held.revision),
        dry_run: args.dry_run,
    };
    let answer = client.ingestion().await?.put_source_policy(client.request(ask)).await?.into_inner();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "revision": answer.revision,
            "unchanged": answer.unchanged,
            "dry_run": args.dry_run,
            "changes": document(&changes),
        }))?,
        Format::Csv => client.out.csv(&changes)?,
        Format::Table if changes.is_empty() => {}
        Format::Table => client.out.text(&changed(&client.out, &changes))?,
    }
    say(&match (answer.unchanged, args.dry_run) {
        (true, _) => format!("the policy is like this already, at revision {}", answer.revision),
        (false, true) => "the policy can be applied; nothing was changed".to_owned(),
        (false, false) => format!("applied: the policy is at revision {}", answer.revision),
    });
    Ok(())
}

fn changed(out: &Out, changes: &[PolicyChange]) -> String {
    let columns = ["change", "place", "what"].map(|name| (name, Align::Left));
    let mut sheet = Sheet::new(out, &columns);
    for change in changes {
        sheet.row([change.change.to_owned(), change.place.clone(), change.what.clone()]);
    }
    sheet.finish()
}

/// A dataset with its committed releases, which stand beside one another where they do not restate one another.
struct DatasetRow<'a> {
    ranked: &'a RankedDataset,
    releases: &'a [ReleaseInfo],
}

impl DatasetRow<'_> {
    /// Of the newest release.
    fn vintage(&self) -> String {
        let newest = self.releases.iter().max_by_key(|info| info.committed_position);
        let release = newest.and_then(|newest| newest.release.as_ref());
        release.map(|release| release.vintage.clone()).unwrap_or_default()
    }

    fn reports(&self) -> impl Iterator<Item = &Report> {
        self.releases.iter().filter_map(|info| info.report.as_ref())
    }

    /// From the first to the last period of any release.
    fn periods(&self) -> String {
        let named = |period: fn(&Report) -> &String| {
            self.reports().map(period).map(String::as_str).filter(|period| !period.is_empty())
        };
        let first = named(|report| &report.first_period).min();
        let last = named(|report| &report.last_period).max();
        first.zip(last).map(|(first, last)| period_words(first, last)).unwrap_or_default()
    }

    /// What the releases cover together.
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

    /// The kind, of a supplement with what it supplements.
    fn kind(&self) -> String {
        let kind = kind_word(self.ranked.kind());
        match self.ranked.supplements.as_str() {
            "" => kind,
            base => format!("{kind} of {base}"),
        }
    }
}

impl Row for DatasetRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["table", "rank", "dataset", "kind", "supplements", "vintage", "periods", "covers"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(table_word(self.ranked.table())),
            Cell::Count(Some(self.ranked.rank.into())),
            Cell::text(&self.ranked.dataset),
            Cell::text(kind_word(self.ranked.kind())),
            Cell::text(&self.ranked.supplements),
            Cell::text(self.vintage()),
            Cell::text(self.periods()),
            Cell::text(self.covers()),
        ]
    }
}

async fn show(client: &Client) -> Result<(), Failure> {
    let held = get(client).await?;
    let releases = committed_releases(client).await?;
    let of = |ranked: &RankedDataset| releases.get(&(ranked.table, ranked.dataset.clone()));
    let row = |ranked| DatasetRow { ranked, releases: of(ranked).map_or(&[][..], Vec::as_slice) };
    let rows: Vec<DatasetRow<'_>> = held.datasets.iter().map(row).collect();
    let policy = held.policy.clone().unwrap_or_default();
    let since = held.revised_at.map(|time| instant(time.seconds)).unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "revision": held.revision,
            "revised_at": since,
            "policy": policy_value(&policy),
            "datasets": document(&rows),
        })),
        Format::Csv => client.out.csv(&rows),
        Format::Table => {
            let head = heading(&policy, held.revision, &since);
            client.out.text(&format!("{head}\n{}", table(&client.out, &rows)))
        }
    }
}

/// Everyone's committed releases of each dataset, by table and name.
async fn committed_releases(client: &Client) -> Result<BTreeMap<(i32, String), Vec<ReleaseInfo>>, Failure> {
    let mut service = client.ingestion().await?;
    let (mut all, mut page_token) = (BTreeMap::<_, Vec<ReleaseInfo>>::new(), String::new());
    loop {
        let state = ReleaseState::Committed.into();
        let ask = ListReleasesRequest { dataset: String::new(), state, page_size: PAGE, page_token };
        let page = service.list_releases(client.request(ask)).await?.into_inner();
        for info in page.releases {
            let of_everyone = info.release.as_ref().filter(|release| release.tenant.is_empty());
            let key = of_everyone.map(|release| (release.table, release.dataset.clone()));
            if let Some(key) = key {
                all.entry(key).or_default().push(info);
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

fn heading(policy: &SourcePolicy, revision: u32, since: &str) -> String {
    let mut text = match revision {
        0 => "The default order holds: no preference was ever applied.\n".to_owned(),
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

fn table(out: &Out, rows: &[DatasetRow<'_>]) -> String {
    if rows.is_empty() {
        return "no dataset has a visible release yet: orewatch ingest --reference\n".to_owned();
    }
    let mut sheet = Sheet::new(
        out,
        &[
            ("table", Align::Left),
            ("rank", Align::Right),
            ("dataset", Align::Left),
            ("kind", Align::Left),
            ("latest vintage", Align::Left),
            ("periods", Align::Left),
            ("covers", Align::Left),
        ],
    );
    for row in rows {
        sheet.row([
            table_word(row.ranked.table()),
            row.ranked.rank.to_string(),
            row.ranked.dataset.clone(),
            row.kind(),
            row.vintage(),
            row.periods(),
            row.covers(),
        ]);
    }
    sheet.finish()
}
