//! `receivers`: where messages about alerts go.
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orewatch_alerting::delivery;
use orewatch_alerting::document::Sheet as Listed;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::{
    Delivery, DeliveryState, EnableReceiverRequest, GetDeliveryRequest, ListReceiversRequest,
    PutReceiverRequest, Receiver, ReceiverInfo, RemoveReceiverRequest, RunDrillRequest,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;
use tonic::transport::Channel;

use super::{ask, deliveries, say};
use crate::options::{ClientOptions, Format, Whose};
use crate::render::{Align, Out, Row, Sheet, document, fit, object};
use crate::session::{Client, Session};
use crate::view::{ReceiverRow, leads, receiver_state};
use crate::words::counted;

/// Largest file of receivers that is read.
const LARGEST: u64 = 1 << 20;

/// How long is waited before it is asked again what became of a test.
const AGAIN: Duration = Duration::from_millis(100);

/// Widest address in a table.
const ADDRESS: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch receivers apply receivers.yaml --check
  orewatch receivers apply receivers.yaml --actor ann
  orewatch receivers test desk-chat
  orewatch receivers enable desk-hook
  orewatch receivers schema > receivers.schema.json

A file of receivers:
  receivers:
    - id: desk-hook
      webhook: {url: https://hooks.example.org/orewatch, keys: [{environment: RECEIVER_DESK_KEY}]}
      fallback: desk-mail
    - id: desk-mail
      mail: {server: mail.example.org:587, from: orewatch@example.org, to: [desk@example.org]}")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create or revise the receivers of files
    Apply(ApplyArgs),
    /// List receivers with their health
    List(ListArgs),
    /// Show one receiver
    Show(OneArgs),
    /// Remove a receiver; what waits for it is given up
    Remove(ActArgs),
    /// Send to a disabled receiver again, beginning with what waits for it
    Enable(ActArgs),
    /// Send a receiver a message that is marked as a drill, and say what became of it
    Test(ActArgs),
    /// Print the JSON Schema of receiver files
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// Files of receivers, YAML; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only check them
    #[arg(long)]
    check: bool,
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
struct OneArgs {
    /// Identifier of the receiver
    receiver: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ActArgs {
    /// Identifier of the receiver
    receiver: String,
    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Apply(args) => {
            // What is wrong in a file is said before a server is asked for.
            let sheets = args.files.iter().map(|file| sheet(file)).collect::<Result<Vec<_>, _>>()?;
            ask(session, &args.client, async |client| apply(&args, &sheets, client).await).await
        }
        Command::List(args) => ask(session, &args.client, async |client| list(client).await).await,
        Command::Show(args) => {
            ask(session, &args.client, async |client| show(&args.receiver, client).await).await
        }
        Command::Remove(args) => ask(session, &args.client, async |client| remove(&args, client).await).await,
        Command::Enable(args) => ask(session, &args.client, async |client| enable(&args, client).await).await,
        Command::Test(args) => ask(session, &args.client, async |client| test(&args, client).await).await,
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&delivery::document_schema())
        }
    }
}

fn sheet(file: &Path) -> Result<Listed<Receiver>, Failure> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let message = format!("the file cannot be read: {error}");
        Failure::new(Class::Invalid, "unreadable-file", message).at("file", file.display().to_string())
    })?;
    delivery::parse(&file.display().to_string(), &bytes)
}

/// The receivers of a file, those that others name as their fallback before these.
fn in_order(receivers: &[Receiver]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..receivers.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |k: &usize| {
            let fallback = receivers.get(*k).map_or("", |receiver| receiver.fallback.as_str());
            left.iter().any(|other| other != k && receivers.get(*other).is_some_and(|one| one.id == fallback))
        };
        let (later, mut now): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(waits);
        // Two that name each other are put as they stand; the service says what is wrong.
        left = if now.is_empty() { Vec::new() } else { later.clone() };
        if now.is_empty() {
            now = later;
        }
        order.extend(now);
    }
    order
}

async fn service(client: &Client) -> Result<DeliveryServiceClient<Channel>, Failure> {
    client.delivery().await
}

