//! Test data that makes alerts change: figures written directly to the exposures log, as many and as fast as
//! a test needs, in place of the exposure service; and files to ingest.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Condition, PutRuleRequest, Rule, Selector, condition::Line};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{EventLog, NewEvent, Position, StreamName};
use orewatch_tests::api::Api;
use prost::Message as _;
use uuid::Uuid;

const MATERIAL: &str = "cobalt";

/// Writes figures to the exposures log.
pub(crate) struct Feeder {
    log: Arc<dyn EventLog>,
    stream: StreamName,
    last: Position,
}

impl Feeder {
    /// Creates a feeder that writes to a log on NATS.
    pub(crate) async fn on_nats(url: &str) -> Self {
        let nats = jetstream::connect(url, JetStreamOptions::default()).await.expect("NATS answers");
        let log = nats.open("exposures").await.expect("the log opens");
        let stream = StreamName::new(format!("exposures.{MATERIAL}")).expect("a name");
        let last = log.last(&stream).await.expect("the log answers");
        Self { log, stream, last }
    }

    /// Publishes the share of China in the imports of a consumer for consecutive years, as one release.
    /// Returns the position of its last event.
    pub(crate) async fn publish(&mut self, consumer: &str, first_year: u32, shares: &[f64]) -> Position {
        let cause = Cause {
            kind: CauseKind::ReleaseCommitted.into(),
            release: format!("fed/{}", self.last + 1),
            position: self.last + 1,
            time: None,
        };
        let years = (first_year..).zip(shares);
        let mut events: Vec<NewEvent> = years
            .map(|(year, share)| {
                event("ExposuresChanged", change(consumer, year, *share, &cause).encode_to_vec())
            })
            .collect();
        let applied = ReleaseApplied {
            material: MATERIAL.to_owned(),
            cause: Some(cause),
            changed: 1,
            markets: 1,
            ..ReleaseApplied::default()
        };
        events.push(event("ReleaseApplied", applied.encode_to_vec()));
        let appended = self.log.append(&self.stream, self.last, events).await.expect("the log takes it");
        self.last = appended.last().copied().expect("a position");
        self.last
    }
}

fn event(kind: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        kind: format!("orewatch.exposure.v1.{kind}"),
        time: Timestamp::UNIX_EPOCH,
        data: data.into(),
        traceparent: None,
    }
}

fn change(consumer: &str, year: u32, share: f64, cause: &Cause) -> ExposuresChanged {
    let columns = ExposureColumns {
        consumers: vec![consumer.to_owned()],
        suppliers: vec![String::new(), "CHN".to_owned()],
        measures: vec!["import-share/1".to_owned()],
        names: vec![String::new()],
        consumer: vec![0],
        supplier: vec![1],
        measure: vec![0],
        name: vec![0],
        value: vec![share],
        gone: vec![false],
        ..ExposureColumns::default()
    };
    let [material, stage, period] = [MATERIAL.to_owned(), "refined".to_owned(), year.to_string()];
    ExposuresChanged {
        market: Some(Market { material, stage, period }),
        cause: Some(cause.clone()),
        columns: Some(columns),
        releases: vec![cause.release.clone()],
        ..ExposuresChanged::default()
    }
}

/// Puts the rule that figures of the feeder cross: more than 65 % from China.
pub(crate) async fn put_rule(api: &Api) {
    let rule = Rule {
        id: "fed".to_owned(),
        title: "More than 65 % from China".to_owned(),
        measure: "import-share".to_owned(),
        select: Some(Selector { suppliers: vec!["CHN".to_owned()], ..Selector::default() }),
        when: Some(Condition { line: Some(Line::Above(0.65)), ..Condition::default() }),
        ..Rule::default()
    };
    let request = PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() };
    api.alerting.clone().put_rule(request).await.expect("the rule is put");
}

/// Shares that cross the line and clear again, year by year. Each causes one transition.
pub(crate) fn swings(count: usize) -> Vec<f64> {
    [0.9, 0.3].into_iter().cycle().take(count).collect()
}

/// Trade in which China has the largest share in some years and a small one in others. Some alerts are always
/// open, and each vintage opens other ones.
pub(crate) fn trade(vintage: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: outside\n# vintage: {vintage}\n# publisher: Test\n# licence: CC0-1.0\n\
         # published: 2025\n# hs: HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n"
    );
    for year in 2020..=2024 {
        for (at, importer) in (0..).zip(["DEU", "JPN", "USA"]) {
            let most = if u32::is_multiple_of(year + vintage + at, 2) { 900 } else { 10 };
            text +=
                &format!("{year},CHN,{importer},250410,300,{most}\n{year},BRA,{importer},250410,300,100\n");
        }
    }
    text
}
