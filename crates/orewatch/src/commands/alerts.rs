//! `alerts`: which lines are crossed, since when, and by how much.
mod watch;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use orewatch_alerting::wording;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertHold, AlertRestated, AlertState, AlertTransition, Certainty, Contributor,
    GetAlertRequest, ListAlertsRequest, ListHoldsRequest, Restatement, RuleChange,
};
use orewatch_runtime::Failure;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

use super::acknowledge::taken_on;
use super::{say, why};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Out, Row as _, Sheet, difference_in, document, estimate, fit, object, value_in};
use crate::session::Client;
use crate::view::{AlertRow, HoldRow, TransitionRow, alert_of, reason_word, state_word};
use crate::words::{instant, name_of, unit_of};

/// Largest page that a server gives.
const PAGE: u32 = 1_000;

/// What the mark of an alert that is not confirmed says.
pub(crate) const NOT_CONFIRMED: &str = "? not confirmed: the line lies inside the figure's bounds, or fewer datasets are beyond it than the rule asks for";

/// What the mark of an alert says of which datasets say otherwise.
const DISAGREE: &str =
    "≠ datasets disagree on which side of the line the figure is; `orewatch alerts show ID` has both";

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
  orewatch alerts why g7-china-rare-earths/G7/rare-earths/refined/CHN"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    filter: Filter,
    /// Go on: show transitions as they happen
    #[arg(long)]
    watch: bool,
    /// With --watch: go on after this resume token, or from the `beginning` [default: from now]
    #[arg(long, value_name = "TOKEN", requires = "watch")]
    from: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

impl Args {
    /// Where to ask.
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
        /// Identifier: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER
        alert: String,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Why an alert is as it is, and why each receiver was told or not
    Why {
        /// Identifier: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER
        alert: String,
        #[command(flatten)]
        client: ClientOptions,
    },
}

/// Which alerts.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    rule: Vec<String>,
    /// Consumers
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// Materials
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Stages
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    stage: Vec<String>,
    /// Suppliers
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    supplier: Vec<String>,
    /// States [default: firing and pending]
    #[arg(long, value_enum, value_delimiter = ',')]
    state: Vec<State>,
    /// Severities
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<String>,
    /// Labels that must all be there
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
}

/// Where an alert is.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    Pending,
    Firing,
    Resolved,
    Inactive,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Filter {
    /// The filter as the services take it.
    pub(crate) fn proto(&self) -> AlertFilter {
        let states = self.state.iter().map(|state| match state {
            State::Pending => AlertState::Pending.into(),
            State::Firing => AlertState::Firing.into(),
            State::Resolved => AlertState::Resolved.into(),
            State::Inactive => AlertState::Inactive.into(),
        });
        AlertFilter {
            rules: self.rule.clone(),
            consumers: self.consumer.clone(),
            materials: self.material.clone(),
            stages: self.stage.clone(),
            suppliers: self.supplier.clone(),
            states: states.collect(),
            severities: self.severity.clone(),
            labels: self.label.iter().cloned().collect::<BTreeMap<_, _>>(),
            ..AlertFilter::default()
        }
    }
}

/// Alerts that match, the most severe first.
pub(crate) async fn query(client: &Client, filter: AlertFilter) -> Result<Vec<Alert>, Failure> {
    let mut service = client.alerting().await?;
    let (mut alerts, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = ListAlertsRequest { filter: Some(filter.clone()), page_size: PAGE, page_token };
        let page = service.list_alerts(client.request(ask)).await?.into_inner();
        page.warnings.iter().for_each(|warning| say(warning));
        alerts.extend(page.alerts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    alerts.sort_by(order);
    Ok(alerts)
}

/// The most severe first, then the farthest beyond the line.
fn order(a: &Alert, b: &Alert) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| margin(b).total_cmp(&margin(a))).then_with(|| a.id.cmp(&b.id))
}