/// A receiver with the one that it names, as things of whom they are put for.
fn owned(whose: &Whose, mut receiver: Receiver) -> Receiver {
    [&mut receiver.id, &mut receiver.fallback].into_iter().for_each(|id| whose.own(id));
    receiver
}

async fn apply(args: &ApplyArgs, sheets: &[Listed<Receiver>], client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let mut stands = Vec::new();
    let mut count = 0;
    for sheet in sheets {
        for k in in_order(sheet.entries()) {
            let receiver = sheet.entries().get(k).cloned().map(|receiver| owned(&args.whose, receiver));
            let ask = PutReceiverRequest { receiver, actor: args.actor.clone(), validate_only: args.check };
            let answer = service.put_receiver(client.request(ask)).await;
            let answer = answer.map_err(|status| sheet.place(k, Failure::from(status)))?.into_inner();
            count += usize::from(answer.changed);
            stands.extend(answer.receiver);
        }
    }
    say(&match (args.check, count) {
        (true, _) => format!("{} checked and sound; nothing was changed", counted(stands.len(), "receiver")),
        (false, 0) => format!("{} stood like this already", counted(stands.len(), "receiver")),
        (false, changed) => format!("{changed} of {} new or revised", counted(stands.len(), "receiver")),
    });
    print(&client.out, &stands)
}

async fn all(client: &Client) -> Result<Vec<ReceiverInfo>, Failure> {
    let answer = service(client).await?.list_receivers(client.request(ListReceiversRequest {})).await?;
    Ok(answer.into_inner().receivers)
}

async fn list(client: &Client) -> Result<(), Failure> {
    let receivers = all(client).await?;
    if receivers.is_empty() && client.out.format == Format::Table {
        say("no receiver yet; write a file and apply it: orewatch receivers apply FILE");
        return Ok(());
    }
    print(&client.out, &receivers)
}

fn print(out: &Out, receivers: &[ReceiverInfo]) -> Result<(), Failure> {
    let rows: Vec<ReceiverRow<'_>> = receivers.iter().map(ReceiverRow).collect();
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(out, receivers)),
    }
}

fn table(out: &Out, receivers: &[ReceiverInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("receiver", Align::Left),
            ("kind", Align::Left),
            ("to", Align::Left),
            ("state", Align::Left),
            ("waiting", Align::Right),
            ("delivered", Align::Right),
            ("given up", Align::Right),
        ],
    );
    for info in receivers {
        let receiver = info.receiver.clone().unwrap_or_default();
        let (kind, to) = leads(&receiver);
        sheet.row([
            receiver.id,
            kind.to_owned(),
            fit(&to, ADDRESS),
            receiver_state(info).to_owned(),
            info.waiting.to_string(),
            info.delivered.to_string(),
            info.given_up.to_string(),
        ]);
    }
    sheet.finish()
}

async fn one(receiver: &str, client: &Client) -> Result<ReceiverInfo, Failure> {
    let is = |info: &ReceiverInfo| info.receiver.as_ref().is_some_and(|own| own.id == receiver);
    all(client).await?.into_iter().find(is).ok_or_else(|| {
        Failure::new(Class::NotFound, "unknown-receiver", "there is no receiver of this name")
            .at("receiver", receiver)
            .with_hint("list the receivers: orewatch receivers list")
    })
}

async fn show(receiver: &str, client: &Client) -> Result<(), Failure> {
    let info = one(receiver, client).await?;
    let row = ReceiverRow(&info);
    match client.out.format {
        Format::Json => client.out.json(&object(&row)),
        Format::Csv => client.out.csv(&[row]),
        Format::Table => client.out.text(&page(&client.out, &row)),
    }
}

fn page(out: &Out, row: &ReceiverRow<'_>) -> String {
    let mut text = String::new();
    for (name, cell) in ReceiverRow::COLUMNS.iter().zip(row.cells()) {
        match (*name, cell.shown().as_str()) {
            (_, "") => {}
            ("receiver", id) => text.push_str(&format!("{}\n", out.style.bold(id))),
            (name, value) => text.push_str(&format!("  {:<16} {value}\n", name.replace('_', " "))),
        }
    }
    text
}

