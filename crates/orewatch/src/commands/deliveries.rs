//! `deliveries`: messages to receivers, their attempts and states.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    Delivery, DeliveryState, GetAlertRequest, GetDeliveryRequest, ListDeliveriesRequest,
    ReplayDeliveriesRequest,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::alerts::find_existing;
use super::receivers::list_receivers;
use super::shared::{is_prefix, print_list, require_known, whole_id};
use super::subscriptions::list_subscriptions;
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::{Out, hanging, labels, object};
use crate::session::{Client, Session};
use crate::times;
use crate::view::{attempt_outcome, delivery_word};
use crate::words::{count_text, time_text};

/// Page size of requests.
const PAGE_SIZE: u32 = 500;
/// Maximum number of pages to list: 10,000 messages.
const MAX_PAGES: usize = 20;

/// Width of the labels on the page of a message, in characters.
const LABEL_WIDTH: usize = 13;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orewatch deliveries --receiver desk-hook --state given-up
  orewatch deliveries --since 24h --format csv
  orewatch deliveries show 5a4f2c1e-7a7f-5a6e-9a51-000000000001
  orewatch deliveries replay 5a4f2c1e-7a7f-5a6e-9a51-000000000001
  orewatch deliveries replay --receiver desk-hook --from 2026-11-27 --until 2026-11-28"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show one message: its attempts, and the body as it is sent
    Show(ShowArgs),
    /// Send messages again, each once and under the same identifier
    Replay(ReplayArgs),
}

/// Delivery state of a message, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// The message waits for its next attempt
    Waiting,
    /// An attempt is under way
    Sending,
    /// The receiver accepted the message
    Delivered,
    /// The message is not sent again automatically
    GivenUp,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only messages to this receiver
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    receiver: String,
    /// Only messages of this subscription
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    subscription: String,
    /// Only messages about this alert: its identifier, or the short one of the list
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    alert: String,
    /// Only messages in this state; repeat the option for several states
    #[arg(long, value_name = "STATE")]
    state: Vec<State>,
    /// Only messages planned since then: a time, a day (UTC), or how long ago, such as 24h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Identifier of the message, or the beginning of it
    notification: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// Identifiers of messages
    #[arg(value_name = "ID", required_unless_present = "receiver", conflicts_with = "receiver")]
    notifications: Vec<String>,
    /// Send again all messages to this receiver that were planned from --from until --until and not delivered
    #[arg(long, value_name = "ID", requires_all = ["from", "until"])]
    receiver: Option<String>,
    /// Beginning of the range: a time, a day (UTC), or how long ago, such as 24h
    #[arg(long, value_name = "TIME", requires = "receiver")]
    from: Option<String>,
    /// End of the range, exclusive
    #[arg(long, value_name = "TIME", requires = "receiver")]
    until: Option<String>,
    /// Also send messages of the range that were delivered
    #[arg(long, requires = "receiver")]
    also_delivered: bool,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

impl From<State> for DeliveryState {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Sending => Self::Sending,
            State::Delivered => Self::Delivered,
            State::GivenUp => Self::GivenUp,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let now = session.clock.now();
    match args.command {
        None => {
            let since = args.list.since.as_deref().map(|text| parse_time("since", text, now)).transpose()?;
            with_client(session, &args.list.client, async |client| list(&args.list, since, client).await)
                .await
        }
        Some(Command::Show(args)) => {
            with_client(session, &args.client, async |client| show(&args.notification, client).await).await
        }
        Some(Command::Replay(args)) => {
            let bound = |field, text: &Option<String>| {
                text.as_deref().map(|text| parse_time(field, text, now)).transpose()
            };
            let (from, until) = (bound("from", &args.from)?, bound("until", &args.until)?);
            let request = ReplayDeliveriesRequest {
                notifications: args.notifications.clone(),
                receiver: args.receiver.clone().unwrap_or_default(),
                from: from.map(timestamp),
                until: until.map(timestamp),
                also_delivered: args.also_delivered,
                actor: args.actor.clone(),
            };
            with_client(session, &args.client, async |client| replay(request, client).await).await
        }
    }
}

/// Reads a time: a timestamp, a day (its beginning in UTC), or a duration before now.
fn parse_time(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let day = || times::beginning(text.parse().ok()?);
    let ago = || {
        let ago = times::duration(text).filter(|ago| !ago.is_negative())?;
        now.checked_sub(ago).ok()
    };
    text.parse::<Timestamp>().ok().or_else(day).or_else(ago).ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is not a time"))
            .at(field, text)
            .with_hint("write 2026-11-27T10:00:00Z, 2026-11-27, or how long ago: 24h or 7d")
    })
}

async fn list(args: &ListArgs, since: Option<Timestamp>, client: &Client) -> Result<(), Failure> {
    let alert = find_existing(client, &args.alert).await?;
    let request = ListDeliveriesRequest {
        receiver: args.receiver.clone(),
        subscription: args.subscription.clone(),
        alert: alert.clone(),
        states: args.state.iter().map(|state| DeliveryState::from(*state).into()).collect(),
        from: since.map(timestamp),
        page_size: PAGE_SIZE,
        ..ListDeliveriesRequest::default()
    };
    let all = pages(request, client).await?;
    if all.is_empty() {
        require_known_names(args, &alert, client).await?;
    }
    print_list(&client.out, &all, "No message matches.")
}

