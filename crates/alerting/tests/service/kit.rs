//! Exposures made by hand, and a service to feed them to.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_alerting::{Config, Logs, start};
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{Cause, CauseKind, Market, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::{Event, EventLog, Filter, Item, NewEvent, StreamName, embedded};
use orewatch_rules::alert::alert_of;
use orewatch_rules::facts::rule_stream;
use orewatch_rules::rules::packs::pack;
use orewatch_rules::rules::parse;
use orewatch_runtime::{Clock, Context};
use prost::Message as _;
use tempfile::TempDir;
use tonic::service::Routes;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

/// A clock that stands still: what a service appends depends on nothing but its logs.
#[derive(Debug)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
}

/// The two logs in a directory.
pub(crate) struct Desk {
    pub(crate) exposures: Arc<dyn EventLog>,
    pub(crate) alerts: Arc<dyn EventLog>,
    _dir: Option<TempDir>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path, log| embedded::open(path, log).unwrap();
        Self { exposures: open(dir.path(), "exposures"), alerts: open(dir.path(), "alerts"), _dir: Some(dir) }
    }

    /// On logs that are somewhere else.
    pub(crate) fn on(logs: Logs) -> Self {
        Self { exposures: logs.exposures, alerts: logs.alerts, _dir: None }
    }

    pub(crate) fn logs(&self) -> Logs {
        Logs { exposures: Arc::clone(&self.exposures), alerts: Arc::clone(&self.alerts) }
    }

    pub(crate) async fn start(&self) -> Service {
        Service::start(self.logs()).await
    }

    /// All of the alerts log.
    pub(crate) async fn recorded(&self) -> Vec<Event> {
        read(&*self.alerts).await
    }

    /// How many events of a kind there are on the alerts log.
    pub(crate) async fn count(&self, kind: &str) -> usize {
        self.recorded().await.iter().filter(|event| event.kind.ends_with(kind)).count()
    }

    /// What the log says of evaluations that are complete.
    pub(crate) async fn evaluated(&self) -> Vec<ExposuresEvaluated> {
        let facts = self.recorded().await;
        let facts = facts.iter().filter_map(|event| AlertEvent::read(event).unwrap());
        facts
            .filter_map(|fact| if let AlertEvent::ExposuresEvaluated(one) = fact { Some(one) } else { None })
            .collect()
    }

    /// All transitions on the alerts log, in order, as `KIND ALERT PERIOD REASON`.
    pub(crate) async fn transitions(&self) -> Vec<String> {
        let events = self.recorded().await;
        events.iter().filter_map(|event| AlertEvent::read(event).unwrap()).filter_map(line).collect()
    }

    /// Appends a release's changes to a material, and that it is applied. Returns the position of the latter.
    pub(crate) async fn publish(&self, material: &str, release: &str, changes: Vec<Change>) -> u64 {
        let stream = StreamName::new(format!("exposures.{material}")).unwrap();
        let expected = self.exposures.last(&stream).await.unwrap();
        let cause = cause(release, expected + 1);
        let changes = changes.iter().map(|change| change.event(material, release, &cause)).collect();
        self.append(&stream, expected, changes, cause.clone()).await
    }

    /// The same for one figure of China with its bounds: best estimate, low, high.
    pub(crate) async fn publish_banded(
        &self,
        material: &str,
        consumer: &'static str,
        year: u16,
        [value, low, high]: [f64; 3],
    ) -> u64 {
        let stream = StreamName::new(format!("exposures.{material}")).unwrap();
        let expected = self.exposures.last(&stream).await.unwrap();
        let cause = cause("banded", expected + 1);
        let mut change = shares(consumer, "refined", &[(year, value)]).remove(0);
        change.rows.truncate(1);
        let mut event = change.event(material, "banded", &cause);
        let columns = event.columns.as_mut().unwrap();
        (columns.low, columns.high) = (vec![low], vec![high]);
        columns.status = vec![Status::Partial.into()];
        columns.reasons = vec![String::new(), "a flow has no quantity".to_owned()];
        columns.reason = vec![1];
        self.append(&stream, expected, vec![event], cause).await
    }

    /// The same for figures some of whose amounts are not known.
    pub(crate) async fn publish_partial(&self, material: &str, change: Change) -> u64 {
        let stream = StreamName::new(format!("exposures.{material}")).unwrap();
        let expected = self.exposures.last(&stream).await.unwrap();
        let cause = cause("partial", expected + 1);
        let mut event = change.event(material, "partial", &cause);
        let columns = event.columns.as_mut().unwrap();
        columns.status = vec![Status::Partial.into(); columns.value.len()];
        self.append(&stream, expected, vec![event], cause).await
    }

    /// Appends figures of import shares at a stage that something made change, period by period. Returns the
    /// position.
    pub(crate) async fn publish_for(
        &self,
        kind: CauseKind,
        material: &str,
        release: &str,
        periods: &[(&str, Vec<Cell>)],
    ) -> u64 {
        let stream = StreamName::new(format!("exposures.{material}")).unwrap();
        let expected = self.exposures.last(&stream).await.unwrap();
        let cause = Cause { kind: kind.into(), ..cause(release, expected + 1) };
        let event = |(period, cells): &(&str, Vec<Cell>)| {
            let market = Market {
                material: material.to_owned(),
                stage: "refined".to_owned(),
                period: (*period).to_owned(),
            };
            ExposuresChanged {
                market: Some(market),
                cause: Some(cause.clone()),
                columns: Some(columns(cells)),
                releases: vec![release.to_owned()],
                ..ExposuresChanged::default()
            }
        };
        self.append(&stream, expected, periods.iter().map(event).collect(), cause.clone()).await
    }

    /// Records a rule as it is, unchecked.
    pub(crate) async fn record_rule(&self, rule: Rule) {
        let stream = rule_stream(&rule.id).unwrap();
        let put = RulePut { rule: Some(rule), revision: 1, actor: "tester".to_owned(), ..RulePut::default() };
        let event = NewEvent {
            kind: "orewatch.alerting.v1.RulePut".to_owned(),
            ..new_event("ExposuresChanged", put.encode_to_vec())
        };
        self.alerts.append(&stream, 0, vec![event]).await.unwrap();
    }

    pub(crate) async fn append(
        &self,
        stream: &StreamName,
        expected: u64,
        changes: Vec<ExposuresChanged>,
        cause: Cause,
    ) -> u64 {
        let material = stream.as_str().trim_start_matches("exposures.").to_owned();
        let mut events: Vec<NewEvent> =
            changes.iter().map(|change| new_event("ExposuresChanged", change.encode_to_vec())).collect();
        let changed = changes.len() as u64;
        let applied =
            ReleaseApplied { material, cause: Some(cause), changed, markets: 1, ..ReleaseApplied::default() };
        events.push(new_event("ReleaseApplied", applied.encode_to_vec()));
        *self.exposures.append(stream, expected, events).await.unwrap().last().unwrap()
    }
}

