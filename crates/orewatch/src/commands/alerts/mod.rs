//! `alerts`: which thresholds are crossed, since when, and by how much.
mod find;
mod show;
mod unfired;
mod watch;
mod why;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertHold, AlertState, Certainty, ListAlertsRequest, ListHoldsRequest,
};
use orewatch_contracts::{Class, Failure};

use super::print_message;
use super::shared::all_pages;
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, hanging, product_notes, table, wrap};
use crate::session::Client;
use crate::view::ListedAlert;
use find::Found;
pub(crate) use find::find_existing;

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: u32 = 1_000;

/// Legend of the mark `?`.
pub(crate) const NOT_CONFIRMED: &str = "? not confirmed: the threshold lies inside the figure's bounds, or \
     fewer datasets are beyond it than the rule requires";

/// Legend of the mark `≠`.
const SOURCES_DISAGREE: &str = "≠ datasets disagree about whether the threshold is crossed; \
     `orewatch alerts show ID` shows both figures";

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orewatch alerts
  orewatch alerts --consumer JPN,EU27 --severity critical
  orewatch alerts --state resolved --format csv
  orewatch alerts --watch --format json
  orewatch alerts show g7-china-rare-earths/G7/rare-earths/refined/CHN
  orewatch alerts why g7-china-rare-earths/G7/rare-earths/refined/CHN
  orewatch alerts why g7-china-cobalt Japan cobalt"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    filter: Filter,
    /// Keep running, and show transitions as they happen
    #[arg(long)]
    watch: bool,
    /// With --watch: continue after this resume token, or start at the `beginning` [default: from now]
    #[arg(long, value_name = "TOKEN", requires = "watch")]
    from: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

impl Args {
    /// Connection options of the chosen subcommand.
    pub(crate) fn client(&self) -> &ClientOptions {
        match &self.command {
            Some(Command::Show { client, .. } | Command::Why { client, .. }) => client,
            None => &self.client,
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show one alert with its transitions
    Show {
        /// Identifier of the alert: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER, or the short one of the list
        alert: String,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Explain the state of an alert, why each receiver was notified or not, or why there is no alert
    Why {
        /// Identifier of the alert, or a rule and a subject: RULE CONSUMER MATERIAL STAGE SUPPLIER, of which
        /// the last ones may be left out
        #[arg(required = true, value_name = "ALERT")]
        alert: Vec<String>,
        #[command(flatten)]
        client: ClientOptions,
    },
}

/// Selection of alerts.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only alerts of these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    rule: Vec<String>,
    /// Only these consumers
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// Only these materials, or those of a list: listed(USA-2025)
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Only these stages: mined, refined or manufactured
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    stage: Vec<String>,
    /// Only these suppliers
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    supplier: Vec<String>,
    /// Only alerts in these states [default: firing and pending]
    #[arg(long, value_enum, value_delimiter = ',')]
    state: Vec<State>,
    /// Only these severities
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<String>,
    /// Only alerts with this label; repeat the option to require several
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
}

/// State of an alert, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    /// The threshold is crossed, but not yet for as long as the rule requires
    Pending,
    /// The rule's condition holds
    Firing,
    /// The alert fired and has ended
    Resolved,
    /// The threshold is not crossed
    Inactive,
}

/// Reads a label with its value.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Filter {
    /// Returns the filter as the services take it, with codes in the place of names.
    ///
    /// # Errors
    /// A name that is in no table, or that means several things.
    pub(crate) fn proto(&self) -> Result<AlertFilter, Failure> {
        let states = self.state.iter().map(|state| match state {
            State::Pending => AlertState::Pending.into(),
            State::Firing => AlertState::Firing.into(),
            State::Resolved => AlertState::Resolved.into(),
            State::Inactive => AlertState::Inactive.into(),
        });
        Ok(AlertFilter {
            rules: self.rule.clone(),
            consumers: names::consumers(&self.consumer)?,
            materials: names::materials(&self.material)?,
            stages: names::stages(&self.stage)?,
            suppliers: names::suppliers(&self.supplier)?,
            states: states.collect(),
            severities: self.severity.clone(),
            labels: self.label.iter().cloned().collect::<BTreeMap<_, _>>(),
            ..AlertFilter::default()
        })
    }
}

/// Queries the alerts that match, the most severe first.
pub(crate) async fn query(client: &Client, filter: AlertFilter) -> Result<Vec<Alert>, Failure> {
    let mut service = client.alerting().await?;
    let mut alerts = all_pages(async |page_token| {
        let request = ListAlertsRequest { filter: Some(filter.clone()), page_size: PAGE_SIZE, page_token };
        let page = client.take(service.list_alerts(client.request(request)).await?);
        Ok((page.alerts, page.next_page_token))
    })
    .await?;
    alerts.sort_by(by_urgency);
    Ok(alerts)
}

