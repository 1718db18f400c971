//! `receivers`: destinations of messages about alerts.
use std::path::{Path, PathBuf};
use std::time::Duration;

use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::{
    Delivery, DeliveryState, EnableReceiverRequest, GetDeliveryRequest, ListReceiversRequest,
    PutReceiverRequest, Receiver, ReceiverInfo, RemoveReceiverRequest, RunDrillRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_receivers::{document_schema, parse};
use orewatch_rules::document::EntryFile;
use tonic::transport::Channel;

use super::shared::{Removal, print_applied, print_list, print_removal, read_file};
use super::{print_message, with_client};
use crate::options::{ClientOptions, TenantOption};
use crate::session::{Client, Session};
use crate::words::count_text;

/// Interval between two queries of a test message's state.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch receivers apply receivers.yaml --check
  orewatch receivers apply receivers.yaml --actor ann
  orewatch receivers test desk-chat
  orewatch receivers enable desk-hook
  orewatch receivers schema > receivers.schema.json

Example of a file:
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
    /// Create or revise receivers from files
    Apply(ApplyArgs),
    /// List receivers with their health
    List(ListArgs),
    /// Show one receiver
    Show(OneArgs),
    /// Remove a receiver and give up its waiting messages
    Remove(ActArgs),
    /// Enable a disabled receiver; its waiting messages are sent
    Enable(ActArgs),
    /// Send a test message, marked as a drill, and report the outcome
    Test(ActArgs),
    /// Print the JSON Schema of receiver files
    Schema,
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with receivers; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Check the files, but change nothing
    #[arg(long)]
    check: bool,
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
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Apply(args) => {
            // Reads the files first, so that their errors show without a server.
            let sheets = args.files.iter().map(|file| read_receivers(file)).collect::<Result<Vec<_>, _>>()?;
            with_client(session, &args.client, async |client| apply(&args, &sheets, client).await).await
        }
        Command::List(args) => with_client(session, &args.client, async |client| list(client).await).await,
        Command::Show(args) => {
            with_client(session, &args.client, async |client| show(&args.receiver, client).await).await
        }
        Command::Remove(args) => {
            with_client(session, &args.client, async |client| remove(&args, client).await).await
        }
        Command::Enable(args) => {
            with_client(session, &args.client, async |client| enable(&args, client).await).await
        }
        Command::Test(args) => {
            with_client(session, &args.client, async |client| test(&args, client).await).await
        }
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&document_schema())
        }
    }
}

fn read_receivers(file: &Path) -> Result<EntryFile<Receiver>, Failure> {
    parse(&file.display().to_string(), &read_file(file)?)
}

/// Order in which to put receivers: a fallback before the receivers that name it.
fn fallbacks_first(receivers: &[Receiver]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..receivers.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let needs_other = |k: &usize| {
            let fallback = receivers.get(*k).map_or("", |receiver| receiver.fallback.as_str());
            left.iter().any(|other| other != k && receivers.get(*other).is_some_and(|one| one.id == fallback))
        };
        let (later, mut now): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(needs_other);
        // Receivers that name each other keep their order; the service reports the error.
        left = if now.is_empty() { Vec::new() } else { later.clone() };
        if now.is_empty() {
            now = later;
        }
        order.extend(now);
    }
    order
}

/// Qualifies the identifiers of a receiver and of its fallback with the tenant.
fn with_tenant(owner: &TenantOption, mut receiver: Receiver) -> Receiver {
    [&mut receiver.id, &mut receiver.fallback].into_iter().for_each(|id| owner.qualify(id));
    receiver
}

async fn apply(args: &ApplyArgs, sheets: &[EntryFile<Receiver>], client: &Client) -> Result<(), Failure> {
    let mut service = client.delivery().await?;
    let (mut infos, mut changed) = (Vec::new(), 0);
    for sheet in sheets {
        for k in fallbacks_first(sheet.entries()) {
            let receiver = sheet.entries().get(k).cloned().map(|receiver| with_tenant(&args.owner, receiver));
            let request =
                PutReceiverRequest { receiver, actor: args.actor.clone(), validate_only: args.check };
            let response = service.put_receiver(client.request(request)).await;
            let response = response.map_err(|status| sheet.locate(k, Failure::from(status)))?.into_inner();
            changed += usize::from(response.changed);
            infos.extend(response.receiver);
        }
    }
    if args.check {
        print_message(&format!("{} valid. Nothing was changed.", count_text(infos.len(), "receiver")));
    } else {
        print_applied(changed, infos.len(), "receiver");
    }
    client.out.rows(&infos)
}

