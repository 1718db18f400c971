//! `subscriptions`: who wants to hear of which alerts.
use std::path::PathBuf;

use jiff::Timestamp;
use orewatch_alerting::notify::document;
use orewatch_contracts::alerting::v1::{
    ListSubscriptionsRequest, Notification, PutSubscriptionRequest, PutSubscriptionResponse,
    RemoveSubscriptionRequest, Subscription, SubscriptionInfo,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::rules::read;
use super::{ask, say};
use crate::options::{ClientOptions, Format, Whose};
use crate::render::{Align, Out, Sheet, document as rows_of, object};
use crate::session::{Client, Session};
use crate::view::{MessageRow, SubscriptionRow};
use crate::words::counted;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch subscriptions apply desk.yaml --dry-run
  orewatch subscriptions apply desk.yaml --actor ann
  orewatch subscriptions list --owner trade-desk
  orewatch subscriptions schema > subscriptions.schema.json

A file:
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
    /// Create or revise the subscriptions of files
    Apply(ApplyArgs),
    /// List subscriptions with the alerts that they have
    List(ListArgs),
    /// Show one subscription
    Show(OneArgs),
    /// Remove a subscription; nothing more is told
    Remove(OneArgs),
    /// Print the JSON Schema of files of subscriptions
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// Files of subscriptions, YAML; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Change nothing, and say what they would have told
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: from when on [default: the last 365 days]
    #[arg(long, value_name = "TIME", requires = "dry_run")]
    since: Option<Timestamp>,
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
    /// Only of this owner
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
            // What is wrong in a file is said before a server is asked for.
            let mut all = Vec::new();
            for file in &args.files {
                all.extend(document::subscriptions(&file.display().to_string(), &read(file)?)?);
            }
            ask(session, &args.client, async |client| apply(&args, all, client).await).await
        }
        Command::List(args) => ask(session, &args.client, async |client| list(&args, client).await).await,
        Command::Show(args) => ask(session, &args.client, async |client| show(&args, client).await).await,
        Command::Remove(args) => ask(session, &args.client, async |client| remove(&args, client).await).await,
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&document::subscriptions_schema())
        }
    }
}

/// A subscription with the receivers that it names, as things of whom they are put for.
fn owned(whose: &Whose, mut subscription: Subscription) -> Subscription {
    let step = subscription.escalation.as_mut().map(|step| &mut step.receiver);
    let named = [Some(&mut subscription.id), Some(&mut subscription.receiver), step];
    named.into_iter().flatten().for_each(|id| whose.own(id));
    subscription
}

async fn apply(args: &ApplyArgs, all: Vec<Subscription>, client: &Client) -> Result<(), Failure> {
    let mut service = client.notifications().await?;
    let since = args
        .since
        .map(|since| prost_types::Timestamp { seconds: since.as_second(), nanos: since.subsec_nanosecond() });
    let mut answers = Vec::new();
    for subscription in all {
        let subscription = owned(&args.whose, subscription);
        let id = subscription.id.clone();
        let ask = PutSubscriptionRequest {
            subscription: Some(subscription),
            actor: args.actor.clone(),
            validate_only: args.dry_run,
            since,
        };
        let answer = service.put_subscription(client.request(ask)).await?.into_inner();
        answer.warnings.iter().for_each(|warning| say(&format!("{id}: {warning}")));
        answers.push(answer);
    }
    if args.dry_run {
        return rehearsed(&client.out, &answers);
    }
    let changed = answers.iter().filter(|answer| answer.changed).count();
    say(&match changed {
        0 => format!("{} stood like this already", counted(answers.len(), "subscription")),
        changed => format!("{changed} of {} new or revised", counted(answers.len(), "subscription")),
    });
    let infos: Vec<SubscriptionInfo> = answers.into_iter().filter_map(|answer| answer.subscription).collect();
    print(&client.out, &infos)
}

