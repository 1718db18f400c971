//! `deliveries`: what became of messages to receivers.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::alerting::v1::{
    Delivery, DeliveryState, GetDeliveryRequest, ListDeliveriesRequest, ReplayDeliveriesRequest,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::{ask, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Out, Sheet, document, fit, object};
use crate::session::{Client, Session};
use crate::view::{DeliveryRow, attempt_ended, delivery_state_word, time_told};
use crate::words::counted;

/// Messages on a page, and pages of a listing: beyond that the range is to be made shorter.
const PAGE: u32 = 500;
const MOST_PAGES: usize = 20;

/// Widest reason in a table.
const REASON: usize = 50;

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
    /// Show one message: its attempts, and the body as the receiver gets it
    Show(ShowArgs),
    /// Send messages again, each once and under its identifier
    Replay(ReplayArgs),
}

/// Where a message is, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// It waits for an attempt
    Waiting,
    /// An attempt is under way
    Sending,
    /// The receiver has taken it
    Delivered,
    /// It is not tried again by itself
    GivenUp,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only to this receiver
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    receiver: String,
    /// Only of this subscription
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    subscription: String,
    /// Only about this alert
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    alert: String,
    /// Only in this state; several are possible
    #[arg(long, value_name = "STATE")]
    state: Vec<State>,
    /// Planned since: a time, a day, or how long ago, such as 24h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Identifier of the message
    notification: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// Identifiers of messages
    #[arg(value_name = "ID", required_unless_present = "receiver", conflicts_with = "receiver")]
    notifications: Vec<String>,
    /// Instead: all to this receiver that were planned in a range of time
    #[arg(long, value_name = "ID", requires_all = ["from", "until"])]
    receiver: Option<String>,
    /// Planned at or after: a time, a day, or how long ago
    #[arg(long, value_name = "TIME", requires = "receiver")]
    from: Option<String>,
    /// Planned before
    #[arg(long, value_name = "TIME", requires = "receiver")]
    until: Option<String>,
    /// Of a range also those that were delivered
    #[arg(long, requires = "receiver")]
    also_delivered: bool,
    /// Who asks
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
            let since = args.list.since.as_deref().map(|text| when("since", text, now)).transpose()?;
            ask(session, &args.list.client, async |client| list(&args.list, since, client).await).await
        }
        Some(Command::Show(args)) => {
            ask(session, &args.client, async |client| show(&args.notification, client).await).await
        }
        Some(Command::Replay(args)) => {
            let bound =
                |field, text: &Option<String>| text.as_deref().map(|text| when(field, text, now)).transpose();
            let (from, until) = (bound("from", &args.from)?, bound("until", &args.until)?);
            let request = ReplayDeliveriesRequest {
                notifications: args.notifications.clone(),
                receiver: args.receiver.clone().unwrap_or_default(),
                from: from.map(stamp),
                until: until.map(stamp),
                also_delivered: args.also_delivered,
                actor: args.actor.clone(),
            };
            ask(session, &args.client, async |client| replay(request, client).await).await
        }
    }
}

fn stamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// A time: as it stands, the beginning of a day of UTC, or so long ago.
fn when(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let day = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let ago = || {
        let ago = text.parse::<SignedDuration>().ok().filter(|ago| !ago.is_negative())?;
        now.checked_sub(ago).ok()
    };
    text.parse::<Timestamp>().ok().or_else(day).or_else(ago).ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is no time"))
            .at(field, text)
            .with_hint("write 2026-11-27T10:00:00Z, 2026-11-27, or how long ago: 24h")
    })
}

async fn list(args: &ListArgs, since: Option<Timestamp>, client: &Client) -> Result<(), Failure> {
    let mut service = client.delivery().await?;
    let mut request = ListDeliveriesRequest {
        receiver: args.receiver.clone(),
        subscription: args.subscription.clone(),
        alert: args.alert.clone(),
        states: args.state.iter().map(|state| DeliveryState::from(*state).into()).collect(),
        from: since.map(stamp),
        page_size: PAGE,
        ..ListDeliveriesRequest::default()
    };
    let mut all = Vec::new();
    for page in 0..=MOST_PAGES {
        if page == MOST_PAGES {
            say(&format!("only the newest {} are shown: choose a shorter range with --since", all.len()));
            break;
        }
        let answer = service.list_deliveries(client.request(request.clone())).await?.into_inner();
        all.extend(answer.deliveries);
        request.page_token = answer.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if all.is_empty() && client.out.format == Format::Table {
        say("no such message");
        return Ok(());
    }
    print(&client.out, &all)
}

/// Prints messages.
pub(crate) fn print(out: &Out, deliveries: &[Delivery]) -> Result<(), Failure> {
    let rows: Vec<DeliveryRow<'_>> = deliveries.iter().map(DeliveryRow).collect();
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(out, deliveries)),
    }
}