fn cause(release: &str, position: u64) -> Cause {
    let kind = CauseKind::ReleaseCommitted.into();
    Cause { kind, release: release.to_owned(), position, time: None }
}

fn new_event(kind: &str, data: Vec<u8>) -> NewEvent {
    let kind = format!("orewatch.exposure.v1.{kind}");
    NewEvent { id: Uuid::now_v7(), kind, time: Still.now(), data: data.into(), traceparent: None }
}

/// All events of a log.
pub(crate) async fn read(log: &dyn EventLog) -> Vec<Event> {
    let mut items = log.read(Filter::All, 0);
    let mut events = Vec::new();
    loop {
        match items.next().await.unwrap().unwrap() {
            Item::Event(event) => events.push(event),
            Item::CaughtUp(_) => return events,
        }
    }
}

fn line(fact: AlertEvent) -> Option<String> {
    fact.into_transition().map(|transition| describe(&transition))
}

/// A transition as `KIND ALERT PERIOD REASON`.
pub(crate) fn describe(transition: &Transition) -> String {
    let kind = AlertEvent::from(transition.clone()).kind().message_name().trim_start_matches("Alert");
    let alert = alert_of(transition).unwrap();
    let reason = alert.reason().as_str_name().trim_start_matches("REASON_");
    // Of the past it tells the period that it speaks of, not the one at which the alert stands.
    let period = match transition {
        Transition::Restated(restated) => &restated.period,
        _ => &alert.period,
    };
    format!("{kind} {} {period} {reason}", alert.id)
}