/// What a filter names that no rule has or ever had, such as a rule that does not exist, each with a
/// suggestion.
async fn unknown_words(client: &Client, filter: &AlertFilter) -> Result<Vec<String>, Failure> {
    let request = ListAlertsRequest { filter: Some(filter.clone()), page_size: 1, page_token: String::new() };
    Ok(client.take(client.alerting().await?.list_alerts(client.request(request)).await?).warnings)
}

/// Refuses a filter that names what no rule has: without that, a typing error looks like no alerts.
async fn require_known_words(client: &Client, filter: &AlertFilter) -> Result<(), Failure> {
    let unknown = unknown_words(client, filter).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Class::NotFound, "unknown-value", unknown.join("; "))
        .with_hint("list the rules with their severities and labels: orewatch rules list --format csv"))
}

/// Orders alerts: the most severe first, then by margin.
fn by_urgency(a: &Alert, b: &Alert) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| margin(b).total_cmp(&margin(a))).then_with(|| a.id.cmp(&b.id))
}

/// Sort key: firing before pending before the rest, critical before other severities.
fn rank(alert: &Alert) -> (u8, bool, String) {
    let state = match alert.state() {
        AlertState::Firing => 0,
        AlertState::Pending => 1,
        AlertState::Resolved => 2,
        AlertState::Inactive | AlertState::Unspecified => 3,
    };
    (state, alert.severity != "critical", alert.severity.clone())
}

fn margin(alert: &Alert) -> f64 {
    alert.margin.unwrap_or(f64::NEG_INFINITY)
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    match &args.command {
        Some(Command::Show { alert, .. }) => {
            return show::run(&find_existing(client, alert).await?, client).await;
        }
        Some(Command::Why { alert, .. }) => {
            return match find::find(client, alert).await? {
                Found::Alert(id) => why::run(&id, client).await,
                Found::NoAlert(wanted) => unfired::run(client, &wanted).await,
            };
        }
        None => {}
    }
    let filter = args.filter.proto()?;
    if args.watch {
        // A rule that a watch waits for may be stored later, so that an unknown name is no error.
        unknown_words(client, &filter).await?.iter().for_each(|unknown| print_message(unknown));
        return watch::watch(client, filter, args.from.clone()).await;
    }
    require_known_words(client, &filter).await?;
    let alerts = query(client, filter).await?;
    let holds = holds(client, &alerts).await?;
    match client.out.format {
        Format::Json => client.out.json(&listed(&alerts, &holds))?,
        Format::Csv => client.out.csv(&alerts)?,
        Format::Table if alerts.is_empty() => {
            print_message("No alert matches. Only rules that are applied can fire: orewatch rules list");
        }
        Format::Table => client.out.text(&list_text(&client.out, &alerts, &holds))?,
    }
    client.out.require(alerts.is_empty())
}

/// Alerts with how they are handled.
fn listed<'a>(alerts: &'a [Alert], holds: &'a Holds) -> Vec<ListedAlert<'a>> {
    alerts.iter().map(|alert| ListedAlert { alert, hold: holds.get(&alert.id) }).collect()
}

/// A table of alerts, with a legend of the marks in it.
fn list_text(out: &Out, alerts: &[Alert], holds: &Holds) -> String {
    let mut text = table(out, &listed(alerts, holds));
    if alerts.iter().any(|alert| alert.certainty() == Certainty::NotConfirmed) {
        text.push_str(&wrap(NOT_CONFIRMED, out.width, ""));
    }
    if alerts.iter().any(|alert| alert.sources_disagree && !alert.stale) {
        text.push_str(&wrap(SOURCES_DISAGREE, out.width, ""));
    }
    let notes = product_notes(alerts.iter().map(|alert| (alert.subject.as_ref(), &*alert.products)));
    text.push_str(&hanging(&notes, out.width, 2));
    text
}

/// Acknowledgements, silences and inhibitions of alerts, by alert.
type Holds = BTreeMap<String, AlertHold>;

/// Queries how alerts are handled: acknowledged, silenced or inhibited.
async fn holds(client: &Client, alerts: &[Alert]) -> Result<Holds, Failure> {
    let mut service = client.notifications().await?;
    let mut holds = Holds::new();
    for page in alerts.chunks(PAGE_SIZE as usize) {
        let request = ListHoldsRequest { alerts: page.iter().map(|alert| alert.id.clone()).collect() };
        let response = service.list_holds(client.request(request)).await?.into_inner();
        holds.extend(response.holds.into_iter().map(|hold| (hold.alert.clone(), hold)));
    }
    Ok(holds)
}