/// Firing before pending before the rest, critical before warning.
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
        Some(Command::Show { alert, .. }) => return show(alert, client).await,
        Some(Command::Why { alert, .. }) => return why::run(alert, client).await,
        None => {}
    }
    let filter = args.filter.proto();
    if args.watch {
        return watch::watch(client, filter, args.from.clone()).await;
    }
    let alerts = query(client, filter).await?;
    let holds = holds(client, &alerts).await?;
    let rows: Vec<AlertRow<'_>> = alerts.iter().map(AlertRow).collect();
    match client.out.format {
        Format::Json => {
            let rows = alerts.iter().map(|alert| ListedRow { alert, hold: holds.get(&alert.id) });
            client.out.json(&rows.collect::<Vec<_>>())
        }
        Format::Csv => client.out.csv(&rows),
        Format::Table if alerts.is_empty() => {
            say("no alert matches; without rules none can fire: see `orewatch rules list`");
            Ok(())
        }
        Format::Table => client.out.text(&table(&client.out, &alerts, &holds)),
    }
}

/// What is done about alerts, by identifier.
type Holds = BTreeMap<String, AlertHold>;

/// What is done about alerts.
async fn holds(client: &Client, alerts: &[Alert]) -> Result<Holds, Failure> {
    let mut service = client.notifications().await?;
    let mut holds = Holds::new();
    for page in alerts.chunks(PAGE as usize) {
        let ask = ListHoldsRequest { alerts: page.iter().map(|alert| alert.id.clone()).collect() };
        let answer = service.list_holds(client.request(ask)).await?.into_inner();
        holds.extend(answer.holds.into_iter().map(|hold| (hold.alert.clone(), hold)));
    }
    Ok(holds)
}

/// What is done about an alert, in a few words.
fn held(hold: &AlertHold) -> String {
    let taken_on = hold.acknowledgement.as_ref().map(taken_on);
    let silenced = hold.silenced_until.map(|until| format!("silent until {}", instant(until.seconds)));
    let inhibited = Some(&hold.inhibition).filter(|by| !by.is_empty()).map(|by| format!("explained by {by}"));
    [taken_on, silenced, inhibited].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// An alert with what is done about it.
struct ListedRow<'a> {
    alert: &'a Alert,
    hold: Option<&'a AlertHold>,
}

impl Serialize for ListedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in AlertRow::COLUMNS.iter().zip(AlertRow(self.alert).cells()) {
            map.serialize_entry(name, &cell)?;
        }
        let hold = self.hold.map(HoldRow);
        map.serialize_entry("held", &hold.as_ref().map(object))?;
        map.end()
    }
}

async fn show(alert: &str, client: &Client) -> Result<(), Failure> {
    let ask = GetAlertRequest { alert: alert.to_owned() };
    let answer = client.alerting().await?.get_alert(client.request(ask)).await?.into_inner();
    let alert = answer.alert.unwrap_or_default();
    let transitions: Vec<TransitionRow<'_>> = answer.transitions.iter().map(TransitionRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "alert": object(&AlertRow(&alert)),
            "transitions": document(&transitions),
        })),
        Format::Csv => client.out.csv(&transitions),
        Format::Table => client.out.text(&page(&client.out, &alert, &answer.transitions)),
    }
}

/// Who depends on whom for what, in a few words.
pub(crate) fn about(alert: &Alert) -> String {
    let subject = alert.subject.clone().unwrap_or_default();
    let on = match (subject.supplier.as_str(), alert.names.as_slice()) {
        ("", [first, ..]) => format!(" ({first})"),
        ("", []) => String::new(),
        (supplier, _) => format!(" from {supplier}"),
    };
    format!("{} {} {}{on}", subject.consumer, subject.material, subject.stage)
}

/// Unit of an alert's figure.
pub(crate) fn unit(alert: &Alert) -> &'static str {
    unit_of(alert.subject.as_ref().map_or("", |subject| subject.measure.as_str()))
}

/// The line: `> 65.0 %`, or the condition in words where it is none over the figure itself.
pub(crate) fn line(alert: &Alert) -> String {
    if !alert.condition.is_empty() {
        return fit(&alert.condition, 24);
    }
    format!("{} {}", if alert.above { '>' } else { '<' }, value_in(unit(alert), alert.line))
}