fn table(out: &Out, deliveries: &[Delivery]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("message", Align::Left),
            ("planned", Align::Left),
            ("receiver", Align::Left),
            ("state", Align::Left),
            ("tries", Align::Right),
            ("next", Align::Left),
            ("last answer", Align::Left),
        ],
    );
    for delivery in deliveries {
        let message = delivery.notification.clone().unwrap_or_default();
        let last = delivery.attempts.last().map(|attempt| attempt.message.as_str()).unwrap_or_default();
        sheet.row([
            message.id,
            time_told(message.planned_at.as_ref()),
            message.receiver,
            delivery_state_word(delivery.state()),
            delivery.attempt_count.to_string(),
            time_told(delivery.next_at.as_ref()),
            fit(last, REASON),
        ]);
    }
    sheet.finish()
}

async fn show(id: &str, client: &Client) -> Result<(), Failure> {
    let request = GetDeliveryRequest { notification: id.to_owned() };
    let answer = client.delivery().await?.get_delivery(client.request(request)).await?.into_inner();
    let delivery = answer.delivery.unwrap_or_default();
    match client.out.format {
        Format::Json => {
            client.out.json(&json!({"delivery": object(&DeliveryRow(&delivery)), "body": answer.body}))
        }
        Format::Csv => client.out.csv(&[DeliveryRow(&delivery)]),
        Format::Table => client.out.text(&page(&client.out, &delivery, &answer.body)),
    }
}

fn page(out: &Out, delivery: &Delivery, body: &str) -> String {
    let message = delivery.notification.clone().unwrap_or_default();
    let mut text = format!("{}\n", out.style.bold(&message.id));
    let fields = [
        ("receiver", message.receiver),
        ("state", delivery_state_word(delivery.state())),
        ("planned", time_told(message.planned_at.as_ref())),
        ("next", time_told(delivery.next_at.as_ref())),
        ("given up", delivery.given_up.clone()),
        ("subscription", message.subscription),
        ("group", message.group),
    ];
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("  {name:<13} {value}\n"));
    }
    text.push_str(&format!("\n{}\n", out.style.dim("Attempts")));
    for attempt in &delivery.attempts {
        let by_hand = if attempt.by_hand { ", by hand" } else { "" };
        let (began, ended) = (time_told(attempt.began_at.as_ref()), attempt_ended(attempt));
        text.push_str(&format!("  {began}  {:<3} {ended}{by_hand}  {}\n", attempt.attempt, attempt.message));
    }
    text.push_str(&format!("\n{}\n{body}\n", out.style.dim("Body")));
    text
}

async fn replay(request: ReplayDeliveriesRequest, client: &Client) -> Result<(), Failure> {
    let again =
        client.delivery().await?.replay_deliveries(client.request(request)).await?.into_inner().notifications;
    match client.out.format {
        Format::Json => client.out.json(&json!({"notifications": again}))?,
        Format::Csv | Format::Table => {
            for id in &again {
                client.out.text(&format!("{id}\n"))?;
            }
        }
    }
    say(&format!("{} to be sent again; see orewatch deliveries", counted(again.len(), "message")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_instant_a_day_or_some_time_ago() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let told = |text| when("since", text, now).map(|time| time.to_string());
        assert_eq!(told("2026-11-01T00:00:00+01:00").unwrap(), "2026-10-31T23:00:00Z");
        assert_eq!(told("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(told("24h").unwrap(), "2026-11-26T10:00:00Z");
        for wrong in ["yesterday", "-24h", "", "2026-13-01"] {
            assert_eq!(told(wrong).unwrap_err().code, "invalid-time", "{wrong}");
        }
    }
}