/// An import share of a consumer from a supplier, whatever is to be said of it.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) consumer: &'static str,
    pub(crate) supplier: &'static str,
    pub(crate) value: Option<f64>,
    pub(crate) status: Status,
    pub(crate) gone: bool,
    /// How many datasets can give it; the lowest and the highest of their figures.
    pub(crate) sources: (u32, f64, f64),
}

/// A share from China that is known.
pub(crate) fn known_share(consumer: &'static str, value: f64) -> Cell {
    let status = Status::Known;
    Cell {
        consumer,
        supplier: "CHN",
        value: Some(value),
        status,
        gone: false,
        sources: (0, f64::NAN, f64::NAN),
    }
}

/// A share from China that several datasets give: how many, and the lowest and the highest.
pub(crate) fn from_sources(consumer: &'static str, value: f64, sources: (u32, f64, f64)) -> Cell {
    Cell { sources, ..known_share(consumer, value) }
}

/// A share from China that has no value.
pub(crate) fn without(consumer: &'static str, status: Status) -> Cell {
    Cell { value: None, status, ..known_share(consumer, 0.0) }
}

/// A share from China that has ceased to exist.
pub(crate) fn gone(consumer: &'static str) -> Cell {
    Cell { gone: true, ..without(consumer, Status::Unavailable) }
}

fn columns(cells: &[Cell]) -> ExposureColumns {
    let datasets = ["", "comtrade", "baci"].map(str::to_owned).to_vec();
    let mut columns = ExposureColumns {
        suppliers: vec![String::new()],
        measures: vec!["import-share/1".to_owned()],
        datasets,
        ..ExposureColumns::default()
    };
    for (k, cell) in (0..).zip(cells) {
        columns.consumers.push(cell.consumer.to_owned());
        columns.suppliers.push(cell.supplier.to_owned());
        columns.consumer.push(k);
        columns.supplier.push(k + 1);
        columns.measure.push(0);
        columns.value.push(cell.value.unwrap_or(f64::NAN));
        columns.status.push(cell.status.into());
        columns.gone.push(cell.gone);
        let (sources, lowest, highest) = cell.sources;
        columns.sources.push(sources);
        columns.lowest.push(lowest);
        columns.highest.push(highest);
        columns.lowest_dataset.push(u32::from(sources > 1));
        columns.highest_dataset.push(if sources > 1 { 2 } else { 0 });
    }
    columns
}

/// Figures of one measure in one market.
pub(crate) struct Change {
    pub(crate) stage: &'static str,
    pub(crate) period: String,
    pub(crate) measure: &'static str,
    /// Consumer, supplier, value; no value: the figure has ceased to exist.
    pub(crate) rows: Vec<(&'static str, &'static str, Option<f64>)>,
}

impl Change {
    fn event(&self, material: &str, release: &str, cause: &Cause) -> ExposuresChanged {
        let mut columns = ExposureColumns {
            suppliers: vec![String::new()],
            measures: vec![self.measure.to_owned()],
            names: vec![String::new(), "CHN,RUS".to_owned()],
            ..ExposureColumns::default()
        };
        for (k, (consumer, supplier, value)) in (0..).zip(&self.rows) {
            columns.consumers.push((*consumer).to_owned());
            columns.suppliers.push((*supplier).to_owned());
            columns.consumer.push(k);
            columns.supplier.push(if supplier.is_empty() { 0 } else { k + 1 });
            columns.measure.push(0);
            columns.name.push(u32::from(self.measure.contains("top")));
            columns.value.push(value.unwrap_or(f64::NAN));
            columns.gone.push(value.is_none());
        }
        let [material, stage, period] = [material, self.stage, &self.period].map(str::to_owned);
        ExposuresChanged {
            market: Some(Market { material, stage, period }),
            cause: Some(cause.clone()),
            columns: Some(columns),
            releases: vec![release.to_owned()],
            ..ExposuresChanged::default()
        }
    }
}

/// Import shares of China, with another supplier for the rest, year by year.
pub(crate) fn shares(consumer: &'static str, stage: &'static str, years: &[(u16, f64)]) -> Vec<Change> {
    let change = |(year, share): &(u16, f64)| Change {
        stage,
        period: year.to_string(),
        measure: "import-share/1",
        rows: vec![(consumer, "CHN", Some(*share)), (consumer, "VNM", Some(1.0 - share))],
    };
    years.iter().map(change).collect()
}