/// Lists all receivers.
pub(super) async fn list_receivers(client: &Client) -> Result<Vec<ReceiverInfo>, Failure> {
    let response = client.delivery().await?.list_receivers(client.request(ListReceiversRequest {})).await?;
    Ok(response.into_inner().receivers)
}

async fn list(client: &Client) -> Result<(), Failure> {
    let receivers = list_receivers(client).await?;
    let none = "No receivers yet. Write a file and apply it: orewatch receivers apply FILE";
    print_list(&client.out, &receivers, none)
}

async fn get_receiver(receiver: &str, client: &Client) -> Result<ReceiverInfo, Failure> {
    let is = |info: &ReceiverInfo| info.receiver.as_ref().is_some_and(|own| own.id == receiver);
    list_receivers(client).await?.into_iter().find(is).ok_or_else(|| {
        Failure::new(Class::NotFound, "unknown-receiver", "no receiver has this identifier")
            .at("receiver", receiver)
            .with_hint("list receivers: orewatch receivers list")
    })
}

async fn show(receiver: &str, client: &Client) -> Result<(), Failure> {
    client.out.row(&get_receiver(receiver, client).await?)
}

async fn remove(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let request = RemoveReceiverRequest { receiver: args.receiver.clone(), actor: args.actor.clone() };
    let removed =
        client.delivery().await?.remove_receiver(client.request(request)).await?.into_inner().removed;
    let consequence = "Its waiting messages are given up.";
    let removal = Removal { kind: "receiver", id: &args.receiver, removed, consequence };
    print_removal(&client.out, &removal)
}

async fn enable(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let request = EnableReceiverRequest { receiver: args.receiver.clone(), actor: args.actor.clone() };
    let response = client.delivery().await?.enable_receiver(client.request(request)).await?.into_inner();
    let info = response.receiver.unwrap_or_default();
    print_message(&match response.changed {
        true => format!("Receiver enabled. {} waiting messages will be sent.", info.waiting),
        false => "The receiver is not disabled. Nothing changed.".to_owned(),
    });
    client.out.rows(&[info])
}

/// Runs a drill, and waits until its message is delivered, is given up, or has failed once.
async fn test(args: &ActArgs, client: &Client) -> Result<(), Failure> {
    let request = RunDrillRequest {
        receiver: args.receiver.clone(),
        actor: args.actor.clone(),
        ..RunDrillRequest::default()
    };
    let planned =
        client.notifications().await?.run_drill(client.request(request)).await?.into_inner().notifications;
    let mut service = client.delivery().await?;
    let mut ended = Vec::new();
    let wait = async {
        for id in planned {
            ended.push(wait_for_outcome(&mut service, client, &id).await?);
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(client.timeout, wait).await.unwrap_or_else(|_| {
        let message = "the message was neither delivered nor refused in time";
        Err(Failure::new(Class::Unavailable, "delivery-pending", message)
            .at("receiver", &args.receiver)
            .with_hint("check whether the receiver is disabled: orewatch receivers show RECEIVER"))
    })?;
    client.out.rows(&ended)?;
    if ended.iter().all(|delivery| delivery.state() == DeliveryState::Delivered) {
        print_message("Delivered.");
        return Ok(());
    }
    let last = ended
        .iter()
        .flat_map(|delivery| delivery.attempts.last())
        .map(|attempt| attempt.message.clone())
        .next();
    Err(Failure::new(Class::Unavailable, "not-delivered", last.unwrap_or_default())
        .at("receiver", &args.receiver)
        .with_hint("the message will be sent again automatically; see `orewatch deliveries`"))
}

/// Waits until the first attempt of a message has ended.
async fn wait_for_outcome(
    service: &mut DeliveryServiceClient<Channel>,
    client: &Client,
    id: &str,
) -> Result<Delivery, Failure> {
    loop {
        let request = GetDeliveryRequest { notification: id.to_owned() };
        match service.get_delivery(client.request(request)).await.map_err(Failure::from) {
            Ok(response) => {
                let delivery = response.into_inner().delivery.unwrap_or_default();
                let is_waiting = delivery.state() == DeliveryState::Waiting && delivery.attempt_count == 0;
                if !is_waiting && delivery.state() != DeliveryState::Sending {
                    return Ok(delivery);
                }
            }
            // The message is on the log, but this replica has not read it yet.
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
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
        assert_eq!(fallbacks_first(&receivers), [2, 3, 1, 0]);
        assert_eq!(fallbacks_first(&[receiver("a", "b"), receiver("b", "a")]).len(), 2, "a circle ends");
        assert!(fallbacks_first(&[]).is_empty());
    }
}