/// How far beyond the line; nothing where it is not the figure itself that is held against it.
pub(crate) fn beyond(alert: &Alert) -> String {
    if !alert.condition.is_empty() {
        return String::new();
    }
    alert.margin.map_or_else(String::new, |margin| difference_in(unit(alert), margin))
}

/// The value as text.
pub(crate) fn value(alert: &Alert) -> String {
    known(alert).unwrap_or_else(|| estimate(unit(alert), alert.estimate.as_ref()))
}

/// The value as text, if there is one.
fn known(alert: &Alert) -> Option<String> {
    let value = alert.estimate.as_ref().and_then(|estimate| estimate.value);
    value.map(|value| value_in(unit(alert), value))
}

/// The suppliers behind the figure, with their shares.
fn suppliers(alert: &Alert) -> String {
    let told = |one: &Contributor| format!("{} {}", one.supplier, value_in("share", one.share));
    alert.contributors.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// The change of the rule that made the alert change.
fn changed(change: &RuleChange) -> String {
    let by = if change.actor.is_empty() { String::new() } else { format!(" by {}", change.actor) };
    let because = if change.reason.is_empty() { String::new() } else { format!(": {}", change.reason) };
    format!("revision {}{by}{because}", change.revision)
}

/// The state, with what people must know beside it.
fn state(alert: &Alert) -> String {
    let mut text = state_word(alert.state());
    if alert.certainty() == Certainty::NotConfirmed {
        text.push('?');
    }
    if alert.sources_disagree {
        text.push('≠');
    }
    if alert.stale {
        text.push_str(", stale");
    }
    text
}

fn table(out: &Out, alerts: &[Alert], holds: &Holds) -> String {
    let mut columns = vec![
        ("state", Align::Left),
        ("severity", Align::Left),
        ("consumer", Align::Left),
        ("material", Align::Left),
        ("stage", Align::Left),
        ("on", Align::Left),
        ("as of", Align::Left),
        ("value", Align::Right),
        ("line", Align::Right),
        ("beyond", Align::Right),
        ("since", Align::Left),
    ];
    // The page is wide enough without a column that says nothing.
    let any_held = !holds.is_empty();
    columns.extend(any_held.then_some(("held", Align::Left)));
    let mut sheet = Sheet::new(out, &columns);
    for alert in alerts {
        let subject = alert.subject.clone().unwrap_or_default();
        let cells = [
            if alert.stale { "stale".to_owned() } else { state(alert) },
            alert.severity.clone(),
            subject.consumer,
            subject.material,
            subject.stage,
            if subject.supplier.is_empty() { alert.names.join(", ") } else { subject.supplier },
            alert.period.clone(),
            known(alert).unwrap_or_else(|| "no data".to_owned()),
            line(alert),
            beyond(alert),
            since(alert),
        ];
        let held = any_held.then(|| holds.get(&alert.id).map(held).unwrap_or_default());
        sheet.row(cells.into_iter().chain(held));
    }
    let mut text = sheet.finish();
    if alerts.iter().any(|alert| alert.certainty() == Certainty::NotConfirmed) {
        text.push_str(&format!("{NOT_CONFIRMED}\n"));
    }
    if alerts.iter().any(|alert| alert.sources_disagree && !alert.stale) {
        text.push_str(&format!("{DISAGREE}\n"));
    }
    text
}

/// Since when the line is crossed and, where the figure is another one now, at which it was.
fn since(alert: &Alert) -> String {
    let then = alert.at_transition.as_ref().filter(|then| then.period == alert.pending_since);
    let value = then.and_then(|then| then.estimate.as_ref()?.value);
    let value = value.map(|value| format!(" at {}", value_in(unit(alert), value))).unwrap_or_default();
    format!("{}{value}", alert.pending_since)
}

fn page(out: &Out, alert: &Alert, transitions: &[AlertTransition]) -> String {
    let subject = alert.subject.clone().unwrap_or_default();
    let supplier =
        if subject.supplier.is_empty() { String::new() } else { name_of(&subject.supplier).to_owned() };
    let fields = [
        ("state", format!("{} {} ({})", state(alert), alert.severity, reason_word(alert.reason()))),
        ("about", about(alert)),
        ("consumer", name_of(&subject.consumer).to_owned()),
        ("supplier", supplier),
        ("measure", subject.measure.clone()),
        ("period", alert.period.clone()),
        ("value", wording::figure(alert, unit(alert))),
        ("changed", wording::at_transition(alert, unit(alert))),
        ("because", wording::why(alert.reason()).to_owned()),
        ("sources", wording::sources(alert, unit(alert))),
        ("names", alert.names.join(", ")),
        ("line", if alert.condition.is_empty() { line(alert) } else { String::new() }),
        ("clear", alert.clear.map(|clear| value_in(unit(alert), clear)).unwrap_or_default()),
        ("beyond", beyond(alert)),
        ("when", alert.condition.clone()),
        ("found", alert.finding.clone()),
        ("certainty", wording::certainty(alert).to_owned()),
        ("before", alert.previous.map(|previous| value_in(unit(alert), previous)).unwrap_or_default()),
        ("since", alert.pending_since.clone()),
        ("fired", alert.fired_at.clone()),
        ("resolved", alert.resolved_at.clone()),
        ("cause", wording::cause(alert.cause.as_ref())),
        ("rests on", alert.releases.join(", ")),
        ("rule", format!("{}, revision {}", alert.rule, alert.rule_revision)),
        ("revised", alert.rule_change.as_ref().map(changed).unwrap_or_default()),
        ("suppliers", suppliers(alert)),
        ("owner", alert.owner.clone()),
    ];
    let mut text = format!("{}\n{}\n", out.style.bold(&alert.title), out.style.dim(&alert.id));
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("  {label:<9} {value}\n"));
    }
    if !alert.text.trim().is_empty() {
        text.push('\n');
        for line in alert.text.trim().lines() {
            text.push_str(&format!("{}\n", format!("  {line}").trim_end()));
        }
    }
    text.push_str(&format!("\n{}\n", out.style.dim("What happened")));
    for transition in transitions {
        text.push_str(&format!("  {}\n", happened(out, transition)));
    }
    text
}