/// The world's largest producer's share.
pub(crate) fn top1(year: u16, share: f64) -> Change {
    let rows = vec![("WLD", "", Some(share))];
    Change { stage: "mined", period: year.to_string(), measure: "production-top1/1", rows }
}

/// A rule over China's import share above 65 %, cleared below 60 %, with what is added to it.
pub(crate) fn china_rule(id: &str, more: &str) -> Rule {
    let text = format!(
        "id: {id}\ntitle: China\nmeasure: import-share\nselect: {{supplier: CHN}}\n\
         when: {{above: 0.65, clear: 0.6}}\n{more}\n"
    );
    parse("rule.yaml", text.as_bytes()).unwrap().remove(0)
}

/// Rules of a pack that ships with the program.
pub(crate) fn pack_rule(name: &str, id: &str) -> Rule {
    let rules = parse(name, pack(name).unwrap().text.as_bytes()).unwrap();
    rules.into_iter().find(|rule| rule.id == id).unwrap()
}

/// A running service.
pub(crate) struct Service {
    pub(crate) client: AlertingServiceClient<Routes>,
    pub(crate) context: Context,
}

impl Service {
    pub(crate) async fn start(logs: Logs) -> Self {
        let (health, _server) = tonic_health::server::health_reporter();
        Self::start_in(Context::new(Arc::new(Still), health), logs).await
    }

    /// A service that is asked how it is beside everything else.
    pub(crate) async fn start_healthy(logs: Logs) -> (Self, HealthClient<Routes>) {
        let (health, server) = tonic_health::server::health_reporter();
        let context = Context::new(Arc::new(Still), health);
        let mut routes = Routes::builder();
        routes.add_service(server);
        start(context.clone(), logs, Config::default(), &mut routes).await.unwrap();
        let routes = routes.routes().prepare();
        let health = HealthClient::new(routes.clone());
        (Self { client: AlertingServiceClient::new(routes), context }, health)
    }

    pub(crate) async fn start_in(context: Context, logs: Logs) -> Self {
        Self::start_with(context, logs, Config::default()).await
    }

    pub(crate) async fn start_with(context: Context, logs: Logs, config: Config) -> Self {
        let mut routes = Routes::builder();
        start(context.clone(), logs, config, &mut routes).await.unwrap();
        Self { client: AlertingServiceClient::new(routes.routes().prepare()), context }
    }

    pub(crate) async fn stop(self) {
        self.context.shutdown.cancel();
        self.context.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), self.context.tasks.wait()).await.expect("stops");
        assert_eq!(self.context.failure(), None);
    }

    pub(crate) async fn put(&mut self, rule: Rule) -> PutRuleResponse {
        let request = PutRuleRequest { rule: Some(rule), actor: "tester".to_owned(), ..Default::default() };
        self.client.put_rule(request).await.unwrap().into_inner()
    }

    pub(crate) async fn list(&mut self, filter: AlertFilter) -> ListAlertsResponse {
        let request = ListAlertsRequest { filter: Some(filter), ..ListAlertsRequest::default() };
        self.client.list_alerts(request).await.unwrap().into_inner()
    }

    /// Alerts in any state.
    pub(crate) async fn all(&mut self) -> Vec<Alert> {
        let states = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
        self.list(AlertFilter { states: states.map(i32::from).to_vec(), ..AlertFilter::default() })
            .await
            .alerts
    }

    /// Waits until everything up to a position of the exposures log has been evaluated by all rules.
    pub(crate) async fn evaluated(&mut self, position: u64) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            assert_eq!(self.context.failure(), None);
            let evaluated = self.list(AlertFilter::default()).await.evaluated_position;
            if evaluated >= position {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "evaluated up to {evaluated} of {position}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn history(&mut self, alert: &str) -> Vec<Transition> {
        let request = GetAlertRequest { alert: alert.to_owned() };
        let response = self.client.get_alert(request).await.unwrap().into_inner();
        response.transitions.into_iter().map(|transition| transition.event.unwrap()).collect()
    }
}