/// Shows what would have been told.
fn rehearsed(out: &Out, answers: &[PutSubscriptionResponse]) -> Result<(), Failure> {
    let messages: Vec<&Notification> = answers.iter().flat_map(|answer| &answer.would_have_sent).collect();
    let rows: Vec<MessageRow<'_>> = messages.iter().map(|message| MessageRow(message)).collect();
    let count: u64 = answers.iter().map(|answer| answer.would_have_sent_count).sum();
    match out.format {
        Format::Json => {
            return out.json(&json!({"would_have_sent": rows_of(&rows), "count": count}));
        }
        Format::Csv => return out.csv(&rows),
        Format::Table => {}
    }
    say(&format!(
        "would have sent {}; nothing was changed",
        counted(usize::try_from(count).unwrap_or(usize::MAX), "message")
    ));
    if rows.is_empty() {
        return Ok(());
    }
    out.text(&messages_table(out, &messages))
}

fn messages_table(out: &Out, messages: &[&Notification]) -> String {
    let columns = ["planned", "subscription", "receiver", "group", "reason", "firing", "over", "first alert"];
    let aligned = columns
        .map(|name| (name, if matches!(name, "firing" | "over") { Align::Right } else { Align::Left }));
    let mut sheet = Sheet::new(out, &aligned);
    for message in messages {
        let planned = message.planned_at.map(|time| crate::words::instant(time.seconds));
        let first = message.alerts.first().and_then(|told| told.alert.as_ref());
        sheet.row([
            planned.unwrap_or_default(),
            message.subscription.clone(),
            message.receiver.clone(),
            message.group.clone(),
            crate::view::notification_reason(message.reason()),
            message.firing.to_string(),
            message.resolved.to_string(),
            first.map(|alert| alert.id.clone()).unwrap_or_default(),
        ]);
    }
    sheet.finish()
}

async fn all(client: &Client, owner: &str) -> Result<Vec<SubscriptionInfo>, Failure> {
    let ask = ListSubscriptionsRequest { owner: owner.to_owned() };
    let answer = client.notifications().await?.list_subscriptions(client.request(ask)).await?;
    Ok(answer.into_inner().subscriptions)
}

async fn list(args: &ListArgs, client: &Client) -> Result<(), Failure> {
    let infos = all(client, &args.owner).await?;
    if infos.is_empty() && client.out.format == Format::Table {
        say("no subscription yet; write one and apply it: orewatch subscriptions apply FILE");
        return Ok(());
    }
    print(&client.out, &infos)
}

fn print(out: &Out, infos: &[SubscriptionInfo]) -> Result<(), Failure> {
    let rows: Vec<SubscriptionRow<'_>> = infos.iter().map(SubscriptionRow).collect();
    match out.format {
        Format::Json => out.json(&rows_of(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(out, infos)),
    }
}

fn table(out: &Out, infos: &[SubscriptionInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("subscription", Align::Left),
            ("rev", Align::Right),
            ("receiver", Align::Left),
            ("firing", Align::Right),
            ("owner", Align::Left),
            ("title", Align::Left),
        ],
    );
    for info in infos {
        let subscription = info.subscription.clone().unwrap_or_default();
        let title =
            if info.expired { format!("{} (expired)", subscription.title) } else { subscription.title };
        sheet.row([
            subscription.id,
            info.revision.to_string(),
            subscription.receiver,
            info.firing.to_string(),
            subscription.owner,
            title.trim().to_owned(),
        ]);
    }
    sheet.finish()
}

async fn show(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let infos = all(client, "").await?;
    let found = infos.iter().find(|info| {
        info.subscription.as_ref().is_some_and(|subscription| subscription.id == args.subscription)
    });
    let row = SubscriptionRow(found.ok_or_else(|| {
        let missing = Failure::new(Class::NotFound, "unknown-subscription", "there is no such subscription");
        missing.at("subscription", &args.subscription).with_hint("list them: orewatch subscriptions list")
    })?);
    match client.out.format {
        Format::Json => client.out.json(&object(&row)),
        Format::Csv => client.out.csv(&[row]),
        Format::Table => client.out.text(&super::fields(&client.out, &row)),
    }
}

async fn remove(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let ask = RemoveSubscriptionRequest { subscription: args.subscription.clone(), actor: String::new() };
    let answer = client.notifications().await?.remove_subscription(client.request(ask)).await?.into_inner();
    if client.out.format == Format::Json {
        client.out.json(&json!({"subscription": args.subscription, "removed": answer.removed}))?;
    }
    say(if answer.removed { "removed" } else { "there is no such subscription; nothing was changed" });
    Ok(())
}