/// A transition in one line.
pub(crate) fn happened(out: &Out, transition: &AlertTransition) -> String {
    let (event, alert) = alert_of(transition);
    let time = transition.time.map(|time| instant(time.seconds)).unwrap_or_default();
    let Some(alert) = alert else { return format!("{time}  {event}") };
    let padded = format!("{event:<9}");
    let painted = match &transition.event {
        Some(Event::Fired(_)) => out.style.red(&padded),
        Some(Event::Resolved(_)) => out.style.green(&padded),
        Some(Event::Pending(_) | Event::SeverityChanged(_)) => out.style.yellow(&padded),
        Some(Event::Stale(_) | Event::Restated(_)) | None => padded,
    };
    if let Some(Event::Restated(restated)) = &transition.event {
        let past = wording::restatement(&past(restated), unit(alert));
        // An earlier version did not say how the alert itself stood.
        let stays = restated.restatement.as_ref().map(|_| state_word(alert.state()));
        let stays = stays.map(|state| format!("; the alert stays {state}")).unwrap_or_default();
        return format!("{time}  {painted} {:<8} {}: {past}{stays}", alert.severity, about(alert));
    }
    let why = Some(wording::why(alert.reason())).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let told = match &transition.event {
        Some(Event::SeverityChanged(change)) => format!("{} to {}{why}", change.from, alert.severity),
        _ => format!("{}{why}", reason_word(alert.reason())),
    };
    let sure = if alert.certainty() == Certainty::NotConfirmed { ", not confirmed" } else { "" };
    format!(
        "{time}  {painted} {:<8} {} {} {} in {}: {told}{sure}",
        alert.severity,
        about(alert),
        value(alert),
        line(alert),
        alert.period
    )
}

/// What an event says of the past, as far as it says it.
fn past(restated: &AlertRestated) -> Restatement {
    let AlertRestated { period, was, is, .. } = restated.clone();
    restated.restatement.clone().unwrap_or_else(|| Restatement { period, was, is, ..Restatement::default() })
}