/// Refuses names of the filter that are those of nothing. Names of what was removed have messages, so that
/// only a list without any message has to be checked.
async fn require_known_names(args: &ListArgs, alert: &str, client: &Client) -> Result<(), Failure> {
    if !args.receiver.is_empty() {
        let known = list_receivers(client).await?.into_iter();
        let known = known.filter_map(|info| Some(info.receiver?.id));
        require_known(("receiver", "unknown-receiver"), &args.receiver, known)?;
    }
    if !args.subscription.is_empty() {
        let known = list_subscriptions(client, "").await?.into_iter();
        let known = known.filter_map(|info| Some(info.subscription?.id));
        require_known(("subscription", "unknown-subscription"), &args.subscription, known)?;
    }
    if !alert.is_empty() {
        let request = GetAlertRequest { alert: alert.to_owned() };
        client.alerting().await?.get_alert(client.request(request)).await?;
    }
    Ok(())
}

/// Collects the newest messages, page by page.
async fn pages(mut request: ListDeliveriesRequest, client: &Client) -> Result<Vec<Delivery>, Failure> {
    let mut service = client.delivery().await?;
    let mut all = Vec::new();
    for page in 0..=MAX_PAGES {
        if page == MAX_PAGES {
            print_message(&format!(
                "Only the newest {} messages are shown. Choose a shorter range with --since.",
                all.len()
            ));
            break;
        }
        let response = service.list_deliveries(client.request(request.clone())).await?.into_inner();
        all.extend(response.deliveries);
        request.page_token = response.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// The identifier of the only message that begins like the argument.
async fn whole_message(client: &Client, text: &str) -> Result<String, Failure> {
    if !is_prefix(text) {
        return Ok(text.to_owned());
    }
    let request = ListDeliveriesRequest { page_size: PAGE_SIZE, ..ListDeliveriesRequest::default() };
    let listed = pages(request, client).await?.into_iter();
    whole_id(text, listed.filter_map(|delivery| Some(delivery.notification?.id)).collect())
}

async fn show(id: &str, client: &Client) -> Result<(), Failure> {
    let request = GetDeliveryRequest { notification: whole_message(client, id).await? };
    let response = client.delivery().await?.get_delivery(client.request(request)).await?.into_inner();
    let delivery = response.delivery.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&json!({"delivery": object(&delivery), "body": response.body})),
        Format::Csv => client.out.csv([&delivery]),
        Format::Table => client.out.text(&page(&client.out, &delivery, &response.body)),
    }
}

fn page(out: &Out, delivery: &Delivery, body: &str) -> String {
    let message = delivery.notification.clone().unwrap_or_default();
    let mut text = format!("{}\n", out.style.bold(&message.id));
    let fields = [
        ("receiver", message.receiver),
        ("state", delivery_word(delivery.state())),
        ("planned", time_text(message.planned_at)),
        ("next attempt", time_text(delivery.next_at)),
        ("given up", delivery.given_up.clone()),
        ("subscription", message.subscription),
        ("group", message.group),
    ];
    text.push_str(&labels(&fields, LABEL_WIDTH, out.width));
    text.push_str(&format!("\n{}\n", out.style.dim("Attempts")));
    for attempt in &delivery.attempts {
        let by_hand = if attempt.by_hand { ", manual" } else { "" };
        let (began, ended) = (time_text(attempt.began_at), attempt_outcome(attempt));
        let line = format!("  {began}  {:<3} {ended}{by_hand}  {}", attempt.attempt, attempt.message);
        text.push_str(&hanging(&line, out.width, 4));
    }
    text.push_str(&format!("\n{}\n{body}\n", out.style.dim("Body")));
    text
}

async fn replay(mut request: ReplayDeliveriesRequest, client: &Client) -> Result<(), Failure> {
    for notification in &mut request.notifications {
        *notification = whole_message(client, notification).await?;
    }
    let replayed =
        client.delivery().await?.replay_deliveries(client.request(request)).await?.into_inner().notifications;
    match client.out.format {
        Format::Json => client.out.json(&json!({"notifications": replayed}))?,
        Format::Csv | Format::Table => {
            for id in &replayed {
                client.out.text(&format!("{id}\n"))?;
            }
        }
    }
    print_message(&format!(
        "{} will be sent again. See the outcome with `orewatch deliveries`.",
        count_text(replayed.len(), "message")
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_timestamp_a_day_or_a_duration_before_now() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let parsed = |text| parse_time("since", text, now).map(|time| time.to_string());
        assert_eq!(parsed("2026-11-01T00:00:00+01:00").unwrap(), "2026-10-31T23:00:00Z");
        assert_eq!(parsed("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(parsed("24h").unwrap(), "2026-11-26T10:00:00Z");
        for wrong in ["yesterday", "-24h", "", "2026-13-01"] {
            assert_eq!(parsed(wrong).unwrap_err().code, "invalid-time", "{wrong}");
        }
    }
}