async fn remove(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let ask = RemoveReceiverRequest { receiver: args.receiver.clone(), actor: args.actor.clone() };
    let removed = service(client).await?.remove_receiver(client.request(ask)).await?.into_inner().removed;
    if client.out.format == Format::Json {
        client.out.json(&json!({"receiver": args.receiver, "removed": removed}))?;
    }
    say(if removed {
        "removed; what waited for it is given up"
    } else {
        "there is no such receiver; nothing was changed"
    });
    Ok(())
}

async fn enable(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let ask = EnableReceiverRequest { receiver: args.receiver.clone(), actor: args.actor.clone() };
    let answer = service(client).await?.enable_receiver(client.request(ask)).await?.into_inner();
    let info = answer.receiver.unwrap_or_default();
    say(&match answer.changed {
        true => format!("enabled; {} messages that waited for it go out", info.waiting),
        false => "it was not disabled; nothing was changed".to_owned(),
    });
    print(&client.out, &[info])
}

/// Plans a drill, and waits until the message is delivered, given up, or has failed once.
async fn test(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let ask = RunDrillRequest {
        receiver: args.receiver.clone(),
        actor: args.actor.clone(),
        ..RunDrillRequest::default()
    };
    let planned =
        client.notifications().await?.run_drill(client.request(ask)).await?.into_inner().notifications;
    let mut service = service(client).await?;
    let mut ended = Vec::new();
    let wait = async {
        for id in planned {
            ended.push(outcome(&mut service, client, &id).await?);
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(client.timeout, wait).await.unwrap_or_else(|_| {
        let message = "the receiver has neither taken nor refused the message in time";
        Err(Failure::new(Class::Unavailable, "not-in-time", message)
            .at("receiver", &args.receiver)
            .with_hint("is it disabled? See orewatch receivers show"))
    })?;
    deliveries::print(&client.out, &ended)?;
    if ended.iter().all(|delivery| delivery.state() == DeliveryState::Delivered) {
        say("the receiver has taken it");
        return Ok(());
    }
    let last = ended
        .iter()
        .flat_map(|delivery| delivery.attempts.last())
        .map(|attempt| attempt.message.clone())
        .next();
    Err(Failure::new(Class::Unavailable, "not-delivered", last.unwrap_or_default())
        .at("receiver", &args.receiver)
        .with_hint("it is tried again by itself; see orewatch deliveries"))
}

async fn outcome(
    service: &mut DeliveryServiceClient<Channel>,
    client: &Client,
    id: &str,
) -> Result<Delivery, Failure> {
    loop {
        let ask = GetDeliveryRequest { notification: id.to_owned() };
        match service.get_delivery(client.request(ask)).await.map_err(Failure::from) {
            Ok(answer) => {
                let delivery = answer.into_inner().delivery.unwrap_or_default();
                let waits = delivery.state() == DeliveryState::Waiting && delivery.attempt_count == 0;
                if !waits && delivery.state() != DeliveryState::Sending {
                    return Ok(delivery);
                }
            }
            // The log has it, and this replica not yet.
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_is_put_before_those_that_name_it() {
        let receiver = |id: &str, fallback: &str| Receiver {
            id: id.to_owned(),
            fallback: fallback.to_owned(),
            ..Receiver::default()
        };
        let receivers =
            [receiver("a", "b"), receiver("b", "c"), receiver("c", ""), receiver("d", "elsewhere")];
        assert_eq!(in_order(&receivers), [2, 3, 1, 0]);
        assert_eq!(in_order(&[receiver("a", "b"), receiver("b", "a")]).len(), 2, "a circle ends");
        assert!(in_order(&[]).is_empty());
    }

    #[test]
    fn a_receiver_has_a_cell_for_each_column() {
        assert_eq!(ReceiverRow(&ReceiverInfo::default()).cells().len(), ReceiverRow::COLUMNS.len());
    }
}
