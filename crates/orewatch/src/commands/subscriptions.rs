//! `subscriptions`: who is notified of which alerts, and when.
use std::path::PathBuf;

use jiff::Timestamp;
use orewatch_alerting::notify::document as files;
use orewatch_contracts::alerting::v1::{
    ListSubscriptionsRequest, Notification, PutSubscriptionRequest, PutSubscriptionResponse,
    RemoveSubscriptionRequest, Subscription, SubscriptionInfo,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::shared::{Removal, print_applied, print_list, print_removal, read_files, require_known};
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format, TenantOption};
use crate::render::{Out, document};
use crate::session::{Client, Session};
use crate::words::count_text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch subscriptions apply desk.yaml --dry-run
  orewatch subscriptions apply desk.yaml --actor ann
  orewatch subscriptions list --owner trade-desk
  orewatch subscriptions schema > subscriptions.schema.json

Example of a file:
  subscriptions:
    - id: desk
      receiver: desk-mail
      select: {material: [rare-earths, cobalt], severity: critical, matchers: ['consumer!=USA']}
      group_by: [material]
      cadence: {wait: 30s, interval: 10m, repeat: 1d}
      quiet:
        - {from: '22:00', until: '07:00', zone: Europe/Brussels, except_severities: [critical]}
      escalation: {after: 4h, receiver: desk-pager}")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create or revise subscriptions from files
    Apply(ApplyArgs),
    /// List subscriptions with the number of their firing alerts
    List(ListArgs),
    /// Show one subscription
    Show(OneArgs),
    /// Remove a subscription; it sends no further messages
    Remove(OneArgs),
    /// Print the JSON Schema of subscription files
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with subscriptions; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Show which messages the subscriptions would have sent, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: start of the period, such as 2026-01-01T00:00:00Z [default: 365 days ago]
    #[arg(long, value_name = "TIME", requires = "dry_run")]
    since: Option<Timestamp>,
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
    /// Only subscriptions of this owner
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    owner: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// Identifier of the subscription
    subscription: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Apply(args) => {
            // Reads the files first, so that their errors show without a server.
            let all = read_files(&args.files, files::read_subscriptions)?;
            with_client(session, &args.client, async |client| apply(&args, all, client).await).await
        }
        Command::List(args) => {
            with_client(session, &args.client, async |client| list(&args, client).await).await
        }
        Command::Show(args) => {
            with_client(session, &args.client, async |client| show(&args, client).await).await
        }
        Command::Remove(args) => {
            with_client(session, &args.client, async |client| remove(&args, client).await).await
        }
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&files::subscriptions_schema())
        }
    }
}

/// Qualifies the identifiers of a subscription and of its receivers with the tenant.
fn with_tenant(owner: &TenantOption, mut subscription: Subscription) -> Subscription {
    let step = subscription.escalation.as_mut().map(|step| &mut step.receiver);
    let named = [Some(&mut subscription.id), Some(&mut subscription.receiver), step];
    named.into_iter().flatten().for_each(|id| owner.qualify(id));
    subscription
}

async fn apply(args: &ApplyArgs, all: Vec<Subscription>, client: &Client) -> Result<(), Failure> {
    let mut service = client.notifications().await?;
    let since = args.since.map(timestamp);
    let mut responses = Vec::new();
    for subscription in all {
        let subscription = with_tenant(&args.owner, subscription);
        let id = subscription.id.clone();
        let request = PutSubscriptionRequest {
            subscription: Some(subscription),
            actor: args.actor.clone(),
            validate_only: args.dry_run,
            since,
        };
        let response = service.put_subscription(client.request(request)).await?.into_inner();
        response.warnings.iter().for_each(|warning| print_message(&format!("{id}: {warning}")));
        responses.push(response);
    }
    if args.dry_run {
        return print_dry_run(&client.out, &responses);
    }
    let changed = responses.iter().filter(|response| response.changed).count();
    print_applied(changed, responses.len(), "subscription");
    let infos: Vec<SubscriptionInfo> =
        responses.into_iter().filter_map(|response| response.subscription).collect();
    client.out.rows(&infos)
}

/// Prints the messages that would have been sent.
fn print_dry_run(out: &Out, responses: &[PutSubscriptionResponse]) -> Result<(), Failure> {
    let messages: Vec<Notification> =
        responses.iter().flat_map(|response| response.would_have_sent.iter().cloned()).collect();
    let count: u64 = responses.iter().map(|response| response.would_have_sent_count).sum();
    if out.format == Format::Json {
        return out.json(&json!({"would_have_sent": document(&messages), "count": count}));
    }
    if out.format == Format::Table {
        print_message(&format!(
            "{} would have been sent. Nothing was changed.",
            count_text(usize::try_from(count).unwrap_or(usize::MAX), "message")
        ));
        if messages.is_empty() {
            return Ok(());
        }
    }
    out.rows(&messages)
}

/// Lists the subscriptions of an owner; those of all without a name.
pub(super) async fn list_subscriptions(
    client: &Client,
    owner: &str,
) -> Result<Vec<SubscriptionInfo>, Failure> {
    let request = ListSubscriptionsRequest { owner: owner.to_owned() };
    let response = client.notifications().await?.list_subscriptions(client.request(request)).await?;
    Ok(response.into_inner().subscriptions)
}

async fn list(args: &ListArgs, client: &Client) -> Result<(), Failure> {
    let infos = list_subscriptions(client, &args.owner).await?;
    if infos.is_empty() && !args.owner.is_empty() {
        let all = list_subscriptions(client, "").await?.into_iter();
        let owners = all.filter_map(|info| Some(info.subscription?.owner));
        require_known(("owner", "unknown-value"), &args.owner, owners)?;
    }
    let none = "No subscriptions yet. Write a file and apply it: orewatch subscriptions apply FILE";
    print_list(&client.out, &infos, none)
}

async fn show(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let infos = list_subscriptions(client, "").await?;
    let found = infos.iter().find(|info| {
        info.subscription.as_ref().is_some_and(|subscription| subscription.id == args.subscription)
    });
    let info = found.ok_or_else(|| {
        let missing =
            Failure::new(Class::NotFound, "unknown-subscription", "no subscription has this identifier");
        missing
            .at("subscription", &args.subscription)
            .with_hint("list subscriptions: orewatch subscriptions list")
    })?;
    client.out.row(info)
}

async fn remove(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let request = RemoveSubscriptionRequest { subscription: args.subscription.clone(), actor: String::new() };
    let response =
        client.notifications().await?.remove_subscription(client.request(request)).await?.into_inner();
    let removal =
        Removal { kind: "subscription", id: &args.subscription, removed: response.removed, consequence: "" };
    print_removal(&client.out, &removal)
}
